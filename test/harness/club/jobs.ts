// Scheduled jobs in the test's process, without pg-boss: requested runs are carried out, and the test makes the ticks.

import { JobRuns, jobRequests } from "#actors/jobs/job-runs.ts"
import type { Actor, Running } from "#actors/runtime/actor.ts"
import { type ActorProcess, startLifeSign } from "#actors/runtime/life-sign.ts"
import { runActors } from "#actors/runtime/tree.ts"
import type { App } from "#http/app.ts"

export interface TestJobs {
  readonly runs: JobRuns
  readonly job: (name: string) => Running
  /** Faults from which an actor cannot recover. */
  readonly reports: object[]
  readonly stop: () => Promise<void>
}

/** @param others Actors that work beside the jobs, such as the dispatcher. */
export async function startJobs(
  app: App,
  jobs: readonly Actor[],
  others: (process: ActorProcess) => readonly Actor[] = () => [],
): Promise<TestJobs> {
  const lifeSign = await startLifeSign(app.db, "all", "test")
  const runs = new JobRuns(app.db, lifeSign.owner)
  const reports: object[] = []
  const tree = runActors([jobRequests(runs), ...jobs, ...others(lifeSign)], (line) => reports.push(line))
  await runs.serve(tree.running)
  return {
    runs,
    reports,
    job: (name) => {
      const found = tree.running.find(({ actor }) => actor.name === name)
      if (!found) throw new Error(`there is no job ${name}`)
      return found
    },
    stop: async () => {
      await tree.stop()
      await tree.drain()
      await lifeSign.stop()
    },
  }
}
