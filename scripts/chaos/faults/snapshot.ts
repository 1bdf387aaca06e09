// Sessions that hold back vacuum: one reads under one snapshot, one has written and one has recorded an event, and both are left
// idle in their transactions. Dead rows then stay in every queue. In the long form the processes die all the while, and those that start anew find it so. Throughput and delay are measured before and at the end, side by side on one system, and
// the blocks that an empty dispatching pass reads say whether its scan is bounded.

import { definitionOf } from "#events/catalogue.ts"
import { type Fault, type Inflicted, killedWithinMs, within } from "#scripts/chaos/fault.ts"
import { caughtUp } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"
import { percentile } from "#scripts/statistics.ts"
import { commitBurst } from "./burst.ts"
import { killMost, repeat } from "./processes.ts"

/** An empty pass reads about a hundred blocks, planning included; with the floor held down it read 1,400 after 15 seconds. */
const maxBlocks = 300
const minThroughput = 0.8
const maxDelay = 2

/** What each session does before it is left. */
const sessionsOf = ({ customers }: World): readonly (readonly string[])[] => [
  ["begin isolation level repeatable read", "select count(*) from slotbase.facilities"],
  ["begin", "create temporary table left_open (n integer)"],
  ["begin", recordOne(customers.facilityId)],
]
const recordOne = (facilityId: string) =>
  `select slotbase.record_event('coach.session.completed', '${facilityId}',
    '${JSON.stringify(definitionOf("coach.session.completed")?.sample).replaceAll("'", "''")}')`

export const snapshotFaults: readonly Fault[] = [
  {
    name: "vacuum-held-back",
    sentence:
      "For ten minutes one session reads under one snapshot, and two that have written, one of them an event, are left idle in their transactions; meanwhile most processes die again and again.",
    recoverWithinMs: killedWithinMs,
    short: true,
    inflict,
  },
]

async function inflict(world: World, { short }: { short: boolean }): Promise<Inflicted> {
  const [heldMs, measuredMs] = short ? [15_000, 2_000] : [600_000, 20_000]
  const before = await measure(world, measuredMs)
  const open = sessionsOf(world).map((statements) => ({ statements, session: world.database.session() }))
  try {
    const pids: number[] = []
    for (const { statements, session } of open) {
      for (const statement of statements) await session.unsafe(statement)
      const [own] = await session<[{ pid: number }]>`select pg_backend_pid() as pid`
      pids.push(own.pid)
    }
    const until = performance.now() + heldMs
    const killed = await repeat(
      world,
      () => (performance.now() < until && !short ? Number.POSITIVE_INFINITY : 0),
      (round) => killMost(world, round),
    )
    if (short) await Bun.sleep(heldMs)
    const troubles = [...(killed.troubles ?? []), ...(await missing(world, pids))]
    const during = await measure(world, measuredMs)
    troubles.push(...(await missing(world, pids)))
    const ratio = during.perSecond / before.perSecond
    const drained = before.drainMs / during.drainMs
    if (during.blocks > maxBlocks)
      troubles.push(`an empty pass reads ${during.blocks} blocks, and read ${before.blocks} before`)
    // In two seconds beside other work both figures are noise; the long form decides.
    if (!short && ratio < minThroughput) troubles.push(`throughput fell to ${Math.round(ratio * 100)} %`)
    if (!short && drained < minThroughput)
      troubles.push(`a burst was done after ${during.drainMs} ms, and after ${before.drainMs} before`)
    if (!short && during.p99Ms > maxDelay * before.p99Ms)
      troubles.push(`p99 rose from ${before.p99Ms} to ${during.p99Ms} ms`)
    const say = (figure: Measured) =>
      `${figure.perSecond}/s, p99 ${figure.p99Ms} ms, burst ${figure.drainMs} ms, ${figure.blocks} blocks`
    return { times: 1, recoveredMs: killed.recoveredMs, troubles, note: `${say(before)} → ${say(during)}` }
  } finally {
    for (const { session } of open) {
      await session.unsafe("rollback")
      await session.end()
    }
  }
}

interface Measured {
  /** Requests answered, with everybody as fast as they can. */
  readonly perSecond: number
  /** From an event's timestamp to its webhook's first byte, at the usual pace. */
  readonly p99Ms: number
  /** Until nothing of a burst is left undispatched, unrun or undelivered, milliseconds. */
  readonly drainMs: number
  /** Read by an empty dispatching pass. */
  readonly blocks: number
}

/** Which of the sessions is not what it should be: idle in its transaction, its snapshot or its write still held. */
async function missing({ database: { db } }: World, pids: readonly number[]): Promise<readonly string[]> {
  const rows = await db<{ pid: number }[]>`
    select pid from pg_stat_activity
    where pid = any (${pids as number[]}::integer[]) and state = 'idle in transaction'
      and (backend_xmin is not null or backend_xid is not null)`
  const found = new Set(rows.map(({ pid }) => pid))
  return pids.filter((pid) => !found.has(pid)).map((pid, nth) => `session ${nth + 1} (${pid}) is not open any more`)
}

async function measure(world: World, forMs: number): Promise<Measured> {
  const { customers, receivers } = world
  await world.processes.allReady()
  await caughtUp(world, performance.now())
  receivers.takeDelays()
  // A p99 of some hundreds, not of the slowest two.
  await Bun.sleep(2 * forMs)
  const delays = receivers.takeDelays().sort((a, b) => a - b)
  customers.setPace(Number.POSITIVE_INFINITY)
  const [answered, since] = [customers.answered(), performance.now()]
  await Bun.sleep(forMs)
  const perSecond = Math.round(((customers.answered() - answered) * 1000) / (performance.now() - since))
  customers.setPace(world.pace)
  await customers.pause()
  await world.settled()
  const drainMs = await drain(world)
  const blocks = await blocksOfEmptyPass(world)
  customers.resume()
  return { perSecond, p99Ms: percentile(delays, 0.99), drainMs, blocks }
}

/** How long a burst of bookings takes; the customers pause. */
async function drain(world: World): Promise<number> {
  await commitBurst(world)
  const since = performance.now()
  await world.settled()
  return Math.round(performance.now() - since)
}

/** The fewest of several passes: the floor moves once a second, and only when work has come in between. */
async function blocksOfEmptyPass({ database: { db } }: World): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY
  for (let pass = 0; pass < passes; pass++) {
    const [row] = await db<[{ "QUERY PLAN": [{ Plan: Record<string, number> }] }]>`
      explain (analyze, buffers, format json) select * from slotbase.dispatch(500)`
    const plan = row["QUERY PLAN"][0].Plan
    fewest = Math.min(fewest, (plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0))
    await within(betweenPassesMs, () => false)
  }
  return fewest
}
const passes = 4
const betweenPassesMs = 700
