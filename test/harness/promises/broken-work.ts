// The questions about the work of an event:
//
// - a run for each handler
// - a delivery for each webhook
// - an attempt for each request
// - a dead letter with every error for each run and delivery that failed for good

import type { Queryable } from "#base/database/db.ts"
import { ask, type Question } from "./question.ts"

export const workQuestions = (db: Queryable, after: number): readonly Question[] => [
  ask(
    "P2",
    "an event whose ledger is not balanced",
    db`select * from slotbase.event_ledger_whole where position > ${after} and not balanced`,
  ),
  ask("P2", "a handler that does not have exactly one run of an event", wrongRuns(db, after)),
  ask("P2", "a webhook that does not have exactly one delivery of an event", wrongDeliveries(db, after)),
  ask(
    "P2",
    "a webhook whose sequence is not dense",
    db`
      select webhook_id, max(sequence) as last, count(*), count(distinct sequence) as numbers from slotbase.delivery_history
      where replay = 0 group by webhook_id having max(sequence) <> count(*) or count(distinct sequence) <> count(*)`,
  ),
  ask(
    "P4",
    "an attempt that was started and never ended",
    db`
      select a.event_id, a.delivery_id, a.attempt, a.started_at from slotbase.webhook_attempts a
      join slotbase.event_positions p on p.event_id = a.event_id
      where p.position > ${after} and a.outcome = 'started'
        and not exists (select from slotbase.delivery_queue q join slotbase.processes o on o.id = q.owner
                        where q.delivery_id = a.delivery_id and o.alive_until > clock_timestamp())`,
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
  ask("P5", "a dead letter without the error of each attempt", withoutErrors(db)),
  ask(
    "P5",
    "a dead letter that nobody has resolved",
    db`select event_id, handler, webhook_id, errors -> -1 as error from slotbase.dead_letters where resolved_at is null`,
  ),
]

// Counted per event and handler: in the ledger's sums a missing run and a doubled run would cancel out.
const wrongRuns = (db: Queryable, after: number) => db`
  with expected as (
    select distinct p.position, h.handler from slotbase.event_positions p
    join slotbase.handlers h on h.event_type = p.type
      and h.from_position <= p.position and (h.until_position is null or p.position < h.until_position)
    where p.position > ${after}
  ), found as (
    select position, handler, count(*) as runs from slotbase.handler_runs where position > ${after} group by position, handler
  )
  select position, handler, e.handler is not null as expected, coalesce(f.runs, 0) as runs
  from expected e full join found f using (position, handler)
  where (e.handler is not null)::integer <> coalesce(f.runs, 0)`

const wrongDeliveries = (db: Queryable, after: number) => db`
  with expected as (
    select distinct p.position, v.webhook_id from slotbase.event_positions p
    join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
    join slotbase.webhook_versions v on v.facility_id = p.facility_id and p.type = any (v.events)
      and v.from_position <= p.position and (v.until_position is null or p.position < v.until_position)
      and (v.resource_ids is null or e.resource_id = any (v.resource_ids) or (e.resource_id is null and v.keep_absent))
      and (v.booking_types is null or e.booking_type = any (v.booking_types) or (e.booking_type is null and v.keep_absent))
      and (v.condition is null or e.data @@ v.condition)
    where p.position > ${after}
  ), found as (
    select position, webhook_id, count(*) as deliveries from (
      select position, webhook_id from slotbase.delivery_queue where replay = 0 and position > ${after}
      union all
      select position, webhook_id from slotbase.delivery_history where replay = 0 and position > ${after}) d
    group by position, webhook_id
  )
  select position, webhook_id, e.webhook_id is not null as expected, coalesce(f.deliveries, 0) as deliveries
  from expected e full join found f using (position, webhook_id)
  where (e.webhook_id is not null)::integer <> coalesce(f.deliveries, 0)`

/**
 * The errors of a dead letter count the attempts: from 1 upwards, and from 1 again only after an error that
 * dead-lettered it. The last error must be one that dead-lettered it. The records of runs and attempts must show as
 * many failures. Entries that ended without an attempt (webhook deleted, month over) are not checked. The end of the
 * time for retries is no attempt either, and is left out.
 */
const withoutErrors = (db: Queryable) => db`
  with letters as materialized (
    select d.event_id, coalesce(d.handler, d.delivery_id::text) as of, d.handler, d.delivery_id, e.*
    from slotbase.dead_letters d
    cross join lateral (
      select count(*) as errors, (array_agg(nth order by at desc))[1] as attempts, (array_agg(status order by at desc))[1] as status,
             coalesce(bool_and(nth = before + 1 or nth = 1 and status_before = 'dead_letter'), false) as complete,
             d.errors -> -1 -> 'error' ->> 'code' is not distinct from 'retry_time_over' as given_up
      from (
        select (error ->> 'attemptCount')::integer as nth, error ->> 'status' as status, at,
               lag((error ->> 'attemptCount')::integer, 1, 0) over (order by at) as before,
               lag(error ->> 'status') over (order by at) as status_before
        from jsonb_array_elements(d.errors) with ordinality as x (error, at)
        where error -> 'error' ->> 'code' is distinct from 'retry_time_over'
      ) x
    ) e
    where coalesce(d.errors -> -1 -> 'error' ->> 'code', '') not in ('webhook_deleted', 'retention')
  )
  select l.event_id, l.of, l.errors, l.attempts, h.attempts as of_run, a.failed as of_delivery
  from letters l
  left join slotbase.handler_history h on h.event_id = l.event_id and h.handler = l.handler and h.status = 'dead_letter'
  left join lateral (
    select count(*) as failed from slotbase.webhook_attempts a
    where a.event_id = l.event_id and a.delivery_id = l.delivery_id and a.attempt <= l.attempts
      and a.outcome in ('failed', 'unknown')
  ) a on l.delivery_id is not null
  where not l.complete or l.status <> 'dead_letter' and not l.given_up or h.attempts <> l.attempts or a.failed <> l.attempts`
