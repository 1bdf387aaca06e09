-- What staff grant counts in their own club only.
--
-- A link between parent and child that staff make counts in one facility, until the child's side accepts it. A row per
-- facility keeps apart what two clubs have said about the same pair. A row without a facility counts everywhere.
--
-- Links that exist already. "Made by staff" means: created by neither parent nor child nor a platform administrator.
-- - Made by parent, child or platform administrator: they stay as they are, and count everywhere.
-- - Made by staff: they go on counting in each facility where three things hold. Parent and child hold a role in it,
--   and the maker is still staff of the facility or of its organization.
-- - Made by staff, and no such facility is left: they become invitations, which the child's side answers.
-- The role "parent" that a narrowed link gave elsewhere is taken away. No event is recorded: nobody asked for it now.
--
-- A child's side that has ended or declined a link is remembered in child_refusals. Staff cannot link that pair again.

alter table slotbase.child_links add column facility_id uuid references slotbase.facilities (id);
alter table slotbase.child_links add constraint only_links_count_in_one_facility check (facility_id is null or status = 'linked');
comment on column slotbase.child_links.facility_id is 'The facility in which the link counts, because staff made it there; null: everywhere.';

drop index slotbase.child_linked_once;
create unique index child_linked_once on slotbase.child_links (parent_id, child_id, facility_id) nulls not distinct;
drop index slotbase.child_has_one_primary_parent;
create unique index child_has_one_primary_parent on slotbase.child_links (child_id, facility_id) nulls not distinct
  where is_primary and status = 'linked';

create table slotbase.child_refusals (
  parent_id  uuid        not null references slotbase.users (id) on delete cascade,
  child_id   uuid        not null references slotbase.users (id) on delete cascade,
  refused_at timestamptz not null default slotbase.now(),
  primary key (parent_id, child_id)
);
comment on table slotbase.child_refusals is 'Pairs whose child''s side ended or declined the link. Staff only invite such a pair; an acceptance deletes the row.';
create index child_refusals_of_child on slotbase.child_refusals (child_id);
insert into slotbase.retention_rules (name, ends, says, why) values
  ('child_refusals', 'with', 'its people, or when the child''s side accepts', 'a refusal counts until it is taken back');

create temporary table narrowed on commit drop as
select l.* from slotbase.child_links l
where l.status = 'linked' and l.created_by not in (l.parent_id, l.child_id)
  and not exists (select from slotbase.role_grants a
                  where a.user_id = l.created_by and a.scope_type = 'platform' and a.role = 'platform_admin');

insert into slotbase.child_links
  (id, parent_id, child_id, relationship, is_primary, permissions, status, created_by, created_at, linked_at, facility_id)
select slotbase.new_id(), l.parent_id, l.child_id, l.relationship, l.is_primary, l.permissions, l.status, l.created_by,
       l.created_at, l.linked_at, f.id
from narrowed l
join slotbase.facilities f
  on exists (select from slotbase.role_grants p where p.user_id = l.parent_id and p.scope_type = 'facility' and p.scope_id = f.id)
 and exists (select from slotbase.role_grants c where c.user_id = l.child_id and c.scope_type = 'facility' and c.scope_id = f.id)
 and exists (select from slotbase.role_grants m
             where m.user_id = l.created_by and m.role in ('facility_owner', 'facility_admin', 'staff')
               and (m.scope_type = 'facility' and m.scope_id = f.id or m.scope_type = 'organization' and m.scope_id = f.organization_id));

update slotbase.child_links l set status = 'invited', linked_at = null
from narrowed n
where l.id = n.id
  and not exists (select from slotbase.child_links s
                  where s.parent_id = l.parent_id and s.child_id = l.child_id and s.facility_id is not null);
delete from slotbase.child_links l using narrowed n where l.id = n.id and l.status = 'linked';

with gone as (
  delete from slotbase.role_grants g using narrowed n
  where g.user_id = n.parent_id and g.role = 'parent' and g.scope_type = 'facility'
    and exists (select from slotbase.role_grants c
                where c.user_id = n.child_id and c.scope_type = 'facility' and c.scope_id = g.scope_id)
    and not exists (select from slotbase.child_links l
                    join slotbase.role_grants c on c.user_id = l.child_id and c.scope_type = 'facility' and c.scope_id = g.scope_id
                    where l.parent_id = g.user_id and l.status = 'linked' and (l.facility_id is null or l.facility_id = g.scope_id))
  returning g.user_id, g.scope_id
), left_over as (
  select w.scope_id, count(distinct w.user_id)::integer as people from gone w
  where not exists (select from slotbase.role_grants o
                    where o.user_id = w.user_id and o.scope_type = 'facility' and o.scope_id = w.scope_id and o.role <> 'parent')
  group by w.scope_id
)
update slotbase.entitlement_counters c set used = greatest(0, c.used - o.people)
from left_over o
where c.facility_id = o.scope_id and c.entitlement = 'active_users';

create or replace function slotbase.parents_email(child uuid) returns text language sql stable as $$
  select p.email
  from slotbase.child_links l
  join slotbase.users p on p.id = l.parent_id
  where l.child_id = child and l.status = 'linked' and l.facility_id is null and p.email is not null
  order by l.is_primary desc, l.linked_at, l.parent_id
  limit 1
$$;
comment on function slotbase.parents_email(uuid) is 'The address of a child without its own, by links that count everywhere: the primary parent''s. Without one: that of the parent of the longest standing.';

create function slotbase.parents_email(child uuid, facility uuid) returns text language sql stable as $$
  select p.email
  from slotbase.child_links l
  join slotbase.users p on p.id = l.parent_id
  where l.child_id = child and l.status = 'linked' and (l.facility_id is null or l.facility_id = facility) and p.email is not null
  order by l.facility_id nulls first, l.is_primary desc, l.linked_at, l.parent_id
  limit 1
$$;
comment on function slotbase.parents_email(uuid, uuid) is 'The same for mail of a facility: a link that counts only there is used when none counts everywhere.';

-- A link that counts in one facility gives nothing there after the child has left it.
create or replace view slotbase.callers as
select u.id, u.kind, u.first_name, u.last_name, u.email,
       (select coalesce(jsonb_agg(
                 jsonb_build_object('role', g.role, 'scopeType', g.scope_type, 'scopeId', g.scope_id)
                 || case when g.scope_type = 'organization' then jsonb_build_object('facilityIds', array(
                      select f.id from slotbase.facilities f where f.organization_id = g.scope_id order by f.id)) else '{}' end), '[]')
        from slotbase.role_grants g where g.user_id = u.id) as grants,
       (select coalesce(jsonb_agg(jsonb_build_object('childId', l.child_id, 'permissions', l.permissions, 'countsIn', l.facility_id)
                                  order by l.id), '[]')
        from slotbase.child_links l
        where l.parent_id = u.id and l.status = 'linked'
          and (l.facility_id is null
            or exists (select from slotbase.role_grants c
                       where c.user_id = l.child_id and c.scope_type = 'facility' and c.scope_id = l.facility_id))) as children
from slotbase.users u;

do $$
begin
  if not exists (select from pg_roles where rolname = 'slotbase_reader') then
    return;
  end if;
  grant select on slotbase.child_refusals to slotbase_reader;
end $$;
