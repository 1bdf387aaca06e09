-- Runs of handlers, by range. Fresh runs have no rows until they are handled. A cursor per handler says up to which
-- position of the log everything was claimed. Each subscribed event after the cursor waits. A batch that succeeded
-- together is one row, with the set of its positions. Only the exceptions have rows of their own:
--   handler_queue     runs that failed, were returned, or were abandoned
--   handler_history   runs that were skipped, dead-lettered, tried again, or handled by themselves
-- With a row per run, dispatch inserted the row, and settling deleted it and inserted its history. That was 15 row
-- changes per event with five handlers, two thirds of PostgreSQL's time and of the WAL. The log is append-only, so a
-- claim of fresh runs never reads rows that a long snapshot keeps from vacuum. A claim is a row per process and
-- handler, in place of a lease on every run. With five handlers that each insert a row, the claim fell from an update
-- per run to one per batch.

-- A cursor moves by a new row and the deletion of the old one, never by an update. The newest row is then the first
-- that its index finds, however many dead rows a long snapshot keeps from vacuum.
create table slotbase.handler_cursors (
  handler text   not null,
  next    bigint not null,
  primary key (handler, next)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
comment on table  slotbase.handler_cursors is 'Up to where each handler''s fresh runs were claimed: one row per handler.';
comment on column slotbase.handler_cursors.next is 'Every position before it was claimed once; each subscribed one from there on waits. No row: nothing was claimed yet.';

-- handler_queue_alone is nearly always empty. Quarantined runs are polled once a second, whatever a long snapshot keeps
-- from vacuum. Without that index the poll was as rare as the one for other rows below the low-water mark. On a busy
-- machine the last runs waited for seconds. There is no further index, so every retry stays a HOT update.
create table slotbase.handler_queue (
  handler     text        not null,
  position    bigint      not null,
  facility_id uuid        not null,
  event_id    uuid        not null,
  attempts    smallint    not null default 0,
  lost        smallint    not null default 0,
  alone       boolean     not null default false,
  ready_at    timestamptz,
  errors      jsonb,
  primary key (handler, position)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);
create index handler_queue_alone on slotbase.handler_queue (handler, position) where alone;
comment on table  slotbase.handler_queue is 'Runs that are not finished and not ordinary: failed and waiting for a retry, returned, or abandoned.';
comment on column slotbase.handler_queue.attempts is 'Attempts that ended in a failure, and attempts in quarantine that were abandoned.';
comment on column slotbase.handler_queue.lost is 'How often the run was abandoned: it was claimed and not settled, because its process crashed or its outcome is unknown.';
comment on column slotbase.handler_queue.alone is 'The run is in quarantine: claimed by itself. The run was abandoned twice, or once where its handler has no retries. If it is abandoned again, this event is the cause.';
comment on column slotbase.handler_queue.ready_at is 'Not before this instant (a retry); null: at once.';

create table slotbase.handler_claims (
  handler    text        not null,
  lease      bigint      not null,
  owner      bigint      not null,
  positions  bigint[]    not null,
  claimed_at timestamptz not null,
  fresh      boolean     not null default false,
  primary key (handler, lease)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
-- Compressing the positions of 500 runs took a quarter of the claim.
alter table slotbase.handler_claims alter column positions set storage plain;
comment on table  slotbase.handler_claims is 'The batches that are handled now: a row per batch, gone when all its runs are settled.';
comment on column slotbase.handler_claims.lease is 'Fencing token: whose claim is gone can no longer settle.';
comment on column slotbase.handler_claims.owner is 'The process (processes.id). When it has expired, its runs are freed: to be tried together once more, then each by itself.';
comment on column slotbase.handler_claims.positions is 'Claimed and not settled yet.';
comment on column slotbase.handler_claims.fresh is 'Its runs come from the log and have no row in handler_queue.';

-- The constraint is the last guard of "exactly once", and the index by which a position is looked up.
create table slotbase.handler_batches (
  handler     text           not null,
  positions   int8multirange not null,
  runs        integer        not null,
  duration_ms real           not null,
  settled_at  timestamptz    not null,
  constraint run_succeeded_once exclude using gist (positions with &&, handler with =)
) with (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000, autovacuum_freeze_min_age = 0);
comment on table  slotbase.handler_batches is 'Runs that succeeded together at their first attempt: a row per batch.';
comment on column slotbase.handler_batches.duration_ms is 'Of each of its runs, on average.';

create table slotbase.handler_history (
  event_id    uuid        not null,
  handler     text        not null,
  facility_id uuid        not null,
  position    bigint      not null,
  status      text        not null,
  attempts    smallint    not null,
  duration_ms real        not null,
  settled_at  timestamptz not null,
  reason      text,
  errors      jsonb,
  primary key (event_id, handler),
  constraint finished_run_status_is_known check (status in ('success', 'skipped', 'dead_letter'))
) partition by range (event_id);
comment on table  slotbase.handler_history is 'Finished runs with a row of their own, one per event and handler: skipped, dead-lettered, tried again, or handled by themselves.';
insert into slotbase.partitioned_tables values ('handler_history');
select slotbase.ensure_partitions();

-- A table that was analyzed while dead rows are kept looks like one row on many pages. A bitmap scan would read and
-- sort all of them.
create function slotbase.cursor_of(for_handler text) returns bigint
language sql stable set enable_bitmapscan = off set enable_sort = off as $$
  select c.next from slotbase.handler_cursors c where c.handler = for_handler order by c.next desc limit 1
$$;
comment on function slotbase.cursor_of(text) is 'From which position on nothing was claimed for the handler; null: nothing was claimed yet.';

-- The two bounds of the log are not known when the plan is made. PostgreSQL then expects a small part, and reads that
-- part by its key.
create view slotbase.unfinished_runs as
select q.handler, q.position, q.facility_id, q.event_id, q.attempts, q.lost, q.alone, q.ready_at, q.errors
from slotbase.handler_queue q
union all
select c.handler, p.position, p.facility_id, p.event_id, 0::smallint, 0::smallint, false, null::timestamptz, null::jsonb
from slotbase.handler_claims c
cross join lateral unnest(c.positions) as x (position)
join slotbase.event_positions p on p.position = x.position
where c.fresh
union all
select n.handler, p.position, p.facility_id, p.event_id, 0::smallint, 0::smallint, false, null::timestamptz, null::jsonb
from (
  select h.handler, coalesce(slotbase.cursor_of(h.handler), min(h.from_position)) as next
  from slotbase.handlers h
  where h.from_position is not null
  group by h.handler
) n
join slotbase.event_positions p on p.position between n.next and 9223372036854775807
join slotbase.handlers h on h.handler = n.handler and h.event_type = p.type
  and h.from_position <= p.position and (h.until_position is null or p.position < h.until_position);
comment on view slotbase.unfinished_runs is 'Runs that are not finished: in the queue, claimed from the log, or not claimed yet.';

create view slotbase.handler_runs as
select u.event_id, u.handler, u.facility_id, u.position,
       case when exists (select from slotbase.handler_claims c where c.handler = u.handler and u.position = any (c.positions)) then 'running'
            when u.attempts > 0 then 'retrying' else 'pending' end as status,
       u.attempts, u.ready_at as next_retry_at, null::real as duration_ms, null::timestamptz as settled_at,
       u.errors -> -1 -> 'error' ->> 'message' as error, null::text as reason, u.errors
from slotbase.unfinished_runs u
union all
select p.event_id, b.handler, p.facility_id, p.position, 'success', 1::smallint, null, b.duration_ms, b.settled_at, null, null, null
from slotbase.event_positions p
join slotbase.handler_batches b on b.positions @> p.position
union all
select h.event_id, h.handler, h.facility_id, h.position, h.status, h.attempts, null, h.duration_ms, h.settled_at,
       h.errors -> -1 -> 'error' ->> 'message', h.reason, h.errors
from slotbase.handler_history h;
comment on view slotbase.handler_runs is 'Every run, event × handler: pending, running, retrying, success, skipped or dead_letter.';
