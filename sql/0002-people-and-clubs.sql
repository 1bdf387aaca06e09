-- Users, roles, sessions, API keys, parents and their children: the callers and their rights. Organizations,
-- facilities, resources and closures: the places. System actors (the root key, the jobs, each API key) are rows of
-- users, so that every "by whom" names a user. A child may have no e-mail address of its own. Its parent made the
-- account, and gets the child's mail.

-- A primary key of two columns to which foreign keys refer is made after the table's other indexes, here and in later
-- files. The check of a foreign key reads "where id = $1 and facility_id = $2". While its table is empty, PostgreSQL
-- expects one row from the primary key and one from any index that begins with facility_id. Of two equal indexes it
-- takes the one that was made last. Every connection keeps that plan until autovacuum first processes the table. With
-- the list of a facility's bookings as the last index, each check scanned all bookings of the facility: 1 to 3 ms with
-- thousands.

create table slotbase.users (
  id                  uuid        primary key,
  kind                text        not null default 'person' constraint user_kind_is_known check (kind in ('person', 'api_key', 'system')),
  email               text        constraint user_email_is_lower_case check (email = lower(email)),
  password_hash       text,
  first_name          text        not null,
  last_name           text        not null,
  registration_source text        not null default 'web' constraint registration_source_is_known check (registration_source in ('web', 'mobile', 'admin', 'invitation')),
  created_at          timestamptz not null default slotbase.now(),
  managed_by          uuid        references slotbase.users (id),
  birth_date          date,
  constraint person_has_email_or_parent check (kind <> 'person' or email is not null or managed_by is not null)
);
create unique index user_email_used_once on slotbase.users (email);
create index users_of_parent on slotbase.users (managed_by) where managed_by is not null;
comment on table  slotbase.users is 'People, and the system actors.';
comment on column slotbase.users.email is 'Lower case, used once. Null for system actors, and for a child without an address of its own.';
comment on column slotbase.users.password_hash is 'argon2id. Null for users that cannot sign in: system actors, and children whose parent gave them no password.';
comment on column slotbase.users.managed_by is 'The parent who made this child''s account and answers for it; null: nobody.';

create table slotbase.organizations (
  id         uuid        primary key,
  name       text        not null,
  owner_id   uuid        not null references slotbase.users (id),
  created_at timestamptz not null default slotbase.now()
);
comment on table  slotbase.organizations is 'Runs facilities. A role in an organization counts in all of its facilities.';
comment on column slotbase.organizations.owner_id is 'The person it was made for. role_grants says which people may act for it.';

create table slotbase.facilities (
  id              uuid        primary key,
  organization_id uuid        constraint facility_organization_exists references slotbase.organizations (id),
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
create index facilities_of_organization on slotbase.facilities (organization_id) where organization_id is not null;
comment on table  slotbase.facilities is 'A club, with its local rules. Local times are kept as local times with the zone, never as instants.';
comment on column slotbase.facilities.organization_id is 'The organization that runs it; null: none.';
comment on column slotbase.facilities.timezone is 'IANA zone; local rules are resolved in it by the program (Temporal), not in SQL.';
comment on column slotbase.facilities.opening_hours is 'Weekday → list of {open, close} in local time, "24:00" is midnight at the end of the day.';
comment on column slotbase.facilities.slot_minutes is 'Length of a slot in the availability answer, minutes.';
comment on column slotbase.facilities.hold_minutes is 'How long a hold lasts, minutes.';
comment on column slotbase.facilities.version is 'Counts changes of settings and of closures of the whole facility; a cached day of another version is not used.';

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
comment on table slotbase.role_grants is 'Each role of a user, the scope in which it counts, and the user that granted it.';

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

create table slotbase.child_links (
  id           uuid        primary key,
  parent_id    uuid        not null references slotbase.users (id),
  child_id     uuid        not null references slotbase.users (id),
  relationship text        not null,
  is_primary   boolean     not null,
  permissions  text[]      not null constraint child_permissions_are_known check (permissions <@ array['book', 'pay', 'view_feedback']),
  status       text        not null constraint child_link_status_is_known check (status in ('invited', 'linked', 'declined')),
  created_by   uuid        not null references slotbase.users (id),
  created_at   timestamptz not null default slotbase.now(),
  linked_at    timestamptz,
  constraint nobody_is_their_own_parent check (parent_id <> child_id),
  constraint linked_says_since_when check ((status = 'linked') = (linked_at is not null))
);
create unique index child_linked_once on slotbase.child_links (parent_id, child_id);
create unique index child_has_one_primary_parent on slotbase.child_links (child_id) where is_primary and status = 'linked';
create index child_links_of_child on slotbase.child_links (child_id);
comment on table  slotbase.child_links is 'The parents of each child, and the invitations to become one. Only the status "linked" gives a parent anything.';
comment on column slotbase.child_links.is_primary is 'Of an invitation: whether it is wished; when it is accepted it becomes false if the child has a primary parent.';
comment on column slotbase.child_links.permissions is 'The acts that the parent may do for the child: book, pay, view_feedback.';

create function slotbase.parents_email(child uuid) returns text language sql stable as $$
  select p.email
  from slotbase.child_links l
  join slotbase.users p on p.id = l.parent_id
  where l.child_id = child and l.status = 'linked' and p.email is not null
  order by l.is_primary desc, l.linked_at, l.parent_id
  limit 1
$$;
comment on function slotbase.parents_email(uuid) is 'Where a child without an address of its own is reached: the primary parent''s, else that of the parent of the longest standing.';

-- The one text of a caller's rights, for every statement that makes a caller of a user. The sub-selects run only for
-- the rows that a statement asks for.
create view slotbase.callers as
select u.id, u.kind, u.first_name, u.last_name, u.email,
       (select coalesce(jsonb_agg(
                 jsonb_build_object('role', g.role, 'scopeType', g.scope_type, 'scopeId', g.scope_id)
                 || case when g.scope_type = 'organization' then jsonb_build_object('facilityIds', array(
                      select f.id from slotbase.facilities f where f.organization_id = g.scope_id order by f.id)) else '{}' end), '[]')
        from slotbase.role_grants g where g.user_id = u.id) as grants,
       (select coalesce(jsonb_agg(jsonb_build_object('childId', l.child_id, 'permissions', l.permissions)), '[]')
        from slotbase.child_links l where l.parent_id = u.id and l.status = 'linked') as children
from slotbase.users u;
comment on view slotbase.callers is 'Each user with the roles that they hold, where those count, and the children for whom they may act.';

create table slotbase.resources (
  id            uuid        not null,
  facility_id   uuid        not null references slotbase.facilities (id),
  name          text        not null,
  resource_type text        not null,
  hourly_price  bigint      not null default 0 constraint resource_price_not_negative check (hourly_price >= 0),
  is_active     boolean     not null default true,
  version       integer     not null default 1,
  created_at    timestamptz not null default slotbase.now(),
  updated_at    timestamptz not null default slotbase.now()
);
create index resources_of_facility on slotbase.resources (facility_id, name);
alter table slotbase.resources add primary key (id, facility_id);
comment on table  slotbase.resources is 'A thing that can be booked: a court, a room, a lane.';
comment on column slotbase.resources.hourly_price is 'Minor units of the facility''s currency for 60 minutes.';

create table slotbase.closures (
  id             uuid        not null,
  facility_id    uuid        not null references slotbase.facilities (id),
  start_at       timestamptz not null,
  end_at         timestamptz not null,
  first_day      date,
  last_day       date,
  whole_facility boolean     not null,
  reason         text        not null,
  created_by     uuid        not null references slotbase.users (id),
  created_at     timestamptz not null default slotbase.now(),
  constraint closure_ends_after_it_starts check (end_at > start_at),
  constraint closure_has_both_days_or_none check (num_nulls(first_day, last_day) in (0, 2) and last_day >= first_day)
);
create index closures_of_facility on slotbase.closures (facility_id, end_at);
alter table slotbase.closures add primary key (id, facility_id);
comment on table  slotbase.closures is 'Times when a facility, or some of its resources, cannot be booked: a holiday, a repair. They occupy nothing; bookings made before stay until somebody cancels them.';
comment on column slotbase.closures.first_day is 'Of a closure of whole local days: the first of them. start_at and end_at follow from the days and the facility''s zone.';
comment on column slotbase.closures.whole_facility is 'All resources, later ones too; otherwise those in closure_resources.';

create table slotbase.closure_resources (
  closure_id  uuid not null,
  facility_id uuid not null,
  resource_id uuid not null,
  primary key (closure_id, facility_id, resource_id),
  foreign key (closure_id, facility_id) references slotbase.closures (id, facility_id) on delete cascade,
  foreign key (resource_id, facility_id) references slotbase.resources (id, facility_id)
);
comment on table slotbase.closure_resources is 'The resources that a closure closes, when it is not the whole facility.';

create table slotbase.lost_items (
  id             uuid        not null,
  facility_id    uuid        not null references slotbase.facilities (id),
  description    text        not null,
  category       text        not null,
  found_location text        not null,
  reported_by    uuid        not null references slotbase.users (id),
  reported_at    timestamptz not null default slotbase.now(),
  claimed_by     uuid        references slotbase.users (id),
  verified_by    uuid        references slotbase.users (id),
  claimed_at     timestamptz,
  primary key (id, facility_id),
  constraint claimed_says_by_whom_and_who_verified check (num_nulls(claimed_by, verified_by, claimed_at) in (0, 3))
);
create index lost_items_of_facility on slotbase.lost_items (facility_id, id);
comment on table  slotbase.lost_items is 'A thing that was found in a facility. It waits for its owner until it is claimed.';
comment on column slotbase.lost_items.verified_by is 'The member of staff that handed it out.';

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

-- The fixed rows: the platform itself, the actor of the root key, the actor of the jobs.
insert into slotbase.users (id, kind, first_name, last_name, registration_source) values
  ('00000000-0000-7000-8000-000000000001', 'system', 'Root', 'Key', 'admin'),
  ('00000000-0000-7000-8000-000000000002', 'system', 'Scheduled', 'Jobs', 'admin');
insert into slotbase.facilities (id, name, timezone, currency, owner_id) values
  ('00000000-0000-7000-8000-000000000000', 'SlotBase platform', 'UTC', 'EUR', '00000000-0000-7000-8000-000000000001');
insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by) values
  ('00000000-0000-7000-8000-000000000001', 'platform_admin', 'platform', '00000000-0000-7000-8000-000000000000', '00000000-0000-7000-8000-000000000001'),
  ('00000000-0000-7000-8000-000000000002', 'platform_admin', 'platform', '00000000-0000-7000-8000-000000000000', '00000000-0000-7000-8000-000000000001');
