/** The phone numbers of people for text messages. Writes: phones. */
import type { Caller } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { codeMinutes, wrongCodesAtMost } from "./codes.ts"

export interface PhoneRow {
  readonly number: string | null
  readonly verifiedAt: Date | null
  /** A number that waits for its code; null also when the code has ended. */
  readonly wanted: string | null
  readonly codeExpiresAt: Date | null
}

export async function findPhone(db: Queryable, caller: Caller): Promise<PhoneRow | undefined> {
  const [row] = await db<PhoneRow[]>`
    select p.number, p.verified_at as "verifiedAt",
           case when p.code_expires_at > t.now then p.wanted end as wanted,
           case when p.code_expires_at > t.now then p.code_expires_at end as "codeExpiresAt"
    from slotbase.phones p cross join (select slotbase.now() as now) t
    where p.user_id = ${caller.userId}`
  return row
}

/** A newer code ends the one before. Answers when the code ends. */
export async function wantPhone(tx: Tx, caller: Caller, number: string, codeId: string): Promise<Date> {
  const [row] = await tx<[{ endsAt: Date }]>`
    insert into slotbase.phones as p (user_id, wanted, code_id, code_expires_at)
    values (${caller.userId}, ${number}, ${codeId}, slotbase.now() + make_interval(mins => ${codeMinutes}))
    on conflict (user_id) do update
    set wanted = excluded.wanted, code_id = excluded.code_id, code_expires_at = excluded.code_expires_at, wrong_codes = 0
    returning code_expires_at as "endsAt"`
  return row.endsAt
}

/**
 * Counts a try of the open code, and answers the code's id; undefined when none is open. Every try is counted before it
 * is compared, so tries at once cannot be more than their number.
 */
export async function countTry(db: Queryable, caller: Caller): Promise<string | undefined> {
  const [row] = await db<{ codeId: string }[]>`
    update slotbase.phones set wrong_codes = wrong_codes + 1
    where user_id = ${caller.userId} and code_expires_at > slotbase.now() and wrong_codes < ${wrongCodesAtMost}
    returning code_id as "codeId"`
  return row?.codeId
}

/** The wanted number is the person's own from now on. Undefined: the code has ended, or a newer one took its place. */
export async function takeWanted(
  tx: Tx,
  caller: Caller,
  codeId: string,
): Promise<{ number: string; verifiedAt: Date; before: string | null } | undefined> {
  const [row] = await tx<{ number: string; verifiedAt: Date; before: string | null }[]>`
    with old as materialized (
      select user_id, number from slotbase.phones
      where user_id = ${caller.userId} and code_id = ${codeId} and code_expires_at > slotbase.now()
      for update
    )
    update slotbase.phones p
    set number = p.wanted, verified_at = slotbase.now(), wanted = null, code_id = null, code_expires_at = null, wrong_codes = 0
    from old
    where p.user_id = old.user_id
    returning p.number, p.verified_at as "verifiedAt", old.number as before`
  return row
}

/** Answers the number that was removed, verified or not; undefined: there was none. */
export async function deletePhone(tx: Tx, caller: Caller): Promise<string | undefined> {
  const [row] = await tx<{ number: string }[]>`
    delete from slotbase.phones where user_id = ${caller.userId} returning coalesce(number, wanted) as number`
  return row?.number
}
