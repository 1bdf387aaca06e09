-- The record of what happened, and its order. events is append-only and never updated; outbox is short-lived;
-- event_positions is the log that every reader follows.

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
comment on table  slotbase.events is 'Every domain event, committed with the change it announces. Append-only; partitioned by the time in its id.';
comment on column slotbase.events.facility_id is 'The facility; what belongs to none carries the platform facility 00000000-0000-7000-8000-000000000000.';
comment on column slotbase.events.timestamp is 'When the event was recorded.';
comment on column slotbase.events.occurred_at is 'When it happened in the domain.';
comment on column slotbase.events.correlation_id is 'One id for all that followed from one request.';
comment on column slotbase.events.causation_id is 'The event that caused this one.';
comment on column slotbase.events.aggregate_id is 'Events of one aggregate have positions in their commit order.';
comment on column slotbase.events.resource_id is 'For webhook filters: the resource it is about, if any.';
comment on column slotbase.events.booking_type is 'For webhook filters: the type of the booking it is about, if any.';
create index events_of_aggregate on slotbase.events (aggregate_id, id);

-- cache 1: with more, two sessions would draw numbers out of order, and an aggregate's events with them.
-- The transaction gets its id before it draws, whoever inserts the row: the floor of the scans relies on it.
create sequence slotbase.outbox_seq as bigint cache 1;
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

create table slotbase.outbox_floor (
  one            boolean     primary key default true constraint outbox_floor_is_one_row check (one),
  floor          bigint      not null default 0,
  candidate_seq  bigint      not null default 0,
  candidate_xid  xid8        not null default '0',
  noted_at       timestamptz not null default '-infinity'
) with (fillfactor = 50);
insert into slotbase.outbox_floor default values;
comment on table slotbase.outbox_floor is 'No undispatched event stands at or below floor, so a scan starts there and never walks rows that a long snapshot keeps from vacuum.';

create table slotbase.event_positions (
  position      bigint      primary key,
  facility_id   uuid        not null,
  event_id      uuid        not null,
  type          text        not null,
  handlers      smallint    not null,
  webhooks      smallint    not null,
  dispatched_at timestamptz not null
);
create index event_positions_of_facility on slotbase.event_positions (facility_id, position);
create index event_positions_of_event on slotbase.event_positions (event_id);
comment on table  slotbase.event_positions is 'The log: a dense, gap-free order of all events, given at dispatch. Read it with position > n order by position.';
comment on column slotbase.event_positions.handlers is 'How many handlers were subscribed when it was dispatched.';
comment on column slotbase.event_positions.webhooks is 'How many webhooks matched when it was dispatched.';

insert into slotbase.partitioned_tables values ('events');

-- The body of a webhook request and of every feed: the DomainEvent of the specification. A pure function of a row
-- that never changes, so the text is byte for byte the same on every attempt.
create function slotbase.utc(at timestamptz) returns text language sql immutable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
create function slotbase.event_body(e slotbase.events) returns text language sql stable as $$
  select '{"id":"' || e.id || '","type":' || to_json(e.type) || ',"version":' || to_json(e.version)
    || ',"timestamp":"' || slotbase.utc(e.timestamp) || '","occurredAt":"' || slotbase.utc(e.occurred_at)
    || '","source":' || to_json(e.source) || ',"correlationId":"' || e.correlation_id || '"'
    || coalesce(',"causationId":"' || e.causation_id || '"', '')
    || case when e.facility_id = '00000000-0000-7000-8000-000000000000' then '' else ',"facilityId":"' || e.facility_id || '"' end
    || coalesce(',"userId":"' || e.user_id || '"', '')
    || coalesce(',"organizationId":"' || e.organization_id || '"', '')
    || ',"data":' || e.data::text || ',"metadata":' || e.metadata::text || '}'
$$;
comment on function slotbase.event_body(slotbase.events) is 'The DomainEvent as JSON text, as it is sent to webhooks.';
