// Faults of whole processes: killed at any moment, all at once, stopped and continued, asked to end.

import type { Victim } from "../crew.ts"
import { type Fault, type Inflicted, killedWithinMs, within } from "../fault.ts"
import { heldBy, takenOver } from "../recovery.ts"
import type { World } from "../world.ts"

/** So long after all are ready a process lives at most. */
const longestLifeMs = 400
/** Longer than a silent process is believed to live. */
const stoppedMs = 5_000
/** So long everybody books as fast as they can, so that every process has work in hand. */
const rushMs = 500
const endsWithinMs = 20_000

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
    share: 1,
    inflict: (world, { kills }) =>
      repeat(
        world,
        () => kills,
        () =>
          untilDead(world.crew.victims, () => world.crew.victims.forEach((victim) => void victim.signal("SIGKILL"))),
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
        await world.crew.allReady()
        const victims = [...butOne(world.crew.of("actors"), round), ...butOne(world.crew.of("server"), round)]
        world.customers.setPace(Number.POSITIVE_INFINITY)
        await Bun.sleep(rushMs)
        const since = performance.now()
        const stopped = victims.map((victim) => ({ pid: victim.pid() }))
        for (const victim of victims) victim.signal("SIGSTOP")
        world.customers.setPace(world.pace)
        recoveredMs.push(await takenOver(world, since, stopped))
        await Bun.sleep(Math.max(0, stoppedMs - (performance.now() - since)))
        for (const victim of victims) victim.signal("SIGCONT")
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

/** All but one server and one actor process die, each at a random instant of the first moments. */
export async function killMost(world: World, round: number): Promise<void> {
  const victims = [...butOne(world.crew.of("server"), round), ...butOne(world.crew.of("actors"), round)]
  await untilDead(victims, () =>
    Promise.all(
      victims.map(async (victim) => {
        await Bun.sleep(world.random() * longestLifeMs)
        victim.signal("SIGKILL")
      }),
    ),
  )
}

/** Comes back when each of them has ended; what happens to them is counted from the last one on. */
export async function untilDead(victims: readonly Victim[], kill: () => unknown): Promise<void> {
  const before = victims.map((victim) => victim.deaths())
  await kill()
  await within(endsWithinMs, () => victims.every((victim, index) => victim.deaths() > (before[index] ?? 0)))
}

/** Rounds until so many have died; each begins when all are ready, kills, and ends when the work of the dead is done. */
export async function repeat(
  world: World,
  kills: () => number,
  round: (nth: number) => Promise<void>,
): Promise<Inflicted> {
  const recoveredMs: number[] = []
  const before = world.crew.deaths.length
  for (let nth = 0; world.crew.deaths.length - before < kills(); nth++) {
    await world.crew.allReady()
    const dead = world.crew.deaths.length
    await round(nth)
    recoveredMs.push(await takenOver(world, sinceLast(world), world.crew.deaths.slice(dead)))
  }
  return { times: recoveredMs.length, recoveredMs }
}

/** When the last one died, on the monotonic timer. */
export const sinceLast = ({ crew }: World) => crew.deaths.at(-1)?.at ?? performance.now()

export const butOne = (victims: readonly Victim[], round: number): readonly Victim[] =>
  victims.filter((_, index) => index !== round % victims.length)

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
  const recoveredMs: number[] = []
  for (const victim of world.crew.of("actors")) {
    await world.crew.allReady()
    const asked = [{ pid: victim.pid() }]
    const inHand = await heldBy(world, asked)
    await untilDead([victim], () => victim.signal("SIGTERM"))
    codes.push(world.crew.deaths.at(-1)?.code ?? null)
    recoveredMs.push(await takenOver(world, sinceLast(world), asked, inHand))
  }
  const troubles: string[] = []
  if (codes.some((code) => code !== 0)) troubles.push(`the exit codes were ${codes.join(", ")}`)
  const attempts = (await burnt()) - before
  if (attempts > 0) troubles.push(`${attempts} attempts were burnt`)
  return { times: codes.length, recoveredMs, troubles }
}
