-- Two traps of size: the end of a month with millions of small batches, and the first minute of a busy new facility.
--
-- The end of a month deleted the batches of its runs in one statement that read all of handler_batches. With small batches a month
-- has millions of them, and a statement that is cut off after its minute would be cut off again an hour later. Now they leave as
-- the log does, a bounded part in each transaction, found by the index of the constraint run_succeeded_once: 10,000 of 2,500,000
-- rows in 50 ms, and in 0.4 s behind 1,240,000 that are gone and that a long snapshot keeps from vacuum. (Its months could not be
-- dropped instead: before PostgreSQL 17 no partitioned table has an exclusion constraint.)

-- The number found, not the number deleted: what another process deletes at the same moment is no reason to stop. One by one and
-- by the index, for a bitmap would first be made of all that is left.
create function slotbase.forget_batches(batch integer) returns integer
language plpgsql set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  first bigint := (select min(position) from slotbase.event_positions);
  old   tid[]  := array(select b.ctid from slotbase.handler_batches b where b.positions << int8range(first, null) limit batch);
begin
  delete from slotbase.handler_batches b where b.ctid = any (old) and b.positions << int8range(first, null);
  return cardinality(old);
end $$;
comment on function slotbase.forget_batches(integer) is 'Removes at most "batch" batches of runs whose events have all left the log; answers how many there were.';

create or replace function slotbase.end_retired_month(of_month date) returns slotbase.retired_months language plpgsql as $$
declare
  first bigint := (select min(position) from slotbase.event_positions);
  ended slotbase.retired_months;
begin
  delete from slotbase.handlers h where h.ended and h.until_position <= first;
  delete from slotbase.webhook_versions v where v.ended and v.until_position <= first;
  update slotbase.retired_months r set ended_at = slotbase.now() where r.month = of_month returning * into ended;
  return ended;
end $$;

-- The check of a foreign key reads "where id = $1 and facility_id = $2". While its table is empty PostgreSQL expects one row from
-- the primary key and one from any index that begins with facility_id, and of equals it takes the one that was made last: the list
-- of the facility's bookings by start. Every connection keeps that plan until autovacuum looks at the table for the first time, and
-- until then each check walks all bookings of the facility: 1 to 3 ms with thousands of them. So the primary keys are made
-- anew, after the other indexes. Where there are rows already the sizes decide, and nothing is done.
do $$
declare
  made   record;
  filled boolean;
  step   text;
begin
  for made in
    select k.conrelid::regclass as of_table, k.conname as name, pg_get_constraintdef(k.oid) as definition,
           array_agg(format('alter table %s drop constraint %I', f.conrelid::regclass, f.conname)) as drops,
           array_agg(format('alter table %s add constraint %I %s', f.conrelid::regclass, f.conname, pg_get_constraintdef(f.oid))
                     order by f.oid) as adds
    from pg_constraint k
    join pg_constraint f on f.contype = 'f' and f.conindid = k.conindid
    where k.contype = 'p' and k.connamespace = 'slotbase'::regnamespace and cardinality(k.conkey) > 1
    group by k.oid order by k.oid
  loop
    execute format('select exists (select from %s)', made.of_table) into filled;
    continue when filled;
    foreach step in array made.drops
      || format('alter table %s drop constraint %I', made.of_table, made.name)
      || format('alter table %s add constraint %I %s', made.of_table, made.name, made.definition)
      || made.adds
    loop
      execute step;
    end loop;
  end loop;
end $$;
