// Faults of PostgreSQL: it is shut down, it crashes, it is killed or stopped, its backends are terminated, its
// connections are used up.

import postgres from "postgres"
import { type Fault, type Inflicted, within } from "#scripts/chaos/fault.ts"
import { allReadyAgain } from "#scripts/chaos/readiness.ts"
import { caughtUp } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"

const restart = (mode: Parameters<World["database"]["restart"]>[0], sentence: string): Fault => ({
  name: `restart-${mode}`,
  sentence,
  ...((mode === "immediate" || mode === "killed") && { short: true as const }),
  inflict: (world, { short }) =>
    times(world, short ? 1 : 5, async (troubles) => {
      await Bun.sleep(world.random() * busyMs)
      const began = performance.now()
      await world.database.restart(mode)
      troubles.push(...(await allReadyAgain(world, began)))
    }),
})

export const databaseFaults: readonly Fault[] = [
  restart("fast", "PostgreSQL is shut down under load (connections are cut) and started again."),
  restart("immediate", "PostgreSQL crashes under load and recovers from its log."),
  restart("killed", "PostgreSQL's first process is killed under load, and its watcher starts it again."),
  restart("stopped", "PostgreSQL's first process is stopped (SIGSTOP) under load, and its watcher continues it."),
  {
    name: "backend-killed",
    sentence: "A backend is killed, as by a system out of memory, and PostgreSQL ends all others.",
    inflict: (world, { short }) => times(world, short ? 1 : 5, (troubles) => killBackend(world, troubles)),
  },
  {
    name: "backends-terminated",
    sentence: "Every connection of every process is terminated, several times in a row.",
    short: true,
    inflict: (world, { short }) =>
      times(world, short ? 2 : 10, async () => {
        for (let n = 0; n < 3; n++) {
          await terminateAll(world)
          await Bun.sleep(world.random() * busyMs)
        }
      }),
  },
  {
    name: "connections-used-up",
    sentence:
      "Other clients take every connection of the server, the reserved ones too, while those of the processes are cut.",
    inflict: (world, { short }) =>
      times(world, short ? 1 : 3, (troubles) => useUp(world, short ? 2_000 : 8_000, troubles)),
  },
]

const busyMs = 300

/**
 * Recovery counts from the moment at which the cause is gone.
 * @param once inflicts the fault, and adds its troubles.
 */
export async function times(
  world: World,
  count: number,
  once: (troubles: string[]) => Promise<unknown>,
): Promise<Inflicted> {
  const recoveredMs: number[] = []
  const troubles: string[] = []
  for (let nth = 0; nth < count; nth++) {
    await world.processes.allReady()
    await once(troubles)
    recoveredMs.push(await caughtUp(world, performance.now()))
  }
  return { times: count, recoveredMs, troubles }
}

async function killBackend(world: World, troubles: string[]): Promise<void> {
  const { db } = world.database
  const began = performance.now()
  const [backend] = await db<[{ pid: number }?]>`
    select pid from pg_stat_activity where usename like 'actors%' order by random() limit 1`
  if (backend === undefined) troubles.push("no actor process has a connection")
  else process.kill(backend.pid, "SIGKILL")
  troubles.push(...(await allReadyAgain(world, began)))
}

const terminateAll = ({ database: { db } }: World) => db`
  select pg_terminate_backend(pid) from pg_stat_activity where usename like 'actors%' or usename like 'server%'`

async function useUp(world: World, forMs: number, troubles: string[]): Promise<void> {
  const others: postgres.Sql[] = []
  let full = false
  const take = async () => {
    const sql = postgres(world.database.url, { max: 1, onnotice: () => {}, connect_timeout: 5 })
    others.push(sql)
    await sql`select 1`.catch(() => {
      full = true
    })
  }
  await world.database.db`select 1`
  await within(fullWithinMs, async () => {
    await Promise.all(Array.from({ length: 20 }, take))
    return full
  })
  const wasFull = full
  await terminateAll(world)
  const until = performance.now() + forMs
  // Connections of processes that were quicker than the other clients are cut again.
  while (performance.now() < until) {
    await take()
    await terminateAll(world)
    await Bun.sleep(100)
  }
  const [left] = await world.database.db<[{ connections: number }]>`
    select count(*) as connections from pg_stat_activity where usename like 'actors%' or usename like 'server%'`
  await Promise.all(others.map((sql) => sql.end({ timeout: 0 })))
  if (!wasFull) troubles.push(`the server took more connections after ${fullWithinMs} ms`)
  if (left.connections >= fewLeft) troubles.push(`the processes still have ${left.connections} connections`)
}
/** More than a hundred backends start. Beside other work on two cores, ten seconds were not enough. */
const fullWithinMs = 60_000
/** Between two cuts some connections come back. A process that is left alone has up to thirty. */
const fewLeft = 30
