-- Calendars at Google and of Outlook are connected by a consent in the browser, and tell of their changes by channels.
-- Providers limit programs for hours at times: since when a calendar waits for that is known, and is told.

create table slotbase.calendar_consents (
  id            uuid        not null,
  facility_id   uuid        not null references slotbase.facilities (id),
  user_id       uuid        not null references slotbase.users (id) on delete cascade,
  provider      text        not null constraint consent_provider_is_known check (provider in ('google', 'outlook')),
  state_hash    bytea       not null,
  verifier      bytea,
  code_hash     bytea,
  refresh_token bytea,
  expires_at    timestamptz not null,
  created_at    timestamptz not null default slotbase.now(),
  primary key (id, facility_id),
  constraint consent_code_has_its_token check ((code_hash is null) = (refresh_token is null)),
  constraint consent_is_asked_or_given check (verifier is null or code_hash is null)
);
create unique index calendar_consent_by_state on slotbase.calendar_consents (state_hash);
create index calendar_consents_of_person on slotbase.calendar_consents (user_id, facility_id);
create index calendar_consents_by_age on slotbase.calendar_consents (expires_at);
comment on table  slotbase.calendar_consents is 'Consents to reach a calendar, from the address of the consent page until a calendar is connected with it.';
comment on column slotbase.calendar_consents.state_hash is 'SHA-256 of the state that the provider sends back.';
comment on column slotbase.calendar_consents.verifier is 'The secret of the challenge (RFC 7636), encrypted under the secret key; null: the provider sent somebody back, once.';
comment on column slotbase.calendar_consents.code_hash is 'SHA-256 of the code with which its person connects a calendar. Only the browser that gave the consent was shown it.';
comment on column slotbase.calendar_consents.refresh_token is 'What the consent is worth, encrypted under the secret key; null: none was given yet.';

create table slotbase.calendar_channels (
  id          uuid        not null,
  facility_id uuid        not null references slotbase.facilities (id),
  sync_id     uuid        not null,
  provider    text        not null constraint channel_provider_is_known check (provider in ('google', 'outlook')),
  remote_id   text,
  secret_hash bytea       not null,
  expires_at  timestamptz not null,
  renew_at    timestamptz not null,
  stop_with   bytea,
  stop_at     timestamptz,
  stop_tries  integer     not null default 0,
  created_at  timestamptz not null default slotbase.now(),
  primary key (id, facility_id),
  constraint ended_channel_is_stopped check ((stop_with is null) = (stop_at is null))
);
create unique index calendar_has_one_channel on slotbase.calendar_channels (sync_id, facility_id) where stop_with is null;
create index calendar_channels_to_stop on slotbase.calendar_channels (stop_at) where stop_with is not null;
create index calendar_channels_by_age on slotbase.calendar_channels (expires_at);
comment on table  slotbase.calendar_channels is 'Channels by which a provider says that a calendar has changed: watch channels of Google, subscriptions of Microsoft Graph.';
comment on column slotbase.calendar_channels.sync_id is 'Its calendar, which may be disconnected already.';
comment on column slotbase.calendar_channels.remote_id is 'Its name at the provider; null: the provider has not opened it.';
comment on column slotbase.calendar_channels.secret_hash is 'SHA-256 of the secret that every notification brings.';
comment on column slotbase.calendar_channels.renew_at is 'When it is renewed, or tried again.';
comment on column slotbase.calendar_channels.stop_with is 'It has ended here: the sealed credentials of the calendar, with which it is stopped at the provider.';

alter table slotbase.calendar_syncs add column throttled_since timestamptz;
create index calendar_syncs_throttled on slotbase.calendar_syncs (throttled_since) where throttled_since is not null and told_at is null;

-- Calendars that have waited since before an instant, because their provider asks for pauses. Some were told to wait,
-- and nobody came to the others, because their host is held. They fail from now on, until they are in step.
create function slotbase.fail_throttled(since timestamptz, most integer)
returns setof slotbase.calendar_syncs language sql as $$
  with late as materialized (
    select s.id, s.facility_id, s.throttled_since as since from slotbase.calendar_syncs s
    where s.throttled_since < fail_throttled.since and s.told_at is null and s.sync_status = 'active'
    union
    select s.id, s.facility_id, s.next_sync_at from slotbase.calendar_hosts h
    join slotbase.calendar_syncs s on s.host = h.host and s.next_sync_at < fail_throttled.since
      and s.sync_status <> 'paused' and s.sync_status = 'active' and s.told_at is null and s.lease is null
    where h.held_until > fail_throttled.since
    limit most
  ), locked as materialized (
    select s.id, s.facility_id, min(l.since) as since from late l
    join lateral (
      select t.id, t.facility_id from slotbase.calendar_syncs t
      where t.id = l.id and t.facility_id = l.facility_id and t.told_at is null for update skip locked
    ) s on true
    group by s.id, s.facility_id
  )
  update slotbase.calendar_syncs s
  set sync_status = 'error', status_code = 'throttled', failing_since = l.since, told_at = slotbase.now(),
      status_reason = coalesce((select h.reason from slotbase.calendar_hosts h where h.host = s.host),
                               'The provider limits the requests to this calendar.')
  from locked l where s.id = l.id and s.facility_id = l.facility_id
  returning s.*
$$;
comment on function slotbase.fail_throttled(timestamptz, integer) is 'Calendars that have waited too long for their provider fail; answers them once.';
-- Every pass asks when the next calendar is due. With 20,000 calendars that read all of them (1,700 pages).
create index calendar_syncs_next on slotbase.calendar_syncs (next_sync_at) where sync_status <> 'paused' and lease is null;
comment on column slotbase.calendar_syncs.throttled_since is 'Since when its provider asks for pauses, and it was not in step; null: it does not.';
comment on column slotbase.calendar_syncs.status_code is 'Why it fails: credentials_refused, calendar_gone, unreachable, program_refused, refused, not_understood, throttled.';

insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('calendar_consents', 'after', '1 day', '1 hour', 'after it has expired, or when a calendar is connected with it', 'retention', 'expires_at < $1',
   'a consent that nobody used'),
  ('calendar_channels', 'after', '1 day', '1 hour', 'after it has expired, or when it is stopped at the provider', 'retention', 'expires_at < $1',
   'the provider has ended it by itself');

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (id, facility_id, user_id, provider, expires_at, created_at) on slotbase.calendar_consents to slotbase_reader;
    grant select (id, facility_id, sync_id, provider, remote_id, expires_at, renew_at, stop_at, stop_tries, created_at)
      on slotbase.calendar_channels to slotbase_reader;
    grant select (throttled_since) on slotbase.calendar_syncs to slotbase_reader;
  end if;
end $$;
