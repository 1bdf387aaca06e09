/**
 * Works off replays: a batch is one transaction, which puts deliveries into the queue and moves the replay's cursor. A
 * process that crashes leaves the cursor of the last batch. Deliveries become due one after the other, at the replay's
 * rate. A replay waits while many of its earlier deliveries do.
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { type FailedKey, putBackDeliveries } from "#outbound/webhooks/deliveries/put-back.ts"
import { queueAgain } from "#outbound/webhooks/deliveries/resend.ts"
import { type MatchedEvent, matchedEvents, matchedFailures, type Range, walked } from "./matched.ts"
import { advance, type BatchDone, endReplay, lockForBatch, putOff, type ReplayRow } from "./rows.ts"

/** Deliveries per batch: under 100 ms. */
const maxBatch = 500
/** Positions that a batch reads at most; most of them may be of other types. */
const maxWalked = 5_000
/** A batch is what leaves in so many seconds. */
const secondsAhead = 2
/** Deliveries of a replay in the queue: with a receiver that is away, the rest waits outside of the queue. */
export const maxWaiting = 2_000

/** How a batch of a kind is made; dead letters have theirs in another room. */
export type MakeBatch = (tx: Tx, replay: ReplayRow, take: number, from: Date) => Promise<BatchDone>

/** One batch of one replay. True when there was one. */
export async function workOff(db: Db, facilityId: string, id: string, others?: MakeBatch): Promise<boolean> {
  const worked = await db.begin(async (tx) => {
    const replay = await lockForBatch(tx, facilityId, id)
    if (!replay) return false
    if (replay.kind !== "dead_letters" && !(await hasWebhook(tx, replay))) {
      await endReplay(tx, replay, "cancelled", { reason: "The webhook was deleted." })
      return true
    }
    const waiting = await countWaiting(tx, replay)
    if (replay.status === "sending" && waiting === 0) await endReplay(tx, replay, "completed")
    else if (replay.status === "sending" || waiting >= maxWaiting) await putOff(tx, replay)
    else {
      const make = makers[replay.kind] ?? others
      if (make === undefined) throw new Error(`nobody works off replays of the kind ${replay.kind}`)
      const take = Math.min(maxBatch, Math.max(1, replay.rate_per_second * secondsAhead))
      const [clock] = await tx<[{ from: Date }]>`select greatest(slotbase.now(), ${replay.paced_to}) as from`
      const done = await make(tx, replay, take, clock.from)
      reached("replay-queued")
      await advance(tx, replay, done)
    }
    return true
  })
  reached("replay-advanced")
  return worked
}

/** Locked, so that the webhook is not deleted meanwhile. */
async function hasWebhook(tx: Tx, { webhook_id, facility_id }: ReplayRow): Promise<boolean> {
  const { count } = await tx`
    select from slotbase.webhooks
    where id = ${webhook_id} and facility_id = ${facility_id} and deleted_at is null for no key update`
  return count === 1
}

async function countWaiting(tx: Tx, { webhook_id, facility_id, number, kind }: ReplayRow): Promise<number> {
  if (kind === "dead_letters") return 0
  const [row] = await tx<[{ count: number }]>`
    select count(*) from (
      select from slotbase.delivery_queue
      where webhook_id = ${webhook_id} and facility_id = ${facility_id}
        ${kind === "events" ? tx`and replay > 0 and replay = ${number}` : tx`and ready_at is not null`}
      limit ${maxWaiting}) q`
  return row.count
}

const rangeOf = (replay: ReplayRow): Range => ({
  facilityId: replay.facility_id,
  webhookId: replay.webhook_id ?? "",
  types: replay.types,
  since: replay.since,
  until: replay.until,
  includeUnsubscribed: replay.include_unsubscribed,
})

const queueEvents: MakeBatch = async (tx, replay, take, from) => {
  const [found] = await tx<[{ walked: number; last: number | null; events: readonly MatchedEvent[] | null }]>`
    with walked as materialized (
      ${walked(tx, replay.facility_id, { after: replay.cursor_position, end: replay.end_position, most: maxWalked })}
    ), wanted as materialized (
      select m.* from (${matchedEvents(tx, rangeOf(replay))}) m
      where not exists (select from slotbase.delivery_queue
                        where webhook_id = ${replay.webhook_id} and facility_id = ${replay.facility_id}
                          and position = m.position and replay = ${replay.number})
        and not exists (select from slotbase.delivery_history
                        where webhook_id = ${replay.webhook_id} and facility_id = ${replay.facility_id}
                          and event_id = m.event_id and replay = ${replay.number})
      order by m.position limit ${take}
    )
    select (select count(*) from walked) as walked, (select max(position) from walked) as last,
           (select json_agg(wanted order by position) from wanted) as events`
  const number = replay.number ?? 0
  const events = (found.events ?? []).map(({ position, event_id, sequence }) => ({
    position,
    event_id,
    sequence,
    number,
  }))
  const queued = await queueAgain(tx, replay.facility_id, replay.webhook_id ?? "", {
    events,
    pace: { from, perSecond: replay.rate_per_second },
  })
  const isFull = events.length === take
  const cursor = isFull ? events.at(-1)?.position : found.last
  return {
    queued: queued.length,
    ...(cursor != null && { cursorPosition: cursor }),
    atEnd: !isFull && found.walked < maxWalked,
  }
}

const queueFailures: MakeBatch = async (tx, replay, take, from) => {
  const cursor = { event: replay.cursor_id, replay: replay.cursor_position, diedBefore: replay.created_at }
  const keys = await tx<FailedKey[]>`
    ${matchedFailures(tx, rangeOf(replay), cursor)} order by k.event_id, k.replay limit ${take}`
  const pace = { from, perSecond: replay.rate_per_second }
  const moved = await putBackDeliveries(tx, replay.created_by, keys, pace)
  const last = keys.at(-1)
  return {
    queued: moved.length,
    skipped: keys.length - moved.length,
    ...(last && { cursorId: last.event_id, cursorPosition: last.replay }),
    atEnd: keys.length < take,
  }
}

const makers: Partial<Record<ReplayRow["kind"], MakeBatch>> = { events: queueEvents, failed: queueFailures }
