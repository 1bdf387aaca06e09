-- Coaches: their profiles, the time that they ask for, their sessions, their feedback, and the progress that feedback
-- shows. A block takes its time through a booking of the type coach_block. A session takes its time through a booking
-- of its own, or through that of a block. So one rule prevents double booking, and one status counts: a block and a
-- session follow the status of their booking. The bytes of the files that come with feedback are not in the database. A
-- row of media is written after the bytes, so a row never names a missing file.

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
comment on table  slotbase.coach_profiles is 'A coach''s description of themself in a facility. A user with the role coach and without a row here is a coach all the same.';
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
  foreign key (booking_id, facility_id) references slotbase.bookings (id, facility_id),
  constraint block_has_its_own_booking unique (booking_id, facility_id),
  constraint block_is_decided_once check (approved_at is null or rejected_at is null),
  constraint approved_block_says_when check (approved_by is null or approved_at is not null),
  constraint rejected_block_names_who_and_why check (
    (rejected_at is null) = (rejected_by is null) and (rejected_at is null) = (rejection_reason is null))
);
create index coach_blocks_of_facility on slotbase.coach_blocks (facility_id, coach_id);
alter table slotbase.coach_blocks add primary key (id, facility_id);
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
alter table slotbase.coach_sessions add primary key (id, facility_id);
comment on table  slotbase.coach_sessions is 'A coach''s session with students. Its booking is a lesson of its own, or that of the block inside which it is held.';
comment on column slotbase.coach_sessions.start_at is 'Inside a block only; otherwise the session is when its booking is.';
comment on column slotbase.coach_sessions.cancelled_at is 'The session alone was called off, and its block stays. A cancelled booking cancels its sessions without an entry here.';

create table slotbase.coach_session_students (
  session_id  uuid    not null,
  facility_id uuid    not null,
  user_id     uuid    not null references slotbase.users (id),
  attended    boolean,
  foreign key (session_id, facility_id) references slotbase.coach_sessions (id, facility_id)
);
create index coach_sessions_of_student on slotbase.coach_session_students (user_id, facility_id);
alter table slotbase.coach_session_students add primary key (session_id, facility_id, user_id);
comment on table  slotbase.coach_session_students is 'The students of a session.';
comment on column slotbase.coach_session_students.attended is 'Null until somebody said so; set for everybody when the session is completed.';

create table slotbase.feedback (
  id            uuid        not null,
  facility_id   uuid        not null,
  session_id    uuid        not null,
  coach_id      uuid        not null references slotbase.users (id),
  student_id    uuid        not null references slotbase.users (id),
  text          text        not null default '',
  skills_worked text[]      not null default '{}',
  rating        smallint    constraint feedback_rating_is_one_to_five check (rating between 1 and 5),
  created_by    uuid        not null references slotbase.users (id),
  created_at    timestamptz not null default slotbase.now(),
  updated_at    timestamptz not null default slotbase.now(),
  published_at  timestamptz,
  published_by  uuid        references slotbase.users (id),
  constraint feedback_is_about_a_student_of_the_session
    foreign key (session_id, facility_id, student_id) references slotbase.coach_session_students (session_id, facility_id, user_id),
  constraint published_feedback_names_who check ((published_at is null) = (published_by is null))
);
create index feedback_of_facility on slotbase.feedback (facility_id, id);
create index feedback_of_session on slotbase.feedback (session_id, facility_id);
create index feedback_of_coach on slotbase.feedback (coach_id, facility_id, id);
create index feedback_of_student on slotbase.feedback (student_id, facility_id, id);
alter table slotbase.feedback add primary key (id, facility_id);
comment on table  slotbase.feedback is 'A coach''s feedback on a student after a session. A draft until it is published, and never changed after.';
comment on column slotbase.feedback.coach_id is 'Whose words they are: the coach of the session, also when an administrator wrote them down (created_by).';
comment on column slotbase.feedback.skills_worked is 'As the coach names them. The skills of feedback_assessments count as worked too.';
comment on column slotbase.feedback.published_at is 'From then on the student sees it, and each parent with the permission does too. Null: a draft.';

create table slotbase.feedback_assessments (
  feedback_id uuid          not null,
  facility_id uuid          not null,
  skill_id    text          not null,
  skill_name  text          not null,
  sport       text          not null,
  level       numeric(5, 2) not null constraint assessed_level_is_in_range check (level > 0 and level <= 100),
  primary key (feedback_id, facility_id, skill_id),
  foreign key (feedback_id, facility_id) references slotbase.feedback (id, facility_id) on delete cascade
);
comment on table slotbase.feedback_assessments is 'The levels that a coach assessed in feedback. They become progress when it is published, by ProgressUpdateHandler.';

create table slotbase.media (
  id               uuid             not null,
  facility_id      uuid             not null,
  feedback_id      uuid             not null,
  media_type       text             not null constraint media_type_is_known check (media_type in ('video', 'photo', 'audio')),
  is_voice_note    boolean          not null,
  file_name        text             not null constraint media_has_a_name check (file_name <> ''),
  content_type     text             not null,
  file_size_bytes  bigint           not null constraint media_is_not_empty check (file_size_bytes > 0),
  duration_seconds double precision constraint media_duration_not_negative check (duration_seconds >= 0),
  stored_in        text             not null constraint media_storage_is_known check (stored_in in ('disk', 's3')),
  uploaded_by      uuid             not null references slotbase.users (id),
  created_at       timestamptz      not null default slotbase.now(),
  primary key (id, facility_id),
  foreign key (feedback_id, facility_id) references slotbase.feedback (id, facility_id),
  constraint voice_note_is_audio check (not is_voice_note or media_type = 'audio')
);
create index media_of_feedback on slotbase.media (feedback_id, facility_id, id);
comment on table  slotbase.media is 'A file that came with feedback. Its bytes are under facility_id/id in the storage; the job upload-cleanup removes bytes without a row.';
comment on column slotbase.media.file_name is 'A label for people, made of what the client sent; no path is ever made of it.';
comment on column slotbase.media.content_type is 'Found in the bytes, never believed from the client.';
comment on column slotbase.media.duration_seconds is 'Of audio and video, when the file says it; null: it does not.';
comment on column slotbase.media.stored_in is 'disk: SLOTBASE_DATA_DIR/uploads; s3: the bucket. A stored file stays where it is when the storage is changed.';

create table slotbase.progress (
  id             uuid          not null,
  facility_id    uuid          not null references slotbase.facilities (id),
  player_id      uuid          not null references slotbase.users (id),
  skill_id       text          not null,
  number         integer       not null constraint progress_counts_from_one check (number >= 1),
  skill_name     text          not null,
  sport          text          not null,
  previous_level numeric(5, 2) not null constraint previous_level_is_in_range check (previous_level >= 0 and previous_level <= 100),
  new_level      numeric(5, 2) not null constraint new_level_is_in_range check (new_level > 0 and new_level <= 100),
  assessed_by    uuid          not null references slotbase.users (id),
  feedback_id    uuid,
  assessed_at    timestamptz   not null default slotbase.now(),
  primary key (id, facility_id),
  foreign key (feedback_id, facility_id) references slotbase.feedback (id, facility_id),
  constraint progress_follows_the_one_before unique (player_id, facility_id, skill_id, number),
  constraint only_the_first_has_no_level_before check ((number = 1) = (previous_level = 0))
);
create unique index feedback_assesses_a_skill_once on slotbase.progress (feedback_id, facility_id, skill_id) where feedback_id is not null;
create index progress_of_player on slotbase.progress (player_id, facility_id, assessed_at desc, id desc);
comment on table  slotbase.progress is 'Every assessment of a player''s skill in a facility, append-only. The highest number of a skill is its present level.';
comment on column slotbase.progress.skill_id is 'Free text that the coaches of a facility agree on, such as tennis.backhand; name and sport are as they were called then.';
comment on column slotbase.progress.number is 'Counts the assessments of this skill of this player from 1: each one''s previous_level is the new_level of the one before.';
comment on column slotbase.progress.previous_level is '0: nobody had assessed the skill before.';
comment on column slotbase.progress.feedback_id is 'The feedback in which it was assessed, if it was in one.';
