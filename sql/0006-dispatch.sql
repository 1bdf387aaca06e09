-- The sequencer: one SQL function, so that a process stopped in the middle of a pass holds nothing. It takes events out
-- of the outbox in commit order per aggregate, gives each the next dense position, and makes the work: a run per
-- subscribed handler, a delivery per matching webhook. Subscriptions change only between passes, at a known position.

-- Subscriptions added or ended since the last pass take effect at the next position. A row that somebody is just
-- changing is left for the next pass: the sequencer never waits for a command.
create function slotbase.sequence_subscriptions(next_position bigint) returns void language plpgsql as $$
begin
  update slotbase.handlers h
  set from_position  = coalesce(h.from_position, next_position),
      until_position = case when h.ended then next_position end
  where h.id in (select id from slotbase.handlers
                 where until_position is null and (from_position is null or ended) for update skip locked);
  update slotbase.webhook_versions v
  set from_position  = coalesce(v.from_position, next_position),
      until_position = case when v.ended then next_position end
  where (v.webhook_id, v.version) in (select webhook_id, version from slotbase.webhook_versions
                 where until_position is null and (from_position is null or ended) for update skip locked);
end $$;
create index handlers_to_sequence on slotbase.handlers (id) where until_position is null and (from_position is null or ended);
create index webhook_versions_to_sequence on slotbase.webhook_versions (webhook_id, version) where until_position is null and (from_position is null or ended);

-- Plans: the outbox is empty nearly always, so its statistics mislead; nested loops over the batch are right at every size.
create function slotbase.dispatch(batch integer, out dispatched integer, out last_position bigint, out waits_for_check boolean)
language plpgsql set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
declare
  mark     slotbase.outbox_floor;
  drawn    bigint;
  top      bigint;
  until    bigint;
  settled  boolean;
  embedded boolean := pg_current_xact_id_if_assigned() is not null;
begin
  dispatched := 0;
  waits_for_check := false;
  -- 1. Before this transaction has an id: whoever drew a number up to "drawn" has a smaller one,
  --    because the events row is inserted before the outbox row.
  drawn := coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0);
  -- A cheap look without a lock, a transaction id or WAL.
  select * into mark from slotbase.outbox_floor;
  perform 1 from slotbase.outbox where seq > mark.floor limit 1;
  if not found and (mark.floor >= drawn or clock_timestamp() < mark.noted_at + interval '1 second') then
    return;
  end if;
  -- 2. The fence: one pass at a time. It dies with the transaction, and leaves no row and no WAL.
  perform pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'));
  select * into mark from slotbase.outbox_floor;
  select coalesce(max(position), 0) into top from slotbase.event_positions;
  -- 3. Before the snapshot of the delete: nobody who could still commit below the candidate is under way.
  settled := not embedded and pg_snapshot_xmin(pg_current_snapshot()) >= mark.candidate_xid;
  -- What SQL recorded waits until the program has checked it, and everything behind it waits too: order is kept.
  select seq into until from slotbase.outbox where seq > mark.floor and unchecked order by seq limit 1;
  perform slotbase.sequence_subscriptions(top + 1);

  with taken as (
    delete from slotbase.outbox
    where seq in (select seq from slotbase.outbox
                  where seq > mark.floor and seq < coalesce(until, 9223372036854775807) order by seq limit batch)
    returning seq, event_id, facility_id, type
  ), placed as materialized (
    select top + row_number() over (order by seq) as position, event_id, facility_id, type from taken
  ), runs as (
    insert into slotbase.handler_queue (handler, position, facility_id, event_id)
    select h.handler, p.position, p.facility_id, p.event_id
    from placed p
    join slotbase.handlers h on h.event_type = p.type and h.from_position is not null and h.until_position is null
    order by h.handler, p.position
    returning position
  ), matched as materialized (
    select v.webhook_id, p.position, p.event_id, p.facility_id,
           row_number() over (partition by v.webhook_id order by p.position) as nth
    from placed p
    join slotbase.webhook_versions v on v.facility_id = p.facility_id and v.until_position is null
         and v.from_position is not null and p.type = any (v.events)
    where (v.resource_ids is null and v.booking_types is null)
       or exists (select from slotbase.events e
                  where e.id = p.event_id and e.facility_id = p.facility_id
                    and (v.resource_ids  is null or e.resource_id  is null or e.resource_id  = any (v.resource_ids))
                    and (v.booking_types is null or e.booking_type is null or e.booking_type = any (v.booking_types)))
  ), numbered as (
    update slotbase.webhook_sequences s
    set last_sequence = s.last_sequence + m.count
    from (select webhook_id, count(*) as count from matched group by webhook_id) m
    where s.webhook_id = m.webhook_id
    returning s.webhook_id, s.last_sequence - m.count as base
  ), deliveries as (
    insert into slotbase.delivery_queue (webhook_id, position, facility_id, event_id, delivery_id, sequence)
    select m.webhook_id, m.position, m.facility_id, m.event_id,
           slotbase.derived_id(m.event_id, m.webhook_id::text), n.base + m.nth
    from matched m join numbered n on n.webhook_id = m.webhook_id
    order by m.webhook_id, m.position
    returning position
  ), log as (
    insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
    select p.position, p.facility_id, p.event_id, p.type, coalesce(r.count, 0), coalesce(d.count, 0), t.now
    from placed p
    left join (select position, count(*) as count from runs group by position) r on r.position = p.position
    left join (select position, count(*) as count from deliveries group by position) d on d.position = p.position
    cross join (select slotbase.now() as now) t
    order by p.position
    returning position
  )
  select count(*), max(position) into dispatched, last_position from log;

  waits_for_check := until is not null and dispatched < batch;
  if dispatched < batch and until is null and settled and clock_timestamp() >= mark.noted_at + interval '1 second' then
    update slotbase.outbox_floor
    set floor = mark.candidate_seq, candidate_seq = drawn, candidate_xid = pg_current_xact_id(), noted_at = clock_timestamp();
  end if;
end $$;
comment on function slotbase.dispatch(integer) is 'Gives the next positions to at most "batch" events and makes their runs and deliveries, in one transaction.';
