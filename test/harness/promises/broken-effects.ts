// The questions about the handlers' effects: each effect exists exactly once per event.

import type { Queryable } from "#base/database/db.ts"
import { ask, type Question } from "./question.ts"

export const effectQuestions = (db: Queryable, after: number): readonly Question[] => [
  ask("P3", "a day whose figures are not those of its bookings", wrongFigures(db)),
  ask("P3", "a day that does not say by which event it was changed last", wrongDays(db, after)),
  ask("P3", "a reminder that was sent and is not recorded as sent, once", wrongReminders(db, after)),
]

/** AnalyticsHandler's figures, against the sums of the bookings. */
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
  -- On a day without bookings there may be payments.
  where (coalesce(e.bookings, 0), coalesce(e.cancellations, 0), coalesce(e.minutes, 0), coalesce(e.amount, 0))
    is distinct from (d.bookings, d.cancellations, d.booked_minutes, d.booked_amount)`

/**
 * CacheInvalidationHandler's effects, for bookings that were not moved. A change of a facility's settings clears its
 * days. A hold may end while this is asked, so a day whose event still waits for the handler is not judged.
 */
const wrongDays = (db: Queryable, after: number) => db`
  with forgotten as materialized (
    select facility_id, max(position) as position from slotbase.event_positions
    where type = 'facility.settings_updated' group by facility_id
  ), waiting as materialized (
    select distinct position from slotbase.unfinished_runs where handler = 'CacheInvalidationHandler'
  ), changed as (
    select e.facility_id, e.resource_id, d.day::date as day, max(p.position) as position
    from slotbase.event_positions p
    join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
    join slotbase.facilities f on f.id = p.facility_id
    left join forgotten s on s.facility_id = p.facility_id
    left join waiting w on w.position = p.position
    join slotbase.handlers h on h.handler = 'CacheInvalidationHandler' and h.event_type = p.type
      and h.from_position <= p.position and (h.until_position is null or p.position < h.until_position)
    cross join lateral generate_series(
      ((e.data ->> 'startAt')::timestamptz at time zone f.timezone)::date,
      (((e.data ->> 'endAt')::timestamptz - interval '1 ms') at time zone f.timezone)::date, interval '1 day') as d (day)
    where p.type in ('booking.hold.created', 'booking.hold.released', 'booking.confirmed', 'booking.cancelled')
      and p.position > coalesce(s.position, 0)
    group by 1, 2, 3 having max(p.position) > ${after} and count(w.position) = 0
  )
  select facility_id, resource_id, day, n.position as changed_at, c.touched_at
  from changed n left join slotbase.availability_cache c using (facility_id, resource_id, day)
  where c.touched_at is distinct from n.position`

/** The events that NotificationHandler records after it has sent a reminder. */
const wrongReminders = (db: Queryable, after: number) => db`
  with sent as (
    select n.event_id, count(*) as messages from slotbase.notifications n
    where n.type = 'booking.reminder.due' and n.status = 'sent' and n.channel <> 'in_app' group by n.event_id
  ), recorded as (
    select e.causation_id as event_id, count(*) as events from slotbase.events e
    where e.type = 'booking.reminder.sent' group by e.causation_id
  )
  select event_id, coalesce(s.messages, 0) as messages, coalesce(r.events, 0) as events
  from sent s full join recorded r using (event_id)
  left join slotbase.event_positions p using (event_id)
  where coalesce(p.position > ${after}, true) and s.messages is distinct from r.events`
