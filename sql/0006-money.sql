-- Money: billing accounts, payments with each attempt, refunds, charges beside prices, and the ledger. In the ledger no
-- money is made or lost. A payment is two transactions with the provider between them. Its row is written first, with
-- the key of the request to the provider. After a crash in between, SlotBase asks the provider again.

create table slotbase.billing_accounts (
  id            uuid        not null,
  facility_id   uuid        not null references slotbase.facilities (id),
  type          text        not null constraint billing_account_type_is_known check (type in ('individual', 'family', 'walk_in')),
  owner_id      uuid        references slotbase.users (id),
  name          text        not null,
  card_provider text        constraint card_provider_is_known check (card_provider in ('local', 'stripe')),
  sealed_card   bytea,
  card_label    text,
  created_at    timestamptz not null default slotbase.now(),
  updated_at    timestamptz not null default slotbase.now(),
  constraint only_walk_ins_have_no_owner check ((type = 'walk_in') = (owner_id is null)),
  constraint saved_card_is_whole check (num_nonnulls(card_provider, sealed_card, card_label) in (0, 3))
);
create unique index individual_account_once on slotbase.billing_accounts (owner_id, facility_id) where type = 'individual';
create unique index walk_in_account_once on slotbase.billing_accounts (facility_id) where type = 'walk_in';
create index billing_accounts_of_facility on slotbase.billing_accounts (facility_id, id);
alter table slotbase.billing_accounts add primary key (id, facility_id);
comment on table  slotbase.billing_accounts is 'A payer in a facility: a person (made on first need), a family, or all walk-ins together (one account).';
comment on column slotbase.billing_accounts.sealed_card is 'The provider''s reference to a saved card, encrypted (AES-256-GCM). Never a card number.';
comment on column slotbase.billing_accounts.card_label is 'A label by which people recognize the card, such as "visa ···· 4242".';

create table slotbase.billing_account_members (
  billing_account_id uuid        not null,
  facility_id        uuid        not null,
  user_id            uuid        not null references slotbase.users (id),
  joined_at          timestamptz not null default slotbase.now(),
  primary key (billing_account_id, facility_id, user_id),
  foreign key (billing_account_id, facility_id) references slotbase.billing_accounts (id, facility_id)
);
create unique index one_family_account_each on slotbase.billing_account_members (user_id, facility_id);
comment on table slotbase.billing_account_members is 'Whose bookings and fees go to a family account; its owner is one of them.';

create table slotbase.payments (
  id                  uuid        not null,
  facility_id         uuid        not null references slotbase.facilities (id),
  billing_account_id  uuid        not null,
  payer_id            uuid        not null references slotbase.users (id),
  debtor_id           uuid        not null references slotbase.users (id),
  requested_by        uuid        not null references slotbase.users (id),
  reference_type      text        not null constraint payment_reference_is_known check (reference_type in ('booking', 'subscription', 'invoice')),
  reference_id        uuid        not null,
  amount              bigint      not null constraint payment_is_of_something check (amount > 0),
  currency            text        not null,
  payment_method      text        not null constraint payment_method_is_a_card check (payment_method in ('card', 'saved_card')),
  provider            text        not null constraint payment_provider_is_known check (provider in ('local', 'stripe')),
  provider_payment_id text,
  sealed_card         bytea,
  status              text        not null constraint payment_status_is_known check (status in ('processing', 'succeeded', 'failed')),
  failure_code        text,
  failure_reason      text,
  automatic           boolean     not null default false,
  retry_count         integer     not null default 0 constraint retry_count_not_negative check (retry_count >= 0),
  next_retry_at       timestamptz,
  retried_at          timestamptz,
  refunded_amount     bigint      not null default 0,
  correlation_id      uuid        not null,
  causation_id        uuid,
  checks              integer     not null default 0,
  next_check_at       timestamptz not null,
  created_at          timestamptz not null default slotbase.now(),
  settled_at          timestamptz,
  foreign key (billing_account_id, facility_id) references slotbase.billing_accounts (id, facility_id),
  constraint not_refunded_beyond_what_was_paid check (refunded_amount between 0 and case when status = 'succeeded' then amount else 0 end),
  constraint failed_says_why check ((status = 'failed') = (failure_code is not null) and (failure_code is null) = (failure_reason is null)),
  constraint succeeded_is_known_to_the_provider check (status <> 'succeeded' or provider_payment_id is not null),
  constraint settled_has_its_instant check ((status = 'processing') = (settled_at is null)),
  constraint settled_forgets_the_card check (status = 'processing' or sealed_card is null),
  constraint only_automatic_payments_are_retried check (next_retry_at is null or (automatic and status = 'failed'))
);
create index payments_of_facility on slotbase.payments (facility_id, id);
create index payments_of_reference on slotbase.payments (reference_id, facility_id);
create index payments_of_payer on slotbase.payments (payer_id, facility_id, id);
create index payments_of_debtor on slotbase.payments (debtor_id, facility_id, id);
create unique index provider_knows_a_payment_once on slotbase.payments (provider, provider_payment_id);
create index payments_to_check on slotbase.payments (next_check_at) where status = 'processing';
create index payments_to_retry on slotbase.payments (next_retry_at) where next_retry_at is not null and retried_at is null;
alter table slotbase.payments add primary key (id, facility_id);
comment on table  slotbase.payments is 'An attempt to pay by card, which events call a transaction. It is "processing" from before the provider is asked until its answer is known.';
comment on column slotbase.payments.id is 'Also the key under which the provider is asked: asked twice, it takes the money once.';
comment on column slotbase.payments.payer_id is 'The user that pays; debtor_id is the user whose booking, fee or subscription it is for.';
comment on column slotbase.payments.amount is 'Minor units of currency.';
comment on column slotbase.payments.sealed_card is 'The token to ask the provider with again after a crash, encrypted; gone once the payment is settled.';
comment on column slotbase.payments.automatic is 'Nobody was there: a renewal, from the saved card.';
comment on column slotbase.payments.retry_count is 'How many attempts for the same thing failed before this one, since the last that succeeded.';
comment on column slotbase.payments.next_retry_at is 'When a failed automatic payment is tried again. The payer tries other payments again.';
comment on column slotbase.payments.refunded_amount is 'The part of it that was given back or is on its way back.';
comment on column slotbase.payments.next_check_at is 'While processing: when the provider is asked again what became of it.';

create table slotbase.offline_payments (
  id                 uuid        not null,
  facility_id        uuid        not null references slotbase.facilities (id),
  billing_account_id uuid        not null,
  amount             bigint      not null constraint offline_payment_is_of_something check (amount > 0),
  currency           text        not null,
  payment_method     text        not null constraint offline_method_is_known check (payment_method in ('cash', 'check', 'bank_transfer', 'venmo', 'zelle', 'other')),
  reference_number   text,
  payer_name         text        not null,
  payment_date       date        not null,
  booking_id         uuid,
  recorded_by        uuid        not null references slotbase.users (id),
  refunded_amount    bigint      not null default 0,
  created_at         timestamptz not null default slotbase.now(),
  foreign key (billing_account_id, facility_id) references slotbase.billing_accounts (id, facility_id),
  foreign key (booking_id, facility_id) references slotbase.bookings (id, facility_id),
  constraint offline_not_refunded_beyond_what_was_paid check (refunded_amount between 0 and amount)
);
create index offline_payments_of_facility on slotbase.offline_payments (facility_id, id);
create index offline_payments_of_booking on slotbase.offline_payments (booking_id, facility_id) where booking_id is not null;
alter table slotbase.offline_payments add primary key (id, facility_id);
comment on table  slotbase.offline_payments is 'Money that staff took outside of SlotBase: cash, a check, a transfer.';
comment on column slotbase.offline_payments.payment_date is 'Local day of the facility on which it was paid.';
comment on column slotbase.offline_payments.refunded_amount is 'The part of it that was handed back or is owed back.';

create table slotbase.refunds (
  id                 uuid        not null,
  facility_id        uuid        not null references slotbase.facilities (id),
  payment_id         uuid,
  offline_payment_id uuid,
  billing_account_id uuid        not null,
  reference_type     text        not null constraint refund_reference_is_known check (reference_type in ('booking', 'subscription', 'invoice')),
  reference_id       uuid        not null,
  amount             bigint      not null constraint refund_is_of_something check (amount > 0),
  currency           text        not null,
  reason             text        not null,
  refunded_by        uuid        not null references slotbase.users (id),
  source_id          uuid        not null,
  status             text        not null constraint refund_status_is_known check (status in ('processing', 'owed', 'succeeded', 'failed')),
  provider_refund_id text,
  failure_code       text,
  failure_reason     text,
  correlation_id     uuid        not null,
  causation_id       uuid,
  sent_at            timestamptz,
  checks             integer     not null default 0,
  next_check_at      timestamptz not null default slotbase.now(),
  created_at         timestamptz not null default slotbase.now(),
  settled_at         timestamptz,
  primary key (id, facility_id),
  foreign key (payment_id, facility_id) references slotbase.payments (id, facility_id),
  foreign key (offline_payment_id, facility_id) references slotbase.offline_payments (id, facility_id),
  constraint refund_is_of_one_payment check (num_nonnulls(payment_id, offline_payment_id) = 1),
  constraint only_offline_payments_are_owed_back check (case when payment_id is null then status in ('owed', 'succeeded') else status <> 'owed' end),
  constraint failed_refund_says_why check ((status = 'failed') = (failure_code is not null) and (failure_code is null) = (failure_reason is null)),
  constraint settled_refund_has_its_instant check ((status in ('succeeded', 'failed')) = (settled_at is not null))
);
create unique index refunded_once_per_occasion on slotbase.refunds (source_id, coalesce(payment_id, offline_payment_id)) where status <> 'failed';
create unique index provider_knows_a_refund_once on slotbase.refunds (provider_refund_id) where provider_refund_id is not null;
create index refunds_of_facility on slotbase.refunds (facility_id, id);
create index refunds_of_payment on slotbase.refunds (payment_id, facility_id) where payment_id is not null;
create index refunds_of_reference on slotbase.refunds (reference_id, facility_id);
create index refunds_to_check on slotbase.refunds (next_check_at) where status = 'processing';
comment on table  slotbase.refunds is 'Money given back, of one payment each. "owed": an offline payment, which somebody at the desk must hand back.';
comment on column slotbase.refunds.id is 'Also the key under which the provider is asked: asked twice, it gives back once.';
comment on column slotbase.refunds.source_id is 'The reason of the refund: an event, or the request of staff. Each payment is given back once for it.';
comment on column slotbase.refunds.sent_at is 'When the provider was first asked; null: not yet.';

create table slotbase.charges (
  id                 uuid        not null,
  facility_id        uuid        not null references slotbase.facilities (id),
  billing_account_id uuid        not null,
  user_id            uuid        not null references slotbase.users (id),
  reason             text        not null constraint charge_reason_is_known check (reason in ('no_show_fee', 'subscription', 'invoice')),
  reference_type     text        not null constraint charge_reference_is_known check (reference_type in ('booking', 'subscription', 'invoice')),
  reference_id       uuid        not null,
  key                text        not null default '',
  amount             bigint      not null constraint charge_is_of_something check (amount > 0),
  currency           text        not null,
  created_at         timestamptz not null default slotbase.now(),
  waived_at          timestamptz,
  primary key (id, facility_id),
  foreign key (billing_account_id, facility_id) references slotbase.billing_accounts (id, facility_id)
);
create unique index charged_once on slotbase.charges (reference_id, facility_id, reason, key) where waived_at is null;
create index charges_of_account on slotbase.charges (billing_account_id, facility_id);
comment on table  slotbase.charges is 'A debt beside the price of a booking: a no-show fee, a period of a subscription, an invoice.';
comment on column slotbase.charges.key is 'Tells charges of one reason apart, such as the periods of a subscription.';

create table slotbase.payment_ledger (
  source_id          uuid        not null,
  facility_id        uuid        not null references slotbase.facilities (id),
  kind               text        not null constraint ledger_kind_is_known check (kind in
                       ('payment', 'offline_payment', 'refund', 'refund_returned', 'refund_owed', 'refund_handed_back', 'charge', 'charge_waived')),
  account            text        not null constraint ledger_account_is_known check (account in
                       ('provider', 'till', 'receivable', 'owed_refunds', 'sales', 'fees', 'subscriptions', 'invoices')),
  amount             bigint      not null constraint ledger_entry_moves_something check (amount <> 0),
  currency           text        not null,
  billing_account_id uuid        not null,
  reference_type     text,
  reference_id       uuid,
  recorded_at        timestamptz not null default slotbase.now(),
  primary key (source_id, facility_id, kind, account)
);
create index payment_ledger_of_facility on slotbase.payment_ledger (facility_id, recorded_at);
create index payment_ledger_of_reference on slotbase.payment_ledger (reference_id, facility_id) where account = 'receivable';
create index payment_ledger_of_account on slotbase.payment_ledger (billing_account_id, facility_id) where account = 'receivable';
comment on table  slotbase.payment_ledger is 'Double entry: what happened once (source and kind) moves an amount between accounts, and its entries sum to zero. Entries are never changed.';
comment on column slotbase.payment_ledger.source_id is 'The payment, offline payment, refund or charge that it is of.';
comment on column slotbase.payment_ledger.account is 'provider and till: money that is there. receivable: debts of customers. owed_refunds: debts to customers. sales, fees, subscriptions (by the platform), invoices: earnings.';
comment on column slotbase.payment_ledger.amount is 'Minor units of currency. Plus: money there or owed to the facility; minus: earned, or owed by it.';

-- All entries of a transaction come in one statement. Entries that came in several statements could never balance.
create function slotbase.balance_ledger() returns trigger language plpgsql as $$
begin
  if exists (select from added group by source_id, facility_id, kind, currency having sum(amount) <> 0) then
    raise exception 'the entries of a ledger transaction do not sum to zero'
      using errcode = 'check_violation', constraint = 'ledger_transaction_sums_to_zero', table = 'payment_ledger', schema = 'slotbase';
  end if;
  return null;
end $$;
comment on function slotbase.balance_ledger() is 'Refuses ledger entries that do not sum to zero.';
create trigger ledger_transaction_sums_to_zero after insert on slotbase.payment_ledger
  referencing new table as added for each statement execute function slotbase.balance_ledger();

create function slotbase.keep_ledger() returns trigger language plpgsql as $$
begin
  raise exception 'slotbase.payment_ledger is never changed: what was wrong is set right by entries of its own'
    using errcode = 'restrict_violation';
end $$;
comment on function slotbase.keep_ledger() is 'Refuses to change or remove entries of the ledger.';
create trigger ledger_is_never_changed before update or delete or truncate on slotbase.payment_ledger
  for each statement execute function slotbase.keep_ledger();

create table slotbase.stripe_inbox (
  event_id    text        primary key,
  type        text        not null,
  object_id   text,
  outcome     text        not null default 'received',
  received_at timestamptz not null default slotbase.now()
);
create index stripe_inbox_by_age on slotbase.stripe_inbox (received_at);
comment on table  slotbase.stripe_inbox is 'The events that Stripe has sent in the last 90 days, each once: what comes again changes nothing.';
comment on column slotbase.stripe_inbox.outcome is 'settled, known already, or the reason why it was not ours.';

-- The default provider takes the part of an outside system. Only its adapter writes the next two tables, and never in a
-- transaction of the domain.
create table slotbase.local_provider_payments (
  key         uuid        primary key,
  facility_id uuid        not null,
  amount      bigint      not null,
  currency    text        not null,
  status      text        not null constraint local_payment_status_is_known check (status in ('processing', 'succeeded', 'failed')),
  code        text,
  confirms_at timestamptz,
  created_at  timestamptz not null default slotbase.now(),
  constraint local_payment_confirms_later check ((status = 'processing') = (confirms_at is not null)),
  constraint local_payment_fails_with_a_code check ((status = 'failed') = (code is not null))
);
create index local_payments_to_confirm on slotbase.local_provider_payments (confirms_at) where status = 'processing';
comment on table slotbase.local_provider_payments is 'The books of the built-in payment provider, which moves no real money: what it was asked under which key, and what it answers.';

create table slotbase.local_provider_refunds (
  key         uuid        primary key,
  payment_key uuid        not null references slotbase.local_provider_payments (key),
  amount      bigint      not null,
  created_at  timestamptz not null default slotbase.now()
);
create index local_refunds_of_payment on slotbase.local_provider_refunds (payment_key);
comment on table slotbase.local_provider_refunds is 'The refunds of the built-in payment provider.';

create view slotbase.money_ledger as
select l.recorded_at, f.name as facility, l.kind, l.account, l.amount, l.currency, a.name as billing_account,
       l.reference_type, l.reference_id, l.source_id, l.billing_account_id, l.facility_id
from slotbase.payment_ledger l
join slotbase.facilities f on f.id = l.facility_id
join slotbase.billing_accounts a on a.id = l.billing_account_id and a.facility_id = l.facility_id;
comment on view slotbase.money_ledger is 'The ledger, readable: order by recorded_at. The entries of one source and kind sum to zero.';

-- "expected" is computed from payments, refunds and charges, never from the ledger.
create view slotbase.money_balances as
with entries as (
  select facility_id, currency, account, sum(amount)::bigint as balance from slotbase.payment_ledger group by 1, 2, 3
  union all
  select facility_id, currency, 'all', sum(amount)::bigint from slotbase.payment_ledger group by 1, 2
), happened as (
  select facility_id, currency, 'provider' as account, amount from slotbase.payments where status = 'succeeded'
  union all
  select facility_id, currency, 'provider', -amount from slotbase.refunds where status = 'succeeded' and payment_id is not null
  union all
  select facility_id, currency, 'till', amount from slotbase.offline_payments
  union all
  select facility_id, currency, 'till', -amount from slotbase.refunds where status = 'succeeded' and payment_id is null
  union all
  select facility_id, currency, 'owed_refunds', -amount from slotbase.refunds where status = 'owed'
  union all
  select facility_id, currency,
         case reason when 'no_show_fee' then 'fees' when 'subscription' then 'subscriptions' else 'invoices' end,
         case when waived_at is null then -amount else 0 end
  from slotbase.charges
), expected as (
  select facility_id, currency, account, sum(amount)::bigint as amount from happened group by 1, 2, 3
)
select f.name as facility, b.account, b.balance, b.expected,
       case when b.account in ('receivable', 'sales') then true else b.balance = b.expected end as conserved, b.currency, b.facility_id
from (
  select facility_id, currency, account, coalesce(e.balance, 0) as balance,
         case when account not in ('receivable', 'sales') then coalesce(x.amount, 0) end as expected
  from entries e
  full join expected x using (facility_id, currency, account)
) b
join slotbase.facilities f on f.id = b.facility_id;
comment on view slotbase.money_balances is 'The balance of each account of a facility. Money is conserved where balance = expected, which is computed from payments, refunds and charges alone. The account "all" is the sum of all and must be 0.';
comment on column slotbase.money_balances.expected is 'Null for receivable and sales, which divide the rest between them.';
