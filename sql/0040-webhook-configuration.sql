-- The configuration of webhooks. A filter may look at the fields of an event. A signing secret changes with an overlap.
-- Every change of a configuration is a version, and each attempt names the version that it used.

alter table slotbase.webhooks
  add column conditions       jsonb,
  add column when_absent      text    not null default 'deliver' constraint webhook_when_absent_is_known check (when_absent in ('deliver', 'skip')),
  add column next_auth_config bytea,
  add column rotation_ends_at timestamptz,
  add column version          integer not null default 1,
  add column changed_by       uuid,
  add constraint webhook_rotation_has_both check ((next_auth_config is null) = (rotation_ends_at is null));
create index webhooks_rotating on slotbase.webhooks (rotation_ends_at) where rotation_ends_at is not null;
comment on column slotbase.webhooks.events is 'As they were given: types, and patterns such as booking.*. webhook_versions has the types that they mean.';
comment on column slotbase.webhooks.conditions is 'What the data of an event must fulfil, as it was given; webhook_versions.condition is what dispatch evaluates.';
comment on column slotbase.webhooks.when_absent is 'What resource_ids and booking_types do with an event that has no resource or no booking type.';
comment on column slotbase.webhooks.next_auth_config is 'During a rotation: the new secret, encrypted. Requests are signed with both, until it is the only one.';
comment on column slotbase.webhooks.rotation_ends_at is 'From then on the old secret signs nothing.';
comment on column slotbase.webhooks.version is 'Counts the changes of the configuration; see webhook_changes.';
comment on column slotbase.webhooks.changed_by is 'Set by a statement that changes the webhook; the trigger takes it over and empties it. Null: SlotBase itself.';

alter table slotbase.webhook_versions
  add column condition   jsonpath,
  add column keep_absent boolean not null default true;
comment on column slotbase.webhook_versions.version is 'The version of the configuration that began the subscription.';
comment on column slotbase.webhook_versions.events is 'The types that the webhook''s names and patterns mean.';
comment on column slotbase.webhook_versions.condition is 'The webhook''s conditions as one predicate on the data of an event; null: there are none.';
comment on column slotbase.webhook_versions.keep_absent is 'Whether an event without a resource or a booking type passes a filter on it.';

-- The one meaning of a filter, for dispatch, for the ledger and for the preview. It has no settings of its own, so the
-- planner puts its body in place of the call. An event whose data cannot be compared fits no condition.
create function slotbase.fits(v slotbase.webhook_versions, e slotbase.events) returns boolean language sql stable as $$
  select (v.resource_ids is null or coalesce(e.resource_id = any (v.resource_ids), v.keep_absent))
     and (v.booking_types is null or coalesce(e.booking_type = any (v.booking_types), v.keep_absent))
     and (v.condition is null or coalesce(e.data @@ v.condition, false))
$$;
comment on function slotbase.fits(slotbase.webhook_versions, slotbase.events) is 'Whether an event of a subscribed type passes the filters of a subscription.';

alter table slotbase.attempt_history add column version integer;
comment on column slotbase.attempt_history.version is 'The version of the webhook''s configuration that the request used; null: not known, because its process died, or from before there were versions.';

create table slotbase.webhook_changes (
  webhook_id    uuid        not null,
  facility_id   uuid        not null,
  version       integer     not null,
  changed       text[]      not null,
  changed_by    uuid,
  changed_at    timestamptz not null,
  configuration jsonb       not null,
  primary key (webhook_id, facility_id, version)
);
comment on table  slotbase.webhook_changes is 'The versions of each webhook''s configuration: what changed, when and by whom. The newest 500 are kept.';
comment on column slotbase.webhook_changes.changed is 'The columns of slotbase.webhooks that changed; empty for the first version; types: a pattern means more types than before.';
comment on column slotbase.webhook_changes.changed_by is 'The person or key; null: SlotBase itself.';
comment on column slotbase.webhook_changes.configuration is 'The whole configuration from then on, without secrets. The address is in it, so the reader''s role does not see it.';
insert into slotbase.retention_rules (name, ends, says, why) values
  ('webhook_changes', 'with', 'its webhook', 'says which configuration an attempt used; the newest 500 of each webhook');

create function slotbase.configuration_of(w slotbase.webhooks) returns jsonb language sql stable as $$
  select to_jsonb(w) - array['auth_config', 'next_auth_config', 'changed_by', 'deleted_at', 'deleted_by']
$$;
comment on function slotbase.configuration_of(slotbase.webhooks) is 'What a version keeps of a webhook: everything but its secrets.';

-- A trigger, because a webhook has several writers: commands, the settlement that switches it off after a 410, and SQL.
create function slotbase.note_new_webhook() returns trigger language plpgsql as $$
begin
  insert into slotbase.webhook_changes (webhook_id, facility_id, version, changed, changed_by, changed_at, configuration)
  values (new.id, new.facility_id, new.version, '{}', new.created_by, new.created_at, slotbase.configuration_of(new));
  return null;
end $$;
comment on function slotbase.note_new_webhook() is 'Keeps the first version of a webhook''s configuration.';
create trigger webhook_has_first_version after insert on slotbase.webhooks
for each row execute function slotbase.note_new_webhook();

create function slotbase.forget_webhook_changes() returns trigger language plpgsql as $$
begin
  delete from slotbase.webhook_changes where webhook_id = old.id and facility_id = old.facility_id;
  return null;
end $$;
comment on function slotbase.forget_webhook_changes() is 'The versions of a webhook end with it.';
create trigger webhook_takes_its_versions after delete on slotbase.webhooks
for each row execute function slotbase.forget_webhook_changes();

create function slotbase.note_webhook_change() returns trigger language plpgsql as $$
declare
  aside   text[] := array['id', 'facility_id', 'created_by', 'created_at', 'updated_at', 'version', 'changed_by'];
  before  jsonb  := to_jsonb(old) - aside;
  changed text[] := array(select n.key from jsonb_each(to_jsonb(new) - aside) n
                          where n.value is distinct from before -> n.key order by n.key);
  by_whom uuid   := new.changed_by;
begin
  new.changed_by := null;
  if new.deleted_at is not null or cardinality(changed) = 0 and new.version = old.version then
    return new;
  end if;
  new.version := old.version + 1;
  insert into slotbase.webhook_changes (webhook_id, facility_id, version, changed, changed_by, changed_at, configuration)
  values (new.id, new.facility_id, new.version, case when cardinality(changed) = 0 then '{types}' else changed end, by_whom,
          slotbase.now(), slotbase.configuration_of(new));
  delete from slotbase.webhook_changes
  where webhook_id = new.id and facility_id = new.facility_id and version <= new.version - 500;
  return new;
end $$;
comment on function slotbase.note_webhook_change() is 'Keeps each change of a webhook''s configuration as a version.';
create trigger webhook_change_is_version before update on slotbase.webhooks
for each row execute function slotbase.note_webhook_change();

alter table slotbase.webhooks disable trigger webhook_change_is_version;
update slotbase.webhooks w
set version = coalesce((select max(v.version) from slotbase.webhook_versions v where v.webhook_id = w.id), 1);
alter table slotbase.webhooks enable trigger webhook_change_is_version;
insert into slotbase.webhook_changes (webhook_id, facility_id, version, changed, changed_by, changed_at, configuration)
select w.id, w.facility_id, w.version, '{}', w.created_by, w.updated_at, slotbase.configuration_of(w)
from slotbase.webhooks w where w.deleted_at is null;

create function slotbase.end_secret_rotations() returns integer language sql as $$
  with over as (
    update slotbase.webhooks
    set auth_config = next_auth_config, next_auth_config = null, rotation_ends_at = null, updated_at = slotbase.now()
    where rotation_ends_at <= slotbase.now()
    returning id
  )
  select count(*)::integer from over
$$;
comment on function slotbase.end_secret_rotations() is 'Forgets the old secrets of rotations that are over; requests have not been signed with them since.';

-- The id of the log. Positions repeat after a restore. A restored copy is another database, another server, or a later
-- timeline of the same server. So the id follows from these three, and nothing has to be written at a restore. A part
-- that this server does not tell is left out.
-- The server is remembered for the session, because its control file would be read from the disk each time.
create function slotbase.log_epoch() returns text language plpgsql volatile as $$
declare
  parts  text := (select oid::text from pg_database where datname = current_database());
  server text := nullif(current_setting('slotbase.server', true), '');
begin
  if server is null then
    begin
      server := (select system_identifier::text from pg_control_system());
    exception when insufficient_privilege or feature_not_supported or undefined_function then server := '-';
    end;
    perform set_config('slotbase.server', server, false);
  end if;
  parts := parts || '/' || server;
  begin
    parts := parts || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8);
  exception when insufficient_privilege or feature_not_supported or undefined_function or object_not_in_prerequisite_state then null;
  end;
  return left(md5(parts), 16);
end $$;
comment on function slotbase.log_epoch() is 'The id of the log: another one after a restore or a failover, because positions may repeat then.';

-- What a payment, a refund or feedback is about: a filter on a court must find the payment of a booking there.
-- "offset 0" keeps it a look-up by key, whatever the statistics say.
create function slotbase.booking_about(booking uuid, session uuid, facility uuid)
returns table (resource_id uuid, booking_type text) language sql stable as $$
  select b.resource_id, b.booking_type from slotbase.bookings b
  where b.facility_id = facility
    and b.id = coalesce(booking, case when session is not null then (
          select s.booking_id from slotbase.coach_sessions s where s.id = session and s.facility_id = facility) end)
  offset 0
$$;
comment on function slotbase.booking_about(uuid, uuid, uuid) is 'The resource and the type of a booking, by its id or by the id of its coaching session; no row when there is none.';

-- The function of 0008, which now looks up the booking too.
create or replace function slotbase.record_event(
  type text, facility_id uuid, data jsonb, user_id uuid default null, occurred_at timestamptz default null,
  correlation_id uuid default null, causation_id uuid default null, resource_id uuid default null, booking_type text default null
) returns uuid language plpgsql as $$
#variable_conflict use_column
declare
  known     slotbase.event_types;
  missing   text[];
  about     record;
  at        timestamptz := slotbase.now();
  new_event uuid        := slotbase.new_id();
begin
  select t.* into known from slotbase.event_types t where t.type = record_event.type;
  if not found then
    raise exception 'there is no event type %', record_event.type
      using errcode = '22023', hint = 'See slotbase.event_types; the program fills it when it starts.';
  end if;
  missing := array(select key from unnest(known.required) key where not coalesce(record_event.data, '{}') ? key);
  if cardinality(missing) > 0 then
    raise exception '% lacks %', record_event.type, array_to_string(missing, ', ') using errcode = '22023';
  end if;
  if record_event.facility_id is not null
     and not exists (select from slotbase.facilities f where f.id = record_event.facility_id) then
    raise exception 'there is no facility %', record_event.facility_id using errcode = '22023';
  end if;

  select b.* into about from (select 1) one left join slotbase.booking_about(
    coalesce(record_event.data ->> 'bookingId',
             case when record_event.data ->> 'referenceType' = 'booking' then record_event.data ->> 'referenceId' end)::uuid,
    (record_event.data ->> 'sessionId')::uuid, record_event.facility_id) b on true;
  insert into slotbase.events (id, facility_id, type, version, timestamp, occurred_at, source, correlation_id, causation_id,
    user_id, aggregate_type, aggregate_id, resource_id, booking_type, data, metadata)
  values (new_event, coalesce(record_event.facility_id, '00000000-0000-7000-8000-000000000000'), known.type,
    known.version, at, coalesce(record_event.occurred_at, at), known.source, coalesce(record_event.correlation_id, new_event),
    record_event.causation_id, record_event.user_id, known.aggregate,
    (select record_event.data ->> key from unnest(known.aggregate_keys) with ordinality k (key, nth)
     where record_event.data ->> key is not null order by nth limit 1),
    coalesce(record_event.resource_id, (record_event.data ->> 'resourceId')::uuid, about.resource_id),
    coalesce(record_event.booking_type, record_event.data ->> 'bookingType', about.booking_type),
    record_event.data, jsonb_build_object('environment', known.environment));
  -- Where triggers do not fire, the note would never become the row.
  if current_setting('session_replication_role') = 'replica' then
    raise exception 'no event can be recorded while session_replication_role is "replica"' using errcode = '55000';
  end if;
  insert into slotbase.recorded (event_id, facility_id, type)
  values (new_event, coalesce(record_event.facility_id, '00000000-0000-7000-8000-000000000000'), known.type);
  return new_event;
end $$;

-- The function of 0010, with filters as slotbase.fits() has them. A webhook without filters reads no event.
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
                     or exists (select from slotbase.events e
                                where e.id = t.event_id and e.facility_id = t.facility_id and slotbase.fits(v, e)))
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

-- The view of 0017, with the same filters.
-- The expected work follows from the subscriptions alone, never from the runs themselves. For runs without a row, the
-- claims and the cursors say that they wait. Each handler and each webhook is counted by itself, and named. Sums over
-- all handlers hid two faults that cancel each other: a missing run, and a run both in a batch and in the history. No
-- constraint forbids the second. An event with five handlers and a webhook takes 28 pages.
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

-- The function of 0013. It also keeps what an attempt sent, and the version that it used. A delivery whose quick tries
-- are used up waits for the job. A receiver that asks for a pause gets it.
create or replace function slotbase.end_attempts(results json) returns table (webhook_id uuid, ready_at timestamptz)
language plpgsql set enable_partition_pruning = off as $$
#variable_conflict use_column
declare
  present timestamptz := slotbase.now();
begin
  -- Before the rows of the queue: whoever arranges or paces the deliveries of a webhook holds this row first.
  perform from slotbase.webhook_pace p
  where p.webhook_id in (select r.webhook_id from json_to_recordset(results) as r (webhook_id uuid, pause_ms double precision, aggregate_id text)
                         where r.pause_ms is not null or r.aggregate_id is not null)
  order by p.webhook_id for update;
  insert into slotbase.webhook_pace as p (webhook_id, facility_id, paused_at, paused_until, pause_status)
  select r.webhook_id, w.facility_id, present, present + max(r.pause_ms) * interval '1 ms', max(r.status)
  from json_to_recordset(results) as r (webhook_id uuid, pause_ms double precision, status smallint)
  cross join lateral (select facility_id from slotbase.webhooks where id = r.webhook_id offset 0) w
  where r.pause_ms is not null
  group by r.webhook_id, w.facility_id order by r.webhook_id
  on conflict (webhook_id) do update
  set paused_at = excluded.paused_at, paused_until = greatest(p.paused_until, excluded.paused_until), pause_status = excluded.pause_status;
  return query
  with held as materialized (
    -- in the order in which a deletion of the webhook takes them
    select q.*, r.attempt_id, r.url, r.method, r.outcome, r.failed, r.abandoned, r.sent_at, r.duration_ms,
           r.signature, r.status, r.headers, r.body, r.message, r.code, r.max_retries, r.request_headers, r.address,
           r.reused, r.dns_ms, r.connect_ms, r.tls_ms, r.first_byte_ms, r.body_ms, r.body_end, r.class, r.version,
           r.final or (coalesce(r.used_up, false) or r.pause_ms is not null) and s.until < present as final,
           coalesce(r.used_up, false) as to_job,
           case when r.used_up
                then date_bin('5 minutes', present + least(interval '30 minutes', greatest(interval '5 minutes', (present - s.since) / 12)), timestamptz 'epoch')
                else present + greatest(r.delay_ms, coalesce(r.pause_ms, 0)) * interval '1 ms' end as next_at
    from (
      select * from json_to_recordset(results) as r (
        webhook_id uuid, position bigint, replay smallint, lease bigint, attempt_id uuid, url text, method text,
        outcome text, final boolean, failed integer, abandoned integer, delay_ms double precision,
        sent_at timestamptz, duration_ms real, signature text, status smallint, headers jsonb, body text, message text, code text,
        max_retries integer, used_up boolean, pause_ms double precision, request_headers jsonb, address inet, reused boolean,
        dns_ms real, connect_ms real, tls_ms real, first_byte_ms real, body_ms real, body_end text, class text, version integer)
      order by webhook_id, position, replay
    ) r
    cross join lateral (
      select *, ctid as at from slotbase.delivery_queue
      where webhook_id = r.webhook_id and position = r.position and replay = r.replay and lease = r.lease
      offset 0 for update
    ) q
    cross join lateral (
      -- A pause that the receiver asked for ends the delivery after a day at the earliest.
      select greatest(coalesce(q.failing_since, present), p.resumed_at) as since,
             greatest(q.failing_since, p.resumed_at, case when q.failing_since is null then present end)
               + case when r.pause_ms is not null then greatest(w.retry_for_hours, 24) else w.retry_for_hours end * interval '1 hour'
               - case when w.retry_for_hours = 0 and r.pause_ms is null then interval '1 ms' else interval '0' end as until
      from (select retry_for_hours from slotbase.webhooks where id = q.webhook_id offset 0) w
      left join lateral (select resumed_at from slotbase.webhook_pace where webhook_id = q.webhook_id offset 0) p on true
    ) s
  ), ended as (
    insert into slotbase.attempt_history (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at,
      sent_at, outcome, duration_ms, signature, response_status, response_headers, response_body, error_message,
      request_headers, address, connection_reused, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms, body_end, error_class,
      error_code, version)
    select event_id, delivery_id, attempts + 1, attempt_id, facility_id, webhook_id, url, method, started_at,
           sent_at, outcome, duration_ms, signature, status, headers, body, message,
           request_headers, address, reused, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms, body_end, coalesce(class, 'other'),
           code, version
    from held
  ), judged as (
    select h.*, slotbase.kept_errors(h.errors) || jsonb_strip_nulls(jsonb_build_object('eventId', h.event_id,
             'eventType', (select p.type from slotbase.event_positions p where p.position = h.position),
             'handlerName', 'WebhookHandler', 'error', jsonb_build_object('message', h.message || case when h.final and h.aggregate_id is not null
               then ' Later deliveries of its aggregate go on.' else '' end, 'code', h.code),
             'attemptCount', h.attempts + 1, 'maxRetries', h.max_retries,
             'nextRetryAt', case when not h.final then slotbase.utc(h.next_at) end,
             'status', case when h.final then 'dead_letter' else 'retrying' end)) as all_errors
    from held h
  ), again as (
    update slotbase.delivery_queue q
    set lease = null, owner = null, started_at = null, attempts = q.attempts + 1, failures = q.failures + j.failed,
        unknowns = q.unknowns + j.abandoned, ready_at = j.next_at, errors = j.all_errors,
        failing_since = case when j.abandoned = 0 and j.outcome = 'failed' then coalesce(q.failing_since, present) else q.failing_since end,
        waits_for = case when j.to_job then 'job' end
    from judged j where q.ctid = j.at and not j.final
    returning q.webhook_id, q.ready_at, q.waits_for
  ), gone as (
    delete from slotbase.delivery_queue q using judged j where q.ctid = j.at and j.final
  ), history as (
    insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence,
      status, attempts, settled_at, error_message, errors)
    select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'failed', attempts + 1, present,
           message, all_errors
    from judged where final
  ), dead as (
    insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors,
      created_at, last_attempt_at)
    select slotbase.derived_id(j.delivery_id, 'dead_letter'), j.facility_id, j.event_id, j.position, j.webhook_id,
           j.delivery_id,
           coalesce((select slotbase.event_body(e)::jsonb from slotbase.events e
                     where e.id = j.event_id and e.facility_id = j.facility_id), '{}'),
           j.all_errors, present, present
    from judged j where j.final
    on conflict (id, facility_id) do update
    set errors = excluded.errors, last_attempt_at = excluded.last_attempt_at,
        resolved_at = null, resolved_by = null, resolution = null
  )
  select webhook_id, ready_at from again where waits_for is null;
  -- A statement of its own: its snapshot no longer has the deliveries that were given up.
  return query
  select n.webhook_id, present
  from (select r.webhook_id, r.aggregate_id from json_to_recordset(results) as r (webhook_id uuid, aggregate_id text)
        where r.aggregate_id is not null group by 1, 2 order by 1, 2) r
  cross join lateral slotbase.let_next_go(r.webhook_id, r.aggregate_id) n (webhook_id)
  where n.webhook_id is not null;
end $$;

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (webhook_id, facility_id, version, changed, changed_by, changed_at) on slotbase.webhook_changes to slotbase_reader;
  end if;
end $$;
