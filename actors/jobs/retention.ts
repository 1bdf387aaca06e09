/**
 * The scheduled job retention: what grows has an end. It removes months of the log that are older than
 * slotbase.settings.keep_events, and rows that are older than their rule in slotbase.retention_rules says. Each run is
 * bounded, because what it deletes cannot be brought back. It deletes nothing while the clock of the host is doubted.
 */
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { clockDoubt } from "#base/clock-watch.ts"
import { openPool } from "#base/database/pool.ts"
import { log } from "#base/log.ts"
import { forgetOld } from "./forget-old.ts"
import { retireMonth, type SayMonth } from "./retire-months.ts"

/** How long a step waits for readers of the partition: the attach of a new partition waits behind it. */
const lockMs = 3_000
/** The limit of a statement; dropping a large partition takes a second. */
const statementMs = 60_000
/** Months per run, so that a mistake is seen before all is gone. A backlog of ten years takes less than two days. */
const monthsPerRun = 3

export interface RetentionOptions {
  readonly lockMs?: number
  readonly say?: SayMonth
}

/** @param url for a connection of its own: a concurrent detach is refused inside a transaction, and may take long. */
export const retention = (url: string, options: RetentionOptions = {}): Actor => ({
  name: "retention",
  description: "Remove months and rows that are no longer kept",
  cron: "23 * * * *",
  deadlineMs: 600_000,
  pass: async (stopping) => {
    const sql = openPool(url, { max: 1, applicationName: "slotbase retention", queryDeadlineMs: statementMs })
    try {
      await sql`select set_config('lock_timeout', ${`${options.lockMs ?? lockMs}ms`}, false)`
      return await run(sql, stopping, options.say ?? print)
    } finally {
      await sql.end({ timeout: 1 })
    }
  },
})

/** One bounded run. The rest is left to the next tick, in an hour. */
async function run(sql: ReturnType<typeof openPool>, stopping: AbortSignal, say: SayMonth): Promise<Pass> {
  const doubt = await clockDoubt(sql, "deletions")
  if (doubt !== undefined) {
    log.error("retention held", { doubt })
    return { more: false, did: { held: 1 } }
  }
  let months = 0
  while (months < monthsPerRun && !stopping.aborted && (await retireMonth(sql, stopping, say))) months += 1
  return { more: false, did: { months, ...(await forgetOld(sql, stopping)) } }
}

const print: SayMonth = ({ level, message }) => log[level]("retention of the log", { says: message })
