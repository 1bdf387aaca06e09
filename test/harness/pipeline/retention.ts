// Reads for the tests of retention: months, their partitions, and dead letters.

import type { Db } from "#base/database/db.ts"

/** The number of sessions that wait for a lock with such a statement. */
export const waitingFor = async (db: Db, statement: string) =>
  (
    await db`select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
      and wait_event_type = 'Lock' and query ilike ${statement}`
  ).length

export const partitions = async (db: Db, month: string) => {
  const rows = await db<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = 'slotbase'::regnamespace and relkind = 'r'
      and relname like ${`%_${month}`} order by relname`
  return rows.map(({ name }) => name)
}

/** The dead letters: handler or webhook, event, and the code of the last error. */
export const letters = (db: Db) => db<{ of: string; event: { id: string; data: object }; code: string }[]>`
  select coalesce(handler, webhook_id::text) as of, event, errors -> -1 -> 'error' ->> 'code' as code
  from slotbase.dead_letters order by event_id, handler nulls last`
