-- A key ends with the right of the person who answers for it. Before this file a key outlived every role of its maker.
-- owner_id names the person. Null is the club itself: a person with the right to do so has decided that. A key that was
-- made with another key has the owner of that key, and ends with that key too.

alter table slotbase.api_keys
  add column owner_id      uuid references slotbase.users (id),
  add column made_with     uuid,
  add column ended_because text constraint api_key_end_is_known check (ended_because in ('revoked', 'owner_lost_role', 'maker_revoked'));
create index api_keys_of_owner on slotbase.api_keys (owner_id) where owner_id is not null;
create index api_keys_made_with on slotbase.api_keys (made_with) where revoked_at is null and made_with is not null;
comment on column slotbase.api_keys.owner_id is 'The person with whose right to make keys in the facility the key ends; null: the club owns it.';
comment on column slotbase.api_keys.made_with is 'The key with which the request that made it was made; it ends with that key. Null: none, or a person took it over.';
comment on column slotbase.api_keys.ended_because is 'revoked: by hand; owner_lost_role: the owner may no longer make keys; maker_revoked: the key that made it was revoked.';

update slotbase.api_keys k set owner_id = u.id from slotbase.users u where u.id = k.created_by and u.kind = 'person';
with recursive makers as (
  select k.id, k.facility_id, m.id as made_with, m.owner_id, m.created_by, 1 as depth
  from slotbase.api_keys k
  join slotbase.users u on u.id = k.created_by and u.kind = 'api_key'
  join slotbase.api_keys m on m.user_id = k.created_by
  union all
  select c.id, c.facility_id, c.made_with, m.owner_id, m.created_by, c.depth + 1
  from makers c join slotbase.api_keys m on m.user_id = c.created_by
  where c.owner_id is null and c.depth < 100
)
update slotbase.api_keys k
set made_with = c.made_with, owner_id = c.owner_id
from (select distinct on (id, facility_id) * from makers order by id, facility_id, depth desc) c
where k.id = c.id and k.facility_id = c.facility_id;
update slotbase.api_keys set ended_because = 'revoked' where revoked_at is not null;

-- The one text of "this key works". Making keys needs the role facility_admin or a higher one, and no key has a role
-- above that one. So the right to make keys covers the role of each key.
create view slotbase.working_keys as
select k.id, k.facility_id, k.user_id, k.name, k.role, k.owner_id
from slotbase.api_keys k
where k.revoked_at is null
  and (k.made_with is null
       or exists (select from slotbase.api_keys m where m.id = k.made_with and m.facility_id = k.facility_id and m.revoked_at is null))
  and (k.owner_id is null
       or exists (select from slotbase.role_grants g
                  where g.user_id = k.owner_id
                    and (g.role = 'platform_admin' and g.scope_type = 'platform'
                         or g.role in ('facility_owner', 'facility_admin')
                            and (g.scope_type = 'facility' and g.scope_id = k.facility_id
                                 or g.scope_type = 'organization' and g.scope_id = (
                                      select f.organization_id from slotbase.facilities f where f.id = k.facility_id)))));
comment on view slotbase.working_keys is 'The keys that open something now: not revoked, and their owner may still make keys in the facility.';

-- The keys of people who have left end here. The audit trail names each of them.
with gone as (
  update slotbase.api_keys k set revoked_at = slotbase.now(), ended_because = 'owner_lost_role'
  where k.revoked_at is null and not exists (select from slotbase.working_keys w where w.id = k.id and w.facility_id = k.facility_id)
  returning k.id, k.facility_id, k.name, k.owner_id
)
select slotbase.audit_from_sql('api_key.ended', g.facility_id, 'api_key', g.id::text, null,
         jsonb_build_object('name', g.name, 'ownerId', g.owner_id, 'endedBecause', 'owner_lost_role'))
from gone g;

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (owner_id, made_with, ended_because) on slotbase.api_keys to slotbase_reader;
    grant select on slotbase.working_keys to slotbase_reader;
  end if;
end $$;
