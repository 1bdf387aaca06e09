// Statements and transactions of a stretch of work, those of the benchmark itself left out.

import type postgres from "postgres"

/** Settings that the server needs at its start. Only statements that clients send are counted. */
export const countingSettings = {
  shared_preload_libraries: "pg_stat_statements",
  "pg_stat_statements.track": "top",
}

/** Statements of the benchmark, which watch progress and costs. Each is a transaction. */
export const ownStatements = "pg_xact_commit_timestamp|pg_stat_|pg_current_wal|pg_get_wal|^create extension|^vacuum"

/** Statements since the last reset. `begin` and `commit` count too. */
export async function statementsSoFar(sql: postgres.Sql): Promise<{ sent: number; own: number }> {
  const [row] = await sql<{ sent: number; own: number }[]>`
    select coalesce(sum(calls) filter (where query !~ ${ownStatements}), 0)::float8 as sent,
           coalesce(sum(calls) filter (where query ~ ${ownStatements}), 0)::float8 as own
    from pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database())`
  return row ?? { sent: 0, own: 0 }
}

/** Committed transactions of the database, the benchmark's included. Sessions report theirs once a second. */
export async function transactionsSoFar(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ commits: number }[]>`
    with flushed as materialized (select pg_stat_force_next_flush(), pg_stat_clear_snapshot())
    select xact_commit::float8 as commits from pg_stat_database, flushed where datname = current_database()`
  return row?.commits ?? 0
}
