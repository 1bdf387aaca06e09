// Scheduled jobs in the test's process, without pg-boss: runs are carried out, and the test makes the ticks.

import type { FacilityJob } from "#actors/jobs/facility-job.ts"
import { JobRuns, jobRequests } from "#actors/jobs/job-runs.ts"
import { scheduler } from "#actors/jobs/scheduler.ts"
import type { Actor, Running } from "#actors/runtime/actor.ts"
import { type ActorProcess, startLifeSign } from "#actors/runtime/life-sign.ts"
import { runActors } from "#actors/runtime/tree.ts"
import { platformFacilityId } from "#base/ids.ts"
import type { App } from "#http/app.ts"

export interface TestJobs {
  readonly runs: JobRuns
  readonly job: (name: string) => Running
  /** The last tick of a job has just come, for all facilities or for one: its run is made, and will be carried out. */
  readonly tick: (name: string, facilityId?: string) => Promise<void>
  /** Faults from which an actor cannot recover. */
  readonly reports: object[]
  readonly stop: () => Promise<void>
}

/** @param others Actors that work beside the jobs, such as the dispatcher. */
export async function startJobs(
  app: App,
  jobs: readonly Actor[],
  others: (process: ActorProcess) => readonly Actor[] = () => [],
  facilityJobs: readonly FacilityJob[] = [],
): Promise<TestJobs> {
  const lifeSign = await startLifeSign(app.db, "all", "test")
  const runs = new JobRuns(app.db, lifeSign.owner)
  const reports: object[] = []
  const tree = runActors([jobRequests(runs), ...jobs, ...others(lifeSign)], (line) => reports.push(line))
  await runs.serve(tree.running, facilityJobs)
  return {
    runs,
    reports,
    job: (name) => {
      const found = tree.running.find(({ actor }) => actor.name === name)
      if (!found) throw new Error(`there is no job ${name}`)
      return found
    },
    tick: async (name, facilityId = platformFacilityId) => {
      const timetable = runs.timetables().get(name)
      if (!timetable) throw new Error(`there is no job ${name}`)
      await app.db`
        update slotbase.job_schedules set look_at = slotbase.now(), decided_until = slotbase.now() - interval '1 day', decided_date = null
        where job = ${name} and facility_id = ${facilityId}`
      await scheduler(app.db, () => new Map([[name, timetable]])).pass(new AbortController().signal)
    },
    stop: async () => {
      await tree.stop()
      await tree.drain()
      await lifeSign.stop()
    },
  }
}
