// A round: the campaign ends some processes, and waits until their work is done elsewhere.

import { type Inflicted, within } from "#scripts/chaos/fault.ts"
import { takenOver } from "#scripts/chaos/recovery.ts"
import type { SupervisedProcess } from "#scripts/chaos/supervised-process.ts"
import type { World } from "#scripts/chaos/world.ts"

const endsWithinMs = 20_000

export interface RoundResult {
  /** The round was not inflicted as it should be; the sentence says why. */
  readonly trouble?: string
  /** Start of recovery, on the monotonic timer, milliseconds; default: for each process, its own death. */
  readonly since?: number
}

/**
 * Repeats rounds until enough processes were killed. Each round begins when all processes are ready, and ends when the
 * work of its killed processes is done. The first round with a trouble is the last.
 */
export async function repeatRounds(
  world: World,
  kills: () => number,
  round: (nth: number) => Promise<RoundResult>,
): Promise<Inflicted> {
  const recoveredMs: number[] = []
  const before = world.processes.kills()
  for (let nth = 0; world.processes.kills() - before < kills(); nth++) {
    await world.processes.allReady()
    const deaths = world.processes.deaths.length
    const { trouble, since } = await round(nth)
    if (trouble !== undefined) return { times: recoveredMs.length, recoveredMs, troubles: [trouble] }
    const dead = world.processes.deaths.slice(deaths).map(({ pid, at }) => ({ pid, at: since ?? at }))
    recoveredMs.push(await takenOver(world, since ?? lastDeathAt(world), dead))
  }
  return { times: recoveredMs.length, recoveredMs }
}

/** Ends the processes, and resolves when each has ended; a trouble names those that did not. */
export async function untilDead(targets: readonly SupervisedProcess[], end: () => unknown): Promise<RoundResult> {
  const before = targets.map((target) => target.deaths())
  await end()
  const alive = () => targets.filter((target, index) => target.deaths() <= (before[index] ?? 0))
  if (await within(endsWithinMs, () => alive().length === 0)) return {}
  const names = alive().map(({ name }) => name)
  return { trouble: `${names.join(", ")} did not end within ${endsWithinMs} ms` }
}

/** Kills all of them in the same instant, and resolves when each has ended. */
export const killAtOnce = (targets: readonly SupervisedProcess[]): Promise<RoundResult> =>
  untilDead(targets, () => {
    for (const target of targets) target.signal("SIGKILL")
  })

/** When the last process died, on the monotonic timer. */
export const lastDeathAt = ({ processes }: World) => processes.deaths.at(-1)?.at ?? performance.now()

/** All but one process; the spared one changes with each round. */
export const allButOne = (all: readonly SupervisedProcess[], round: number): readonly SupervisedProcess[] =>
  all.filter((_, index) => index !== round % all.length)
