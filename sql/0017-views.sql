-- The views that people query: the story of each event, the ledger of expected work, late work, and the sessions that
-- hold back vacuum. At the end is a role that may read everything but secrets.

create view slotbase.event_log as
select e.id as event_id, e.type as event_type, e.timestamp, e.facility_id, e.user_id, p.position,
       coalesce((select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', r.handler, 'status', r.status,
                   'duration', r.duration_ms, 'error', coalesce(r.error, r.reason))) order by r.handler)
                 from slotbase.handlers s
                 join slotbase.handler_runs r on r.handler = s.handler and r.event_id = e.id and r.position = p.position
                 where s.event_type = e.type and s.from_position <= p.position
                   and (s.until_position is null or p.position < s.until_position)), '[]') as handlers,
       coalesce((select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('webhookId', d.webhook_id, 'deliveryId', d.id,
                   'status', d.status, 'duration', d.duration_ms)) order by d.webhook_id, d.replay)
                 from slotbase.webhooks w
                 join slotbase.webhook_deliveries d on d.webhook_id = w.id and d.event_id = e.id and d.position = p.position
                 where w.facility_id = e.facility_id), '[]') as webhooks
from slotbase.events e
left join slotbase.event_positions p on p.event_id = e.id;
comment on view slotbase.event_log is 'The story of each event (the specification''s EventLog): every handler''s run and every webhook''s delivery.';

-- The expected work follows from the subscriptions alone, never from the runs themselves. For runs without a row, the
-- claims and the cursors say that they wait. Each handler and each webhook is counted by itself, and named. Sums over
-- all handlers hid two faults that cancel each other: a missing run, and a run both in a batch and in the history. No
-- constraint forbids the second. An event with five handlers and a webhook takes 28 pages.
create view slotbase.event_ledger as
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

-- Sessions of this database keep its dead rows, by their snapshot (xmin) or by what they write. A session of another
-- database that writes keeps the floor of the outbox, because transactions are numbered for the whole server. Slots,
-- and the sessions that pg_stat_activity hides from a reader, have no visible start. They are named when they are
-- 10,000 transactions old, which a replica that keeps up never is. "noticed": ten thousand dead rows add some
-- milliseconds to each scan of a queue. Dispatch leaves up to 500 of them per transaction, so a few transactions leave
-- as many dead rows as thousands of others. The program's own sessions are no exception: a session that idles in a
-- transaction holds vacuum like any other. Work that has lasted longer than late_after is no short work any more.
create view slotbase.vacuum_holders as
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
comment on view slotbase.vacuum_holders is 'Sessions and others that keep dead rows from being vacuumed, or the floor of the outbox from rising, for longer than late_after. Every scan of a queue reads the rows that they keep.';
comment on column slotbase.vacuum_holders.holds is 'vacuum: dead rows of this database, and the floor; floor: only the floor of the outbox.';
comment on column slotbase.vacuum_holders.transactions is 'How many transactions have begun since.';
comment on column slotbase.vacuum_holders.noticed is
  'Whether so much is kept that the scans of the queues notice: the dead rows of 10,000 transactions, or 10,000 dead rows in the queues.';

-- late_events has a row for each thing that has waited longer than it should, and says what the thing waits for. The
-- view starts from the outbox and the unfinished runs and deliveries, and never reads events. With a million events and
-- 220 late things, it takes 10 to 25 ms.
create view slotbase.late_events as
with t as materialized (
  select n.now, s.late_after, slotbase.id_at(n.now - s.late_after) as late_id,
         (select count(*) from slotbase.processes p where p.alive_until > clock_timestamp()) as processes
  from (select slotbase.now() as now) n cross join slotbase.settings s
), sequencer as materialized (
  -- The lock that slotbase.dispatch() takes, and the session that its holder waits for.
  -- A pass takes some hundredths of a second. Passes work on a backlog one after the other, each in its own
  -- transaction. PostgreSQL ends a statement of the program after 11 s. A limit near that would hardly ever see passes
  -- that are stuck one after the other.
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
  -- The sessions that sessions of SlotBase wait for, without those that wait themselves.
  -- Which run or delivery waits cannot be known.
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
comment on view   slotbase.late_events is 'Each event, run or delivery that has waited longer than late_after, and the reason that blocks it.';
comment on column slotbase.late_events.kind is 'event: not dispatched; run: a handler has not handled it; delivery: a webhook has not got it.';
comment on column slotbase.late_events.since is 'When the event was recorded, or put back to work by hand.';
comment on column slotbase.late_events.blocker is
  'event: sequencer_held, unchecked, behind_unchecked, below_floor. run: retry, running, process_dead, handler_gone. delivery: retry, running, process_dead, paused, disabled, webhook_deleted, breaker_open, endpoint_busy. Each: no_process, vacuum_held, backlog.';
comment on column slotbase.late_events.until is 'When the retry is due, or an endpoint with an open breaker is asked again.';
comment on column slotbase.late_events.process is 'The process that has claimed it (processes.id).';
comment on column slotbase.late_events.pid is 'The session of PostgreSQL to look at in pg_stat_activity, and to end with pg_terminate_backend() if need be.';
comment on column slotbase.late_events.detail is 'The reason in words. The holder that keeps dead rows from vacuum is named whatever the blocker is.';

-- A role for people with read access. Roles belong to the whole server: another database may have made the role
-- already, and this user may lack the right to make one. Then a user with that right must run the grants (see "slotbase
-- doctor").
do $$
begin
  if not exists (select from pg_roles where rolname = 'slotbase_reader') then
    create role slotbase_reader nologin;
  end if;
exception
  when insufficient_privilege then raise notice 'role slotbase_reader was not made: this user may not create roles';
  when duplicate_object or unique_violation then null;
end $$;

-- Of users, API keys, webhooks, accounts, payments and coupons only the columns that are no secret. The code of a
-- coupon is a secret: everybody with the code can redeem the coupon.
do $$
begin
  if not exists (select from pg_roles where rolname = 'slotbase_reader') then
    return;
  end if;
  grant usage on schema slotbase to slotbase_reader;
  grant select on
    -- base
    slotbase.migrations, slotbase.clock, slotbase.processes, slotbase.partitioned_tables, slotbase.settings,
    -- people and clubs
    slotbase.organizations, slotbase.facilities, slotbase.role_grants, slotbase.child_links, slotbase.callers,
    slotbase.resources, slotbase.closures, slotbase.closure_resources, slotbase.lost_items,
    -- bookings
    slotbase.booking_policies, slotbase.price_rules, slotbase.recurring_bookings, slotbase.bookings,
    slotbase.recurring_occurrences, slotbase.booking_participants, slotbase.occupancies, slotbase.strike_ledger,
    slotbase.availability_cache, slotbase.waitlist_entries, slotbase.reminder_settings, slotbase.booking_reminders,
    slotbase.reminder_progress,
    -- coaching
    slotbase.coach_profiles, slotbase.coach_blocks, slotbase.coach_sessions, slotbase.coach_session_students,
    slotbase.feedback, slotbase.feedback_assessments, slotbase.media, slotbase.progress,
    -- money
    slotbase.billing_account_members, slotbase.offline_payments, slotbase.refunds, slotbase.charges,
    slotbase.payment_ledger, slotbase.stripe_inbox, slotbase.local_provider_payments, slotbase.local_provider_refunds,
    slotbase.money_ledger, slotbase.money_balances,
    -- plans and subscriptions
    slotbase.subscription_plans, slotbase.plan_prices, slotbase.subscriptions, slotbase.subscription_invoices,
    slotbase.coupon_redemptions, slotbase.entitlement_counters, slotbase.entitlement_returns, slotbase.upgrade_prompts,
    -- events and what became of them
    slotbase.events, slotbase.event_types, slotbase.outbox, slotbase.outbox_floor, slotbase.event_positions,
    slotbase.handlers, slotbase.webhook_versions, slotbase.webhook_sequences,
    slotbase.handler_cursors, slotbase.handler_queue, slotbase.handler_claims, slotbase.handler_batches,
    slotbase.handler_history, slotbase.unfinished_runs, slotbase.handler_runs,
    slotbase.delivery_queue, slotbase.delivery_history, slotbase.webhook_breakers, slotbase.webhook_attempts,
    slotbase.attempt_history, slotbase.webhook_deliveries, slotbase.dead_letters, slotbase.notifications, slotbase.daily_facility_figures,
    -- jobs, retention, views
    slotbase.jobs, slotbase.job_runs, slotbase.retired_months,
    slotbase.event_log, slotbase.event_ledger, slotbase.vacuum_holders, slotbase.late_events
    to slotbase_reader;
  grant select (id, kind, email, first_name, last_name, registration_source, created_at, managed_by, birth_date)
    on slotbase.users to slotbase_reader;
  grant select (id, facility_id, user_id, name, role, key_hint, created_by, created_at, revoked_at)
    on slotbase.api_keys to slotbase_reader;
  grant select (id, facility_id, name, description, url, method, auth_type, events, resource_ids, booking_types,
    max_retries, retry_delay_ms, backoff_multiplier, max_concurrency, is_active, disabled_reason, created_by, created_at,
    updated_at, deleted_at)
    on slotbase.webhooks to slotbase_reader;
  grant select (id, facility_id, type, owner_id, name, card_provider, card_label, created_at, updated_at)
    on slotbase.billing_accounts to slotbase_reader;
  grant select (id, facility_id, billing_account_id, payer_id, debtor_id, requested_by, reference_type, reference_id,
    amount, currency, payment_method, provider, provider_payment_id, status, failure_code, failure_reason, automatic,
    retry_count, next_retry_at, retried_at, refunded_amount, correlation_id, causation_id, checks, next_check_at,
    created_at, settled_at)
    on slotbase.payments to slotbase_reader;
  grant select (id, percent_off, amount_off, currency, periods, valid_until, max_redemptions, redemptions, created_by,
    created_at)
    on slotbase.coupons to slotbase_reader;
end $$;
