-- What people query: runs and deliveries as one table each, the story of an event, the ledger of what should exist,
-- and a role that may read all of it but no secret.

create view slotbase.handler_runs as
select q.event_id, q.handler, q.facility_id, q.position,
       case when q.lease is not null then 'running' when q.attempts > 0 then 'retrying' else 'pending' end as status,
       q.attempts, q.ready_at as next_retry_at, null::real as duration_ms, null::timestamptz as settled_at,
       q.errors -> -1 -> 'error' ->> 'message' as error, null::text as reason, q.errors
from slotbase.handler_queue q
union all
select h.event_id, h.handler, h.facility_id, h.position, h.status, h.attempts, null, h.duration_ms, h.settled_at,
       h.errors -> -1 -> 'error' ->> 'message', h.reason, h.errors
from slotbase.handler_history h;
comment on view slotbase.handler_runs is 'Every run, event × handler: pending, running, retrying, success, skipped or dead_letter.';

create view slotbase.webhook_deliveries as
select d.delivery_id as id, d.webhook_id, d.facility_id, d.event_id, e.type as event_type, d.position, d.sequence, d.replay,
       w.url, w.method, d.status, d.attempts as attempt_count,
       a.first_attempt_at, l.started_at as last_attempt_at, d.next_retry_at,
       l.response_status, l.response_body, l.response_headers, l.duration_ms,
       coalesce(d.error_message, l.error_message) as error_message,
       slotbase.event_body(e) as payload, d.settled_at
from (
  select delivery_id, webhook_id, facility_id, event_id, position, sequence, replay,
         case when attempts > 0 or unknowns > 0 then 'retrying' else 'pending' end as status,
         attempts, ready_at as next_retry_at, null::text as error_message, null::timestamptz as settled_at
  from slotbase.delivery_queue
  union all
  select delivery_id, webhook_id, facility_id, event_id, position, sequence, replay, status, attempts, null, error_message, settled_at
  from slotbase.delivery_history
) d
join slotbase.webhooks w on w.id = d.webhook_id and w.facility_id = d.facility_id
left join slotbase.events e on e.id = d.event_id and e.facility_id = d.facility_id
left join lateral (select min(started_at) as first_attempt_at from slotbase.webhook_attempts
                   where event_id = d.event_id and delivery_id = d.delivery_id) a on true
left join lateral (select * from slotbase.webhook_attempts
                   where event_id = d.event_id and delivery_id = d.delivery_id order by attempt desc limit 1) l on true;
comment on view slotbase.webhook_deliveries is 'Every delivery (the specification''s WebhookDelivery): pending, retrying, delivered or failed; its attempts stand in webhook_attempts.';

create view slotbase.event_log as
select e.id as event_id, e.type as event_type, e.timestamp, e.facility_id, e.user_id, p.position,
       coalesce((select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', r.handler, 'status', r.status,
                   'duration', r.duration_ms, 'error', coalesce(r.error, r.reason))) order by r.handler)
                 from slotbase.handlers s
                 join slotbase.handler_runs r on r.handler = s.handler and r.event_id = e.id and r.position = p.position
                 where s.event_type = e.type and s.from_position <= p.position
                   and (s.until_position is null or p.position < s.until_position)), '[]') as handlers,
       coalesce((select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('webhookId', d.webhook_id, 'deliveryId', d.id,
                   'status', d.status, 'duration', d.duration_ms)) order by d.webhook_id, d.replay)
                 from slotbase.webhooks w
                 join slotbase.webhook_deliveries d on d.webhook_id = w.id and d.event_id = e.id and d.position = p.position
                 where w.facility_id = e.facility_id), '[]') as webhooks
from slotbase.events e
left join slotbase.event_positions p on p.event_id = e.id;
comment on view slotbase.event_log is 'The story of each event (the specification''s EventLog): every handler''s run and every webhook''s delivery.';

-- What should exist follows from the subscriptions alone, never from the runs themselves.
create view slotbase.event_ledger as
select p.position, p.event_id, p.facility_id, p.type,
       x.expected as expected_runs, r.waiting as runs_waiting, r.success as runs_success, r.skipped as runs_skipped, r.dead as runs_dead,
       y.expected as expected_deliveries, d.waiting as deliveries_waiting, d.delivered as deliveries_delivered, d.failed as deliveries_failed,
       x.expected = r.waiting + r.success + r.skipped + r.dead
         and y.expected = d.waiting + d.delivered + d.failed
         and p.handlers = x.expected and p.webhooks = y.expected as balanced
from slotbase.event_positions p
cross join lateral (
  select count(*) as expected from slotbase.handlers h
  where h.event_type = p.type and h.from_position <= p.position and (h.until_position is null or p.position < h.until_position)
) x
cross join lateral (
  select count(*) as expected from slotbase.webhook_versions v
  join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
  where v.facility_id = p.facility_id and p.type = any (v.events)
    and v.from_position <= p.position and (v.until_position is null or p.position < v.until_position)
    and (v.resource_ids  is null or e.resource_id  is null or e.resource_id  = any (v.resource_ids))
    and (v.booking_types is null or e.booking_type is null or e.booking_type = any (v.booking_types))
) y
cross join lateral (
  select (select count(*) from (select distinct h.handler from slotbase.handlers h where h.event_type = p.type) n
          join slotbase.handler_queue q on q.handler = n.handler and q.position = p.position) as waiting,
         count(*) filter (where h.status = 'success')     as success,
         count(*) filter (where h.status = 'skipped')     as skipped,
         count(*) filter (where h.status = 'dead_letter') as dead
  from slotbase.handler_history h where h.event_id = p.event_id
) r
cross join lateral (
  select (select count(*) from slotbase.webhooks w
          join slotbase.delivery_queue q on q.webhook_id = w.id and q.position = p.position and q.replay = 0
          where w.facility_id = p.facility_id) as waiting,
         count(*) filter (where h.status = 'delivered') as delivered,
         count(*) filter (where h.status = 'failed')    as failed
  from slotbase.webhooks w
  join slotbase.delivery_history h on h.webhook_id = w.id and h.event_id = p.event_id and h.replay = 0
  where w.facility_id = p.facility_id
) d;
comment on view slotbase.event_ledger is 'Conservation, per event: what the subscriptions say should exist against what does. "balanced" is true or something is lost.';

-- A role for people who read. Roles belong to the whole server: another database may have made it already, and this
-- user may lack the right to make one; then the grants wait for somebody who can (see "slotbase doctor").
do $$
begin
  if not exists (select from pg_roles where rolname = 'slotbase_reader') then
    create role slotbase_reader nologin;
  end if;
exception
  when insufficient_privilege then raise notice 'role slotbase_reader was not made: this user may not create roles';
  when duplicate_object or unique_violation then null;
end $$;
do $$
begin
  if not exists (select from pg_roles where rolname = 'slotbase_reader') then
    return;
  end if;
  grant usage on schema slotbase to slotbase_reader;
  grant select on slotbase.clock, slotbase.processes, slotbase.facilities, slotbase.resources, slotbase.role_grants,
    slotbase.bookings, slotbase.booking_participants, slotbase.occupancies, slotbase.daily_facility_figures,
    slotbase.availability_cache, slotbase.events, slotbase.outbox, slotbase.outbox_floor, slotbase.event_positions,
    slotbase.handlers, slotbase.handler_queue, slotbase.handler_history, slotbase.webhook_versions,
    slotbase.webhook_sequences, slotbase.delivery_queue, slotbase.delivery_history, slotbase.webhook_attempts,
    slotbase.dead_letters, slotbase.notifications, slotbase.handler_runs, slotbase.webhook_deliveries,
    slotbase.event_log, slotbase.event_ledger, slotbase.migrations to slotbase_reader;
  grant select (id, kind, email, first_name, last_name, registration_source, created_at) on slotbase.users to slotbase_reader;
  grant select (id, facility_id, user_id, name, role, key_hint, created_by, created_at, revoked_at) on slotbase.api_keys to slotbase_reader;
  grant select (id, facility_id, name, description, url, method, auth_type, events, resource_ids, booking_types, max_retries,
    retry_delay_ms, backoff_multiplier, max_concurrency, is_active, disabled_reason, created_by, created_at, updated_at, deleted_at)
    on slotbase.webhooks to slotbase_reader;
end $$;
