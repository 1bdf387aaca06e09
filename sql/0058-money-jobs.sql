-- The money jobs. offline-payment-aging: which debts were told of in which stage. monthly-billing: which debts of a
-- month stand on which paper, and which money paid for them. active-user-reset: what a month had when it was closed.
-- capacity-check reads what there is.

-- Debts that grow old. The stage is the key, so a debt is told of once in each stage.
create table slotbase.payment_agings (
  booking_id  uuid        not null,
  facility_id uuid        not null references slotbase.facilities (id),
  stage       smallint    not null constraint aging_stage_is_known check (stage in (30, 60, 90)),
  day         date        not null,
  age_days    integer     not null constraint aged_at_least_its_stage check (age_days >= stage),
  amount      bigint      not null constraint aged_debt_is_of_something check (amount > 0),
  currency    text        not null,
  primary key (booking_id, facility_id, stage)
);
create index payment_agings_of_day on slotbase.payment_agings (facility_id, day);
create index payment_agings_by_day on slotbase.payment_agings (day);
comment on table  slotbase.payment_agings is 'The stages in which people were told of an unpaid booking: after 30, 60 and 90 local days. Each stage is told once.';
comment on column slotbase.payment_agings.day is 'The local day of the facility on which it was told.';
comment on column slotbase.payment_agings.age_days is 'Local days from the day of play to that day.';
comment on column slotbase.payment_agings.amount is 'What was due then, minor units of currency.';

create table slotbase.aging_progress (
  facility_id  uuid primary key references slotbase.facilities (id),
  looked_until date not null,
  overview_day date
);
comment on table  slotbase.aging_progress is 'How far offline-payment-aging has looked in each facility.';
comment on column slotbase.aging_progress.looked_until is 'The last local day for which all debts were looked at.';
comment on column slotbase.aging_progress.overview_day is 'The last local day for which the staff had an overview. Null: none yet.';

-- Bills: what a billing account still owes for a month, on one paper. The debts stay debts of their bookings. The rows
-- keep payments of billed bookings from having papers of their own: what is sold is on one paper.
create table slotbase.bills (
  invoice_id         uuid        not null,
  facility_id        uuid        not null,
  billing_account_id uuid        not null,
  period             date        not null constraint period_is_a_month check (extract(day from period) = 1),
  currency           text        not null,
  foreign key (invoice_id, facility_id) references slotbase.invoices (id, facility_id),
  foreign key (billing_account_id, facility_id) references slotbase.billing_accounts (id, facility_id)
);
create unique index billed_once_per_period on slotbase.bills (billing_account_id, facility_id, period, currency);
create index bills_of_facility on slotbase.bills (facility_id, period);
-- The keys come last: the checks of foreign keys must read by them (0053-invoices.sql says why).
alter table slotbase.bills add primary key (invoice_id, facility_id);
comment on table  slotbase.bills is 'The papers of monthly-billing: one for a billing account, a local month and a currency.';
comment on column slotbase.bills.period is 'The first day of the local month.';

create table slotbase.billed_bookings (
  invoice_id  uuid   not null,
  facility_id uuid   not null,
  booking_id  uuid   not null,
  amount      bigint not null constraint billed_is_something check (amount > 0),
  foreign key (invoice_id, facility_id) references slotbase.bills (invoice_id, facility_id),
  foreign key (booking_id, facility_id) references slotbase.bookings (id, facility_id)
);
create index billed_bookings_of_booking on slotbase.billed_bookings (booking_id, facility_id);
alter table slotbase.billed_bookings add primary key (invoice_id, facility_id, booking_id);
comment on table  slotbase.billed_bookings is 'What a bill has of each booking.';
comment on column slotbase.billed_bookings.amount is 'Minor units, with the tax.';

create table slotbase.bill_settlements (
  source_id   uuid   not null,
  facility_id uuid   not null,
  invoice_id  uuid   not null,
  booking_id  uuid   not null,
  amount      bigint not null constraint settles_something check (amount > 0),
  is_money    boolean not null,
  primary key (source_id, facility_id, invoice_id, booking_id),
  foreign key (invoice_id, facility_id, booking_id) references slotbase.billed_bookings (invoice_id, facility_id, booking_id)
);
create index bill_settlements_of_booking on slotbase.bill_settlements (booking_id, facility_id);
create index bill_settlements_of_item on slotbase.bill_settlements (invoice_id, facility_id, booking_id);
comment on table  slotbase.bill_settlements is 'What settled a billed booking: a payment, which has no paper of its own for this amount, or a correction.';
comment on column slotbase.bill_settlements.source_id is 'The payment or offline payment; of a correction the event that made it necessary.';
comment on column slotbase.bill_settlements.is_money is 'False: a credit note took it off the bill, because it is not owed any more.';

-- A credit note may also take something off a bill that is not owed any more: no money moves.
alter table slotbase.invoices drop constraint paper_source_is_known, drop constraint credit_note_names_its_invoice;
alter table slotbase.invoices
  add constraint paper_source_is_known check (source_type in
    ('payment', 'offline_payment', 'refund', 'refund_returned', 'bill', 'bill_correction')),
  add constraint credit_note_names_its_invoice check
    ((kind = 'credit_note') = (source_type in ('refund', 'bill_correction')) and (kind = 'invoice' or corrects_id is not null));

create or replace view slotbase.invoice_check as
select m.recorded_at, f.name as facility, m.kind, m.amount as money,
       case when num_nulls(p.amount, s.amount) < 2 then coalesce(p.amount, 0) + coalesce(s.amount, 0) end as papers, p.number, m.currency,
       m.amount = coalesce(p.amount, 0) + coalesce(s.amount, 0) as agrees, m.source_id, m.reference_type, m.reference_id, m.facility_id
from (
  select source_id, facility_id, kind, min(recorded_at) as recorded_at, sum(amount)::bigint as amount, min(currency) as currency,
         min(reference_type) as reference_type, min(reference_id::text)::uuid as reference_id
  from slotbase.payment_ledger
  where account in ('provider', 'till')
  group by source_id, facility_id, kind
) m
join slotbase.facilities f on f.id = m.facility_id
left join lateral (
  select i.number, case when i.kind = 'invoice' then i.gross else -i.gross end as amount
  from slotbase.invoices i
  where i.source_id = m.source_id and i.facility_id = m.facility_id
    and i.source_type = case m.kind when 'refund_handed_back' then 'refund' else m.kind end
) p on true
left join lateral (
  select sum(b.amount)::bigint as amount from slotbase.bill_settlements b
  where b.source_id = m.source_id and b.facility_id = m.facility_id and b.is_money and m.kind in ('payment', 'offline_payment')
) s on true;
comment on view slotbase.invoice_check is 'Each payment and refund of the ledger beside its paper; a payment of a bill counts with the bill. agrees is false while a paper is not issued yet, and for money from before papers were issued.';

-- A charge of the month for a booking of an earlier one. The last condition keeps the index out of look-ups by booking.
-- In a table without statistics the planner would take it for them. It would read all charges of the facility then.
create index charges_of_facility_by_time on slotbase.charges (facility_id, created_at)
  where waived_at is null and created_at is not null;

-- The end of a month of active users.
alter table slotbase.active_user_months
  add column closed_at    timestamptz,
  add column closed_users integer constraint closed_users_not_negative check (closed_users >= 0),
  add column closed_limit integer,
  add constraint closed_month_has_its_count check ((closed_at is null) = (closed_users is null));
comment on column slotbase.active_user_months.users is 'How many people were active. An event of the month that comes late still counts here.';
comment on column slotbase.active_user_months.closed_at is 'When active-user-reset closed the month. Null: it runs.';
comment on column slotbase.active_user_months.closed_users is 'The count when the month was closed; it stays.';
comment on column slotbase.active_user_months.closed_limit is 'What the plan allowed then. Null: nothing was limited, or the month runs.';

insert into slotbase.retention_rules (name, ends, says, why) values
  ('aging_progress',   'never', '', 'a row per facility'),
  ('bills',            'never', '', 'tax law: papers are kept for ten years, in some countries longer'),
  ('billed_bookings',  'never', '', 'tax law: says what a paper has of each booking'),
  ('bill_settlements', 'never', '', 'tax law: says which money paid a paper');
insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('payment_agings', 'after', '730 days', '400 days', 'after it was told', 'retention', 'day < $1::date',
   'keeps a debt from being told twice; by then no stage is looked for any more');

-- "slotbase grant-reader" runs these lines again, for a role that was made after the migrations.
do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.payment_agings, slotbase.aging_progress, slotbase.bills, slotbase.billed_bookings,
      slotbase.bill_settlements to slotbase_reader;
  end if;
end $$;
