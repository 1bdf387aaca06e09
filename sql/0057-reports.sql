-- What is made once and then read: the report of a facility's day, and the weekly summary of a player's progress. The
-- figures are kept as they were made. So a mail, a later mail and the API say the same, whatever is corrected since.

create table slotbase.daily_reports (
  facility_id uuid        not null references slotbase.facilities (id),
  day         date        not null,
  made_at     timestamptz not null default slotbase.now(),
  figures     jsonb       not null,
  primary key (facility_id, day)
);
create index daily_reports_by_day on slotbase.daily_reports (day);
comment on table  slotbase.daily_reports is 'The report of a facility''s local day: one row, made by the job daily-reports on the next morning and never changed.';
comment on column slotbase.daily_reports.day is 'The local day that is reported.';
comment on column slotbase.daily_reports.figures is 'As GET /v1/facilities/{id}/reports/{day} answers them. Amounts are minor units of the currency beside them.';

create table slotbase.progress_summaries (
  player_id   uuid        not null references slotbase.users (id),
  facility_id uuid        not null references slotbase.facilities (id),
  week        date        not null constraint week_begins_on_a_monday check (extract(isodow from week) = 1),
  made_at     timestamptz not null default slotbase.now(),
  summary     jsonb       not null,
  primary key (player_id, facility_id, week)
);
create index progress_summaries_of_facility on slotbase.progress_summaries (facility_id, week);
create index progress_summaries_by_week on slotbase.progress_summaries (week);
comment on table  slotbase.progress_summaries is 'What a player, or the parents of a child, were told of a week: one row, made by the job weekly-progress-summary and never changed.';
comment on column slotbase.progress_summaries.week is 'The Monday of the week that is told of, in the facility.';
comment on column slotbase.progress_summaries.summary is 'Sessions, published feedback, assessed skills with their earlier levels, and what comes next.';

-- The week of a facility. The other indexes of these two tables begin with a person or an id.
create index feedback_by_publication on slotbase.feedback (facility_id, published_at) where published_at is not null;
create index progress_by_time on slotbase.progress (facility_id, assessed_at);
create index undeliverable_of_facility on slotbase.undeliverable_addresses (facility_id);
create index bookings_pending_of_facility on slotbase.bookings (facility_id) where status = 'pending';

insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('daily_reports', 'after', '1100 days', '35 days', 'after its day', 'retention',
   'day < $1::date', 'three years compare with each other; the figures of each day stay'),
  ('progress_summaries', 'after', '400 days', '35 days', 'after its week began', 'retention',
   'week < $1::date', 'sessions, feedback and assessments stay; this is what was told of them');

-- "slotbase grant-reader" runs these lines again, for a role that was made after the migrations.
do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.daily_reports, slotbase.progress_summaries to slotbase_reader;
  end if;
end $$;
