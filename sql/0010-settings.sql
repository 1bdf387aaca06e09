-- What an operator sets and asks: the settings of the whole system, and who keeps dead rows from being vacuumed.

-- In a table and not in environment variables: psql, the doctor and every process then mean the same, and changing one is
-- an update that needs no restart.
create table slotbase.settings (
  one        boolean  primary key default true constraint settings_is_one_row check (one),
  late_after interval not null default '10 seconds' constraint late_after_is_positive check (late_after > interval '0')
                                                    constraint late_after_is_at_most_a_year check (late_after <= interval '1 year')
);
comment on table  slotbase.settings is 'What an operator may change with an update, for all processes at once.';
comment on column slotbase.settings.late_after is 'What has waited longer than this stands in late_events. Work is done within milliseconds, and taken over from a dead process within 5 seconds.';
insert into slotbase.settings default values;

create function slotbase.keep_settings() returns trigger language plpgsql as $$
begin
  raise exception 'slotbase.settings is one row: update it'
    using errcode = 'restrict_violation', hint = 'Such as: update slotbase.settings set late_after = ''1 minute''';
end $$;
comment on function slotbase.keep_settings() is 'Refuses to empty the settings: without their row no view of this schema would show anything.';
create trigger settings_stay before delete or truncate on slotbase.settings
  for each statement execute function slotbase.keep_settings();

-- Sessions of this database keep its dead rows, by their snapshot (xmin) or by what they write; a session of another one that
-- writes keeps the floor of the outbox, for transactions are numbered for the whole server. Slots, and what pg_stat_activity
-- hides from a reader, have no visible start: they are named when they are 10,000 transactions old, which a replica that
-- keeps up never is.
create view slotbase.vacuum_holders as
select h.pid, h.kind, h.name, h.state, h.since, h.holds, h.xmin, age(h.xmin) as transactions
from (
  select a.pid, 'session' as kind, case when coalesce(a.datname = current_database(), true) then 'vacuum' else 'floor' end as holds,
         a.application_name as name, a.state, a.xact_start as since,
         case when a.backend_xmin is null or age(a.backend_xid) > age(a.backend_xmin) then a.backend_xid else a.backend_xmin end as xmin
  from pg_stat_activity a
  where a.pid <> pg_backend_pid() and a.backend_type in ('client backend', 'walsender', 'background worker')
    and (a.backend_xid is not null
      or a.backend_xmin is not null and coalesce(a.datname = current_database(), true))
  union all
  select null, 'prepared transaction', case when x.database = current_database() then 'vacuum' else 'floor' end,
         x.gid, 'prepared', x.prepared, x.transaction
  from pg_prepared_xacts x
  union all
  select r.active_pid, 'replication slot', 'vacuum', r.slot_name, case when r.active then 'active' else 'inactive' end, null, r.xmin
  from pg_replication_slots r where r.xmin is not null
) h
cross join slotbase.settings s
where case when h.since is null then age(h.xmin) > 10000 else h.since < clock_timestamp() - s.late_after end;
comment on view slotbase.vacuum_holders is 'Who keeps dead rows from being vacuumed, or the floor of the outbox from rising, for longer than late_after: every scan of a queue walks what they keep.';
comment on column slotbase.vacuum_holders.holds is 'vacuum: dead rows of this database, and the floor; floor: only the floor of the outbox.';
comment on column slotbase.vacuum_holders.transactions is 'How many transactions have begun since.';

create function slotbase.session_text(pid integer, name text, state text, since timestamptz) returns text language sql stable as $$
  select 'session ' || pid || coalesce(' (' || nullif(concat_ws(', ', nullif(name, ''), state,
    'for ' || date_trunc('second', clock_timestamp() - since)), '') || ')', '')
$$;
comment on function slotbase.session_text(integer, text, text, timestamptz) is 'A PostgreSQL session in words; what a reader may not see of it is left out.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.settings, slotbase.vacuum_holders to slotbase_reader;
  end if;
end $$;
