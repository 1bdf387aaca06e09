-- Retention: whole months leave, by dropping their partitions. Deleting rows instead would write each of them a second
-- time, and leave the vacuum as much work again. A plain drop or detach waits behind one idle reader, with every insert
-- waiting behind it (measured). So a partition is first detached concurrently, which no transaction may contain. The
-- job of actors/jobs/retention.ts goes through the steps. The table retired_months holds its progress, and each step
-- may be repeated:
-- 1. retire_month names the month and its partitions.
-- 2. dead_letter_month makes dead letters of the month's unfinished work. They keep the whole event.
-- 3. forget_positions removes the month's part of the log. Then forget_batches removes the batches of runs of all that
--    has left the log.
-- 4. The partitions are detached concurrently, or an interrupted detach is finalized. Then step 2 is repeated, and the
--    partitions are dropped.
-- 5. end_retired_month ends the work.
--
-- Step 2 is repeated for work that was put back meanwhile: without its event, no work can be done.

create table slotbase.retired_months (
  month        date        primary key,
  partitions   text[]      not null,
  began_at     timestamptz not null,
  ended_at     timestamptz,
  undispatched integer     not null default 0,
  runs         integer     not null default 0,
  deliveries   integer     not null default 0,
  positions    bigint      not null default 0
);
comment on table  slotbase.retired_months is 'The months that retention has removed, or is removing now.';
comment on column slotbase.retired_months.partitions is 'Its partitions: these are detached and dropped, and no other table.';
comment on column slotbase.retired_months.ended_at is 'Null while it is under way; the next run of the job goes on with it.';
comment on column slotbase.retired_months.undispatched is 'Events that were never dispatched, and became dead letters.';
comment on column slotbase.retired_months.runs is 'Unfinished runs that became dead letters.';
comment on column slotbase.retired_months.deliveries is 'Unfinished deliveries that became dead letters; a paused webhook''s backlog is among them.';
comment on column slotbase.retired_months.positions is 'Events that left the log.';

-- The last position stays, because the next one is counted from it. Last month stays in any case: ensure_partitions()
-- would make it anew. The name is checked before it is read as a month, because PostgreSQL may read the names of all
-- relations first.
create function slotbase.due_partitions(at timestamptz) returns table (month date, parent text, partition text)
language sql stable as $$
  select m.month, t.name, c.relname::text
  from slotbase.settings s
  cross join slotbase.partitioned_tables t
  join pg_class p on p.relname = t.name and p.relnamespace = 'slotbase'::regnamespace
  join pg_inherits i on i.inhparent = p.oid
  join pg_class c on c.oid = i.inhrelid and c.relname ~ ('^' || t.name || '_\d{4}_\d{2}$')
  cross join lateral (select case when c.relname ~ '_\d{4}_(0[1-9]|1[0-2])$' then to_date(right(c.relname, 7), 'YYYY_MM') end as month) m
  where m.month < date_trunc('month', least(at - s.keep_events, at - interval '1 month') at time zone 'UTC')
    and s.keep_events is not null
    and not exists (select from (select event_id from slotbase.event_positions order by position desc limit 1) l
                    where l.event_id >= slotbase.month_begins(m.month) and l.event_id < slotbase.month_ends(m.month))
$$;
comment on function slotbase.due_partitions(timestamptz) is 'The attached partitions of all months that are no longer kept at that time.';

-- A session that reads a later month holds the parent too, and a detach waits for it.
create function slotbase.partition_readers(partitions text[]) returns table (pid integer, name text, session text)
language sql stable as $$
  select a.pid, a.application_name, slotbase.session_text(a.pid, a.application_name, a.state, a.xact_start)
  from pg_stat_activity a
  where a.pid <> pg_backend_pid() and a.datname = current_database() and a.xact_start is not null
    and a.pid in (select l.pid from pg_locks l join pg_class c on c.oid = l.relation
                  where l.granted and c.relnamespace = 'slotbase'::regnamespace
                    and (c.relname = any (partitions) or c.relname in (select t.name from slotbase.partitioned_tables t)))
  order by a.xact_start
$$;
comment on function slotbase.partition_readers(text[]) is 'The sessions that have these partitions or their tables open in a transaction, the oldest one first.';

-- The month in progress, or else the oldest one that is due.
create function slotbase.retire_month() returns setof slotbase.retired_months language plpgsql as $$
#variable_conflict use_column
declare
  present timestamptz := slotbase.now();
begin
  return query select * from slotbase.retired_months where ended_at is null order by month limit 1;
  if found then
    return;
  end if;
  return query
  insert into slotbase.retired_months as r (month, partitions, began_at)
  select d.month, array_agg(d.partition order by d.parent <> 'events', d.partition), present
  from slotbase.due_partitions(present) d
  group by d.month order by d.month limit 1
  on conflict (month) do update set partitions = excluded.partitions, began_at = excluded.began_at, ended_at = null
  returning *;
end $$;
comment on function slotbase.retire_month() is 'Names the next month that leaves, with its partitions; no row when none is due.';

create function slotbase.expired_error(event_id uuid, type text, handler text, errors jsonb, attempts integer, under_way boolean)
returns jsonb language sql immutable as $$
  select coalesce(errors, '[]') || jsonb_build_object('eventId', event_id, 'eventType', type, 'handlerName', handler,
    'error', jsonb_build_object('code', 'retention', 'message', 'unfinished when the retention of its event ended'
      || case when under_way then '; an attempt was under way, its outcome is unknown' else '' end),
    'attemptCount', attempts, 'maxRetries', coalesce((errors -> -1 ->> 'maxRetries')::integer, 0), 'status', 'dead_letter')
$$;
comment on function slotbase.expired_error(uuid, text, text, jsonb, integer, boolean) is 'The errors of a dead letter that retention makes: those before, and this one.';

-- The events' partition is named, never reached through its parent. That works in every state of the detach.
create function slotbase.body_in(of_month date, event_id uuid, facility_id uuid) returns jsonb language plpgsql stable as $$
declare
  body jsonb;
begin
  execute format('select slotbase.event_body((e.*)::text::slotbase.events)::jsonb from slotbase.%I e where e.id = $1 and e.facility_id = $2',
    'events' || to_char(of_month, '_YYYY_MM')) into body using event_id, facility_id;
  return coalesce(body, jsonb_build_object('id', event_id));
end $$;
comment on function slotbase.body_in(date, uuid, uuid) is 'The DomainEvent from a month''s partition, attached or not.';

-- The next three functions prune nothing at run time, because of a crash of PostgreSQL 18.4 (see slotbase.dispatch).
-- They lock rows in the order in which settling takes them. A claimer of one of the rows finds it gone when it settles,
-- and its transaction is rolled back.
create function slotbase.dead_letter_undispatched(of_month date, batch integer) returns integer language plpgsql as $$
declare
  lo   uuid := slotbase.month_begins(of_month);
  hi   uuid := slotbase.month_ends(of_month);
  made integer;
begin
  perform from slotbase.outbox o where o.event_id >= lo and o.event_id < hi limit 1;
  if not found then
    return 0;
  end if;
  -- A dispatch that is under way holds the rows, and the work that it makes cannot be seen yet.
  perform pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'));
  with gone as (
    delete from slotbase.outbox
    where seq = any (array(select seq from slotbase.outbox where event_id >= lo and event_id < hi order by seq limit batch))
    returning event_id, facility_id, type
  )
  insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
  select slotbase.derived_id(g.event_id, 'dispatcher'), g.facility_id, g.event_id, 0, 'dispatcher',
         slotbase.body_in(of_month, g.event_id, g.facility_id),
         slotbase.expired_error(g.event_id, g.type, 'dispatcher', null, 0, false), t.now, t.now
  from gone g cross join (select slotbase.now() as now) t
  on conflict do nothing;
  get diagnostics made = row_count;
  return made;
end $$;
comment on function slotbase.dead_letter_undispatched(date, integer) is 'Makes dead letters of a month''s events that were never dispatched; answers how many.';

create function slotbase.dead_letter_runs(of_month date, batch integer) returns integer
language plpgsql set enable_partition_pruning = off as $$
declare
  made integer;
begin
  with taken as materialized (
    select q.handler, q.position from slotbase.handler_queue q
    where q.event_id >= slotbase.month_begins(of_month) and q.event_id < slotbase.month_ends(of_month)
    order by q.handler, q.position limit batch for update
  ), gone as (
    delete from slotbase.handler_queue q using taken t where q.handler = t.handler and q.position = t.position returning q.*
  ), failed as materialized (
    select g.*, n.now, slotbase.expired_error(g.event_id, p.type, g.handler, g.errors, g.attempts,
             exists (select from slotbase.handler_claims c where c.handler = g.handler and g.position = any (c.positions))) as all_errors
    from gone g
    cross join (select slotbase.now() as now) n
    left join slotbase.event_positions p on p.position = g.position
  ), history as (
    insert into slotbase.handler_history (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, errors)
    select event_id, handler, facility_id, position, 'dead_letter', attempts, 0, now, all_errors from failed
  )
  insert into slotbase.dead_letters as d (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
  select slotbase.derived_id(f.event_id, f.handler), f.facility_id, f.event_id, f.position, f.handler,
         slotbase.body_in(of_month, f.event_id, f.facility_id), f.all_errors, f.now, f.now
  from failed f
  on conflict (id, facility_id) do update
  set errors = d.errors || excluded.errors, last_attempt_at = excluded.last_attempt_at,
      resolved_at = null, resolved_by = null, resolution = null;
  get diagnostics made = row_count;
  return made;
end $$;
comment on function slotbase.dead_letter_runs(date, integer) is 'Makes dead letters of a month''s unfinished runs; answers how many.';

create function slotbase.dead_letter_deliveries(of_month date, batch integer) returns integer
language plpgsql set enable_partition_pruning = off as $$
declare
  made integer;
begin
  with taken as materialized (
    select q.webhook_id, q.position, q.replay from slotbase.delivery_queue q
    where q.event_id >= slotbase.month_begins(of_month) and q.event_id < slotbase.month_ends(of_month)
    order by q.webhook_id, q.position, q.replay limit batch for update
  ), gone as (
    delete from slotbase.delivery_queue q using taken t
    where q.webhook_id = t.webhook_id and q.position = t.position and q.replay = t.replay returning q.*
  ), failed as materialized (
    select g.*, n.now, slotbase.expired_error(g.event_id, p.type, 'WebhookHandler', g.errors, g.attempts, g.lease is not null) as all_errors
    from gone g
    cross join (select slotbase.now() as now) n
    left join slotbase.event_positions p on p.position = g.position
  ), history as (
    insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status,
      attempts, settled_at, error_message, errors)
    select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'failed', attempts, now,
           all_errors -> -1 -> 'error' ->> 'message', all_errors
    from failed
  )
  insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors, created_at, last_attempt_at)
  select slotbase.derived_id(f.delivery_id, 'dead_letter'), f.facility_id, f.event_id, f.position, f.webhook_id, f.delivery_id,
         slotbase.body_in(of_month, f.event_id, f.facility_id), f.all_errors, f.now, f.now
  from failed f
  on conflict (id, facility_id) do update
  set errors = excluded.errors, last_attempt_at = excluded.last_attempt_at,
      resolved_at = null, resolved_by = null, resolution = null;
  get diagnostics made = row_count;
  return made;
end $$;
comment on function slotbase.dead_letter_deliveries(date, integer) is 'Makes dead letters of a month''s unfinished deliveries; answers how many.';

create function slotbase.dead_letter_month(of_month date, batch integer, out undispatched integer, out runs integer, out deliveries integer)
language plpgsql as $$
begin
  undispatched := slotbase.dead_letter_undispatched(of_month, batch);
  perform slotbase.queue_runs_of(of_month);
  runs         := slotbase.dead_letter_runs(of_month, batch);
  deliveries   := slotbase.dead_letter_deliveries(of_month, batch);
  if undispatched + runs + deliveries > 0 then
    update slotbase.retired_months r
    set undispatched = r.undispatched + dead_letter_month.undispatched, runs = r.runs + dead_letter_month.runs,
        deliveries   = r.deliveries + dead_letter_month.deliveries
    where r.month = of_month;
  end if;
end $$;
comment on function slotbase.dead_letter_month(date, integer) is 'At most "batch" of each kind of unfinished work of a month become dead letters; all zero: nothing is left.';

create function slotbase.forget_positions(of_month date, batch integer) returns integer language plpgsql as $$
declare
  forgotten integer;
begin
  delete from slotbase.event_positions
  where position = any (array(
    select p.position from slotbase.event_positions p
    where p.event_id >= slotbase.month_begins(of_month) and p.event_id < slotbase.month_ends(of_month)
      and p.position < (select max(position) from slotbase.event_positions)
    order by p.event_id limit batch));
  get diagnostics forgotten = row_count;
  update slotbase.retired_months set positions = positions + forgotten where month = of_month and forgotten > 0;
  return forgotten;
end $$;
comment on function slotbase.forget_positions(date, integer) is 'Removes at most "batch" of a month''s events from the log, never the last position; answers how many.';

-- The batches leave like the log: a bounded part in each transaction. They are found by the index of the constraint
-- run_succeeded_once.
-- - 10,000 of 2,500,000 rows took 50 ms. Behind 1,240,000 dead rows that a long snapshot keeps from vacuum they took
--   0.4 s.
-- - One statement at the end of the month read all of handler_batches. With small batches a month has millions of them.
--   A statement that is cut off after its minute would be cut off again an hour later.
-- - Months of batches cannot be dropped instead: before PostgreSQL 17 no partitioned table has an exclusion constraint.
-- - The answer is the number found, not the number deleted. Rows that another process deletes at the same moment are no
--   reason to stop.
-- - The rows are found one by one and by the index, because a bitmap would first be made of all that is left.
create function slotbase.forget_batches(batch integer) returns integer
language plpgsql set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  first bigint := (select min(position) from slotbase.event_positions);
  old   tid[]  := array(select b.ctid from slotbase.handler_batches b where b.positions << int8range(first, null) limit batch);
begin
  delete from slotbase.handler_batches b where b.ctid = any (old) and b.positions << int8range(first, null);
  return cardinality(old);
end $$;
comment on function slotbase.forget_batches(integer) is 'Removes at most "batch" batches of runs whose events have all left the log; answers how many there were.';

-- A subscription that ended before the first kept position describes no event any more.
create function slotbase.end_retired_month(of_month date) returns slotbase.retired_months language plpgsql as $$
declare
  first bigint := (select min(position) from slotbase.event_positions);
  ended slotbase.retired_months;
begin
  delete from slotbase.handlers h where h.ended and h.until_position <= first;
  delete from slotbase.webhook_versions v where v.ended and v.until_position <= first;
  update slotbase.retired_months r set ended_at = slotbase.now() where r.month = of_month returning * into ended;
  return ended;
end $$;
comment on function slotbase.end_retired_month(date) is 'Says that a month is gone, and answers what became of it.';
