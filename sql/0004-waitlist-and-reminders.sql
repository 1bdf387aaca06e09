-- Messages that must come in time: the offer of a slot that became free, and the reminder of a booking. A free slot is
-- offered to the waiting as a hold, one after the other in the order of joining. Each reminder is decided once.

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
comment on table  slotbase.waitlist_entries is 'A wish for a slot that is taken. Each entry is offered at most once; then it has ended, whatever became of the offer.';
comment on column slotbase.waitlist_entries.seq is 'The order of joining in a facility, drawn under the lock of its waitlist.';
comment on column slotbase.waitlist_entries.resource_type is 'Any active resource of this type will do; resource_id is null then.';
comment on column slotbase.waitlist_entries.participants is 'List of {userId, role}: the people that are to play beside the booker.';
comment on column slotbase.waitlist_entries.status is 'expired: the offer ran out, or the time came without one. left: before any offer.';
comment on column slotbase.waitlist_entries.offer_minutes is 'How long an offer lasts, minutes; never longer than until the start.';
comment on column slotbase.waitlist_entries.offer_booking_id is 'The hold that was the offer, and the booking that came of it.';
comment on column slotbase.waitlist_entries.joined_by is 'The user that asked for it: the booker, a parent, staff, a key. The offer is planned with the rights of that user.';

create table slotbase.reminder_settings (
  facility_id    uuid        primary key references slotbase.facilities (id),
  remind_24h     boolean     not null default true,
  remind_1h      boolean     not null default true,
  custom_minutes integer     constraint custom_reminder_within_a_month check (custom_minutes between 5 and 43200),
  custom_since   timestamptz,
  updated_by     uuid        not null references slotbase.users (id),
  updated_at     timestamptz not null default slotbase.now(),
  constraint custom_reminder_has_a_beginning check ((custom_minutes is null) = (custom_since is null))
);
comment on table  slotbase.reminder_settings is 'Which reminders a facility sends; a facility without a row sends those of 24 hours and of 1 hour.';
comment on column slotbase.reminder_settings.custom_minutes is 'A reminder of the facility''s own: so many minutes before the start. Null: none.';
comment on column slotbase.reminder_settings.custom_since is 'When custom_minutes was set: nobody is reminded late of what was due before.';

create table slotbase.booking_reminders (
  booking_id    uuid        not null,
  facility_id   uuid        not null,
  reminder_type text        not null constraint reminder_type_is_known check (reminder_type in ('24h', '1h', 'custom')),
  channel       text        not null constraint reminder_channel_is_known check (channel in ('email', 'sms', 'push')),
  start_at      timestamptz not null,
  user_id       uuid        not null references slotbase.users (id),
  status        text        not null constraint reminder_status_is_known check (status in ('due', 'overtaken', 'sent')),
  decided_at    timestamptz not null default slotbase.now(),
  sent_at       timestamptz,
  constraint reminded_once primary key (booking_id, facility_id, reminder_type, channel, start_at),
  foreign key (booking_id, facility_id) references slotbase.bookings (id, facility_id),
  constraint sent_reminder_says_when check ((status = 'sent') = (sent_at is not null))
);
comment on table  slotbase.booking_reminders is 'Each reminder of a booking that has come due, once per type and channel, and once more when the booking has moved to another time.';
comment on column slotbase.booking_reminders.start_at is 'The start of which it reminds.';
comment on column slotbase.booking_reminders.status is 'due: booking.reminder.due was recorded, and NotificationHandler tells the booker; overtaken: never sent, because a later one was due at the same time.';

-- Every tick reads the reminders that became due since the last tick and a little before, not all bookings of the next
-- day.
create table slotbase.reminder_progress (
  one          boolean     primary key default true constraint reminder_progress_is_one_row check (one),
  looked_until timestamptz not null
);
insert into slotbase.reminder_progress (looked_until) values (slotbase.now());
comment on table slotbase.reminder_progress is 'Up to which instant the job booking-reminder-check has decided all reminders.';
