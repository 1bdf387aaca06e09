-- The sequencer: one SQL function, so that a process stopped in the middle of a pass holds nothing. It takes events out
-- of the outbox in commit order per aggregate, gives each the next dense position, and makes the work: a run per
-- subscribed handler, a delivery per matching webhook. Subscriptions change only between passes, at a known position.

-- Subscriptions added or ended since the last pass take effect at the next position. What somebody is just changing is
-- left for the next pass: the sequencer never waits for a command. A webhook's versions are taken together or not at all,
-- for one that ends while its successor is locked would leave a hole between them in which nothing is delivered.
create function slotbase.sequence_subscriptions(next_position bigint) returns void language plpgsql as $$
begin
  update slotbase.handlers h
  set from_position  = coalesce(h.from_position, next_position),
      until_position = case when h.ended then next_position end
  where h.id in (select id from slotbase.handlers
                 where until_position is null and (from_position is null or ended) for update skip locked);
  with due as materialized (
    select webhook_id, version from slotbase.webhook_versions
    where until_position is null and (from_position is null or ended) for update skip locked
  )
  update slotbase.webhook_versions v
  set from_position  = coalesce(v.from_position, next_position),
      until_position = case when v.ended then next_position end
  from due
  where v.webhook_id = due.webhook_id and v.version = due.version
    and not exists (select from slotbase.webhook_versions w
                    where w.webhook_id = v.webhook_id and w.until_position is null and (w.from_position is null or w.ended)
                      and not exists (select from due d where d.webhook_id = w.webhook_id and d.version = w.version));
end $$;
create index handlers_to_sequence on slotbase.handlers (id) where until_position is null and (from_position is null or ended);
create index webhook_versions_to_sequence on slotbase.webhook_versions (webhook_id, version) where until_position is null and (from_position is null or ended);

-- Plans: the outbox is empty nearly always, and a plan made then takes every table for empty. Measured on a burst of
-- 50,000 events after a quiet hour: 9 seconds a pass. So nothing here is left to the estimates: index scans only, and
-- arrays in place of joins with the big tables. And no pruning at run time: PostgreSQL 18.4 crashes when a row was changed
-- concurrently in a statement that prunes inside a sub-select.
create function slotbase.dispatch(batch integer, out dispatched integer, out last_position bigint, out waits_for_check boolean)
language plpgsql set enable_seqscan = off set enable_partition_pruning = off set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  mark     slotbase.outbox_floor;
  drawn    bigint;
  top      bigint;
  settled  boolean;
  embedded boolean := pg_current_xact_id_if_assigned() is not null;
begin
  dispatched := 0;
  waits_for_check := false;
  -- 1. Before this transaction has an id: whoever drew a number up to "drawn" has a smaller one,
  --    because a transaction gets its id before it draws.
  drawn := coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0);
  -- A cheap look without a lock, a transaction id or WAL.
  select * into mark from slotbase.outbox_floor;
  perform 1 from slotbase.outbox where seq > mark.floor order by seq limit 1;
  if not found and (mark.floor >= drawn or clock_timestamp() < mark.noted_at + interval '1 second') then
    return;
  end if;
  -- 2. The fence: one pass at a time. It dies with the transaction, and leaves no row and no WAL.
  perform pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'));
  select * into mark from slotbase.outbox_floor;
  select coalesce(max(position), 0) into top from slotbase.event_positions;
  -- 3. Before the snapshot of the delete: nobody who could still commit below the candidate is under way.
  settled := not embedded and pg_snapshot_xmin(pg_current_snapshot()) >= mark.candidate_xid;
  perform slotbase.sequence_subscriptions(top + 1);

  -- What SQL recorded waits until the program has checked it, and everything behind it waits too: order is kept. That is
  -- decided in the snapshot of the delete, or an unchecked event committed in between would slip through.
  with next as materialized (
    select seq, bool_or(unchecked) over (order by seq) as waits
    from (select seq, unchecked from slotbase.outbox where seq > mark.floor order by seq limit batch) o
  ), taken as (
    delete from slotbase.outbox
    where seq = any (array(select seq from next where not waits))
    returning seq, event_id, facility_id, type
  ), placed as materialized (
    select top + row_number() over (order by t.seq) as position, t.event_id, t.facility_id, t.type,
           array(select distinct h.handler from slotbase.handlers h
                 where h.event_type = t.type and h.from_position is not null and h.until_position is null) as handlers,
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
  ), runs as (
    insert into slotbase.handler_queue (handler, position, facility_id, event_id)
    select h.handler, p.position, p.facility_id, p.event_id
    from placed p cross join unnest(p.handlers) as h (handler)
    order by h.handler, p.position
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
  select count(*), max(position), coalesce((select bool_or(waits) from next), false)
  into dispatched, last_position, waits_for_check from log;

  if dispatched < batch and not waits_for_check and settled and clock_timestamp() >= mark.noted_at + interval '1 second' then
    update slotbase.outbox_floor
    set floor = mark.candidate_seq, candidate_seq = drawn, candidate_xid = pg_current_xact_id(), noted_at = clock_timestamp();
  end if;
end $$;
comment on function slotbase.dispatch(integer) is 'Gives the next positions to at most "batch" events and makes their runs and deliveries, in one transaction.';
