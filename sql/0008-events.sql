-- The record of what happened, and its order. The table events is append-only and never updated. The outbox is
-- short-lived: its events are committed and not dispatched. The table event_positions is the log that every reader
-- follows. SQL may record events too: record_event() is at the end of this file.

create table slotbase.events (
  id              uuid        not null,
  facility_id     uuid        not null,
  type            text        not null,
  version         text        not null,
  timestamp       timestamptz not null,
  occurred_at     timestamptz not null,
  source          text        not null,
  correlation_id  uuid        not null,
  causation_id    uuid,
  user_id         uuid,
  organization_id uuid,
  aggregate_type  text        not null,
  aggregate_id    text        not null,
  resource_id     uuid,
  booking_type    text,
  data            jsonb       not null,
  metadata        jsonb       not null,
  primary key (id, facility_id)
) partition by range (id);
create index events_of_aggregate on slotbase.events (aggregate_id, id);
comment on table  slotbase.events is 'Every domain event, committed with the change it announces. Append-only; partitioned by the time in its id.';
comment on column slotbase.events.facility_id is 'The facility; what belongs to none carries the platform facility 00000000-0000-7000-8000-000000000000.';
comment on column slotbase.events.timestamp is 'When the event was recorded.';
comment on column slotbase.events.occurred_at is 'When it happened in the domain.';
comment on column slotbase.events.correlation_id is 'One id for all that followed from one request.';
comment on column slotbase.events.causation_id is 'The event that caused this one.';
comment on column slotbase.events.aggregate_id is 'Events of one aggregate have positions in their commit order.';
comment on column slotbase.events.resource_id is 'For webhook filters: the resource it is about, if any.';
comment on column slotbase.events.booking_type is 'For webhook filters: the type of the booking it is about, if any.';
insert into slotbase.partitioned_tables values ('events');
select slotbase.ensure_partitions();

-- The body of a webhook request and of every feed: the DomainEvent of the specification. The text is a pure function of
-- a row that never changes, so it is byte for byte the same on every attempt.
-- The instants are written out here. A call of slotbase.utc() for each could not be inlined; without those calls the
-- same bytes take 60 % of the time.
create function slotbase.event_body(e slotbase.events) returns text language sql stable as $$
  select case when e.id is not null then concat('{"id":"', e.id, '","type":', to_json(e.type), ',"version":', to_json(e.version),
    ',"timestamp":"', to_char(e.timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    '","occurredAt":"', to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    '","source":', to_json(e.source), ',"correlationId":"', e.correlation_id, '"',
    ',"causationId":"' || e.causation_id || '"',
    case when e.facility_id <> '00000000-0000-7000-8000-000000000000' then ',"facilityId":"' || e.facility_id || '"' end,
    ',"userId":"' || e.user_id || '"',
    ',"organizationId":"' || e.organization_id || '"',
    ',"data":', e.data, ',"metadata":', e.metadata, '}') end
$$;
comment on function slotbase.event_body(slotbase.events) is 'The DomainEvent as JSON text, as it is sent to webhooks.';

-- Handlers and webhooks read their events together. Each process reads an event once and remembers the text that is
-- sent; handlers parse that text. Reading the columns for handlers and the text for webhooks took PostgreSQL 12 µs and
-- 17 µs. One plan serves all calls. A plan made for each call took half a millisecond, seven times the reading itself.
-- The bounds prune the partitions when the plan starts, which an array alone does not. The order keeps the plan on the
-- primary key also while a partition is empty.
create function slotbase.known_events(ids uuid[])
returns table (id uuid, facility_id uuid, aggregate_id text, resource_id uuid, type text, body text)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  sorted uuid[] := array(select x from unnest(ids) as x order by x);
begin
  return query
  select e.id, e.facility_id, e.aggregate_id, e.resource_id, e.type, slotbase.event_body(e) from slotbase.events e
  where e.id = any (sorted) and e.id >= sorted[1] and e.id <= sorted[cardinality(sorted)]
  order by e.id;
end $$;
comment on function slotbase.known_events(uuid[]) is 'Each of these events that is kept, by id: its DomainEvent as text, and what that does not say.';

-- cache 1: with more, two sessions would draw numbers out of order, and so would the events of an aggregate.
create sequence slotbase.outbox_seq as bigint cache 1;

-- A transaction gets its id before it draws a number, by the default itself. The low-water mark of the scans
-- (outbox_floor) relies on that order.
create table slotbase.outbox (
  seq         bigint  primary key default case when pg_current_xact_id() is not null then nextval('slotbase.outbox_seq') end,
  event_id    uuid    not null,
  facility_id uuid    not null,
  type        text    not null,
  unchecked   boolean not null default false
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
comment on table  slotbase.outbox is 'Events that are committed and not yet dispatched. Deleted by the transaction that dispatches them.';
comment on column slotbase.outbox.seq is 'Drawn after the aggregate''s row was locked, so it follows commit order within an aggregate.';
comment on column slotbase.outbox.unchecked is 'Recorded from SQL: the dispatcher checks the event against its Schema first.';

-- slotbase.dispatch() says how the floor rises, and why.
create table slotbase.outbox_floor (
  one                boolean     primary key default true constraint outbox_floor_is_one_row check (one),
  floor              bigint      not null default 0,
  candidate_seq      bigint      not null default 0,
  candidate_xid      xid8        not null default '0',
  noted_at           timestamptz not null default '-infinity',
  floor_position     bigint,
  candidate_position bigint,
  writers            text[],
  watched_at         timestamptz
) with (fillfactor = 50);
insert into slotbase.outbox_floor default values;
comment on table slotbase.outbox_floor is 'The low-water mark: no undispatched event is at or below floor. A scan starts there and never reads rows that a long snapshot keeps from vacuum.';
comment on column slotbase.outbox_floor.floor_position is 'How many of the numbers up to floor got a position; null: not known yet.';
comment on column slotbase.outbox_floor.candidate_position is 'How many of the numbers up to candidate_seq have got one so far.';
comment on column slotbase.outbox_floor.writers is 'Virtual ids of the transactions that held a lock on the outbox after candidate_seq was noted; null: they were not looked for.';
comment on column slotbase.outbox_floor.watched_at is 'When they were last looked for.';

-- The log is inserted into at its end, and retention empties it at its beginning. Without a vacuum in between, every
-- search for the first position would scan the removed rows.
create table slotbase.event_positions (
  position      bigint      primary key,
  facility_id   uuid        not null,
  event_id      uuid        not null,
  type          text        not null,
  handlers      smallint    not null,
  webhooks      smallint    not null,
  dispatched_at timestamptz not null
) with (
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000, autovacuum_freeze_min_age = 0,
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000);
create index event_positions_of_facility on slotbase.event_positions (facility_id, position);
create index event_positions_of_event on slotbase.event_positions (event_id);
comment on table  slotbase.event_positions is 'The log: a dense, gap-free order of all events, given at dispatch. Read it with position > n order by position.';
comment on column slotbase.event_positions.handlers is 'How many handlers were subscribed when it was dispatched.';
comment on column slotbase.event_positions.webhooks is 'How many webhooks matched when it was dispatched.';

-- The program mirrors its catalogue into event_types at each start. record_event() checks the type and its required
-- keys here. The dispatcher checks the whole Schema, and puts what does not match into the dead letters.
create table slotbase.event_types (
  type           text    primary key,
  version        text    not null,
  source         text    not null,
  aggregate      text    not null,
  aggregate_keys text[]  not null,
  required       text[]  not null,
  environment    text    not null
);
comment on table  slotbase.event_types is 'The event catalogue, mirrored from the program at each start, for slotbase.record_event().';
comment on column slotbase.event_types.aggregate_keys is 'The keys of the data that name the aggregate: the first one present does.';
comment on column slotbase.event_types.required is 'The keys that the data must have.';
comment on column slotbase.event_types.environment is 'SLOTBASE_ENV of the program, which every event names.';

-- A transaction that records an event from SQL draws the event's number in the outbox only when it commits. The
-- function record_event() leaves a note, and a deferred trigger turns the note into the row of the outbox. Reasons:
-- - A number that was drawn at once might still commit while its session idles in the transaction. So that number held
--   down the floor of the dispatcher's scan.
-- - The same transaction keeps dead rows from vacuum, so every scan read all rows that were dispatched since.
-- - Triggers fire in the order of the calls, so the events keep that order.
-- - Every lock of the transaction comes before the number, as the order of an aggregate needs it.
--
-- Events that the program records in the same transaction come first. A transaction that is prepared, or makes its
-- constraints immediate, has drawn its numbers and holds down the floor.
create table slotbase.recorded (
  event_id    uuid not null,
  facility_id uuid not null,
  type        text not null,
  primary key (event_id, facility_id)
);
comment on table  slotbase.recorded is 'Events that a transaction has recorded from SQL and not committed yet: its own, for nobody else ever sees one.';

-- The trigger has its owner's rights: before PostgreSQL 18 a deferred trigger runs as the role that commits. It uses
-- the index, however few rows the statistics show, because a transaction may record thousands.
create function slotbase.queue_recorded() returns trigger
language plpgsql security definer set search_path = pg_catalog set enable_seqscan = off as $$
begin
  delete from slotbase.recorded r where r.event_id = new.event_id and r.facility_id = new.facility_id;
  insert into slotbase.outbox (event_id, facility_id, type, unchecked) values (new.event_id, new.facility_id, new.type, true);
  return null;
end $$;
comment on function slotbase.queue_recorded() is 'At the end of the transaction: the event goes to the outbox, after every change and every lock.';
create constraint trigger queue_at_commit after insert on slotbase.recorded
deferrable initially deferred for each row execute function slotbase.queue_recorded();

create function slotbase.record_event(
  type text, facility_id uuid, data jsonb, user_id uuid default null, occurred_at timestamptz default null,
  correlation_id uuid default null, causation_id uuid default null, resource_id uuid default null, booking_type text default null
) returns uuid language plpgsql as $$
#variable_conflict use_column
declare
  known     slotbase.event_types;
  missing   text[];
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

  insert into slotbase.events (id, facility_id, type, version, timestamp, occurred_at, source, correlation_id, causation_id,
    user_id, aggregate_type, aggregate_id, resource_id, booking_type, data, metadata)
  values (new_event, coalesce(record_event.facility_id, '00000000-0000-7000-8000-000000000000'), known.type,
    known.version, at, coalesce(record_event.occurred_at, at), known.source, coalesce(record_event.correlation_id, new_event),
    record_event.causation_id, record_event.user_id, known.aggregate,
    (select record_event.data ->> key from unnest(known.aggregate_keys) with ordinality k (key, nth)
     where record_event.data ->> key is not null order by nth limit 1),
    coalesce(record_event.resource_id, (record_event.data ->> 'resourceId')::uuid),
    coalesce(record_event.booking_type, record_event.data ->> 'bookingType'),
    record_event.data, jsonb_build_object('environment', known.environment));
  -- Where triggers do not fire, the note would never become the row.
  if current_setting('session_replication_role') = 'replica' then
    raise exception 'no event can be recorded while session_replication_role is "replica"' using errcode = '55000';
  end if;
  insert into slotbase.recorded (event_id, facility_id, type)
  values (new_event, coalesce(record_event.facility_id, '00000000-0000-7000-8000-000000000000'), known.type);
  return new_event;
end $$;
comment on function slotbase.record_event(text, uuid, jsonb, uuid, timestamptz, uuid, uuid, uuid, text) is
  'Records an event from SQL, in the transaction of its change. Call it after the change: the order of the calls is the order of the events.';
