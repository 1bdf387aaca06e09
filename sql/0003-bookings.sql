-- Bookings: the rules of a facility, prices, series, the bookings themselves, strikes, and the cached days of
-- availability. Money depends on one rule: two bookings never occupy one resource at one time. Occupancy is a row of
-- its own under an exclusion constraint; the row is inserted and deleted, never updated in place.
-- A facility without a row in booking_policies sets no limits.

create table slotbase.booking_policies (
  facility_id             uuid        primary key references slotbase.facilities (id),
  lead_time_minutes       integer     not null default 0  constraint lead_time_not_negative check (lead_time_minutes >= 0),
  advance_days            integer     constraint advance_not_negative check (advance_days >= 0),
  approval_booking_types  text[]      not null default '{}',
  approval_resource_ids   uuid[]      not null default '{}',
  check_in_grace_minutes  integer     constraint grace_in_a_day check (check_in_grace_minutes between 0 and 1440),
  no_shows_detected_since timestamptz,
  no_show_fee             bigint      not null default 0  constraint no_show_fee_not_negative check (no_show_fee >= 0),
  strike_threshold        integer     constraint strike_threshold_is_positive check (strike_threshold > 0),
  restriction_days        integer     constraint restriction_is_positive check (restriction_days > 0),
  reschedule_hours_before integer     not null default 0  constraint reschedule_hours_not_negative check (reschedule_hours_before >= 0),
  cancellation_policy     jsonb       not null default '[]',
  version                 integer     not null default 1,
  updated_at              timestamptz not null default slotbase.now(),
  constraint restriction_has_threshold_and_days check ((strike_threshold is null) = (restriction_days is null)),
  constraint detection_says_since_when check ((check_in_grace_minutes is null) = (no_shows_detected_since is null))
);
comment on table  slotbase.booking_policies is 'The booking rules of a facility. No row: no limits. Staff and API keys are bound by the opening hours alone.';
comment on column slotbase.booking_policies.lead_time_minutes is 'Members book at least this long before the start.';
comment on column slotbase.booking_policies.advance_days is 'Members book at most so many local days ahead; null: any.';
comment on column slotbase.booking_policies.approval_booking_types is 'Bookings of these types by members wait for staff; so do those of approval_resource_ids.';
comment on column slotbase.booking_policies.check_in_grace_minutes is 'A booking without a check-in so long after its start is a no-show; null: only staff say so.';
comment on column slotbase.booking_policies.no_shows_detected_since is 'When the grace was first set: bookings that began before it are left alone.';
comment on column slotbase.booking_policies.strike_threshold is 'From so many strikes on, a no-show keeps its member from booking for restriction_days; null: never.';
comment on column slotbase.booking_policies.reschedule_hours_before is 'Members move a booking until so many hours before its start.';
comment on column slotbase.booking_policies.cancellation_policy is 'List of {hoursBefore, refundPercent}; empty: everything is refunded. Copied to each booking when it is made.';
comment on column slotbase.booking_policies.version is 'Counts changes of these rules and of price_rules; a cached day of another version is not used.';

create table slotbase.price_rules (
  id           uuid        not null,
  facility_id  uuid        not null references slotbase.facilities (id),
  name         text        not null,
  resource_id  uuid,
  booking_type text        constraint priced_type_is_known check (booking_type in
                 ('open_play', 'lesson', 'league', 'tournament', 'private', 'coach_block', 'maintenance')),
  weekdays     text[]      constraint priced_weekdays_are_known check (cardinality(weekdays) > 0 and weekdays <@
                 array['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']),
  from_time    text,
  to_time      text,
  hourly_price bigint      not null constraint ruled_price_not_negative check (hourly_price >= 0),
  created_by   uuid        not null references slotbase.users (id),
  created_at   timestamptz not null default slotbase.now(),
  primary key (id, facility_id),
  foreign key (resource_id, facility_id) references slotbase.resources (id, facility_id),
  constraint price_window_has_both_ends check (num_nulls(from_time, to_time) in (0, 2) and from_time < to_time)
);
create index price_rules_of_facility on slotbase.price_rules (facility_id, id);
comment on table  slotbase.price_rules is 'Prices that differ from the resource''s own. The most specific rule wins: resource, then booking type, then hours, then weekdays; of equals the newest.';
comment on column slotbase.price_rules.from_time is 'Local time of the facility, HH:MM; to_time may be 24:00. Null: the whole day.';
comment on column slotbase.price_rules.hourly_price is 'Minor units of the facility''s currency for 60 minutes.';

-- A series is a rule in local time; its occurrences are real bookings, made ahead for a rolling window.
create table slotbase.recurring_bookings (
  id                  uuid        not null,
  facility_id         uuid        not null references slotbase.facilities (id),
  resource_id         uuid        not null,
  booking_type        text        not null,
  booker_id           uuid        not null references slotbase.users (id),
  participants        jsonb       not null default '[]',
  payment_method      text        not null constraint recurring_payment_is_known check (payment_method in ('online', 'offline', 'waived')),
  rule                text        not null,
  start_date          date        not null,
  start_time          text        not null constraint start_time_is_hours_and_minutes check (start_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  duration_minutes    integer     not null constraint recurring_duration_is_positive check (duration_minutes > 0),
  window_days         integer     not null default 56 constraint window_days_in_a_year check (window_days between 1 and 365),
  considered_until    date        not null,
  extend_at           timestamptz,
  status              text        not null default 'active' constraint recurring_status_is_known check (status in ('active', 'ended', 'cancelled')),
  created_by          uuid        not null references slotbase.users (id),
  created_at          timestamptz not null default slotbase.now(),
  updated_at          timestamptz not null default slotbase.now(),
  cancelled_at        timestamptz,
  cancelled_by        uuid        references slotbase.users (id),
  cancellation_reason text,
  foreign key (resource_id, facility_id) references slotbase.resources (id, facility_id),
  constraint active_series_is_extended check ((status = 'active') = (extend_at is not null)),
  constraint cancelled_series_names_who_and_why check
    ((status = 'cancelled') = (cancelled_at is not null) and num_nulls(cancelled_at, cancelled_by, cancellation_reason) in (0, 3))
);
create index recurring_due on slotbase.recurring_bookings (extend_at) where extend_at is not null;
create index recurring_of_facility on slotbase.recurring_bookings (facility_id, id);
create index recurring_of_booker on slotbase.recurring_bookings (booker_id, facility_id, id);
alter table slotbase.recurring_bookings add primary key (id, facility_id);
comment on table  slotbase.recurring_bookings is 'A series: a rule in local time, and the fields with which its bookings are made from now on.';
comment on column slotbase.recurring_bookings.rule is 'RFC 5545 RRULE, the subset FREQ, INTERVAL, BYDAY, BYMONTHDAY, WKST, COUNT, UNTIL.';
comment on column slotbase.recurring_bookings.start_time is 'Wall clock of the facility''s zone, HH:MM; each day''s instant is resolved by the program (Temporal, compatible).';
comment on column slotbase.recurring_bookings.window_days is 'Bookings are made so many local days ahead; of a series that starts later, from its start.';
comment on column slotbase.recurring_bookings.considered_until is 'Local day up to which every occurrence has been booked or skipped.';
comment on column slotbase.recurring_bookings.extend_at is 'When the window has moved on and the job recurring-extension continues the series; null: never.';
comment on column slotbase.recurring_bookings.status is 'ended: the rule has no more occurrences, or those to come were cancelled. cancelled: all of it was.';

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
  cancellation_policy  jsonb       not null default '[]',
  approved_at          timestamptz,
  approved_by          uuid        references slotbase.users (id),
  rescheduled_at       timestamptz,
  refund_percent       smallint    constraint refund_percent_of_a_hundred check (refund_percent between 0 and 100),
  refund_amount        bigint      constraint refund_not_negative check (refund_amount >= 0),
  foreign key (resource_id, facility_id) references slotbase.resources (id, facility_id),
  constraint recurring_booking_exists
    foreign key (recurring_booking_id, facility_id) references slotbase.recurring_bookings (id, facility_id),
  constraint recurring_names_its_series check (is_recurring = (recurring_booking_id is not null)),
  constraint approved_names_who check ((approved_at is null) = (approved_by is null)),
  constraint booking_ends_after_it_starts check (end_at > start_at),
  constraint hold_has_an_end check (status <> 'held' or (hold_id is not null and hold_expires_at is not null)),
  constraint cancelled_names_who_and_why check (status <> 'cancelled' or (cancelled_by is not null and cancellation_reason is not null))
);
create index bookings_of_facility_by_start on slotbase.bookings (facility_id, start_at, id);
create index bookings_of_booker on slotbase.bookings (booker_id, facility_id, start_at);
create index bookings_held_by_expiry on slotbase.bookings (hold_expires_at) where status = 'held';
create index bookings_of_resource on slotbase.bookings (resource_id, start_at);
create index bookings_of_series on slotbase.bookings (recurring_booking_id, facility_id, start_at) where recurring_booking_id is not null;
alter table slotbase.bookings add primary key (id, facility_id);
comment on table  slotbase.bookings is 'A booking or a hold; a hold is a booking in the status "held". It keeps its id for life.';
comment on column slotbase.bookings.price_amount is 'Minor units of price_currency.';
comment on column slotbase.bookings.hold_expires_at is 'While held: the instant after which the hold has expired, whether or not a job has released it.';
comment on column slotbase.bookings.recurring_booking_id is 'The series of which it is an occurrence.';
comment on column slotbase.bookings.cancellation_policy is 'The facility''s cancellation policy as it was when the booking was made; it decides the refund.';
comment on column slotbase.bookings.approved_by is 'The member of staff that approved a booking that was pending; null: nobody had to.';
comment on column slotbase.bookings.rescheduled_at is 'When it was last moved to another time or resource; null: never.';
comment on column slotbase.bookings.refund_amount is 'Of a cancelled booking: the part of the payments that is refunded, minor units of price_currency.';

create table slotbase.recurring_occurrences (
  recurring_booking_id uuid not null,
  facility_id          uuid not null,
  occurs_on            date not null,
  booking_id           uuid,
  skipped_code         text,
  skipped_reason       text,
  primary key (recurring_booking_id, facility_id, occurs_on),
  foreign key (recurring_booking_id, facility_id) references slotbase.recurring_bookings (id, facility_id),
  foreign key (booking_id, facility_id) references slotbase.bookings (id, facility_id),
  constraint occurrence_is_booked_or_skipped check
    ((booking_id is null) = (skipped_code is not null) and (skipped_code is null) = (skipped_reason is null))
);
create unique index booking_is_one_occurrence on slotbase.recurring_occurrences (booking_id, facility_id) where booking_id is not null;
comment on table  slotbase.recurring_occurrences is 'Each day of a series that has been considered: its booking, or why there is none. A day is considered once.';
comment on column slotbase.recurring_occurrences.occurs_on is 'The local day that the rule names. Its booking may have been moved to another since.';
comment on column slotbase.recurring_occurrences.skipped_code is 'Code of the refusal, such as slot_taken or facility_closed.';

create table slotbase.booking_participants (
  booking_id  uuid not null,
  facility_id uuid not null,
  user_id     uuid not null references slotbase.users (id),
  role        text not null,
  primary key (booking_id, facility_id, user_id),
  foreign key (booking_id, facility_id) references slotbase.bookings (id, facility_id) on delete cascade
);
comment on table slotbase.booking_participants is 'The people that play beside the booker, each with a role.';

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

create table slotbase.strike_ledger (
  id               uuid        not null,
  facility_id      uuid        not null,
  booking_id       uuid        not null,
  user_id          uuid        not null references slotbase.users (id),
  points           smallint    not null constraint strike_is_given_or_waived check (points in (1, -1)),
  fee_amount       bigint      not null default 0 constraint strike_fee_not_negative check (fee_amount >= 0),
  fee_currency     text        not null,
  restricted_until timestamptz,
  reason           text        not null,
  made_by          uuid        not null references slotbase.users (id),
  made_at          timestamptz not null default slotbase.now(),
  primary key (id, facility_id),
  foreign key (booking_id, facility_id) references slotbase.bookings (id, facility_id),
  constraint strike_given_and_waived_once unique (booking_id, facility_id, points)
);
create index strikes_of_user on slotbase.strike_ledger (user_id, facility_id, id);
create index strikes_of_facility on slotbase.strike_ledger (facility_id, id);
comment on table  slotbase.strike_ledger is 'Strikes for not showing up: +1 for each no-show, −1 when staff waive it. Rows are only ever added; their sum is what counts.';
comment on column slotbase.strike_ledger.fee_amount is 'Of +1: the fee that was charged; of −1: the fee that was taken off again. Minor units.';
comment on column slotbase.strike_ledger.restricted_until is 'Of +1: until when its member may not book, if this strike reached the threshold. Void once it is waived or the sum falls below the threshold.';

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
comment on column slotbase.availability_cache.valid_until is 'When the first hold inside expires; after it the day must be built again.';
