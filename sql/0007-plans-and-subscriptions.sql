-- A facility's own subscription to SlotBase: plans, coupons, the subscription with its invoices, and the use of
-- entitlements. The statement that changes a counter's row checks its limit, so the last unit goes to one of two
-- callers. A returned use is only inserted beside the counter. The command that frees a slot holds locks that others
-- wait for, and must not wait for a counter itself. The program computes the periods, in the facility's zone.

create table slotbase.subscription_plans (
  id                 text     primary key,
  name               text     not null,
  rank               smallint not null constraint plans_stand_in_one_order unique,
  trial_days         smallint not null constraint trial_is_at_most_a_month check (trial_days between 0 and 28),
  bookings_per_month integer  constraint limit_of_bookings_is_positive check (bookings_per_month > 0),
  active_users       integer  constraint limit_of_users_is_positive check (active_users > 0),
  resources          integer  constraint limit_of_resources_is_positive check (resources > 0),
  coaches            integer  constraint limit_of_coaches_is_positive check (coaches > 0),
  is_offered         boolean  not null default true
);
comment on table  slotbase.subscription_plans is 'The plans to which facilities can subscribe. Written by migrations and operators; a limit that is null does not exist.';
comment on column slotbase.subscription_plans.rank is 'From the smallest to the largest: to move up is an upgrade.';
comment on column slotbase.subscription_plans.trial_days is 'Local days of a trial; 0: this plan has none.';
comment on column slotbase.subscription_plans.is_offered is 'False: its subscribers keep it, and nobody else can take it.';

create table slotbase.plan_prices (
  plan_id        text   not null references slotbase.subscription_plans (id),
  currency       text   not null constraint plan_currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
  monthly_amount bigint not null constraint monthly_price_not_negative check (monthly_amount >= 0),
  annual_amount  bigint not null constraint annual_price_not_negative check (annual_amount >= 0),
  primary key (plan_id, currency)
);
insert into slotbase.subscription_plans (id, name, rank, trial_days, bookings_per_month, active_users, resources, coaches) values
  ('starter', 'Starter', 1, 14,  200,  100,    3,    2),
  ('club',    'Club',    2, 14, 2000,  250,   12,   10),
  ('academy', 'Academy', 3, 14, null, 1000, null, null);
insert into slotbase.plan_prices (plan_id, currency, monthly_amount, annual_amount) values
  ('starter', 'EUR',  2900,  29000), ('starter', 'USD',  3200,  32000), ('starter', 'GBP',  2500,  25000), ('starter', 'CHF',  2900,  29000),
  ('club',    'EUR',  9900,  99000), ('club',    'USD', 10900, 109000), ('club',    'GBP',  8500,  85000), ('club',    'CHF',  9900,  99000),
  ('academy', 'EUR', 19900, 199000), ('academy', 'USD', 21900, 219000), ('academy', 'GBP', 17500, 175000), ('academy', 'CHF', 19900, 199000);
comment on table  slotbase.plan_prices is 'The price of a plan in each currency. A facility whose currency has none pays in EUR, which every plan has.';
comment on column slotbase.plan_prices.monthly_amount is 'Minor units of the currency for a month.';
comment on column slotbase.plan_prices.annual_amount is 'Minor units of the currency for a year.';

create table slotbase.coupons (
  id              uuid        primary key,
  code            text        not null constraint coupon_code_is_used_once unique constraint coupon_code_is_upper_case check (code = upper(code)),
  percent_off     smallint    constraint coupon_percent_is_a_share check (percent_off between 1 and 100),
  amount_off      bigint      constraint coupon_amount_is_positive check (amount_off > 0),
  currency        text        constraint coupon_currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
  periods         integer     constraint coupon_periods_are_positive check (periods > 0),
  valid_until     timestamptz,
  max_redemptions integer     constraint coupon_redemptions_are_positive check (max_redemptions > 0),
  redemptions     integer     not null default 0,
  created_by      uuid        not null references slotbase.users (id),
  created_at      timestamptz not null default slotbase.now(),
  constraint coupon_takes_off_a_percentage_or_an_amount check ((percent_off is null) <> (amount_off is null)),
  constraint coupon_amount_has_a_currency check ((amount_off is null) = (currency is null)),
  constraint coupon_redeemed_within_its_limit check (max_redemptions is null or redemptions <= max_redemptions)
);
comment on table  slotbase.coupons is 'Codes that make a subscription cheaper, made by the platform. They belong to no facility.';
comment on column slotbase.coupons.amount_off is 'Minor units of the currency off the price of a period, down to nothing.';
comment on column slotbase.coupons.periods is 'For how many paid periods it counts; null: for all of them.';
comment on column slotbase.coupons.valid_until is 'Until when it can be redeemed; what was redeemed before counts on.';

create table slotbase.subscriptions (
  id                   uuid        not null,
  facility_id          uuid        not null references slotbase.facilities (id),
  plan_id              text        not null references slotbase.subscription_plans (id),
  billing_cycle        text        not null constraint billing_cycle_is_known check (billing_cycle in ('monthly', 'annual')),
  status               text        not null constraint subscription_status_is_known check (status in ('trialing', 'active', 'past_due', 'cancelled')),
  currency             text        not null constraint subscription_currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
  anchor_day           date        not null,
  usage_anchor_day     date        not null,
  period_number        integer     not null constraint period_number_counts_from_zero check (period_number >= 0),
  current_period_start timestamptz not null,
  current_period_end   timestamptz not null,
  period_amount        bigint      not null constraint period_amount_not_negative check (period_amount >= 0),
  billed_periods       integer     not null constraint billed_periods_not_negative check (billed_periods >= 0),
  trial_end            timestamptz,
  coupon_id            uuid        references slotbase.coupons (id),
  credit_balance       bigint      not null default 0 constraint subscription_credit_not_negative check (credit_balance >= 0),
  cancel_at_period_end boolean     not null default false,
  cancelled_at         timestamptz,
  cancelled_by         uuid        references slotbase.users (id),
  cancel_reason        text,
  ended_at             timestamptz,
  created_by           uuid        not null references slotbase.users (id),
  created_at           timestamptz not null default slotbase.now(),
  updated_at           timestamptz not null default slotbase.now(),
  constraint subscription_period_ends_after_it_starts check (current_period_end > current_period_start),
  constraint trialing_has_a_trial check (status <> 'trialing' or trial_end is not null),
  constraint cancelled_subscription_has_ended check ((status = 'cancelled') = (ended_at is not null)),
  constraint cancellation_says_who_and_when check
    ((cancelled_at is null) = (cancelled_by is null) and (cancelled_at is not null or not cancel_at_period_end and ended_at is null))
);
create unique index facility_has_one_subscription on slotbase.subscriptions (facility_id) where status <> 'cancelled';
create index subscriptions_of_facility on slotbase.subscriptions (facility_id, created_at);
create index subscriptions_by_period_end on slotbase.subscriptions (current_period_end, id) where status <> 'cancelled';
alter table slotbase.subscriptions add primary key (id, facility_id);
comment on table  slotbase.subscriptions is 'A facility''s own subscription to SlotBase; at most one at a time is not cancelled.';
comment on column slotbase.subscriptions.anchor_day is 'The local day from which billing periods are counted. The nth period ends when this day plus n months (years) begins, or on the last day of a shorter month.';
comment on column slotbase.subscriptions.usage_anchor_day is 'The same for the months of bookings_per_month. It stays when the billing cycle changes, so that a change never empties a counter.';
comment on column slotbase.subscriptions.period_number is 'The present period, counted from the anchor; 0 is the trial before it.';
comment on column slotbase.subscriptions.period_amount is 'The price of the whole present period on the present plan after the coupon, minor units. A change gives back the rest of it.';
comment on column slotbase.subscriptions.billed_periods is 'How many periods have been billed, the present one included; by it a coupon ends.';
comment on column slotbase.subscriptions.credit_balance is 'Minor units that the next invoices cost less. It is not paid out.';
comment on column slotbase.subscriptions.cancelled_at is 'When it was cancelled; with cancel_at_period_end it runs on until ended_at.';

create table slotbase.subscription_invoices (
  id              uuid        not null,
  facility_id     uuid        not null,
  subscription_id uuid        not null,
  reason          text        not null constraint invoice_reason_is_known check (reason in ('start', 'renewal', 'plan_change')),
  plan_id         text        not null references slotbase.subscription_plans (id),
  period_start    timestamptz not null,
  period_end      timestamptz not null,
  subtotal        bigint      not null constraint invoice_subtotal_not_negative check (subtotal >= 0),
  discount        bigint      not null constraint invoice_discount_not_negative check (discount >= 0),
  credit          bigint      not null constraint invoice_credit_not_negative check (credit >= 0),
  amount          bigint      not null constraint invoice_amount_not_negative check (amount >= 0),
  paid_amount     bigint      not null default 0 constraint invoice_not_overpaid check (paid_amount between 0 and amount),
  currency        text        not null,
  status          text        not null default 'open' constraint invoice_status_is_known check (status in ('open', 'paid', 'failed')),
  due_at          timestamptz not null,
  tried_at        timestamptz,
  retry_count     integer     not null default 0 constraint invoice_retries_not_negative check (retry_count >= 0),
  next_retry_at   timestamptz,
  paid_at         timestamptz,
  created_at      timestamptz not null default slotbase.now(),
  primary key (id, facility_id),
  foreign key (subscription_id, facility_id) references slotbase.subscriptions (id, facility_id),
  constraint invoice_adds_up check (amount = subtotal - discount - credit),
  constraint paid_invoice_says_when check ((status = 'paid') = (paid_at is not null)),
  constraint paid_invoice_is_paid_whole check ((status = 'paid') = (paid_amount = amount)),
  constraint open_invoice_is_looked_at_again check ((status = 'open') = (next_retry_at is not null))
);
create index subscription_invoices_of_facility on slotbase.subscription_invoices (facility_id, id);
create index subscription_invoices_of_subscription on slotbase.subscription_invoices (subscription_id, facility_id);
create index subscription_invoices_open on slotbase.subscription_invoices (next_retry_at, id) where status = 'open';
comment on table  slotbase.subscription_invoices is 'The costs of a subscription: each period, and each change of plan that costs at once. All amounts are minor units.';
comment on column slotbase.subscription_invoices.discount is 'Taken off by the coupon.';
comment on column slotbase.subscription_invoices.credit is 'Taken from the subscription''s credit_balance.';
comment on column slotbase.subscription_invoices.amount is 'The amount to be paid.';
comment on column slotbase.subscription_invoices.paid_amount is 'The part of the amount that has been paid.';
comment on column slotbase.subscription_invoices.status is 'failed: given up, and the subscription with it.';
comment on column slotbase.subscription_invoices.tried_at is 'When its payment was asked for automatically; null: not yet.';
comment on column slotbase.subscription_invoices.retry_count is 'How often it was found unpaid after its grace.';
comment on column slotbase.subscription_invoices.next_retry_at is 'When it is checked again, while it is open.';

create table slotbase.coupon_redemptions (
  coupon_id       uuid        not null references slotbase.coupons (id),
  facility_id     uuid        not null,
  subscription_id uuid        not null,
  redeemed_at     timestamptz not null default slotbase.now(),
  primary key (coupon_id, facility_id),
  foreign key (subscription_id, facility_id) references slotbase.subscriptions (id, facility_id)
);
comment on table slotbase.coupon_redemptions is 'The facilities that have redeemed a coupon, each once.';

create table slotbase.entitlement_counters (
  facility_id     uuid        not null,
  entitlement     text        not null constraint entitlement_is_known check (entitlement in ('bookings_per_month', 'active_users', 'resources', 'coaches')),
  subscription_id uuid        not null,
  used            integer     not null constraint entitlement_use_not_negative check (used >= 0),
  allowed         integer     not null constraint entitlement_limit_is_positive check (allowed > 0),
  warned          smallint    not null default 0 constraint warning_level_is_known check (warned between 0 and 3),
  resets          boolean     not null,
  period_number   integer     not null,
  period_start    timestamptz not null,
  period_end      timestamptz not null,
  primary key (facility_id, entitlement),
  foreign key (subscription_id, facility_id) references slotbase.subscriptions (id, facility_id)
) with (fillfactor = 50);
comment on table  slotbase.entitlement_counters is 'How much of each limited entitlement is used. An entitlement without a limit has no row, and a facility without a subscription has none.';
comment on column slotbase.entitlement_counters.used is 'Before the returns in entitlement_returns are subtracted.';
comment on column slotbase.entitlement_counters.warned is 'The highest level of subscription.limit_warning in this period: 0 none, 1 approaching, 2 at the limit, 3 exceeded.';
comment on column slotbase.entitlement_counters.resets is 'Whether a new period begins at zero (bookings), or counts on what exists.';

create table slotbase.entitlement_returns (
  id            bigint   generated always as identity,
  facility_id   uuid     not null,
  entitlement   text     not null,
  period_number integer  not null,
  amount        integer  not null constraint return_is_positive check (amount > 0),
  primary key (id, facility_id)
);
create index entitlement_returns_of_counter on slotbase.entitlement_returns (facility_id, entitlement);
comment on table slotbase.entitlement_returns is 'Uses that were given back and are not yet taken off their counter. No foreign key: it would lock the counter''s row.';

create function slotbase.warning_level(used integer, allowed integer) returns smallint language sql immutable as $$
  select case when used > allowed then 3 when used = allowed then 2 when used::bigint * 100 >= allowed::bigint * 80 then 1 else 0 end::smallint
$$;
comment on function slotbase.warning_level(integer, integer) is 'How near a use is to its limit: 0 below 80 %, 1 approaching, 2 at the limit, 3 exceeded.';

create table slotbase.upgrade_prompts (
  id              uuid        not null,
  facility_id     uuid        not null,
  subscription_id uuid        not null,
  event_id        uuid        not null,
  entitlement     text        not null,
  level           text        not null constraint prompt_level_is_known check (level in ('approaching', 'at_limit', 'exceeded')),
  plan_id         text        not null references slotbase.subscription_plans (id),
  message         text        not null,
  created_at      timestamptz not null default slotbase.now(),
  dismissed_at    timestamptz,
  dismissed_by    uuid        references slotbase.users (id),
  primary key (id, facility_id),
  foreign key (subscription_id, facility_id) references slotbase.subscriptions (id, facility_id),
  constraint dismissed_prompt_names_who check ((dismissed_at is null) = (dismissed_by is null))
);
create unique index facility_is_prompted_once_per_entitlement on slotbase.upgrade_prompts (facility_id, entitlement) where dismissed_at is null;
create index upgrade_prompts_of_facility on slotbase.upgrade_prompts (facility_id, id);
comment on table  slotbase.upgrade_prompts is 'A prompt for the people that run a facility when a limit comes near. It is shown until they dismiss it or the plan changes.';
comment on column slotbase.upgrade_prompts.event_id is 'The subscription.limit_warning that it shows.';
comment on column slotbase.upgrade_prompts.plan_id is 'The plan that would help.';
