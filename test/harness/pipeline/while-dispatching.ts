// Work beside a dispatch that has made its deliveries and is not committed.

import type { Db } from "#base/database/db.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const batch = 500

/** The dispatch commits when the work is done, or waits for a lock of the dispatch. */
export async function whileDispatching(db: Db, work: () => Promise<unknown>): Promise<void> {
  let isDone = false
  const working = await db.begin(async (tx) => {
    const [own] = await tx<[{ pid: number }]>`select pg_backend_pid() as pid from slotbase.dispatch(${batch})`
    const begun = work().finally(() => {
      isDone = true
    })
    await eventually(async () => {
      const waits = await db`select from pg_stat_activity where ${own.pid}::integer = any (pg_blocking_pids(pid))`
      if (!isDone && waits.length === 0) throw new Error("the work neither waits nor is done")
    })
    return { begun }
  })
  await working.begun
}
