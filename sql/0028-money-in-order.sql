-- Tax: a rate per kind of good, and whether prices contain it. A charge keeps the rate and the tax that it was made
-- with, so a new rate changes nothing that stands.

alter table slotbase.facilities
  add column tax_mode  text  not null default 'inclusive' constraint tax_mode_is_known check (tax_mode in ('inclusive', 'exclusive')),
  add column tax_rates jsonb not null default '{}' constraint tax_rates_are_an_object check (jsonb_typeof(tax_rates) = 'object');
comment on column slotbase.facilities.tax_mode is 'inclusive: prices contain the tax; exclusive: the tax is added to them.';
comment on column slotbase.facilities.tax_rates is 'Kind of good (court, coaching, fee) → rate in hundredths of a percent; a kind without a rate is not taxed.';
