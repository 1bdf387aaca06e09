-- The base of the schema: one clock, ids that carry time, monthly partitions, settings, and the identity of processes.
-- Every later file takes its time from slotbase.now(), so a demo or a test can move time for the whole system at once.
-- Such a clock cannot be added afterwards.

-- The exclusion constraints of later files need btree_gist. The extension has a schema of its own. So \df slotbase.*
-- lists only functions of SlotBase. No search_path has to name that schema, because PostgreSQL finds the default
-- operator classes by their type, and the constraints keep their operators. An extension that a DBA has installed
-- elsewhere stays there, and then no right to install one is needed.
do $$
begin
  if not exists (select from pg_extension where extname = 'btree_gist') then
    create schema if not exists slotbase_extensions;
    comment on schema slotbase_extensions is 'The extensions of PostgreSQL that SlotBase needs; nothing here is its own.';
    create extension btree_gist schema slotbase_extensions;
  end if;
end $$;

comment on schema slotbase is 'SlotBase: sports facility bookings, their domain events, and what became of each event.';

create table slotbase.clock (
  one     boolean  primary key default true constraint clock_is_one_row check (one),
  shift   interval not null default interval '0',
  movable boolean  not null default false,
  constraint clock_moves_only_in_demo_or_test check (movable or shift = interval '0')
);
insert into slotbase.clock default values;
comment on table  slotbase.clock is 'The one clock. slotbase.now() is the real time plus shift.';
comment on column slotbase.clock.shift is 'How far the clock of this database is ahead of the real time.';
comment on column slotbase.clock.movable is 'True only in a database marked as demo or test; elsewhere shift stays zero.';

-- The function is volatile on purpose: order and expiry need the instant of the call, not of the transaction. A where
-- clause says (select slotbase.now()), which is evaluated once and lets an index serve.
create function slotbase.now() returns timestamptz language sql volatile as $$
  select clock_timestamp() + shift from slotbase.clock
$$;
comment on function slotbase.now() is 'The present instant of the one clock.';

-- The smallest UUID of a millisecond: the boundary of partitions and of searches by time.
create function slotbase.id_at(at timestamptz) returns uuid language sql immutable as $$
  select (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
comment on function slotbase.id_at(timestamptz) is 'The lowest UUID whose UUIDv7 time is the given instant.';

create function slotbase.time_of(id uuid) returns timestamptz language sql immutable as $$
  select to_timestamp(('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint / 1000.0)
$$;
comment on function slotbase.time_of(uuid) is 'The instant inside a UUIDv7.';

create function slotbase.new_id() returns uuid language sql volatile as $$
  select overlay(overlay(gen_random_uuid()::text
    placing left(x, 8) || '-' || right(x, 4) from 1 for 13)
    placing '7' from 15 for 1)::uuid
  from (select lpad(to_hex((extract(epoch from slotbase.now()) * 1000)::bigint), 12, '0') as x) t
$$;
comment on function slotbase.new_id() is 'A UUIDv7 of the present instant, for rows that SQL itself makes (PostgreSQL 15 has no uuidv7()).';

-- An id that is made from an event's id and a name. It is the same every time and unique per name. It begins with the
-- event's own time, so a search by the id touches a single partition. Every delivery needs two such ids: its own at
-- dispatch, and its attempt's with the claim. Each takes 2.7 µs; an earlier text of more pieces took 4.4 µs. PostgreSQL
-- reads a UUID with its hyphens or without them.
create function slotbase.derived_id(event_id uuid, name text) returns uuid language sql immutable as $$
  select (left(event_id::text, 13) || '-7' || overlay(substr(md5(event_id::text || name), 14) placing '8' from 4 for 1))::uuid
$$;
comment on function slotbase.derived_id(uuid, text) is 'A stable UUID for something that belongs to an event, carrying the event''s time.';

create function slotbase.utc(at timestamptz) returns text language sql immutable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
comment on function slotbase.utc(timestamptz) is 'An instant as JSON documents write it, with milliseconds, in UTC.';

create table slotbase.processes (
  id          bigint      generated always as identity primary key,
  host        text        not null,
  pid         integer     not null,
  role        text        not null,
  version     text        not null,
  started_at  timestamptz not null default clock_timestamp(),
  alive_until timestamptz not null
);
comment on table  slotbase.processes is 'One row per running process. Work leased by a process that is no longer alive is taken over.';
comment on column slotbase.processes.alive_until is 'Real time, never the movable clock: renewed every half second; after it the process counts as expired.';

create sequence slotbase.lease_seq as bigint;
comment on sequence slotbase.lease_seq is 'Fencing tokens: what was claimed under an older one can no longer be settled.';

create function slotbase.month_begins(month date) returns uuid language sql immutable as $$
  select slotbase.id_at(month::timestamp at time zone 'UTC')
$$;
comment on function slotbase.month_begins(date) is 'The lowest id of a month, in UTC.';
create function slotbase.month_ends(month date) returns uuid language sql immutable as $$
  select slotbase.id_at((month + interval '1 month')::timestamp at time zone 'UTC')
$$;
comment on function slotbase.month_ends(date) is 'The lowest id that is no longer of a month, in UTC.';

-- A partition is only ever inserted into. It is vacuumed after every 50,000 rows, whatever its size. The default waits
-- for a fifth of the table, which is 2 million rows of 10. The vacuum marks pages visible for index-only scans. The
-- rows never change, so the vacuum freezes them at once. No wraparound vacuum then reads a past month. Queues, claims
-- and the outbox are written and emptied all the time. Their settings count rows and have no delay, because a fifth of
-- an empty table says nothing. Some small tables are updated all the time and need no settings: outbox_floor,
-- webhook_sequences, processes and availability_cache. No indexed column of theirs changes. Each new version stays on
-- its page, and the next reader of the page prunes the old versions.
create table slotbase.partitioned_tables (
  name    text primary key,
  storage text not null default
    'autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000, autovacuum_freeze_min_age = 0'
);
comment on table slotbase.partitioned_tables is 'The tables partitioned by the time inside an event''s id, all with the same monthly boundaries.';
comment on column slotbase.partitioned_tables.storage is 'Storage parameters of each partition; a partitioned table itself may not have any.';

-- Partitions are made well ahead, by attaching: "create table … partition of" would lock out every insert behind one
-- reader.
create function slotbase.ensure_partitions(months_ahead integer default 3) returns integer language plpgsql as $$
declare
  parent  text;
  options text;
  month   date;
  child   text;
  made    integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('slotbase'), hashtext('partitions'));
  for parent, options in select name, storage from slotbase.partitioned_tables order by name loop
    for month in
      select generate_series(
        date_trunc('month', slotbase.now() at time zone 'UTC') - interval '1 month',
        date_trunc('month', slotbase.now() at time zone 'UTC') + make_interval(months => months_ahead),
        interval '1 month')::date
    loop
      child := parent || to_char(month, '_YYYY_MM');
      continue when to_regclass(format('slotbase.%I', child)) is not null;
      execute format('create table slotbase.%I (like slotbase.%I including all) with (%s)', child, parent, options);
      execute format('alter table slotbase.%I attach partition slotbase.%I for values from (%L) to (%L)',
        parent, child, slotbase.month_begins(month), slotbase.month_ends(month));
      made := made + 1;
    end loop;
  end loop;
  return made;
end $$;
comment on function slotbase.ensure_partitions(integer) is 'Creates the missing monthly partitions up to some months ahead; returns how many it made.';

create function slotbase.move_clock(by interval) returns timestamptz language plpgsql as $$
begin
  update slotbase.clock set shift = shift + by where movable;
  if not found then
    raise exception 'the clock of this database cannot be moved: it is not marked as demo or test';
  end if;
  perform slotbase.ensure_partitions();
  return slotbase.now();
end $$;
comment on function slotbase.move_clock(interval) is 'Moves the one clock, in a database marked as demo or test only.';

-- The settings are in a table and not in environment variables. Then psql, the doctor and every process read the same
-- values, and an update changes a setting without a restart.
create table slotbase.settings (
  one         boolean  primary key default true constraint settings_is_one_row check (one),
  late_after  interval not null default '10 seconds'
    constraint late_after_is_positive check (late_after > interval '0')
    constraint late_after_is_at_most_a_year check (late_after <= interval '1 year'),
  keep_events interval default '12 months'
    constraint events_are_kept_a_month check (keep_events >= interval '1 month')
    constraint events_are_kept_at_most_1000_years check (keep_events <= interval '1000 years')
);
insert into slotbase.settings default values;
comment on table  slotbase.settings is 'The settings that an operator may change with an update, for all processes at once.';
comment on column slotbase.settings.late_after is 'Work that has waited longer than this is listed in late_events. Work is done within milliseconds, and taken over from an expired process within 5 seconds.';
comment on column slotbase.settings.keep_events is 'How long events, runs, deliveries and attempts are kept: at least this, at most a month longer. Null: for ever.';

create function slotbase.keep_settings() returns trigger language plpgsql as $$
begin
  raise exception 'slotbase.settings is one row: update it'
    using errcode = 'restrict_violation', hint = 'Such as: update slotbase.settings set late_after = ''1 minute''';
end $$;
comment on function slotbase.keep_settings() is 'Refuses to empty the settings: without their row no view of this schema would show anything.';
create trigger settings_stay before delete or truncate on slotbase.settings
  for each statement execute function slotbase.keep_settings();

create function slotbase.session_text(pid integer, name text, state text, since timestamptz) returns text language sql stable as $$
  select 'session ' || pid || coalesce(' (' || nullif(concat_ws(', ', nullif(name, ''), state,
    'for ' || date_trunc('second', clock_timestamp() - since)), '') || ')', '')
$$;
comment on function slotbase.session_text(integer, text, text, timestamptz) is 'A PostgreSQL session in words; what a reader may not see of it is left out.';

create table slotbase.secret_key_check (
  one    boolean primary key default true constraint secret_key_check_is_one_row check (one),
  sealed bytea   not null
);
comment on table slotbase.secret_key_check is 'A value sealed under SLOTBASE_SECRET_KEY at the first start: a program with another key refuses to start.';
