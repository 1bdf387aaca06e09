-- A club takes in nobody unasked, and names no stranger.
--
-- A role for an account that is no member of the club is an invitation. Its user_id has no foreign key to users: an id
-- that nobody has is stored like any other, so no answer says which accounts exist.
--
-- A walk-in is an account without sign-in that belongs to one club. Staff book for it where they may name no stranger.

create table slotbase.role_invitations (
  id         uuid        primary key,
  user_id    uuid        not null,
  role       text        not null constraint invited_role_is_known check (role in ('facility_owner', 'facility_admin', 'staff', 'coach', 'player', 'parent')),
  scope_type text        not null constraint invited_scope_type_is_known check (scope_type in ('organization', 'facility')),
  scope_id   uuid        not null,
  invited_by uuid        not null references slotbase.users (id),
  created_at timestamptz not null default slotbase.now(),
  expires_at timestamptz not null
);
create unique index invited_to_a_role_once on slotbase.role_invitations (user_id, role, scope_type, scope_id);
create index role_invitations_of_scope on slotbase.role_invitations (scope_id, expires_at);
create index role_invitations_of_inviter on slotbase.role_invitations (invited_by);
create index role_invitations_by_end on slotbase.role_invitations (expires_at);
comment on table  slotbase.role_invitations is 'Roles that wait for the person''s answer. An answer deletes the row; an expired row counts for nothing.';
comment on column slotbase.role_invitations.user_id is 'The id that the administrator named. There may be no such person: then nobody ever answers.';

insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('role_invitations', 'after', '30 days', '1 day', 'after its end; an answer deletes it at once', 'retention',
   'expires_at < $1', 'an expired invitation counts for nothing');

alter table slotbase.users add column walk_in_at uuid references slotbase.facilities (id);
alter table slotbase.users add column contact_email text;
alter table slotbase.users drop constraint person_has_email_or_parent;
alter table slotbase.users add constraint person_signs_in_or_is_kept
  check (kind <> 'person' or email is not null or managed_by is not null or walk_in_at is not null);
alter table slotbase.users add constraint walk_in_cannot_sign_in check (walk_in_at is null or email is null and password_hash is null);
alter table slotbase.users add constraint only_walk_ins_have_a_contact check (contact_email is null or walk_in_at is not null);
create index users_of_walk_ins on slotbase.users (walk_in_at) where walk_in_at is not null;
comment on column slotbase.users.walk_in_at is 'The facility that keeps this account for a guest without sign-in; null: a person''s own account.';
comment on column slotbase.users.contact_email is 'Where a walk-in''s mail goes. Not used once, and no address to sign in with.';

do $$
begin
  if not exists (select from pg_roles where rolname = 'slotbase_reader') then
    return;
  end if;
  grant select on slotbase.role_invitations to slotbase_reader;
  grant select (walk_in_at, contact_email) on slotbase.users to slotbase_reader;
end $$;
