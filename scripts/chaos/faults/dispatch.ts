// Faults inside dispatch. A dispatch pass is one SQL statement. The campaign locks the rows of the webhooks' sequences,
// and so holds a pass in its middle. By then the events are taken from the outbox, and their deliveries are not made.
// Then the process is killed, its backend is terminated, or its statement is cancelled.

import type { Db } from "#base/database/db.ts"
import { type Fault, type Inflicted, killedWithinMs, within } from "#scripts/chaos/fault.ts"
import { takenOver } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"

/** A dispatch pass that waits for the campaign's lock: the pid of its backend, and the name of its process. */
interface HeldPass {
  readonly pid: number
  readonly process: string
}

type End = (world: World, held: HeldPass) => Promise<unknown>

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
    async ({ processes }, held) => {
      const found = processes.all.find(({ name }) => name === held.process)
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

/** Holds a pass in its middle and ends it. Answers when the lock was released; undefined when no pass came. */
async function hold(world: World, end: End): Promise<number | undefined> {
  const session = world.database.session()
  try {
    await session.unsafe("begin")
    const [own] = await session<[{ pid: number }]>`select pg_backend_pid() as pid`
    let held: HeldPass | undefined
    await within(heldWithinMs, async () => {
      // Only dispatch writes these rows, so all other work goes on. A webhook has no row before its first delivery.
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

/** The backend that waits for our row lock and has written. A lock on the table would hold it before it writes. */
async function heldPass(db: Db, holder: number): Promise<HeldPass | undefined> {
  const [row] = await db<HeldPass[]>`
    select pid, usename as process from pg_stat_activity
    where ${holder}::integer = any (pg_blocking_pids(pid)) and backend_xid is not null`
  return row
}
