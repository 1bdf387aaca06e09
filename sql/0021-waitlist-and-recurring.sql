-- Waiting for a slot, and booking it again and again. Who waits is offered what becomes free as a hold, one after the other in
-- the order of joining. A series is a rule in local time; its occurrences are real bookings, made ahead for a rolling window.

create table slotbase.waitlist_entries (
  id               uuid        not null,
  facility_id      uuid        not null references slotbase.facilities (id),
  seq              bigint      generated always as identity,
  booker_id        uuid        not null references slotbase.users (id),
  resource_id      uuid,
  resource_type    text,
  start_at         timestamptz not null,
  end_at           timestamptz not null,
  booking_type     text        not null,
  participants     jsonb       not null default '[]',
  status           text        not null default 'waiting' constraint waitlist_status_is_known check (status in
                     ('waiting', 'offered', 'accepted', 'declined', 'expired', 'left')),
  offer_minutes    integer     not null default 15 constraint offer_minutes_in_a_day check (offer_minutes between 1 and 1440),
  offer_booking_id uuid,
  offered_at       timestamptz,
  ended_at         timestamptz,
  joined_by        uuid        not null references slotbase.users (id),
  joined_at        timestamptz not null default slotbase.now(),
  primary key (id, facility_id),
  foreign key (resource_id, facility_id) references slotbase.resources (id, facility_id),
  foreign key (offer_booking_id, facility_id) references slotbase.bookings (id, facility_id),
  constraint wish_names_a_resource_or_a_type check ((resource_id is null) <> (resource_type is null)),
  constraint wish_ends_after_it_starts check (end_at > start_at),
  constraint offer_is_a_booking check ((offer_booking_id is null) = (offered_at is null)
    and (offer_booking_id is not null or status in ('waiting', 'expired', 'left'))),
  constraint ended_entry_says_when check ((ended_at is null) = (status in ('waiting', 'offered')))
);
create unique index waits_once_for_a_wish on slotbase.waitlist_entries
  (facility_id, booker_id, resource_id, resource_type, start_at, end_at) nulls not distinct where status in ('waiting', 'offered');
create unique index offered_to_one on slotbase.waitlist_entries (offer_booking_id, facility_id) where offer_booking_id is not null;
create index waitlist_waiting on slotbase.waitlist_entries (facility_id, start_at) where status = 'waiting';
create index waitlist_offered on slotbase.waitlist_entries (facility_id) where status = 'offered';
create index waitlist_in_order on slotbase.waitlist_entries (facility_id, seq);
create index waitlist_of_booker on slotbase.waitlist_entries (booker_id, facility_id, seq);
comment on table  slotbase.waitlist_entries is 'Who waits for a slot that is taken. Each entry is offered at most once; then it has ended, whatever became of the offer.';
comment on column slotbase.waitlist_entries.seq is 'The order of joining in a facility, drawn under the lock of its waitlist.';
comment on column slotbase.waitlist_entries.resource_type is 'Any active resource of this type will do; resource_id is null then.';
comment on column slotbase.waitlist_entries.participants is 'List of {userId, role}: who is to play beside the booker.';
comment on column slotbase.waitlist_entries.status is 'expired: the offer ran out, or the time came without one. left: before any offer.';
comment on column slotbase.waitlist_entries.offer_minutes is 'How long an offer lasts, minutes; never longer than until the start.';
comment on column slotbase.waitlist_entries.offer_booking_id is 'The hold that was the offer, and the booking that came of it.';
comment on column slotbase.waitlist_entries.joined_by is 'Who asked for it: the booker, a parent, staff, a key. The offer is planned with their rights.';

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
  primary key (id, facility_id),
  foreign key (resource_id, facility_id) references slotbase.resources (id, facility_id),
  constraint active_series_is_extended check ((status = 'active') = (extend_at is not null)),
  constraint cancelled_series_names_who_and_why check
    ((status = 'cancelled') = (cancelled_at is not null) and num_nulls(cancelled_at, cancelled_by, cancellation_reason) in (0, 3))
);
create index recurring_due on slotbase.recurring_bookings (extend_at) where extend_at is not null;
create index recurring_of_facility on slotbase.recurring_bookings (facility_id, id);
create index recurring_of_booker on slotbase.recurring_bookings (booker_id, facility_id, id);
comment on table  slotbase.recurring_bookings is 'A series: a rule in local time, and what its bookings are made with from now on.';
comment on column slotbase.recurring_bookings.rule is 'RFC 5545 RRULE, the subset FREQ, INTERVAL, BYDAY, BYMONTHDAY, WKST, COUNT, UNTIL.';
comment on column slotbase.recurring_bookings.start_time is 'Wall clock of the facility''s zone, HH:MM; each day''s instant is resolved by the program (Temporal, compatible).';
comment on column slotbase.recurring_bookings.window_days is 'Bookings are made so many local days ahead; of a series that starts later, from its start.';
comment on column slotbase.recurring_bookings.considered_until is 'Local day up to which every occurrence has been booked or skipped.';
comment on column slotbase.recurring_bookings.extend_at is 'When the window has moved on and the job recurring-extension looks again; null: never.';
comment on column slotbase.recurring_bookings.status is 'ended: the rule has no more occurrences, or those to come were cancelled. cancelled: all of it was.';

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
comment on table  slotbase.recurring_occurrences is 'Each day of a series that has been looked at: its booking, or why there is none. A day is looked at once.';
comment on column slotbase.recurring_occurrences.occurs_on is 'The local day that the rule names. Its booking may have been moved to another since.';
comment on column slotbase.recurring_occurrences.skipped_code is 'Code of the refusal, such as slot_taken or facility_closed.';

alter table slotbase.bookings
  add constraint recurring_booking_exists foreign key (recurring_booking_id, facility_id) references slotbase.recurring_bookings (id, facility_id),
  add constraint recurring_names_its_series check (is_recurring = (recurring_booking_id is not null));
create index bookings_of_series on slotbase.bookings (recurring_booking_id, facility_id, start_at) where recurring_booking_id is not null;
comment on column slotbase.bookings.recurring_booking_id is 'The series of which it is an occurrence.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.waitlist_entries, slotbase.recurring_bookings, slotbase.recurring_occurrences to slotbase_reader;
  end if;
end $$;
