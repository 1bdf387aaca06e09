/**
 * The ledger of ticks over a stretch of time: what the cron lines and the zones expect, against what the schedules
 * counted. Reads only.
 */
import type { Db } from "#base/database/db.ts"
import { parseCron } from "#operations/jobs/cron.ts"
import { ticksBetween } from "#operations/jobs/ticks.ts"

export interface JobTicks {
  readonly job: string
  /** Facilities that it runs for; 1 for a job of the platform. */
  readonly schedules: number
  readonly expected: number
  readonly run: number
  /** By the rule of the job for missed ticks. */
  readonly skipped: number
  /** The run was tried, and failed for good. */
  readonly failed: number
  readonly twice: number
  /** Expected, and nothing became of it. */
  readonly lost: number
}

/** The counts of each schedule at a moment. */
export type Counts = ReadonlyMap<string, Counted>

interface Counted {
  readonly job: string
  readonly facility_id: string
  readonly cron: string
  readonly timezone: string
  readonly run: number
  readonly skipped: number
  readonly failed: number
  /** Decided, and their runs have not ended. */
  readonly unfinished: number
}

export async function readCounts(db: Db): Promise<Counts> {
  const rows = await db<Counted[]>`
    select s.job, s.facility_id, s.cron, s.timezone, s.succeeded as run, s.skipped, s.failed + s.lost as failed,
           s.ticks - s.succeeded - s.failed - s.lost - s.skipped as unfinished
    from slotbase.job_schedules s join slotbase.jobs j on j.name = s.job
    where not j.ended and s.cron is not null`
  return new Map(rows.map((row) => [`${row.job} ${row.facility_id}`, row]))
}

/** By job, for the ticks after `from`, up to and with `until` (milliseconds), and those that were unfinished before. */
export async function ticksOf(
  db: Db,
  { before, after, from, until }: { before: Counts; after: Counts; from: number; until: number },
): Promise<readonly JobTicks[]> {
  const doubled = new Map(
    (
      await db<{ job: string; twice: number }[]>`
        select job, sum(runs - 1)::integer as twice
        from (select job, count(*) as runs from slotbase.job_runs where tick_at is not null
              group by job, facility_id, tick_at having count(*) > 1) r
        group by job`
    ).map(({ job, twice }) => [job, twice]),
  )
  const sums = new Map<string, { schedules: number; expected: number; run: number; skipped: number; failed: number }>()
  for (const [key, { job, cron, timezone, ...now }] of after) {
    const then = before.get(key) ?? { run: 0, skipped: 0, failed: 0, unfinished: 0 }
    const sum = sums.get(job) ?? { schedules: 0, expected: 0, run: 0, skipped: 0, failed: 0 }
    sum.schedules++
    sum.expected += then.unfinished + ticksBetween(parseCron(cron), timezone, from, until).length
    sum.run += now.run - then.run
    sum.skipped += now.skipped - then.skipped
    sum.failed += now.failed - then.failed
    sums.set(job, sum)
  }
  return [...sums]
    .map(([job, sum]) => ({
      job,
      ...sum,
      twice: doubled.get(job) ?? 0,
      lost: sum.expected - sum.run - sum.skipped - sum.failed,
    }))
    .toSorted((one, other) => one.job.localeCompare(other.job))
}

export const ticksAreRight = (jobs: readonly JobTicks[]): boolean =>
  jobs.length > 0 && jobs.every(({ twice, lost, failed }) => twice === 0 && lost === 0 && failed === 0)
