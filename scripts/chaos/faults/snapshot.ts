// Three open transactions hold vacuum back: one keeps a snapshot, one has written, one has recorded an event. Dead rows
// then stay in every queue. In the long form processes die all the while, and new ones start among the dead rows.
// Throughput and delay are measured before and at the end, on the same system. The blocks that an empty dispatch pass
// reads show whether its scan is bounded.

import { definitionOf } from "#events/catalogue.ts"
import { type Fault, type Inflicted, killedWithinMs, within } from "#scripts/chaos/fault.ts"
import { caughtUp } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"
import { percentile } from "#scripts/statistics.ts"
import { commitBurst } from "./burst.ts"
import { killMost } from "./processes.ts"
import { repeatRounds } from "./rounds.ts"

/**
 * An empty pass reads about a hundred blocks, planning included. With a low-water mark that stood still it read 1,400
 * after 15 s.
 */
const maxBlocks = 300
const minThroughput = 0.8
const maxDelay = 2

/** The statements of each session before it is left idle. */
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
      "For ten minutes three idle transactions hold vacuum back (a snapshot, a write, an event); most processes die again and again.",
    alone: true,
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
    const killed = await repeatRounds(
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
    // The short form measures two seconds beside other work: these figures are noise there.
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
  /** Requests answered per second, with all customers as fast as they can. */
  readonly perSecond: number
  /** Delay from an event's timestamp to its webhook request, at the usual pace. */
  readonly p99Ms: number
  /** Milliseconds until all events of a burst are dispatched, handled and delivered. */
  readonly drainMs: number
  /** Blocks that an empty dispatch pass reads. */
  readonly blocks: number
}

/** A sentence for each session that is no longer idle in its transaction, with its snapshot or its write. */
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
  // Twice as long, so that the p99 is of some hundred deliveries.
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

/** Milliseconds until a burst of bookings is done. The customers must pause. */
async function drain(world: World): Promise<number> {
  await commitBurst(world)
  const since = performance.now()
  await world.settled()
  return Math.round(performance.now() - since)
}

/** The fewest blocks of several passes: the low-water mark moves once a second, and only after new work. */
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
