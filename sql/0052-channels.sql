-- Messages beyond mail: the phone and the browsers of a person, and the list of messages inside the program. A person
-- says what to be told, by which channel, and when.

-- A number counts when its owner has typed the code that was sent to it. Until then the number before it stays. The
-- code is derived from code_id under the program's secret key, so no table, event or log holds it.
create table slotbase.phones (
  user_id         uuid        primary key references slotbase.users (id) on delete cascade,
  number          text        constraint phone_is_e164 check (number ~ '^\+[1-9][0-9]{4,14}$'),
  verified_at     timestamptz,
  wanted          text        constraint wanted_phone_is_e164 check (wanted ~ '^\+[1-9][0-9]{4,14}$'),
  code_id         uuid,
  code_expires_at timestamptz,
  wrong_codes     smallint    not null default 0,
  constraint verified_phone_has_time check ((number is null) = (verified_at is null)),
  constraint wanted_phone_has_code check ((wanted is null) = (code_id is null) and (wanted is null) = (code_expires_at is null)),
  constraint phone_says_something check (number is not null or wanted is not null)
);
comment on table  slotbase.phones is 'The phone number of a person for text messages, in E.164. What a club writes about its members is in member_details.';
comment on column slotbase.phones.number is 'The number that was verified: text messages go there. Null: none yet.';
comment on column slotbase.phones.wanted is 'A number whose code was sent and has not come back yet.';
comment on column slotbase.phones.code_id is 'From it the code is derived, under the secret key.';
comment on column slotbase.phones.wrong_codes is 'Wrong codes for the wanted number. Five make the code void.';

-- A browser's address for push messages. Whoever knows the address and the keys can send to the browser, so they are
-- sealed. A browser has one address: when another person signs in there and subscribes, the row becomes theirs.
create table slotbase.push_subscriptions (
  id            uuid        primary key,
  user_id       uuid        not null references slotbase.users (id) on delete cascade,
  endpoint_hash bytea       not null,
  service       text        not null,
  sealed        bytea       not null,
  server_key    text        not null,
  user_agent    text        constraint subscription_user_agent_is_short check (length(user_agent) <= 256),
  created_at    timestamptz not null default slotbase.now()
);
create unique index push_subscription_once on slotbase.push_subscriptions (endpoint_hash);
create index push_subscriptions_of_user on slotbase.push_subscriptions (user_id, created_at);
comment on table  slotbase.push_subscriptions is 'The browsers that people want push messages in. A row goes when its push service says that it has ended.';
comment on column slotbase.push_subscriptions.endpoint_hash is 'SHA-256 of the address, by which a browser is found again.';
comment on column slotbase.push_subscriptions.service is 'The host of the push service; the rest of the address is a secret.';
comment on column slotbase.push_subscriptions.sealed is 'Address and keys of the browser, encrypted under the secret key.';
comment on column slotbase.push_subscriptions.server_key is 'The public key of the server that the browser subscribed with. It takes messages under no other.';

create table slotbase.push_keys (
  only_row   boolean     not null default true primary key constraint push_has_one_key check (only_row),
  public_key text        not null,
  sealed     bytea       not null,
  created_at timestamptz not null default slotbase.now()
);
comment on table  slotbase.push_keys is 'The key pair with which the server shows push services who it is (VAPID), unless one is configured.';
comment on column slotbase.push_keys.public_key is 'The uncompressed point in base64url, as browsers take it.';
comment on column slotbase.push_keys.sealed is 'The private key, encrypted under the secret key.';

-- What a person has switched on or off. No row: as the program sends it. The type "*" means all types of the channel
-- that have no row of their own.
create table slotbase.message_switches (
  user_id uuid    not null references slotbase.users (id) on delete cascade,
  type    text    not null,
  channel text    not null constraint switch_channel_is_known check (channel in ('email', 'sms', 'push', 'in_app')),
  enabled boolean not null,
  primary key (user_id, type, channel)
);
comment on table  slotbase.message_switches is 'Which messages a person wants, by type of event and channel. No row: as the program sends it.';
comment on column slotbase.message_switches.type is 'A type of event, or * for all types without a row of their own.';

create table slotbase.quiet_hours (
  user_id    uuid   primary key references slotbase.users (id) on delete cascade,
  start_time text   not null constraint quiet_start_is_a_time check (start_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  end_time   text   not null constraint quiet_end_is_a_time check (end_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  channels   text[] not null constraint quiet_channels_are_known check (channels <@ array['email', 'sms', 'push'] and channels <> '{}'),
  constraint quiet_hours_are_not_the_whole_day check (start_time <> end_time)
);
comment on table  slotbase.quiet_hours is 'When a person does not want to be disturbed: messages wait until the end. Local times of the person.';
comment on column slotbase.quiet_hours.end_time is 'Excluded. Before the start: on the next day.';
comment on column slotbase.quiet_hours.channels is 'The channels that wait. Messages inside the program disturb nobody and never wait.';

create table slotbase.phone_inbox (
  id          uuid        primary key,
  message_id  uuid        not null,
  recipient   text        not null,
  sender      text        not null,
  body        text        not null,
  received_at timestamptz not null default slotbase.now()
);
create index phone_inbox_by_arrival on slotbase.phone_inbox (received_at);
comment on table  slotbase.phone_inbox is 'The local phone: where text messages go while no SMS provider is configured.';
comment on column slotbase.phone_inbox.message_id is 'The message (notifications). A repetition comes again under the same id.';

-- A message inside the program is sent when it is recorded. A push message is one row per browser: its address is the
-- id of the subscription.
alter table slotbase.notifications add column read_at timestamptz;
comment on column slotbase.notifications.address is 'Where it goes: an e-mail address, a phone number, the id of a browser (push_subscriptions). Null: to the e-mail address that the recipient has when it is sent.';
comment on column slotbase.notifications.read_at is 'Of a message inside the program: when its reader saw it.';
drop index slotbase.notification_intended_once;
create unique index notification_intended_once on slotbase.notifications (event_id, user_id, channel, template_id, address)
  nulls not distinct;
create index notifications_in_app on slotbase.notifications (user_id, created_at desc, id desc) where channel = 'in_app';
create index notifications_unread on slotbase.notifications (user_id) where channel = 'in_app' and read_at is null;

insert into slotbase.retention_rules (name, ends, says, why) values
  ('phones', 'with', 'its person, or when the person removes it', 'text messages go there'),
  ('push_subscriptions', 'with', 'its person, when it is removed, or when its push service says that it has ended', 'push messages go there'),
  ('push_keys', 'never', '', 'one row: browsers that subscribed take messages under no other key'),
  ('message_switches', 'with', 'its person', 'what the person wants to be told'),
  ('quiet_hours', 'with', 'its person', 'when the person wants to be told');
insert into slotbase.retention_rules (name, ends, says, done_by, why) values
  ('phone_inbox', 'after', 'when a thousand later texts are there', 'housekeeping', 'the local phone, for development');

-- "slotbase grant-reader" runs these lines again, for a role that was made after the migrations.
do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.phones, slotbase.message_switches, slotbase.quiet_hours to slotbase_reader;
    grant select (id, user_id, service, server_key, user_agent, created_at) on slotbase.push_subscriptions to slotbase_reader;
    grant select (only_row, public_key, created_at) on slotbase.push_keys to slotbase_reader;
  end if;
end $$;
