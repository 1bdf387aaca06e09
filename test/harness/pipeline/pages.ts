// The pages that a statement reads, as PostgreSQL counts them.

import type { Db } from "#base/database/db.ts"

/** The number of shared pages that a statement reads. */
export async function pagesRead(db: Db, statement: string): Promise<number> {
  const [plan] = await db.unsafe(`explain (analyze, buffers, format json) ${statement}`)
  const top = plan?.["QUERY PLAN"][0].Plan
  return top["Shared Hit Blocks"] + top["Shared Read Blocks"]
}
