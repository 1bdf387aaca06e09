-- Who may act, and where: users, roles, sessions, API keys; facilities and what can be booked in them.
-- System actors (the root key, the jobs, each API key) are user rows, so that every "by whom" names somebody.

create table slotbase.users (
  id                  uuid        primary key,
  kind                text        not null default 'person' constraint user_kind_is_known check (kind in ('person', 'api_key', 'system')),
  email               text        constraint user_email_is_lower_case check (email = lower(email)),
  password_hash       text,
  first_name          text        not null,
  last_name           text        not null,
  registration_source text        not null default 'web' constraint registration_source_is_known check (registration_source in ('web', 'mobile', 'admin', 'invitation')),
  created_at          timestamptz not null default slotbase.now(),
  constraint person_has_email check (kind <> 'person' or email is not null)
);
create unique index user_email_used_once on slotbase.users (email);
comment on table  slotbase.users is 'People, and the system actors that stand beside them.';
comment on column slotbase.users.password_hash is 'argon2id; null for system actors, who cannot sign in.';

create table slotbase.facilities (
  id              uuid        primary key,
  organization_id uuid,
  name            text        not null,
  timezone        text        not null,
  currency        text        not null constraint facility_currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
  sport_types     text[]      not null default '{}',
  opening_hours   jsonb       not null default '{}',
  slot_minutes    integer     not null default 60  constraint slot_minutes_in_a_day check (slot_minutes between 5 and 1440),
  hold_minutes    integer     not null default 5   constraint hold_minutes_in_a_day check (hold_minutes between 1 and 1440),
  owner_id        uuid        not null references slotbase.users (id),
  version         integer     not null default 1,
  created_at      timestamptz not null default slotbase.now(),
  updated_at      timestamptz not null default slotbase.now()
);
comment on table  slotbase.facilities is 'A club, with its local rules. Local times are kept as local times with the zone, never as instants.';
comment on column slotbase.facilities.timezone is 'IANA zone; local rules are resolved in it by the program (Temporal), not in SQL.';
comment on column slotbase.facilities.opening_hours is 'Weekday → list of {open, close} in local time, "24:00" is midnight at the end of the day.';
comment on column slotbase.facilities.slot_minutes is 'Length of a slot in the availability answer, minutes.';
comment on column slotbase.facilities.hold_minutes is 'How long a hold lasts, minutes.';
comment on column slotbase.facilities.version is 'Counts changes of settings; a cached day of another version is not used.';

create table slotbase.role_grants (
  user_id    uuid        not null references slotbase.users (id),
  role       text        not null constraint role_is_known check (role in ('platform_admin', 'facility_owner', 'facility_admin', 'staff', 'coach', 'player', 'parent')),
  scope_type text        not null constraint scope_type_is_known check (scope_type in ('platform', 'organization', 'facility')),
  scope_id   uuid        not null,
  granted_by uuid        not null references slotbase.users (id),
  granted_at timestamptz not null default slotbase.now(),
  primary key (user_id, role, scope_type, scope_id)
);
create index role_grants_of_scope on slotbase.role_grants (scope_id, role);
comment on table slotbase.role_grants is 'Who holds which role where, and by whom it was granted.';

create table slotbase.sessions (
  token_hash bytea       primary key,
  user_id    uuid        not null references slotbase.users (id),
  created_at timestamptz not null default slotbase.now(),
  expires_at timestamptz not null
);
create index sessions_by_expiry on slotbase.sessions (expires_at);
comment on table slotbase.sessions is 'Signed-in people. Only the SHA-256 of a token is kept.';

create table slotbase.api_keys (
  id          uuid        not null,
  facility_id uuid        not null references slotbase.facilities (id),
  user_id     uuid        not null references slotbase.users (id),
  name        text        not null,
  role        text        not null constraint api_key_role_is_known check (role in ('platform_admin', 'facility_admin', 'staff')),
  key_hash    bytea       not null,
  key_hint    text        not null,
  created_by  uuid        not null references slotbase.users (id),
  created_at  timestamptz not null default slotbase.now(),
  revoked_at  timestamptz,
  primary key (id, facility_id)
);
create unique index api_key_is_known_once on slotbase.api_keys (key_hash);
comment on table  slotbase.api_keys is 'Keys of programs. Only the SHA-256 is kept; the root key is the one of the platform facility.';
comment on column slotbase.api_keys.key_hint is 'The first characters of the key, to recognize it by.';

create table slotbase.resources (
  id            uuid        not null,
  facility_id   uuid        not null references slotbase.facilities (id),
  name          text        not null,
  resource_type text        not null,
  hourly_price  bigint      not null default 0 constraint resource_price_not_negative check (hourly_price >= 0),
  is_active     boolean     not null default true,
  version       integer     not null default 1,
  created_at    timestamptz not null default slotbase.now(),
  updated_at    timestamptz not null default slotbase.now(),
  primary key (id, facility_id)
);
create index resources_of_facility on slotbase.resources (facility_id, name);
comment on table  slotbase.resources is 'What can be booked: a court, a room, a lane.';
comment on column slotbase.resources.hourly_price is 'Minor units of the facility''s currency for 60 minutes.';

-- The fixed rows: the platform itself, the root key's actor, the jobs' actor.
insert into slotbase.users (id, kind, first_name, last_name, registration_source) values
  ('00000000-0000-7000-8000-000000000001', 'system', 'Root', 'Key', 'admin'),
  ('00000000-0000-7000-8000-000000000002', 'system', 'Scheduled', 'Jobs', 'admin');
insert into slotbase.facilities (id, name, timezone, currency, owner_id) values
  ('00000000-0000-7000-8000-000000000000', 'SlotBase platform', 'UTC', 'EUR', '00000000-0000-7000-8000-000000000001');
insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by) values
  ('00000000-0000-7000-8000-000000000001', 'platform_admin', 'platform', '00000000-0000-7000-8000-000000000000', '00000000-0000-7000-8000-000000000001'),
  ('00000000-0000-7000-8000-000000000002', 'platform_admin', 'platform', '00000000-0000-7000-8000-000000000000', '00000000-0000-7000-8000-000000000001');

create table slotbase.idempotency_keys (
  caller_id    uuid        not null,
  method       text        not null,
  path         text        not null,
  key          text        not null,
  request_hash bytea       not null,
  status       smallint    not null,
  answer       bytea       not null,
  created_at   timestamptz not null default slotbase.now(),
  primary key (caller_id, method, path, key)
);
create index idempotency_keys_by_age on slotbase.idempotency_keys (created_at);
comment on table  slotbase.idempotency_keys is 'Answers already given to an Idempotency-Key, kept 24 hours.';
comment on column slotbase.idempotency_keys.answer is 'Encrypted (AES-256-GCM): an answer may hold a secret.';

create table slotbase.secret_key_check (
  one    boolean primary key default true constraint secret_key_check_is_one_row check (one),
  sealed bytea   not null
);
comment on table slotbase.secret_key_check is 'A value sealed under SLOTBASE_SECRET_KEY at the first start: a program with another key refuses to start.';
