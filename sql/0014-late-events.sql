-- Why is it late? A row for each thing that has waited longer than it should, and what it waits for. The view starts from
-- the outbox and the queues, which hold only what is unfinished, and never looks at events: with a million of them and 220
-- things that are late it takes 10 to 25 ms.

create view slotbase.late_events as
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
  join slotbase.handler_queue q on q.event_id <= t.late_id
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
comment on view   slotbase.late_events is 'What has waited longer than late_after, a row for each event, run or delivery, and what blocks it.';
comment on column slotbase.late_events.kind is 'event: not dispatched; run: a handler has not handled it; delivery: a webhook has not got it.';
comment on column slotbase.late_events.since is 'When the event was recorded, or put back to work by hand.';
comment on column slotbase.late_events.blocker is
  'event: sequencer_held, unchecked, behind_unchecked, below_floor. run: retry, running, process_dead, handler_gone. delivery: retry, running, process_dead, paused, disabled, webhook_deleted, breaker_open, endpoint_busy. Each: no_process, vacuum_held, backlog.';
comment on column slotbase.late_events.until is 'When the retry is due, or an endpoint with an open breaker is asked again.';
comment on column slotbase.late_events.process is 'Who has claimed it (processes.id).';
comment on column slotbase.late_events.pid is 'The session of PostgreSQL to look at in pg_stat_activity, and to end with pg_terminate_backend() if need be.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.late_events to slotbase_reader;
  end if;
end $$;
