// Faults at every named crash point: several processes are killed there (SIGKILL) while one survivor goes on. A point
// that no process reaches is a trouble, because it proves nothing. So is a provocation that does not come about.

import { type CrashPoint, crashPoints } from "#base/crash-points.ts"
import { type Fault, type Inflicted, killedWithinMs, within } from "#scripts/chaos/fault.ts"
import { heldBy, takenOver } from "#scripts/chaos/recovery.ts"
import type { Death, SupervisedProcess } from "#scripts/chaos/supervised-process.ts"
import type { World } from "#scripts/chaos/world.ts"
import { NotInflicted } from "./crash-points/provocation.ts"
import { type ReachedPoint, type Way, ways } from "./crash-points/ways.ts"

export const crashPointFaults: readonly Fault[] = (Object.keys(ways) as ReachedPoint[]).flatMap((point) =>
  [ways[point]].flat().map((way, nth) => ({
    name: nth === 0 ? point : `${point}-${way.role}`,
    sentence: crashPoints[point],
    recoverWithinMs: killedWithinMs,
    share: 1,
    ...(way.short && { short: true as const }),
    inflict: (world: World, { kills }: { kills: number }) => killAt(world, point, way, kills),
  })),
)

/** Limit of a round, from the arming to the last death. */
const roundMs = 8_000
/** The same limit where the process must start first. */
const startingRoundMs = 30_000
const provokeEveryMs = 200
/** After so many rounds in a row without a kill at the point, the fault ends. */
const maxVain = 3
/** A process that is asked to end passes the point only with work in hand. */
const maxVainStopping = 6
/** Where only the first process passes the point, the survivor may be first again and again. */
const maxVainRace = 10
/** Targets that have not passed the point so long after the first death are left alive: recovery is being measured. */
const stragglersMs = 1_000

/** Rounds until enough processes were killed at the point. The survivor changes with each round. */
async function killAt(world: World, point: CrashPoint, way: Way, kills: number): Promise<Inflicted> {
  const recoveredMs: number[] = []
  let [killed, passedBy, vain] = [0, 0, 0]
  const troubles: string[] = []
  const vainRounds = way.race ? maxVainRace : way.as === "stopping" ? maxVainStopping : maxVain
  for (let round = 0; killed < kills && vain < vainRounds; round++) {
    await world.processes.allReady()
    const all = world.processes.of(way.role)
    const survivor = all[round % all.length]
    const targets = all.filter((each) => each !== survivor).slice(0, way.race ? undefined : Math.max(0, kills - killed))
    const { ends, tookMs } = await killOnce(world, point, way, targets).catch((error: unknown) => {
      if (!(error instanceof NotInflicted)) throw error
      troubles.push(error.message)
      return { ends: [], tookMs: undefined }
    })
    const hits = ends.filter(isKill).length
    killed += hits
    passedBy += ends.length - hits
    vain = hits === 0 ? vain + 1 : 0
    if (tookMs !== undefined) recoveredMs.push(tookMs)
  }
  if (killed === 0) troubles.push(`no process was killed at ${point}`)
  const notes = [
    ...(killed < kills ? [`${killed} of ${kills} were killed there`] : []),
    ...(passedBy > 0 ? [`${passedBy} ended without passing it`] : []),
  ]
  return { times: recoveredMs.length, killedThere: killed, recoveredMs, troubles, note: notes.join(", ") }
}

/** An armed process that died by SIGKILL was at the point. One that ended otherwise was asked to end before. */
const isKill = ({ signal }: Death) => signal === "SIGKILL"

/**
 * One round. Answers the ends of the targets, and how long recovery took; undefined when none was killed at the point.
 */
async function killOnce(world: World, point: CrashPoint, way: Way, targets: readonly SupervisedProcess[]) {
  const { processes } = world
  const before = processes.deaths.length
  // A starting process takes the place of one that was killed, so the second death is its own.
  const endOf = ({ name }: SupervisedProcess) =>
    processes.deaths.slice(before).filter((death) => death.process === name)[way.as === "starting" ? 1 : 0]
  const endsOf = () => targets.map(endOf).filter((end) => end !== undefined)
  const provocation = way.provoke?.(world)
  for (const target of targets) {
    const nth = 1 + Math.floor(world.random() * way.upTo)
    if (way.as === "starting") target.tellNext({ arm: [{ point, nth }] })
    else target.arm(point, nth)
  }
  let nextAt = 0
  let inHand: Awaited<ReturnType<typeof heldBy>> | undefined
  let tookMs: number | undefined
  try {
    await provocation?.before?.(targets)
    // A process that is asked to end gives its work back before it dies, so the work is noted first.
    if (way.as === "stopping")
      inHand = await heldBy(
        world,
        targets.map((target) => ({ pid: target.pid() })),
      )
    if (way.as !== undefined) for (const target of targets) target.signal(way.as === "starting" ? "SIGKILL" : "SIGTERM")
    await within(way.as === "starting" ? startingRoundMs : roundMs, async () => {
      if (performance.now() >= nextAt) {
        await provocation?.again?.()
        nextAt = performance.now() + provokeEveryMs
      }
      const ends = endsOf()
      return ends.length === targets.length || (ends.length > 0 && performance.now() > lastOf(ends) + stragglersMs)
    })
  } finally {
    for (const target of targets) if (endOf(target) === undefined) target.disarm()
    const hits = endsOf().filter(isKill)
    const recovering = hits.length > 0 && takenOver(world, lastOf(hits), hits, inHand)
    await provocation?.after?.()
    if (recovering) tookMs = await recovering
  }
  return { ends: endsOf(), tookMs }
}

const lastOf = (ends: readonly Death[]) => Math.max(...ends.map(({ at }) => at))
