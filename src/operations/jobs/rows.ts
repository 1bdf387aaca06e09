/**
 * The rows of scheduled jobs and of their runs. A process with actors mirrors its jobs here. It writes the begin and
 * the end of each of its runs, claims requested runs, and takes over those of crashed processes. The command and the
 * answers are in `jobs.ts`.
 * Writes: jobs, job_runs.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId, platformFacilityId } from "#base/ids.ts"

export interface JobRow {
  readonly name: string
  readonly description: string
  readonly cron: string
  readonly timezone: string
  readonly in_facility: boolean
  readonly ended: boolean
}

/** The result of a run, as counts by name, such as `{ expired: 3 }`. */
export type Did = Readonly<Record<string, number>>

export const runStatuses = ["requested", "running", "succeeded", "failed", "lost"] as const
export const runTriggers = ["schedule", "request"] as const

export interface JobRunRow {
  readonly id: string
  /** The platform's own id: for all facilities. */
  readonly facility_id: string
  readonly job: string
  readonly trigger: (typeof runTriggers)[number]
  readonly status: (typeof runStatuses)[number]
  readonly requested_by: string | null
  readonly requested_at: Date | null
  readonly started_at: Date | null
  readonly ended_at: Date | null
  readonly did: Did | null
  readonly error: string | null
}

/** A run that this process has begun. */
export type BegunRun = Pick<JobRunRow, "id" | "facility_id" | "job">

/** Brings the list up to date. A job that only an older program knew is marked as ended. */
export async function mirrorJobs(db: Db, jobs: readonly Omit<JobRow, "ended">[]): Promise<void> {
  const names = jobs.map(({ name }) => name)
  await db.begin(async (tx) => {
    await tx`
      insert into slotbase.jobs (name, description, cron, timezone, in_facility)
      select * from jsonb_to_recordset(${tx.json(jobs as never)}) as j (
        name text, description text, cron text, timezone text, in_facility boolean)
      on conflict (name) do update
      set description = excluded.description, cron = excluded.cron, timezone = excluded.timezone,
          in_facility = excluded.in_facility, ended = false
      where (jobs.description, jobs.cron, jobs.timezone, jobs.in_facility, jobs.ended)
        is distinct from (excluded.description, excluded.cron, excluded.timezone, excluded.in_facility, false)`
    await tx`update slotbase.jobs set ended = true where not ended and name <> all (${names})`
  })
}

/** Requests a run, or joins a waiting request. Returns the row, and whether it is new. */
export async function insertRequest(
  tx: Tx,
  job: string,
  facilityId: string,
  userId: string,
): Promise<{ run: JobRunRow; isNew: boolean }> {
  const [made] = await tx<JobRunRow[]>`
    insert into slotbase.job_runs (id, facility_id, job, trigger, status, requested_by, requested_at)
    values (${newId()}, ${facilityId}, ${job}, 'request', 'requested', ${userId}, slotbase.now())
    on conflict (job, facility_id) where status = 'requested' do nothing
    returning ${columns(tx)}`
  if (made) return { run: made, isNew: true }
  const [waiting] = await tx<JobRunRow[]>`
    select ${columns(tx)} from slotbase.job_runs
    where job = ${job} and facility_id = ${facilityId} and status = 'requested'`
  // The waiting run was claimed between the two statements. It may have read its work already, so another run is
  // requested.
  return waiting ? { run: waiting, isNew: false } : insertRequest(tx, job, facilityId, userId)
}

/** Begins a run at its tick. */
export async function beginRun(db: Queryable, job: string, owner: number): Promise<BegunRun> {
  const id = newId()
  await db`
    insert into slotbase.job_runs (id, facility_id, job, trigger, status, owner, attempts, started_at)
    values (${id}, ${platformFacilityId}, ${job}, 'schedule', 'running', ${owner}, 1, slotbase.now())`
  return { id, facility_id: platformFacilityId, job }
}

/**
 * Claims requested runs, also those of processes that crashed during them. Marks other runs of crashed processes as
 * lost.
 * @param jobs The jobs that this program knows.
 */
export async function claimRequests(
  db: Queryable,
  owner: number,
  jobs: readonly string[],
  limit: number,
): Promise<BegunRun[]> {
  await db`
    update slotbase.job_runs r
    set status = 'lost', ended_at = slotbase.now()
    where r.status = 'running' and ${isOrphan(db)} and (r.trigger = 'schedule' or r.attempts >= ${maxAttempts})`
  return db<BegunRun[]>`
    update slotbase.job_runs
    set status = 'running', owner = ${owner}, attempts = attempts + 1, started_at = slotbase.now()
    where (id, facility_id) in (
      select r.id, r.facility_id from slotbase.job_runs r
      where (r.status = 'requested' or (r.status = 'running' and r.trigger = 'request' and ${isOrphan(db)}))
        and r.job = any (${[...jobs]})
      order by r.id
      limit ${limit}
      for update skip locked)
    returning id, facility_id, job`
}

/** Ends a run. Writes nothing when another process has taken over the run meanwhile. */
export async function endRun(
  db: Queryable,
  run: BegunRun,
  owner: number,
  end: { readonly did: Did } | { readonly error: string },
): Promise<void> {
  const status = "did" in end ? "succeeded" : "failed"
  await db`
    update slotbase.job_runs
    set status = ${status}, ended_at = slotbase.now(), did = ${"did" in end ? db.json(end.did) : null},
        error = ${"error" in end ? end.error : null}
    where id = ${run.id} and facility_id = ${run.facility_id} and owner = ${owner} and status = 'running'`
}

/** Removes runs that ended over a week ago, but never the last run of a job; returns their number. */
export async function forgetOldRuns(db: Queryable, limit: number): Promise<number> {
  const { count } = await db`
    delete from slotbase.job_runs
    where (id, facility_id) in (
      select r.id, r.facility_id from slotbase.job_runs r
      where r.id < slotbase.id_at((select slotbase.now()) - interval '7 days') and r.ended_at is not null
        and exists (select from slotbase.job_runs later where later.job = r.job and later.id > r.id)
      order by r.id
      limit ${limit})`
  return count
}

/** The jobs by name, each with its last run. In a facility: with the last run that included the facility. */
export async function findJobs(
  db: Queryable,
  { facilityId, name, after, limit }: { facilityId?: string; name?: string; after?: string; limit: number },
): Promise<readonly (JobRow & { readonly last: JobRunRow | null })[]> {
  const rows = await db<(JobRow & { last: RunJson | null })[]>`
    select j.name, j.description, j.cron, j.timezone, j.in_facility, j.ended, to_jsonb(l) as last
    from slotbase.jobs j
    left join lateral (
      select ${columns(db)} from slotbase.job_runs
      where job = j.name and started_at is not null
        ${facilityId === undefined ? db`` : db`and facility_id in (${platformFacilityId}, ${facilityId})`}
      order by id desc
      limit 1
    ) l on true
    where not j.ended
      ${name === undefined ? db`` : db`and j.name = ${name}`}
      ${after === undefined ? db`` : db`and j.name > ${after}`}
    order by j.name
    limit ${limit}`
  return rows.map(({ last, ...job }) => ({ ...job, last: last && fromJson(last) }))
}

/** The runs of a job, the newest first. */
export function findRuns(
  db: Queryable,
  filter: {
    readonly job: string
    readonly facilityId?: string
    readonly status?: string
    readonly trigger?: string
    readonly before?: string
    readonly limit: number
  },
): Promise<readonly JobRunRow[]> {
  const { job, facilityId, status, trigger, before, limit } = filter
  const none = db``
  return db<JobRunRow[]>`
    select ${columns(db)} from slotbase.job_runs
    where job = ${job}
      ${facilityId === undefined ? none : db`and facility_id = ${facilityId}`}
      ${status === undefined ? none : db`and status = ${status}`}
      ${trigger === undefined ? none : db`and trigger = ${trigger}`}
      ${before === undefined ? none : db`and id < ${before}`}
    order by id desc
    limit ${limit}`
}

export async function findRun(
  db: Queryable,
  id: string,
  { job, facilityId }: { readonly job?: string; readonly facilityId?: string } = {},
): Promise<JobRunRow | undefined> {
  const [row] = await db<JobRunRow[]>`
    select ${columns(db)} from slotbase.job_runs
    where id = ${id}
      ${job === undefined ? db`` : db`and job = ${job}`}
      ${facilityId === undefined ? db`` : db`and facility_id = ${facilityId}`}`
  return row
}

/** Whether a process with actors is alive that could claim a run. */
export async function isAnybodyThere(db: Queryable): Promise<boolean> {
  const rows =
    await db`select 1 from slotbase.processes where alive_until > clock_timestamp() and role in ('all', 'actors') limit 1`
  return rows.length > 0
}

/** A requested run that crashes each process that claims it is lost after this many attempts. */
const maxAttempts = 3

const isOrphan = (sql: Queryable) => sql`
  not exists (select from slotbase.processes p where p.id = r.owner and p.alive_until > clock_timestamp())`

const columns = (sql: Queryable) => sql`
  id, facility_id, job, trigger, status, requested_by, requested_at, started_at, ended_at, did, error`

/** A row that came as JSON has its instants as text. */
type RunJson = Omit<JobRunRow, "requested_at" | "started_at" | "ended_at"> &
  Record<"requested_at" | "started_at" | "ended_at", string | null>

const fromJson = (run: RunJson): JobRunRow => ({
  ...run,
  requested_at: dateOf(run.requested_at),
  started_at: dateOf(run.started_at),
  ended_at: dateOf(run.ended_at),
})
const dateOf = (text: string | null) => (text === null ? null : new Date(text))
