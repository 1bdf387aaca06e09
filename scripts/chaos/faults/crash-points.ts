// Every named crash point, hit by SIGKILL in several processes at once while one survivor goes on; and for each point what
// makes the program pass it. A point that cannot be reached is a trouble, because it would prove nothing, and so is a
// provocation that did not come about.

import { type CrashPoint, crashPoints, type retentionPoints } from "#base/crash-points.ts"
import { type Fault, type Inflicted, killedWithinMs, within } from "#scripts/chaos/fault.ts"
import { heldBy, takenOver } from "#scripts/chaos/recovery.ts"
import type { Death, SupervisedProcess } from "#scripts/chaos/supervised-process.ts"
import type { World } from "#scripts/chaos/world.ts"
import * as provoke from "./provocations.ts"

interface Way {
  readonly role: SupervisedProcess["role"]
  /** Killed at a random passing from the first to this one. */
  readonly upTo: number
  /** Makes the point be passed, again and again while targets are armed; answers how to undo it. */
  readonly provoke?: (world: World) => provoke.Provocation
  /** How the target is brought there: as it works, as it is told to stop, as it starts. */
  readonly as?: "stopping" | "starting"
  /** Only who comes first passes the point, so all but one are armed, however few are to die. */
  readonly race?: true
  readonly short?: true
}

const request: Way = { role: "server", upTo: 12 }
const actor: Way = { role: "actors", upTo: 4 }

type Reached = Exclude<CrashPoint, (typeof retentionPoints)[number]>

const ways: Readonly<Record<Reached, Way | readonly [Way, Way]>> = {
  "key-claimed": request,
  "change-made": request,
  "before-commit": [request, actor],
  "after-commit": { ...request, short: true },
  "after-hint": request,
  "before-answer": request,
  "before-dispatch": actor,
  "after-dispatch": { ...actor, short: true },
  "log-hinted": actor,
  "recorded-checked": { ...actor, upTo: 1, provoke: provoke.recordFromSql },
  "event-refused": { ...actor, upTo: 1, provoke: provoke.recordFromSql },
  "runs-claimed": actor,
  "effect-begun": actor,
  "effect-made": { ...actor, short: true },
  "runs-committed": actor,
  "outside-begun": actor,
  "outside-effect-made": actor,
  "outside-settled": actor,
  "run-failed": { ...actor, upTo: 2, provoke: provoke.failingHandler },
  "failure-settled": { ...actor, upTo: 2, provoke: provoke.failingHandler },
  "runs-returned": { ...actor, upTo: 1, provoke: provoke.slowMail, as: "stopping" },
  "batch-cut-short": { ...actor, upTo: 1, provoke: provoke.slowHandler },
  "rest-returned": { ...actor, upTo: 1, provoke: provoke.slowHandler },
  "runs-taken-over": { ...actor, upTo: 1, race: true, provoke: provoke.deathInTheMiddle },
  "run-lost": { ...actor, upTo: 1, provoke: provoke.lostRuns },
  "lost-buried": { ...actor, upTo: 1, provoke: provoke.lostRuns },
  "messages-recorded": actor,
  "send-begun": actor,
  "mail-sent": actor,
  "attempts-written": { ...actor, short: true },
  "request-next": actor,
  "answer-received": { ...actor, short: true },
  "webhook-switched-off": { ...actor, upTo: 1, provoke: provoke.goneReceiver },
  "delivered-settled": { ...actor, upTo: 2, provoke: provoke.refusingReceiver },
  "attempts-settled": actor,
  "deliveries-returned": { ...actor, upTo: 1, provoke: provoke.hangingBurst, as: "stopping" },
  "doubtful-returned": { ...actor, upTo: 1, provoke: provoke.lostClaims },
  "taken-over": { ...actor, upTo: 1, race: true, provoke: provoke.deathInFlight },
  "log-read": { ...request, upTo: 4 },
  "frames-published": { ...request, upTo: 4 },
  "holds-expired": { ...actor, upTo: 1, provoke: provoke.deadHolds },
  "partitions-made": { ...actor, upTo: 1, provoke: provoke.housekeeping },
  "process-registered": { ...actor, upTo: 1, as: "starting" },
  "actors-stopped": { ...actor, upTo: 1, as: "stopping" },
  "before-good-bye": { ...actor, upTo: 1, as: "stopping" },
}

export const crashPointFaults: readonly Fault[] = (Object.keys(ways) as Reached[]).flatMap((point) =>
  [ways[point]].flat().map((way, nth) => ({
    name: nth === 0 ? point : `${point}-${way.role}`,
    sentence: crashPoints[point],
    recoverWithinMs: killedWithinMs,
    share: 1,
    ...(way.short && { short: true as const }),
    inflict: (world: World, { kills }: { kills: number }) => killAt(world, point, way, kills),
  })),
)

/** Of a round, from the arming to the last death, at most. */
const roundMs = 8_000
/** The same, of a process that must start first. */
const startingRoundMs = 30_000
const provokeEveryMs = 200
/** Rounds in a row in which nobody dies at the point. Who is asked to end comes to it only with something in hand. */
const maxVain = 3
const maxVainStopping = 6
/** Where one of several comes to it, the survivor may be first again and again. */
const maxVainRace = 10

/** Whoever has not come to the point so long after another one is left alive: recovering is watched from the death on. */
const stragglersMs = 1_000

async function killAt(world: World, point: CrashPoint, way: Way, kills: number): Promise<Inflicted> {
  const recoveredMs: number[] = []
  let [killed, passedBy, vain] = [0, 0, 0]
  const troubles: string[] = []
  const vainRounds = way.race ? maxVainRace : way.as === "stopping" ? maxVainStopping : maxVain
  for (let round = 0; killed < kills && vain < vainRounds; round++) {
    await world.processes.allReady()
    const all = world.processes.of(way.role)
    const survivor = all[round % all.length]
    const targets = all
      .filter((target) => target !== survivor)
      .slice(0, way.race ? undefined : Math.max(0, kills - killed))
    const { ends, tookMs } = await killOnce(world, point, way, targets).catch((error: unknown) => {
      if (!(error instanceof provoke.NotInflicted)) throw error
      troubles.push(error.message)
      return { ends: [], tookMs: undefined }
    })
    const hits = ends.filter(isKill).length
    killed += hits
    passedBy += ends.length - hits
    vain = hits === 0 ? vain + 1 : 0
    if (tookMs !== undefined) recoveredMs.push(tookMs)
  }
  if (killed === 0) troubles.push(`nobody was killed at ${point}`)
  const notes = [
    ...(killed < kills ? [`${killed} of ${kills} were killed there`] : []),
    ...(passedBy > 0 ? [`${passedBy} ended without coming to it`] : []),
  ]
  return { times: recoveredMs.length, recoveredMs, troubles, note: notes.join(", ") }
}

/** Nobody else sends SIGKILL to whoever is armed: it was at the point. Who ended otherwise was asked to, and did not come to it. */
const isKill = ({ signal }: Death) => signal === "SIGKILL"

/** Answers how each of the targets ended that did, and how long recovering took; undefined when nobody was killed at the point. */
async function killOnce(world: World, point: CrashPoint, way: Way, targets: readonly SupervisedProcess[]) {
  const { processes } = world
  const before = processes.deaths.length
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
    // Who is asked to end gives back what it holds before it dies.
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
