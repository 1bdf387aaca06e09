/**
 * Settling sends, many in a statement, through functions of sql/0050-messages.sql that write message_queue and
 * notifications. A message that was given up becomes a dead letter of NotificationHandler for its event, which says
 * what to do. An address that is dead for good is marked.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import { log } from "#base/log.ts"
import type { ChannelName, SendFailed } from "#outbound/messages/channels/channel.ts"
import type { ClaimedMessage } from "./claim.ts"

/** The end of a send. */
export interface SendEnd {
  readonly message: ClaimedMessage
  /** deferred: tried again. skipped: the send was not begun after all. */
  readonly how: "sent" | "skipped" | "refused" | "deferred"
  /** The last answer, or why it was skipped. */
  readonly reason?: string
  /** False: the message may have arrived. */
  readonly known?: boolean
  /** Another try will hardly help. */
  readonly permanent?: boolean
  /** Not tried again before, milliseconds. */
  readonly retryAfterMs?: number
  /** The address takes nothing for good. */
  readonly addressIsDead?: boolean
  /** The service spoke about this message alone, so it works. */
  readonly answered?: boolean
  /** What was said against the sender or the service. */
  readonly against?: SendFailed
}

/** A message that nobody will try again by itself. */
export interface GivenUp {
  readonly id: string
  readonly facility_id: string
  readonly event_id: string
  readonly channel: ChannelName
  readonly reason: string | null
}

/** Answers when each was marked. A message that is not in the answer was settled before. */
export async function settleSent(
  db: Queryable,
  sent: readonly ClaimedMessage[],
): Promise<ReadonlyMap<ClaimedMessage, Date>> {
  const rows = await db<{ id: string; sent_at: Date }[]>`
    select id, sent_at from slotbase.settle_sent(${sent.map(({ id }) => id)}::uuid[], ${sent.map((each) => each.facility_id)}::uuid[],
      ${sent.map(({ reach }) => reach)}::text[])`
  const times = new Map(rows.map(({ id, sent_at }) => [id, sent_at]))
  return new Map(
    sent.flatMap((message) => {
      const at = times.get(message.id)
      return at === undefined ? [] : [[message, at] as const]
    }),
  )
}

/** @param random between 0 and 1 */
export async function settleUnsent(db: Db, ends: readonly SendEnd[], random = Math.random): Promise<void> {
  if (ends.length === 0) return
  const rows = ends.map(({ message: { id, facility_id, lease }, how, reason = "", ...more }) => ({
    id,
    facility_id,
    lease,
    how,
    reason: reason.slice(0, longestReason),
    known: more.known ?? true,
    permanent: more.permanent ?? false,
    least_ms: more.retryAfterMs ?? 0,
    random: random(),
  }))
  await db.begin(async (tx) => {
    await giveUp(tx, await tx<GivenUp[]>`select * from slotbase.settle_unsent(${JSON.stringify(rows)}::text::json)`)
  })
}

/** Characters of an answer that the row keeps. */
const longestReason = 1_000
/** Messages in one statement. */
const batch = 500

interface Freed extends GivenUp {
  readonly was_given_up: boolean
}

/** While the service is held, what is ready waits for the end of the hold. */
export async function holdMessages(db: Db, channel: ChannelName, heldMs: number, answer: string): Promise<void> {
  const reason = `${channel === "email" ? "mail is" : `${channel} messages are`} held: ${answer}`
  await everyBatch(
    db,
    (tx) => tx<Freed[]>`select * from slotbase.hold_messages(${channel}, ${heldMs}, ${reason}, ${batch})`,
  )
}

/** Frees what expired processes had claimed. Answers how many messages that were. */
export const freeAbandoned = (db: Db, owner: number): Promise<number> =>
  everyBatch(db, (tx) => tx<Freed[]>`select * from slotbase.free_messages(${owner}, ${batch})`)

async function everyBatch(db: Db, some: (tx: Queryable) => PromiseLike<readonly Freed[]>): Promise<number> {
  for (let sum = 0; ; ) {
    const freed = await db.begin(async (tx) => {
      const rows = await some(tx)
      await giveUp(
        tx,
        rows.filter((row) => row.was_given_up),
      )
      return rows.length
    })
    sum += freed
    if (freed < batch) return sum
  }
}

/** The message was sent, and what should follow in the same transaction failed. */
export const settleSentInVain = (db: Db, message: ClaimedMessage, cause: unknown): Promise<void> =>
  db.begin(async (tx) => {
    await settleSent(tx, [message])
    const said = cause instanceof Error ? cause.message : String(cause)
    await deadLetter(tx, message, `was sent, and what follows from it failed: ${said}`, "effect_failed")
  })

async function giveUp(tx: Queryable, messages: readonly GivenUp[]): Promise<void> {
  for (const message of messages)
    await deadLetter(tx, message, `was given up: ${message.reason}. ${whatToDo}`, "message_given_up")
}

async function deadLetter(
  tx: Queryable,
  { id, event_id, facility_id, channel }: Pick<GivenUp, "id" | "event_id" | "facility_id" | "channel">,
  what: string,
  code: string,
): Promise<void> {
  const error = {
    eventId: event_id,
    handlerName: "NotificationHandler",
    error: { message: `${channel} message ${id} ${what}`, code },
    attemptCount: 1,
    maxRetries: 0,
    status: "dead_letter",
  }
  await tx`select slotbase.dead_letter_of_messages(${event_id}, ${facility_id}, ${JSON.stringify(error)}::text::jsonb)`
  log.error("dead letter made", { handler: "NotificationHandler", event: event_id, notification: id })
}

const whatToDo =
  "See to what the answer names, such as the person's address or the account at the service. Then reprocess this dead letter: only the messages that were given up are sent again."
