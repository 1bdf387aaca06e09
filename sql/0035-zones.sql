-- Each booking keeps the local time that people agreed on. A country may change its clocks after a booking was made.
-- Then the instant and the local time of the booking no longer fit together, and somebody decides which of them stays
-- ("slotbase zones"). Earlier bookings have no agreed time: the zone data of the runtime, which resolved them, says it.

alter table slotbase.bookings
  add column agreed_timezone text,
  add column agreed_start    timestamp,
  add column agreed_end      timestamp,
  add constraint agreed_time_is_whole check (num_nulls(agreed_timezone, agreed_start, agreed_end) in (0, 3));
comment on column slotbase.bookings.agreed_timezone is 'The zone of the agreed local time; null for bookings of earlier versions.';
comment on column slotbase.bookings.agreed_start is 'What the clock on the wall was to show at the start, by the zone data of that day.';
comment on column slotbase.bookings.agreed_end is 'What the clock on the wall was to show at the end.';

alter table slotbase.availability_cache add column zone_data text not null default '';
comment on column slotbase.availability_cache.zone_data is 'The edition of the zone data by which the day was built; a day of another edition is not used.';
