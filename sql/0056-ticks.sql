-- The ticks of scheduled jobs. Each job has a row with its next tick; a job of a facility's own day has one for each
-- facility. The program computes ticks from the cron line and the zone; SQL only compares instants. A tick that is to
-- be run becomes a row of job_runs, in the transaction that moves the schedule on. So a crash doubles no tick and loses
-- none. What the missed rule leaves out is counted.

alter table slotbase.jobs
  add column per_facility boolean not null default false,
  add column missed       text    not null default 'once'
    constraint missed_rule_is_known check (missed ~ '^(once|skip|catch up [1-9]\d{0,2})$'),
  add column paused_at    timestamptz,
  add column paused_by    uuid references slotbase.users (id),
  add constraint job_pause_names_who check ((paused_at is null) = (paused_by is null));
create index jobs_by_pauser on slotbase.jobs (paused_by) where paused_by is not null;
comment on column slotbase.jobs.timezone is 'The zone in which cron is read; "local": that of each facility.';
comment on column slotbase.jobs.per_facility is 'Whether it runs for each facility by itself, at a time of the facility''s own day.';
comment on column slotbase.jobs.missed is 'What becomes of ticks that nobody ran: "once" runs the latest, "skip" none, "catch up n" the latest n.';
comment on column slotbase.jobs.paused_at is 'Since when no tick of it is run, in any facility.';

create table slotbase.job_schedules (
  job           text        not null references slotbase.jobs (name),
  facility_id   uuid        not null references slotbase.facilities (id) on delete cascade,
  look_at       timestamptz not null,
  next_due_at   timestamptz,
  decided_until timestamptz not null,
  decided_date  date,
  cron          text,
  timezone      text,
  zone_data     text,
  paused_at     timestamptz,
  paused_by     uuid        references slotbase.users (id),
  counted_from  timestamptz not null,
  ticks         bigint      not null default 0,
  skipped       bigint      not null default 0,
  succeeded     bigint      not null default 0,
  failed        bigint      not null default 0,
  lost          bigint      not null default 0,
  failing_since timestamptz,
  last_error    text,
  primary key (job, facility_id),
  constraint schedule_pause_names_who check ((paused_at is null) = (paused_by is null)),
  constraint failing_schedule_says_why check ((failing_since is null) = (last_error is null)),
  constraint no_tick_ends_twice check (skipped + succeeded + failed + lost <= ticks)
) with (fillfactor = 80);
create index job_schedules_to_look_at on slotbase.job_schedules (look_at);
create index job_schedules_of_job on slotbase.job_schedules (job, look_at);
create index job_schedules_of_facility on slotbase.job_schedules (facility_id);
create index job_schedules_by_pauser on slotbase.job_schedules (paused_by) where paused_by is not null;
create index job_schedules_failing on slotbase.job_schedules (failing_since) where failing_since is not null;
comment on table  slotbase.job_schedules is 'The next tick of each scheduled job, and what became of its ticks so far. One row per facility for a job of a facility''s own day; otherwise one, with the platform''s own id.';
comment on column slotbase.job_schedules.look_at is 'When the scheduler looks at the row: at the next tick, or at once after a change. Infinity while paused, and when no program knows the job.';
comment on column slotbase.job_schedules.next_due_at is 'The next tick, as computed last. Null: not computed yet.';
comment on column slotbase.job_schedules.decided_until is 'It is decided of all ticks up to here whether they are run.';
comment on column slotbase.job_schedules.decided_date is 'Of a daily or rarer job: the local day of the last decided tick. No day is run twice, whatever becomes of the zone.';
comment on column slotbase.job_schedules.zone_data is 'The edition of the zone data by which the next tick was computed.';
comment on column slotbase.job_schedules.ticks is 'Ticks that were decided since counted_from. Each is skipped, has ended, or has an unfinished row of job_runs.';
comment on column slotbase.job_schedules.skipped is 'Ticks that the missed rule left out: during an outage or a pause, or since a later tick came before the run began.';
comment on column slotbase.job_schedules.failed is 'Ticks whose run failed at every attempt.';
comment on column slotbase.job_schedules.lost is 'Ticks whose run crashed its process at every attempt.';
comment on column slotbase.job_schedules.failing_since is 'When a run first failed for good, or was lost, without a later success.';

-- A run of a tick waits, is tried again when it fails, and is taken over when its process crashes. What an earlier
-- version of the program writes, while both run, stays valid.
drop index slotbase.job_runs_unfinished;
alter table slotbase.job_runs
  add column tick_at    timestamptz,
  add column local_date date,
  add column ready_at   timestamptz default slotbase.now(),
  add column failures   smallint not null default 0,
  drop constraint job_run_status_is_known,
  drop constraint job_run_starts_when_taken,
  drop constraint job_run_ends_once,
  drop constraint failed_job_run_says_why,
  add constraint job_run_status_is_known
    check (status in ('waiting', 'requested', 'running', 'retrying', 'succeeded', 'failed', 'lost', 'skipped')),
  add constraint job_run_starts_when_taken check (status = 'skipped' or (status in ('waiting', 'requested')) = (started_at is null)),
  add constraint job_run_ends_once check ((status in ('succeeded', 'failed', 'lost', 'skipped')) = (ended_at is not null)),
  add constraint failed_job_run_says_why check (status not in ('retrying', 'failed') or error is not null),
  add constraint waiting_job_run_says_until_when check (status not in ('waiting', 'requested', 'retrying') or ready_at is not null),
  add constraint only_a_tick_waits check (status not in ('waiting', 'retrying', 'skipped') or tick_at is not null),
  add constraint only_a_tick_has_a_day check (local_date is null or tick_at is not null);
create unique index tick_is_run_once on slotbase.job_runs (job, facility_id, tick_at) where tick_at is not null;
create unique index local_day_is_run_once on slotbase.job_runs (job, facility_id, local_date) where local_date is not null;
create index job_runs_ready on slotbase.job_runs (job, ready_at) where status in ('waiting', 'requested', 'retrying');
create index job_runs_queued on slotbase.job_runs (job, facility_id, id) where status in ('waiting', 'requested', 'retrying');
create index job_runs_running on slotbase.job_runs (job, facility_id) where status = 'running';
create index job_runs_of_facility on slotbase.job_runs (facility_id, job, id);
comment on table  slotbase.job_runs is 'Each run of a scheduled job, by its tick or because somebody asked for it. Kept for a week, the last of each job and facility for ever.';
comment on column slotbase.job_runs.owner is 'The process that runs it (processes.id). When that process has expired, the run is taken over. At the fifth crash it is lost.';
comment on column slotbase.job_runs.tick_at is 'The tick; null for a run by hand, and for ticks of earlier versions.';
comment on column slotbase.job_runs.local_date is 'The facility''s local day of the tick, for daily and rarer jobs.';
comment on column slotbase.job_runs.ready_at is 'From when on it may begin: at once, or when a failed run is tried again.';
comment on column slotbase.job_runs.failures is 'How often it has failed.';

-- A new facility has its schedules at once, and a new zone is looked at at once, whoever writes the row.
create function slotbase.schedule_facility() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into slotbase.job_schedules (job, facility_id, look_at, decided_until, counted_from)
    select j.name, new.id, case when j.paused_at is null then t.now else 'infinity' end, t.now, t.now
    from slotbase.jobs j cross join (select slotbase.now() as now) t
    where j.per_facility and not j.ended
    order by j.name
    on conflict do nothing;
  else
    update slotbase.job_schedules set look_at = slotbase.now() where facility_id = new.id and look_at < 'infinity';
  end if;
  return null;
end $$;
create trigger facility_is_scheduled after insert on slotbase.facilities
  for each row execute function slotbase.schedule_facility();
create trigger new_zone_is_scheduled after update of timezone on slotbase.facilities
  for each row when (old.timezone is distinct from new.timezone) execute function slotbase.schedule_facility();

-- What becomes of a tick is counted in the transaction that ends its run.
create function slotbase.count_tick() returns trigger language plpgsql as $$
begin
  update slotbase.job_schedules s
  set succeeded = s.succeeded + (new.tick_at is not null and new.status = 'succeeded')::integer,
      failed    = s.failed    + (new.tick_at is not null and new.status = 'failed')::integer,
      lost      = s.lost      + (new.tick_at is not null and new.status = 'lost')::integer,
      skipped   = s.skipped   + (new.tick_at is not null and new.status = 'skipped')::integer,
      failing_since = case when new.status = 'succeeded' then null
                           when new.status in ('failed', 'lost') and new.tick_at is not null then coalesce(s.failing_since, new.ended_at)
                           else s.failing_since end,
      last_error    = case when new.status = 'succeeded' then null
                           when new.status in ('failed', 'lost') and new.tick_at is not null then coalesce(new.error, 'its process crashed at every attempt')
                           else s.last_error end
  where s.job = new.job and s.facility_id = new.facility_id;
  return null;
end $$;
create trigger ended_tick_is_counted after update of status on slotbase.job_runs
  for each row when (new.ended_at is not null and old.ended_at is null) execute function slotbase.count_tick();

-- Claims runs. Claims go one after the other, so two runs of one job and facility never go at once. A run by hand goes
-- before those of ticks, which begin in their order. A failed run that is tried again holds up no later one. The lock
-- is taken here: the program may be stopped while it holds one. Only unfinished runs are in the indexes that are read.
-- A run whose process has crashed twice may be the cause. Such runs go one at a time, so that none takes others along.
create function slotbase.claim_job_runs(claimer bigint, held uuid[], of_platform boolean, names text[], places integer[], busy integer[], most integer)
returns table (id uuid, facility_id uuid, job text, trigger text, attempts smallint, tick_at timestamptz, local_date date, started_at timestamptz, timezone text)
language plpgsql as $$
declare
  platform constant uuid := '00000000-0000-7000-8000-000000000000';
  present  constant timestamptz := slotbase.now();
  orphans  uuid[];
  chosen   uuid[];
begin
  perform pg_advisory_xact_lock(hashtext('slotbase'), hashtext('job runs'));
  with abandoned as (
    select r.id, r.attempts, row_number() over (partition by r.attempts between 2 and 4, r.job = any (names) order by r.id) as nth
    from slotbase.job_runs r
    where r.status = 'running'
      and (not exists (select from slotbase.processes p where p.id = r.owner and p.alive_until > clock_timestamp())
           or r.owner = claimer and r.id <> all (held))
  ), lost as (
    update slotbase.job_runs r
    set status = 'lost', ended_at = present, error = coalesce(r.error, 'its process crashed at every attempt')
    from abandoned a where r.id = a.id and a.attempts >= 5
  )
  select coalesce(array_agg(a.id), '{}') into orphans
  from abandoned a
  where a.attempts < 2
     or a.attempts < 5 and a.nth = 1 and not exists ( -- of the jobs of this process
       select from slotbase.job_runs r where r.id = any (held) and r.owner = claimer and r.attempts >= 3 and r.ended_at is null);
  -- The statistics of the table are mostly those of a queue that is empty. "offset 0" keeps a look for others of the
  -- same job and facility a search of its own. As a join it read all that waits: 27,000 pages for 5,000 runs.
  select coalesce(array_agg(c.id), '{}') into chosen
  from (
    select w.id
    from (
      select w.*, row_number() over (partition by w.job order by w.since, w.id) as rank, n.places, n.busy
      from unnest(names, places, busy) as n (name, places, busy)
      join slotbase.jobs j on j.name = n.name
      cross join lateral (
        (select r.id, r.job, r.started_at as since from slotbase.job_runs r
         where r.id = any (orphans) and r.job = n.name and (r.facility_id = platform) = of_platform and r.ended_at is null
         order by r.id limit n.places)
        union all
        (select r.id, r.job, r.ready_at from slotbase.job_runs r
         where r.status in ('waiting', 'requested', 'retrying') and r.job = n.name and r.ready_at <= present
           and (r.facility_id = platform) = of_platform
           and (r.tick_at is null or j.paused_at is null and not exists (
             select from slotbase.job_schedules s
             where s.job = r.job and s.facility_id = r.facility_id and s.paused_at is not null offset 0))
           and not exists (
             select from slotbase.job_runs e where e.status = 'running' and e.job = r.job and e.facility_id = r.facility_id offset 0)
           and not exists (
             select from slotbase.job_runs e
             where e.status in ('waiting', 'requested', 'retrying') and e.job = r.job and e.facility_id = r.facility_id and e.id <> r.id
               and (e.status = 'requested' and (r.status <> 'requested' or e.id < r.id)
                    or e.status = 'waiting' and (r.status = 'retrying' or r.status = 'waiting' and e.id < r.id)
                    or e.status = 'retrying' and r.status = 'retrying' and e.ready_at <= present and e.id < r.id) offset 0)
         order by r.ready_at limit n.places)
      ) w
    ) w
    where w.rank <= w.places
    order by w.rank + w.busy, w.since, w.id
    limit most
  ) c;
  return query
  update slotbase.job_runs r
  set status = 'running', owner = claimer, attempts = r.attempts + 1, started_at = present
  from slotbase.facilities f
  where r.id = any (chosen) and f.id = r.facility_id and r.ended_at is null
  returning r.id, r.facility_id, r.job, r.trigger, r.attempts, r.tick_at, r.local_date, r.started_at, f.timezone;
end $$;
comment on function slotbase.claim_job_runs(bigint, uuid[], boolean, text[], integer[], integer[], integer) is 'Claims runs of jobs for a process: of each name at most its places, in turn, those with fewer busy ones first.';

-- pg-boss calls jobs no more, so what it noted of them would stay open for ever.
update slotbase.dead_passes set recovered_at = slotbase.now()
where recovered_at is null and actor in (select name from slotbase.jobs);

alter table slotbase.platform_health
  drop constraint trouble_is_known,
  add constraint trouble_is_known check (trouble in ('mail_held', 'dead_letters', 'dead_passes', 'failing_jobs'));

create view slotbase.job_ledger as
select s.job, s.facility_id, s.next_due_at, s.paused_at is not null or j.paused_at is not null as paused, s.timezone,
       s.look_at < slotbase.now() - (select late_after from slotbase.settings) as late,
       l.status as last_status, l.tick_at as last_tick_at, l.started_at as last_started_at,
       l.ended_at - l.started_at as last_duration, l.did as last_did, s.failing_since, s.last_error,
       s.counted_from, s.decided_until, s.ticks, s.succeeded, s.failed, s.lost, s.skipped,
       s.ticks - s.succeeded - s.failed - s.lost - s.skipped as unfinished
from slotbase.job_schedules s
join slotbase.jobs j on j.name = s.job
left join lateral (
  select r.* from slotbase.job_runs r
  where r.facility_id = s.facility_id and r.job = s.job and r.started_at is not null
  order by r.id desc limit 1
) l on true
where not j.ended;
comment on view slotbase.job_ledger is 'Each scheduled job and facility: its next tick, its last run, and what became of its ticks.';
comment on column slotbase.job_ledger.late is 'The scheduler should have looked at it by now.';
comment on column slotbase.job_ledger.unfinished is 'Ticks whose run waits, is under way or is tried again.';

update slotbase.retention_rules set says = '7 days after it began; the last of each job and facility stays' where name = 'job_runs';
insert into slotbase.retention_rules (name, ends, says, why) values
  ('job_schedules', 'never', '', 'a row per scheduled job and facility');

-- "slotbase grant-reader" runs these lines again, for a role that was made after the migrations.
do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.job_schedules, slotbase.job_ledger to slotbase_reader;
  end if;
end $$;
