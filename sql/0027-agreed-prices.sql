-- A booking keeps the lines of its price as they were composed or agreed. A later change adds or returns the difference
-- of the lines that changed, and computes no other line anew. A booking also keeps what was forfeited: money that a
-- decision left with the club. Forfeited money is settled, and no later refund counts it again.

-- In PL/pgSQL: PostgreSQL tries to inline a function in SQL at each write of a booking, because it prepares the check
-- anew each time. That costs more than the rest of the write.
create function slotbase.sum_of_lines(lines jsonb) returns bigint language plpgsql immutable strict parallel safe as $$
begin
  return (select coalesce(sum((l ->> 'amount')::bigint), 0)::bigint from jsonb_array_elements(lines) l);
end $$;
comment on function slotbase.sum_of_lines(jsonb) is 'The sum of the amounts of price lines, minor units.';

alter table slotbase.bookings
  add column price_lines      jsonb,
  add column forfeited_amount bigint not null default 0 constraint forfeited_not_negative check (forfeited_amount >= 0),
  add constraint price_is_the_sum_of_its_lines check (price_lines is null or price_amount = slotbase.sum_of_lines(price_lines));
comment on column slotbase.bookings.price_lines is 'What price_amount consists of; the view booking_price_lines lists it. Null: made before lines were kept, its price is one line.';
comment on column slotbase.bookings.forfeited_amount is 'Minor units of its payments that stay with the facility after a move to a lower price or a cancellation.';

-- The parts of a lesson that stands are not known. Its whole price was agreed.
update slotbase.bookings b
set price_lines = jsonb_build_array(jsonb_build_object('kind', 'agreed', 'label', 'Agreed price', 'amount', b.price_amount,
      'minutes', m.minutes, 'agreedAmount', b.price_amount, 'agreedMinutes', m.minutes))
from slotbase.coach_sessions s
cross join lateral (select extract(epoch from b2.end_at - b2.start_at)::integer / 60 as minutes
                    from slotbase.bookings b2 where b2.id = s.booking_id and b2.facility_id = s.facility_id) m
where b.id = s.booking_id and b.facility_id = s.facility_id and s.block_id is null;

create view slotbase.booking_price_lines as
select b.id as booking_id, b.facility_id, l.line, l.kind, l.label, l.amount, b.price_currency as currency, l.minutes,
       l.hourly_price, l.tax_rate, l.tax_amount, l.tax_included
from slotbase.bookings b
cross join lateral (
  select x.line, x.value ->> 'kind' as kind, x.value ->> 'label' as label, (x.value ->> 'amount')::bigint as amount,
         (x.value ->> 'minutes')::integer as minutes, (x.value ->> 'hourlyPrice')::bigint as hourly_price,
         coalesce((x.value ->> 'taxRate')::integer, 0) as tax_rate, coalesce((x.value ->> 'taxAmount')::bigint, 0) as tax_amount,
         coalesce((x.value ->> 'taxIncluded')::boolean, true) as tax_included
  from jsonb_array_elements(b.price_lines) with ordinality as x (value, line)
  union all
  select 1, 'court', 'Price', b.price_amount, extract(epoch from b.end_at - b.start_at)::integer / 60, null, 0, 0, true
  where b.price_lines is null
) l;
comment on view   slotbase.booking_price_lines is 'The lines of each booking''s price: the court''s time, the coach''s time, an agreed amount. Their amounts sum to price_amount.';
comment on column slotbase.booking_price_lines.amount is 'Minor units of currency, with the tax.';
comment on column slotbase.booking_price_lines.hourly_price is 'Minor units for 60 minutes; null: the amount was agreed as a whole.';
comment on column slotbase.booking_price_lines.tax_rate is 'Hundredths of a percent.';
comment on column slotbase.booking_price_lines.tax_amount is 'The tax in the amount, minor units.';
comment on column slotbase.booking_price_lines.tax_included is 'Whether the asked price contained the tax.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.booking_price_lines to slotbase_reader;
  end if;
end $$;
