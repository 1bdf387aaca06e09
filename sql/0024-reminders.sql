-- What the system does by the clock, as people see it: which scheduled jobs there are, what each run did, and runs that
-- somebody asked for. And the reminders of bookings, each decided once.

create table slotbase.jobs (
  name        text    primary key constraint job_name_is_plain check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
  description text    not null,
  cron        text    not null,
  timezone    text    not null,
  in_facility boolean not null,
  ended       boolean not null default false
);
comment on table  slotbase.jobs is 'The scheduled jobs of the newest program that was started; brought up to date at the start of every process with actors.';
comment on column slotbase.jobs.cron is 'Five fields: minute, hour, day of month, month, weekday; resolved in timezone.';
comment on column slotbase.jobs.in_facility is 'Whether it can be run for one facility alone.';
comment on column slotbase.jobs.ended is 'No program that runs knows it any more; its runs stay.';

-- A run that was asked for is a row before it begins: a server without actors writes it, a process with actors takes it.
create table slotbase.job_runs (
  id           uuid        not null,
  facility_id  uuid        not null references slotbase.facilities (id),
  job          text        not null references slotbase.jobs (name),
  trigger      text        not null constraint job_run_trigger_is_known check (trigger in ('schedule', 'request')),
  status       text        not null constraint job_run_status_is_known check (status in ('requested', 'running', 'succeeded', 'failed', 'lost')),
  requested_by uuid        references slotbase.users (id),
  requested_at timestamptz,
  owner        bigint,
  attempts     smallint    not null default 0,
  started_at   timestamptz,
  ended_at     timestamptz,
  did          jsonb,
  error        text,
  primary key (id, facility_id),
  constraint job_run_names_who_asked check ((trigger = 'request') = (requested_by is not null and requested_at is not null)),
  constraint job_run_starts_when_taken check ((status = 'requested') = (started_at is null)),
  constraint job_run_ends_once check ((status in ('succeeded', 'failed', 'lost')) = (ended_at is not null)),
  constraint failed_job_run_says_why check (status <> 'failed' or error is not null)
);
-- However many ask, one run waits: it will find whatever there is to do.
create unique index job_run_waits_once on slotbase.job_runs (job, facility_id) where status = 'requested';
create index job_runs_unfinished on slotbase.job_runs (id) where status in ('requested', 'running');
create index job_runs_of_job on slotbase.job_runs (job, id);
comment on table  slotbase.job_runs is 'Each run of a scheduled job, by its tick or because somebody asked for it. Kept for a week, the last of each job for ever.';
comment on column slotbase.job_runs.facility_id is 'The facility for which alone it was run; the platform''s own: for all.';
comment on column slotbase.job_runs.owner is 'The process that runs it (processes.id). When that one is dead, a run that was asked for is taken over, and one of the schedule is lost: the next tick does its work.';
comment on column slotbase.job_runs.did is 'What it did, as counts by name.';

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

-- Every tick looks at what has come due since the last one and a little before, not at all bookings of the next day.
create table slotbase.reminder_progress (
  one          boolean     primary key default true constraint reminder_progress_is_one_row check (one),
  looked_until timestamptz not null
);
comment on table slotbase.reminder_progress is 'Up to which instant the job booking-reminder-check has decided all reminders.';
insert into slotbase.reminder_progress (looked_until) values (slotbase.now());

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.jobs, slotbase.job_runs, slotbase.reminder_settings, slotbase.booking_reminders,
                    slotbase.reminder_progress to slotbase_reader;
  end if;
end $$;
