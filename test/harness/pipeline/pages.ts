// What a statement touches, as PostgreSQL counts it.

import type { Db } from "#base/database/db.ts"

/** Shared pages that a statement touches. */
export async function pagesRead(db: Db, statement: string): Promise<number> {
  const [plan] = await db.unsafe(`explain (analyze, buffers, format json) ${statement}`)
  const top = plan?.["QUERY PLAN"][0].Plan
  return top["Shared Hit Blocks"] + top["Shared Read Blocks"]
}
