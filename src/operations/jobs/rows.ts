/**
 * The rows of the runs of scheduled jobs. The scheduler makes one for each tick that is to be run, and a command one
 * for each run that somebody asks for. Processes with actors claim them, take over those of crashed processes, and
 * write their ends. The answers are in `jobs.ts`.
 * Writes: job_runs.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"

/** The result of a run, as counts by name, such as `{ expired: 3 }`. */
export type Did = Readonly<Record<string, number>>

export const runStatuses = [
  "waiting",
  "requested",
  "running",
  "retrying",
  "succeeded",
  "failed",
  "lost",
  "skipped",
] as const
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
  readonly tick_at: Date | null
  readonly started_at: Date | null
  readonly ended_at: Date | null
  readonly did: Did | null
  readonly error: string | null
}

/** A run that this process has begun. */
export interface BegunRun extends Pick<JobRunRow, "id" | "facility_id" | "job" | "trigger" | "tick_at"> {
  /** Of how many this is. A process that was taken for dead has an older number, and writes nothing. */
  readonly attempts: number
  /** The local day of the tick, of a daily or rarer job. */
  readonly local_date: string | null
  /** By the database's clock. */
  readonly started_at: Date
  /** The zone of the facility. */
  readonly timezone: string
}

/** A tick that is to be run. Instants as text of ISO 8601. */
export interface NewTick {
  readonly job: string
  readonly facility_id: string
  readonly tick_at: string
  readonly local_date: string | null
}

/** Which runs of a job a process takes. */
export interface JobPlace {
  readonly job: string
  /** At most so many more. */
  readonly free: number
  /** So many go already. */
  readonly busy: number
}

/**
 * How long after each failure a run of a tick is tried again, seconds. After the last it has failed for good. A later
 * tick of the job takes its place. A run by hand is tried once.
 */
export const retryAfterSeconds = [5, 60, 600] as const

/** Makes the runs of ticks, and answers the new ones: a tick or a day that has a run already gets no other. */
export function insertTicks(
  tx: Tx,
  ticks: readonly NewTick[],
): Promise<readonly Pick<JobRunRow, "job" | "facility_id">[]> {
  const rows = ticks.map((tick) => ({ id: newId(), ...tick }))
  return tx<Pick<JobRunRow, "job" | "facility_id">[]>`
    insert into slotbase.job_runs (id, facility_id, job, trigger, status, tick_at, local_date)
    select id, facility_id, job, 'schedule', 'waiting', tick_at, local_date
    from jsonb_to_recordset(${tx.json(rows as never)}) as t (
      id uuid, facility_id uuid, job text, tick_at timestamptz, local_date date)
    order by job, facility_id, tick_at
    on conflict do nothing
    returning job, facility_id`
}

/**
 * Ends runs that wait while later ticks of theirs have come: those that never began are skipped, the others have
 * failed. @param kept how many runs of each may go on waiting, the latest first.
 */
export async function supersede(
  tx: Tx,
  kept: readonly { readonly job: string; readonly facility_id: string; readonly keep: number }[],
): Promise<void> {
  await tx`
    update slotbase.job_runs r
    set status = case when r.failures > 0 then 'failed' else 'skipped' end, ended_at = slotbase.now()
    from jsonb_to_recordset(${tx.json(kept as never)}) as k (job text, facility_id uuid, keep integer)
    cross join lateral (
      select w.id from slotbase.job_runs w
      where w.job = k.job and w.facility_id = k.facility_id and w.status in ('waiting', 'retrying')
      order by w.id desc offset k.keep
    ) w
    where r.id = w.id and r.facility_id = k.facility_id and r.status in ('waiting', 'retrying')`
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
    returning ${columnsOfRuns(tx)}`
  if (made) return { run: made, isNew: true }
  const [waiting] = await tx<JobRunRow[]>`
    select ${columnsOfRuns(tx)} from slotbase.job_runs
    where job = ${job} and facility_id = ${facilityId} and status = 'requested'`
  // The waiting run was claimed between the two statements. It may have read its work already, so another run is
  // requested.
  return waiting ? { run: waiting, isNew: false } : insertRequest(tx, job, facilityId, userId)
}

/**
 * Claims runs, also those of processes that crashed during them. One that has crashed five processes is lost.
 * @param held the runs that this process has already; @param lane runs for all facilities, or those for one.
 */
export function claimRuns(
  db: Queryable,
  owner: number,
  held: readonly string[],
  lane: "platform" | "facilities",
  places: readonly JobPlace[],
  most: number,
): Promise<readonly BegunRun[]> {
  return db<BegunRun[]>`
    select id, facility_id, job, trigger, attempts, tick_at, local_date::text, started_at, timezone
    from slotbase.claim_job_runs(${owner}, ${[...held]}::uuid[], ${lane === "platform"}, ${places.map(({ job }) => job)},
      ${places.map(({ free }) => free)}::integer[], ${places.map(({ busy }) => busy)}::integer[], ${most})`
}

/** Ends a run, or lets it be tried again. Writes nothing when another process has taken over the run meanwhile. */
export async function endRun(
  db: Queryable,
  run: BegunRun,
  owner: number,
  end: { readonly did: Did } | { readonly error: string },
): Promise<void> {
  if ("did" in end)
    await db`
      update slotbase.job_runs set status = 'succeeded', ended_at = slotbase.now(), did = ${db.json(end.did)}, error = null
      where ${isStill(db, run, owner)}`
  else
    await db`
      update slotbase.job_runs
      set failures = failures + 1, error = ${end.error},
          status = case when tick_at is not null and failures < ${retryAfterSeconds.length} then 'retrying' else 'failed' end,
          ended_at = case when tick_at is not null and failures < ${retryAfterSeconds.length} then null else slotbase.now() end,
          ready_at = slotbase.now() + (${[...retryAfterSeconds]}::integer[])[failures + 1] * interval '1 second'
      where ${isStill(db, run, owner)}`
}

/** Gives a run back that a stop cut short. The attempt does not count. */
export async function returnRun(db: Queryable, run: BegunRun, owner: number): Promise<void> {
  await db`
    update slotbase.job_runs
    set status = case when tick_at is null then 'requested' when failures > 0 then 'retrying' else 'waiting' end,
        started_at = case when failures > 0 then started_at end, attempts = attempts - 1, ready_at = slotbase.now()
    where ${isStill(db, run, owner)}`
}

/** Removes runs that ended over a week ago, but never the last of a job and facility; returns their number. */
export async function forgetOldRuns(db: Queryable, limit: number): Promise<number> {
  const { count } = await db`
    delete from slotbase.job_runs
    where (id, facility_id) in (
      select r.id, r.facility_id from slotbase.job_runs r
      where r.id < slotbase.id_at((select slotbase.now()) - interval '7 days') and r.ended_at is not null
        and exists (
          select from slotbase.job_runs later
          where later.facility_id = r.facility_id and later.job = r.job and later.id > r.id)
      order by r.id
      limit ${limit})`
  return count
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
    select ${columnsOfRuns(db)} from slotbase.job_runs
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
    select ${columnsOfRuns(db)} from slotbase.job_runs
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

/** The columns of a run that people see. */
export const columnsOfRuns = (sql: Queryable) => sql`
  id, facility_id, job, trigger, status, requested_by, requested_at, tick_at, started_at, ended_at, did, error`

const isStill = (sql: Queryable, { id, facility_id, attempts }: BegunRun, owner: number) => sql`
  id = ${id} and facility_id = ${facility_id} and status = 'running' and owner = ${owner} and attempts = ${attempts}`
