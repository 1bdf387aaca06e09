// Provokes the crash points of jobs by making the jobs due.

import type { Db } from "#base/database/db.ts"
import type { Provoke } from "./provocation.ts"

/** Holds expire, and the job that releases them is due. */
export const expiredHolds: Provoke = ({ database: { db } }) => ({
  again: async () => {
    await db`
      update slotbase.bookings set hold_expires_at = slotbase.now() - interval '1 second'
      where status = 'held' and hold_expires_at > slotbase.now()`
    await sendJob(db, "hold-expiration")
  },
})

export const housekeeping: Provoke = ({ database: { db } }) => ({ again: () => sendJob(db, "housekeeping") })

/** Sends a job of pg-boss as its cron does: at most one waits. */
const sendJob = (db: Db, name: string) => db`
  insert into pgboss.job (name, policy) values (${name}, 'short') on conflict do nothing`
