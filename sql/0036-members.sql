-- What a club keeps about its members beside their accounts: its own number, a phone, a post code. They belong to the
-- club, and end with the account. All three are text: a leading zero stays.

create table slotbase.member_details (
  user_id       uuid        not null references slotbase.users (id) on delete cascade,
  facility_id   uuid        not null references slotbase.facilities (id),
  member_number text        constraint member_number_is_not_empty check (member_number <> ''),
  phone         text        constraint member_phone_is_not_empty check (phone <> ''),
  postal_code   text        constraint member_postal_code_is_not_empty check (postal_code <> ''),
  updated_at    timestamptz not null default slotbase.now()
);
create unique index member_number_used_once on slotbase.member_details (facility_id, member_number) where member_number is not null;
alter table slotbase.member_details add primary key (user_id, facility_id);
comment on table  slotbase.member_details is 'What a facility keeps about a member beside the account.';
comment on column slotbase.member_details.member_number is 'The facility''s own number of the member; text, used once in the facility.';
comment on column slotbase.member_details.phone is 'As the facility writes it.';
insert into slotbase.retention_rules (name, ends, says, why) values
  ('member_details', 'never', '', 'the club''s own list of its members; ends with the account');

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.member_details to slotbase_reader;
  end if;
end $$;
