// Faults of whole processes: killed at any moment, all at once, stopped and continued, asked to end.

import { type Fault, type Inflicted, killedWithinMs, within } from "#scripts/chaos/fault.ts"
import { heldBy, takenOver } from "#scripts/chaos/recovery.ts"
import type { SupervisedProcess } from "#scripts/chaos/supervised-process.ts"
import type { World } from "#scripts/chaos/world.ts"

/** So long after all are ready a process lives at most. */
const longestLifeMs = 400
/** Longer than a silent process is believed to live. */
const stoppedMs = 5_000
/** So long everybody books as fast as they can, so that every process has work in hand. */
const rushMs = 500
const endsWithinMs = 20_000
const startsWithinMs = 60_000

export const processFaults: readonly Fault[] = [
  {
    name: "random-kill",
    sentence: "All processes but one server and one actor process are killed, each at a random instant.",
    recoverWithinMs: killedWithinMs,
    // Chance finds what nobody thought of naming, and kills most at once.
    share: 400,
    short: true,
    inflict: (world, { kills }) =>
      repeat(
        world,
        () => kills,
        (round) => killMost(world, round),
      ),
  },
  {
    name: "all-killed",
    sentence:
      "Every process is killed in the same instant; nobody is left to take over until the first has started again.",
    // From when the first is ready again.
    recoverWithinMs: killedWithinMs,
    share: 1,
    inflict: (world, { kills }) =>
      repeat(
        world,
        () => kills,
        () => killAll(world),
      ),
  },
  {
    name: "stopped",
    sentence:
      "All actor processes but one are stopped (SIGSTOP) until they count as dead, and continued in the middle of their work.",
    recoverWithinMs: killedWithinMs,
    short: true,
    inflict: async (world, { short }) => {
      const recoveredMs: number[] = []
      for (let round = 0; round < (short ? 1 : 5); round++) {
        await world.processes.allReady()
        const targets = [...butOne(world.processes.of("actors"), round), ...butOne(world.processes.of("server"), round)]
        world.customers.setPace(Number.POSITIVE_INFINITY)
        await Bun.sleep(rushMs)
        const since = performance.now()
        const stopped = targets.map((target) => ({ pid: target.pid(), at: since }))
        for (const target of targets) target.signal("SIGSTOP")
        world.customers.setPace(world.pace)
        recoveredMs.push(await takenOver(world, since, stopped))
        await Bun.sleep(Math.max(0, stoppedMs - (performance.now() - since)))
        for (const target of targets) target.signal("SIGCONT")
      }
      return { times: recoveredMs.length, recoveredMs }
    },
  },
  {
    name: "asked-to-end",
    sentence: "Each actor process in turn gets SIGTERM: it ends with 0, and no attempt is burnt.",
    recoverWithinMs: killedWithinMs,
    inflict: askedToEnd,
  },
]

/** What a round has inflicted. */
export interface Round {
  /** Why it was not what it says. */
  readonly trouble?: string
  /** From when recovering counts, on the monotonic timer, milliseconds; default: of each from its own death. */
  readonly since?: number
}

/** All but one server and one actor process die, each at a random instant of the first moments. */
export async function killMost(world: World, round: number): Promise<Round> {
  const targets = [...butOne(world.processes.of("server"), round), ...butOne(world.processes.of("actors"), round)]
  return untilDead(targets, () =>
    Promise.all(
      targets.map(async (target) => {
        await Bun.sleep(world.random() * longestLifeMs)
        target.signal("SIGKILL")
      }),
    ),
  )
}

/** All die with work in hand. While nobody lives nothing can be taken over: recovering counts from the first that is ready. */
async function killAll({ processes, customers, pace }: World): Promise<Round> {
  customers.setPace(Number.POSITIVE_INFINITY)
  await Bun.sleep(rushMs)
  const { trouble } = await untilDead(processes.all, () =>
    processes.all.forEach((target) => void target.signal("SIGKILL")),
  )
  customers.setPace(pace)
  const again = await within(startsWithinMs, () => processes.of("actors").some((target) => target.isReady()))
  return trouble === undefined && again
    ? { since: performance.now() }
    : { trouble: trouble ?? `nobody was ready again after ${startsWithinMs} ms` }
}

/** Comes back when each of them has ended. */
export async function untilDead(targets: readonly SupervisedProcess[], kill: () => unknown): Promise<Round> {
  const before = targets.map((target) => target.deaths())
  await kill()
  const alive = () => targets.filter((target, index) => target.deaths() <= (before[index] ?? 0))
  if (await within(endsWithinMs, () => alive().length === 0)) return {}
  return {
    trouble: `${alive()
      .map(({ name }) => name)
      .join(", ")} did not end within ${endsWithinMs} ms`,
  }
}

/**
 * Rounds until so many were killed; each begins when all are ready, kills, and ends when the work of the dead is done. A round
 * that did not inflict what it should is the last.
 */
export async function repeat(
  world: World,
  kills: () => number,
  round: (nth: number) => Promise<Round>,
): Promise<Inflicted> {
  const recoveredMs: number[] = []
  const before = world.processes.kills()
  for (let nth = 0; world.processes.kills() - before < kills(); nth++) {
    await world.processes.allReady()
    const deaths = world.processes.deaths.length
    const { trouble, since } = await round(nth)
    if (trouble !== undefined) return { times: recoveredMs.length, recoveredMs, troubles: [trouble] }
    const dead = world.processes.deaths.slice(deaths).map(({ pid, at }) => ({ pid, at: since ?? at }))
    recoveredMs.push(await takenOver(world, since ?? sinceLast(world), dead))
  }
  return { times: recoveredMs.length, recoveredMs }
}

/** When the last one died, on the monotonic timer. */
export const sinceLast = ({ processes }: World) => processes.deaths.at(-1)?.at ?? performance.now()

export const butOne = (targets: readonly SupervisedProcess[], round: number): readonly SupervisedProcess[] =>
  targets.filter((_, index) => index !== round % targets.length)

async function askedToEnd(world: World): Promise<Inflicted> {
  const { db } = world.database
  const burnt = async () => {
    const [row] = await db<[{ count: number }]>`
      select (select count(*) from slotbase.webhook_attempts where outcome = 'unknown')
           + (select count(*) from slotbase.handler_history where attempts > 1) as count`
    return row.count
  }
  const before = await burnt()
  const codes: (number | null)[] = []
  const troubles: string[] = []
  const recoveredMs: number[] = []
  for (const target of world.processes.of("actors")) {
    await world.processes.allReady()
    const pid = target.pid()
    const inHand = await heldBy(world, [{ pid }])
    const { trouble } = await untilDead([target], () => target.signal("SIGTERM"))
    if (trouble !== undefined) troubles.push(trouble)
    codes.push(world.processes.deaths.findLast((death) => death.pid === pid)?.code ?? null)
    recoveredMs.push(await takenOver(world, sinceLast(world), [{ pid, at: sinceLast(world) }], inHand))
  }
  if (codes.some((code) => code !== 0)) troubles.push(`the exit codes were ${codes.join(", ")}`)
  const attempts = (await burnt()) - before
  if (attempts > 0) troubles.push(`${attempts} attempts were burnt`)
  return { times: codes.length, recoveredMs, troubles }
}
