/**
 * Scheduled jobs as people see and run them. Running a job requests a run. Within a second a process with actors claims
 * the run. That process writes the result. A server without actors can only request. The platform's administrators see
 * and run all jobs. A facility's administrators see all jobs, and run those that can be limited to the facility.
 * `rows.ts` writes the rows.
 */
import * as Schema from "effect/Schema"
import { type Caller, isPlatformAdmin, requireAdmin, requirePlatformAdmin } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound } from "#base/errors.ts"
import { sendHint } from "#base/hints.ts"
import { platformFacilityId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { isZone } from "#base/zones/zone-data.ts"
import { requireFacility } from "#domain/club/facilities.ts"
import { parseCron } from "./cron.ts"
import { findJobs, type JobSeen } from "./job-rows.ts"
import { findRun, findRuns, insertRequest, type JobRunRow, runStatuses, runTriggers } from "./rows.ts"
import { nextTicks, type Tick } from "./ticks.ts"

export const JobRun = Schema.Struct({
  id: Id,
  job: Schema.String,
  facilityId: Schema.NullOr(Id).annotate({ description: "the one facility of the run; null: all facilities" }),
  trigger: Schema.Literals(runTriggers).annotate({ description: "by its tick, or on request" }),
  status: Schema.Literals(runStatuses).annotate({
    description:
      "waiting, requested: no process has claimed it yet. retrying: it failed and is tried again. lost: it crashed its " +
      "process at every attempt. skipped: a later tick came before it began.",
  }),
  requestedBy: Schema.NullOr(Id),
  requestedAt: Schema.NullOr(Schema.String),
  tickAt: Schema.NullOr(Schema.String).annotate({ description: "its tick; null: a run by hand" }),
  startedAt: Schema.NullOr(Schema.String),
  endedAt: Schema.NullOr(Schema.String),
  durationMs: Schema.NullOr(Schema.Finite),
  did: Schema.NullOr(Schema.Record(Schema.String, Schema.Finite)).annotate({
    description: "its result, as counts by name",
  }),
  error: Schema.NullOr(Schema.String),
}).annotate({ identifier: "JobRun" })
export type JobRun = typeof JobRun.Type

export const Job = Schema.Struct({
  name: Schema.String,
  description: Schema.String,
  cron: Schema.String.annotate({ description: "minute, hour, day of month, month, weekday" }),
  timezone: Schema.String.annotate({ description: "the zone in which cron is read; local: that of each facility" }),
  missed: Schema.String.annotate({
    description: "what becomes of missed ticks: once: the latest is run; skip: none; catch up 3: the latest three",
  }),
  perFacility: Schema.Boolean.annotate({
    description: "whether it runs for each facility by itself, at a time of the facility's own day",
  }),
  runsInFacility: Schema.Boolean.annotate({ description: "whether it can be run for one facility alone" }),
  pausedAt: Schema.NullOr(Schema.String),
  nextTicks: Schema.Array(Schema.String).annotate({
    description: "for all facilities of a job that runs for each by itself: the first of them",
  }),
  lastRun: Schema.NullOr(JobRun),
  failingSince: Schema.NullOr(Schema.String).annotate({
    description: "since when a run has failed for good, without a later success",
  }),
  ticks: Schema.Struct({
    decided: Schema.Finite,
    succeeded: Schema.Finite,
    failed: Schema.Finite,
    lost: Schema.Finite,
    skipped: Schema.Finite.annotate({ description: "left out by the rule for missed ticks" }),
    unfinished: Schema.Finite,
  }).annotate({ description: "what became of its ticks so far" }),
}).annotate({ identifier: "Job" })
export type Job = typeof Job.Type

export const RunQuery = Schema.Struct({
  ...pageQuery,
  status: Schema.optionalKey(Schema.Literals(runStatuses)),
  trigger: Schema.optionalKey(Schema.Literals(runTriggers)),
})

/**
 * All jobs by name. With `facilityId`: as the facility's administrators see them, without the results of runs
 * elsewhere. Throws NotFound for a facility that there is not.
 */
export async function listJobs(
  db: Queryable,
  query: { readonly limit?: string; readonly after?: string },
  facilityId?: string,
): Promise<Page<Job>> {
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Schema.String])) ?? []
  if (facilityId !== undefined) await requireFacility(db, facilityId)
  const [rows, now] = await Promise.all([
    findJobs(db, { limit: limit + 1, ...scoped(facilityId), ...(after !== undefined && { after }) }),
    presently(db),
  ])
  return pageOf(
    rows,
    limit,
    (row) => [row.name],
    (row) => jobOf(row, now, facilityId),
  )
}

/** A job, as it concerns a facility. Throws NotFound. */
export async function readJob(db: Queryable, name: string, facilityId?: string): Promise<Job> {
  if (facilityId !== undefined) await requireFacility(db, facilityId)
  return jobOf(await jobNamed(db, name, facilityId), await presently(db), facilityId)
}

/** The runs of a job, the newest first. With `facilityId`: only the runs for that facility alone. Throws NotFound. */
export async function listRuns(
  db: Queryable,
  name: string,
  query: typeof RunQuery.Type,
  facilityId?: string,
): Promise<Page<JobRun>> {
  const { name: job } = await jobNamed(db, name)
  if (facilityId !== undefined) await requireFacility(db, facilityId)
  const limit = pageLimitOf(query)
  const [before] = keyAfter(query, Schema.Tuple([Id])) ?? []
  const { status, trigger } = query
  const rows = await findRuns(db, {
    job,
    limit: limit + 1,
    ...scoped(facilityId),
    ...(status && { status }),
    ...(trigger && { trigger }),
    ...(before && { before }),
  })
  return pageOf(rows, limit, (row) => [row.id], runOf)
}

/** Throws NotFound. */
export async function readRun(db: Queryable, name: string, id: string, facilityId?: string): Promise<JobRun> {
  const run = isName(name) ? await findRun(db, id, { job: name, ...scoped(facilityId) }) : undefined
  if (!run) throw new NotFound("run", id)
  return runOf(run)
}

/**
 * Requests a run of a job, or joins a waiting request. With a `facilityId` the job runs for that facility alone.
 * Throws NotAllowed, NotFound.
 */
export async function requestRun(tx: Tx, caller: Caller, name: string, facilityId?: string): Promise<JobRun> {
  requireMaySteer(caller, facilityId)
  if (facilityId !== undefined) await requireFacility(tx, facilityId)
  const job = await jobNamed(tx, name)
  if (facilityId !== undefined && !job.in_facility) {
    throw new NotAllowed(`${name} works for all facilities at once: a platform administrator runs it.`)
  }
  if (facilityId === undefined && job.per_facility) throw new NotAllowed(`${name} runs in one facility at a time.`)
  const { run } = await insertRequest(tx, job.name, facilityId ?? platformFacilityId, caller.userId)
  tx.afterCommit(() => sendHint("jobs"))
  return runOf(run)
}

/** Throws NotAllowed. */
export function requireMaySteer(caller: Caller, facilityId: string | undefined): void {
  if (facilityId === undefined) requirePlatformAdmin(caller)
  else if (!isPlatformAdmin(caller)) requireAdmin(caller, facilityId)
}

export const runOf = (row: JobRunRow): JobRun => ({
  id: row.id,
  job: row.job,
  facilityId: row.facility_id === platformFacilityId ? null : row.facility_id,
  trigger: row.trigger,
  status: row.status,
  requestedBy: row.requested_by,
  requestedAt: row.requested_at?.toISOString() ?? null,
  tickAt: row.tick_at?.toISOString() ?? null,
  startedAt: row.started_at?.toISOString() ?? null,
  endedAt: row.ended_at?.toISOString() ?? null,
  durationMs: row.started_at && row.ended_at ? row.ended_at.getTime() - row.started_at.getTime() : null,
  did: row.did,
  error: row.error,
})

/** The number of ticks in an answer. */
const shownTicks = 3

function jobOf(row: JobSeen, now: Date, facilityId?: string): Job {
  const { schedule } = row
  const last = row.last && runOf(row.last)
  const foreign = facilityId !== undefined && last?.facilityId === null
  const { ticks, succeeded, failed, lost, skipped } = schedule
  return {
    name: row.name,
    description: row.description,
    cron: row.cron,
    timezone: zoneOfJob(row),
    missed: row.missed,
    perFacility: row.per_facility,
    runsInFacility: row.in_facility,
    pausedAt: pauseOf(row)?.toISOString() ?? null,
    nextTicks: comingTicks(row, now).map(({ at }) => new Date(at).toISOString()),
    lastRun: last && foreign ? { ...last, did: null, error: null, requestedBy: null } : last,
    failingSince: schedule.failing_since?.toISOString() ?? null,
    ticks: {
      decided: ticks,
      succeeded,
      failed,
      lost,
      skipped,
      unfinished: ticks - succeeded - failed - lost - skipped,
    },
  }
}

const pauseOf = ({ paused_at, schedule }: JobSeen) => paused_at ?? schedule.own_pause

/** The zone in which a job's cron line is read: the facility's, where there is one. */
const zoneOfJob = ({ per_facility, timezone, schedule }: JobSeen): string =>
  per_facility ? (schedule.timezone ?? timezone) : timezone

/** The zone of a facility that the program does not know, such as one of newer zone data. */
const unknownZoneOf = ({ per_facility, schedule }: JobSeen): string | undefined =>
  per_facility && schedule.timezone !== null && !isZone(schedule.timezone) ? schedule.timezone : undefined

/** The next ticks of a job, as the scheduler has planned them; none while it is paused. */
function comingTicks(row: JobSeen, now: Date): readonly Pick<Tick, "at">[] {
  const { next_due_at: planned } = row.schedule
  // Without its zone the scheduler plans nothing either.
  if (pauseOf(row) !== null || unknownZoneOf(row) !== undefined) return []
  if (row.per_facility && row.schedule.timezone === null) return planned === null ? [] : [{ at: planned.getTime() }]
  // The scheduler may have left out the first: a local day has one tick, also when the zone changes.
  const after = Math.max(now.getTime(), (planned?.getTime() ?? 0) - 1)
  return nextTicks(parseCron(row.cron), zoneOfJob(row), after, shownTicks)
}

// A text that cannot be a job's name never reaches the database, which answers some texts with an error.
const isName = (text: string) => /^[a-z][a-z0-9-]{0,62}$/.test(text)

/** Throws NotFound. */
export async function jobNamed(db: Queryable, name: string, facilityId?: string): Promise<JobSeen> {
  const [job] = isName(name) ? await findJobs(db, { name, limit: 1, ...scoped(facilityId) }) : []
  if (!job) throw new NotFound("job")
  return job
}

/** The present instant of the database. */
export async function presently(db: Queryable): Promise<Date> {
  const [row] = await db<[{ now: Date }]>`select slotbase.now() as now`
  return row.now
}

const scoped = (facilityId: string | undefined) => (facilityId === undefined ? {} : { facilityId })
