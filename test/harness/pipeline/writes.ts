// Counts every row that a committed transaction inserted, changed or deleted. A deferred trigger counts at the commit,
// so rolled-back writes do not count.

import type { Db } from "#base/database/db.ts"

/**
 * The tables that a refused request may write: its kept answer for an Idempotency-Key, the count of a wrong password,
 * and tables of background work.
 */
const apart = ["idempotency_keys", "failed_sign_ins", "processes", "clock"]

/** Returns the number of rows written since it was installed. */
export async function countWrites(db: Db): Promise<() => Promise<number>> {
  await db.unsafe(`
    create sequence public.rows_written minvalue 0 start 0;
    select nextval('public.rows_written');
    create function public.count_row() returns trigger language plpgsql as $$
    begin
      perform nextval('public.rows_written');
      return null;
    end $$;
    do $$
    declare
      name text;
    begin
      for name in
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'slotbase' and c.relkind = 'r' and c.relname <> all (array['${apart.join("','")}'])
      loop
        execute format('create constraint trigger rows_written after insert or update or delete on slotbase.%I
                        deferrable initially deferred for each row execute function public.count_row()', name);
      end loop;
    end $$`)
  return async () => {
    const [row] = await db<[{ written: number }]>`select last_value as written from public.rows_written`
    return row.written
  }
}
