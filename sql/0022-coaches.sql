-- Coaches: what they say of themselves, the time that they ask for, and the sessions that they hold. A block takes its time
-- through a booking of the type coach_block, a session through a booking of its own or through that of a block; so there is
-- one rule against double booking, and one status: that of the booking, from which those of block and session follow.

create table slotbase.coach_profiles (
  user_id              uuid        not null references slotbase.users (id),
  facility_id          uuid        not null references slotbase.facilities (id),
  sports               text[]      not null default '{}',
  bio                  text        not null default '',
  hourly_rate          bigint      constraint coach_rate_not_negative check (hourly_rate >= 0),
  blocks_need_approval boolean     not null default true,
  created_at           timestamptz not null default slotbase.now(),
  updated_at           timestamptz not null default slotbase.now(),
  primary key (user_id, facility_id)
);
comment on table  slotbase.coach_profiles is 'What a coach says of themself in a facility. Who holds the role coach and has no row here is a coach all the same.';
comment on column slotbase.coach_profiles.hourly_rate is 'Minor units of the facility''s currency for 60 minutes of the coach alone, without the court; null: not set.';
comment on column slotbase.coach_profiles.blocks_need_approval is 'False: what the coach asks for is approved at once, by nobody.';

create table slotbase.coach_blocks (
  id                uuid        not null,
  facility_id       uuid        not null,
  booking_id        uuid        not null,
  coach_id          uuid        not null references slotbase.users (id),
  block_type        text        not null,
  reason            text,
  requires_approval boolean     not null,
  requested_by      uuid        not null references slotbase.users (id),
  approved_at       timestamptz,
  approved_by       uuid        references slotbase.users (id),
  rejected_at       timestamptz,
  rejected_by       uuid        references slotbase.users (id),
  rejection_reason  text,
  created_at        timestamptz not null default slotbase.now(),
  primary key (id, facility_id),
  foreign key (booking_id, facility_id) references slotbase.bookings (id, facility_id),
  constraint block_has_its_own_booking unique (booking_id, facility_id),
  constraint block_is_decided_once check (approved_at is null or rejected_at is null),
  constraint approved_block_says_when check (approved_by is null or approved_at is not null),
  constraint rejected_block_names_who_and_why check (
    (rejected_at is null) = (rejected_by is null) and (rejected_at is null) = (rejection_reason is null))
);
create index coach_blocks_of_facility on slotbase.coach_blocks (facility_id, coach_id);
comment on table  slotbase.coach_blocks is 'Time on a resource that a coach asked for. It occupies through its booking (pending, then confirmed), whose status is the block''s.';
comment on column slotbase.coach_blocks.requires_approval is 'Whether somebody had to decide when it was asked for.';
comment on column slotbase.coach_blocks.approved_by is 'Null on an approved block: nobody had to, it was approved at once.';

create table slotbase.coach_sessions (
  id                  uuid        not null,
  facility_id         uuid        not null,
  booking_id          uuid        not null,
  block_id            uuid,
  coach_id            uuid        not null references slotbase.users (id),
  session_type        text        not null,
  start_at            timestamptz,
  end_at              timestamptz,
  created_by          uuid        not null references slotbase.users (id),
  created_at          timestamptz not null default slotbase.now(),
  completed_at        timestamptz,
  completed_by        uuid        references slotbase.users (id),
  cancelled_at        timestamptz,
  cancelled_by        uuid        references slotbase.users (id),
  cancellation_reason text,
  primary key (id, facility_id),
  foreign key (booking_id, facility_id) references slotbase.bookings (id, facility_id),
  foreign key (block_id, facility_id) references slotbase.coach_blocks (id, facility_id),
  constraint session_in_a_block_has_its_own_time check ((block_id is null) = (start_at is null) and (block_id is null) = (end_at is null)),
  constraint session_ends_after_it_starts check (end_at > start_at),
  constraint session_ends_once check (completed_at is null or cancelled_at is null),
  constraint completed_session_names_who check ((completed_at is null) = (completed_by is null)),
  constraint cancelled_session_names_who_and_why check (
    (cancelled_at is null) = (cancelled_by is null) and (cancelled_at is null) = (cancellation_reason is null)),
  constraint sessions_of_a_block_never_overlap exclude using gist (
    facility_id with =, block_id with =, tstzrange(start_at, end_at) with &&) where (block_id is not null and cancelled_at is null)
);
create unique index one_session_per_lesson on slotbase.coach_sessions (booking_id, facility_id) where block_id is null;
create index coach_sessions_of_booking on slotbase.coach_sessions (booking_id, facility_id);
create index coach_sessions_of_facility on slotbase.coach_sessions (facility_id, coach_id);
comment on table  slotbase.coach_sessions is 'A coach''s session with students. Its booking is a lesson of its own, or that of the block inside which it is held.';
comment on column slotbase.coach_sessions.start_at is 'Inside a block only; otherwise the session is when its booking is.';
comment on column slotbase.coach_sessions.cancelled_at is 'The session alone was called off, and its block stays. A cancelled booking cancels its sessions without a word here.';

create table slotbase.coach_session_students (
  session_id  uuid    not null,
  facility_id uuid    not null,
  user_id     uuid    not null references slotbase.users (id),
  attended    boolean,
  primary key (session_id, facility_id, user_id),
  foreign key (session_id, facility_id) references slotbase.coach_sessions (id, facility_id)
);
create index coach_sessions_of_student on slotbase.coach_session_students (user_id, facility_id);
comment on table  slotbase.coach_session_students is 'Who is taught in a session.';
comment on column slotbase.coach_session_students.attended is 'Null until somebody said so; set for everybody when the session is completed.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.coach_profiles, slotbase.coach_blocks, slotbase.coach_sessions, slotbase.coach_session_students
      to slotbase_reader;
  end if;
end $$;
