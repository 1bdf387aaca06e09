-- A booking made by staff may have a discount: lines of its price with a negative amount, which keep their percentage.
-- So the amounts of the lines still sum to the price.

create or replace view slotbase.booking_price_lines as
select b.id as booking_id, b.facility_id, l.line, l.kind, l.label, l.amount, b.price_currency as currency, l.minutes,
       l.hourly_price, l.tax_rate, l.tax_amount, l.tax_included, l.percent
from slotbase.bookings b
cross join lateral (
  select x.line, x.value ->> 'kind' as kind, x.value ->> 'label' as label, (x.value ->> 'amount')::bigint as amount,
         (x.value ->> 'minutes')::integer as minutes, (x.value ->> 'hourlyPrice')::bigint as hourly_price,
         coalesce((x.value ->> 'taxRate')::integer, 0) as tax_rate, coalesce((x.value ->> 'taxAmount')::bigint, 0) as tax_amount,
         coalesce((x.value ->> 'taxIncluded')::boolean, true) as tax_included, (x.value ->> 'percent')::integer as percent
  from jsonb_array_elements(b.price_lines) with ordinality as x (value, line)
  union all
  select 1, 'court', 'Price', b.price_amount, extract(epoch from b.end_at - b.start_at)::integer / 60, null, 0, 0, true, null
  where b.price_lines is null
) l;
comment on view   slotbase.booking_price_lines is 'The lines of each booking''s price: the court''s time, the coach''s time, an agreed amount, a discount. Their amounts sum to price_amount.';
comment on column slotbase.booking_price_lines.amount is 'Minor units of currency, with the tax; negative for a discount.';
comment on column slotbase.booking_price_lines.hourly_price is 'Minor units for 60 minutes; null: the amount was agreed as a whole, or is a discount.';
comment on column slotbase.booking_price_lines.tax_amount is 'The tax in the amount, minor units; negative for a discount.';
comment on column slotbase.booking_price_lines.percent is 'Of a discount: its share of the other lines.';
