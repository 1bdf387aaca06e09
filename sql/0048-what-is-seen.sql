-- What a DBA sees. The views of webhooks showed the configuration of an earlier program, and the event where another
-- body was sent. An attempt of a process that died did not say which configuration it used.

-- Written by the claim, in the row that it changes anyway.
alter table slotbase.delivery_queue add column claimed_version integer;
comment on column slotbase.delivery_queue.claimed_version is 'The version of the webhook''s configuration that the last claim took; null: there was no claim yet.';
comment on column slotbase.attempt_history.version is 'The version of the webhook''s configuration that the request used; null: from before there were versions.';

-- Only tests have it, and a null costs one bit.
alter table slotbase.attempt_history add column is_test boolean;
comment on column slotbase.attempt_history.is_test is 'True: a test by hand, which says nothing about the deliveries of events; null: a delivery.';

-- The function of 0044. A test is no delivery of an event: neither its failure nor its success is counted.
create or replace function slotbase.webhook_last_delivered(of_webhook uuid) returns timestamptz language sql stable as $$
  select greatest(
    (select max(n.settled_at) filter (where n.status = 'delivered' and n.position > 0)
     from (select h.settled_at, h.status, h.position from slotbase.delivery_history h
           where h.webhook_id = of_webhook order by h.event_id desc limit 1000) n),
    (select h.settled_at from slotbase.delivery_history h
     where h.webhook_id = of_webhook and h.status = 'delivered' and h.attempts > 1 order by h.settled_at desc limit 1))
$$;

-- The view of 0038, with the version and the mark of a test.
create or replace view slotbase.webhook_attempts as
select event_id, delivery_id, attempt, id, facility_id, webhook_id, slotbase.shown_url(url) as url, method, started_at, sent_at, outcome,
       duration_ms, signature, response_status, slotbase.without_address(response_headers::text, url)::jsonb as response_headers,
       slotbase.without_address(response_body, url) as response_body, error_message,
       request_headers, address, connection_reused, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms, body_end,
       error_class, error_code, version, coalesce(is_test, false) as is_test
from slotbase.attempt_history
union all
select q.event_id, q.delivery_id, (q.attempts + 1)::smallint,
       slotbase.derived_id(q.event_id, q.delivery_id::text || (q.attempts + 1)::text),
       q.facility_id, q.webhook_id, slotbase.shown_url(w.url), w.method, q.started_at, null, 'started', null, null, null, null, null, null,
       null, null, null, null, null, null, null, null, null, null, null, q.claimed_version, false
from slotbase.delivery_queue q
join slotbase.webhooks w on w.id = q.webhook_id and w.facility_id = q.facility_id
where q.lease is not null;
comment on column slotbase.webhook_attempts.version is 'The version of the webhook''s configuration that the request uses: see webhook_configurations.';

-- The view of 0025. A body in another format than SlotBase's own is kept before its first request leaves. Before that
-- nobody knows it: its template is rendered by the program.
create or replace view slotbase.webhook_deliveries as
select d.delivery_id as id, d.webhook_id, d.facility_id, d.event_id, coalesce(e.type, b.event_type) as event_type, d.position,
       d.sequence, d.replay, slotbase.shown_url(w.url) as url, w.method, d.status, d.attempts as attempt_count,
       coalesce(a.first_attempt_at, d.started_at) as first_attempt_at,
       coalesce(d.started_at, l.started_at) as last_attempt_at, d.next_retry_at,
       l.response_status, slotbase.without_address(l.response_body, l.url) as response_body,
       slotbase.without_address(l.response_headers::text, l.url)::jsonb as response_headers, l.duration_ms,
       coalesce(d.error_message, l.error_message) as error_message,
       coalesce(b.body, case when m.is_plain then slotbase.event_body(e) end) as payload,
       d.settled_at, coalesce(b.content_type, case when m.is_plain then 'application/json' end) as content_type,
       b.headers as format_headers, coalesce(b.is_test, false) as is_test,
       case when d.replay > 0 and d.sequence > 0 then slotbase.derived_id(d.event_id, d.webhook_id::text) end as resend_of,
       d.waits_for, d.failing_since, d.aggregate_id, coalesce(d.version, l.version) as version,
       l.body_end as response_body_end, l.error_class, l.error_code
from (
  select delivery_id, webhook_id, facility_id, event_id, position, sequence, replay,
         case when attempts > 0 or unknowns > 0 then 'retrying' else 'pending' end as status,
         attempts, ready_at as next_retry_at, null::text as error_message, null::timestamptz as settled_at, started_at,
         waits_for, failing_since, aggregate_id, case when lease is not null then claimed_version end as version
  from slotbase.delivery_queue
  union all
  select delivery_id, webhook_id, facility_id, event_id, position, sequence, replay, status, attempts, null, error_message, settled_at, null,
         null, null, null, null
  from slotbase.delivery_history
) d
join slotbase.webhooks w on w.id = d.webhook_id and w.facility_id = d.facility_id
left join slotbase.events e on e.id = d.event_id and e.facility_id = d.facility_id
left join slotbase.delivery_bodies b on b.webhook_id = d.webhook_id and b.event_id = d.event_id and b.replay = d.replay
  and b.facility_id = d.facility_id
left join lateral (select min(started_at) as first_attempt_at from slotbase.attempt_history
                   where event_id = d.event_id and delivery_id = d.delivery_id) a on true
left join lateral (select * from slotbase.attempt_history
                   where event_id = d.event_id and delivery_id = d.delivery_id and d.started_at is null
                   order by attempt desc limit 1) l on true
-- As it is sent now, or as it was sent before the format changed.
cross join lateral (
  select w.format = 'slotbase' or coalesce(a.first_attempt_at, d.started_at) < w.format_changed_at as is_plain) m;
comment on column slotbase.webhook_deliveries.payload is 'The body that was or will be sent. Null: it is not made yet, in another format than slotbase, or the event is no longer kept.';
comment on column slotbase.webhook_deliveries.format_headers is 'Headers that belong to the body, such as ce-id of CloudEvents in binary mode.';
comment on column slotbase.webhook_deliveries.is_test is 'A test by hand: a sample that was sent to this webhook alone.';
comment on column slotbase.webhook_deliveries.resend_of is 'The first delivery of the event to the webhook, when this one is another.';
comment on column slotbase.webhook_deliveries.waits_for is 'job: the quick tries are used up, and the job webhook-retry goes on. predecessor: an earlier delivery of its aggregate comes first.';
comment on column slotbase.webhook_deliveries.version is 'The version of the configuration that the last attempt used.';

-- The view of 0025, with all of a configuration but its secrets, and with what holds its requests back.
create or replace view slotbase.webhook_endpoints as
select w.id, w.facility_id, w.name, w.description, slotbase.shown_url(w.url) as url, w.method, w.auth_type, w.events, w.resource_ids,
       w.booking_types, w.max_retries, w.retry_delay_ms, w.backoff_multiplier, w.max_concurrency, w.is_active, w.disabled_reason,
       w.created_by, w.created_at, w.updated_at, w.deleted_at,
       w.deleted_by, w.version, w.format, w.template, w.content_type, w.format_changed_at, w.conditions, w.when_absent,
       w.retry_for_hours, w.ordered, w.rate_per_second, w.rotation_ends_at, s.event as subscribed_to,
       p.paused_at, p.paused_until, p.pause_status, p.resumed_at, p.catch_up_to,
       b.failures as breaker_failures, b.error as breaker_error, b.probe_at as breaker_probe_at
from slotbase.webhooks w
left join slotbase.webhook_pace p on p.webhook_id = w.id
left join slotbase.hook_subscriptions s on s.webhook_id = w.id and s.facility_id = w.facility_id
left join lateral (
  select k.failures, k.error, k.probe_at
  from slotbase.webhook_breakers k
  join slotbase.processes r on r.id = k.process and r.alive_until > clock_timestamp()
  where k.webhook_id = w.id order by k.probe_at desc limit 1) b on true;
comment on column slotbase.webhook_endpoints.template is 'Liquid, of the format template.';
comment on column slotbase.webhook_endpoints.rotation_ends_at is 'While two secrets sign: when the old one ends.';
comment on column slotbase.webhook_endpoints.subscribed_to is 'The event of a subscription by Zapier, Make and their like (REST hooks); null: it is none.';
comment on column slotbase.webhook_endpoints.paused_until is 'The receiver asked for a pause, by Retry-After: nothing is sent before.';
comment on column slotbase.webhook_endpoints.catch_up_to is 'Deliveries up to this position waited while the webhook was off, and are sent at a growing rate; null: none is left.';
comment on column slotbase.webhook_endpoints.breaker_failures is 'Failures in a row, after which one request at a time probes it; null: no process has its breaker open.';

create view slotbase.webhook_configurations as
select c.webhook_id, c.facility_id, c.version, c.changed, c.changed_by, c.changed_at,
       c.configuration || jsonb_build_object('url', slotbase.shown_url(c.configuration ->> 'url')) as configuration
from slotbase.webhook_changes c;
comment on view slotbase.webhook_configurations is 'The versions of each webhook''s configuration, without secrets and without the secret part of the address: what an attempt used.';
comment on column slotbase.webhook_configurations.changed is 'The columns that changed; empty for the first version; types: a pattern means more types than before.';

create view slotbase.webhook_replays as
select r.*, coalesce(q.count, 0) as unfinished, coalesce(r.failed, f.count, 0) as failed_so_far
from slotbase.replays r
left join lateral (select count(*) from slotbase.delivery_queue
                   where webhook_id = r.webhook_id and facility_id = r.facility_id and replay > 0 and replay = r.number
                     and r.ended_at is null) q on true
left join lateral (select count(*) from slotbase.delivery_history
                   where webhook_id = r.webhook_id and facility_id = r.facility_id and replay > 0 and replay = r.number
                     and status = 'failed' and r.ended_at is null) f on true;
comment on view slotbase.webhook_replays is 'The replays, with how far each one is.';
comment on column slotbase.webhook_replays.unfinished is 'Its deliveries that are in the queue now.';
comment on column slotbase.webhook_replays.failed_so_far is 'Its deliveries that were given up.';

-- The function of 0040. An event is read once, and not at all when no webhook of its facility has a filter. Before, it
-- was looked up once per webhook with a filter, in each month's partition: 800 pages per event with 200 such webhooks.
-- Plans: the outbox is nearly always empty, and a plan made then takes every table for empty. A burst of 50,000 events
-- after a quiet hour took 9 seconds a pass. So no plan here depends on estimates: index scans only, and arrays in place
-- of joins with the big tables. Nothing is pruned at run time: PostgreSQL 18.4 crashes when a row was changed
-- concurrently in a statement that prunes inside a sub-select.
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
  -- A cheap check without a lock, a transaction id or WAL.
  select * into mark from slotbase.outbox_floor;
  perform 1 from slotbase.outbox where seq > mark.floor order by seq limit 1;
  if not found and (mark.floor >= coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0) or clock_timestamp() < mark.noted_at + interval '1 second') then
    return;
  end if;
  -- 1. The fence: one pass at a time. It ends with the transaction, and leaves no row and no WAL.
  perform pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'));
  select * into mark from slotbase.outbox_floor;
  select coalesce(max(position), 0) into top from slotbase.event_positions;
  -- 2. After "top": no event that has a position drew a number above "present".
  --    Before this transaction has an id: every transaction that drew a number up to "present" has a smaller one.
  present := coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0);
  -- 3. Before the snapshot of the delete: no transaction is under way that could still commit below the candidate.
  settled := pg_snapshot_xmin(pg_current_snapshot()) >= mark.candidate_xid or slotbase.outbox_writers_ended(mark);
  perform slotbase.sequence_subscriptions(top + 1);

  -- An event that SQL recorded waits until the program has checked it. Every event behind it waits too, so order is
  -- kept. The snapshot of the delete decides; otherwise an unchecked event that commits in between would slip through.
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
                   and (v.resource_ids is null and v.booking_types is null and v.condition is null
                     or (r.event).id is not null and slotbase.fits(v, r.event))
                ) as webhooks
    from taken t
    join subscribed s on s.type = t.type
    cross join lateral (
      select case when exists (select from slotbase.webhook_versions v
                               where v.facility_id = t.facility_id and v.until_position is null and t.type = any (v.events)
                                 and (v.resource_ids is not null or v.booking_types is not null or v.condition is not null))
                  then (select e from slotbase.events e where e.id = t.event_id and e.facility_id = t.facility_id) end as event
      offset 0
    ) r
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
    -- "late" were under way when the candidate was noted, and have committed since.
    if late > 0 then
      update slotbase.outbox_floor set candidate_position = candidate_position + late;
    end if;
  elsif mark.floor_position + (present - mark.floor) = top + below or settled then
    -- As many events got a position as numbers were drawn: none is still to come, whatever else is under way. Or every
    -- transaction that could still commit a number up to the candidate has ended.
    update slotbase.outbox_floor
    set floor          = case when mark.floor_position + (present - mark.floor) = top + below then present else mark.candidate_seq end,
        floor_position = case when mark.floor_position + (present - mark.floor) = top + below then top + below
                              else mark.candidate_position + late end,
        candidate_seq  = present, candidate_position = top + below, candidate_xid = pg_current_xact_id(), noted_at = clock_timestamp(),
        writers        = null;
  else
    perform slotbase.watch_outbox_writers(mark, late);
  end if;
end $$;

-- What is wrong with the whole of SlotBase, and what its administrators were told. The job platform-health is the only
-- writer. As in webhook_health, only a change of the row tells a stage, in the transaction of its event.
create table slotbase.platform_health (
  trouble  text        primary key constraint trouble_is_known check (trouble in ('mail_held', 'dead_letters', 'dead_passes')),
  id       uuid        not null default slotbase.new_id(),
  since    timestamptz not null,
  stage    smallint    not null default 0 constraint stage_is_known check (stage between 0 and 3),
  told_at  timestamptz,
  count    integer     not null,
  detail   text        not null
) with (fillfactor = 70);
comment on table  slotbase.platform_health is 'Troubles of the whole of SlotBase, and what its administrators were told. No row: all is well.';
comment on column slotbase.platform_health.trouble is 'mail_held: the mail server takes no mail. dead_letters: runs of handlers were given up. dead_passes: passes of actors failed at every attempt.';
comment on column slotbase.platform_health.id is 'Of this trouble, from its beginning to its end: troubleId in its events.';
comment on column slotbase.platform_health.since is 'The first of what is open now.';
comment on column slotbase.platform_health.stage is 'The last stage that was told: 0 none, 1 after 15 minutes, 2 after an hour, 3 after a day, and then each day.';
comment on column slotbase.platform_health.told_at is 'When it was last told; null: not yet, so its end is told to nobody.';
comment on column slotbase.platform_health.count is 'Messages that wait, dead letters or dead passes that are open; counted up to 10,001.';
comment on column slotbase.platform_health.detail is 'The last answer of the mail server, or the newest error.';
create index dead_letters_of_handlers on slotbase.dead_letters (created_at) where handler is not null and resolved_at is null;
insert into slotbase.retention_rules (name, ends, says, done_by, why) values
  ('platform_health', 'after', 'when the trouble is over', 'platform-health', 'the present state of SlotBase');

-- "slotbase grant-reader" runs these lines again, for a role that was made after the migrations.
do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (version, is_test) on slotbase.attempt_history to slotbase_reader;
    grant select on slotbase.delivery_queue, slotbase.webhook_attempts, slotbase.webhook_deliveries, slotbase.webhook_endpoints,
      slotbase.webhook_configurations, slotbase.webhook_replays, slotbase.platform_health to slotbase_reader;
  end if;
end $$;
