/**
 * Addresses that take no mail for good. Nothing is mailed there until staff clear the address, or the person gives
 * another one. A mailbox that is full, a message that is refused, and an answer about the sender do not count.
 * Writes: undeliverable_addresses.
 */
import type { Queryable } from "#base/database/db.ts"

/**
 * Whether an enhanced status code (RFC 3463) says that an address is dead. It was never right (5.1.1 to 5.1.3, 5.1.10).
 * Or its owner has moved without a forward (5.1.6), or its mailbox is disabled (5.2.1).
 */
export const isDeadAddress = (status: string): boolean => /^5\.(?:1\.(?:1|2|3|6|10)|2\.1)$/.test(status)

/** The enhanced status code in an answer of a server; undefined: it has none. */
export const statusIn = (answer: string): string | undefined =>
  /(?:^|\D)([245]\.\d{1,3}\.\d{1,3})(?:\D|$)/.exec(answer)?.[1]

export interface DeadAddress {
  readonly address: string
  readonly facility_id: string
  /** The message that found it out. */
  readonly id: string
  readonly answer: string
}

/** The first report stays. */
export async function markUndeliverable(
  db: Queryable,
  { address, facility_id, id, answer }: DeadAddress,
): Promise<void> {
  const status = statusIn(answer)
  if (address === "" || status === undefined || !status.startsWith("5.")) return
  await db`
    insert into slotbase.undeliverable_addresses (address, facility_id, message_id, status, answer)
    values (${address.toLowerCase()}, ${facility_id}, ${id}, ${status}, ${answer.slice(0, longestAnswer)})
    on conflict (address) do nothing`
}

/** Mail goes to the address again. Answers whether it was marked. */
export async function clearUndeliverable(db: Queryable, address: string): Promise<boolean> {
  const { count } = await db`delete from slotbase.undeliverable_addresses where address = ${address.toLowerCase()}`
  return count > 0
}

/** Characters. */
const longestAnswer = 500
