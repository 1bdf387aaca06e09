-- What a DBA may do from psql, in a transaction of their own: record an event, and put a dead letter back to work. The
-- program mirrors its catalogue into event_types at each start, so that the type and its required keys are checked here;
-- the whole Schema is checked by the dispatcher, which puts what does not match into the dead letters.

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
  -- After the event, and after every lock of this transaction that comes before the call: the order of an aggregate.
  insert into slotbase.outbox (event_id, facility_id, type, unchecked)
  values (new_event, coalesce(record_event.facility_id, '00000000-0000-7000-8000-000000000000'), known.type, true);
  return new_event;
end $$;
comment on function slotbase.record_event(text, uuid, jsonb, uuid, timestamptz, uuid, uuid, uuid, text) is
  'Records an event from SQL, in the transaction of its change. Call it after the change: the order of the calls is the order of the events.';

-- Both kinds of work come back as retries that are due: the scans of what is fresh start above their positions.
create function slotbase.reprocess(dead_letter uuid) returns text language plpgsql as $$
declare
  letter slotbase.dead_letters;
  moved  integer;
begin
  select * into letter from slotbase.dead_letters where id = dead_letter for update;
  if not found then
    raise exception 'there is no dead letter %', dead_letter using errcode = '22023';
  elsif letter.resolved_at is not null then
    raise exception 'the dead letter was resolved already: %', letter.resolution using errcode = '22023';
  end if;
  if letter.handler is not null then
    with gone as (
      delete from slotbase.handler_history h
      where h.event_id = letter.event_id and h.handler = letter.handler and h.status = 'dead_letter'
        and exists (select from slotbase.events e
                    join slotbase.handlers s on s.event_type = e.type and s.handler = h.handler and not s.ended
                    where e.id = h.event_id and e.facility_id = h.facility_id)
      returning h.handler, h.position, h.facility_id, h.event_id
    )
    insert into slotbase.handler_queue (handler, position, facility_id, event_id, ready_at)
    select handler, position, facility_id, event_id, slotbase.now() from gone;
  else
    perform from slotbase.webhooks
    where id = letter.webhook_id and facility_id = letter.facility_id and deleted_at is null for no key update;
    if found then
      with gone as (
        delete from slotbase.delivery_history h
        where h.webhook_id = letter.webhook_id and h.event_id = letter.event_id and h.delivery_id = letter.delivery_id
          and h.status = 'failed'
          and exists (select from slotbase.events e where e.id = h.event_id and e.facility_id = h.facility_id)
        returning *
      )
      insert into slotbase.delivery_queue (webhook_id, position, replay, facility_id, event_id, delivery_id, sequence,
        attempts, ready_at, errors)
      select webhook_id, position, replay, facility_id, event_id, delivery_id, sequence, attempts, slotbase.now(), errors from gone;
    end if;
  end if;
  get diagnostics moved = row_count;
  if moved = 0 then
    raise exception 'it can no longer be reprocessed: its event, its handler or its webhook is gone, or it is not dead'
      using errcode = '22023', hint = 'It can be resolved by hand: update slotbase.dead_letters.';
  end if;
  update slotbase.dead_letters set resolved_at = slotbase.now(), resolution = 'reprocessed'
  where id = letter.id and facility_id = letter.facility_id;
  return coalesce('run of ' || letter.handler, 'delivery ' || letter.delivery_id);
end $$;
comment on function slotbase.reprocess(uuid) is 'Puts the run or the delivery of a dead letter back to work, with all its retries before it.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.event_types to slotbase_reader;
  end if;
end $$;
