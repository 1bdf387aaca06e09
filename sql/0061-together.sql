-- Handlers together. The transactional handlers of a process that stand near the end of the log claim its next events
-- with one statement. Their effects commit in one transaction, with one settlement. An event with five handlers took 10
-- transactions before: each handler claimed and settled by itself. A handler that fails, lags or is slow works by
-- itself, with the functions of 0012, until it has caught up.
--
-- A joint claim is a row of handler_claims per handler, all under one lease. So every function of 0012 knows it. A
-- handler that leaves the others goes on with its own row. A process of an older program frees the rows of a dead one.

-- The history of joint claims: a row per event, with its handlers. A row per claim would need an exclusion constraint
-- over positions and handlers. That index cost 120 to 160 µs and 500 bytes of WAL an insert, this key 20 µs and 70
-- bytes. A claim has from one to four events where users live, and more than that has small rows.
create table slotbase.joint_history (
  event_id     uuid        not null,
  facility_id  uuid        not null,
  position     bigint      not null,
  handlers     text[]      not null,
  durations_ms real[]      not null,
  settled_at   timestamptz not null,
  constraint joint_event_settled_once primary key (event_id),
  constraint joint_run_has_a_duration check (cardinality(handlers) = cardinality(durations_ms))
) partition by range (event_id);
comment on table  slotbase.joint_history is 'Runs that succeeded in a joint transaction at their first attempt: a row per event, with its handlers.';
comment on column slotbase.joint_history.durations_ms is 'Of each handler, in the order of "handlers": its part of the transaction, divided by its runs.';
comment on column slotbase.joint_history.settled_at is 'When the last of these handlers was settled.';
insert into slotbase.partitioned_tables values ('joint_history');
select slotbase.ensure_partitions();
-- Events of earlier months may still wait.
do $$ declare
  month   date;
  child   text;
  options text := (select t.storage from slotbase.partitioned_tables t where t.name = 'joint_history');
begin
  for month in
    select to_date(right(c.relname, 7), 'YYYY_MM')
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'slotbase.handler_history'::regclass
  loop
    child := 'joint_history' || to_char(month, '_YYYY_MM');
    continue when to_regclass(format('slotbase.%I', child)) is not null;
    execute format('create table slotbase.%I (like slotbase.joint_history including all) with (%s)', child, options);
    execute format('alter table slotbase.joint_history attach partition slotbase.%I for values from (%L) to (%L)',
      child, slotbase.month_begins(month), slotbase.month_ends(month));
  end loop;
end $$;
insert into slotbase.retention_rules (name, ends, says, why) values
  ('joint_history', 'month', '', 'the runs of its events');

-- A joint claim looks up which handlers have a type, also those whose subscription has ended meanwhile.
create index handler_subscriptions on slotbase.handlers (handler, event_type);

-- The next events of the log for handlers that stand near its end. The locks are those of claim_fresh_runs(), in the
-- order of queue_runs_of(). The end of the transaction releases them, which is the statement's own, or the commit that
-- is sent with it.
--   few      a handler that lags by more events is left out
--   patient  false, beside a settlement: claims nothing when another session has one of the locks. The settlement holds
--            rows that queue_runs_of() waits for while it has the locks.
--   sinces   of each handler: no claim of it is left with a smaller lease
--   oldest   the next "since" of the handlers that took part; null: nothing was looked for
--   behind   the handlers that are left out
--   parts    [{handler, positions}]
create function slotbase.claim_joint(
  names text[], sinces bigint[], by_owner bigint, few integer, patient boolean,
  out oldest bigint, out lease bigint, out behind text[], out positions text, out event_ids text, out parts json
) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  top   bigint;
  at    bigint;
  own   boolean;
  got   text[];
  nexts bigint[];
begin
  -- A cheap check without a lock, as in claim_fresh_runs().
  top := (select max(p.position) from slotbase.event_positions p);
  perform 1
  from unnest(names, sinces) as n (handler, since)
  where coalesce((select c.next from slotbase.handler_cursors c where c.handler = n.handler order by c.next desc limit 1), 0) <= top
     or exists (select from slotbase.handler_claims c where c.handler = n.handler and c.lease >= n.since and c.owner = by_owner)
  limit 1;
  if not found then
    return;
  end if;
  if patient then
    perform pg_advisory_xact_lock(hashtext('slotbase claim'), hashtext(o.handler))
    from (select n.handler from unnest(names) as n (handler) order by n.handler) o;
  elsif not (select bool_and(pg_try_advisory_xact_lock(hashtext('slotbase claim'), hashtext(n.handler))) from unnest(names) as n (handler)) then
    return;
  end if;
  -- What this process had claimed and not settled is free again, and fenced off.
  select min(c.lease), coalesce(bool_or(c.owner = by_owner), false) into oldest, own
  from unnest(names, sinces) as n (handler, since)
  join slotbase.handler_claims c on c.handler = n.handler and c.lease >= n.since;
  if own then
    oldest := (select min(slotbase.free_own_claims(n.handler, by_owner, n.since)) from unnest(names, sinces) as n (handler, since));
  end if;
  select array_agg(n.handler) filter (where c.next is null or c.next <= top - few),
         array_agg(n.handler) filter (where c.next between top - few + 1 and top),
         array_agg(c.next) filter (where c.next between top - few + 1 and top),
         min(c.next) filter (where c.next between top - few + 1 and top)
  into behind, got, nexts, at
  from unnest(names) as n (handler)
  left join lateral (
    select c.next from slotbase.handler_cursors c where c.handler = n.handler order by c.next desc limit 1
  ) c on true;
  if got is null then
    oldest := coalesce(oldest, (select max(s) from unnest(sinces) s));
    return;
  end if;
  insert into slotbase.handler_cursors (handler, next) select g.handler, top + 1 from unnest(got) as g (handler);
  delete from slotbase.handler_cursors c using unnest(got, nexts) as g (handler, next) where c.handler = g.handler and c.next = g.next;
  lease := nextval('slotbase.lease_seq');
  with claimed as (
    insert into slotbase.handler_claims (handler, lease, owner, positions, claimed_at, fresh)
    select g.handler, claim_joint.lease, by_owner, array_agg(p.position order by p.position), clock_timestamp(), true
    from slotbase.event_positions p
    join unnest(got, nexts) as g (handler, next) on p.position >= g.next
    join slotbase.handlers h on h.handler = g.handler and h.event_type = p.type
      and h.from_position <= p.position and (h.until_position is null or p.position < h.until_position)
    where p.position between at and top
    group by g.handler
    returning handler_claims.handler, handler_claims.positions
  )
  select json_agg(json_build_object('handler', c.handler, 'positions', c.positions)) into parts from claimed c;
  if parts is null then
    lease := null;
  else
    select string_agg(p.position::text, ',' order by p.position), string_agg(p.event_id::text, ',' order by p.position)
    into positions, event_ids
    from slotbase.event_positions p where p.position between at and top;
  end if;
  oldest := coalesce(oldest, lease, (select max(s) from unnest(sinces) s));
end $$;
comment on function slotbase.claim_joint(text[], bigint[], bigint, integer, boolean) is
  'Claims the newest events of the log for several handlers of a process under one lease; names those that lag too far behind.';

-- Settles the parts of a joint claim, in the transaction of their effects. Other handlers of the claim keep their rows.
-- A second settlement finds no claim. If two claims had one run, the second would find its handler at the event. Either
-- raises SB001. Two processes may settle different handlers of one event, so a row may get more handlers.
--   durations   of each handler, one run on average
--   runs        how many runs the handlers have in this claim
--   skipped     [{handler, position, reason}] or null
create function slotbase.settle_joint(by_lease bigint, names text[], durations real[], runs integer, skipped jsonb) returns void
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  present constant timestamptz := slotbase.now();
  held   integer;
  events integer;
  kept   integer;
begin
  with gone as (
    delete from slotbase.handler_claims c where c.handler = any (names) and c.lease = by_lease and c.fresh
    returning c.handler, c.positions
  ), each as materialized (
    select x.position, g.handler, d.duration_ms
    from gone g
    join unnest(names, durations) as d (handler, duration_ms) on d.handler = g.handler
    cross join lateral unnest(g.positions) as x (position)
    where skipped is null or not exists (
      select from jsonb_to_recordset(skipped) as s (handler text, position bigint) where s.handler = g.handler and s.position = x.position)
  ), kept as (
    insert into slotbase.joint_history as j (event_id, facility_id, position, handlers, durations_ms, settled_at)
    select p.event_id, p.facility_id, p.position, e.handlers, e.durations_ms, present
    from (
      select e.position, array_agg(e.handler) as handlers, array_agg(e.duration_ms) as durations_ms
      from each e group by e.position order by e.position
    ) e
    join slotbase.event_positions p on p.position = e.position
    on conflict (event_id) do update
    set handlers = j.handlers || excluded.handlers, durations_ms = j.durations_ms || excluded.durations_ms, settled_at = excluded.settled_at
    where not j.handlers && excluded.handlers
    returning j.position
  )
  select (select sum(cardinality(g.positions)) from gone g), (select count(distinct e.position) from each e), (select count(*) from kept)
  into held, events, kept;
  if held is distinct from settle_joint.runs or kept <> events then
    raise exception 'the joint claim % was taken over', by_lease using errcode = 'SB001';
  end if;
  if skipped is not null then
    insert into slotbase.handler_history (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, reason)
    select p.event_id, s.handler, p.facility_id, p.position, 'skipped', 1, durations[array_position(names, s.handler)], present, s.reason
    from jsonb_to_recordset(skipped) as s (handler text, position bigint, reason text)
    join slotbase.event_positions p on p.position = s.position;
  end if;
end $$;
comment on function slotbase.settle_joint(bigint, text[], real[], integer, jsonb) is
  'Moves the runs of these handlers of a joint claim into the history; raises SB001 when some are somebody else''s now.';

-- The view of 0011, with the runs of joint claims.
create or replace view slotbase.handler_runs as
select u.event_id, u.handler, u.facility_id, u.position,
       case when exists (select from slotbase.handler_claims c where c.handler = u.handler and u.position = any (c.positions)) then 'running'
            when u.attempts > 0 then 'retrying' else 'pending' end as status,
       u.attempts, u.ready_at as next_retry_at, null::real as duration_ms, null::timestamptz as settled_at,
       u.errors -> -1 -> 'error' ->> 'message' as error, null::text as reason, u.errors
from slotbase.unfinished_runs u
union all
select p.event_id, b.handler, p.facility_id, p.position, 'success', 1::smallint, null, b.duration_ms, b.settled_at, null, null, null
from slotbase.event_positions p
join slotbase.handler_batches b on b.positions @> p.position
union all
select j.event_id, r.handler, j.facility_id, j.position, 'success', 1::smallint, null, r.duration_ms, j.settled_at, null, null, null
from slotbase.joint_history j
cross join lateral unnest(j.handlers, j.durations_ms) as r (handler, duration_ms)
union all
select h.event_id, h.handler, h.facility_id, h.position, h.status, h.attempts, null, h.duration_ms, h.settled_at,
       h.errors -> -1 -> 'error' ->> 'message', h.reason, h.errors
from slotbase.handler_history h;

-- The view of 0040, with the runs of joint claims.
create or replace view slotbase.event_ledger_whole as
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
      select unnest(j.handlers), false, 'success' from slotbase.joint_history j where j.event_id = p.event_id
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
        and slotbase.fits(v, e)
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

-- The function of 0050. The run of NotificationHandler may also be one of a joint claim.
create or replace function slotbase.dead_letter_of_messages(of_event uuid, of_facility uuid, error jsonb) returns void language plpgsql
set enable_partition_pruning = off as $$
#variable_conflict use_column
declare
  by_handler constant text := 'NotificationHandler';
  present    constant timestamptz := slotbase.now();
  place      bigint;
begin
  perform pg_advisory_xact_lock(hashtext('slotbase dead letter'), hashtext(of_event::text));
  place := (select p.position from slotbase.event_positions p where p.event_id = of_event limit 1);
  update slotbase.handler_history h
  set status = 'dead_letter', reason = null, settled_at = present, errors = coalesce(h.errors, '[]') || error
  where h.event_id = of_event and h.handler = by_handler;
  if not found and place is not null then
    update slotbase.joint_history j
    set durations_ms = j.durations_ms[:at - 1] || j.durations_ms[at + 1:], handlers = j.handlers[:at - 1] || j.handlers[at + 1:]
    from (select array_position(j.handlers, by_handler) as at from slotbase.joint_history j where j.event_id = of_event) n
    where j.event_id = of_event and n.at is not null;
    if not found then
      update slotbase.handler_batches b
      set positions = b.positions - int8multirange(int8range(place, place, '[]')), runs = b.runs - 1
      where b.handler = by_handler and b.positions @> place;
    end if;
    if found then
      delete from slotbase.joint_history j where j.event_id = of_event and j.handlers = '{}';
      delete from slotbase.handler_batches b where b.handler = by_handler and b.positions = '{}'::int8multirange;
      insert into slotbase.handler_history (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, errors)
      values (of_event, by_handler, of_facility, place, 'dead_letter', 1, 0, present, jsonb_build_array(error));
    end if;
  end if;
  insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
  select slotbase.derived_id(of_event, by_handler), of_facility, of_event, coalesce(place, 0), by_handler,
         coalesce((select slotbase.event_body(e)::jsonb from slotbase.events e where e.id = of_event and e.facility_id = of_facility),
                  jsonb_build_object('id', of_event)),
         jsonb_build_array(error), present, present
  on conflict (id, facility_id) do update
  set errors = dead_letters.errors || excluded.errors, last_attempt_at = excluded.last_attempt_at,
      resolved_at = null, resolved_by = null, resolution = null;
end $$;

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.joint_history to slotbase_reader;
  end if;
end $$;
