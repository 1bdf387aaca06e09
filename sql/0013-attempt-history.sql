-- An attempt is one insert in place of an insert and an update. A delivery that is claimed says so in its own queue row (the
-- lease, and since when), and its attempt is written down when it has ended; webhook_attempts becomes a view over both, as
-- handler_runs and webhook_deliveries are. Measured per delivery, in batches: 1,820 bytes of WAL before, 1,380 after. And no statement
-- of the hot path joins a partitioned table any more: such a join, planned while the month's partition was still empty, kept
-- walking all of it (a settlement of 250 took one second at 18,000 attempts).
-- Stop the actors of the older program before this file is applied.

alter table slotbase.webhook_attempts rename to attempt_history;
do $$
declare
  child record;
begin
  for child in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
               where i.inhparent = 'slotbase.attempt_history'::regclass
  loop
    execute format('alter table slotbase.%I rename to %I', child.relname,
      replace(child.relname, 'webhook_attempts', 'attempt_history'));
  end loop;
end $$;
alter index slotbase.webhook_attempts_pkey rename to attempt_history_pkey;
update slotbase.partitioned_tables set name = 'attempt_history' where name = 'webhook_attempts';

alter table slotbase.delivery_queue add column started_at timestamptz;
comment on column slotbase.delivery_queue.started_at is 'When the present attempt was claimed, which is committed before its request leaves; null while nobody has it.';
update slotbase.delivery_queue q
set started_at = coalesce((select a.started_at from slotbase.attempt_history a
                           where a.event_id = q.event_id and a.delivery_id = q.delivery_id and a.attempt = q.attempts + 1), slotbase.now())
where q.lease is not null;
alter table slotbase.delivery_queue add constraint attempt_under_way_has_start check ((lease is null) = (started_at is null));
delete from slotbase.attempt_history where outcome = 'started';
alter table slotbase.attempt_history alter column outcome drop default;
comment on table slotbase.attempt_history is 'HTTP attempts that have ended, or whose outcome nobody knows.';
comment on column slotbase.attempt_history.outcome is 'delivered, failed, or unknown: the process died or gave up while it was under way.';

-- More than half of each page is left free: claiming a row then is a HOT update, also when all rows of a page are claimed at once.
alter table slotbase.delivery_queue set (fillfactor = 45);

-- By its id alone a webhook was looked for in webhooks_of_facility, facility by facility.
create index webhooks_by_id on slotbase.webhooks (id);

create view slotbase.webhook_attempts as
select event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at, sent_at, outcome, duration_ms,
       signature, response_status, response_headers, response_body, error_message
from slotbase.attempt_history
union all
select q.event_id, q.delivery_id, (q.attempts + 1)::smallint,
       slotbase.derived_id(q.event_id, q.delivery_id::text || (q.attempts + 1)::text),
       q.facility_id, q.webhook_id, w.url, w.method, q.started_at, null, 'started', null, null, null, null, null, null
from slotbase.delivery_queue q
join slotbase.webhooks w on w.id = q.webhook_id and w.facility_id = q.facility_id
where q.lease is not null;
comment on view slotbase.webhook_attempts is 'One row per HTTP attempt, committed as started before the request leaves. By webhook_id it is fast however long the queue.';
comment on column slotbase.webhook_attempts.outcome is 'started: under way, or lost and not yet found; unknown: the process died while it was under way; delivered; failed.';
comment on column slotbase.webhook_attempts.id is 'X-SlotBase-Delivery-ID of this attempt.';

create or replace view slotbase.webhook_deliveries as
select d.delivery_id as id, d.webhook_id, d.facility_id, d.event_id, e.type as event_type, d.position, d.sequence, d.replay,
       w.url, w.method, d.status, d.attempts as attempt_count,
       coalesce(a.first_attempt_at, d.started_at) as first_attempt_at,
       coalesce(d.started_at, l.started_at) as last_attempt_at, d.next_retry_at,
       l.response_status, l.response_body, l.response_headers, l.duration_ms,
       coalesce(d.error_message, l.error_message) as error_message,
       slotbase.event_body(e) as payload, d.settled_at
from (
  select delivery_id, webhook_id, facility_id, event_id, position, sequence, replay,
         case when attempts > 0 or unknowns > 0 then 'retrying' else 'pending' end as status,
         attempts, ready_at as next_retry_at, null::text as error_message, null::timestamptz as settled_at, started_at
  from slotbase.delivery_queue
  union all
  select delivery_id, webhook_id, facility_id, event_id, position, sequence, replay, status, attempts, null, error_message, settled_at, null
  from slotbase.delivery_history
) d
join slotbase.webhooks w on w.id = d.webhook_id and w.facility_id = d.facility_id
left join slotbase.events e on e.id = d.event_id and e.facility_id = d.facility_id
left join lateral (select min(started_at) as first_attempt_at from slotbase.attempt_history
                   where event_id = d.event_id and delivery_id = d.delivery_id) a on true
left join lateral (select * from slotbase.attempt_history
                   where event_id = d.event_id and delivery_id = d.delivery_id and d.started_at is null
                   order by attempt desc limit 1) l on true;

create table slotbase.webhook_breakers (
  webhook_id  uuid        not null,
  process     bigint      not null,
  facility_id uuid        not null,
  failures    integer     not null,
  error       text,
  opened_at   timestamptz not null,
  probe_at    timestamptz not null,
  primary key (webhook_id, process)
) with (fillfactor = 70);
comment on table  slotbase.webhook_breakers is 'Webhooks that failed many times in a row, per process: until one request succeeds they are asked with one at a time. Their deliveries wait and burn no attempt.';
comment on column slotbase.webhook_breakers.process is 'Who has left it alone (processes.id).';
comment on column slotbase.webhook_breakers.failures is 'In a row.';
comment on column slotbase.webhook_breakers.error is 'The last one.';
comment on column slotbase.webhook_breakers.probe_at is 'When the next request may leave.';

-- The same bytes, in 60 % of the time: slotbase.utc() was a call per instant, because it could not be inlined.
create or replace function slotbase.event_body(e slotbase.events) returns text language sql stable as $$
  select case when e.id is not null then concat('{"id":"', e.id, '","type":', to_json(e.type), ',"version":', to_json(e.version),
    ',"timestamp":"', to_char(e.timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    '","occurredAt":"', to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    '","source":', to_json(e.source), ',"correlationId":"', e.correlation_id, '"',
    ',"causationId":"' || e.causation_id || '"',
    case when e.facility_id <> '00000000-0000-7000-8000-000000000000' then ',"facilityId":"' || e.facility_id || '"' end,
    ',"userId":"' || e.user_id || '"',
    ',"organizationId":"' || e.organization_id || '"',
    ',"data":', e.data, ',"metadata":', e.metadata, '}') end
$$;

-- One plan for good: made for each call it took half a millisecond, seven times the reading itself. The bounds prune the
-- partitions when it starts (an array alone does not); the order keeps it on the primary key also while a partition is empty.
create function slotbase.event_bodies(ids uuid[]) returns table (id uuid, type text, body text)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  sorted uuid[] := array(select x from unnest(ids) as x order by x);
begin
  return query
  select e.id, e.type, slotbase.event_body(e) from slotbase.events e
  where e.id = any (sorted) and e.id >= sorted[1] and e.id <= sorted[cardinality(sorted)]
  order by e.id;
end $$;
comment on function slotbase.event_bodies(uuid[]) is 'Type and DomainEvent of each of these events that is kept, by id.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.webhook_attempts, slotbase.attempt_history, slotbase.webhook_breakers to slotbase_reader;
  end if;
end $$;
