/** What the doctor says about the way to the database: a pooler before it, and the limits of connections. */
import type { Config } from "#base/config.ts"
import { databasePlace, parseConnectionString } from "#base/database/connection-string.ts"
import type { Db } from "#base/database/db.ts"
import type { OpenDatabase } from "#base/database/open.ts"
import type { Check } from "#operations/doctor.ts"

/** Connections of a process beside those for requests: listener, actors, life sign, pg-boss, retention. */
const besideRequests = 13

export function poolerCheck({ pooling, sessionUrl, advice }: OpenDatabase): Check {
  const seen = {
    none: "none: PostgreSQL itself answers",
    session: "PgBouncer pools sessions",
    transaction: `PgBouncer pools transactions; notifications come from ${databasePlace(parseConnectionString(sessionUrl))}`,
    statement: "PgBouncer pools statements",
  }[pooling]
  return { name: "pooler", well: advice === undefined, says: advice === undefined ? seen : `${seen}. ${advice}` }
}

/** The smallest of the limits that hold for this user; -1 is none. Superusers have only that of the server. */
export async function connectionsCheck(db: Db, { dbPool }: Config): Promise<Check> {
  const name = "connections"
  const [row] = await db<[{ role: number; database: number; server: number }]>`
    select case when r.rolsuper then -1 else r.rolconnlimit end as role,
           case when r.rolsuper then -1 else d.datconnlimit end as database,
           current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
             - coalesce(current_setting('reserved_connections', true)::integer, 0) as server
    from pg_roles r, pg_database d where r.rolname = current_user and d.datname = current_database()`
  const limits = Object.entries(row).filter(([, limit]) => limit >= 0)
  const [what, allowed] = limits.reduce((least, each) => (each[1] < least[1] ? each : least))
  const asked = dbPool + besideRequests
  return allowed >= asked
    ? { name, well: true, says: `a process asks for ${asked} at most, and PostgreSQL allows ${allowed}` }
    : {
        name,
        well: false,
        says: `PostgreSQL allows ${allowed} connections, and a process asks for ${asked}: its work waits for its turn. Raise the limit of the ${what}, or set SLOTBASE_DB_POOL`,
      }
}
