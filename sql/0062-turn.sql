-- A turn is one statement with which a process dispatches what waits, and claims the deliveries that it can send at
-- once. So a request leaves after one round trip. Before, four were needed: the dispatch, a look at the log, the claim,
-- and the look-up of the webhook and of the event.
--
-- Few events are dispatched one after the other, by small statements on single rows. What a small statement costs is
-- the number of plan nodes that it starts. For one event dispatch() takes about as long as for ten. The rest is left to
-- dispatch(): many events, unchecked ones, a subscription that begins or ends, and a floor that is held down. Both ways
-- give the same positions, numbers and deliveries.
--
-- What a turn claims:
-- - A process offers webhooks that answer fast, each with the version of its row that the process knows. A webhook
--   that was changed since is not claimed here: the ordinary claim reads its row anew.
-- - A webhook with a rate, an order, a pause or a backlog is not claimed here. Nothing is claimed while a delivery is
--   suspected of crashing its process.
-- - Nothing is claimed for a webhook while an older delivery of it waits unclaimed. So the process may move its floor
--   up to what it has claimed. Without this rule a delivery was left behind below the floor, for 28 seconds.
-- - The attempt is written with the delivery. Lease, owner, start and version are in the row when it first commits.
--
-- The other processes are told in the transaction itself. A commit that notifies takes a lock of the whole cluster. It
-- holds up other turns and other hints, never a booking.
--
-- One snapshot finds the events: that of the statement that reads the outbox. It is taken under the dispatcher's lock.
-- A transaction that drew a lower number for the same aggregate has committed before, so it is in the snapshot.
-- The statements after it have later snapshots. A subscription that they alone see has no first position yet, and is
-- left out: it begins with the next pass.
create function slotbase.turn(
  batch integer, claimer bigint, offered uuid[], versions integer[], floors bigint[], aheads integer[], caps integer[], busy integer[],
  most integer, hinter text,
  out dispatched integer, out top bigint, out waits_for_check boolean, out unclaimed boolean, out epoch text, out ids uuid[],
  out events text, out deliveries text
) language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  few       constant integer := least(batch, 32);
  state     record;
  mark      slotbase.outbox_floor;
  present   bigint;
  seqs      bigint[];
  event     record;
  hooks     uuid[];
  known     integer[];
  places    integer[];
  subscribed integer;
  hook      uuid;
  nth       integer;
  slots     integer;
  number    bigint;
  taken     boolean;
  now       timestamptz;
  below     bigint := 0;
  late      bigint := 0;
  whole     boolean;
  due       boolean;
  embedded  boolean := pg_current_xact_id_if_assigned() is not null;
begin
  dispatched := 0;
  waits_for_check := false;
  unclaimed := false;
  perform pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'));
  select f as floor, coalesce((select max(p.position) from slotbase.event_positions p), 0) as top,
         exists (select from slotbase.handlers h where h.until_position is null and (h.from_position is null or h.ended))
           or exists (select from slotbase.webhook_versions v where v.until_position is null and (v.from_position is null or v.ended)) as changed,
         cardinality(offered) > 0
           and exists (select from slotbase.processes p where p.id = claimer and p.alive_until > clock_timestamp())
           and not exists (select from slotbase.delivery_queue q where q.unknowns > 1) as claims,
         cardinality(offered) = 0
           or not exists (select from slotbase.processes p where p.id <> claimer and p.alive_until > clock_timestamp() and p.delivers) as alone,
         pg_snapshot_xmin(pg_current_snapshot()) >= f.candidate_xid as settled,
         (select c.shift from slotbase.clock c) as shift, w.*
  into state
  from slotbase.outbox_floor f
  cross join lateral (
    select array_agg(o.seq) as seqs, array_agg(o.event_id) as ids, array_agg(o.facility_id) as clubs, array_agg(o.type) as types,
           bool_or(o.unchecked) as unchecked
    from (select * from slotbase.outbox where seq > f.floor order by seq limit few + 1) o
  ) w;
  mark := state.floor;
  top  := state.top;
  seqs := state.seqs;
  ids  := state.ids;
  -- After "top": no event that has a position drew a number above "present".
  present := coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0);
  if ids is null and (mark.floor >= present or clock_timestamp() < mark.noted_at + interval '1 second') then
    return;
  end if;
  for k in 1 .. coalesce(cardinality(seqs), 0) loop
    if seqs[k] <= present then below := below + 1; end if;
    if seqs[k] <= mark.candidate_seq then late := late + 1; end if;
  end loop;
  -- Null before the count of the positions is known.
  whole := coalesce(mark.floor_position + (present - mark.floor) = top + below, false);
  due := not embedded and clock_timestamp() >= mark.noted_at + interval '1 second';
  if ids is null or cardinality(ids) > few or state.unchecked or state.changed
     or due and not (whole or state.settled) and coalesce(mark.watched_at <= clock_timestamp() - interval '1 second', true) then
    select d.dispatched, d.waits_for_check into dispatched, waits_for_check from slotbase.dispatch(batch) d;
    unclaimed := dispatched > 0;
    ids := null;
    if dispatched > 0 then
      perform pg_notify('slotbase_hint', hinter || ' log'), pg_notify('slotbase_hint', hinter || ' deliveries');
    end if;
    return;
  end if;

  now := clock_timestamp() + state.shift;
  delete from slotbase.outbox o where o.seq = any (seqs);
  get diagnostics dispatched = row_count;
  if dispatched <> cardinality(seqs) then
    raise exception 'events left the outbox without the dispatcher' using errcode = '40001';
  end if;
  if state.claims then
    epoch := nullif(current_setting('slotbase.epoch', true), '');
    if epoch is null then
      epoch := set_config('slotbase.epoch', slotbase.log_epoch(), false);
    end if;
  end if;
  for k in 1 .. dispatched loop
    select e as data, e.id, e.aggregate_id, e.resource_id, slotbase.event_body(e) as body
    into event
    from slotbase.events e where e.id = ids[k] and e.facility_id = state.clubs[k];
    select array_agg(v.webhook_id), array_agg(w.version),
           array_agg(case when state.claims and w.id = any (offered) and w.is_active and w.deleted_at is null
                               and w.rate_per_second is null and not w.ordered
                               and not exists (select from slotbase.webhook_pace p
                                               where p.webhook_id = w.id and (p.catch_up_to is not null or p.paused_until > now))
                               and not exists (select from slotbase.delivery_queue q
                                               where q.webhook_id = w.id and q.position > floors[array_position(offered, w.id)]
                                                 and q.ready_at is null and q.waits_for is null and q.lease is null)
                          then w.max_concurrency end),
           (select count(*) from slotbase.handlers h
            where h.event_type = state.types[k] and h.from_position is not null and h.until_position is null)
    into hooks, known, places, subscribed
    from slotbase.webhook_versions v
    join slotbase.webhooks w on w.id = v.webhook_id
    where v.facility_id = state.clubs[k] and v.from_position is not null and v.until_position is null
      and state.types[k] = any (v.events)
      and (v.resource_ids is null and v.booking_types is null and v.condition is null
        or event.id is not null and slotbase.fits(v, event.data));
    insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
    values (top + k, state.clubs[k], ids[k], state.types[k], subscribed, coalesce(cardinality(hooks), 0), now);
    for i in 1 .. coalesce(cardinality(hooks), 0) loop
      hook := hooks[i];
      insert into slotbase.webhook_sequences as s (webhook_id, last_sequence) values (hook, 1)
      on conflict (webhook_id) do update set last_sequence = s.last_sequence + 1
      returning last_sequence into number;
      taken := false;
      if places[i] is not null and most > 0 then
        nth := array_position(offered, hook);
        slots := case when state.alone then places[i] else coalesce(slotbase.webhook_places(hook, places[i], claimer), 0) end;
        taken := known[i] = versions[nth] and busy[nth] < least(slots * aheads[nth], caps[nth]);
      end if;
      if taken then
        insert into slotbase.delivery_queue (webhook_id, position, facility_id, event_id, delivery_id, sequence, lease, owner, started_at, claimed_version)
        values (hook, top + k, state.clubs[k], ids[k], slotbase.derived_id(ids[k], hook::text), number,
                nextval('slotbase.lease_seq'), claimer, now, known[i])
        returning concat(deliveries, case when deliveries is not null then ',' end,
          '{"webhook_id":"', hook, '","nth":', k, ',"sequence":', number, ',"lease":', lease, ',"places":', slots,
          ',"attempt_id":"', slotbase.derived_id(event_id, delivery_id::text || '1'), '"}') into deliveries;
        busy[nth] := busy[nth] + 1;
        most := most - 1;
      else
        insert into slotbase.delivery_queue (webhook_id, position, facility_id, event_id, delivery_id, sequence)
        values (hook, top + k, state.clubs[k], ids[k], slotbase.derived_id(ids[k], hook::text), number);
        unclaimed := true;
      end if;
    end loop;
    if event.id is not null then
      events := concat(events, case when events is not null then ',' end,
        '{"id":"', event.id, '","facility_id":"', state.clubs[k], '","aggregate_id":', to_json(event.aggregate_id),
        ',"resource_id":', coalesce(to_json(event.resource_id), 'null'), ',"type":', to_json(state.types[k]),
        ',"body":', to_json(event.body), '}');
    end if;
  end loop;
  perform pg_notify('slotbase_hint', hinter || ' log');
  if unclaimed then
    perform pg_notify('slotbase_hint', hinter || ' deliveries');
  end if;

  -- The floor rises as dispatch() says, at most once a second. While it is held down, dispatch() watches what holds it.
  if due and (whole or state.settled) then
    update slotbase.outbox_floor f
    set floor          = case when whole then present else mark.candidate_seq end,
        floor_position = case when whole then top + below else mark.candidate_position + late end,
        candidate_seq  = present, candidate_position = top + below, candidate_xid = pg_current_xact_id(), noted_at = clock_timestamp(),
        writers        = null;
  elsif late > 0 then
    update slotbase.outbox_floor f set candidate_position = f.candidate_position + late;
  end if;
end $$;
comment on function slotbase.turn(integer, bigint, uuid[], integer[], bigint[], integer[], integer[], integer[], integer, text) is
  'Dispatches what waits in the outbox, and claims the deliveries of offered webhooks for a process, in one transaction.';
