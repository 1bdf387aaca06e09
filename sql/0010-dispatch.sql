-- A pass of the dispatcher is one SQL function, so a process that is stopped during a pass holds nothing. It takes
-- events out of the outbox in commit order per aggregate, gives each the next dense position, and makes a delivery per
-- matching webhook. Runs of handlers get no row: 0011-runs.sql says why.

-- The floor (low-water mark) of the dispatcher's scan. No undispatched event is below the floor. A scan starts there
-- and never reads rows that a long snapshot keeps from vacuum. The floor rises in three ways, the cheapest first:
--   1. As many events got a position as numbers were drawn.
--   2. Every transaction that was under way when the candidate was noted has ended.
--   3. Every transaction that held a lock on the outbox then has ended.
-- A number whose transaction was rolled back is a gap. A process that is killed between its insert and its commit
-- leaves a gap too. A gap stops the first way, and a session that has written and idles stops the second. With both,
-- after ten minutes an empty scan read 8,493 blocks in place of 87, and throughput was 59 %.
--
-- The third way is safe because only the holder of a lock on the outbox can have drawn a number and still commit it. An
-- insert takes its RowExclusiveLock when it is parsed, planned, or its plan is taken from the cache: before the
-- column's default draws. It keeps the lock until its savepoint is rolled back, or until the transaction has ended for
-- every snapshot. PostgreSQL releases locks after that. So the holders are noted after the candidate was. The snapshot
-- of the delete is taken when none of them holds a lock any more. Then no number up to the candidate can be committed.
-- The dispatcher never waits for a session that calls nextval by hand and inserts later.
--
-- Transactions are told apart by their virtual ids. A prepared transaction gets another id with a restart. While a
-- prepared one holds such a lock, the floor waits for the other two ways. The view pg_locks shows locks taken by the
-- fast path too, and takes every partition of the lock table. That took 5 to 13 ms with 300 sessions and 6,600 locks.
-- The view is read once a second at most, and never while the floor rises by itself.

create view slotbase.outbox_writers as
select virtualtransaction as writer, pid
from pg_locks
where locktype = 'relation' and database = (select oid from pg_database where datname = current_database())
  and relation = 'slotbase.outbox'::regclass and mode = 'RowExclusiveLock' and granted and pid is distinct from pg_backend_pid();
comment on view slotbase.outbox_writers is 'Transactions that may have drawn a number of the outbox and not committed it yet; pid is null for a prepared one.';

-- Asked before the snapshot of the delete. In a transaction of one snapshot, that snapshot is older than the answer.
create function slotbase.outbox_writers_ended(mark slotbase.outbox_floor) returns boolean language sql as $$
  select mark.writers is not null and mark.watched_at <= clock_timestamp() - interval '1 second'
     and current_setting('transaction_isolation') = 'read committed'
     and not exists (select from slotbase.outbox_writers where pid is null or writer = any (mark.writers))
$$;
comment on function slotbase.outbox_writers_ended(slotbase.outbox_floor) is 'Whether every transaction that could commit a number up to the candidate has ended; false when they were not looked for within the last second.';

-- Called after the delete, when the floor could not rise.
create function slotbase.watch_outbox_writers(mark slotbase.outbox_floor, late bigint) returns void language plpgsql as $$
begin
  if mark.writers is null or mark.watched_at <= clock_timestamp() - interval '1 second' then
    update slotbase.outbox_floor
    set candidate_position = candidate_position + late, watched_at = clock_timestamp(),
        writers = coalesce(mark.writers, array(select writer from slotbase.outbox_writers));
  elsif late > 0 then
    update slotbase.outbox_floor set candidate_position = candidate_position + late;
  end if;
end $$;
comment on function slotbase.watch_outbox_writers(slotbase.outbox_floor, bigint) is 'Notes the transactions that may still commit a number up to the candidate, or that they were looked for in vain.';

-- Plans: the outbox is nearly always empty, and a plan made then takes every table for empty. A burst of 50,000 events
-- after a quiet hour took 9 seconds a pass. So no plan here depends on estimates: index scans only, and arrays in place
-- of joins with the big tables. Nothing is pruned at run time: PostgreSQL 18.4 crashes when a row was changed
-- concurrently in a statement that prunes inside a sub-select.
create function slotbase.dispatch(batch integer, out dispatched integer, out last_position bigint, out waits_for_check boolean)
language plpgsql set enable_seqscan = off set enable_partition_pruning = off set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  mark     slotbase.outbox_floor;
  present  bigint;
  top      bigint;
  below    bigint;
  late     bigint;
  settled  boolean;
  embedded boolean := pg_current_xact_id_if_assigned() is not null;
begin
  dispatched := 0;
  waits_for_check := false;
  -- A cheap check without a lock, a transaction id or WAL.
  select * into mark from slotbase.outbox_floor;
  perform 1 from slotbase.outbox where seq > mark.floor order by seq limit 1;
  if not found and (mark.floor >= coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0) or clock_timestamp() < mark.noted_at + interval '1 second') then
    return;
  end if;
  -- 1. The fence: one pass at a time. It ends with the transaction, and leaves no row and no WAL.
  perform pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'));
  select * into mark from slotbase.outbox_floor;
  select coalesce(max(position), 0) into top from slotbase.event_positions;
  -- 2. After "top": no event that has a position drew a number above "present".
  --    Before this transaction has an id: every transaction that drew a number up to "present" has a smaller one.
  present := coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0);
  -- 3. Before the snapshot of the delete: no transaction is under way that could still commit below the candidate.
  settled := pg_snapshot_xmin(pg_current_snapshot()) >= mark.candidate_xid or slotbase.outbox_writers_ended(mark);
  perform slotbase.sequence_subscriptions(top + 1);

  -- An event that SQL recorded waits until the program has checked it. Every event behind it waits too, so order is
  -- kept. The snapshot of the delete decides; otherwise an unchecked event that commits in between would slip through.
  with next as materialized (
    select seq, bool_or(unchecked) over (order by seq) as waits
    from (select seq, unchecked from slotbase.outbox where seq > mark.floor order by seq limit batch) o
  ), taken as (
    delete from slotbase.outbox
    where seq = any (array(select seq from next where not waits))
    returning seq, event_id, facility_id, type
  ), subscribed as materialized (
    select t.type, array(select distinct h.handler from slotbase.handlers h
                         where h.event_type = t.type and h.from_position is not null and h.until_position is null) as handlers
    from (select distinct type from taken) t
  ), placed as materialized (
    select top + row_number() over (order by t.seq) as position, t.event_id, t.facility_id, t.type, s.handlers,
           array(select v.webhook_id from slotbase.webhook_versions v
                 where v.facility_id = t.facility_id and v.until_position is null and v.from_position is not null
                   and t.type = any (v.events)
                   and (v.resource_ids is null and v.booking_types is null
                     or exists (select from slotbase.events e
                                where e.id = t.event_id and e.facility_id = t.facility_id
                                  and (v.resource_ids  is null or e.resource_id  is null or e.resource_id  = any (v.resource_ids))
                                  and (v.booking_types is null or e.booking_type is null or e.booking_type = any (v.booking_types))))
                ) as webhooks
    from taken t
    join subscribed s on s.type = t.type
  ), matched as materialized (
    select w.webhook_id, p.position, p.event_id, p.facility_id,
           row_number() over (partition by w.webhook_id order by p.position) as nth,
           count(*) over (partition by w.webhook_id) as total
    from placed p cross join unnest(p.webhooks) as w (webhook_id)
  ), numbered as (
    insert into slotbase.webhook_sequences as s (webhook_id, last_sequence)
    select webhook_id, count(*) from matched group by webhook_id order by webhook_id
    on conflict (webhook_id) do update set last_sequence = s.last_sequence + excluded.last_sequence
    returning s.webhook_id, s.last_sequence
  ), deliveries as (
    insert into slotbase.delivery_queue (webhook_id, position, facility_id, event_id, delivery_id, sequence)
    select m.webhook_id, m.position, m.facility_id, m.event_id,
           slotbase.derived_id(m.event_id, m.webhook_id::text), n.last_sequence - m.total + m.nth
    from matched m join numbered n on n.webhook_id = m.webhook_id
    order by m.webhook_id, m.position
  ), log as (
    insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
    select p.position, p.facility_id, p.event_id, p.type, cardinality(p.handlers), cardinality(p.webhooks), (select slotbase.now())
    from placed p
    order by p.position
    returning position
  )
  select count(*), max(position), coalesce((select bool_or(waits) from next), false),
         (select count(*) from taken where seq <= present), (select count(*) from taken where seq <= mark.candidate_seq)
  into dispatched, last_position, waits_for_check, below, late from log;

  if embedded or dispatched = batch or waits_for_check or clock_timestamp() < mark.noted_at + interval '1 second' then
    -- "late" were under way when the candidate was noted, and have committed since.
    if late > 0 then
      update slotbase.outbox_floor set candidate_position = candidate_position + late;
    end if;
  elsif mark.floor_position + (present - mark.floor) = top + below or settled then
    -- As many events got a position as numbers were drawn: none is still to come, whatever else is under way. Or every
    -- transaction that could still commit a number up to the candidate has ended.
    update slotbase.outbox_floor
    set floor          = case when mark.floor_position + (present - mark.floor) = top + below then present else mark.candidate_seq end,
        floor_position = case when mark.floor_position + (present - mark.floor) = top + below then top + below
                              else mark.candidate_position + late end,
        candidate_seq  = present, candidate_position = top + below, candidate_xid = pg_current_xact_id(), noted_at = clock_timestamp(),
        writers        = null;
  else
    perform slotbase.watch_outbox_writers(mark, late);
  end if;
end $$;
comment on function slotbase.dispatch(integer) is 'Gives the next positions to at most "batch" events and makes their runs and deliveries, in one transaction.';
