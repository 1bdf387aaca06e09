/**
 * What a facility is told about the scheduled jobs of its own day: one fails, and works again. Nobody else would tell
 * its administrators that a report or the bills of a month are missing. What was told is read from the log of events,
 * so it needs no row of its own. The events of one job share an aggregate, whose index leads to what was told.
 */
import type { Tx } from "#base/database/transaction.ts"
import { platformFacilityId } from "#base/ids.ts"
import { record } from "#events/outbox.ts"
import { jobFailingStages } from "#events/types/job.ts"

/** Something that a facility was told. */
export interface JobTold {
  readonly facilityId: string
  readonly job: string
  readonly what: "failing" | "recovered"
  readonly stage?: (typeof jobFailingStages)[number]
}

interface Failing {
  readonly facility_id: string
  readonly job: string
  readonly job_id: string
  readonly failing_since: Date
  readonly last_error: string
  /** How often it was told of this failure. */
  readonly told: number
}

interface Recovered extends Pick<Failing, "facility_id" | "job" | "job_id"> {
  readonly failing_since: string
  readonly now: Date
}

/** SQL, uuid: what the events of a job have in common, in all facilities. */
const jobId = (tx: Tx, name: ReturnType<Tx>) => tx`slotbase.derived_id(${platformFacilityId}, 'job ' || ${name})`

/** One look at a time: a second one reads what the first has told. */
const oneAtATime = (tx: Tx) => tx`
  select pg_advisory_xact_lock(hashtext('slotbase'), hashtext('facilities told of jobs'))`

/** Days back in which a failure that was told of is looked for: longer than a month, whose job is the rarest. */
const lookBackDays = 40

/** Tells of failing jobs whose next stage has come, at most `limit`, the longest failing first. */
export async function tellFailingJobs(tx: Tx, limit: number): Promise<readonly JobTold[]> {
  await oneAtATime(tx)
  const rows = await tx<Failing[]>`
    select s.facility_id, s.job, j.id as job_id, s.failing_since, s.last_error, e.told
    from slotbase.job_schedules s
    cross join lateral (select ${jobId(tx, tx`s.job`)} as id) j
    cross join lateral (
      -- An event's id has the time of the program's clock, which may be a little behind the database's.
      select count(*)::integer as told from slotbase.events e
      where e.aggregate_id = j.id::text and e.facility_id = s.facility_id and e.type = 'facility.job.failing'
        and e.id >= slotbase.id_at(s.failing_since - interval '1 second')
    ) e
    where s.failing_since is not null and s.facility_id <> ${platformFacilityId}
      and (e.told = 0
        or e.told = 1 and s.failing_since <= (select slotbase.now()) - interval '1 day'
        or e.told = 2 and s.failing_since <= (select slotbase.now()) - interval '7 days')
    order by s.failing_since, s.facility_id, s.job
    limit ${limit}`
  return rows.map(({ facility_id: facilityId, job, job_id: jobId, failing_since, last_error, told }) => {
    const stage = jobFailingStages[told] ?? "one_week"
    const failingSince = failing_since.toISOString()
    record(tx, {
      type: "facility.job.failing",
      facilityId,
      data: { facilityId, jobId, job, failingSince, stage, lastError: last_error.slice(0, longestError) || "failed" },
    })
    return { facilityId, job, what: "failing", stage }
  })
}

/** Characters of an error that a mail shows. */
const longestError = 500

/** Gives the all-clear for jobs that a facility was told of and that fail no more, at most `limit`. */
export async function tellJobsRecovered(tx: Tx, limit: number): Promise<readonly JobTold[]> {
  await oneAtATime(tx)
  const rows = await tx<Recovered[]>`
    select t.facility_id, t.job, t.job_id, t.failing_since, slotbase.now() as now
    from (
      select distinct on (e.facility_id, e.aggregate_id)
             e.facility_id, e.aggregate_id as job_id, e.type, e.data ->> 'job' as job, e.data ->> 'failingSince' as failing_since
      from slotbase.events e
      where e.aggregate_id in (select ${jobId(tx, tx`j.name`)}::text from slotbase.jobs j where j.per_facility)
        and e.id >= slotbase.id_at((select slotbase.now()) - ${`${lookBackDays} days`}::text::interval)
        and e.type in ('facility.job.failing', 'facility.job.recovered')
      order by e.facility_id, e.aggregate_id, e.id desc
    ) t
    join slotbase.job_schedules s on s.job = t.job and s.facility_id = t.facility_id
    where t.type = 'facility.job.failing' and s.failing_since is null
    order by t.facility_id, t.job
    limit ${limit}`
  return rows.map(({ facility_id: facilityId, job, job_id: jobId, failing_since: failingSince, now }) => {
    const data = { facilityId, jobId, job, failingSince, recoveredAt: now.toISOString() }
    record(tx, { type: "facility.job.recovered", facilityId, data })
    return { facilityId, job, what: "recovered" }
  })
}
