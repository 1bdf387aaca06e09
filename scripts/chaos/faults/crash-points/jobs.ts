// Provokes the crash points of jobs by making the jobs due.

import { sendJob } from "#scripts/chaos/integrators/act.ts"
import type { Provoke } from "./provocation.ts"

/** Holds expire, and the job that releases them is due. */
export const expiredHolds: Provoke = ({ database }) => ({
  again: async () => {
    await database.db`
      update slotbase.bookings set hold_expires_at = slotbase.now() - interval '1 second'
      where status = 'held' and hold_expires_at > slotbase.now()`
    await sendJob(database, "hold-expiration")
  },
})

/**
 * The scheduler decides the last minute anew. The keys of the runs keep a tick from being run again. Asked often, it
 * would come to ticks from before the counting began, which have no run.
 */
export const dueTicks: Provoke = ({ database }) => ({
  again: () => database.db`
    update slotbase.job_schedules
    set look_at = slotbase.now(), decided_until = greatest(counted_from, decided_until - interval '1 minute')
    where look_at < 'infinity'`,
})

export const housekeeping: Provoke = ({ database }) => ({ again: () => sendJob(database, "housekeeping") })
