/**
 * The rows of schedules: when the scheduler looks at each job and facility, and what it has decided. A row is moved on
 * in the transaction that makes the runs of its ticks (sql/0056-ticks.sql). What becomes of the runs is counted there.
 * Writes: job_schedules.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { platformFacilityId } from "#base/ids.ts"
import { zoneDataVersion } from "#base/zones/zone-data.ts"

/** A schedule that the scheduler looks at. */
export interface DueSchedule {
  readonly job: string
  readonly facility_id: string
  readonly decided_until: Date
  readonly decided_date: string | null
  /** How it was planned; null: it was not yet. */
  readonly cron: string | null
  readonly timezone: string | null
  readonly zone_data: string | null
  /** The facility's zone now. */
  readonly zone: string
}

/** What was decided about a schedule. Instants as text of ISO 8601. */
export interface MovedOn {
  readonly job: string
  readonly facility_id: string
  readonly next_due_at: string
  readonly decided_until: string
  readonly decided_date: string | null
  readonly cron: string
  readonly timezone: string
  readonly ticks: number
  readonly skipped: number
}

/** Those of these jobs that lack a schedule: in some facility, or on the platform. */
export async function jobsWithoutSchedules(db: Queryable, jobs: readonly string[]): Promise<readonly string[]> {
  const rows = await db<{ name: string }[]>`
    select j.name from slotbase.jobs j
    where j.name = any (${[...jobs]})
      and (select count(*) from slotbase.job_schedules s where s.job = j.name and (s.facility_id = ${platformFacilityId}) <> j.per_facility)
        < (select count(*) from slotbase.facilities f where (f.id = ${platformFacilityId}) <> j.per_facility)`
  return rows.map(({ name }) => name)
}

/**
 * Makes the missing schedules of these jobs in the next facilities, at most so many; answers the last facility, or
 * undefined when there is none. 1,000 schedules take 50 ms.
 */
export async function addSchedules(
  tx: Tx,
  jobs: readonly string[],
  after: string,
  limit: number,
): Promise<string | undefined> {
  const next = await tx<{ id: string }[]>`
    select id from slotbase.facilities where id > ${after} order by id limit ${limit}`
  // In the order of facilities and names: two processes that start together do not wait for each other in a circle.
  await tx`
    insert into slotbase.job_schedules (job, facility_id, look_at, decided_until, counted_from)
    select j.name, f.id, case when j.paused_at is null then t.now else 'infinity' end, t.now, t.now
    from unnest(${next.map(({ id }) => id)}::uuid[]) as f (id)
    join slotbase.jobs j on (f.id = ${platformFacilityId}) <> j.per_facility
    cross join (select slotbase.now() as now) t
    where j.name = any (${[...jobs]})
    order by f.id, j.name
    on conflict do nothing`
  return next.at(-1)?.id
}

/**
 * The scheduler looks at once at the schedules of these jobs that this program plans in another way. So it does at
 * those that were decided beyond now: the clock was set back. Those of ended jobs rest.
 */
export async function refreshSchedules(tx: Tx, jobs: readonly string[]): Promise<void> {
  await tx`
    with t as materialized (select slotbase.now() as now), outdated as materialized (
      select s.job, s.facility_id, t.now, s.decided_until > t.now + interval '1 minute' as ahead,
             j.ended or (s.facility_id = ${platformFacilityId}) = j.per_facility as over
      from t cross join slotbase.job_schedules s join slotbase.jobs j on j.name = s.job
      where case when j.ended or (s.facility_id = ${platformFacilityId}) = j.per_facility then s.look_at < 'infinity'
                 when j.name <> all (${[...jobs]}) then false
                 when s.decided_until > t.now + interval '1 minute' then true
                 when s.paused_at is not null or j.paused_at is not null then false
                 else s.look_at = 'infinity' or (s.cron, s.zone_data) is distinct from (j.cron, ${zoneDataVersion}) end
      order by s.job, s.facility_id
      for update of s
    )
    update slotbase.job_schedules s
    set look_at = case when o.over then 'infinity' when s.paused_at is not null or j.paused_at is not null then s.look_at else o.now end,
        decided_until = case when o.ahead then o.now else s.decided_until end,
        decided_date = case when o.ahead then null else s.decided_date end
    from outdated o join slotbase.jobs j on j.name = o.job
    where s.job = o.job and s.facility_id = o.facility_id`
}

/** Locks schedules to look at, the longest waiting first, and answers them with the present instant. */
export async function claimDue(
  tx: Tx,
  jobs: readonly string[],
  limit: number,
): Promise<{ readonly now: Date; readonly due: readonly DueSchedule[] }> {
  // Compared in SQL: a Date has milliseconds, and a row that was made to be looked at just now has more digits.
  const due = await tx<DueSchedule[]>`
    select s.job, s.facility_id, s.decided_until, s.decided_date::text, s.cron, s.timezone, s.zone_data, f.timezone as zone
    from slotbase.job_schedules s
    join slotbase.facilities f on f.id = s.facility_id
    where s.look_at <= (select slotbase.now()) and s.job = any (${[...jobs]})
    order by s.look_at
    limit ${limit}
    for update of s skip locked`
  const [clock] = await tx<[{ now: Date }]>`select slotbase.now() as now`
  return { now: clock.now, due }
}

/** Moves schedules on that are locked. One that failed because it could not be planned fails no more. */
export async function moveOn(tx: Tx, moved: readonly MovedOn[]): Promise<void> {
  await tx`
    update slotbase.job_schedules s
    set look_at = m.next_due_at, next_due_at = m.next_due_at, decided_until = m.decided_until, decided_date = m.decided_date,
        cron = m.cron, timezone = m.timezone, zone_data = ${zoneDataVersion}, ticks = s.ticks + m.ticks, skipped = s.skipped + m.skipped,
        failing_since = case when s.next_due_at is null then null else s.failing_since end,
        last_error = case when s.next_due_at is null then null else s.last_error end
    from jsonb_to_recordset(${tx.json(moved as never)}) as m (
      job text, facility_id uuid, next_due_at timestamptz, decided_until timestamptz, decided_date date, cron text,
      timezone text, ticks integer, skipped integer)
    where s.job = m.job and s.facility_id = m.facility_id`
}

/**
 * Looks again later at schedules that cannot be planned, such as one of an unknown zone, and says why. Without a next
 * tick they are known as such, unless a run has failed before: that is still to be mended.
 */
export async function postpone(
  tx: Tx,
  faults: readonly { readonly job: string; readonly facility_id: string; readonly error: string }[],
): Promise<void> {
  await tx`
    update slotbase.job_schedules s
    set look_at = slotbase.now() + interval '10 minutes',
        next_due_at = case when s.failing_since is null then null else s.next_due_at end, failing_since = coalesce(s.failing_since, slotbase.now()), last_error = f.error
    from jsonb_to_recordset(${tx.json(faults as never)}) as f (job text, facility_id uuid, error text)
    where s.job = f.job and s.facility_id = f.facility_id`
}

/** Now, and when the scheduler has to look next. */
export async function nextLook(
  db: Queryable,
  jobs: readonly string[],
): Promise<{ readonly now: Date; readonly at: Date | undefined }> {
  const [row] = await db<[{ now: Date; at: Date | null }]>`
    select slotbase.now() as now,
           (select s.look_at from slotbase.job_schedules s
            where s.job = any (${[...jobs]}) and s.look_at < 'infinity' order by s.look_at limit 1) as at`
  return { now: row.now, at: row.at ?? undefined }
}

/** Pauses the schedule of a facility. False: it is paused already. */
export async function pauseSchedule(tx: Tx, job: string, facilityId: string, userId: string): Promise<boolean> {
  const { count } = await tx`
    update slotbase.job_schedules set paused_at = slotbase.now(), paused_by = ${userId}, look_at = 'infinity'
    where job = ${job} and facility_id = ${facilityId} and paused_at is null`
  return count === 1
}

/** Resumes the schedule of a facility. False: it is not paused. */
export async function resumeSchedule(tx: Tx, job: string, facilityId: string): Promise<boolean> {
  const { count } = await tx`
    update slotbase.job_schedules s
    set paused_at = null, paused_by = null,
        look_at = case when j.ended or j.paused_at is not null then 'infinity' else slotbase.now() end
    from slotbase.jobs j
    where s.job = ${job} and s.facility_id = ${facilityId} and s.paused_at is not null and j.name = s.job`
  return count === 1
}

/** Stops or starts to look at all schedules of a job, but for those that a facility has paused. */
export async function holdSchedules(tx: Tx, job: string, held: boolean): Promise<void> {
  await tx`
    update slotbase.job_schedules set look_at = case when ${held} then 'infinity' else slotbase.now() end
    where job = ${job} and paused_at is null`
}
