// Measures how others disturb the healthy: 99 healthy webhooks at a steady rate, alone and beside others:
// - a black hole with a long queue, which never answers;
// - a slow receiver, which answers just before the time limit;
// - a receiver that resets its connections;
// - all three together;
// - a busy facility, whose hundred fast webhooks have a long queue too;
// - nobody, as the control: its ratio says how much of the others' is chance.
//
// Rounds beside others take turns with rounds alone. A ratio compares a round with its two neighbours. The median
// ratio is reported, because two rounds alone may differ by more than the target allows. Each round begins after an
// unmeasured time of its own, by chance. So the turns do not keep step with autovacuum, which comes each minute.
//
// The time limit of requests is the 10 s of production. With a shorter limit, slow failures would come more often than
// in production. Therefore:
// - The sick receivers fail once before anything is measured, until the breakers of those that never answer are open.
//   That takes a minute and a half, and the process remembers it.
// - A round beside others begins with unmeasured time, as long as their requests take.
// - A round alone begins when no request to the others is under way.
// - The slow receiver answers in 9.5 s. Past the full 10 s it would be a second black hole.
//
// The short form has a limit of one second, and its figures mean nothing.

import type { Db } from "#base/database/db.ts"
import { median, round } from "#scripts/statistics.ts"
import { type Figure, perEvent } from "./figure.ts"
import { areGivenUp, makeBacklog, queueOf, switchAll, type Webhook } from "./isolation/club.ts"
import { measureRound, medianRatio, quantile, type Round, type Span, type Turn } from "./isolation/rounds.ts"
import { type Scene, setScene } from "./isolation/scene.ts"
import type { Part } from "./part.ts"

interface Plan {
  /** Deliveries in the queues of the black hole and of the receiver that resets; the slow one has a tenth. */
  readonly backlog: number
  /** Deliveries of the busy facility when a round begins: more than one round can make. */
  readonly busyBacklog: number
  readonly repetitions: number
  /** Time limit of a request; undefined: the deliverer's own. */
  readonly timeoutMs: number | undefined
  readonly slowMs: number
  /** Whether the sick receivers fail until their breakers open, before anything is measured. */
  readonly untilGivenUp: boolean
  readonly measuredMs: number
  /** Unmeasured time at the beginning of a round. `resetting` is the longest pause of a breaker. */
  readonly leadMs: {
    readonly alone: number
    readonly hanging: number
    readonly resetting: number
    readonly busy: number
    /** And so much more at most, by chance. */
    readonly chance: number
  }
}

const long: Plan = {
  backlog: 100_000,
  busyBacklog: 200_000,
  repetitions: 3,
  timeoutMs: undefined,
  slowMs: 9_500,
  untilGivenUp: true,
  measuredMs: 12_000,
  leadMs: { alone: 2_000, hanging: 12_000, resetting: 6_000, busy: 3_000, chance: 5_000 },
}
const brief: Plan = {
  backlog: 10_000,
  busyBacklog: 20_000,
  repetitions: 1,
  timeoutMs: 1_000,
  slowMs: 900,
  untilGivenUp: false,
  measuredMs: 800,
  leadMs: { alone: 200, hanging: 1_200, resetting: 200, busy: 200, chance: 50 },
}
/** Longer than any request may take. */
const quietWithinMs = 30_000
const givenUpWithinMs = 300_000
const pollMs = 200
/** Events with a hundred deliveries each. */
const refilledAtOnce = 200

interface Case {
  readonly name: string
  readonly others: readonly Webhook[]
  readonly leadMs: number
  /** Before each round events are added until so many deliveries wait. */
  readonly refilled?: number
}

export const isolation: Part = {
  name: "isolation",
  description: "99 healthy webhooks beside sick ones and beside a busy facility: commit → webhook byte of the healthy",
  run: async ({ short, progress }) => {
    const plan = short ? brief : long
    await using scene = await setScene(plan, progress)
    const { db, sick, busy } = scene
    const { leadMs, measuredMs } = plan
    const cases: readonly Case[] = [
      { name: "nobody, the control", others: [], leadMs: leadMs.hanging },
      { name: "a black hole", others: [sick.blackHole], leadMs: leadMs.hanging },
      { name: `one that answers in ${plan.slowMs / 1000} s`, others: [sick.slow], leadMs: leadMs.hanging },
      { name: "one that resets", others: [sick.resetting], leadMs: leadMs.resetting },
      { name: "all three", others: Object.values(sick), leadMs: leadMs.hanging },
      { name: "a busy facility", others: busy, leadMs: leadMs.busy, refilled: plan.busyBacklog },
    ]
    const span = { leadMs: leadMs.alone, measuredMs, chanceMs: leadMs.chance }
    await measureRound(scene, span) // a round that only warms up
    if (plan.untilGivenUp) await failUntilGivenUp(scene, span, progress)

    const rounds = cases.map(() => [] as Beside[])
    let before = await measureRound(scene, span)
    for (let n = 0; n < plan.repetitions; n++) {
      for (const [index, each] of cases.entries()) {
        const measured = await besideThem(scene, each, span)
        await quiet(db, each.others)
        const after = await measureRound(scene, span)
        rounds[index]?.push({ before, after, ...measured })
        before = after
        const ratio = round(medianRatio(rounds[index]?.slice(-1) ?? [], 0.99))
        progress(`${n + 1} of ${plan.repetitions}: beside ${each.name}, p99 ${ratio} times that of its neighbours`)
      }
    }
    const alone = [...new Set(rounds.flat().flatMap(({ before, after }) => [before, after]))]
    return [figureOf("alone", alone), ...cases.map(({ name }, index) => besideFigure(name, rounds[index] ?? []))]
  },
}

/** A round beside others, with its neighbours, and the deliveries of the others meanwhile. */
interface Beside extends Turn {
  readonly theirsPerSecond: number
}

async function besideThem(scene: Scene, { name, others, leadMs, refilled }: Case, span: Span) {
  const { db } = scene
  if (refilled !== undefined) await refill(db, others, refilled)
  const atFirst = (await queueOf(db, others)).waiting
  await switchAll(db, others, true)
  const startedAt = performance.now()
  const beside = await measureRound(scene, { ...span, leadMs })
  const seconds = (performance.now() - startedAt) / 1000
  await switchAll(db, others, false)
  const left = (await queueOf(db, others)).waiting
  if (left === 0 && others.length > 0) throw new Error(`the queue of ${name} did not last for the round`)
  return { beside, theirsPerSecond: (atFirst - left) / seconds }
}

/** Adds events to the facility of these webhooks until so many deliveries wait. All of them subscribe to each event. */
async function refill(db: Db, [first, ...more]: readonly Webhook[], wanted: number): Promise<void> {
  if (!first) return
  const all = [first, ...more]
  let events = Math.ceil((wanted - (await queueOf(db, all)).waiting) / all.length)
  for (; events > 0; events -= refilledAtOnce) await makeBacklog(db, first.facilityId, Math.min(events, refilledAtOnce))
}

/** Resolves when no request to these webhooks is under way. */
async function quiet(db: Db, others: readonly Webhook[]): Promise<void> {
  const deadline = performance.now() + quietWithinMs
  while ((await queueOf(db, others)).leased > 0) {
    if (performance.now() > deadline) throw new Error("requests to webhooks that were switched off do not end")
    await Bun.sleep(pollMs)
  }
}

async function failUntilGivenUp(scene: Scene, span: Span, progress: (line: string) => void) {
  const { db, sick } = scene
  progress("the sick receivers fail until their breakers open")
  const deadline = performance.now() + givenUpWithinMs
  await switchAll(db, Object.values(sick), true)
  while (!(await areGivenUp(db, [sick.blackHole, sick.resetting]))) {
    if (performance.now() > deadline) throw new Error("the breakers do not open")
    await measureRound(scene, span)
  }
  await switchAll(db, Object.values(sick), false)
  await quiet(db, Object.values(sick))
}

const figureOf = (name: string, rounds: readonly Round[]): Figure => ({
  name,
  eventsPerSecond: round(median(rounds.map((each) => each.eventsPerSecond))),
  p50Ms: quantile(rounds, 0.5),
  p99Ms: quantile(rounds, 0.99),
  ...perEvent(rounds),
  n: rounds.flatMap(({ waits }) => waits).length,
})

const besideFigure = (name: string, rounds: readonly Beside[]): Figure => ({
  ...figureOf(
    `beside ${name}`,
    rounds.map(({ beside }) => beside),
  ),
  p50Ratio: round(medianRatio(rounds, 0.5)),
  p99Ratio: round(medianRatio(rounds, 0.99)),
  othersPerSecond: round(median(rounds.map(({ theirsPerSecond }) => theirsPerSecond))),
})
