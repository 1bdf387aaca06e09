// Inside dispatch: the pass is one SQL statement, and is held in its middle by row locks that the campaign takes: when it comes to
// the sequences of the webhooks it has taken the events from the outbox and not made their deliveries. Then its process is
// killed, its backend terminated, or its statement cancelled.

import type { Db } from "#base/database/db.ts"
import { type Fault, type Inflicted, killedWithinMs, within } from "#scripts/chaos/fault.ts"
import { takenOver } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"

type End = (world: World, held: { pid: number; target: string }) => Promise<unknown>

const inside = (name: string, sentence: string, end: End, short?: true): Fault => ({
  name,
  sentence,
  recoverWithinMs: killedWithinMs,
  ...(short && { short }),
  inflict: async (world, options): Promise<Inflicted> => {
    const recoveredMs: number[] = []
    const troubles: string[] = []
    for (let round = 0; round < (options.short ? 1 : 10); round++) {
      await world.processes.allReady()
      const dead = world.processes.deaths.length
      const since = await hold(world, end)
      if (since === undefined) troubles.push("no pass came to the middle of dispatch")
      else recoveredMs.push(await takenOver(world, since, world.processes.deaths.slice(dead)))
    }
    return { times: recoveredMs.length, recoveredMs, troubles }
  },
})

export const dispatchFaults: readonly Fault[] = [
  inside(
    "inside-dispatch",
    "The process is killed while its dispatching statement has taken events and not yet made their deliveries.",
    async ({ processes }, { target }) => {
      const found = processes.all.find(({ name }) => name === target)
      const deaths = found?.deaths() ?? 0
      found?.signal("SIGKILL")
      await within(heldWithinMs, () => (found?.deaths() ?? 0) > deaths)
    },
    true,
  ),
  inside(
    "inside-dispatch-terminated",
    "The backend of the dispatching statement is terminated in its middle.",
    ({ database: { db } }, { pid }) => db`select pg_terminate_backend(${pid})`,
  ),
  inside(
    "inside-dispatch-cancelled",
    "The dispatching statement is cancelled in its middle.",
    ({ database: { db } }, { pid }) => db`select pg_cancel_backend(${pid})`,
  ),
]

const heldWithinMs = 5_000

/** Holds a pass in its middle and ends it; answers when the lock was let go. */
async function hold(world: World, end: End): Promise<number | undefined> {
  const session = world.database.session()
  try {
    await session.unsafe("begin")
    const [own] = await session<[{ pid: number }]>`select pg_backend_pid() as pid`
    let held: { pid: number; target: string } | undefined
    await within(heldWithinMs, async () => {
      // Only dispatch writes them: everybody else goes on. There is none before a webhook's first delivery.
      await session.unsafe("select from slotbase.webhook_sequences order by webhook_id for update")
      held = await heldPass(world.database.db, own.pid)
      return held !== undefined
    })
    if (held === undefined) return undefined
    await end(world, held)
    return performance.now()
  } finally {
    await session.unsafe("rollback")
    await session.end()
  }
}

/** A lock on a relation would be waited for before anything is done; this one waits for a row, and has written. */
async function heldPass(db: Db, holder: number): Promise<{ pid: number; target: string } | undefined> {
  const [row] = await db<{ pid: number; target: string }[]>`
    select pid, usename as target from pg_stat_activity
    where ${holder}::integer = any (pg_blocking_pids(pid)) and backend_xid is not null`
  return row
}
