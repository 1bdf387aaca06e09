/**
 * Rows that are too old leave by the rules of slotbase.retention_rules, each table in small transactions. The functions
 * of sql/0018-what-grows-ends.sql delete them. A table gets its share of every run, so a large backlog in one table
 * does not keep the others waiting.
 * Writes, through the functions there: the tables whose rule says that retention removes them; retention_rules.
 */
import type { Sql } from "postgres"
import type { Did } from "#operations/jobs/rows.ts"

/** Transactions per table and run. With batches of 1,000 rows that is half a million rows a day. */
const statementsPerTable = 20
/** The time of all tables together, milliseconds: the job's limit also has to hold the months. */
const timeMs = 120_000

/** Answers how many rows left each table, without the tables that lost none. */
export async function forgetOld(sql: Sql, stopping: AbortSignal): Promise<Did> {
  const until = performance.now() + timeMs
  const rules = await sql<{ name: string; batch: number }[]>`
    select name, batch from slotbase.retention_rules where done_by = 'retention' order by name`
  const did: Record<string, number> = {}
  for (const { name, batch } of rules)
    for (let nth = 0, more = true; more && nth < statementsPerTable; nth++) {
      if (stopping.aborted || performance.now() > until) return did
      const [done] = await sql<{ looked: number; gone: number }[]>`
        select looked, gone from slotbase.forget_old(${name}, ${batch})`
      if (done !== undefined && done.gone > 0) did[name] = (did[name] ?? 0) + done.gone
      more = done?.looked === batch
    }
  return did
}
