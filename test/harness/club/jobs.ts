// Scheduled jobs in the test's own process, without pg-boss: what people ask for is run, and ticks come when a test says so.

import { runActors } from "#actors/index.ts"
import { type JobRuns, jobRuns } from "#actors/jobs/job-runs.ts"
import type { Actor, Running } from "#actors/runtime/actor.ts"
import { startLifeSign } from "#actors/runtime/life-sign.ts"
import type { App } from "#http/app.ts"

export interface TestJobs {
  readonly runs: JobRuns
  readonly job: (name: string) => Running
  /** What an actor cannot heal from. */
  readonly reports: object[]
  readonly stop: () => Promise<void>
}

/** @param others Actors that work beside the jobs, such as the dispatcher. */
export async function startJobs(
  app: App,
  jobs: readonly Actor[],
  others: (owner: () => number) => readonly Actor[] = () => [],
): Promise<TestJobs> {
  const lifeSign = await startLifeSign(app.db, "all", "test")
  const runs = jobRuns(app.db, lifeSign.owner)
  const reports: object[] = []
  const tree = runActors([runs.requests, ...jobs, ...others(lifeSign.owner)], (line) => reports.push(line))
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
      await runs.drain()
      await lifeSign.stop()
    },
  }
}
