-- Deliveries of events to webhooks. A delivery waits in a narrow queue, is claimed there by a lease, and ends in the
-- history. A status column on one wide table was measured as the alternative: a third more WAL, no HOT updates. An
-- attempt is one insert. A claimed delivery has its lease and the start of its attempt in its own row of the queue. The
-- attempt is written when it has ended. The view webhook_attempts shows both. An insert and an update per attempt took
-- 1,820 bytes of WAL per delivery, in batches; one insert takes 1,380. No statement of the hot path joins a partitioned
-- table. Such a join, planned while the month's partition was still empty, kept scanning all of it. A settlement of 250
-- took one second at 18,000 attempts.

-- More than half of each page is left free. Claiming a row then is a HOT update, also when all rows of a page are
-- claimed at once. A delivery that was abandoned twice is in quarantine, like such runs. The third unknown outcome is a
-- dead letter, so the delivery itself must be its cause. When a process sent all its deliveries together, the
-- neighbours of a delivery that crashes its process shared its fate. After three crashes up to 512 neighbours became
-- dead letters, most of them never sent. The index delivery_queue_alone is nearly always empty, so each claim can read
-- the quarantined deliveries.
create table slotbase.delivery_queue (
  webhook_id  uuid        not null,
  position    bigint      not null,
  replay      smallint    not null default 0,
  facility_id uuid        not null,
  event_id    uuid        not null,
  delivery_id uuid        not null,
  sequence    bigint      not null,
  attempts    smallint    not null default 0,
  failures    smallint    not null default 0,
  unknowns    smallint    not null default 0,
  lease       bigint,
  owner       bigint,
  ready_at    timestamptz,
  errors      jsonb,
  started_at  timestamptz,
  primary key (webhook_id, position, replay),
  constraint attempt_under_way_has_start check ((lease is null) = (started_at is null))
) with (fillfactor = 45, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);
create index delivery_queue_retries on slotbase.delivery_queue (webhook_id, ready_at) where ready_at is not null;
create index delivery_queue_alone on slotbase.delivery_queue (webhook_id, ready_at) where unknowns > 1;
comment on table  slotbase.delivery_queue is 'Deliveries that are not finished.';
comment on column slotbase.delivery_queue.replay is '0: the delivery that dispatch made; 1 and more: replays and tests of the same event.';
comment on column slotbase.delivery_queue.sequence is 'Dense per webhook, given at dispatch; 0 for replays and tests.';
comment on column slotbase.delivery_queue.attempts is 'Requests that were sent or may have been: failures and unknown outcomes.';
comment on column slotbase.delivery_queue.failures is 'Attempts that failed: these count against the webhook''s max_retries.';
comment on column slotbase.delivery_queue.unknowns is 'Attempts with an unknown outcome, because the process crashed during them; at most three. After two the delivery is sent by itself, so that the delivery is the cause of a third.';
comment on column slotbase.delivery_queue.started_at is 'When the present attempt was claimed, which is committed before its request leaves; null while nobody has it.';

create table slotbase.delivery_history (
  webhook_id       uuid        not null,
  event_id         uuid        not null,
  replay           smallint    not null,
  facility_id      uuid        not null,
  position         bigint      not null,
  delivery_id      uuid        not null,
  sequence         bigint      not null,
  status           text        not null,
  attempts         smallint    not null,
  settled_at       timestamptz not null,
  error_message    text,
  errors           jsonb,
  primary key (webhook_id, event_id, replay),
  constraint finished_delivery_status_is_known check (status in ('delivered', 'failed'))
) partition by range (event_id);
comment on table slotbase.delivery_history is 'Deliveries that are finished.';

create table slotbase.attempt_history (
  event_id         uuid        not null,
  delivery_id      uuid        not null,
  attempt          smallint    not null,
  id               uuid        not null,
  facility_id      uuid        not null,
  webhook_id       uuid        not null,
  url              text        not null,
  method           text        not null,
  started_at       timestamptz not null,
  sent_at          timestamptz,
  outcome          text        not null,
  duration_ms      real,
  signature        text,
  response_status  smallint,
  response_headers jsonb,
  response_body    text,
  error_message    text,
  primary key (event_id, delivery_id, attempt),
  constraint attempt_outcome_is_known check (outcome in ('started', 'delivered', 'failed', 'unknown')),
  constraint delivered_has_response check (outcome <> 'delivered' or response_status between 200 and 299)
) partition by range (event_id);
comment on table slotbase.attempt_history is 'HTTP attempts that have ended, or whose outcome nobody knows.';
comment on column slotbase.attempt_history.id is 'X-SlotBase-Delivery-ID of this attempt.';
comment on column slotbase.attempt_history.sent_at is 'X-SlotBase-Timestamp: real time, which a receiver compares with its own clock, never the movable one.';
comment on column slotbase.attempt_history.outcome is 'delivered, failed, or unknown: the process crashed or gave up while it was under way.';
comment on column slotbase.attempt_history.response_body is 'The first kilobytes of the answer.';
insert into slotbase.partitioned_tables values ('delivery_history'), ('attempt_history');
select slotbase.ensure_partitions();

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
comment on table  slotbase.webhook_breakers is 'Webhooks that failed many times in a row, per process. Until a request succeeds, one request at a time probes each. Their deliveries wait and use up no attempt.';
comment on column slotbase.webhook_breakers.process is 'The process whose breaker is open (processes.id).';
comment on column slotbase.webhook_breakers.failures is 'In a row.';
comment on column slotbase.webhook_breakers.error is 'The last one.';
comment on column slotbase.webhook_breakers.probe_at is 'When the next request may leave.';

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
comment on column slotbase.webhook_attempts.id is 'X-SlotBase-Delivery-ID of this attempt.';
comment on column slotbase.webhook_attempts.outcome is 'started: under way, or abandoned and not yet reclaimed; unknown: the process crashed while it was under way; delivered; failed.';

create view slotbase.webhook_deliveries as
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
comment on view slotbase.webhook_deliveries is 'Every delivery (the specification''s WebhookDelivery): pending, retrying, delivered or failed; its attempts are in webhook_attempts.';

-- Ends attempts that did not deliver. Each attempt is written to the history. Its delivery waits for a retry, or
-- becomes a dead letter with every error. The caller gives the outcome of each request, and whether its delivery has
-- ended. A row of "results" names the delivery and the lease of its claim. An attempt whose lease is gone was ended
-- before, and is skipped, so a repetition changes nothing.
--   failed      1 when the attempt counts as a failure of the delivery
--   abandoned   1 when the attempt counts as an unknown outcome of the delivery: its process crashed
--   delay_ms    until the next attempt, unless the delivery has ended ("final")
-- Nothing is pruned at run time: PostgreSQL 18.4 crashes when a row was changed concurrently in a statement that prunes
-- inside a sub-select. Callers send batches, and set the plan for them (actors/deliveries/delivery.ts).
create function slotbase.end_attempts(results json) returns table (webhook_id uuid, ready_at timestamptz)
language plpgsql set enable_partition_pruning = off as $$
#variable_conflict use_column
declare
  present timestamptz := slotbase.now();
begin
  return query
  with held as materialized (
    -- in the order in which a deletion of the webhook takes them
    select q.*, r.attempt_id, r.url, r.method, r.outcome, r.final, r.failed, r.abandoned, r.sent_at, r.duration_ms,
           r.signature, r.status, r.headers, r.body, r.message, r.code, r.max_retries, present + r.delay_ms * interval '1 ms' as next_at
    from (
      select * from json_to_recordset(results) as r (
        webhook_id uuid, position bigint, replay smallint, lease bigint, attempt_id uuid, url text, method text,
        outcome text, final boolean, failed integer, abandoned integer, delay_ms double precision,
        sent_at timestamptz, duration_ms real, signature text, status smallint, headers jsonb, body text, message text, code text,
        max_retries integer)
      order by webhook_id, position, replay
    ) r
    cross join lateral (
      select *, ctid as at from slotbase.delivery_queue
      where webhook_id = r.webhook_id and position = r.position and replay = r.replay and lease = r.lease
      offset 0 for update
    ) q
  ), ended as (
    insert into slotbase.attempt_history (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at,
      sent_at, outcome, duration_ms, signature, response_status, response_headers, response_body, error_message)
    select event_id, delivery_id, attempts + 1, attempt_id, facility_id, webhook_id, url, method, started_at,
           sent_at, outcome, duration_ms, signature, status, headers, body, message
    from held
  ), judged as (
    select h.*, coalesce(h.errors, '[]') || jsonb_strip_nulls(jsonb_build_object('eventId', h.event_id,
             'eventType', (select p.type from slotbase.event_positions p where p.position = h.position),
             'handlerName', 'WebhookHandler', 'error', jsonb_build_object('message', h.message, 'code', h.code),
             'attemptCount', h.attempts + 1, 'maxRetries', h.max_retries,
             'nextRetryAt', case when not h.final then slotbase.utc(h.next_at) end,
             'status', case when h.final then 'dead_letter' else 'retrying' end)) as all_errors
    from held h
  ), again as (
    update slotbase.delivery_queue q
    set lease = null, owner = null, started_at = null, attempts = q.attempts + 1, failures = q.failures + j.failed,
        unknowns = q.unknowns + j.abandoned, ready_at = j.next_at, errors = j.all_errors
    from judged j where q.ctid = j.at and not j.final
    returning q.webhook_id, q.ready_at
  ), gone as (
    delete from slotbase.delivery_queue q using judged j where q.ctid = j.at and j.final
  ), history as (
    insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence,
      status, attempts, settled_at, error_message, errors)
    select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'failed', attempts + 1, present,
           message, all_errors
    from judged where final
  ), dead as (
    insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors,
      created_at, last_attempt_at)
    select slotbase.derived_id(j.delivery_id, 'dead_letter'), j.facility_id, j.event_id, j.position, j.webhook_id,
           j.delivery_id,
           coalesce((select slotbase.event_body(e)::jsonb from slotbase.events e
                     where e.id = j.event_id and e.facility_id = j.facility_id), '{}'),
           j.all_errors, present, present
    from judged j where j.final
    on conflict (id, facility_id) do update
    set errors = excluded.errors, last_attempt_at = excluded.last_attempt_at,
        resolved_at = null, resolved_by = null, resolution = null
  )
  select webhook_id, ready_at from again;
end $$;
comment on function slotbase.end_attempts(json) is
  'Ends attempts that did not deliver, under the leases of their claims; answers which deliveries wait for a retry, and until when.';
