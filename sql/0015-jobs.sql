-- Scheduled jobs, as people see them: the jobs, the result of each run, and requested runs.

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
comment on column slotbase.jobs.in_facility is 'Whether it can be run for a single facility.';
comment on column slotbase.jobs.ended is 'No program that runs knows it any more; its runs stay.';

-- A requested run is a row before it begins: a server without actors writes it, a process with actors takes it. By the
-- index job_run_waits_once one run waits, however many callers ask. That run will find all the work there is.
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
create unique index job_run_waits_once on slotbase.job_runs (job, facility_id) where status = 'requested';
create index job_runs_unfinished on slotbase.job_runs (id) where status in ('requested', 'running');
create index job_runs_of_job on slotbase.job_runs (job, id);
comment on table  slotbase.job_runs is 'Each run of a scheduled job, by its tick or because somebody asked for it. Kept for a week, the last of each job for ever.';
comment on column slotbase.job_runs.facility_id is 'The only facility for which it was run; the platform''s own: for all.';
comment on column slotbase.job_runs.owner is 'The process that runs it (processes.id). When that process has expired, a requested run is taken over. A run of the schedule is lost, and the next tick does its work.';
comment on column slotbase.job_runs.did is 'The results of the run, as counts by name.';
