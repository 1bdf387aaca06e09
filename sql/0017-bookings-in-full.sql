-- Bookings in full: what a facility allows and asks for, prices that depend on time and type, approval, moves, refunds, and
-- a ledger of those who did not come. A facility without a row in booking_policies sets no limits.

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
comment on column slotbase.booking_policies.check_in_grace_minutes is 'Who has not checked in so long after the start did not come; null: only staff say so.';
comment on column slotbase.booking_policies.no_shows_detected_since is 'When the grace was first set: what began before it is left alone.';
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

alter table slotbase.bookings
  add column cancellation_policy jsonb not null default '[]',
  add column approved_at    timestamptz,
  add column approved_by    uuid     references slotbase.users (id),
  add column rescheduled_at timestamptz,
  add column refund_percent smallint constraint refund_percent_of_a_hundred check (refund_percent between 0 and 100),
  add column refund_amount  bigint   constraint refund_not_negative check (refund_amount >= 0),
  add constraint approved_names_who check ((approved_at is null) = (approved_by is null));
comment on column slotbase.bookings.cancellation_policy is 'The facility''s cancellation policy as it was when the booking was made; it decides the refund.';
comment on column slotbase.bookings.approved_by is 'Who of the staff approved a booking that was pending; null: nobody had to.';
comment on column slotbase.bookings.rescheduled_at is 'When it was last moved to another time or resource; null: never.';
comment on column slotbase.bookings.refund_amount is 'Cancelled: what of the payments goes back, minor units of price_currency.';

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
comment on column slotbase.strike_ledger.restricted_until is 'Of +1: until when its member may not book, if this strike reached the threshold; void once it is waived or the sum falls below the threshold.';

-- Strikes that were counted from the bookings so far.
insert into slotbase.strike_ledger (id, facility_id, booking_id, user_id, points, fee_currency, reason, made_by, made_at)
select slotbase.new_id(), b.facility_id, b.id, b.booker_id, 1, b.price_currency, 'No-show',
       '00000000-0000-7000-8000-000000000002', coalesce(b.no_show_at, b.updated_at)
from slotbase.bookings b where b.status = 'no_show';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.booking_policies, slotbase.price_rules, slotbase.strike_ledger to slotbase_reader;
  end if;
end $$;
