-- Deliveries in time. Quick tries were the only ones: a receiver that was away for forty seconds had lost its event.
-- Now a delivery whose quick tries are used up waits for the job webhook-retry, for the stated hours. An answer with
-- Retry-After pauses its webhook for all processes. A webhook may have a rate over all processes, and may be ordered.
-- What holds a webhook back is in one row per webhook, webhook_pace. A claim reads the row by its key. It locks the row
-- only of a webhook with a rate or a backlog, and skips a row that somebody else has locked.

alter table slotbase.webhooks
  add column retry_for_hours smallint not null default 72 constraint retries_end_within_a_week check (retry_for_hours between 0 and 168),
  add column rate_per_second real constraint rate_per_second_in_limits check (rate_per_second between 0.01 and 1000),
  add column ordered boolean not null default false;
comment on column slotbase.webhooks.retry_for_hours is 'How long a delivery that fails is tried, from its first failure; 0: the quick tries of max_retries are all.';
comment on column slotbase.webhooks.rate_per_second is 'At most so many requests begin in any second, over all processes; null: no limit.';
comment on column slotbase.webhooks.ordered is 'One request at a time per aggregate, in the order of the positions.';

alter table slotbase.delivery_queue
  add column waits_for     text constraint delivery_waits_for_something_known check (waits_for in ('job', 'predecessor')),
  add column failing_since timestamptz,
  add column aggregate_id  text;
comment on column slotbase.delivery_queue.waits_for is 'job: its quick tries are used up, and the job webhook-retry goes on with it at ready_at. predecessor: its webhook is ordered, and an earlier delivery of the aggregate is not finished. Null: it can be claimed.';
comment on column slotbase.delivery_queue.failing_since is 'The first failure since the delivery was queued.';
comment on column slotbase.delivery_queue.aggregate_id is 'Of a delivery of an ordered webhook that was put into its order.';

-- A claim finds fresh deliveries and due ones by an index that has nothing else. So however many deliveries wait for
-- the job or for a predecessor, the claim does not pass over them. A claim changes no column of these indexes.
drop index slotbase.delivery_queue_retries;
create index delivery_queue_retries on slotbase.delivery_queue (webhook_id, ready_at) where ready_at is not null and waits_for is null;
create index delivery_queue_fresh on slotbase.delivery_queue (webhook_id, position) where ready_at is null and waits_for is null;
create index delivery_queue_job on slotbase.delivery_queue (webhook_id, ready_at) where waits_for = 'job';
create index delivery_queue_aggregates on slotbase.delivery_queue (webhook_id, aggregate_id, position) where aggregate_id is not null;

create table slotbase.webhook_pace (
  webhook_id     uuid        primary key,
  facility_id    uuid        not null,
  paused_at      timestamptz,
  paused_until   timestamptz,
  pause_status   smallint,
  sent_until     timestamptz,
  resumed_at     timestamptz,
  catch_up_to    bigint,
  caught_until   timestamptz,
  released_until timestamptz,
  arranged_to    bigint      not null default 0
) with (fillfactor = 50);
comment on table  slotbase.webhook_pace is 'What holds the requests to each webhook back, for all processes.';
comment on column slotbase.webhook_pace.paused_at is 'When the receiver last asked for a pause, by Retry-After.';
comment on column slotbase.webhook_pace.paused_until is 'Nothing is sent before.';
comment on column slotbase.webhook_pace.pause_status is 'The HTTP status that asked for the pause.';
comment on column slotbase.webhook_pace.sent_until is 'The rate is used up until then: the theoretical arrival time of the generic cell rate algorithm.';
comment on column slotbase.webhook_pace.resumed_at is 'When the webhook was last switched on again.';
comment on column slotbase.webhook_pace.catch_up_to is 'Deliveries up to this position waited while the webhook was off. They are sent at a growing rate; null: none is left.';
comment on column slotbase.webhook_pace.caught_until is 'As sent_until, of the backlog.';
comment on column slotbase.webhook_pace.released_until is 'Up to this instant, deliveries that waited for the job webhook-retry have been made due.';
comment on column slotbase.webhook_pace.arranged_to is 'Of an ordered webhook: the deliveries up to this position are in their order.';
insert into slotbase.webhook_pace (webhook_id, facility_id) select id, facility_id from slotbase.webhooks;
insert into slotbase.retention_rules (name, ends, says, why) values
  ('webhook_pace', 'with', 'its webhook', 'part of the webhook');

-- The first errors say how it began, the last ones how it ended.
create function slotbase.kept_errors(errors jsonb) returns jsonb language sql immutable as $$
  select case when jsonb_array_length(errors) >= 50 then errors - 10 else coalesce(errors, '[]') end
$$;
comment on function slotbase.kept_errors(jsonb) is 'The errors of a delivery without the eleventh, when there are fifty: one more is about to be added.';

-- Callers hold the row of webhook_pace, or delete nothing more of the aggregate.
create function slotbase.let_next_go(of_webhook uuid, of_aggregate text) returns uuid language sql volatile as $$
  update slotbase.delivery_queue q set waits_for = null
  where q.waits_for = 'predecessor'
    and q.ctid = (select n.ctid from slotbase.delivery_queue n
                  where n.webhook_id = of_webhook and n.aggregate_id = of_aggregate order by n.position limit 1)
  returning q.webhook_id
$$;
comment on function slotbase.let_next_go(uuid, text) is 'Lets the first delivery of an aggregate be sent, after the one before it has ended; answers its webhook, or null.';

-- The row of webhook_pace is held: while it is, no delivery of the webhook that is in order ends. So a delivery that is
-- found behind another one will be let go by the end of that one.
create function slotbase.arrange_deliveries(webhook_ids uuid[], batch integer) returns table (webhook_id uuid, more boolean)
language plpgsql set enable_partition_pruning = off as $$
#variable_conflict use_column
declare
  pace record;
  last bigint;
  seen integer;
begin
  for pace in
    select p.webhook_id, p.facility_id, p.arranged_to from slotbase.webhook_pace p
    where p.webhook_id = any (webhook_ids) order by p.webhook_id for update skip locked
  loop
    with taken as materialized (
      select q.webhook_id, q.position, q.event_id from slotbase.delivery_queue q
      where q.webhook_id = pace.webhook_id and q.position > pace.arranged_to and q.ready_at is null and q.waits_for is null
        and q.replay = 0
      order by q.position limit batch
    ), known as materialized (
      select t.position,
             coalesce((select e.aggregate_type || ':' || e.aggregate_id from slotbase.events e
                       where e.id = t.event_id and e.facility_id = pace.facility_id), t.event_id::text) as aggregate
      from taken t
    ), placed as (
      select k.position, k.aggregate,
             row_number() over (partition by k.aggregate order by k.position) > 1
               or exists (select from slotbase.delivery_queue p
                          where p.webhook_id = pace.webhook_id and p.aggregate_id = k.aggregate and p.position < k.position) as behind
      from known k
    ), arranged as (
      -- A delivery that is under way, from the time before the webhook was ordered, is left as it is.
      update slotbase.delivery_queue q
      set aggregate_id = p.aggregate, waits_for = case when p.behind then 'predecessor' end
      from placed p
      where q.webhook_id = pace.webhook_id and q.position = p.position and q.replay = 0 and q.lease is null
    )
    select max(position), count(*) into last, seen from taken;
    if seen > 0 then
      update slotbase.webhook_pace p set arranged_to = last where p.webhook_id = pace.webhook_id;
      webhook_id := pace.webhook_id;
      more := seen = batch;
      return next;
    end if;
  end loop;
end $$;
comment on function slotbase.arrange_deliveries(uuid[], integer) is 'Puts the next fresh deliveries of ordered webhooks into their order: one per aggregate can be claimed, the others wait for it.';

-- Retention ends the deliveries of a month without a word to those behind them.
create function slotbase.let_heads_go() returns bigint language plpgsql as $$
declare
  pace record;
  freed bigint := 0;
  count bigint;
begin
  for pace in
    select p.webhook_id from slotbase.webhook_pace p where p.arranged_to > 0 order by p.webhook_id for update skip locked
  loop
    update slotbase.delivery_queue q set waits_for = null
    where q.webhook_id = pace.webhook_id and q.aggregate_id is not null and q.waits_for = 'predecessor'
      and not exists (select from slotbase.delivery_queue p
                      where p.webhook_id = q.webhook_id and p.aggregate_id = q.aggregate_id and p.position < q.position);
    get diagnostics count = row_count;
    freed := freed + count;
  end loop;
  return freed;
end $$;
comment on function slotbase.let_heads_go() is 'Lets deliveries be sent that wait for a predecessor which is gone; answers how many.';

create function slotbase.begin_pace(of_webhook uuid, of_facility uuid) returns void language sql volatile as $$
  insert into slotbase.webhook_pace (webhook_id, facility_id) values (of_webhook, of_facility) on conflict do nothing
$$;
comment on function slotbase.begin_pace(uuid, uuid) is 'Makes the row of a new webhook.';

-- Called by a command that has locked the webhook. Deliveries that waited for the job are tried soon after a resume.
create function slotbase.resume_webhook(of_webhook uuid, of_facility uuid) returns void language plpgsql as $$
declare
  present timestamptz := slotbase.now();
begin
  insert into slotbase.webhook_pace as p (webhook_id, facility_id, resumed_at, catch_up_to)
  values (of_webhook, of_facility, present, (select coalesce(max(position), 0) from slotbase.event_positions))
  on conflict (webhook_id) do update
  set resumed_at = excluded.resumed_at, catch_up_to = excluded.catch_up_to, caught_until = null,
      paused_at = null, paused_until = null, pause_status = null;
  perform slotbase.release_deliveries(of_webhook, 3);
end $$;
comment on function slotbase.resume_webhook(uuid, uuid) is 'Ends a pause that the receiver asked for, and lets the backlog of a webhook be sent at a growing rate.';

-- At most fifty a second, or the webhook's own rate: each becomes due at an instant of its own. No more than two
-- seconds of work are made due at once. If the receiver fails again, the rest still waits for the job.
create function slotbase.release_deliveries(of_webhook uuid, most integer) returns integer language plpgsql as $$
declare
  present timestamptz := slotbase.now();
  gap     interval;
  first   timestamptz;
  freed   integer;
begin
  select interval '1 second' / least(50, coalesce(w.rate_per_second, 50)), greatest(p.released_until, present) into gap, first
  from slotbase.webhook_pace p
  join slotbase.webhooks w on w.id = p.webhook_id and w.facility_id = p.facility_id
  where p.webhook_id = of_webhook and w.is_active and w.deleted_at is null and coalesce(p.paused_until, present) <= present
  for update of p skip locked;
  if not found then
    return 0;
  end if;
  with chosen as materialized (
    select q.webhook_id, q.position, q.replay from slotbase.delivery_queue q
    where q.webhook_id = of_webhook and q.waits_for = 'job'
    order by q.ready_at
    limit least(most, greatest(0, ceil(extract(epoch from present + interval '2 seconds' - first) / extract(epoch from gap)))::integer)
    for update skip locked
  )
  update slotbase.delivery_queue q
  set waits_for = null, ready_at = first + (c.nth - 1) * gap
  from (select *, row_number() over (order by position, replay) as nth from chosen) c
  where q.webhook_id = c.webhook_id and q.position = c.position and q.replay = c.replay and q.waits_for = 'job';
  get diagnostics freed = row_count;
  if freed > 0 then
    update slotbase.webhook_pace p set released_until = first + freed * gap where p.webhook_id = of_webhook;
  end if;
  return freed;
end $$;
comment on function slotbase.release_deliveries(uuid, integer) is 'Makes deliveries due that wait for the job webhook-retry, the longest due first; answers how many.';

-- A delivery may wait for the job until its time is over, because its receiver stays away. Its last try was some time
-- ago; an hour is left for the job to try it.
create function slotbase.end_overdue_deliveries(of_webhook uuid, batch integer) returns integer
language plpgsql set enable_partition_pruning = off as $$
declare
  present timestamptz := slotbase.now();
  ended   integer;
begin
  perform from slotbase.webhook_pace where webhook_id = of_webhook for update;
  with gone as (
    delete from slotbase.delivery_queue q
    where (q.webhook_id, q.position, q.replay) in (
      select d.webhook_id, d.position, d.replay
      from slotbase.delivery_queue d
      cross join lateral (select retry_for_hours from slotbase.webhooks w
                          where w.id = d.webhook_id and w.facility_id = d.facility_id and w.is_active offset 0) w
      left join slotbase.webhook_pace p on p.webhook_id = d.webhook_id
      where d.webhook_id = of_webhook and d.waits_for = 'job' and d.lease is null
        and greatest(d.failing_since, p.resumed_at, p.paused_until) + (w.retry_for_hours + 1) * interval '1 hour' < present
      order by d.position, d.replay limit batch for update of d)
    returning q.*
  ), failed as materialized (
    select g.*, coalesce(g.errors -> -1 -> 'error' ->> 'message', 'no answer') as message,
           slotbase.kept_errors(g.errors) || jsonb_build_object('eventId', g.event_id,
             'eventType', (select p.type from slotbase.event_positions p where p.position = g.position),
             'handlerName', 'WebhookHandler',
             'error', jsonb_build_object('code', 'retry_time_over', 'message', 'The time for retries is over. Last: '
                                           || coalesce(g.errors -> -1 -> 'error' ->> 'message', 'no answer')),
             'attemptCount', g.attempts, 'status', 'dead_letter') as all_errors
    from gone g
  ), history as (
    insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status,
      attempts, settled_at, error_message, errors)
    select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'failed', attempts, present,
           'The time for retries is over. Last: ' || message, all_errors
    from failed
  ), dead as (
    insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors,
      created_at, last_attempt_at)
    select slotbase.derived_id(f.delivery_id, 'dead_letter'), f.facility_id, f.event_id, f.position, f.webhook_id, f.delivery_id,
           coalesce((select slotbase.event_body(e)::jsonb from slotbase.events e
                     where e.id = f.event_id and e.facility_id = f.facility_id), '{}'), f.all_errors, present, present
    from failed f
    on conflict (id, facility_id) do update
    set errors = excluded.errors, last_attempt_at = excluded.last_attempt_at,
        resolved_at = null, resolved_by = null, resolution = null
  )
  select count(*) into ended from failed;
  if ended > 0 then
    perform slotbase.let_heads_go();
  end if;
  return ended;
end $$;
comment on function slotbase.end_overdue_deliveries(uuid, integer) is 'Makes dead letters of deliveries whose time for retries is over, and that no try has ended; answers how many.';

-- By a skip scan over the webhooks.
create function slotbase.webhooks_to_retry(after uuid, most integer)
returns table (webhook_id uuid, facility_id uuid, due timestamptz) language sql stable as $$
  with recursive waiting (webhook_id, nth) as (
    (select q.webhook_id, 1 from slotbase.delivery_queue q
     where q.waits_for = 'job' and q.webhook_id > after order by q.webhook_id limit 1)
    union all
    select n.webhook_id, w.nth + 1
    from waiting w
    cross join lateral (select q.webhook_id from slotbase.delivery_queue q
                        where q.waits_for = 'job' and q.webhook_id > w.webhook_id order by q.webhook_id limit 1) n
    where w.nth < most
  )
  select d.webhook_id, d.facility_id, d.ready_at
  from waiting w
  cross join lateral (select q.webhook_id, q.facility_id, q.ready_at from slotbase.delivery_queue q
                      where q.webhook_id = w.webhook_id and q.waits_for = 'job' order by q.ready_at limit 1) d
$$;
comment on function slotbase.webhooks_to_retry(uuid, integer) is 'The webhooks with deliveries that wait for the job webhook-retry, in the order of their ids, and when the first of each is due.';

create or replace function slotbase.forget_webhooks(before timestamptz, batch integer, out looked integer, out gone integer)
language plpgsql set enable_seqscan = off as $$
declare
  seen uuid[] := array(select w.id from slotbase.webhooks w
                       where w.deleted_at is not null and w.id > slotbase.walked_to('webhooks') order by w.id limit batch);
begin
  looked := slotbase.walk_on('webhooks', seen, batch);
  with old as (
    delete from slotbase.webhooks w
    where w.id = any (seen) and w.deleted_at < before
      and not exists (select from slotbase.webhook_versions v where v.webhook_id = w.id)
      and not exists (select from slotbase.delivery_queue q where q.webhook_id = w.id)
    returning w.id
  ), numbers as (
    delete from slotbase.webhook_sequences s using old where s.webhook_id = old.id
  ), paces as (
    delete from slotbase.webhook_pace p using old where p.webhook_id = old.id
  )
  select count(*) into gone from old;
end $$;

-- With the new reasons why a delivery waits.
create or replace view slotbase.late_events as
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
         case when q.lease is null then greatest(case when q.ready_at > t.now then q.ready_at end, o.probe_at,
                                                 case when c.paused_until > t.now then c.paused_until end) end as until, q.owner as process,
         case when a.alive                                 then 'running'
              when w.deleted_at is not null                then 'webhook_deleted'
              when not w.is_active                         then case when w.disabled_reason is null then 'paused' else 'disabled' end
              when q.lease is null and q.ready_at > greatest(t.now, o.probe_at) then 'retry'
              when t.processes = 0                         then 'no_process'
              when q.lease is not null                     then 'process_dead'
              when q.waits_for = 'job'                     then 'retry_job'
              when q.waits_for = 'predecessor'             then 'predecessor'
              when c.paused_until > t.now                  then 'endpoint_pause'
              when o.webhook_id is not null                then 'breaker_open'
              when b.requests > 0                          then 'endpoint_busy'
         end as blocker,
         case when a.alive                   then format('process %s (%s, pid %s) is sending it', a.id, a.host, a.pid) || coalesce(k.text, '')
              when w.deleted_at is not null  then 'its webhook was deleted'
              when not w.is_active           then coalesce(w.disabled_reason, 'its webhook is paused')
              when q.lease is null and q.ready_at > greatest(t.now, o.probe_at) then format('attempt %s failed: %s', q.attempts, q.errors -> -1 -> 'error' ->> 'message')
              when t.processes = 0           then null
              when q.lease is not null       then format('process %s died with it; another one takes it over', q.owner)
              when q.waits_for = 'job'       then format('attempt %s failed: %s; the job webhook-retry goes on with it, a few at a time until one succeeds',
                                                     q.attempts, q.errors -> -1 -> 'error' ->> 'message')
              when q.waits_for = 'predecessor' then 'its webhook is ordered: an earlier delivery of the same aggregate is not finished'
              when c.paused_until > t.now    then format('its receiver answered %s and asked for a pause (Retry-After)', c.pause_status)
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
  left join slotbase.webhook_pace c on c.webhook_id = q.webhook_id
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
comment on column slotbase.late_events.blocker is
  'event: sequencer_held, unchecked, behind_unchecked, below_floor. run: retry, running, process_dead, handler_gone. delivery: retry, running, process_dead, paused, disabled, webhook_deleted, retry_job, predecessor, endpoint_pause, breaker_open, endpoint_busy. Each: no_process, vacuum_held, backlog.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.webhook_pace to slotbase_reader;
    grant select (retry_for_hours, rate_per_second, ordered) on slotbase.webhooks to slotbase_reader;
  end if;
end $$;
