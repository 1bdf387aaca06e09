/**
 * Pausing and resuming a scheduled job: in all facilities, or in one. While a job is paused none of its ticks is run,
 * and runs that wait go on waiting. When it is resumed, the job's rule says which of the missed ticks are run.
 */
import type { Caller } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound } from "#base/errors.ts"
import { sendHint } from "#base/hints.ts"
import { isFacility } from "#domain/club/facilities.ts"
import { noteChange } from "#events/audit.ts"
import { setJobPause } from "./job-rows.ts"
import { type Job, jobNamed, readJob, requireMaySteer } from "./jobs.ts"
import { holdSchedules, pauseSchedule, resumeSchedule } from "./schedule-rows.ts"

/** Pauses a job. One that is paused stays as it is. Throws NotAllowed, NotFound. */
export const pauseJob = (tx: Tx, caller: Caller, name: string, facilityId?: string): Promise<Job> =>
  setPause(tx, caller, name, facilityId, true)

/** Resumes a job. One that is not paused stays as it is. Throws NotAllowed, NotFound. */
export const resumeJob = (tx: Tx, caller: Caller, name: string, facilityId?: string): Promise<Job> =>
  setPause(tx, caller, name, facilityId, false)

async function setPause(
  tx: Tx,
  caller: Caller,
  name: string,
  facilityId: string | undefined,
  paused: boolean,
): Promise<Job> {
  requireMaySteer(caller, facilityId)
  if (facilityId !== undefined && !(await isFacility(tx, facilityId))) throw new NotFound("facility", facilityId)
  const job = await jobNamed(tx, name)
  if (facilityId !== undefined && !job.per_facility) {
    throw new NotAllowed(`${name} works for all facilities at once: a platform administrator pauses it.`)
  }
  const changed =
    facilityId === undefined
      ? await setWhole(tx, caller, job.name, paused)
      : await (paused
          ? pauseSchedule(tx, job.name, facilityId, caller.userId)
          : resumeSchedule(tx, job.name, facilityId))
  if (!changed) noteChange(tx, "nothing")
  tx.afterCommit(() => {
    sendHint("schedules")
    sendHint("jobs")
  })
  return readJob(tx, job.name, facilityId)
}

async function setWhole(tx: Tx, caller: Caller, job: string, paused: boolean): Promise<boolean> {
  const changed = await setJobPause(tx, job, paused ? caller.userId : null)
  if (changed) await holdSchedules(tx, job, paused)
  return changed
}
