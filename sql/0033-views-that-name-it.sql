-- Two views that kept silent about what they should find.
--
-- event_ledger compared sums over all handlers, and over all webhooks: a run that was missing and another one's that stood in a
-- batch and in the history, which no constraint forbids, made a balance. Now each handler and each webhook is counted by itself,
-- and named. It reads the same rows as before: 28 pages for an event with five handlers and a webhook.
--
-- late_events blamed nobody for dead rows of fewer than 10,000 transactions, although a few transactions leave as many dead rows;
-- nor any session of SlotBase itself, although one that idles in a transaction holds vacuum like any other's; it named who does
-- only where nothing else was to blame; and any pass that was under way at that moment held the sequencer.

create or replace view slotbase.event_ledger as
select p.position, p.event_id, p.facility_id, p.type,
       r.expected as expected_runs, r.waiting as runs_waiting, r.success as runs_success, r.skipped as runs_skipped, r.dead as runs_dead,
       d.expected as expected_deliveries, d.waiting as deliveries_waiting, d.delivered as deliveries_delivered, d.failed as deliveries_failed,
       r.missing is null and r.surplus is null and d.missing is null and d.surplus is null
         and p.handlers = r.expected and p.webhooks = d.expected as balanced,
       r.missing as runs_missing, r.surplus as runs_surplus, d.missing as deliveries_missing, d.surplus as deliveries_surplus
from slotbase.event_positions p
cross join lateral (
  select count(*) filter (where n.expected) as expected, coalesce(sum(n.waiting), 0)::bigint as waiting,
         coalesce(sum(n.success), 0)::bigint as success, coalesce(sum(n.skipped), 0)::bigint as skipped, coalesce(sum(n.dead), 0)::bigint as dead,
         array_agg(n.handler order by n.handler) filter (where n.expected and n.runs = 0) as missing,
         array_agg(n.handler order by n.handler) filter (where n.runs > n.expected::integer) as surplus
  from (
    select u.handler, bool_or(u.expected) as expected, count(u.status) as runs,
           count(*) filter (where u.status = 'waiting')     as waiting,
           count(*) filter (where u.status = 'success')     as success,
           count(*) filter (where u.status = 'skipped')     as skipped,
           count(*) filter (where u.status = 'dead_letter') as dead
    from (
      select h.handler, true as expected, case when p.position >= coalesce(c.next, h.from_position) then 'waiting' end as status
      from slotbase.handlers h
      left join slotbase.handler_cursors c on c.handler = h.handler
      where h.event_type = p.type and h.from_position <= p.position and (h.until_position is null or p.position < h.until_position)
      union all
      select c.handler, false, 'waiting' from slotbase.handler_claims c where c.fresh and p.position = any (c.positions)
      union all
      select q.handler, false, 'waiting' from (select distinct h.handler from slotbase.handlers h where h.event_type = p.type) n
      join slotbase.handler_queue q on q.handler = n.handler and q.position = p.position
      union all
      select b.handler, false, 'success' from slotbase.handler_batches b where b.positions @> p.position
      union all
      select h.handler, false, h.status from slotbase.handler_history h where h.event_id = p.event_id
    ) u
    group by u.handler
  ) n
) r
cross join lateral (
  select count(*) filter (where n.expected) as expected, coalesce(sum(n.waiting), 0)::bigint as waiting,
         coalesce(sum(n.delivered), 0)::bigint as delivered, coalesce(sum(n.failed), 0)::bigint as failed,
         array_agg(n.webhook_id order by n.webhook_id) filter (where n.expected and n.deliveries = 0) as missing,
         array_agg(n.webhook_id order by n.webhook_id) filter (where n.deliveries > n.expected::integer) as surplus
  from (
    select u.webhook_id, bool_or(u.expected) as expected, count(u.status) as deliveries,
           count(*) filter (where u.status = 'waiting')   as waiting,
           count(*) filter (where u.status = 'delivered') as delivered,
           count(*) filter (where u.status = 'failed')    as failed
    from (
      select v.webhook_id, true as expected, null::text as status from slotbase.webhook_versions v
      join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
      where v.facility_id = p.facility_id and p.type = any (v.events)
        and v.from_position <= p.position and (v.until_position is null or p.position < v.until_position)
        and (v.resource_ids  is null or e.resource_id  is null or e.resource_id  = any (v.resource_ids))
        and (v.booking_types is null or e.booking_type is null or e.booking_type = any (v.booking_types))
      union all
      select w.id, false, 'waiting' from slotbase.webhooks w
      join slotbase.delivery_queue q on q.webhook_id = w.id and q.position = p.position and q.replay = 0
      where w.facility_id = p.facility_id
      union all
      select w.id, false, h.status from slotbase.webhooks w
      join slotbase.delivery_history h on h.webhook_id = w.id and h.event_id = p.event_id and h.replay = 0
      where w.facility_id = p.facility_id
    ) u
    group by u.webhook_id
  ) n
) d;
comment on view   slotbase.event_ledger is
  'Conservation, per event: what the subscriptions say should exist against what does, each handler and webhook by itself. "balanced" is true or something is lost or twice.';
comment on column slotbase.event_ledger.runs_missing is 'Subscribed handlers without a run; null: none.';
comment on column slotbase.event_ledger.runs_surplus is 'Handlers with a run too many: a second one, or one although they were not subscribed; null: none.';
comment on column slotbase.event_ledger.deliveries_missing is 'Subscribed webhooks without a delivery; null: none.';
comment on column slotbase.event_ledger.deliveries_surplus is 'Webhooks with a delivery too many; null: none.';

-- Ten thousand dead rows add some milliseconds to each look at a queue. Dispatch leaves up to 500 of them per transaction.
-- The program's own work is no exception: what has lasted longer than late_after is no short work any more.
create or replace view slotbase.vacuum_holders as
select h.pid, h.kind, h.name, h.state, h.since, h.holds, h.xmin, age(h.xmin) as transactions,
       age(h.xmin) >= 10000 or h.holds = 'vacuum' and q.dead_rows >= 10000 as noticed
from (
  select a.pid, 'session' as kind, case when coalesce(a.datname = current_database(), true) then 'vacuum' else 'floor' end as holds,
         a.application_name as name, a.state, a.xact_start as since,
         case when a.backend_xmin is null or age(a.backend_xid) > age(a.backend_xmin) then a.backend_xid else a.backend_xmin end as xmin
  from pg_stat_activity a
  where a.pid <> pg_backend_pid() and a.backend_type in ('client backend', 'walsender', 'background worker')
    and (a.backend_xid is not null
      or a.backend_xmin is not null and coalesce(a.datname = current_database(), true))
  union all
  select null, 'prepared transaction', case when x.database = current_database() then 'vacuum' else 'floor' end,
         x.gid, 'prepared', x.prepared, x.transaction
  from pg_prepared_xacts x
  union all
  select r.active_pid, 'replication slot', 'vacuum', r.slot_name, case when r.active then 'active' else 'inactive' end, null, r.xmin
  from pg_replication_slots r where r.xmin is not null
) h
cross join slotbase.settings s
cross join (
  select sum(pg_stat_get_dead_tuples(c.oid)) as dead_rows from pg_class c
  where c.relnamespace = 'slotbase'::regnamespace and c.relname in ('outbox', 'handler_queue', 'handler_claims', 'delivery_queue')
) q
where case when h.since is null then age(h.xmin) > 10000 else h.since < clock_timestamp() - s.late_after end;
comment on column slotbase.vacuum_holders.noticed is
  'Whether so much is kept that the scans of the queues notice: the dead rows of 10,000 transactions, or 10,000 dead rows in the queues.';

create or replace view slotbase.late_events as
with t as materialized (
  select n.now, s.late_after, slotbase.id_at(n.now - s.late_after) as late_id,
         (select count(*) from slotbase.processes p where p.alive_until > clock_timestamp()) as processes
  from (select slotbase.now() as now) n cross join slotbase.settings s
), sequencer as materialized (
  -- The lock that slotbase.dispatch() takes, and whom its holder waits for. A pass takes some hundredths of a second, and a
  -- backlog is worked on by one after the other, each with a transaction of its own. PostgreSQL ends a statement of the program
  -- after 11 s, so a limit near that would hardly ever see a row of passes that are stuck one after the other.
  select l.pid, a.application_name as name, a.state, a.xact_start as since, (pg_blocking_pids(l.pid))[1] as waits_for
  from t
  cross join pg_locks l
  left join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.objsubid = 2
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
    and l.classid::bigint = hashtext('slotbase')::bigint & 4294967295
    and l.objid::bigint   = hashtext('dispatch')::bigint & 4294967295
    and coalesce(a.xact_start < clock_timestamp() - least(t.late_after, interval '2 seconds'), true)
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
  select case v.kind when 'session' then slotbase.session_text(v.pid, v.name, v.state, v.since) else format('%s %s', v.kind, v.name) end as text,
         v.pid
  from slotbase.vacuum_holders v
  where v.holds = 'vacuum' and v.noticed
  order by v.transactions desc, v.since limit 1
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
       coalesce(l.blocker, case when v.text is not null then 'vacuum_held' else 'backlog' end) as blocker,
       coalesce(l.reason,
         case l.blocker when 'no_process' then 'no process with actors is alive: start one with SLOTBASE_ROLE=all or actors' end,
         format('%s late before it', l.before))
       || coalesce('; dead rows are kept from vacuum by ' || v.text, case when l.blocker is null then '; nothing holds it' else '' end) as detail,
       l.until, l.process, coalesce(l.pid, case when l.blocker is null then v.pid end) as pid
from (select * from waiting_events union all select * from waiting_runs union all select * from waiting_deliveries) l
cross join t
left join holder v on true
where l.since <= t.now - t.late_after;
comment on column slotbase.late_events.detail is 'In words; whoever keeps dead rows from vacuum is named whatever the blocker is.';
