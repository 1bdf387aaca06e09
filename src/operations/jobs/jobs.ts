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
import { isFacility } from "#domain/club/facilities.ts"
import {
  findJobs,
  findRun,
  findRuns,
  insertRequest,
  type JobRow,
  type JobRunRow,
  runStatuses,
  runTriggers,
} from "./rows.ts"
import { nextTicks } from "./ticks.ts"

export const JobRun = Schema.Struct({
  id: Id,
  job: Schema.String,
  facilityId: Schema.NullOr(Id).annotate({ description: "the one facility of the run; null: all facilities" }),
  trigger: Schema.Literals(runTriggers).annotate({ description: "by its tick, or on request" }),
  status: Schema.Literals(runStatuses).annotate({
    description: "requested: no process has claimed it yet; lost: its process crashed during it",
  }),
  requestedBy: Schema.NullOr(Id),
  requestedAt: Schema.NullOr(Schema.String),
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
  timezone: Schema.String,
  runsInFacility: Schema.Boolean.annotate({ description: "whether it can be run for one facility alone" }),
  nextTicks: Schema.Array(Schema.String),
  lastRun: Schema.NullOr(JobRun),
}).annotate({ identifier: "Job" })
export type Job = typeof Job.Type

export const RunQuery = Schema.Struct({
  ...pageQuery,
  status: Schema.optionalKey(Schema.Literals(runStatuses)),
  trigger: Schema.optionalKey(Schema.Literals(runTriggers)),
})

/**
 * All jobs by name. With `facilityId`: as the facility's administrators see them, without the results of runs
 * elsewhere.
 */
export async function listJobs(
  db: Queryable,
  query: { readonly limit?: string; readonly after?: string },
  facilityId?: string,
): Promise<Page<Job>> {
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Schema.String])) ?? []
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

/** Throws NotFound. */
export async function readJob(db: Queryable, name: string): Promise<Job> {
  return jobOf(await jobNamed(db, name), await presently(db))
}

/** The runs of a job, the newest first. With `facilityId`: only the runs for that facility alone. Throws NotFound. */
export async function listRuns(
  db: Queryable,
  name: string,
  query: typeof RunQuery.Type,
  facilityId?: string,
): Promise<Page<JobRun>> {
  const { name: job } = await jobNamed(db, name)
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
  requireMayRun(caller, facilityId)
  if (facilityId !== undefined && !(await isFacility(tx, facilityId))) throw new NotFound("facility", facilityId)
  const job = await jobNamed(tx, name)
  if (facilityId !== undefined && !job.in_facility) {
    throw new NotAllowed(`${name} works for all facilities at once: a platform administrator runs it.`)
  }
  const { run } = await insertRequest(tx, job.name, facilityId ?? platformFacilityId, caller.userId)
  tx.afterCommit(() => sendHint("jobs"))
  return runOf(run)
}

function requireMayRun(caller: Caller, facilityId: string | undefined): void {
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
  startedAt: row.started_at?.toISOString() ?? null,
  endedAt: row.ended_at?.toISOString() ?? null,
  durationMs: row.started_at && row.ended_at ? row.ended_at.getTime() - row.started_at.getTime() : null,
  did: row.did,
  error: row.error,
})

/** The number of ticks in an answer. */
const shownTicks = 3

function jobOf(row: JobRow & { readonly last: JobRunRow | null }, now: Date, facilityId?: string): Job {
  const last = row.last && runOf(row.last)
  const foreign = facilityId !== undefined && last?.facilityId === null
  return {
    name: row.name,
    description: row.description,
    cron: row.cron,
    timezone: row.timezone,
    runsInFacility: row.in_facility,
    nextTicks: nextTicks(row.cron, row.timezone, now, shownTicks).map((tick) => tick.toISOString()),
    lastRun: last && foreign ? { ...last, did: null, error: null, requestedBy: null } : last,
  }
}

// A text that cannot be a job's name never reaches the database, which answers some texts with an error.
const isName = (text: string) => /^[a-z][a-z0-9-]{0,62}$/.test(text)

async function jobNamed(db: Queryable, name: string) {
  const [job] = isName(name) ? await findJobs(db, { name, limit: 1 }) : []
  if (!job) throw new NotFound("job")
  return job
}

async function presently(db: Queryable): Promise<Date> {
  const [row] = await db<[{ now: Date }]>`select slotbase.now() as now`
  return row.now
}

const scoped = (facilityId: string | undefined) => (facilityId === undefined ? {} : { facilityId })
