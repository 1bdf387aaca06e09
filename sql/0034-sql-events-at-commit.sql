-- Whoever has recorded an event from SQL and idles in the transaction held the floor of the dispatcher's scan: the event had drawn
-- its number in the outbox, which might still commit. The same transaction keeps dead rows from vacuum, so every look walked all
-- that was dispatched since. Now the number is drawn when the transaction commits: record_event leaves a note, and a deferred
-- trigger turns it into the row of the outbox. Triggers fire in the order of the calls, so that is the order of the events
-- still, and every lock of the transaction comes before the number, as the order of an aggregate needs it. (What the program
-- records in the same transaction comes first. A transaction that is prepared, or makes its constraints immediate, has drawn its
-- numbers, and holds the floor as before.)

create table slotbase.recorded (
  event_id    uuid not null,
  facility_id uuid not null,
  type        text not null,
  primary key (event_id, facility_id)
);
comment on table  slotbase.recorded is 'Events that a transaction has recorded from SQL and not committed yet: its own, for nobody else ever sees one.';

-- Whoever may write to the outbox may leave a note.
do $$
declare
  holder name;
begin
  for holder in
    select r.rolname from pg_class c cross join lateral aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
    where c.oid = 'slotbase.outbox'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner
  loop
    execute format('grant insert on slotbase.recorded to %I', holder);
  end loop;
end $$;

-- By its owner's rights: before PostgreSQL 18 a deferred trigger runs as whoever commits. And by the index, however few rows the
-- statistics have seen: a transaction may record thousands.
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

-- As it was, but for its last statement.
create or replace function slotbase.record_event(
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
  -- Where triggers do not fire, nobody would turn the note into the row.
  if current_setting('session_replication_role') = 'replica' then
    raise exception 'no event can be recorded while session_replication_role is "replica"' using errcode = '55000';
  end if;
  insert into slotbase.recorded (event_id, facility_id, type)
  values (new_event, coalesce(record_event.facility_id, '00000000-0000-7000-8000-000000000000'), known.type);
  return new_event;
end $$;
