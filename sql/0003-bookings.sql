-- Bookings, and the one rule that money depends on: two of them never occupy one resource at one time.
-- Occupancy is a row of its own under an exclusion constraint. It is inserted and deleted, never updated in place.

create table slotbase.bookings (
  id                   uuid        not null,
  facility_id          uuid        not null,
  resource_id          uuid        not null,
  status               text        not null constraint booking_status_is_known check (status in
                         ('held', 'pending', 'confirmed', 'checked_in', 'completed', 'cancelled', 'no_show', 'expired', 'released')),
  booking_type         text        not null default 'open_play' constraint booking_type_is_known check (booking_type in
                         ('open_play', 'lesson', 'league', 'tournament', 'private', 'coach_block', 'maintenance')),
  booker_id            uuid        not null references slotbase.users (id),
  start_at             timestamptz not null,
  end_at               timestamptz not null,
  price_amount         bigint      not null constraint booking_price_not_negative check (price_amount >= 0),
  price_currency       text        not null,
  payment_method       text        constraint payment_method_is_known check (payment_method in ('online', 'offline', 'waived')),
  hold_id              uuid,
  hold_expires_at      timestamptz,
  is_recurring         boolean     not null default false,
  recurring_booking_id uuid,
  confirmed_at         timestamptz,
  checked_in_at        timestamptz,
  completed_at         timestamptz,
  cancelled_at         timestamptz,
  cancelled_by         uuid        references slotbase.users (id),
  cancellation_reason  text,
  no_show_at           timestamptz,
  created_by           uuid        not null references slotbase.users (id),
  created_at           timestamptz not null default slotbase.now(),
  updated_at           timestamptz not null default slotbase.now(),
  primary key (id, facility_id),
  foreign key (resource_id, facility_id) references slotbase.resources (id, facility_id),
  constraint booking_ends_after_it_starts check (end_at > start_at),
  constraint hold_has_an_end check (status <> 'held' or (hold_id is not null and hold_expires_at is not null)),
  constraint cancelled_names_who_and_why check (status <> 'cancelled' or (cancelled_by is not null and cancellation_reason is not null))
);
create index bookings_of_facility_by_start on slotbase.bookings (facility_id, start_at, id);
create index bookings_of_booker on slotbase.bookings (booker_id, facility_id, start_at);
create index bookings_held_by_expiry on slotbase.bookings (hold_expires_at) where status = 'held';
create index bookings_of_resource on slotbase.bookings (resource_id, start_at);
comment on table  slotbase.bookings is 'A booking or a hold; a hold is a booking in the status "held". It keeps its id for life.';
comment on column slotbase.bookings.price_amount is 'Minor units of price_currency.';
comment on column slotbase.bookings.hold_expires_at is 'While held: the instant after which the hold is dead, whether or not a job has released it.';

create table slotbase.booking_participants (
  booking_id  uuid not null,
  facility_id uuid not null,
  user_id     uuid not null references slotbase.users (id),
  role        text not null,
  primary key (booking_id, facility_id, user_id),
  foreign key (booking_id, facility_id) references slotbase.bookings (id, facility_id) on delete cascade
);
comment on table slotbase.booking_participants is 'Who plays beside the booker, and in which role.';

create table slotbase.occupancies (
  booking_id  uuid      not null,
  facility_id uuid      not null,
  resource_id uuid      not null,
  during      tstzrange not null,
  primary key (booking_id, facility_id),
  foreign key (booking_id, facility_id) references slotbase.bookings (id, facility_id),
  constraint slot_taken_once exclude using gist (facility_id with =, resource_id with =, during with &&)
);
comment on table slotbase.occupancies is 'The time that a booking takes from a resource. A row exists exactly while the booking occupies; it is never updated in place.';

create table slotbase.daily_facility_figures (
  facility_id      uuid    not null references slotbase.facilities (id),
  day              date    not null,
  bookings         integer not null default 0,
  cancellations    integer not null default 0,
  check_ins        integer not null default 0,
  no_shows         integer not null default 0,
  completions      integer not null default 0,
  booked_minutes   bigint  not null default 0,
  booked_amount    bigint  not null default 0,
  payments_amount  bigint  not null default 0,
  refunds_amount   bigint  not null default 0,
  primary key (facility_id, day)
);
comment on table  slotbase.daily_facility_figures is 'What happened in a facility for each local day of play, kept by AnalyticsHandler.';
comment on column slotbase.daily_facility_figures.day is 'The local day on which the booked time starts (payments: on which they were made).';
comment on column slotbase.daily_facility_figures.booked_amount is 'Price of the confirmed bookings less that of the cancelled ones, minor units of the facility''s currency.';

create table slotbase.availability_cache (
  facility_id      uuid        not null,
  resource_id      uuid        not null,
  day              date        not null,
  touched_at       bigint      not null default 0,
  built_at         bigint      not null default -1,
  facility_version integer     not null default 0,
  resource_version integer     not null default 0,
  valid_until      timestamptz not null default 'infinity',
  slots            jsonb,
  primary key (facility_id, resource_id, day),
  foreign key (resource_id, facility_id) references slotbase.resources (id, facility_id) on delete cascade
);
comment on table  slotbase.availability_cache is 'The slots of a resource on a local day, ready to be answered. Used only when nothing newer is on its way.';
comment on column slotbase.availability_cache.touched_at is 'Position of the last event that changed this day, set by CacheInvalidationHandler.';
comment on column slotbase.availability_cache.built_at is 'Position up to which the slots are true; used only when it is not before touched_at.';
comment on column slotbase.availability_cache.valid_until is 'When the first hold inside dies, after which the day must be built again.';
