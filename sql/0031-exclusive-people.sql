-- A person is in one place at a time. Before this file a court could not be taken twice, and its coach could. Now the
-- time of a coach is a row beside the occupancy of the court. The constraint coach_in_one_place decides, across all
-- facilities. The row leaves with the occupancy, so whatever frees a booking's slot frees its coach.

-- The newest of the indexes wins while the table is empty, and a foreign key must read by the key.
alter table slotbase.occupancies drop constraint occupancies_pkey, add primary key (booking_id, facility_id);

create table slotbase.coach_occupancies (
  booking_id  uuid      not null,
  facility_id uuid      not null,
  coach_id    uuid      not null references slotbase.users (id),
  during      tstzrange not null,
  primary key (booking_id, facility_id),
  foreign key (booking_id, facility_id) references slotbase.occupancies (booking_id, facility_id) on delete cascade,
  constraint coach_in_one_place exclude using gist (coach_id with =, during with &&)
);
create index coach_occupancies_of_coach on slotbase.coach_occupancies (coach_id);
comment on table  slotbase.coach_occupancies is 'The time that a lesson or a block takes from its coach, in whatever facility. A session inside a block takes none: the block has it.';
comment on column slotbase.coach_occupancies.during is 'From the start to the end of the booking, without the time between bookings that its resource may need.';

-- Lessons and blocks that were made before overlap here and there. The one that was made first has the coach's time.
-- The others stay as they are, and slotbase.coaches_in_two_places lists them.
insert into slotbase.coach_occupancies (booking_id, facility_id, coach_id, during)
select o.booking_id, o.facility_id, c.coach_id, tstzrange(b.start_at, b.end_at)
from slotbase.occupancies o
join slotbase.bookings b on b.id = o.booking_id and b.facility_id = o.facility_id
join (
  select booking_id, facility_id, coach_id from slotbase.coach_sessions where block_id is null
  union all
  select booking_id, facility_id, coach_id from slotbase.coach_blocks
) c on c.booking_id = o.booking_id and c.facility_id = o.facility_id
order by b.created_at, b.id
on conflict do nothing;

create view slotbase.coaches_in_two_places as
select c.coach_id, b.facility_id, b.id as booking_id, b.booking_type, b.resource_id, b.start_at, b.end_at
from slotbase.bookings b
join slotbase.occupancies o on o.booking_id = b.id and o.facility_id = b.facility_id
join (
  select booking_id, facility_id, coach_id from slotbase.coach_sessions where block_id is null
  union all
  select booking_id, facility_id, coach_id from slotbase.coach_blocks
) c on c.booking_id = b.id and c.facility_id = b.facility_id
where b.end_at > (select slotbase.now())
  and not exists (select from slotbase.coach_occupancies x where x.booking_id = b.id and x.facility_id = b.facility_id);
comment on view slotbase.coaches_in_two_places is 'Lessons and blocks to come without their coach''s time: another one, made before it, has that time. Empty in a club that began after this rule.';

alter table slotbase.facilities
  add column student_overlap text not null default 'warn'
    constraint student_overlap_is_known check (student_overlap in ('allow', 'warn', 'refuse'));
comment on column slotbase.facilities.student_overlap is 'Whether a session may have a student who is elsewhere in the club then: allow, warn (its answer names the other time), refuse.';

insert into slotbase.retention_rules (name, ends, says, why) values
  ('coach_occupancies', 'with', 'its occupancy', 'the time that a booking takes from its coach');

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.coach_occupancies, slotbase.coaches_in_two_places to slotbase_reader;
  end if;
end $$;
