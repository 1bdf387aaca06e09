/**
 * Replays: a range of events is sent to a webhook again, or its failed deliveries are tried again. A replay is begun,
 * previewed, paused, resumed and cancelled here; replays/batch.ts works it off. One webhook has one replay at a time.
 * Writes: delivery_queue (what a pause or a cancellation withdraws).
 */
import type { Caller } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import { sendHint } from "#base/hints.ts"
import { noteChange } from "#events/audit.ts"
import { firstReplayNumber } from "#outbound/webhooks/deliveries/resend.ts"
import { defaultReplayRate, type ReplayInput, type ReplayPreview } from "./input.ts"
import { matchedEvents, matchedFailures, type Range, walked } from "./matched.ts"
import {
  endReplay,
  goOn,
  holdReplay,
  insertReplay,
  lockReplay,
  type Replay,
  type ReplayRow,
  readReplay,
} from "./rows.ts"

/** Positions of the log, or failed deliveries, that a preview looks at. It takes about a second. */
const previewed = 100_000
/** The largest smallint: a webhook may be replayed 22,768 times. */
const lastReplayNumber = 32_767

export async function beginReplay(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  webhookId: string,
  input: ReplayInput,
): Promise<Replay> {
  const webhook = await tx`
    select from slotbase.webhooks
    where id = ${webhookId} and facility_id = ${facilityId} and deleted_at is null for no key update`
  if (webhook.count === 0) throw new NotFound("webhook", webhookId)
  const [open] = await tx<{ id: string }[]>`
    select id from slotbase.replays
    where webhook_id = ${webhookId} and facility_id = ${facilityId} and kind <> 'dead_letters'
      and status in ('running', 'paused')`
  if (open)
    throw new WrongState(
      "replay_running",
      `The webhook has a replay already: ${open.id}. Wait for its end, or cancel it.`,
    )
  const row = await insertReplay(tx, {
    facility_id: facilityId,
    kind: input.onlyFailed ? "failed" : "events",
    webhook_id: webhookId,
    number: input.onlyFailed ? null : await nextNumber(tx, facilityId, webhookId),
    types: input.types ? [...new Set(input.types)] : null,
    since: input.since === undefined ? null : new Date(input.since),
    ...(input.until !== undefined && { until: new Date(input.until) }),
    include_unsubscribed: input.includeUnsubscribed ?? false,
    rate_per_second: input.ratePerSecond ?? defaultReplayRate,
    created_by: caller.userId,
  })
  tx.afterCommit(() => sendHint("jobs"))
  const shown = await readReplay(tx, facilityId, row.id)
  noteChange(tx, {
    subjectType: "webhook",
    subjectId: webhookId,
    after: { replayId: row.id, kind: row.kind, ...input },
  })
  return shown
}

/** Above every number that its rows still carry, and above those of the replays that are kept. */
async function nextNumber(tx: Tx, facilityId: string, webhookId: string): Promise<number> {
  const [row] = await tx<[{ number: number }]>`
    select 1 + greatest(${firstReplayNumber - 1}::integer,
      (select max(number) from slotbase.replays where webhook_id = ${webhookId} and facility_id = ${facilityId}),
      (select max(replay) from slotbase.delivery_queue
       where webhook_id = ${webhookId} and facility_id = ${facilityId} and replay > 0),
      (select max(replay) from slotbase.delivery_history
       where webhook_id = ${webhookId} and facility_id = ${facilityId} and replay > 0)) as number`
  if (row.number > lastReplayNumber)
    throw new WrongState(
      "replays_used_up",
      "The webhook was replayed too often: make another webhook for the same address.",
    )
  return row.number
}

/** Counts what a replay would send, by type and by day. Reads a bounded part. */
export async function previewReplay(
  db: Queryable,
  facilityId: string,
  webhookId: string,
  input: ReplayInput,
): Promise<ReplayPreview> {
  const [known] = await db`
    select from slotbase.webhooks where id = ${webhookId} and facility_id = ${facilityId} and deleted_at is null`
  if (!known) throw new NotFound("webhook", webhookId)
  const range: Range = {
    facilityId,
    webhookId,
    types: input.types ?? null,
    since: input.since === undefined ? null : new Date(input.since),
    until: input.until === undefined ? null : new Date(input.until),
    includeUnsubscribed: input.includeUnsubscribed ?? false,
  }
  const rows = await (input.onlyFailed ? countFailures(db, range) : countEvents(db, range))
  return toPreview(rows)
}

interface CountRow {
  readonly type: string | null
  readonly day: string | null
  readonly count: number
  readonly looked: number
}

const day = (db: Queryable) => db`to_char(slotbase.time_of(m.event_id) at time zone 'UTC', 'YYYY-MM-DD')`

async function countEvents(db: Queryable, range: Range) {
  const [log] = await db<[{ after: number; end: number }]>`
    select case when ${range.since}::timestamptz is null then 0
                else slotbase.position_at(${range.since}::timestamptz - interval '1 minute') - 1 end as after,
           coalesce((select max(position) from slotbase.event_positions), 0) as end`
  return db<CountRow[]>`
    with walked as materialized (${walked(db, range.facilityId, { ...log, most: previewed + 1 })}),
    counted as (
      select m.type, ${day(db)} as day, count(*) as count from (${matchedEvents(db, range)}) m group by 1, 2
    )
    select c.*, k.looked from (select count(*) as looked from walked) k left join counted c on true`
}

const countFailures = (db: Queryable, range: Range) => db<CountRow[]>`
  with found as materialized (
    ${matchedFailures(db, range, { event: "00000000-0000-0000-0000-000000000000", replay: 0, diedBefore: null })}
    limit ${previewed + 1}
  ), counted as (
    select m.type, ${day(db)} as day, count(*) as count from found m group by 1, 2
  )
  select c.*, k.looked from (select count(*) as looked from found) k left join counted c on true`

function toPreview(rows: readonly CountRow[]): ReplayPreview {
  const byType = new Map<string, number>()
  const byDay = new Map<string, number>()
  let matched = 0
  for (const { type, day, count } of rows) {
    if (type === null || day === null) continue
    matched += count
    byType.set(type, (byType.get(type) ?? 0) + count)
    byDay.set(day, (byDay.get(day) ?? 0) + count)
  }
  return {
    preview: true,
    matched,
    complete: (rows[0]?.looked ?? 0) <= previewed,
    byType: [...byType].sort().map(([type, count]) => ({ type, count })),
    byDay: [...byDay].sort().map(([day, count]) => ({ day, count })),
  }
}

/** Holds a replay. What it has put into the queue and nobody has sent yet is withdrawn, and comes after the resume. */
export async function pauseReplay(tx: Tx, facilityId: string | undefined, id: string): Promise<Replay> {
  const row = await lockReplay(tx, facilityId, id, ["running"])
  const { count, first } = await withdraw(tx, row)
  await holdReplay(tx, row, count, first)
  return changed(tx, row)
}

export async function resumeReplay(tx: Tx, facilityId: string | undefined, id: string): Promise<Replay> {
  const row = await lockReplay(tx, facilityId, id, ["paused"])
  await goOn(tx, row)
  tx.afterCommit(() => sendHint("jobs"))
  return changed(tx, row)
}

/** Ends a replay. What was sent stays sent, and what is being tried goes on with its retries. */
export async function cancelReplay(tx: Tx, facilityId: string | undefined, id: string): Promise<Replay> {
  const row = await lockReplay(tx, facilityId, id, ["running", "sending", "paused"])
  const { count } = await withdraw(tx, row)
  await endReplay(tx, row, "cancelled", { withdrawn: count })
  return changed(tx, row)
}

async function changed(tx: Tx, row: ReplayRow): Promise<Replay> {
  const shown = await readReplay(tx, row.facility_id, row.id)
  noteChange(tx, { facilityId: row.facility_id, before: { status: row.status }, after: { status: shown.status } })
  return shown
}

/** Only what no request has left for. A claim that comes first keeps its delivery. */
async function withdraw(tx: Tx, { webhook_id, facility_id, number }: ReplayRow) {
  const [row] = await tx<[{ count: number; first: number | null }]>`
    with gone as (
      delete from slotbase.delivery_queue
      where webhook_id = ${webhook_id} and facility_id = ${facility_id} and replay > 0 and replay = ${number}
        and attempts = 0 and unknowns = 0 and lease is null
      returning position
    )
    select count(*), min(position) as first from gone`
  return row
}
