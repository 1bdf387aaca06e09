-- Calendars of people and of resources, kept in step with a calendar outside: at Google, in Outlook, or at a CalDAV
-- server such as Apple's. Bookings are pushed there. What is busy there is pulled, and takes time as a booking does:
-- through slot_taken_once and coach_in_one_place.

create table slotbase.calendar_syncs (
  id                   uuid        not null,
  facility_id          uuid        not null references slotbase.facilities (id),
  user_id              uuid        not null references slotbase.users (id),
  resource_id          uuid,
  provider             text        not null constraint calendar_provider_is_known check (provider in ('google', 'outlook', 'apple')),
  credentials          bytea       not null,
  calendar_id          text        not null,
  host                 text        not null,
  sync_direction       text        not null constraint sync_direction_is_known check (sync_direction in ('push', 'pull', 'both')),
  events               text[]      not null,
  title_template       text        not null,
  description_template text        not null,
  location_template    text        not null,
  sync_status          text        not null default 'active' constraint sync_status_is_known check (sync_status in ('active', 'error', 'paused')),
  status_code          text,
  status_reason        text,
  failing_since        timestamptz,
  failures             integer     not null default 0,
  told_at              timestamptz,
  last_sync_at         timestamptz,
  next_sync_at         timestamptz not null default slotbase.now(),
  sync_token           text,
  checked_at           timestamptz,
  drift                integer     constraint drift_not_negative check (drift >= 0),
  asked                bigint      not null default 0,
  lease                bigint,
  owner                bigint,
  version              integer     not null default 1,
  created_at           timestamptz not null default slotbase.now(),
  updated_at           timestamptz not null default slotbase.now(),
  foreign key (resource_id, facility_id) references slotbase.resources (id, facility_id),
  constraint failing_sync_says_why check ((failing_since is null) = (status_reason is null)),
  constraint error_says_since_when check (sync_status <> 'error' or failing_since is not null),
  constraint sync_claim_is_whole check ((lease is null) = (owner is null))
);
create unique index calendar_connected_once
  on slotbase.calendar_syncs (facility_id, coalesce(resource_id, user_id), provider, calendar_id);
create index calendar_syncs_due on slotbase.calendar_syncs (host, next_sync_at) where sync_status <> 'paused';
create index calendar_syncs_of_user on slotbase.calendar_syncs (user_id, facility_id);
create index calendar_syncs_claimed on slotbase.calendar_syncs (owner) where lease is not null;
create index calendar_syncs_of_resource on slotbase.calendar_syncs (resource_id, facility_id) where resource_id is not null;
-- The newest of the indexes wins while the table is empty, and a foreign key must read by the key.
alter table slotbase.calendar_syncs add primary key (id, facility_id);
comment on table  slotbase.calendar_syncs is 'A calendar outside that is kept in step: that of a person, or with resource_id that of a resource.';
comment on column slotbase.calendar_syncs.user_id is 'Whose calendar it is. Of a resource: who connected it, and is told about it.';
comment on column slotbase.calendar_syncs.credentials is 'What its server asks for, encrypted under the secret key.';
comment on column slotbase.calendar_syncs.calendar_id is 'The name of the calendar at its provider; with CalDAV its address.';
comment on column slotbase.calendar_syncs.host is 'The server that is asked. A server that throttles holds all calendars of its host.';
comment on column slotbase.calendar_syncs.events is 'The types of events after which a booking is pushed.';
comment on column slotbase.calendar_syncs.sync_status is 'active; error: it fails, and is tried again; paused: by its owner.';
comment on column slotbase.calendar_syncs.status_code is 'Why it fails: credentials_refused, calendar_gone, unreachable, refused, not_understood.';
comment on column slotbase.calendar_syncs.told_at is 'When its owner was told that it fails; null: not yet.';
comment on column slotbase.calendar_syncs.next_sync_at is 'When it is looked at next: work waits, changes may be there, or it failed and is tried again.';
comment on column slotbase.calendar_syncs.sync_token is 'Up to where changes were pulled, in the provider''s words; null: all of it is pulled.';
comment on column slotbase.calendar_syncs.checked_at is 'When all entries were last compared with the calendar.';
comment on column slotbase.calendar_syncs.drift is 'Entries that differed then, or that were missing or left over. They are repaired.';
comment on column slotbase.calendar_syncs.asked is 'Counts the batches of events that asked for work: a settlement does not put off what was asked meanwhile.';
comment on column slotbase.calendar_syncs.lease is 'Fencing token of the process that is at it.';
comment on column slotbase.calendar_syncs.version is 'Counts the changes of its configuration. The credentials may be new.';

-- A booking that may differ from its entry in a calendar. It says nothing of what to do: whoever takes it looks at the
-- booking as it is now. So order and repetition of events mean nothing.
create table slotbase.calendar_work (
  sync_id     uuid        not null,
  facility_id uuid        not null,
  booking_id  uuid        not null,
  asked       bigint      not null default nextval('slotbase.lease_seq'),
  due_at      timestamptz not null default slotbase.now(),
  failures    integer     not null default 0,
  reason      text,
  primary key (sync_id, facility_id, booking_id),
  foreign key (sync_id, facility_id) references slotbase.calendar_syncs (id, facility_id) on delete cascade
);
create index calendar_work_due on slotbase.calendar_work (sync_id, facility_id, due_at);
comment on table  slotbase.calendar_work is 'Bookings to bring in step with a calendar. A row leaves when the calendar has what it should have.';
comment on column slotbase.calendar_work.asked is 'Drawn anew whenever the booking changes: a settlement of an older look leaves the row.';
comment on column slotbase.calendar_work.reason is 'Why the calendar refused it the last time.';

create table slotbase.calendar_entries (
  sync_id     uuid        not null,
  facility_id uuid        not null,
  booking_id  uuid        not null,
  remote_id   text        not null,
  etag        text,
  meaning     text        not null,
  ends_at     timestamptz not null,
  pushed_at   timestamptz not null default slotbase.now(),
  primary key (sync_id, facility_id, booking_id),
  foreign key (sync_id, facility_id) references slotbase.calendar_syncs (id, facility_id) on delete cascade
);
create unique index calendar_entry_is_one_booking on slotbase.calendar_entries (sync_id, remote_id);
create index calendar_entries_by_age on slotbase.calendar_entries (ends_at);
comment on table  slotbase.calendar_entries is 'What stands in a calendar because SlotBase pushed it.';
comment on column slotbase.calendar_entries.remote_id is 'Its name in the calendar; with CalDAV its address.';
comment on column slotbase.calendar_entries.etag is 'Its version there after the push; null: the server named none.';
comment on column slotbase.calendar_entries.meaning is 'SHA-256 of what it says; empty: it was found there, and not compared yet.';
comment on column slotbase.calendar_entries.ends_at is 'The end of its booking. What is over is not compared any more, and its owner may tidy up.';

-- Foreign events of a calendar. Their words are not kept: only when somebody is busy.
create table slotbase.calendar_events (
  sync_id     uuid    not null,
  facility_id uuid    not null,
  remote_id   text    not null,
  etag        text,
  recurs      boolean not null,
  fault       text,
  round       bigint  not null,
  primary key (sync_id, facility_id, remote_id),
  foreign key (sync_id, facility_id) references slotbase.calendar_syncs (id, facility_id) on delete cascade
);
comment on table  slotbase.calendar_events is 'Foreign events of a calendar that is pulled, without their words.';
comment on column slotbase.calendar_events.recurs is 'It has occurrences beyond the pulled time: they are read again as time goes on.';
comment on column slotbase.calendar_events.fault is 'Why it could not be read; it takes no time then. Null: it was read.';
comment on column slotbase.calendar_events.round is 'The last full reading of the calendar that saw it. What the next one does not see is gone.';

create table slotbase.busy_blocks (
  sync_id        uuid        not null,
  facility_id    uuid        not null,
  remote_id      text        not null,
  start_at       timestamptz not null,
  end_at         timestamptz not null,
  conflict_since timestamptz,
  primary key (sync_id, facility_id, remote_id, start_at, end_at),
  foreign key (sync_id, facility_id, remote_id) references slotbase.calendar_events (sync_id, facility_id, remote_id) on delete cascade,
  constraint busy_ends_after_it_starts check (end_at > start_at)
);
create index busy_blocks_by_age on slotbase.busy_blocks (end_at);
comment on table  slotbase.busy_blocks is 'A time at which a calendar says that its coach or resource is busy. All of a calendar together take time.';
comment on column slotbase.busy_blocks.conflict_since is 'A booking has some of the time, and stays: since when that is known, and was told. Null: there is none.';

-- What takes time is a booking or a calendar. A calendar has a row for each stretch, in which its blocks may overlap.
-- The keys become unique constraints, because a calendar has many rows and no booking.
alter table slotbase.coach_occupancies
  drop constraint coach_occupancies_booking_id_facility_id_fkey,
  drop constraint coach_occupancies_pkey,
  alter column booking_id drop not null,
  add column sync_id uuid;
alter table slotbase.occupancies
  drop constraint occupancies_pkey,
  alter column booking_id drop not null,
  add column sync_id uuid,
  add constraint booking_occupies_once unique (booking_id, facility_id),
  add constraint occupied_by_one_thing check (num_nonnulls(booking_id, sync_id) = 1),
  add constraint occupied_by_a_calendar foreign key (sync_id, facility_id)
    references slotbase.calendar_syncs (id, facility_id) on delete cascade;
alter table slotbase.coach_occupancies
  add constraint booking_takes_one_coach unique (booking_id, facility_id),
  add constraint coach_taken_by_one_thing check (num_nonnulls(booking_id, sync_id) = 1),
  add constraint coach_taken_with_an_occupancy foreign key (booking_id, facility_id)
    references slotbase.occupancies (booking_id, facility_id) on delete cascade,
  add constraint coach_taken_by_a_calendar foreign key (sync_id, facility_id)
    references slotbase.calendar_syncs (id, facility_id) on delete cascade;
create index occupancies_of_calendar on slotbase.occupancies (sync_id, facility_id) where sync_id is not null;
create index coach_occupancies_of_calendar on slotbase.coach_occupancies (sync_id, facility_id) where sync_id is not null;
comment on column slotbase.occupancies.booking_id is 'The booking that takes the time; null: sync_id takes it.';
comment on column slotbase.occupancies.sync_id is 'The pulled calendar that takes the time, instead of a booking.';
comment on column slotbase.coach_occupancies.booking_id is 'The booking that takes the time; null: sync_id takes it.';
comment on column slotbase.coach_occupancies.sync_id is 'The pulled calendar that takes the coach''s time, instead of a booking.';

create table slotbase.calendar_hosts (
  host       text        primary key,
  held_until timestamptz not null,
  reason     text        not null
);
comment on table slotbase.calendar_hosts is 'Servers of calendars that asked for a pause. No process asks them before it is over.';

-- Claims calendars that are due, in turn over their hosts. A host has at most per_host of all processes' places, so a
-- dead server holds up no other. A claim of a process that has ended is free.
create function slotbase.claim_calendars(claimer bigint, places integer, per_host integer)
returns setof slotbase.calendar_syncs language sql as $$
  with recursive present as materialized (select slotbase.now() as now),
  alive as materialized (
    select coalesce(array_agg(p.id), '{}') as ids from slotbase.processes p where p.alive_until > clock_timestamp()
  ), hosts as (
    (select s.host from slotbase.calendar_syncs s where s.sync_status <> 'paused' order by s.host limit 1)
    union all
    select (select s.host from slotbase.calendar_syncs s where s.sync_status <> 'paused' and s.host > h.host order by s.host limit 1)
    from hosts h where h.host is not null
  ), open as materialized (
    select h.host,
           per_host - (select count(*) from slotbase.calendar_syncs s
                       where s.host = h.host and s.lease is not null and s.owner = any ((select a.ids from alive a)::bigint[])) as room
    from hosts h
    where h.host is not null
      and not exists (select from slotbase.calendar_hosts t where t.host = h.host and t.held_until > (select p.now from present p))
  ), picked as materialized (
    select x.at from open o
    cross join lateral (
      select y.at, row_number() over () as turn from (
        select s.ctid as at from slotbase.calendar_syncs s
        where s.host = o.host and s.sync_status <> 'paused' and s.next_sync_at <= (select p.now from present p)
          and (s.lease is null or s.owner <> all ((select a.ids from alive a)::bigint[]))
        order by s.next_sync_at limit greatest(0, least(o.room, places)) for update skip locked) y
    ) x
    order by x.turn limit places
  )
  update slotbase.calendar_syncs s set lease = nextval('slotbase.lease_seq'), owner = claimer
  where s.ctid = any (array(select p.at from picked p))
  returning s.*
$$;
comment on function slotbase.claim_calendars(bigint, integer, integer) is 'Claims calendars that are due for a process, in turn over their hosts.';

-- The blocks of events that were read. Answers whether any came or went.
create function slotbase.set_busy(of_sync uuid, of_facility uuid, remote_ids text[], blocks jsonb)
returns boolean language sql as $$
  with wanted as materialized (
    select distinct b.remote_id, b.start_at, b.end_at
    from jsonb_to_recordset(blocks) as b (remote_id text, start_at timestamptz, end_at timestamptz)
  ), gone as (
    delete from slotbase.busy_blocks b
    where b.sync_id = of_sync and b.facility_id = of_facility and b.remote_id = any (remote_ids)
      and not exists (select from wanted w where w.remote_id = b.remote_id and w.start_at = b.start_at and w.end_at = b.end_at)
    returning 1
  ), come as (
    insert into slotbase.busy_blocks (sync_id, facility_id, remote_id, start_at, end_at)
    select of_sync, of_facility, w.remote_id, w.start_at, w.end_at from wanted w
    on conflict do nothing
    returning 1
  )
  select exists (select from gone) or exists (select from come)
$$;
comment on function slotbase.set_busy(uuid, uuid, text[], jsonb) is 'Sets the busy blocks of events of a calendar.';

-- Takes the time of a calendar's blocks, and gives back what is busy no more. What a booking or another calendar has
-- stays theirs: the constraints decide, and the rest of a block is taken. A stretch that somebody is just taking is
-- left to the next call. Whoever calls has locked the coach. Answers whether any stretch came or went.
create function slotbase.take_busy(of_sync uuid, of_facility uuid, of_coach uuid, of_resource uuid)
returns boolean language plpgsql as $$
declare
  present constant timestamptz := slotbase.now();
  wanted  tstzmultirange;
  taken   tstzmultirange;
  changed boolean := false;
begin
  select coalesce(range_agg(tstzrange(b.start_at, b.end_at)), '{}') into wanted
  from slotbase.busy_blocks b where b.sync_id = of_sync and b.facility_id = of_facility and b.end_at > present;
  if of_resource is null then
    delete from slotbase.coach_occupancies c
    where c.sync_id = of_sync and c.facility_id = of_facility and not c.during <@ wanted;
    changed := found;
    select coalesce(range_agg(c.during), '{}') into taken
    from slotbase.coach_occupancies c where c.coach_id = of_coach and c.during && range_merge(wanted);
    insert into slotbase.coach_occupancies (sync_id, facility_id, coach_id, during)
    select of_sync, of_facility, of_coach, x.during from unnest(wanted - taken) as x (during)
    on conflict do nothing;
  else
    delete from slotbase.occupancies o
    where o.sync_id = of_sync and o.facility_id = of_facility and not o.during <@ wanted;
    changed := found;
    select coalesce(range_agg(o.during), '{}') into taken
    from slotbase.occupancies o
    where o.facility_id = of_facility and o.resource_id = of_resource and o.during && range_merge(wanted);
    insert into slotbase.occupancies (sync_id, facility_id, resource_id, during)
    select of_sync, of_facility, of_resource, x.during from unnest(wanted - taken) as x (during)
    on conflict do nothing;
  end if;
  return changed or found;
end $$;
comment on function slotbase.take_busy(uuid, uuid, uuid, uuid) is 'Takes the time of a calendar''s busy blocks from its coach or resource.';

-- Blocks in whose time a booking stands. Answers those that are new, and marks them; what has ended is unmarked.
create function slotbase.note_conflicts(of_sync uuid, of_facility uuid, of_coach uuid, of_resource uuid)
returns table (start_at timestamptz, end_at timestamptz, booking_id uuid)
rows 10 language sql as $$
  with present as materialized (select slotbase.now() as now),
  standing as materialized (
    select c.booking_id, c.during from slotbase.coach_occupancies c
    where of_resource is null and c.coach_id = of_coach and c.booking_id is not null
      and c.during && tstzrange((select p.now from present p), null)
    union all
    select o.booking_id, o.during from slotbase.occupancies o
    where o.facility_id = of_facility and o.resource_id = of_resource and o.booking_id is not null
      and o.during && tstzrange((select p.now from present p), null)
  ), found as materialized (
    select b.remote_id, b.start_at, b.end_at, b.conflict_since, min(s.booking_id::text)::uuid as booking_id
    from standing s
    join slotbase.busy_blocks b
      on b.sync_id = of_sync and b.facility_id = of_facility and tstzrange(b.start_at, b.end_at) && s.during
    group by 1, 2, 3, 4
  ), over as (
    update slotbase.busy_blocks b set conflict_since = null
    where b.sync_id = of_sync and b.facility_id = of_facility and b.conflict_since is not null
      and not exists (select from found f where f.remote_id = b.remote_id and f.start_at = b.start_at and f.end_at = b.end_at)
  ), marked as (
    update slotbase.busy_blocks b set conflict_since = (select p.now from present p)
    from found f
    where f.conflict_since is null
      and b.sync_id = of_sync and b.facility_id = of_facility
      and b.remote_id = f.remote_id and b.start_at = f.start_at and b.end_at = f.end_at
    returning b.start_at, b.end_at, f.booking_id
  )
  select m.start_at, m.end_at, m.booking_id from marked m order by 1, 2
$$;
comment on function slotbase.note_conflicts(uuid, uuid, uuid, uuid) is 'Marks the busy blocks in whose time a booking stands; answers the new ones.';

insert into slotbase.retention_rules (name, ends, says, why) values
  ('calendar_syncs',  'never', '', 'until somebody disconnects the calendar'),
  ('calendar_work',   'work',  'the calendar has what it should have', 'what is to be pushed'),
  ('calendar_events', 'with',  'its event in the calendar', 'what was pulled, without its words'),
  ('calendar_hosts',  'never', '', 'a row per server');
insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('calendar_entries', 'after', '30 days', '2 days', 'after the end of its booking', 'retention', 'ends_at < $1',
   'the entry stays in the calendar; what is over is compared no more'),
  ('busy_blocks', 'after', '7 days', '2 days', 'after its end, or with its event in the calendar', 'retention', 'end_at < $1',
   'nobody books the past');

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (id, facility_id, user_id, resource_id, provider, host, sync_direction, events, sync_status, status_code, status_reason,
      failing_since, failures, told_at, last_sync_at, next_sync_at, checked_at, drift, version, created_at, updated_at)
      on slotbase.calendar_syncs to slotbase_reader;
    grant select on slotbase.calendar_work, slotbase.calendar_entries, slotbase.calendar_events, slotbase.busy_blocks,
      slotbase.calendar_hosts to slotbase_reader;
  end if;
end $$;
