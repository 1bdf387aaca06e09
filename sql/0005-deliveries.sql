-- What becomes of an event: a run per subscribed handler, a delivery per matching webhook.
-- Work waits in narrow queues (claimed by lease, deleted when settled) and ends in histories. A status column on one
-- wide table was measured beside it: a third more WAL, no HOT updates.

create table slotbase.handlers (
  id            bigint  generated always as identity primary key,
  handler       text    not null,
  event_type    text    not null,
  from_position bigint,
  until_position bigint,
  ended         boolean not null default false
);
create unique index handler_subscribed_once on slotbase.handlers (handler, event_type) where not ended;
create index handlers_of_type on slotbase.handlers (event_type) where until_position is null;
comment on table  slotbase.handlers is 'The handler registry mirrored from the program: who is subscribed to what, from which position until which.';
comment on column slotbase.handlers.from_position is 'First position it receives; null until the first dispatch after it was added.';
comment on column slotbase.handlers.until_position is 'First position it no longer receives; null while it is subscribed.';

create sequence slotbase.lease_seq as bigint;
comment on sequence slotbase.lease_seq is 'Fencing tokens: what was claimed under an older one can no longer be settled.';

create table slotbase.handler_queue (
  handler     text        not null,
  position    bigint      not null,
  facility_id uuid        not null,
  event_id    uuid        not null,
  attempts    smallint    not null default 0,
  lost        smallint    not null default 0,
  alone       boolean     not null default false,
  lease       bigint,
  owner       bigint,
  ready_at    timestamptz,
  errors      jsonb,
  primary key (handler, position)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);
-- No further index: every claim, retry and return of a lease stays a HOT update.
comment on table  slotbase.handler_queue is 'Runs that are not finished: waiting, running under a lease, or waiting for a retry.';
comment on column slotbase.handler_queue.attempts is 'Attempts that ended in a failure, and lone attempts that were lost with their process.';
comment on column slotbase.handler_queue.alone is 'Claimed by itself after its batch was lost: if it is lost again, that was this event''s doing.';
comment on column slotbase.handler_queue.lease is 'Fencing token of the present claim; null while nobody has it.';
comment on column slotbase.handler_queue.owner is 'The process (processes.id) that holds the lease.';
comment on column slotbase.handler_queue.ready_at is 'Not before this instant (a retry); null: at once.';

create table slotbase.handler_history (
  event_id    uuid        not null,
  handler     text        not null,
  facility_id uuid        not null,
  position    bigint      not null,
  status      text        not null,
  attempts    smallint    not null,
  duration_ms real        not null,
  settled_at  timestamptz not null,
  reason      text,
  errors      jsonb,
  primary key (event_id, handler),
  constraint finished_run_status_is_known check (status in ('success', 'skipped', 'dead_letter'))
) partition by range (event_id);
comment on table slotbase.handler_history is 'Runs that are finished, one per event and handler.';

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
comment on table  slotbase.webhooks is 'Where a facility wants its events sent (the specification''s WebhookConfig).';
comment on column slotbase.webhooks.auth_config is 'Encrypted (AES-256-GCM); never returned, never readable through the reader role.';
comment on column slotbase.webhooks.is_active is 'While false, deliveries accumulate and are sent when it is true again.';
comment on column slotbase.webhooks.max_concurrency is 'Requests to this webhook under way at once, per process.';

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
comment on table  slotbase.webhook_versions is 'What each webhook was subscribed to, from which position until which: what should have been delivered follows from it.';

create table slotbase.webhook_sequences (
  webhook_id    uuid   primary key,
  last_sequence bigint not null default 0
) with (fillfactor = 50);
comment on table slotbase.webhook_sequences is 'The last number of each webhook''s dense sequence. Written by dispatch alone.';

create table slotbase.delivery_queue (
  webhook_id  uuid        not null,
  position    bigint      not null,
  replay      smallint    not null default 0,
  facility_id uuid        not null,
  event_id    uuid        not null,
  delivery_id uuid        not null,
  sequence    bigint      not null,
  attempts    smallint    not null default 0,
  failures    smallint    not null default 0,
  unknowns    smallint    not null default 0,
  lease       bigint,
  owner       bigint,
  ready_at    timestamptz,
  errors      jsonb,
  primary key (webhook_id, position, replay)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);
create index delivery_queue_retries on slotbase.delivery_queue (webhook_id, ready_at) where ready_at is not null;
comment on table  slotbase.delivery_queue is 'Deliveries that are not finished.';
comment on column slotbase.delivery_queue.replay is '0: the delivery that dispatch made; 1 and more: replays and tests of the same event.';
comment on column slotbase.delivery_queue.sequence is 'Dense per webhook, given at dispatch; 0 for replays and tests.';
comment on column slotbase.delivery_queue.attempts is 'Requests that were sent or may have been: failures and unknown outcomes.';
comment on column slotbase.delivery_queue.failures is 'Attempts that failed: these count against the webhook''s max_retries.';
comment on column slotbase.delivery_queue.unknowns is 'Attempts whose outcome nobody knows, because the process died during them; at most three.';

create table slotbase.delivery_history (
  webhook_id       uuid        not null,
  event_id         uuid        not null,
  replay           smallint    not null,
  facility_id      uuid        not null,
  position         bigint      not null,
  delivery_id      uuid        not null,
  sequence         bigint      not null,
  status           text        not null,
  attempts         smallint    not null,
  settled_at       timestamptz not null,
  error_message    text,
  errors           jsonb,
  primary key (webhook_id, event_id, replay),
  constraint finished_delivery_status_is_known check (status in ('delivered', 'failed'))
) partition by range (event_id);
comment on table slotbase.delivery_history is 'Deliveries that are finished.';

create table slotbase.webhook_attempts (
  event_id         uuid        not null,
  delivery_id      uuid        not null,
  attempt          smallint    not null,
  id               uuid        not null,
  facility_id      uuid        not null,
  webhook_id       uuid        not null,
  url              text        not null,
  method           text        not null,
  started_at       timestamptz not null,
  sent_at          timestamptz,
  outcome          text        not null default 'started',
  duration_ms      real,
  signature        text,
  response_status  smallint,
  response_headers jsonb,
  response_body    text,
  error_message    text,
  primary key (event_id, delivery_id, attempt),
  constraint attempt_outcome_is_known check (outcome in ('started', 'delivered', 'failed', 'unknown')),
  constraint delivered_has_response check (outcome <> 'delivered' or response_status between 200 and 299)
) partition by range (event_id);
comment on table  slotbase.webhook_attempts is 'One row per HTTP attempt, committed as started before the request leaves.';
comment on column slotbase.webhook_attempts.id is 'X-SlotBase-Delivery-ID of this attempt.';
comment on column slotbase.webhook_attempts.sent_at is 'X-SlotBase-Timestamp: real time, which a receiver compares with its own clock, never the movable one.';
comment on column slotbase.webhook_attempts.outcome is 'started: under way, or lost and not yet found; unknown: the process died while it was under way.';
comment on column slotbase.webhook_attempts.response_body is 'The first kilobytes of the answer.';

create table slotbase.dead_letters (
  id              uuid        not null,
  facility_id     uuid        not null,
  event_id        uuid        not null,
  position        bigint      not null,
  handler         text,
  webhook_id      uuid,
  delivery_id     uuid,
  event           jsonb       not null,
  errors          jsonb       not null,
  created_at      timestamptz not null,
  last_attempt_at timestamptz not null,
  resolved_at     timestamptz,
  resolved_by     uuid        references slotbase.users (id),
  resolution      text        constraint resolution_is_known check (resolution in ('reprocessed', 'ignored', 'manual')),
  primary key (id, facility_id),
  constraint dead_letter_is_of_one_thing check ((handler is not null) <> (delivery_id is not null)),
  constraint resolved_says_how check ((resolved_at is null) = (resolution is null))
);
create index dead_letters_of_facility on slotbase.dead_letters (facility_id, id);
create index dead_letters_open on slotbase.dead_letters (facility_id, id) where resolved_at is null;
create index dead_letters_of_event on slotbase.dead_letters (event_id);
comment on table  slotbase.dead_letters is 'What exhausted its retries, with every error: one row per event and handler, or per delivery. Can be reprocessed.';
comment on column slotbase.dead_letters.id is 'Derived from the event and the handler or delivery: dying again reopens the same row.';
comment on column slotbase.dead_letters.event is 'The whole DomainEvent, kept also after the event''s partition is gone.';

create table slotbase.notifications (
  id           uuid        not null,
  facility_id  uuid        not null,
  event_id     uuid        not null,
  user_id      uuid        not null,
  channel      text        not null constraint notification_channel_is_known check (channel in ('email', 'push', 'sms')),
  type         text        not null,
  template_id  text        not null,
  priority     text        not null,
  title        text        not null,
  body         text        not null,
  html         text,
  status       text        not null default 'pending' constraint notification_status_is_known check (status in ('pending', 'sending', 'sent', 'skipped')),
  reason       text,
  attempts     smallint    not null default 0,
  created_at   timestamptz not null default slotbase.now(),
  sent_at      timestamptz,
  primary key (id, facility_id)
);
create unique index notification_intended_once on slotbase.notifications (event_id, user_id, channel, template_id);
create index notifications_of_user on slotbase.notifications (user_id, created_at);
comment on table  slotbase.notifications is 'Each message meant for somebody: recorded before it is sent, so that an event never makes two of it.';
comment on column slotbase.notifications.html is 'The mail as HTML; null for other channels. Kept, so that a repetition sends the very same message.';
comment on column slotbase.notifications.status is 'sending: a send is under way or its outcome is unknown; skipped: see reason.';
comment on column slotbase.notifications.reason is 'Why it was skipped, or why the last attempt failed.';
comment on column slotbase.notifications.attempts is 'Sends that were begun; each is committed before the message leaves.';

create table slotbase.mailbox (
  id          uuid        primary key,
  message_id  text        not null,
  sender      text        not null,
  recipients  text[]      not null,
  subject     text        not null,
  raw         text        not null,
  received_at timestamptz not null default slotbase.now()
);
create index mailbox_by_arrival on slotbase.mailbox (received_at);
comment on table slotbase.mailbox is 'The local mailbox: where mail goes while no SMTP server is configured.';

insert into slotbase.partitioned_tables values ('handler_history'), ('delivery_history'), ('webhook_attempts');
select slotbase.ensure_partitions();
