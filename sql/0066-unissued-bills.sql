-- Bills that monthly-billing could not issue, because a fact was missing or something failed. The run of a later month
-- issues them too. Before, a bill that was not mended within its month was issued by nobody.
create table slotbase.unissued_bills (
  facility_id uuid        not null references slotbase.facilities (id),
  month       date        not null constraint month_is_its_first_day check (extract(day from month) = 1),
  booker_id   uuid        not null references slotbase.users (id),
  failed_at   timestamptz not null,
  error       text        not null,
  primary key (facility_id, month, booker_id)
);
create index unissued_bills_of_booker on slotbase.unissued_bills (booker_id);
comment on table  slotbase.unissued_bills is 'Bills that could not be issued, by booker. Each run of monthly-billing tries them again, the oldest month first.';
comment on column slotbase.unissued_bills.month is 'The first day of the local month that the bill is over.';
comment on column slotbase.unissued_bills.booker_id is 'One of the people of the billing account.';
comment on column slotbase.unissued_bills.failed_at is 'The last time.';
comment on column slotbase.unissued_bills.error is 'The last error, such as the fact that the invoice settings lack.';

insert into slotbase.retention_rules (name, ends, says, done_by, why) values
  ('unissued_bills', 'after', 'when it was issued, or nothing is owed any more', 'monthly-billing', 'the bill is still to be issued');

-- "slotbase grant-reader" runs these lines again, for a role that was made after the migrations.
do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.unissued_bills to slotbase_reader;
  end if;
end $$;
