/**
 * What a receiver misses. The sequence of a webhook is dense, so the numbers that a receiver has say which ones it has
 * not. Each missing number is named with its event and its state, and can be sent again.
 */
import * as Schema from "effect/Schema"
import type { Caller } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { cursorOf } from "#base/schema/page.ts"
import { noteChange } from "#events/audit.ts"
import { putBackDeliveries } from "./put-back.ts"
import { resendEvents } from "./resend.ts"
import { countOf, gapsOf, numbersIn, rangesOf } from "./sequence-ranges.ts"

export interface ContinuityQuery {
  readonly have: string
  readonly limit: number
  /** The last number of the page before. */
  readonly after: number | undefined
}

const optional = Schema.optionalKey
const MissingDelivery = Schema.Struct({
  sequence: Schema.Int,
  status: Schema.Literals(["pending", "delivered", "dead", "gone"]).annotate({
    description:
      "pending: on its way; delivered: a receiver answered 2xx; dead: its retries are used up; gone: older than what is kept",
  }),
  deliveryId: optional(Schema.String),
  eventId: optional(Schema.String),
  eventType: optional(Schema.String),
  position: optional(Schema.Int),
})

const counts = {
  lastSequence: Schema.Int.annotate({ description: "the last number that was given" }),
  contiguousUpTo: Schema.Int.annotate({ description: "every number up to this one is there" }),
  missingCount: Schema.Int,
  unknown: optional(Schema.String).annotateKey({
    description: "numbers of the request that were never given, such as those of another log",
  }),
}
export const Continuity = Schema.Struct({
  ...counts,
  data: Schema.Array(MissingDelivery).annotate({ description: "what is missing, the lowest numbers first" }),
  next: Schema.NullOr(Schema.String),
})
export type Continuity = typeof Continuity.Type

export const HealedContinuity = Schema.Struct({
  ...counts,
  resent: Schema.Int.annotate({ description: "delivered ones that are sent again" }),
  putBack: Schema.Int.annotate({ description: "dead ones that have all their retries again" }),
  pending: Schema.Int.annotate({ description: "on their way already" }),
  gone: Schema.Int,
  next: Schema.NullOr(Schema.String).annotate({ description: "the `after` of the next request; null: that was all" }),
})
export type HealedContinuity = typeof HealedContinuity.Type

export async function readContinuity(
  db: Queryable,
  facilityId: string,
  webhookId: string,
  query: ContinuityQuery,
): Promise<Continuity> {
  const { rows, ...answer } = await missing(db, facilityId, webhookId, query)
  return { ...answer, data: rows.map(toMissing) }
}

/** Sends again what is missing: delivered ones as resends, dead ones with all their retries. */
export async function healContinuity(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  webhookId: string,
  { perSecond, ...query }: ContinuityQuery & { readonly perSecond: number },
): Promise<HealedContinuity> {
  const { rows, ...answer } = await missing(tx, facilityId, webhookId, query)
  const known: readonly FoundRow[] = rows.filter((row): row is FoundRow => row.event_id !== null)
  const [clock] = await tx<[{ now: Date }]>`select slotbase.now() as now`
  const delivered = known.filter((row) => row.status === "delivered")
  const resent = await resendEvents(tx, facilityId, webhookId, delivered, { perSecond })
  const dead = known
    .filter((row) => row.status === "dead")
    .map(({ event_id }) => ({ webhook_id: webhookId, event_id, replay: 0, facility_id: facilityId }))
  const putBack = await putBackDeliveries(tx, caller.userId, dead, { from: clock.now, perSecond })
  const pending = known.filter((row) => row.status === "pending").length
  noteChange(tx, { after: { resent: resent.length, putBack: putBack.length } })
  return {
    ...answer,
    resent: resent.length,
    putBack: putBack.length,
    pending,
    gone: rows.length - resent.length - putBack.length - pending,
  }
}

interface MissingRow {
  readonly sequence: number
  readonly status: "pending" | "delivered" | "dead" | "gone"
  readonly delivery_id: string | null
  readonly event_id: string | null
  readonly type: string | null
  readonly position: number | null
}
interface FoundRow extends MissingRow {
  readonly event_id: string
  readonly position: number
}

type Missing = Omit<Continuity, "data"> & { readonly rows: readonly MissingRow[] }

async function missing(
  db: Queryable,
  facilityId: string,
  webhookId: string,
  { have, limit, after }: ContinuityQuery,
): Promise<Missing> {
  const [webhook] = await db<{ last: number }[]>`
    select s.last_sequence as last from slotbase.webhooks w
    join slotbase.webhook_sequences s on s.webhook_id = w.id
    where w.id = ${webhookId} and w.facility_id = ${facilityId} and w.deleted_at is null`
  if (!webhook) throw new NotFound("webhook", webhookId)
  const { last } = webhook
  const ranges = rangesOf(have)
  const gaps = gapsOf(ranges, last)
  const wanted = numbersIn(gaps, after ?? 0, limit + 1)
  const page = wanted.slice(0, limit)
  const unknown = ranges.filter(([, to]) => to > last).map(([from, to]) => text(Math.max(from, last + 1), to))
  return {
    lastSequence: last,
    contiguousUpTo: gaps[0] === undefined ? last : gaps[0][0] - 1,
    missingCount: countOf(gaps),
    ...(unknown.length > 0 && { unknown: unknown.join(",") }),
    rows: page.length === 0 ? [] : await lookUp(db, facilityId, webhookId, page),
    next: wanted.length > limit ? cursorOf([page.at(-1) ?? 0]) : null,
  }
}

const text = (from: number, to: number) => (from === to ? `${from}` : `${from}-${to}`)

/** The history has an index of the numbers. In the queue they rise with the positions, between which they are found. */
const lookUp = (db: Queryable, facilityId: string, webhookId: string, numbers: readonly number[]) => db<MissingRow[]>`
  with waiting as materialized (
    select slotbase.queued_position(${webhookId}, ${Math.min(...numbers)}) as low,
           slotbase.queued_position(${webhookId}, ${Math.max(...numbers) + 1}) as high
  ), found as materialized (
    select sequence, delivery_id, event_id, position, case when status = 'failed' then 'dead' else status end as status
    from slotbase.delivery_history
    where webhook_id = ${webhookId} and facility_id = ${facilityId} and replay = 0
      and sequence = any (${numbers as number[]}::bigint[])
    union all
    select q.sequence, q.delivery_id, q.event_id, q.position, 'pending'
    from waiting w
    join slotbase.delivery_queue q on q.webhook_id = ${webhookId} and q.position >= w.low and q.position < w.high
    where q.facility_id = ${facilityId} and q.replay = 0 and q.sequence = any (${numbers as number[]}::bigint[])
  )
  select n.sequence, f.delivery_id, f.event_id, f.position, coalesce(f.status, 'gone') as status, p.type
  from unnest(${numbers as number[]}::bigint[]) as n (sequence)
  left join found f on f.sequence = n.sequence
  left join slotbase.event_positions p on p.position = f.position
  order by n.sequence`

const toMissing = (row: MissingRow): Continuity["data"][number] => ({
  sequence: row.sequence,
  status: row.status,
  ...(row.delivery_id !== null && { deliveryId: row.delivery_id }),
  ...(row.event_id !== null && { eventId: row.event_id }),
  ...(row.type !== null && { eventType: row.type }),
  ...(row.position !== null && { position: row.position }),
})
