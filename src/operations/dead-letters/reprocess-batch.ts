/**
 * Puts many dead letters back to work: begins such a replay, and makes its batches. Runs and deliveries go back to
 * their queues at the rate of the replay. One whose event, handler or webhook is gone stays open and counts as skipped.
 * Writes: handler_history, handler_queue, dead_letters (resolution of runs).
 */
import type { Caller } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { WrongState } from "#base/errors.ts"
import { sendHint } from "#base/hints.ts"
import { platformFacilityId } from "#base/ids.ts"
import { noteChange } from "#events/audit.ts"
import { type FailedKey, type Pace, putBackDeliveries, withoutPruning } from "#outbound/webhooks/deliveries/put-back.ts"
import type { MakeBatch } from "#outbound/webhooks/replays/batch.ts"
import { defaultReplayRate } from "#outbound/webhooks/replays/input.ts"
import { insertReplay, type Replay, readReplay } from "#outbound/webhooks/replays/rows.ts"
import { type LetterSelection, openLetters, type ReprocessInput, selected, selectionOf } from "./selected.ts"

/** Dead letters that a batch reads at most; most of them may have another cause. */
const maxLooked = 5_000
/** Under way at once, of a facility or of the platform. */
const maxOpenReprocesses = 10

/** @param facilityId undefined: the dead letters of all facilities. */
export async function beginReprocess(
  tx: Tx,
  caller: Caller,
  facilityId: string | undefined,
  input: ReprocessInput,
): Promise<Replay> {
  const of = facilityId ?? platformFacilityId
  await tx`select from slotbase.facilities where id = ${of} for no key update`
  const [open] = await tx<[{ count: number }]>`
    select count(*) from slotbase.replays
    where facility_id = ${of} and kind = 'dead_letters' and status in ('running', 'paused')`
  if (open.count >= maxOpenReprocesses)
    throw new WrongState(
      "too_many_replays",
      `At most ${maxOpenReprocesses} of these run at once: wait for one, or cancel it.`,
    )
  const selection = selectionOf(facilityId, input)
  const row = await insertReplay(tx, {
    facility_id: of,
    kind: "dead_letters",
    handler: selection.handler,
    webhook_id: selection.webhookId,
    cause: selection.cause,
    since: selection.since,
    ...(selection.until !== null && { until: selection.until }),
    rate_per_second: input.ratePerSecond ?? defaultReplayRate,
    created_by: caller.userId,
  })
  tx.afterCommit(() => sendHint("jobs"))
  noteChange(tx, { facilityId: of, subjectId: row.id, after: { replayId: row.id, ...input } })
  return readReplay(tx, of, row.id)
}

export const reprocessBatch: MakeBatch = async (tx, replay, take, from) => {
  const selection: LetterSelection = {
    facilityId: replay.facility_id === platformFacilityId ? undefined : replay.facility_id,
    handler: replay.handler,
    webhookId: replay.webhook_id,
    cause: replay.cause,
    since: replay.since,
    until: replay.until,
  }
  await withoutPruning(tx)
  const [found] = await tx<[{ looked: number; last: string | null; ids: string[] | null }]>`
    with looked as materialized (${openLetters(tx, selection, replay.cursor_id, maxLooked)}),
    wanted as materialized (
      select k.id from looked k
      where ${selected(tx, selection)} and k.last_attempt_at <= ${replay.created_at} order by k.id limit ${take}
    )
    select (select count(*) from looked) as looked, (select id from looked order by id desc limit 1) as last,
           (select array_agg(id order by id) from wanted) as ids`
  const ids = found.ids ?? []
  // A person who decides about one of them at this moment has the last word.
  const letters = await tx<Letter[]>`
    select d.id, d.facility_id, d.event_id, d.handler, d.webhook_id, d.delivery_id
    from slotbase.dead_letters d
    where d.id = any (${ids}::uuid[]) and d.resolved_at is null
      ${selection.facilityId === undefined ? tx`` : tx`and d.facility_id = ${selection.facilityId}`}
    order by d.id for update skip locked`
  const pace = { from, perSecond: replay.rate_per_second }
  const runs = letters.filter((letter) => letter.handler !== null)
  const queuedRuns = await putBackRuns(tx, replay.created_by, runs, pace)
  const deliveries = await putBackDeliveries(tx, replay.created_by, await failedOf(tx, letters), {
    ...pace,
    from: new Date(from.getTime() + (queuedRuns / pace.perSecond) * 1_000),
  })
  const queued = queuedRuns + deliveries.length
  const isFull = ids.length === take
  const cursor = isFull ? ids.at(-1) : found.last
  return {
    queued,
    skipped: ids.length - queued,
    ...(cursor != null && { cursorId: cursor }),
    atEnd: !isFull && found.looked < maxLooked,
  }
}

interface Letter {
  readonly id: string
  readonly facility_id: string
  readonly event_id: string
  readonly handler: string | null
  readonly webhook_id: string | null
  readonly delivery_id: string | null
}

/** The history's keys of dead deliveries. */
async function failedOf(tx: Tx, letters: readonly Letter[]): Promise<readonly FailedKey[]> {
  const dead = letters.filter((letter) => letter.delivery_id !== null)
  if (dead.length === 0) return []
  return tx<FailedKey[]>`
    select h.webhook_id, h.event_id, h.replay, h.facility_id
    from json_to_recordset(${JSON.stringify(dead)}::text::json)
      as k (id uuid, facility_id uuid, event_id uuid, webhook_id uuid, delivery_id uuid)
    join slotbase.delivery_history h
      on h.webhook_id = k.webhook_id and h.event_id = k.event_id and h.delivery_id = k.delivery_id
     and h.facility_id = k.facility_id
    where h.status = 'failed' order by k.id`
}

/** Claims find them as due retries. */
async function putBackRuns(tx: Tx, by: string, letters: readonly Letter[], pace: Pace): Promise<number> {
  if (letters.length === 0) return 0
  const keys = letters.map(({ id, facility_id, event_id, handler }, nth) => ({
    id,
    facility_id,
    event_id,
    handler,
    nth,
  }))
  const [done] = await tx<[{ count: number }]>`
    with wanted as materialized (
      select k.* from json_to_recordset(${JSON.stringify(keys)}::text::json)
        as k (id uuid, facility_id uuid, event_id uuid, handler text, nth integer)
      join slotbase.events e on e.id = k.event_id and e.facility_id = k.facility_id
      where exists (select from slotbase.handlers s where s.event_type = e.type and s.handler = k.handler and not s.ended)
    ), gone as (
      delete from slotbase.handler_history h using wanted k
      where h.event_id = k.event_id and h.facility_id = k.facility_id and h.handler = k.handler and h.status = 'dead_letter'
      returning h.handler, h.position, h.facility_id, h.event_id, k.id, k.nth
    ), queued as (
      insert into slotbase.handler_queue (handler, position, facility_id, event_id, ready_at)
      select handler, position, facility_id, event_id,
             ${pace.from}::timestamptz + nth::float8 / ${pace.perSecond} * interval '1 second'
      from gone
    ), resolved as (
      update slotbase.dead_letters d
      set resolved_at = slotbase.now(), resolved_by = ${by}, resolution = 'reprocessed'
      from gone g where d.id = g.id and d.facility_id = g.facility_id
    )
    select count(*) from gone`
  tx.afterCommit(() => sendHint("log"))
  return done.count
}
