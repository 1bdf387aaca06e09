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

-- The prices of a facility in another currency: courts, price rules, coaches' rates and the no-show fee, in one step. A
-- price never becomes free. Answers the largest of them.
create function slotbase.convert_prices(facility uuid, factor numeric, unit bigint) returns bigint language plpgsql as $$
declare
  largest bigint := 0;
  part    bigint;
begin
  with c as (
    update slotbase.resources
    set hourly_price = slotbase.converted(hourly_price, factor, unit), version = version + 1, updated_at = slotbase.now()
    where facility_id = facility and hourly_price > 0 returning hourly_price
  ) select max(hourly_price) into part from c;
  largest := greatest(largest, part);
  with c as (
    update slotbase.price_rules set hourly_price = slotbase.converted(hourly_price, factor, unit)
    where facility_id = facility and hourly_price > 0 returning hourly_price
  ) select max(hourly_price) into part from c;
  largest := greatest(largest, part);
  with c as (
    update slotbase.coach_profiles
    set hourly_rate = slotbase.converted(hourly_rate, factor, unit), updated_at = slotbase.now()
    where facility_id = facility and hourly_rate > 0 returning hourly_rate
  ) select max(hourly_rate) into part from c;
  largest := greatest(largest, part);
  with c as (
    update slotbase.booking_policies
    set no_show_fee = slotbase.converted(no_show_fee, factor, unit), version = version + 1, updated_at = slotbase.now()
    where facility_id = facility and no_show_fee > 0 returning no_show_fee
  ) select max(no_show_fee) into part from c;
  return greatest(largest, part);
end $$;
comment on function slotbase.convert_prices(uuid, numeric, bigint) is 'Converts all prices of a facility by a factor, each to a multiple of the unit (minor units); called with a change of its currency.';

create function slotbase.converted(price bigint, factor numeric, unit bigint) returns bigint language sql immutable as $$
  select greatest(unit, least(round(price * factor / unit), 2000000000000)::bigint * unit)
$$;
comment on function slotbase.converted(bigint, numeric, bigint) is 'A price above 0 in another currency; never 0. A price beyond 10^12 minor units is cut off, and refused by the caller.';
