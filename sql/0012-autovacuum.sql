-- What autovacuum should do, table by table. Queues, claims and outbox are written and emptied all the time; they have settings
-- of their own (0004, 0005, 0009): by number of rows and without delay, for a fifth of an empty table says nothing. The
-- partitions and the log are only ever inserted into: here they are vacuumed after every 50,000 rows, whatever their size (the
-- default waits for a fifth of the table, which is 2 million rows of 10), which marks their pages visible for index-only
-- scans, and frozen at once: their rows never change. A month that has passed is then never read again by a wraparound vacuum.
-- The small tables that are updated all the time (outbox_floor, webhook_sequences, processes, availability_cache) need nothing:
-- no indexed column changes, so each new version stays on its page and the old ones are pruned by whoever comes next.

alter table slotbase.partitioned_tables add column storage text not null default
  'autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000, autovacuum_freeze_min_age = 0';
comment on column slotbase.partitioned_tables.storage is 'Storage parameters of each partition; a partitioned table itself may not have any.';
-- The log is inserted at its end, and emptied by retention at its beginning: without a vacuum between, every look for the first
-- position would walk what has gone.
alter table slotbase.event_positions set (
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000, autovacuum_freeze_min_age = 0,
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000);

create or replace function slotbase.ensure_partitions(months_ahead integer default 3) returns integer language plpgsql as $$
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

do $$
declare
  child   text;
  options text;
begin
  for child, options in
    select format('slotbase.%I', c.relname), t.storage
    from slotbase.partitioned_tables t
    join pg_inherits i on i.inhparent = format('slotbase.%I', t.name)::regclass
    join pg_class c on c.oid = i.inhrelid
  loop
    execute format('alter table %s set (%s)', child, options);
  end loop;
end $$;
