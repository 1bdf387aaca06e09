/**
 * The scheduled job platform-health: tells the administrators of the platform what no facility can mend. Mail is held,
 * runs of handlers were given up, or passes of actors fail. It tells facilities of the jobs of their own day that fail.
 * They are told in stages, and when it is over. Each is an event, from which a mail follows, and a line in the log. The
 * stages follow from tables alone, so any process may look, and a crash loses none.
 */
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { Tx } from "#base/database/transaction.ts"
import { log } from "#base/log.ts"
import { transact } from "#events/outbox.ts"
import { type JobTold, tellFailingJobs, tellJobsRecovered } from "#operations/jobs/tell-facilities.ts"
import { noteTroubles, type PlatformTold, tellTroubles, tellTroublesOver } from "#operations/platform-health.ts"
import { type JobTools, jobContext } from "./job-context.ts"

export const platformHealth = (tools: JobTools): Actor => ({
  name: "platform-health",
  description:
    "Tell the platform's administrators about held mail and given-up work, and facilities about failing jobs",
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: () => pass(tools),
})

/** Facilities told of in one transaction. */
const batch = 100

async function pass(tools: JobTools): Promise<Pass> {
  const telling = async (tell: (tx: Tx) => Promise<readonly PlatformTold[]>) => {
    const { result: told } = await transact(tools.db, jobContext(tools), tell)
    for (const { trouble, what, stage, count, detail } of told)
      log.warn(what === "failing" ? "trouble lasts, administrators told" : "trouble is over, administrators told", {
        trouble,
        stage,
        count,
        detail,
      })
    return told.length
  }
  const recovered = await telling(tellTroublesOver)
  await transact(tools.db, jobContext(tools), noteTroubles)
  const failing = await telling(tellTroubles)
  const works = await tellFacilities(tools, tellJobsRecovered)
  const fails = await tellFacilities(tools, tellFailingJobs)
  const did = { recovered, failing, jobsRecovered: works, jobsFailing: fails }
  return {
    more: [works, fails].includes(batch),
    did: Object.fromEntries(Object.entries(did).filter(([, count]) => count > 0)),
  }
}

async function tellFacilities(
  tools: JobTools,
  tell: (tx: Tx, limit: number) => Promise<readonly JobTold[]>,
): Promise<number> {
  const { result: told } = await transact(tools.db, jobContext(tools), (tx) => tell(tx, batch))
  for (const { what, job, facilityId, stage } of told)
    log.warn(what === "failing" ? "job fails, facility told" : "job works again, facility told", {
      job,
      facilityId,
      stage,
    })
  return told.length
}
