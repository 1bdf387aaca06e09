-- Fair shares for strangers. Anybody may register and name a club, so a registration alone uses up nothing of the
-- club's plan. A role that came with an open registration begins to count with the person's first confirmed booking. A
-- sign-in remembers its address. So strangers' wrong tries at an account do not stand in the way of its owner.

alter table slotbase.role_grants add column counts boolean not null default true;
comment on column slotbase.role_grants.counts is 'Whether the plan counts the person because of this role. False for a role that came with an open registration, until the first confirmed booking.';

create table slotbase.sign_in_addresses (
  user_id      uuid        not null references slotbase.users (id) on delete cascade,
  address      text        not null,
  signed_in_at timestamptz not null default slotbase.now(),
  primary key (user_id, address)
);
create index sign_in_addresses_by_age on slotbase.sign_in_addresses (signed_in_at);
comment on table  slotbase.sign_in_addresses is 'Where each person has signed in from. Tries from there are not limited by tries from elsewhere.';
comment on column slotbase.sign_in_addresses.address is 'An IPv4 address, or a network of 64 bits of IPv6.';
comment on column slotbase.sign_in_addresses.signed_in_at is 'The latest sign-in from there. Forgotten after 180 days.';
insert into slotbase.retention_rules (name, ends, says, done_by, why) values
  ('sign_in_addresses', 'after', '180 days after the latest sign-in from there', 'housekeeping', 'people come back from where they were');

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.sign_in_addresses to slotbase_reader;
  end if;
end $$;
