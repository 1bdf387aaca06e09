-- The receivers of events: the handlers of the program, and the webhooks of the facilities. Each subscription has its
-- first and its last position. The expected runs and deliveries follow from these tables alone. Subscriptions change
-- only between two passes of the dispatcher, at a known position.

create table slotbase.handlers (
  id             bigint  generated always as identity primary key,
  handler        text    not null,
  event_type     text    not null,
  from_position  bigint,
  until_position bigint,
  ended          boolean not null default false
);
create unique index handler_subscribed_once on slotbase.handlers (handler, event_type) where not ended;
create index handlers_of_type on slotbase.handlers (event_type) where until_position is null;
create index handlers_to_sequence on slotbase.handlers (id) where until_position is null and (from_position is null or ended);
comment on table  slotbase.handlers is 'The handler registry mirrored from the program: each subscription, from which position until which.';
comment on column slotbase.handlers.from_position is 'First position it receives; null until the first dispatch after it was added.';
comment on column slotbase.handlers.until_position is 'First position it no longer receives; null while it is subscribed.';

-- webhooks_by_id: without this index, a search by id alone scanned webhooks_of_facility, facility by facility.
create table slotbase.webhooks (
  id                 uuid        not null,
  facility_id        uuid        not null references slotbase.facilities (id),
  name               text        not null,
  description        text,
  url                text        not null,
  method             text        not null default 'POST' constraint webhook_method_is_known check (method in ('POST', 'PUT')),
  auth_type          text        not null default 'none' constraint webhook_auth_type_is_known check (auth_type in ('none', 'header', 'basic', 'bearer', 'signature')),
  auth_config        bytea,
  events             text[]      not null constraint webhook_wants_something check (cardinality(events) > 0),
  resource_ids       uuid[],
  booking_types      text[],
  max_retries        smallint    not null default 5,
  retry_delay_ms     integer     not null default 1000,
  backoff_multiplier real        not null default 2,
  max_concurrency    smallint    not null default 10,
  is_active          boolean     not null default true,
  disabled_reason    text,
  created_by         uuid        not null references slotbase.users (id),
  created_at         timestamptz not null default slotbase.now(),
  updated_at         timestamptz not null default slotbase.now(),
  deleted_at         timestamptz,
  deleted_by         uuid        references slotbase.users (id),
  primary key (id, facility_id),
  constraint deleted_webhook_names_its_deleter check ((deleted_at is null) = (deleted_by is null))
);
create index webhooks_of_facility on slotbase.webhooks (facility_id, id) where deleted_at is null;
create index webhooks_by_id on slotbase.webhooks (id);
comment on table  slotbase.webhooks is 'Where a facility wants its events sent (the specification''s WebhookConfig).';
comment on column slotbase.webhooks.auth_config is 'Encrypted (AES-256-GCM); never returned, never readable through the reader role.';
comment on column slotbase.webhooks.max_concurrency is 'Requests to this webhook under way at once, per process.';
comment on column slotbase.webhooks.is_active is 'While false, deliveries accumulate and are sent when it is true again.';

create table slotbase.webhook_versions (
  webhook_id     uuid    not null,
  facility_id    uuid    not null,
  version        integer not null,
  events         text[]  not null,
  resource_ids   uuid[],
  booking_types  text[],
  from_position  bigint,
  until_position bigint,
  ended          boolean not null default false,
  primary key (webhook_id, version)
);
create index webhook_versions_of_facility on slotbase.webhook_versions (facility_id) where until_position is null;
create unique index webhook_has_one_live_version on slotbase.webhook_versions (webhook_id) where not ended;
create index webhook_versions_to_sequence on slotbase.webhook_versions (webhook_id, version) where until_position is null and (from_position is null or ended);
comment on table  slotbase.webhook_versions is 'The subscriptions of each webhook, from which position until which. The deliveries that should exist follow from them.';

create table slotbase.webhook_sequences (
  webhook_id    uuid   primary key,
  last_sequence bigint not null default 0
) with (fillfactor = 50);
comment on table slotbase.webhook_sequences is 'The last number of each webhook''s dense sequence. Written by dispatch alone.';

-- Subscriptions that were added or ended since the last pass take effect at the next position. A row that a command is
-- changing is left for the next pass: the dispatcher never waits for a command. A webhook's versions are taken together
-- or not at all. If one version ended while its successor is locked, there would be a gap between them in which nothing
-- is delivered.
create function slotbase.sequence_subscriptions(next_position bigint) returns void language plpgsql as $$
begin
  update slotbase.handlers h
  set from_position  = coalesce(h.from_position, next_position),
      until_position = case when h.ended then next_position end
  where h.id in (select id from slotbase.handlers
                 where until_position is null and (from_position is null or ended) for update skip locked);
  with due as materialized (
    select webhook_id, version from slotbase.webhook_versions
    where until_position is null and (from_position is null or ended) for update skip locked
  )
  update slotbase.webhook_versions v
  set from_position  = coalesce(v.from_position, next_position),
      until_position = case when v.ended then next_position end
  from due
  where v.webhook_id = due.webhook_id and v.version = due.version
    and not exists (select from slotbase.webhook_versions w
                    where w.webhook_id = v.webhook_id and w.until_position is null and (w.from_position is null or w.ended)
                      and not exists (select from due d where d.webhook_id = w.webhook_id and d.version = w.version));
end $$;
comment on function slotbase.sequence_subscriptions(bigint) is 'Lets subscriptions begin and end at the next position; called by each pass of the dispatcher.';
