// The promises as SQL. Once all work is done, each of these questions has no rows, after kills at any moment. They ask
// about events after a position, so that a long campaign does not repeat itself; 0 asks everything. This file asks
// about changes, their events and the log. The other files of this folder ask about the rest.

import type { Queryable } from "#base/database/db.ts"
import { effectQuestions } from "./broken-effects.ts"
import { messageQuestions } from "./broken-messages.ts"
import { paperQuestions } from "./broken-papers.ts"
import { tickQuestions } from "./broken-ticks.ts"
import { workQuestions } from "./broken-work.ts"
import { ask, type Question } from "./question.ts"

export interface Broken {
  readonly promise: string
  readonly what: string
  readonly count: number
  /** The first few. */
  readonly rows: readonly Record<string, unknown>[]
}

/** The number of rows shown for each broken promise. */
const shownRows = 5

/** Every broken promise; empty when all promises are kept. */
export async function brokenPromises(db: Queryable, after = 0): Promise<readonly Broken[]> {
  const broken: Broken[] = []
  const questions = [
    ...logQuestions(db, after),
    ...workQuestions(db, after),
    ...effectQuestions(db, after),
    ...tickQuestions(db),
    ...messageQuestions(db, after),
    ...paperQuestions(db, after),
  ]
  for (const { promise, what, rows } of questions) {
    const found = await rows
    if (found.length > 0) broken.push({ promise, what, count: found.length, rows: found.slice(0, shownRows) })
  }
  return broken
}

function logQuestions(db: Queryable, after: number): readonly Question[] {
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
      "a coach in two places at one time",
      db`
        select a.booking_id, b.booking_id as other, a.during from slotbase.coach_occupancies a
        join slotbase.coach_occupancies b on a.coach_id = b.coach_id and a.booking_id < b.booking_id and a.during && b.during
        union all
        select booking_id, null, null from slotbase.coaches_in_two_places`,
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

// A reminder may be in flight while its booking is cancelled.
const outOfOrder = (db: Queryable, after: number) => db`
  select * from (
    select p.position, e.aggregate_id, e.type, lag(e.type) over booking as before
    from slotbase.event_positions p join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
    where p.position > ${after} and e.aggregate_type = 'booking' and e.type not like 'booking.reminder.%'
    window booking as (partition by e.aggregate_id order by p.position)
  ) o
  where (type = 'booking.hold.created' and before is not null)
     or (type = 'booking.confirmed' and before not in ('booking.hold.created'))
     or (before = 'booking.cancelled') or (before = 'booking.hold.released')`
