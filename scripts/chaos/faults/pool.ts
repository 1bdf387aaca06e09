// All connections in the pools of the processes are taken. In a server, bookings wait for a lock, and they are more
// than its connections. In an actor process, claims wait for a lock, and the handlers are more than its connections.
// Each process must still report that it is alive. Each request must be answered, at the latest when the locks are
// gone.

import { type Fault, type Inflicted, within } from "#scripts/chaos/fault.ts"
import { caughtUp } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"
import { clientOf } from "#test/harness/api/client.ts"

/** Connections for work: of a server (src/main.ts) and of an actor process (actors/runtime/connections.ts). */
const poolOf = { server: 20, actors: 8 } as const
/** Requests to each server beyond its pool. Each is repeated after five seconds, and Bun's fetch allows 256 in all. */
const more = 2
const takenWithinMs = 20_000
const livenessWithinMs = 1_000
/** More than the deadlines of a query and of a transaction. Then there must be an answer, even if it is an error. */
const answeredWithinMs = 30_000

export const poolFaults: readonly Fault[] = [
  {
    name: "pool-exhausted",
    sentence:
      "Bookings and claims wait for a lock until every connection of every process waits, and longer than a query may.",
    inflict: async (world, { short }): Promise<Inflicted> => {
      const troubles: string[] = []
      const recoveredMs: number[] = []
      for (const heldMs of short ? [4_000] : [4_000, 14_000]) {
        await world.processes.allReady()
        const released = await exhaust(world, heldMs, troubles)
        recoveredMs.push(await caughtUp(world, released))
      }
      return { times: recoveredMs.length, recoveredMs, troubles }
    },
  },
]

/** Answers when the locks were released, on the monotonic timer. */
async function exhaust(world: World, heldMs: number, troubles: string[]): Promise<number> {
  const { processes, customers, database } = world
  const deaths = processes.deaths.length
  const session = database.session()
  let bookings: Promise<unknown>[] = []
  let asked: Promise<readonly string[]>[] = []
  try {
    await session.unsafe("begin")
    await session`select from slotbase.resources where facility_id = ${customers.facilityId} for update`
    await session.unsafe("lock table slotbase.handler_claims in access exclusive mode")
    const count = processes.of("server").length * (poolOf.server + more)
    bookings = Array.from({ length: count }, customers.bookOnce)
    if (!(await within(takenWithinMs, async () => (await withFreeConnections(world)).length === 0)))
      troubles.push(`not all connections were taken: ${(await withFreeConnections(world)).join(", ")}`)
    asked = processes.of("server").map(({ name, address }) => ask(name, address, customers.at))
    for (const until = performance.now() + heldMs; performance.now() < until; await Bun.sleep(askEveryMs))
      troubles.push(...(await notAlive(world)))
  } finally {
    await session.unsafe("rollback")
    await session.end()
  }
  const released = performance.now()
  await Promise.all(bookings)
  troubles.push(...(await Promise.all(asked)).flat())
  if (processes.deaths.length > deaths) troubles.push(`${processes.deaths.length - deaths} processes have ended`)
  return released
}
const askEveryMs = 500

/** A sentence for each process with connections that do not wait for a lock. */
async function withFreeConnections({ processes, database: { db } }: World): Promise<readonly string[]> {
  const rows = await db<{ name: string; waiting: number }[]>`
    select usename as name, count(*) as waiting from pg_stat_activity where wait_event_type = 'Lock' group by usename`
  const waiting = new Map(rows.map(({ name, waiting }) => [name, waiting]))
  return processes.all
    .filter(({ name, role }) => (waiting.get(name) ?? 0) < poolOf[role])
    .map(({ name }) => `${name} waits with ${waiting.get(name) ?? 0}`)
}

/** A sentence for each process that does not answer /healthz, or whose life sign is late. */
async function notAlive({ processes, database: { db } }: World): Promise<readonly string[]> {
  const silent = await Promise.all(
    processes.all.map(async ({ name, address }) => {
      const answer = await fetch(`${address}/healthz`, { signal: AbortSignal.timeout(livenessWithinMs) }).catch(
        () => null,
      )
      return answer?.status === 200 ? [] : [`${name} does not say that it is alive`]
    }),
  )
  const rows = await db<{ pid: number }[]>`
    select pid from slotbase.processes where alive_until > clock_timestamp() and pid = any (${processes.all.map((each) => each.pid())}::integer[])`
  const alive = new Set(rows.map(({ pid }) => pid))
  const late = processes.of("actors").filter((target) => !alive.has(target.pid()))
  return [...silent.flat(), ...late.map(({ name }) => `the life sign of ${name} is late`)]
}

/** Sends another request meanwhile. It must get its answer or a clear error. */
async function ask(name: string, address: string, path: string): Promise<readonly string[]> {
  const began = performance.now()
  const answer = await Promise.race([
    clientOf(address)
      .get<{ code?: string }>(path)
      .catch((error: Error) => error),
    Bun.sleep(answeredWithinMs).then(() => undefined),
  ])
  if (answer === undefined) return [`${name} gave no answer in ${answeredWithinMs} ms`]
  if (answer instanceof Error)
    return [`${name} broke off after ${Math.round(performance.now() - began)} ms: ${answer.message}`]
  const clear = answer.status === 200 || (answer.status >= 500 && answer.body.code !== undefined)
  return clear ? [] : [`${name} answered ${answer.status} ${JSON.stringify(answer.body)}`]
}
