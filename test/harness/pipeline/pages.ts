// The pages that a statement reads, as PostgreSQL counts them.

import type { Db } from "#base/database/db.ts"

/** The number of shared pages that a statement reads. */
export async function pagesRead(db: Db, statement: string): Promise<number> {
  const [plan] = await db.unsafe(`explain (analyze, buffers, format json) ${statement}`)
  const top = plan?.["QUERY PLAN"][0].Plan
  return top["Shared Hit Blocks"] + top["Shared Read Blocks"]
}

/** The pages that the work of a connection reads, whatever it sends. @param db with a single connection. */
export async function ownPages(db: Db, work: () => Promise<unknown>): Promise<number> {
  const before = await pagesSoFar(db)
  await work()
  return (await pagesSoFar(db)) - before
}

/** PostgreSQL 18 counts them per backend, and reports them when a backend becomes idle. */
async function pagesSoFar(db: Db): Promise<number> {
  await db`select pg_stat_force_next_flush()`
  const [row] = await db<[{ pages: number }]>`
    select sum(hits + reads)::bigint as pages from pg_stat_get_backend_io(pg_backend_pid()) where object = 'relation'`
  return row.pages
}
