// Faults of whole processes: killed at any moment, all killed at once, stopped and continued, asked to end.

import { type Fault, type Inflicted, killedWithinMs, within } from "#scripts/chaos/fault.ts"
import { heldBy, takenOver } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"
import { allButOne, killAtOnce, lastDeathAt, type RoundResult, repeatRounds, untilDead } from "./rounds.ts"

/** A process is killed at the latest so long after all are ready. */
const longestLifeMs = 400
/** A silent process counts as expired in less than this time. */
const stoppedMs = 5_000
/** Time in which the customers book as fast as they can, so that every process has work in hand. */
const rushMs = 500
const startsWithinMs = 60_000

export const processFaults: readonly Fault[] = [
  {
    name: "random-kill",
    sentence: "All processes but one server and one actor process are killed, each at a random instant.",
    recoverWithinMs: killedWithinMs,
    // Most kills belong here: random instants include those that have no crash point.
    share: 400,
    short: true,
    inflict: (world, { kills }) =>
      repeatRounds(
        world,
        () => kills,
        (round) => killMost(world, round),
      ),
  },
  {
    name: "all-killed",
    sentence: "Every process is killed in the same instant; no work is taken over until the first has started again.",
    // Counts from the moment at which the first process is ready again.
    recoverWithinMs: killedWithinMs,
    share: 1,
    inflict: (world, { kills }) =>
      repeatRounds(
        world,
        () => kills,
        () => killAll(world),
      ),
  },
  {
    name: "stopped",
    sentence: "All processes but one of each role are stopped (SIGSTOP) until they count as dead, and then continued.",
    recoverWithinMs: killedWithinMs,
    short: true,
    inflict: stopAndContinue,
  },
  {
    name: "asked-to-end",
    sentence: "Each actor process in turn gets SIGTERM: it ends with 0 and costs no attempt.",
    alone: true,
    recoverWithinMs: killedWithinMs,
    inflict: askToEnd,
  },
]

/** Kills all but one server and one actor process, each at a random instant of the first moments. */
export async function killMost({ processes, random }: World, round: number): Promise<RoundResult> {
  const targets = [...allButOne(processes.of("server"), round), ...allButOne(processes.of("actors"), round)]
  return untilDead(targets, () =>
    Promise.all(
      targets.map(async (target) => {
        await Bun.sleep(random() * longestLifeMs)
        target.signal("SIGKILL")
      }),
    ),
  )
}

/** Kills all with work in hand. Takeover needs a live process, so recovery counts from the first that is ready. */
async function killAll({ processes, customers, pace }: World): Promise<RoundResult> {
  customers.setPace(Number.POSITIVE_INFINITY)
  await Bun.sleep(rushMs)
  const { trouble } = await killAtOnce(processes.all)
  customers.setPace(pace)
  const again = await within(startsWithinMs, () => processes.of("actors").some((each) => each.isReady()))
  return trouble === undefined && again
    ? { since: performance.now() }
    : { trouble: trouble ?? `no process was ready again after ${startsWithinMs} ms` }
}

async function stopAndContinue(world: World, { short }: { short: boolean }): Promise<Inflicted> {
  const { processes, customers } = world
  const recoveredMs: number[] = []
  for (let round = 0; round < (short ? 1 : 5); round++) {
    await processes.allReady()
    const targets = [...allButOne(processes.of("actors"), round), ...allButOne(processes.of("server"), round)]
    customers.setPace(Number.POSITIVE_INFINITY)
    await Bun.sleep(rushMs)
    const since = performance.now()
    const stopped = targets.map((target) => ({ pid: target.pid(), at: since }))
    for (const target of targets) target.signal("SIGSTOP")
    customers.setPace(world.pace)
    recoveredMs.push(await takenOver(world, since, stopped))
    await Bun.sleep(Math.max(0, stoppedMs - (performance.now() - since)))
    for (const target of targets) target.signal("SIGCONT")
  }
  return { times: recoveredMs.length, recoveredMs }
}

async function askToEnd(world: World): Promise<Inflicted> {
  const before = await attemptsLost(world)
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
    recoveredMs.push(await takenOver(world, lastDeathAt(world), [{ pid, at: lastDeathAt(world) }], inHand))
  }
  if (codes.some((code) => code !== 0)) troubles.push(`the exit codes were ${codes.join(", ")}`)
  const attempts = (await attemptsLost(world)) - before
  if (attempts > 0) troubles.push(`${attempts} attempts were lost`)
  return { times: codes.length, recoveredMs, troubles }
}

/** Attempts whose outcome is unknown, and runs that needed more than one. */
async function attemptsLost({ database: { db } }: World): Promise<number> {
  const [row] = await db<[{ count: number }]>`
    select (select count(*) from slotbase.webhook_attempts where outcome = 'unknown')
         + (select count(*) from slotbase.handler_history where attempts > 1) as count`
  return row.count
}
