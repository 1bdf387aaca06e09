-- The booking page: which sites may hold the page of a facility in a frame, and how often a hold got more time.

alter table slotbase.facilities
  add column embed_origins text[] not null default '{}'
    constraint embed_origins_are_few check (cardinality(embed_origins) <= 20);
comment on column slotbase.facilities.embed_origins is 'The origins, such as https://club.example, whose pages may hold the booking page in a frame.';

alter table slotbase.bookings
  add column hold_extensions smallint not null default 0
    constraint hold_extensions_are_few check (hold_extensions between 0 and 10);
comment on column slotbase.bookings.hold_extensions is 'How often its hold got more time.';
