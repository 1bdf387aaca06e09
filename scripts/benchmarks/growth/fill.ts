// Fills the tables as a year of work would have left them, with set-based statements in the order of time. Ids are
// UUIDv7 of instants spread over the months that retention keeps. The rows are:
// - real events with short data, of a hundred facilities in turn, each with one row of event_positions;
// - runs in batches of 200; of the first handler, one run of each batch has its own row in handler_history, as after a
//   retry;
// - a webhook for every second facility; each of its events has a delivery and an attempt.

import postgres from "postgres"
import type { Bench } from "#scripts/benchmarks/measure.ts"
import { handlerNames } from "#scripts/benchmarks/pipeline/contestant.ts"

/** Bytes per event of all rows and indexes; measured, with room for the log. */
export const bytesPerEvent = 1_500
const months = 12
const batch = 100_000
/** As the actors write them under load. */
const runsPerBatch = 200
/** One facility in two has a webhook. */
const facilitiesPerWebhook = 2
/** Two connections for two cores. */
const fillers = 2

/** The handler of which some runs needed a second attempt. */
const [triedAgain = ""] = handlerNames

/** Adds events until the log has `total` of them. Their positions follow the last one. */
export async function fill(bench: Bench, total: number, progress: (line: string) => void): Promise<void> {
  const [log] = await bench.sql<[{ last: number }]>`
    select coalesce(max(position), 0) as last from slotbase.event_positions`
  const first = log.last + 1
  const missing = total - log.last
  if (missing <= 0) return
  await makePartitions(bench)
  let next = first
  let done = 0
  const began = performance.now()
  const sql = postgres(bench.url, { max: fillers, onnotice: () => {}, connection: { synchronous_commit: "off" } })
  try {
    await Promise.all(
      Array.from({ length: fillers }, async () => {
        while (next <= total) {
          const from = next
          const count = Math.min(batch, total - from + 1)
          next += count
          await fillOnce(sql, { from, count, first, missing })
          done += count
          if (done % (10 * batch) === 0) progress(`${done} of ${missing} events filled in, ${seconds(began)} s`)
        }
      }),
    )
  } finally {
    await sql.end()
  }
  await bench.sql`update slotbase.handler_cursors set next = ${total + 1}`
  await bench.sql`vacuum (analyze)`
  await bench.sql`checkpoint`
  progress(`${missing} events filled in and vacuumed, ${seconds(began)} s`)
}

const seconds = (began: number) => Math.round((performance.now() - began) / 1000)

/**
 * Makes the partitions of the past months. The system's own function makes a month back and three ahead of the clock.
 */
async function makePartitions({ sql }: Bench): Promise<void> {
  for (let back = months - 1; back > 0; back -= 4) {
    await sql`update slotbase.clock set movable = true, shift = make_interval(months => ${-back})`
    await sql`select slotbase.ensure_partitions()`
  }
  await sql`update slotbase.clock set movable = false, shift = '0'`
}

interface Share {
  readonly from: number
  readonly count: number
  /** The instants of the positions `first` to `first + missing` are spread evenly over the months. */
  readonly first: number
  readonly missing: number
}

async function fillOnce(sql: postgres.Sql, { from, count, first, missing }: Share): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`
      create temporary table filled on commit drop as
      select p as position, t.at, t.facility_id,
             (lpad(to_hex((extract(epoch from t.at) * 1000)::bigint), 12, '0') || '7' || substr(t.r, 1, 3) || '8' || substr(t.r, 4, 15))::uuid as id
      from generate_series(${from}::bigint, ${from + count - 1}::bigint) as p
      cross join lateral (
        select now() - make_interval(months => ${months}) * (1 - (p - ${first}::bigint)::float8 / ${missing}::bigint) as at,
               replace(gen_random_uuid()::text, '-', '') as r,
               ('00000000-0000-7000-8000-' || lpad(to_hex(4096 + p % 100), 12, '0'))::uuid as facility_id
      ) t`
    await tx`
      insert into slotbase.events (id, facility_id, type, version, timestamp, occurred_at, source, correlation_id,
        aggregate_type, aggregate_id, resource_id, booking_type, data, metadata)
      select id, facility_id, 'booking.confirmed', '1.0', at, at, 'booking-service', id, 'booking',
             overlay(id::text placing 'b' from 20), facility_id, 'open_play',
             jsonb_build_object('bookingId', id, 'facilityId', facility_id, 'priceAmount', position % 5000), '{"environment": "development"}'
      from filled`
    await tx`
      insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
      select position, facility_id, id, 'booking.confirmed', ${handlerNames.length}::integer, (position % ${facilitiesPerWebhook}::integer = 0)::integer, at from filled order by position`
    await tx`
      insert into slotbase.handler_batches (handler, positions, runs, duration_ms, settled_at)
      select handler, int8multirange(int8range(min(position), max(position), '[]')), count(*), 0.5, max(at)
      from filled cross join unnest(${[...handlerNames]}::text[]) as handler
      where handler <> ${triedAgain} or position % ${runsPerBatch}::integer <> ${runsPerBatch - 1}::integer
      group by handler, position / ${runsPerBatch}::integer order by 2`
    await tx`
      insert into slotbase.handler_history (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, errors)
      select id, ${triedAgain}, facility_id, position, 'success', 2, 0.5, at, '[{"error": {"message": "the database was restarting"}}]'
      from filled where position % ${runsPerBatch}::integer = ${runsPerBatch - 1}::integer`
    await tx`
      insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status, attempts, settled_at)
      select facility_id, id, 0, facility_id, position, id, position / ${facilitiesPerWebhook}::integer, 'delivered', 1, at
      from filled where position % ${facilitiesPerWebhook}::integer = 0`
    await tx`
      insert into slotbase.attempt_history (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at, sent_at,
        outcome, duration_ms, response_status)
      select id, id, 1, id, facility_id, facility_id, 'https://example.com/hook', 'POST', at, at, 'delivered', 5, 204
      from filled where position % ${facilitiesPerWebhook}::integer = 0`
  })
}
