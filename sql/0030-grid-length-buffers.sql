-- Rules for the starts and lengths of members' bookings, and the time that stays free after a booking. Then what people
-- say about a booking: its title, its note, and the answers to the club's own questions.
-- The constraint slot_taken_once decides about buffers too: an occupancy ends when the buffer of its booking ends.

alter table slotbase.booking_policies
  add column start_grid_minutes     integer  constraint start_grid_in_a_day check (start_grid_minutes between 5 and 1440),
  add column least_minutes          integer  constraint least_length_in_a_day check (least_minutes between 5 and 1440),
  add column greatest_minutes       integer  constraint greatest_length_in_a_day check (greatest_minutes between 5 and 1440),
  add column length_step_minutes    integer  constraint length_step_in_a_day check (length_step_minutes between 5 and 1440),
  add column buffers                jsonb    not null default '[]',
  add column longest_buffer_minutes smallint not null default 0
    constraint longest_buffer_in_two_hours check (longest_buffer_minutes between 0 and 120),
  add constraint lengths_are_in_order check (least_minutes <= greatest_minutes);
comment on column slotbase.booking_policies.start_grid_minutes is 'Members'' bookings begin a whole number of these minutes after the opening of the interval; null: at any minute.';
comment on column slotbase.booking_policies.least_minutes is 'Members'' bookings last at least so long; null: 5 minutes.';
comment on column slotbase.booking_policies.greatest_minutes is 'Members'' bookings last at most so long; null: a day.';
comment on column slotbase.booking_policies.length_step_minutes is 'Members'' bookings last a whole number of these minutes; null: any number of minutes.';
comment on column slotbase.booking_policies.buffers is 'List of {minutes, resourceId?, bookingType?}: how long a resource stays free after a booking. The most specific one holds: resource, then type. Copied to each booking when it is made or moved.';
comment on column slotbase.booking_policies.longest_buffer_minutes is 'The longest buffer that the facility has ever had: so far a booking may reach beyond its end.';

alter table slotbase.bookings
  add column buffer_minutes smallint not null default 0 constraint buffer_in_two_hours check (buffer_minutes between 0 and 120),
  add column title          text,
  add column note           text,
  add column answers        jsonb    not null default '[]';
comment on column slotbase.bookings.buffer_minutes is 'How long the resource stays free after end_at. It is part of the occupancy, and is not paid for.';
comment on column slotbase.bookings.title is 'What the booker or staff call it; null: nothing.';
comment on column slotbase.bookings.note is 'For the booker and staff; null: none.';
comment on column slotbase.bookings.answers is 'List of {questionId, label, answer}: the club''s questions as they were worded when they were answered.';
comment on column slotbase.occupancies.during is 'From the start of the booking until its end and buffer_minutes more.';

alter table slotbase.recurring_bookings
  add column title   text,
  add column note    text,
  add column answers jsonb not null default '[]';
comment on column slotbase.recurring_bookings.answers is 'The answers that each of its bookings gets; given once, when the series is made.';

create table slotbase.booking_questions (
  facility_id uuid        primary key references slotbase.facilities (id),
  questions   jsonb       not null,
  updated_at  timestamptz
);
comment on table  slotbase.booking_questions is 'The questions that a facility asks its members when they book. No row: none.';
comment on column slotbase.booking_questions.questions is 'List of {id, label, type, required, choices?, bookingTypes?}, in the order in which they are asked.';

insert into slotbase.retention_rules (name, ends, says, why) values
  ('booking_questions', 'never', '', 'a row per facility');

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.booking_questions to slotbase_reader;
  end if;
end $$;
