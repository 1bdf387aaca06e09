// PostgreSQL's time by statement, per event, from pg_stat_statements.

import type postgres from "postgres"
import { round } from "#scripts/statistics.ts"

/** Settings that the server needs at its start. */
export const statementSettings = {
  shared_preload_libraries: "pg_stat_statements",
  "pg_stat_statements.track": "all",
  "pg_stat_statements.track_planning": "on",
}

export interface Statement {
  /** The beginning of the statement, with single spaces. */
  readonly statement: string
  readonly callsPerEvent: number
  /** Planning and execution from beginning to end; waits for locks and the disk are included. */
  readonly microseconds: number
  readonly rowsPerEvent: number
  readonly walBytes: number
}

export interface Statements {
  /** Statements that the program sends. The call of a function includes the statements inside it. */
  readonly sent: readonly Statement[]
  /** Statements inside functions. */
  readonly nested: readonly Statement[]
}

const shownCharacters = 100
/** Statements of the benchmark itself, which watch the progress and the costs. */
const ownStatements = /pg_xact_commit_timestamp|pg_stat_|slotbase_bench\.bookings|^vacuum/

export async function startCounting(sql: postgres.Sql): Promise<void> {
  await sql`create extension if not exists pg_stat_statements`
  await sql`select pg_stat_statements_reset()`
}

/** The statements since the counting began; the most expensive one comes first. */
export async function readStatements(sql: postgres.Sql, events: number): Promise<Statements> {
  const rows = await sql<{ toplevel: boolean; text: string; calls: number; us: number; rows: number; wal: number }[]>`
    select toplevel, regexp_replace(query, '\\s+', ' ', 'g') as text, sum(calls)::float8 as calls, sum(rows)::float8 as rows,
           sum(total_plan_time + total_exec_time) * 1000 as us, sum(wal_bytes)::float8 as wal
    from pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database())
    group by 1, 2 order by us desc`
  const perEvent = (total: number) => round(total / events)
  const of = (toplevel: boolean) =>
    rows
      .filter((row) => row.toplevel === toplevel && !ownStatements.test(row.text))
      .map((row) => ({
        statement: row.text.trim().slice(0, shownCharacters),
        callsPerEvent: perEvent(row.calls),
        microseconds: perEvent(row.us),
        rowsPerEvent: perEvent(row.rows),
        walBytes: Math.round(row.wal / events),
      }))
  return { sent: of(true), nested: of(false) }
}
