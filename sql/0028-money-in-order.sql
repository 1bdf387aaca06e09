-- Tax: a rate per kind of good, and whether prices contain it. A charge keeps the rate and the tax that it was made
-- with, so a new rate changes nothing that stands.

alter table slotbase.facilities
  add column tax_mode  text  not null default 'inclusive' constraint tax_mode_is_known check (tax_mode in ('inclusive', 'exclusive')),
  add column tax_rates jsonb not null default '{}' constraint tax_rates_are_an_object check (jsonb_typeof(tax_rates) = 'object');
comment on column slotbase.facilities.tax_mode is 'inclusive: prices contain the tax; exclusive: the tax is added to them.';
comment on column slotbase.facilities.tax_rates is 'Kind of good (court, coaching, fee) → rate in hundredths of a percent; a kind without a rate is not taxed.';

alter table slotbase.plan_prices
  add column tax_rate integer not null default 0 constraint plan_tax_rate_is_a_share check (tax_rate between 0 and 10000);
comment on column slotbase.plan_prices.tax_rate is 'Hundredths of a percent: the prices contain this tax. Written by operators.';

-- The tax in a gross amount, rounded half up to the minor unit, as ledger/tax.ts computes it.
create function slotbase.tax_in(gross bigint, rate integer) returns bigint language sql immutable as $$
  select (2 * gross * rate + 10000 + rate) / (2 * (10000 + rate))
$$;
comment on function slotbase.tax_in(bigint, integer) is 'The tax that a gross amount contains, minor units; the rate is in hundredths of a percent.';

alter table slotbase.charges
  add column tax_rate   integer not null default 0 constraint charge_tax_rate_is_a_share check (tax_rate between 0 and 10000),
  add column tax_amount bigint  not null generated always as (slotbase.tax_in(amount, tax_rate)) stored;
comment on column slotbase.charges.tax_rate is 'Hundredths of a percent, as it was when the charge was made.';
comment on column slotbase.charges.tax_amount is 'The tax that the amount contains, minor units.';
comment on column slotbase.charges.waived_at is 'When it was waived. A credit waives it too, and what the credit leaves open is charged anew.';

alter table slotbase.subscription_invoices
  add column tax_rate   integer not null default 0 constraint invoice_tax_rate_is_a_share check (tax_rate between 0 and 10000),
  add column tax_amount bigint  not null generated always as (slotbase.tax_in(amount, tax_rate)) stored;
comment on column slotbase.subscription_invoices.tax_rate is 'Hundredths of a percent, as it was when the invoice was made.';
comment on column slotbase.subscription_invoices.tax_amount is 'The tax that the amount contains, minor units.';

-- What is due for a price of the price list: a multiple of what can be moved, with the tax that is added to it.
create function slotbase.gross_of(asked bigint, rate integer, mode text, unit bigint) returns bigint language sql immutable as $$
  select a.net + case when mode = 'exclusive' then (2 * a.net * rate + 10000 * unit) / (20000 * unit) * unit else 0 end
  from (select (2 * asked + unit) / (2 * unit) * unit as net) a
$$;
comment on function slotbase.gross_of(bigint, integer, text, bigint) is 'What is due for a price: a multiple of the unit (minor units), with its tax where the tax is added.';
