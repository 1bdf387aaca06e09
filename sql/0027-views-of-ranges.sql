-- What follows from runs that have no row (0026): dispatch makes none, the ledger and late_events count those that wait by the
-- cursors, and retention gives rows to what it buries.

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

-- What should exist follows from the subscriptions alone; of the runs that have no row, the claims and the cursors say that they wait.
create or replace view slotbase.event_ledger as
select p.position, p.event_id, p.facility_id, p.type,
       x.expected as expected_runs, r.waiting as runs_waiting, r.success as runs_success, r.skipped as runs_skipped, r.dead as runs_dead,
       y.expected as expected_deliveries, d.waiting as deliveries_waiting, d.delivered as deliveries_delivered, d.failed as deliveries_failed,
       x.expected = r.waiting + r.success + r.skipped + r.dead
         and y.expected = d.waiting + d.delivered + d.failed
         and p.handlers = x.expected and p.webhooks = y.expected as balanced
from slotbase.event_positions p
cross join lateral (
  select count(*) as expected, count(*) filter (where p.position >= coalesce(c.next, h.from_position)) as unclaimed
  from slotbase.handlers h
  left join slotbase.handler_cursors c on c.handler = h.handler
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
  select x.unclaimed
         + (select count(*) from slotbase.handler_claims c where c.fresh and p.position = any (c.positions))
         + (select count(*) from (select distinct h.handler from slotbase.handlers h where h.event_type = p.type) n
            join slotbase.handler_queue q on q.handler = n.handler and q.position = p.position) as waiting,
         count(*) filter (where h.status = 'success')
         + (select count(*) from slotbase.handler_batches b where b.positions @> p.position) as success,
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

-- As before, over all unfinished runs.
create or replace view slotbase.late_events as
with t as materialized (
  select n.now, s.late_after, slotbase.id_at(n.now - s.late_after) as late_id,
         (select count(*) from slotbase.processes p where p.alive_until > clock_timestamp()) as processes
  from (select slotbase.now() as now) n cross join slotbase.settings s
), sequencer as materialized (
  -- The lock that slotbase.dispatch() takes, and whom its holder waits for.
  select l.pid, a.application_name as name, a.state, a.xact_start as since, (pg_blocking_pids(l.pid))[1] as waits_for
  from pg_locks l
  left join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.objsubid = 2
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
    and l.classid::bigint = hashtext('slotbase')::bigint & 4294967295
    and l.objid::bigint   = hashtext('dispatch')::bigint & 4294967295
  limit 1
), stuck as materialized (
  select a.pid, pg_blocking_pids(a.pid) as blockers
  from pg_stat_activity a
  where a.datname = current_database() and a.application_name like 'slotbase%' and a.wait_event_type = 'Lock'
), locks as materialized (
  -- Whom sessions of SlotBase wait for, without those that wait themselves; which run or delivery waits cannot be known.
  select '; SlotBase waits for locks of: ' || string_agg(case when b.pid = 0 then 'a prepared transaction'
           else slotbase.session_text(b.pid, a.application_name, a.state, a.xact_start) end, '; ' order by b.pid) as text,
         case when count(*) = 1 then nullif(min(b.pid), 0) end as pid
  from (select distinct unnest(k.blockers) as pid from stuck k) b
  left join pg_stat_activity a on a.pid = b.pid
  where b.pid not in (select k.pid from stuck k)
), holder as materialized (
  -- Fewer transactions leave no dead rows that a scan would notice (as in src/doctor.ts).
  select * from slotbase.vacuum_holders v
  where v.holds = 'vacuum' and v.transactions >= 10000 and not (v.kind = 'session' and coalesce(v.name, '') like 'slotbase%')
  order by v.transactions desc limit 1
), alive as materialized (
  select p.id, p.host, p.pid, p.alive_until, p.alive_until > clock_timestamp() as alive from slotbase.processes p
), claims as materialized (
  select c.handler, unnest(c.positions) as position, c.owner, c.claimed_at from slotbase.handler_claims c
), busy as materialized (
  select q.webhook_id, count(*) as requests
  from slotbase.delivery_queue q
  join alive a on a.id = q.owner and a.alive
  where q.lease is not null group by q.webhook_id
), breakers as materialized (
  select b.webhook_id, min(b.probe_at) as probe_at, max(b.failures) as failures, (array_agg(b.error order by b.probe_at desc))[1] as error
  from slotbase.webhook_breakers b
  join alive a on a.id = b.process and a.alive
  group by b.webhook_id
), waiting_events as (
  select o.event_id, o.facility_id, o.type, null::bigint as position, 'event' as kind, null::text as handler,
         null::uuid as webhook_id, slotbase.time_of(o.event_id) as since, null::timestamptz as until, null::bigint as process,
         case when t.processes = 0                     then 'no_process'
              when s.pid is not null                   then 'sequencer_held'
              when o.seq <= f.floor                    then 'below_floor'
              when o.unchecked                         then 'unchecked'
              when o.seq > u.seq                       then 'behind_unchecked'
         end as blocker,
         case when t.processes = 0        then null
              when s.pid is not null      then format('the sequencer is held by %s', slotbase.session_text(s.pid, s.name, s.state, s.since))
                                               || coalesce(', which waits for session ' || s.waits_for, '')
              when o.seq <= f.floor       then 'it stands below the floor of the scans, which should never be: update slotbase.outbox_floor set floor = 0'
              when o.unchecked            then 'recorded by SQL: the dispatcher has not checked it yet'
              when o.seq > u.seq          then format('behind outbox row %s, which was recorded by SQL and is not checked yet', u.seq)
         end as reason,
         coalesce(s.waits_for, s.pid) as pid, row_number() over (order by o.seq) - 1 as before
  from t
  join slotbase.outbox o on o.event_id <= t.late_id
  cross join slotbase.outbox_floor f
  left join sequencer s on true
  left join (select min(w.seq) as seq from slotbase.outbox w where w.unchecked) u on true
), waiting_runs as (
  select q.event_id, q.facility_id, p.type, q.position, 'run' as kind, q.handler, null::uuid as webhook_id,
         case when q.attempts = 0 and q.ready_at <= t.now then q.ready_at else slotbase.time_of(q.event_id) end as since,
         case when c.owner is null and q.ready_at > t.now then q.ready_at end as until, c.owner as process,
         case when c.owner is null and q.ready_at > t.now then 'retry'
              when a.alive                                then 'running'
              when h.handler is null                      then 'handler_gone'
              when t.processes = 0                        then 'no_process'
              when c.owner is not null                    then 'process_dead'
         end as blocker,
         case when c.owner is null and q.ready_at > t.now then format('attempt %s failed: %s', q.attempts, q.errors -> -1 -> 'error' ->> 'message')
              when a.alive           then format('process %s (%s, pid %s) has had it for %s', a.id, a.host, a.pid,
                                            date_trunc('second', clock_timestamp() - c.claimed_at))
                                          || coalesce(k.text, '')
              when h.handler is null then format('no program has a handler %s for %s', q.handler, p.type)
              when t.processes = 0   then null
              when c.owner is not null then format('process %s died with it; another one takes it over', c.owner)
         end as reason,
         case when a.alive then k.pid end as pid, row_number() over (partition by q.handler order by q.position) - 1 as before
  from t
  join slotbase.unfinished_runs q on q.event_id <= t.late_id
  left join slotbase.event_positions p on p.position = q.position
  left join lateral (select h.handler from slotbase.handlers h
                     where h.handler = q.handler and h.event_type = p.type and not h.ended limit 1) h on true
  left join claims c on c.handler = q.handler and c.position = q.position
  left join alive a on a.id = c.owner
  cross join locks k
), waiting_deliveries as (
  select q.event_id, q.facility_id, p.type, q.position, 'delivery' as kind, null::text as handler, q.webhook_id,
         case when (q.replay > 0 or q.attempts > 0) and q.failures = 0 and q.unknowns = 0 and q.ready_at <= t.now then q.ready_at
              else slotbase.time_of(q.event_id) end as since,
         case when q.lease is null then greatest(case when q.ready_at > t.now then q.ready_at end, o.probe_at) end as until, q.owner as process,
         case when a.alive                                 then 'running'
              when w.deleted_at is not null                then 'webhook_deleted'
              when not w.is_active                         then case when w.disabled_reason is null then 'paused' else 'disabled' end
              when q.lease is null and q.ready_at > greatest(t.now, o.probe_at) then 'retry'
              when t.processes = 0                         then 'no_process'
              when q.lease is not null                     then 'process_dead'
              when o.webhook_id is not null                then 'breaker_open'
              when b.requests > 0                          then 'endpoint_busy'
         end as blocker,
         case when a.alive                   then format('process %s (%s, pid %s) is sending it', a.id, a.host, a.pid) || coalesce(k.text, '')
              when w.deleted_at is not null  then 'its webhook was deleted'
              when not w.is_active           then coalesce(w.disabled_reason, 'its webhook is paused')
              when q.lease is null and q.ready_at > greatest(t.now, o.probe_at) then format('attempt %s failed: %s', q.attempts, q.errors -> -1 -> 'error' ->> 'message')
              when t.processes = 0           then null
              when q.lease is not null       then format('process %s died with it; another one takes it over', q.owner)
              when o.webhook_id is not null  then format('its webhook failed %s times in a row (%s): it is asked again with one request at a time', o.failures, o.error)
              when b.requests > 0            then format('%s requests to its webhook are under way; it gets more as it answers (at most %s per process)', b.requests, w.max_concurrency)
         end as reason,
         case when a.alive then k.pid end as pid, row_number() over (partition by q.webhook_id order by q.position) - 1 as before
  from t
  join slotbase.delivery_queue q on q.event_id <= t.late_id
  left join slotbase.event_positions p on p.position = q.position
  left join slotbase.webhooks w on w.id = q.webhook_id and w.facility_id = q.facility_id
  left join alive a on a.id = q.owner
  left join busy b on b.webhook_id = q.webhook_id
  left join breakers o on o.webhook_id = q.webhook_id
  cross join locks k
)
select l.event_id, l.facility_id, l.type, l.position, l.kind, l.handler, l.webhook_id, l.since,
       coalesce(l.blocker, case when v.transactions is not null then 'vacuum_held' else 'backlog' end) as blocker,
       coalesce(l.reason,
         case l.blocker when 'no_process' then 'no process with actors is alive: start one with SLOTBASE_ROLE=all or actors' end,
         case when v.transactions is null then format('%s late before it; nothing holds it', l.before)
              else format('%s late before it; dead rows are kept from vacuum by %s', l.before,
                case v.kind when 'session' then slotbase.session_text(v.pid, v.name, v.state, v.since)
                     else format('%s %s', v.kind, v.name) end) end) as detail,
       l.until, l.process, coalesce(l.pid, case when l.blocker is null then v.pid end) as pid
from (select * from waiting_events union all select * from waiting_runs union all select * from waiting_deliveries) l
cross join t
left join holder v on true
where l.since <= t.now - t.late_after;

-- Before the runs of a month are buried, those that have no row get one: what nobody has claimed, and what is claimed, whose
-- claimer then finds that his runs are rows of the queue, and that they are gone.
create function slotbase.queue_runs_of(of_month date) returns void language plpgsql set enable_seqscan = off as $$
declare
  last   bigint;
  one    record;
  old    bigint;
  at     bigint;
  begins uuid := slotbase.month_begins(of_month);
  ends   uuid := slotbase.month_ends(of_month);
begin
  select max(p.position) into last from slotbase.event_positions p where p.event_id >= begins and p.event_id < ends;
  if last is null then
    return;
  end if;
  for one in select distinct h.handler from slotbase.handlers h where h.from_position is not null order by h.handler loop
    perform pg_advisory_xact_lock(hashtext('slotbase claim'), hashtext(one.handler));
    old := slotbase.cursor_of(one.handler);
    at  := coalesce(old, (select min(h.from_position) from slotbase.handlers h where h.handler = one.handler));
    if at <= last then
      insert into slotbase.handler_queue (handler, position, facility_id, event_id)
      select one.handler, p.position, p.facility_id, p.event_id
      from slotbase.event_positions p
      where p.position between at and last
        and exists (select from slotbase.handlers h
                    where h.handler = one.handler and h.event_type = p.type and h.from_position <= p.position
                      and (h.until_position is null or p.position < h.until_position))
      on conflict (handler, position) do nothing;
      perform slotbase.move_cursor(one.handler, old, last + 1);
    end if;
  end loop;
  for one in
    select c.handler, c.lease, c.positions from slotbase.handler_claims c
    where c.fresh and exists (select from unnest(c.positions) x (position) where x.position <= last)
    order by c.handler, c.lease for update
  loop
    perform slotbase.queue_runs(one.handler, one.positions);
    update slotbase.handler_claims c set fresh = false where c.handler = one.handler and c.lease = one.lease;
  end loop;
end $$;
comment on function slotbase.queue_runs_of(date) is 'Gives a row in the queue to each unfinished run of a month.';

create or replace function slotbase.bury_month(of_month date, batch integer, out undispatched integer, out runs integer, out deliveries integer)
language plpgsql as $$
begin
  undispatched := slotbase.bury_undispatched(of_month, batch);
  perform slotbase.queue_runs_of(of_month);
  runs         := slotbase.bury_runs(of_month, batch);
  deliveries   := slotbase.bury_deliveries(of_month, batch);
  if undispatched + runs + deliveries > 0 then
    update slotbase.retired_months r
    set undispatched = r.undispatched + bury_month.undispatched, runs = r.runs + bury_month.runs,
        deliveries   = r.deliveries + bury_month.deliveries
    where r.month = of_month;
  end if;
end $$;

create or replace function slotbase.end_retired_month(of_month date) returns slotbase.retired_months language plpgsql as $$
declare
  first bigint := (select min(position) from slotbase.event_positions);
  ended slotbase.retired_months;
begin
  delete from slotbase.handlers h where h.ended and h.until_position <= first;
  delete from slotbase.webhook_versions v where v.ended and v.until_position <= first;
  delete from slotbase.handler_batches b where upper(b.positions) <= first;
  update slotbase.retired_months r set ended_at = slotbase.now() where r.month = of_month returning * into ended;
  return ended;
end $$;
