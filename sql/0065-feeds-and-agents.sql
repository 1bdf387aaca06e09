-- Calendar feeds: a calendar program reads one's bookings, or those of a resource, at a secret address. Only a hash of
-- the address is kept. What the address shows is decided at each reading, by the rights that its owner has then.

create table slotbase.calendar_feeds (
  id          uuid        not null,
  facility_id uuid        not null references slotbase.facilities (id),
  user_id     uuid        not null references slotbase.users (id) on delete cascade,
  resource_id uuid,
  shows_names boolean     not null default false,
  token_hash  bytea       not null,
  created_at  timestamptz not null default slotbase.now(),
  rotated_at  timestamptz,
  primary key (id, facility_id),
  foreign key (resource_id, facility_id) references slotbase.resources (id, facility_id),
  constraint names_are_of_a_resource check (resource_id is not null or not shows_names)
);
create unique index calendar_feed_by_address on slotbase.calendar_feeds (token_hash);
create index calendar_feeds_of_person on slotbase.calendar_feeds (user_id, facility_id, id);
create index calendar_feeds_of_resource on slotbase.calendar_feeds (resource_id, facility_id) where resource_id is not null;
create index calendar_feeds_of_facility on slotbase.calendar_feeds (facility_id, id);
comment on table  slotbase.calendar_feeds is 'Secret addresses at which calendar programs read bookings. A revoked one has no row.';
comment on column slotbase.calendar_feeds.user_id is 'Whose rights decide what is shown. Who has lost the role shows nothing.';
comment on column slotbase.calendar_feeds.resource_id is 'Its bookings; null: those of the person and of the children that they book for.';
comment on column slotbase.calendar_feeds.shows_names is 'Of a resource: whether the events name the bookers.';
comment on column slotbase.calendar_feeds.token_hash is 'SHA-256 of the secret part of the address.';
comment on column slotbase.calendar_feeds.rotated_at is 'When it last got a new address; null: it has the first one.';

insert into slotbase.retention_rules (name, ends, says, why) values
  ('calendar_feeds', 'with', 'its person, or when it is revoked', 'calendar programs read it');

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (id, facility_id, user_id, resource_id, shows_names, created_at, rotated_at)
      on slotbase.calendar_feeds to slotbase_reader;
  end if;
end $$;

-- Agents: they improve feedback, transcribe voice notes, explain strikes and look at each day. An agent proposes, and a
-- person decides. A text or speech service outside is asked only as far as the facility allows.
create table slotbase.agent_settings (
  facility_id    uuid        primary key references slotbase.facilities (id),
  whose_words    text        not null default 'adults' constraint whose_words_is_known check (whose_words in ('nobody', 'adults', 'everybody')),
  monthly_budget bigint      not null default 200000 constraint monthly_budget_not_negative check (monthly_budget between 0 and 1000000000),
  updated_at     timestamptz not null default slotbase.now()
);
comment on table  slotbase.agent_settings is 'What a facility lets its agents do. No row: the defaults.';
comment on column slotbase.agent_settings.whose_words is 'The players about whom words may leave the system, to the services that the operator has configured.';
comment on column slotbase.agent_settings.monthly_budget is 'What services outside may use in a calendar month (UTC), in tokens; a second of speech counts as 10.';

create table slotbase.agent_calls (
  id          uuid        not null,
  facility_id uuid        not null references slotbase.facilities (id),
  event_id    uuid        not null,
  agent       text        not null,
  purpose     text        not null constraint agent_purpose_is_known check (purpose in ('text', 'transcription')),
  endpoint    text        not null,
  model       text        not null,
  subject_id  uuid        not null,
  about_child boolean     not null,
  sent        jsonb       not null,
  month       date        not null,
  reserved    integer     not null constraint reserved_is_positive check (reserved > 0),
  used        integer     not null default 0 constraint used_not_negative check (used >= 0),
  status      text        not null constraint agent_call_status_is_known check (status in ('begun', 'done', 'failed')),
  requests    smallint    not null default 1,
  answer      jsonb,
  failure     text,
  begun_at    timestamptz not null default slotbase.now(),
  ended_at    timestamptz,
  primary key (id, facility_id),
  constraint done_call_has_its_answer check ((status = 'done') = (answer is not null))
);
create unique index agent_called_once on slotbase.agent_calls (event_id, facility_id, agent, purpose);
create index agent_calls_of_month on slotbase.agent_calls (facility_id, month);
create index agent_calls_of_subject on slotbase.agent_calls (subject_id, facility_id);
create index agent_calls_by_begin on slotbase.agent_calls (begun_at);
create index agent_calls_of_facility on slotbase.agent_calls (facility_id, id);
comment on table  slotbase.agent_calls is 'What left the system for a text or speech service: when, to which one, about what, and what it used. One row per event, agent and purpose.';
comment on column slotbase.agent_calls.endpoint is 'The host that was asked.';
comment on column slotbase.agent_calls.subject_id is 'The feedback or the file.';
comment on column slotbase.agent_calls.sent is 'The fields that left, with their sizes; never their words.';
comment on column slotbase.agent_calls.reserved is 'Tokens that count for the budget while the call has not ended; afterwards only those used do.';
comment on column slotbase.agent_calls.used is 'Tokens that the service reported, of all requests of this row.';
comment on column slotbase.agent_calls.requests is 'Requests that left, repetitions after a crash or a failure included.';
comment on column slotbase.agent_calls.answer is 'What the service answered, so that a repeated run asks no second time.';

create table slotbase.feedback_suggestions (
  id              uuid        not null,
  facility_id     uuid        not null,
  feedback_id     uuid        not null,
  event_id        uuid        not null,
  made_by         text        not null,
  is_rule_based   boolean     not null,
  notes           text[]      not null default '{}',
  transcript      text,
  original_text   text        not null,
  original_skills text[]      not null,
  suggested_text  text        not null,
  suggested_skills text[]     not null,
  status          text        not null default 'open' constraint suggestion_status_is_known check (status in ('open', 'approved', 'rejected', 'superseded')),
  made_at         timestamptz not null default slotbase.now(),
  decided_at      timestamptz,
  decided_by      uuid        references slotbase.users (id),
  approved_text   text,
  approved_skills text[],
  primary key (id, facility_id),
  foreign key (feedback_id, facility_id) references slotbase.feedback (id, facility_id) on delete cascade,
  constraint approved_keeps_what_was_approved check ((status = 'approved') = (approved_text is not null and approved_skills is not null)),
  constraint decided_names_who check ((status in ('approved', 'rejected')) = (decided_by is not null))
);
create unique index suggestion_once_per_event on slotbase.feedback_suggestions (event_id, facility_id);
create index suggestions_by_decider on slotbase.feedback_suggestions (decided_by) where decided_by is not null;
create index suggestions_of_feedback on slotbase.feedback_suggestions (feedback_id, facility_id, id);
comment on table  slotbase.feedback_suggestions is 'What the FeedbackEnhancementAgent proposes for feedback. Nothing of it is in the feedback before a person approves.';
comment on column slotbase.feedback_suggestions.made_by is 'rules, or the model that wrote it.';
comment on column slotbase.feedback_suggestions.notes is 'Why it is as it is, such as why no service was asked.';
comment on column slotbase.feedback_suggestions.original_text is 'The text of the feedback that it was made from.';
comment on column slotbase.feedback_suggestions.approved_text is 'What a person put into the feedback: the suggestion, or the person''s own words.';

create table slotbase.agent_reports (
  id          uuid        not null,
  facility_id uuid        not null references slotbase.facilities (id),
  event_id    uuid        not null,
  agent       text        not null constraint reporting_agent_is_known check (agent in ('EnforcementAgent', 'MonitoringAgent')),
  subject_id  uuid        not null,
  lines       text[]      not null constraint report_says_something check (cardinality(lines) > 0),
  proposal    text        constraint proposal_is_known check (proposal in ('keep', 'waive')),
  status      text        not null constraint report_status_is_known check (status in ('said', 'open', 'accepted', 'dismissed')),
  made_at     timestamptz not null default slotbase.now(),
  decided_at  timestamptz,
  decided_by  uuid        references slotbase.users (id),
  decided_why text,
  primary key (id, facility_id),
  constraint only_a_proposal_is_decided check ((proposal is null) = (status = 'said')),
  constraint decided_report_names_who check ((status in ('accepted', 'dismissed')) = (decided_by is not null))
);
create unique index agent_reported_once on slotbase.agent_reports (event_id, facility_id, agent);
create index agent_reports_of_facility on slotbase.agent_reports (facility_id, id);
create index agent_reports_by_decider on slotbase.agent_reports (decided_by) where decided_by is not null;
create index agent_reports_by_age on slotbase.agent_reports (made_at);
comment on table  slotbase.agent_reports is 'What agents tell staff in words, by rules: strikes with a proposal, and what was odd on a day.';
comment on column slotbase.agent_reports.subject_id is 'The booking of the strike, or the facility.';
comment on column slotbase.agent_reports.proposal is 'waive: take the strike back; keep: leave it. Null: there is nothing to decide.';

insert into slotbase.retention_rules (name, ends, says, why) values
  ('agent_settings', 'never', '', 'a row per facility'),
  ('feedback_suggestions', 'with', 'its feedback', 'both texts are kept: what the coach wrote and what was published');
insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('agent_calls', 'after', '2 years', '62 days', 'after the call', 'retention', 'begun_at < $1', 'says what left the system, and counts for the month''s budget'),
  ('agent_reports', 'after', '1 year', '7 days', 'after it was made', 'retention', 'made_at < $1', 'staff look back over a season');

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.agent_settings, slotbase.feedback_suggestions, slotbase.agent_reports to slotbase_reader;
    grant select (id, facility_id, event_id, agent, purpose, endpoint, model, subject_id, about_child, sent, month, reserved, used,
                  status, requests, failure, begun_at, ended_at) on slotbase.agent_calls to slotbase_reader;
  end if;
end $$;
