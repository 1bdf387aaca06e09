-- Besides the settings an operator changes the rules of retention and the clock of a demo, and says that the host's
-- clock is right. Each of them decides which rows are deleted and when. So each leaves a row in the audit trail.

create function slotbase.changed_fields(fields jsonb, other jsonb) returns jsonb language sql immutable as $$
  select coalesce(jsonb_object_agg(f.key, f.value), '{}')
  from jsonb_each(fields) f where f.value is distinct from other -> f.key
$$;
comment on function slotbase.changed_fields(jsonb, jsonb) is 'The fields of the first row that differ from those of the other.';

create or replace function slotbase.audit_settings() returns trigger language plpgsql as $$
declare
  was jsonb := to_jsonb(old);
  is_ jsonb := to_jsonb(new);
begin
  perform slotbase.audit_from_sql('settings.changed', '00000000-0000-7000-8000-000000000000', 'settings', 'settings',
    slotbase.changed_fields(was, is_), slotbase.changed_fields(is_, was));
  return null;
end $$;

-- The job retention notes in walked_to how far it has come. That changes no rule.
create function slotbase.audit_retention_rule() returns trigger language plpgsql as $$
declare
  was jsonb := to_jsonb(old) - 'walked_to';
  is_ jsonb;
begin
  if tg_op = 'DELETE' then
    perform slotbase.audit_from_sql('retention_rule.deleted', '00000000-0000-7000-8000-000000000000', 'retention_rule', old.name,
      was, null);
    return null;
  end if;
  is_ := to_jsonb(new) - 'walked_to';
  if was <> is_ then
    perform slotbase.audit_from_sql('retention_rule.changed', '00000000-0000-7000-8000-000000000000', 'retention_rule', old.name,
      slotbase.changed_fields(was, is_), slotbase.changed_fields(is_, was));
  end if;
  return null;
end $$;
comment on function slotbase.audit_retention_rule() is 'Names the session that changed or deleted a rule of retention.';
create trigger retention_rules_are_audited after update or delete on slotbase.retention_rules
  for each row execute function slotbase.audit_retention_rule();

create function slotbase.audit_clock() returns trigger language plpgsql as $$
declare
  was jsonb := to_jsonb(old);
  is_ jsonb := to_jsonb(new);
begin
  perform slotbase.audit_from_sql('clock.changed', '00000000-0000-7000-8000-000000000000', 'clock', 'clock',
    slotbase.changed_fields(was, is_), slotbase.changed_fields(is_, was));
  return null;
end $$;
comment on function slotbase.audit_clock() is 'Names the session that moved the clock, or made it movable.';
create trigger clock_is_audited after update on slotbase.clock
  for each row when (old.* is distinct from new.*) execute function slotbase.audit_clock();

-- The row is written by the function and not by a trigger: each look at the clock updates clock_watch too.
create or replace function slotbase.trust_clock() returns timestamptz language plpgsql as $$
declare
  was slotbase.clock_watch;
  is_ slotbase.clock_watch;
begin
  select * into was from slotbase.clock_watch for update;
  update slotbase.clock_watch set trusted_at = clock_timestamp(), seen_at = clock_timestamp(), doubted_since = null
  returning * into is_;
  perform slotbase.audit_from_sql('clock.trusted', '00000000-0000-7000-8000-000000000000', 'clock', 'clock',
    to_jsonb(was) - 'one', to_jsonb(is_) - 'one');
  return is_.trusted_at;
end $$;
