/**
 * The rows of scheduled jobs. A process with actors mirrors its jobs here at its start, with their schedules.
 * Writes: jobs.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { platformFacilityId } from "#base/ids.ts"
import { columnsOfRuns, type JobRunRow } from "./rows.ts"
import { addSchedules, jobsWithoutSchedules, refreshSchedules } from "./schedule-rows.ts"

/** A job of the program. */
export interface MirroredJob {
  readonly name: string
  readonly description: string
  readonly cron: string
  /** The zone in which cron is read; "local": that of each facility. */
  readonly timezone: string
  readonly in_facility: boolean
  readonly per_facility: boolean
  /** "once", "skip" or "catch up 3". */
  readonly missed: string
}

export interface JobRow extends MirroredJob {
  /** Of the job as a whole. */
  readonly paused_at: Date | null
}

/** What is known of a job's schedules: of one facility, or of all. */
export interface ScheduleSums {
  readonly next_due_at: Date | null
  /** Of the one facility. */
  readonly own_pause: Date | null
  readonly timezone: string | null
  readonly failing_since: Date | null
  readonly ticks: number
  readonly succeeded: number
  readonly failed: number
  readonly lost: number
  readonly skipped: number
}

export interface JobSeen extends JobRow {
  readonly last: JobRunRow | null
  readonly schedule: ScheduleSums
}

const facilitiesAtOnce = 200
/** No facility has it. */
const firstId = "00000000-0000-0000-0000-000000000000"

/** Brings the list and its schedules up to date. A job that only an older program knew is marked as ended. */
export async function mirrorJobs(db: Db, jobs: readonly MirroredJob[]): Promise<void> {
  const names = jobs.map(({ name }) => name)
  await db.begin(async (tx) => {
    await tx`
      insert into slotbase.jobs (name, description, cron, timezone, in_facility, per_facility, missed)
      select * from jsonb_to_recordset(${tx.json(jobs as never)}) as j (
        name text, description text, cron text, timezone text, in_facility boolean, per_facility boolean, missed text)
      order by name
      on conflict (name) do update
      set description = excluded.description, cron = excluded.cron, timezone = excluded.timezone, missed = excluded.missed,
          in_facility = excluded.in_facility, per_facility = excluded.per_facility, ended = false
      where (jobs.description, jobs.cron, jobs.timezone, jobs.in_facility, jobs.per_facility, jobs.missed, jobs.ended)
        is distinct from (excluded.description, excluded.cron, excluded.timezone, excluded.in_facility,
                          excluded.per_facility, excluded.missed, false)`
    await tx`update slotbase.jobs set ended = true where not ended and name <> all (${names})`
    await refreshSchedules(tx, names)
  })
  const lacking = await jobsWithoutSchedules(db, names)
  if (lacking.length === 0) return
  // Not in one transaction: new jobs of 25,000 facilities take longer than a transaction may.
  let after: string | undefined = firstId
  while (after !== undefined) {
    const from: string = after
    after = await db.begin((tx) => addSchedules(tx, lacking, from, facilitiesAtOnce))
  }
}

/** Pauses or resumes a job in all facilities. False: it is so already. */
export async function setJobPause(tx: Tx, job: string, pausedBy: string | null): Promise<boolean> {
  const { count } = await tx`
    update slotbase.jobs set paused_at = case when ${pausedBy}::uuid is not null then slotbase.now() end, paused_by = ${pausedBy}
    where name = ${job} and (paused_at is null) = (${pausedBy}::uuid is not null)`
  return count === 1
}

/** The jobs by name, each with its last run. In a facility: with the last run that included the facility. */
export async function findJobs(
  db: Queryable,
  { facilityId, name, after, limit }: { facilityId?: string; name?: string; after?: string; limit: number },
): Promise<readonly JobSeen[]> {
  const rows = await db<(JobRow & { last: RunJson | null; schedule: SumsJson })[]>`
    select j.name, j.description, j.cron, j.timezone, j.in_facility, j.per_facility, j.missed, j.paused_at,
           to_jsonb(l) as last, to_jsonb(s) as schedule
    from slotbase.jobs j
    left join lateral (
      select * from (${facilityId === undefined ? lastRuns(db) : lastRunsIn(db, facilityId)}) r order by id desc limit 1
    ) l on true
    cross join lateral (
      select min(greatest(s.look_at, s.next_due_at)) filter (where s.look_at < 'infinity') as next_due_at, min(s.failing_since) as failing_since,
             ${facilityId === undefined ? db`null` : db`min(s.paused_at)`} as own_pause,
             ${facilityId === undefined ? db`null` : db`min(f.timezone)`} as timezone,
             coalesce(sum(s.ticks), 0) as ticks, coalesce(sum(s.succeeded), 0) as succeeded,
             coalesce(sum(s.failed), 0) as failed, coalesce(sum(s.lost), 0) as lost, coalesce(sum(s.skipped), 0) as skipped
      from slotbase.job_schedules s join slotbase.facilities f on f.id = s.facility_id
      where s.job = j.name
        ${facilityId === undefined ? db`` : db`and s.facility_id = case when j.per_facility then ${facilityId}::uuid else ${platformFacilityId}::uuid end`}
    ) s
    where not j.ended
      ${name === undefined ? db`` : db`and j.name = ${name}`}
      ${after === undefined ? db`` : db`and j.name > ${after}`}
    order by j.name
    limit ${limit}`
  return rows.map(({ last, schedule, ...job }) => ({
    ...job,
    last: last && fromJson(last),
    schedule: sumsOf(schedule),
  }))
}

const lastRuns = (sql: Queryable) => sql`
  select ${columnsOfRuns(sql)} from slotbase.job_runs
  where job = j.name and started_at is not null
  order by id desc limit 1`

// Two searches: each reads its own few rows, however many facilities have runs of the job.
const lastRunsIn = (sql: Queryable, facilityId: string) => sql`
  (select ${columnsOfRuns(sql)} from slotbase.job_runs
   where facility_id = ${facilityId} and job = j.name and started_at is not null order by id desc limit 1)
  union all
  (select ${columnsOfRuns(sql)} from slotbase.job_runs
   where facility_id = ${platformFacilityId} and job = j.name and started_at is not null order by id desc limit 1)`

/** A row that came as JSON has its instants as text. */
type RunJson = Omit<JobRunRow, "requested_at" | "tick_at" | "started_at" | "ended_at"> &
  Record<"requested_at" | "tick_at" | "started_at" | "ended_at", string | null>
type SumsJson = Omit<ScheduleSums, "next_due_at" | "own_pause" | "failing_since"> &
  Record<"next_due_at" | "own_pause" | "failing_since", string | null>

const fromJson = (run: RunJson): JobRunRow => ({
  ...run,
  requested_at: dateOf(run.requested_at),
  tick_at: dateOf(run.tick_at),
  started_at: dateOf(run.started_at),
  ended_at: dateOf(run.ended_at),
})
const sumsOf = (sums: SumsJson): ScheduleSums => ({
  ...sums,
  next_due_at: dateOf(sums.next_due_at),
  own_pause: dateOf(sums.own_pause),
  failing_since: dateOf(sums.failing_since),
})
const dateOf = (text: string | null) => (text === null ? null : new Date(text))
