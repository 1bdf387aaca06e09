-- The audit trail: who did what, when, from where, with which key, to what. A row is written in the transaction of its
-- change, so there is no row without its change. Rows are only added. They are removed by age, and no row leaves before
-- its two years are over. The row keeps ids and no foreign keys, because it outlives the things that it names.
-- Failed sign-ins have a table of their own: they are counted by the hour, so that strangers cannot make it grow.

create table slotbase.audit_log (
  id              uuid        not null,
  facility_id     uuid        not null,
  organization_id uuid,
  at              timestamptz not null,
  actor_id        uuid,
  actor_kind      text        not null constraint audit_actor_kind_is_known check (actor_kind in ('person', 'api_key', 'system', 'database')),
  database_user   text,
  api_key_id      uuid,
  client_address  inet,
  user_agent      text        constraint audit_user_agent_is_cut check (length(user_agent) <= 256),
  correlation_id  uuid,
  method          text,
  route           text,
  action          text        not null constraint audit_action_is_plain check (action ~ '^[a-z_]+\.[a-z_]+$'),
  subject_type    text        not null,
  subject_id      text        not null constraint audit_subject_is_short check (length(subject_id) <= 200),
  before          jsonb       constraint audit_before_is_cut check (pg_column_size(before) <= 32768),
  after           jsonb       constraint audit_after_is_cut check (pg_column_size(after) <= 32768),
  primary key (id, facility_id),
  constraint audit_names_its_actor check (num_nulls(actor_id, database_user) < 2)
);
create index audit_log_of_facility     on slotbase.audit_log (facility_id, id);
create index audit_log_of_action       on slotbase.audit_log (action, facility_id, id);
create index audit_log_of_organization on slotbase.audit_log (organization_id, id) where organization_id is not null;
create index audit_log_of_subject      on slotbase.audit_log (subject_id, id);
create index audit_log_of_actor        on slotbase.audit_log (actor_id, id) where actor_id is not null;
comment on table  slotbase.audit_log is 'Each administrative change and each successful sign-in. Append-only: a row cannot be changed, and leaves after two years.';
comment on column slotbase.audit_log.facility_id is 'The platform''s own row for what belongs to no facility: sign-ins, organizations, coupons.';
comment on column slotbase.audit_log.organization_id is 'The organization, when the change was to it and not to one facility.';
comment on column slotbase.audit_log.at is 'The instant inside the id.';
comment on column slotbase.audit_log.actor_id is 'The user row of the person, the key or the system actor; null for a session of PostgreSQL.';
comment on column slotbase.audit_log.actor_kind is 'person, api_key, system (root key, command line, jobs), database (SQL in a session of PostgreSQL).';
comment on column slotbase.audit_log.database_user is 'session_user of a change that was made in SQL.';
comment on column slotbase.audit_log.api_key_id is 'The key with which the request was made; null for a session.';
comment on column slotbase.audit_log.client_address is 'The other end of the connection.';
comment on column slotbase.audit_log.user_agent is 'As the client gave it, at most 256 characters; of SQL: application_name.';
comment on column slotbase.audit_log.correlation_id is 'The same as in the events of the request.';
comment on column slotbase.audit_log.route is 'The pattern of the route, never the address itself.';
comment on column slotbase.audit_log.action is 'Such as webhook.changed. docs/audit.md lists them.';
comment on column slotbase.audit_log.before is 'The fields that changed, as they were. Secrets are replaced by a mark, long values are cut.';
comment on column slotbase.audit_log.after is 'The same fields after the change; of a new thing: its fields.';

create function slotbase.audit_is_kept() returns interval language sql immutable as $$ select interval '2 years' $$;
comment on function slotbase.audit_is_kept() is 'How long a row of audit_log is kept at least.';

-- Triggers and not rights alone: the owner of a table has every right to it. "always" holds in every replication role.
create function slotbase.keep_audit_log() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    if old.at < slotbase.now() - slotbase.audit_is_kept() then
      return old;
    end if;
    raise exception 'the audit trail is kept for %: this row is younger', slotbase.audit_is_kept()
      using errcode = 'restrict_violation';
  end if;
  raise exception 'the audit trail is append-only: % is refused', tg_op using errcode = 'restrict_violation';
end $$;
comment on function slotbase.keep_audit_log() is 'Refuses to change the audit trail, to empty it, and to delete what is not old enough.';
create trigger audit_log_is_kept before delete on slotbase.audit_log
  for each row execute function slotbase.keep_audit_log();
create trigger audit_log_is_append_only before update or truncate on slotbase.audit_log
  for each statement execute function slotbase.keep_audit_log();
alter table slotbase.audit_log enable always trigger audit_log_is_kept;
alter table slotbase.audit_log enable always trigger audit_log_is_append_only;

create function slotbase.forget_audit_log(before timestamptz, batch integer, out looked integer, out gone integer)
language plpgsql as $$
begin
  delete from slotbase.audit_log a
  where (a.id, a.facility_id) in (
    select o.id, o.facility_id from slotbase.audit_log o
    where o.id < slotbase.id_at(least(forget_audit_log.before, slotbase.now() - slotbase.audit_is_kept()))
    order by o.id limit batch);
  get diagnostics gone = row_count;
  looked := gone;
end $$;
comment on function slotbase.forget_audit_log(timestamptz, integer) is 'Deletes at most "batch" rows of the audit trail from before that instant, none younger than two years; answers how many.';

-- Changes made in SQL name the session's user. The address is that of the session's client.
create function slotbase.audit_from_sql(action text, facility_id uuid, subject_type text, subject_id text, before jsonb, after jsonb)
returns void language plpgsql as $$
declare
  new_id uuid := slotbase.new_id();
begin
  insert into slotbase.audit_log (id, facility_id, at, actor_kind, database_user, client_address, user_agent, action,
    subject_type, subject_id, before, after)
  values (new_id, facility_id, slotbase.time_of(new_id), 'database', session_user, inet_client_addr(),
    left(current_setting('application_name'), 256), action, subject_type, subject_id, before, after);
end $$;
comment on function slotbase.audit_from_sql(text, uuid, text, text, jsonb, jsonb) is 'Adds a row to the audit trail in the name of session_user.';

create function slotbase.audit_recorded() returns trigger language plpgsql as $$
begin
  perform slotbase.audit_from_sql('event.recorded', new.facility_id, 'event', new.event_id::text, null,
    jsonb_build_object('type', new.type));
  return null;
end $$;
comment on function slotbase.audit_recorded() is 'Names the session that recorded an event by record_event().';
create trigger recorded_is_audited after insert on slotbase.recorded
  for each row execute function slotbase.audit_recorded();

-- The API names who resolves a dead letter. Without a name it was SQL: slotbase.reprocess(), or an update by hand.
create function slotbase.audit_dead_letter() returns trigger language plpgsql as $$
begin
  perform slotbase.audit_from_sql('dead_letter.' || case new.resolution when 'manual' then 'resolved' else new.resolution end,
    new.facility_id, 'dead_letter', new.id::text, null, null);
  return null;
end $$;
comment on function slotbase.audit_dead_letter() is 'Names the session that resolved a dead letter in SQL.';
create trigger dead_letter_is_audited after update on slotbase.dead_letters
  for each row when (new.resolution is not null and old.resolution is distinct from new.resolution and new.resolved_by is null)
  execute function slotbase.audit_dead_letter();

create function slotbase.audit_settings() returns trigger language plpgsql as $$
begin
  perform slotbase.audit_from_sql('settings.changed', '00000000-0000-7000-8000-000000000000', 'settings', 'settings',
    to_jsonb(old) - 'one', to_jsonb(new) - 'one');
  return null;
end $$;
comment on function slotbase.audit_settings() is 'Names the session that changed the settings.';
create trigger settings_are_audited after update on slotbase.settings
  for each row when (old.* is distinct from new.*) execute function slotbase.audit_settings();

create table slotbase.failed_sign_ins (
  id             uuid        primary key,
  hour           timestamptz not null,
  user_id        uuid,
  client_address inet,
  tries          integer     not null,
  first_at       timestamptz not null,
  last_at        timestamptz not null,
  constraint failed_sign_ins_counted_once unique nulls not distinct (hour, user_id, client_address)
);
create index failed_sign_ins_of_user on slotbase.failed_sign_ins (user_id, id) where user_id is not null;
comment on table  slotbase.failed_sign_ins is 'Wrong passwords, counted by account, address and hour.';
comment on column slotbase.failed_sign_ins.user_id is 'The account; null when nobody has the address that was typed, which is not kept.';
comment on column slotbase.failed_sign_ins.client_address is 'The client; of IPv6 its /64. Null: unknown, or one of more addresses than an hour may have.';

create function slotbase.note_failed_sign_in(account uuid, address inet, most_addresses integer) returns void language plpgsql as $$
declare
  present   timestamptz := slotbase.now();
  this_hour timestamptz := date_trunc('hour', present, 'UTC');
  client    inet        := case when family(address) = 6 then network(set_masklen(address, 64)) else address end;
  known     integer;
begin
  select count(*) into known from (
    select from slotbase.failed_sign_ins f
    where f.hour = this_hour and (f.user_id = account or f.user_id is null and account is null)
      and f.client_address <> client
    limit most_addresses) others;
  insert into slotbase.failed_sign_ins as f (id, hour, user_id, client_address, tries, first_at, last_at)
  values (slotbase.new_id(), this_hour, account, case when known < most_addresses then client end, 1, present, present)
  on conflict on constraint failed_sign_ins_counted_once
  do update set tries = f.tries + 1, last_at = excluded.last_at;
end $$;
comment on function slotbase.note_failed_sign_in(uuid, inet, integer) is 'Counts a wrong password. Beyond so many addresses of one account and hour the others share one row.';

insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('audit_log', 'after', '2 years', '2 years', 'after the act', 'retention',
   null, 'disputes about who did what come within two years'),
  ('failed_sign_ins', 'after', '2 years', '30 days', 'after its hour', 'retention',
   'hour < $1', 'belongs to the audit trail; one row for all tries of an hour from one address');

create view slotbase.sign_ins as
select a.id, a.actor_id as user_id, 'succeeded' as outcome, 1 as tries, a.at as first_at, a.at as last_at, a.client_address, a.user_agent
from slotbase.audit_log a where a.action = 'session.created'
union all
select f.id, f.user_id, 'failed', f.tries, f.first_at, f.last_at, f.client_address, null
from slotbase.failed_sign_ins f;
comment on view   slotbase.sign_ins is 'The sign-ins that succeeded, one by one, and those that failed, by the hour.';
comment on column slotbase.sign_ins.user_id is 'The account; null: nobody has the address that was typed.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.audit_log, slotbase.failed_sign_ins, slotbase.sign_ins to slotbase_reader;
  end if;
end $$;
