// What each statement costs one event: how often it is called, its time, and its WAL. With SLOTBASE_BENCH_STATEMENTS=on
// the measurement of the steady state prints it.

import type postgres from "postgres"
import { round } from "#scripts/statistics.ts"
import { ownStatements } from "./counts.ts"

const printed = 12
/** Of a statement's text. */
const longestText = 90

/** Lines of text, the costliest first; empty unless asked for. @param events of the stretch */
export async function costliestStatements(sql: postgres.Sql, events: number): Promise<readonly string[]> {
  if (process.env.SLOTBASE_BENCH_STATEMENTS !== "on") return []
  const rows = await sql<{ query: string; calls: number; us: number; wal: number }[]>`
    select query, calls::float8 as calls, (total_exec_time * 1000)::float8 as us, wal_bytes::float8 as wal
    from pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database()) and query !~ ${ownStatements}
    order by total_exec_time desc limit ${printed}`
  return rows.map(({ query, calls, us, wal }) => {
    const [often, time, bytes] = [calls, us, wal].map((amount) => String(round(amount / events)).padStart(8))
    return `${often} calls ${time} µs ${bytes} bytes of WAL  ${query.replace(/\s+/g, " ").trim().slice(0, longestText)}`
  })
}
