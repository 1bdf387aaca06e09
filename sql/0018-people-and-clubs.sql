-- People and clubs: organizations over facilities, parents and their children, lost things, and the times when a club is closed.
-- A child's account may have no e-mail address of its own: its parent made it, and is reached in its place.

create table slotbase.organizations (
  id         uuid        primary key,
  name       text        not null,
  owner_id   uuid        not null references slotbase.users (id),
  created_at timestamptz not null default slotbase.now()
);
comment on table  slotbase.organizations is 'Runs facilities. A role in an organization counts in all of its facilities.';
comment on column slotbase.organizations.owner_id is 'Who it was made for; who may act for it says role_grants.';

alter table slotbase.facilities
  add constraint facility_organization_exists foreign key (organization_id) references slotbase.organizations (id);
create index facilities_of_organization on slotbase.facilities (organization_id) where organization_id is not null;
comment on column slotbase.facilities.organization_id is 'The organization that runs it; null: none.';
comment on column slotbase.facilities.version is 'Counts changes of settings and of closures of the whole facility; a cached day of another version is not used.';

alter table slotbase.users
  add column managed_by uuid references slotbase.users (id),
  add column birth_date date,
  drop constraint person_has_email,
  add constraint person_has_email_or_parent check (kind <> 'person' or email is not null or managed_by is not null);
create index users_of_parent on slotbase.users (managed_by) where managed_by is not null;
comment on column slotbase.users.email is 'Lower case, used once. Null for system actors, and for a child without an address of its own.';
comment on column slotbase.users.password_hash is 'argon2id; null for who cannot sign in: system actors, and children whose parent gave them no password.';
comment on column slotbase.users.managed_by is 'The parent who made this child''s account and answers for it; null: nobody.';

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
comment on table  slotbase.child_links is 'Who is whose parent, and the invitations to it. Only the status "linked" gives a parent anything.';
comment on column slotbase.child_links.permissions is 'What the parent may do for the child: book, pay, view_feedback.';
comment on column slotbase.child_links.is_primary is 'Of an invitation: whether it is wished; when it is accepted it becomes false if the child has a primary parent.';

create function slotbase.parents_email(child uuid) returns text language sql stable as $$
  select p.email
  from slotbase.child_links l
  join slotbase.users p on p.id = l.parent_id
  where l.child_id = child and l.status = 'linked' and p.email is not null
  order by l.is_primary desc, l.linked_at, l.parent_id
  limit 1
$$;
comment on function slotbase.parents_email(uuid) is 'Where a child without an address of its own is reached: the primary parent''s, else that of the parent of the longest standing.';

-- One text of what a caller may do, for every statement that makes a caller of a user. Its sub-selects run for the rows that
-- are asked for.
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
comment on table  slotbase.lost_items is 'What was found in a facility; it waits for its owner until it is claimed.';
comment on column slotbase.lost_items.verified_by is 'Who of the staff handed it out.';

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
  primary key (id, facility_id),
  constraint closure_ends_after_it_starts check (end_at > start_at),
  constraint closure_has_both_days_or_none check (num_nulls(first_day, last_day) in (0, 2) and last_day >= first_day)
);
create index closures_of_facility on slotbase.closures (facility_id, end_at);
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

do $$
begin
  if not exists (select from pg_roles where rolname = 'slotbase_reader') then
    return;
  end if;
  grant select on slotbase.organizations, slotbase.child_links, slotbase.callers, slotbase.lost_items, slotbase.closures, slotbase.closure_resources
    to slotbase_reader;
  grant select (managed_by, birth_date) on slotbase.users to slotbase_reader;
end $$;
