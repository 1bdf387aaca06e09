-- The ground: one clock, ids that carry time, and the identity of running processes.
-- Everything later takes its time from slotbase.now(), so that a demo or a test can move time
-- for the whole system at once; this can't be added afterwards.

create extension if not exists btree_gist;

comment on schema slotbase is 'SlotBase: sports facility bookings, their domain events, and what became of each event.';

create table slotbase.clock (
  one     boolean  primary key default true constraint clock_is_one_row check (one),
  shift   interval not null default interval '0',
  movable boolean  not null default false,
  constraint clock_moves_only_in_demo_or_test check (movable or shift = interval '0')
);
comment on table  slotbase.clock is 'The one clock. slotbase.now() is the real time plus shift.';
comment on column slotbase.clock.shift is 'How far the clock of this database stands ahead of the real time.';
comment on column slotbase.clock.movable is 'True only in a database marked as demo or test; elsewhere shift stays zero.';
insert into slotbase.clock default values;

-- volatile on purpose: order and expiry need the instant of the call, not of the transaction.
-- Inside a where clause write (select slotbase.now()), which is evaluated once and lets an index serve.
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

-- An id that is made from an event's id and a name: the same every time, unique per name, and with the
-- event's own time in front, so that a search by it touches a single partition.
create function slotbase.derived_id(event_id uuid, name text) returns uuid language sql immutable as $$
  select overlay(overlay(overlay(md5(event_id::text || name)
    placing left(replace(event_id::text, '-', ''), 12) from 1 for 12)
    placing '7' from 13 for 1)
    placing '8' from 17 for 1)::uuid
$$;
comment on function slotbase.derived_id(uuid, text) is 'A stable UUID for something that belongs to an event, carrying the event''s time.';

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
comment on column slotbase.processes.alive_until is 'Real time, never the movable clock: renewed every second; after it the process counts as dead.';

create table slotbase.partitioned_tables (
  name text primary key
);
comment on table slotbase.partitioned_tables is 'The tables partitioned by the time inside an event''s id, all with the same monthly boundaries.';

-- Partitions are made well ahead, by attaching: "create table … partition of" would lock out every insert behind one reader.
create function slotbase.ensure_partitions(months_ahead integer default 3) returns integer language plpgsql as $$
declare
  parent text;
  month  date;
  child  text;
  made   integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('slotbase'), hashtext('partitions'));
  for parent in select name from slotbase.partitioned_tables order by name loop
    for month in
      select generate_series(
        date_trunc('month', slotbase.now() at time zone 'UTC') - interval '1 month',
        date_trunc('month', slotbase.now() at time zone 'UTC') + make_interval(months => months_ahead),
        interval '1 month')::date
    loop
      child := parent || to_char(month, '_YYYY_MM');
      continue when to_regclass(format('slotbase.%I', child)) is not null;
      execute format('create table slotbase.%I (like slotbase.%I including all)', child, parent);
      execute format('alter table slotbase.%I attach partition slotbase.%I for values from (%L) to (%L)',
        parent, child,
        slotbase.id_at(month::timestamp at time zone 'UTC'),
        slotbase.id_at((month + interval '1 month')::timestamp at time zone 'UTC'));
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
