-- The floor of the dispatcher's scan rises past a session that is left idle in a transaction with an id of its own. It waited for
-- every older transaction; now it also rises when as many events got a position as numbers were drawn. How many that must be
-- is known from the last floor on; a number whose transaction was rolled back is a gap, and then it waits as before.
-- And the handlers of a type are looked up once per pass.

alter table slotbase.outbox_floor add column floor_position bigint, add column candidate_position bigint;
comment on column slotbase.outbox_floor.floor_position is 'How many of the numbers up to floor got a position; null: not known yet.';
comment on column slotbase.outbox_floor.candidate_position is 'How many of the numbers up to candidate_seq have got one so far.';

create or replace function slotbase.dispatch(batch integer, out dispatched integer, out last_position bigint, out waits_for_check boolean)
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
  -- A cheap look without a lock, a transaction id or WAL.
  select * into mark from slotbase.outbox_floor;
  perform 1 from slotbase.outbox where seq > mark.floor order by seq limit 1;
  if not found and (mark.floor >= coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0) or clock_timestamp() < mark.noted_at + interval '1 second') then
    return;
  end if;
  -- 1. The fence: one pass at a time. It dies with the transaction, and leaves no row and no WAL.
  perform pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'));
  select * into mark from slotbase.outbox_floor;
  select coalesce(max(position), 0) into top from slotbase.event_positions;
  -- 2. After "top": nothing that has a position drew a number above "present". And before this transaction has an id: whoever
  --    drew a number up to it has a smaller one, because a transaction gets its id before it draws.
  present := coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0);
  -- 3. Before the snapshot of the delete: nobody who could still commit below the candidate is under way.
  settled := pg_snapshot_xmin(pg_current_snapshot()) >= mark.candidate_xid;
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
  select count(*), max(position), coalesce((select bool_or(waits) from next), false),
         (select count(*) from taken where seq <= present), (select count(*) from taken where seq <= mark.candidate_seq)
  into dispatched, last_position, waits_for_check, below, late from log;

  if embedded or dispatched = batch or waits_for_check or clock_timestamp() < mark.noted_at + interval '1 second' then
    -- Those that were under way when the candidate was noted, and have committed since.
    if late > 0 then
      update slotbase.outbox_floor set candidate_position = candidate_position + late;
    end if;
  elsif mark.floor_position + (present - mark.floor) = top + below or settled then
    -- As many events got a position as numbers were drawn: none is still to come, whoever else is under way. Or: everybody
    -- who could still commit one up to the candidate has ended.
    update slotbase.outbox_floor
    set floor          = case when mark.floor_position + (present - mark.floor) = top + below then present else mark.candidate_seq end,
        floor_position = case when mark.floor_position + (present - mark.floor) = top + below then top + below
                              else mark.candidate_position + late end,
        candidate_seq  = present, candidate_position = top + below, candidate_xid = pg_current_xact_id(), noted_at = clock_timestamp();
  elsif late > 0 then
    update slotbase.outbox_floor set candidate_position = candidate_position + late;
  end if;
end $$;
