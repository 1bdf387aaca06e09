// A scheduler and the runs of its jobs, as one process has them. The test sets the clock of the database and makes the
// passes.

import type { FacilityJob } from "#actors/jobs/facility-job.ts"
import { JobRuns } from "#actors/jobs/job-runs.ts"
import { scheduler } from "#actors/jobs/scheduler.ts"
import { type Actor, prepareActor } from "#actors/runtime/actor.ts"
import type { Db } from "#base/database/db.ts"
import { processRow } from "#test/harness/pipeline/pipeline.ts"

export interface OneProcess {
  readonly owner: number
  /** Makes the runs of the ticks that have come. */
  readonly decide: () => Promise<void>
  /** Carries out the runs that are ready, until none is left. */
  readonly work: () => Promise<void>
  readonly runs: JobRuns
  readonly stop: () => Promise<void>
}

export async function aProcess(
  db: Db,
  facilityJobs: readonly FacilityJob[],
  jobs: readonly Actor[] = [],
): Promise<OneProcess> {
  const owner = await processRow(db, true)
  const stopping = new AbortController()
  const runs = new JobRuns(db, () => owner, 0)
  await runs.serve(
    jobs.map((job) => prepareActor(job, stopping.signal)),
    facilityJobs,
  )
  const schedules = scheduler(db, runs.timetables)
  return {
    owner,
    runs,
    decide: async () => {
      while ((await schedules.pass(stopping.signal)).more) {}
    },
    work: async () => {
      const begun = async () =>
        (await db<[{ count: number }]>`select sum(attempts)::integer as count from slotbase.job_runs`)[0].count
      let [before, now] = [-1, await begun()]
      while (now !== before) {
        before = now
        await runs.pass(stopping.signal)
        await runs.drain()
        now = await begun()
      }
    },
    stop: async () => {
      stopping.abort()
      await runs.drain()
    },
  }
}

/** The clock of the database shows this instant, and goes on from there. */
export async function clockAt(db: Db, instant: string | number | Date): Promise<void> {
  await db`update slotbase.clock set shift = ${new Date(instant)}::timestamptz - clock_timestamp()`
}

/** A job of a facility's own day that does nothing, unless it is told what. */
export const aDailyJob = (given: Partial<FacilityJob> = {}): FacilityJob => ({
  name: "daily-reports",
  description: "A job of the tests",
  cron: "0 6 * * *",
  missed: "once",
  deadlineMs: 10_000,
  run: async () => ({}),
  ...given,
})

/** The ticks that have a run, as "2026-03-29T01:00Z 2026-03-29 succeeded", in order. */
export async function ticksRun(db: Db, job: string, facilityId: string): Promise<readonly string[]> {
  const rows = await db<{ tick: string }[]>`
    select concat_ws(' ', to_char(tick_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"'), local_date, status) as tick
    from slotbase.job_runs where job = ${job} and facility_id = ${facilityId} and tick_at is not null order by tick_at`
  return rows.map(({ tick }) => tick)
}

/** What became of the ticks of a job and facility, as the ledger has it. */
export async function ledgerOf(db: Db, job: string, facilityId: string) {
  const [row] = await db<
    { ticks: number; succeeded: number; failed: number; lost: number; skipped: number; unfinished: number }[]
  >`
    select ticks, succeeded, failed, lost, skipped, unfinished from slotbase.job_ledger
    where job = ${job} and facility_id = ${facilityId}`
  return { ...row }
}
