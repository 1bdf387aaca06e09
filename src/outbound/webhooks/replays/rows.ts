/**
 * The rows of replays, and what a replay looks like in the API. A row has its cursor, so whoever makes the next batch
 * goes on where the last committed batch ended.
 * Writes: replays.
 */
import * as Schema from "effect/Schema"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { type Page, pageOf } from "#base/schema/page.ts"

export const replayKinds = ["events", "failed", "dead_letters"] as const
export const replayStatuses = ["running", "sending", "paused", "completed", "cancelled"] as const
type ReplayStatus = (typeof replayStatuses)[number]

export interface ReplayRow {
  readonly id: string
  readonly facility_id: string
  readonly kind: (typeof replayKinds)[number]
  readonly webhook_id: string | null
  readonly number: number | null
  readonly handler: string | null
  readonly cause: string | null
  readonly types: string[] | null
  readonly since: Date | null
  readonly until: Date
  readonly include_unsubscribed: boolean
  readonly rate_per_second: number
  readonly status: ReplayStatus
  readonly reason: string | null
  readonly cursor_id: string
  readonly cursor_position: number
  readonly end_position: number
  readonly queued: number
  readonly skipped: number
  readonly delivered: number | null
  readonly failed: number | null
  readonly paced_to: Date
  readonly created_at: Date
  readonly created_by: string
  readonly ended_at: Date | null
}

/** A replay as it is shown: with the ends of its deliveries so far. */
export interface ShownReplayRow extends ReplayRow {
  readonly unfinished: number
  readonly failed_now: number
}

export type NewReplay = Pick<ReplayRow, "facility_id" | "kind" | "rate_per_second" | "created_by"> &
  Partial<
    Pick<
      ReplayRow,
      "webhook_id" | "number" | "handler" | "cause" | "types" | "since" | "until" | "include_unsubscribed"
    >
  >

export async function insertReplay(tx: Tx, given: NewReplay): Promise<ReplayRow> {
  const [row] = await tx<[ReplayRow]>`
    insert into slotbase.replays (id, facility_id, kind, webhook_id, number, handler, cause, types, since, until,
      include_unsubscribed, rate_per_second, created_by, cursor_position, end_position)
    select ${newId()}, ${given.facility_id}, ${given.kind}, ${given.webhook_id ?? null}, ${given.number ?? null},
      ${given.handler ?? null}, ${given.cause ?? null}, ${given.types ?? null}, ${given.since ?? null},
      coalesce(${given.until ?? null}::timestamptz, slotbase.now()), ${given.include_unsubscribed ?? false},
      ${given.rate_per_second}, ${given.created_by},
      case when ${given.kind === "events" && given.since != null}::boolean
           then slotbase.position_at(${given.since ?? null}::timestamptz - interval '1 minute') - 1 else 0 end,
      coalesce((select max(position) from slotbase.event_positions), 0)
    returning *`
  return row
}

/** The replays whose next batch is due, the longest waiting first. */
export const dueReplays = (db: Queryable, most: number) => db<{ id: string; facility_id: string; kind: string }[]>`
  select id, facility_id, kind from slotbase.replays
  where status in ('running', 'sending') and wake_at <= slotbase.now() order by wake_at limit ${most}`

/** When the next batch of any replay is due. */
export async function nextBatchAt(db: Queryable): Promise<Date | undefined> {
  const [row] = await db<{ at: Date | null }[]>`
    select min(wake_at) as at from slotbase.replays where status in ('running', 'sending')`
  return row?.at ?? undefined
}

/** Locks a replay that is worked off; undefined when another process does so, or when it was paused or has ended. */
export async function lockForBatch(tx: Tx, facilityId: string, id: string): Promise<ReplayRow | undefined> {
  const [row] = await tx<ReplayRow[]>`
    select * from slotbase.replays
    where id = ${id} and facility_id = ${facilityId} and status in ('running', 'sending') and wake_at <= slotbase.now()
    for update skip locked`
  return row
}

/** What a batch did. */
export interface BatchDone {
  readonly queued: number
  readonly skipped?: number
  readonly cursorId?: string
  readonly cursorPosition?: number
  /** Nothing is left to put into the queue. */
  readonly atEnd: boolean
}

/** Moves the cursor, in the transaction of the batch. Replays of events end when their deliveries have ended. */
export async function advance(tx: Tx, { id, facility_id, kind }: ReplayRow, done: BatchDone): Promise<void> {
  const next = !done.atEnd ? "running" : kind === "events" ? "sending" : "completed"
  await tx`
    update slotbase.replays r
    set queued = queued + ${done.queued}, skipped = skipped + ${done.skipped ?? 0},
        cursor_id = coalesce(${done.cursorId ?? null}::uuid, cursor_id),
        cursor_position = coalesce(${done.cursorPosition ?? null}::bigint, cursor_position),
        paced_to = p.paced_to, wake_at = greatest(p.paced_to - interval '1 second', p.now), status = ${next},
        ended_at = case when ${next === "completed"}::boolean then p.now end
    from (select slotbase.now() as now, greatest(x.paced_to, slotbase.now())
                   + ${done.queued}::float8 / x.rate_per_second * interval '1 second' as paced_to
          from slotbase.replays x where x.id = ${id} and x.facility_id = ${facility_id}) p
    where r.id = ${id} and r.facility_id = ${facility_id}`
}

/** Looks at the replay again in a second: its earlier deliveries wait. */
export async function putOff(tx: Tx, { id, facility_id }: ReplayRow): Promise<void> {
  await tx`
    update slotbase.replays set wake_at = slotbase.now() + interval '1 second'
    where id = ${id} and facility_id = ${facility_id}`
}

/** Ends a replay with its counts. Only replays of events have deliveries of their own. */
export async function endReplay(
  tx: Tx,
  { id, facility_id }: ReplayRow,
  status: "completed" | "cancelled",
  { withdrawn = 0, reason = null as string | null } = {},
): Promise<void> {
  await tx`
    update slotbase.replays r
    set status = ${status}, reason = ${reason}, ended_at = slotbase.now(), queued = r.queued - ${withdrawn},
        failed = case when r.number is not null then s.failed_now end,
        delivered = case when r.number is not null then r.queued - ${withdrawn} - s.failed_now - s.unfinished end
    from (${shown(tx, tx`x.id = ${id} and x.facility_id = ${facility_id}`)}) s
    where r.id = ${id} and r.facility_id = ${facility_id}`
}

/** Holds a replay, and goes back before what was withdrawn. */
export async function holdReplay(
  tx: Tx,
  { id, facility_id }: ReplayRow,
  withdrawn: number,
  before: number | null,
): Promise<void> {
  await tx`
    update slotbase.replays
    set status = 'paused', queued = queued - ${withdrawn},
        cursor_position = least(cursor_position, ${before === null ? null : before - 1}::bigint)
    where id = ${id} and facility_id = ${facility_id}`
}

export async function goOn(tx: Tx, { id, facility_id }: ReplayRow): Promise<void> {
  await tx`
    update slotbase.replays set status = 'running', paced_to = slotbase.now(), wake_at = slotbase.now()
    where id = ${id} and facility_id = ${facility_id}`
}

/** Locks a replay for a decision; without a facility, for the platform. Throws NotFound, WrongState. */
export async function lockReplay(
  tx: Tx,
  facilityId: string | undefined,
  id: string,
  from: readonly ReplayStatus[],
): Promise<ReplayRow> {
  const [row] = await tx<ReplayRow[]>`
    select * from slotbase.replays
    where id = ${id} ${facilityId === undefined ? tx`` : tx`and facility_id = ${facilityId}`} for update`
  if (!row) throw new NotFound("replay", id)
  if (!from.includes(row.status))
    throw new WrongState(
      `replay_${row.status}`,
      `The replay is ${row.status}; this needs one that is ${from.join(" or ")}.`,
    )
  return row
}

export async function readReplay(db: Queryable, facilityId: string | undefined, id: string): Promise<Replay> {
  const [row] = await db<
    ShownReplayRow[]
  >`${shown(db, db`x.id = ${id} ${facilityId === undefined ? db`` : db`and x.facility_id = ${facilityId}`}`)}`
  if (!row) throw new NotFound("replay", id)
  return toReplay(row)
}

/** The newest first. */
export async function listReplays(
  db: Queryable,
  facilityId: string | undefined,
  page: { readonly webhookId?: string | undefined; readonly limit: number; readonly before: string | undefined },
): Promise<Page<Replay>> {
  const rows = await db<ShownReplayRow[]>`
    ${shown(
      db,
      db`true ${facilityId === undefined ? db`` : db`and x.facility_id = ${facilityId}`}
        ${page.webhookId === undefined ? db`` : db`and x.webhook_id = ${page.webhookId}`}
        ${page.before === undefined ? db`` : db`and x.id < ${page.before}`}`,
    )}
    order by x.id desc limit ${page.limit + 1}`
  return pageOf(rows, page.limit, (row) => [row.id], toReplay)
}

/** Both counts are of replays that have not ended; their indexes hold nothing but replays. */
const shown = (db: Queryable, where: ReturnType<Queryable>) => db`
  select x.*, coalesce(q.count, 0) as unfinished, coalesce(f.count, 0) as failed_now
  from slotbase.replays x
  left join lateral (select count(*) from slotbase.delivery_queue
                     where webhook_id = x.webhook_id and facility_id = x.facility_id and replay > 0 and replay = x.number
                       and x.ended_at is null) q on true
  left join lateral (select count(*) from slotbase.delivery_history
                     where webhook_id = x.webhook_id and facility_id = x.facility_id and replay > 0 and replay = x.number
                       and status = 'failed' and x.ended_at is null) f on true
  where ${where}`

export const Replay = Schema.Struct({
  id: Schema.String,
  kind: Schema.Literals(replayKinds).annotate({
    description:
      "events: each event is sent again; failed: failed deliveries are tried again; dead_letters: runs and deliveries are",
  }),
  webhookId: Schema.optionalKey(Schema.String),
  handler: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.String),
  types: Schema.optionalKey(Schema.Array(Schema.String)),
  since: Schema.optionalKey(Schema.String),
  until: Schema.String,
  includeUnsubscribed: Schema.optionalKey(Schema.Boolean),
  ratePerSecond: Schema.Int,
  status: Schema.Literals(replayStatuses).annotate({
    description: "sending: everything is in the queue, and some of it has not ended",
  }),
  reason: Schema.optionalKey(Schema.String).annotateKey({ description: "why SlotBase cancelled it by itself" }),
  queued: Schema.Int.annotate({ description: "put into the queue so far" }),
  skipped: Schema.Int.annotate({ description: "could not be put back: the event, handler or webhook is gone" }),
  delivered: Schema.optionalKey(Schema.Int),
  failed: Schema.optionalKey(Schema.Int),
  unfinished: Schema.optionalKey(Schema.Int).annotateKey({ description: "in the queue now; of kind events" }),
  createdAt: Schema.String,
  createdBy: Schema.String,
  endedAt: Schema.optionalKey(Schema.String),
})
export type Replay = typeof Replay.Type

function toReplay(row: ShownReplayRow): Replay {
  const failed = row.failed ?? row.failed_now
  return {
    id: row.id,
    kind: row.kind,
    ...(row.webhook_id !== null && { webhookId: row.webhook_id }),
    ...(row.handler !== null && { handler: row.handler }),
    ...(row.cause !== null && { cause: row.cause }),
    ...(row.types !== null && { types: row.types }),
    ...(row.since !== null && { since: row.since.toISOString() }),
    until: row.until.toISOString(),
    ...(row.include_unsubscribed && { includeUnsubscribed: true }),
    ratePerSecond: row.rate_per_second,
    status: row.status,
    ...(row.reason !== null && { reason: row.reason }),
    queued: row.queued,
    skipped: row.skipped,
    ...(row.number !== null && {
      delivered: row.delivered ?? row.queued - row.unfinished - failed,
      failed,
      unfinished: row.unfinished,
    }),
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    ...(row.ended_at !== null && { endedAt: row.ended_at.toISOString() }),
  }
}
