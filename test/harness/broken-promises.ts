// The promises as SQL: on any database whose work is done, whatever was killed when, each of these questions has no rows.
// They look at what happened after a position, so that a long campaign does not ask the same again; 0 asks everything.

import type { Queryable } from "../../src/database/db.ts"

export interface Broken {
  readonly promise: string
  readonly what: string
  readonly count: number
  /** The first few. */
  readonly rows: readonly Record<string, unknown>[]
}

/** Of each broken promise, so many rows are shown. */
const shownRows = 5

/** Everything that is broken; empty when all is well. */
export async function brokenPromises(db: Queryable, after = 0): Promise<readonly Broken[]> {
  const broken: Broken[] = []
  for (const { promise, what, rows } of questions(db, after)) {
    const found = await rows
    if (found.length > 0) broken.push({ promise, what, count: found.length, rows: found.slice(0, shownRows) })
  }
  return broken
}

type Rows = Promise<readonly Record<string, unknown>[]>

function questions(db: Queryable, after: number): { promise: string; what: string; rows: Rows }[] {
  const ask = (promise: string, what: string, rows: PromiseLike<readonly Record<string, unknown>[]>) => ({
    promise,
    what,
    rows: Promise.resolve(rows),
  })
  return [
    ask(
      "P1",
      "a change without its event",
      db`
        select b.id, b.status, t.type as lacks
        from slotbase.bookings b
        cross join lateral (values
          ('booking.hold.created', b.hold_id is not null), ('booking.confirmed', b.confirmed_at is not null),
          ('booking.cancelled', b.status = 'cancelled'), ('booking.hold.released', b.status in ('expired', 'released'))
        ) t (type, expected)
        where t.expected and not exists (select from slotbase.events e where e.aggregate_id = b.id::text and e.type = t.type)`,
    ),
    ask(
      "P1",
      "an event without its change",
      db`
        select e.id, e.type, e.aggregate_id
        from slotbase.events e
        left join slotbase.bookings b on b.id::text = e.aggregate_id and b.facility_id = e.facility_id
        where e.type in ('booking.hold.created', 'booking.confirmed', 'booking.cancelled', 'booking.hold.released')
          and (b.id is null
            or e.type = 'booking.confirmed' and b.confirmed_at is null or e.type = 'booking.cancelled' and b.status <> 'cancelled'
            or e.type = 'booking.hold.created' and b.hold_id is null
            or e.type = 'booking.hold.released' and b.status not in ('expired', 'released'))`,
    ),
    ask(
      "P1",
      "a change announced twice",
      db`
        select aggregate_id, type, count(*) from slotbase.events
        where type in ('booking.hold.created', 'booking.confirmed', 'booking.cancelled', 'booking.hold.released')
        group by aggregate_id, type having count(*) > 1`,
    ),
    ask(
      "P2",
      "an event without a position",
      db`
        select e.id, e.type from slotbase.events e
        where not exists (select from slotbase.event_positions p where p.event_id = e.id)
          and not exists (select from slotbase.dead_letters d where d.event_id = e.id and d.handler = 'dispatcher')`,
    ),
    ask(
      "P2",
      "an event whose ledger is not balanced",
      db`select * from slotbase.event_ledger where position > ${after} and not balanced`,
    ),
    ask(
      "P2",
      "a webhook whose sequence is not dense",
      db`
        select webhook_id, max(sequence) as last, count(*) from slotbase.delivery_history
        where replay = 0 group by webhook_id having max(sequence) <> count(*)`,
    ),
    ask("P3", "a day whose figures are not those of its bookings", wrongFigures(db)),
    ask(
      "P4",
      "an attempt that was started and never ended",
      db`
        select a.event_id, a.delivery_id, a.attempt, a.started_at from slotbase.webhook_attempts a
        join slotbase.event_positions p on p.event_id = a.event_id
        where p.position > ${after} and a.outcome = 'started'`,
    ),
    ask(
      "P4",
      "a delivery that was delivered twice, or says delivered without such an attempt",
      db`
        select h.webhook_id, h.event_id, h.status, count(a) from slotbase.delivery_history h
        left join slotbase.webhook_attempts a
          on a.event_id = h.event_id and a.delivery_id = h.delivery_id and a.outcome = 'delivered'
        where h.position > ${after}
        group by h.webhook_id, h.event_id, h.replay, h.status having count(a) <> (h.status = 'delivered')::integer`,
    ),
    ask(
      "P5",
      "a dead run or a failed delivery without its dead letter",
      db`
        select h.event_id, h.handler as of from slotbase.handler_history h
        where h.position > ${after} and h.status = 'dead_letter'
          and not exists (select from slotbase.dead_letters d where d.event_id = h.event_id and d.handler = h.handler)
        union all
        select h.event_id, h.webhook_id::text from slotbase.delivery_history h
        where h.position > ${after} and h.status = 'failed'
          and not exists (select from slotbase.dead_letters d where d.delivery_id = h.delivery_id)`,
    ),
    ask(
      "P5",
      "a dead letter that nobody has resolved",
      db`select event_id, handler, webhook_id, errors -> -1 as error from slotbase.dead_letters where resolved_at is null`,
    ),
    ask(
      "P7",
      "positions that are not dense",
      db`
        select min(position) as first, max(position) as last, count(*) from slotbase.event_positions
        having count(*) > 0 and (min(position) <> 1 or max(position) <> count(*))`,
    ),
    ask("P7", "a booking whose events have positions out of the order of its life", outOfOrder(db, after)),
    ask(
      "P9",
      "two bookings on one resource at one time",
      db`
        select a.booking_id, b.booking_id as other, a.during from slotbase.occupancies a
        join slotbase.occupancies b on a.resource_id = b.resource_id and a.booking_id < b.booking_id and a.during && b.during`,
    ),
    ask(
      "P9",
      "a booking that occupies without its row in occupancies, or the other way round",
      db`
        select b.id, b.status, o.booking_id from slotbase.bookings b
        full join slotbase.occupancies o on o.booking_id = b.id and o.facility_id = b.facility_id
        where (o.booking_id is not null) is distinct from
              (b.status in ('held', 'pending', 'confirmed', 'checked_in', 'completed', 'no_show'))`,
    ),
  ]
}

/** AnalyticsHandler's effects, against what they should add up to. */
const wrongFigures = (db: Queryable) => db`
  with expected as (
    select b.facility_id, (b.start_at at time zone f.timezone)::date as day, count(*) as bookings,
           count(*) filter (where b.status = 'cancelled') as cancellations,
           coalesce(sum(extract(epoch from b.end_at - b.start_at) / 60) filter (where b.status <> 'cancelled'), 0) as minutes,
           coalesce(sum(b.price_amount) filter (where b.status <> 'cancelled'), 0) as amount
    from slotbase.bookings b join slotbase.facilities f on f.id = b.facility_id
    where b.confirmed_at is not null
    group by 1, 2
  )
  select e.facility_id, e.day, e.bookings as expected_bookings, d.bookings, e.cancellations as expected_cancellations,
         d.cancellations, e.minutes as expected_minutes, d.booked_minutes, e.amount as expected_amount, d.booked_amount
  from expected e full join slotbase.daily_facility_figures d on d.facility_id = e.facility_id and d.day = e.day
  where (e.bookings, e.cancellations, e.minutes, e.amount)
    is distinct from (d.bookings, d.cancellations, d.booked_minutes, d.booked_amount)`

const outOfOrder = (db: Queryable, after: number) => db`
  select * from (
    select p.position, e.aggregate_id, e.type, lag(e.type) over booking as before
    from slotbase.event_positions p join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
    where p.position > ${after} and e.aggregate_type = 'booking'
    window booking as (partition by e.aggregate_id order by p.position)
  ) o
  where (type = 'booking.hold.created' and before is not null)
     or (type = 'booking.confirmed' and before not in ('booking.hold.created'))
     or (before = 'booking.cancelled') or (before = 'booking.hold.released')`
