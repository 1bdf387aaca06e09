// Measures the resident memory of SlotBase's processes under 200 events a second for ten minutes. One process has the
// dispatcher, the deliverer and the pipeline's five handlers. The other is a server with its broadcaster and one
// subscriber. With SLOTBASE_BENCH_BEFORE=<folder of an earlier checkout>, that program is measured first.
//
// `firstMib`, `middleMib` and `endMib` are medians of a tenth of the time: the first, the middle and the last one.

import { round } from "#scripts/statistics.ts"
import type { Figure } from "./figure.ts"
import { resident, residentOver } from "./memory/resident.ts"
import type { Part } from "./part.ts"
import { contestants, type Entrant } from "./pipeline/contestants.ts"
import { assertComplete, finished } from "./pipeline/finished.ts"
import { startWorkers, stopAll } from "./pipeline/processes.ts"
import { withSetup } from "./pipeline/run.ts"
import { startAudience } from "./steady/audience.ts"
import { recordAtRate } from "./steady/pace.ts"

const perSecond = 200
const sampleMs = 1_000

export const memory: Part = {
  name: "memory",
  description: "resident memory of SlotBase's processes under 200 events a second for ten minutes",
  run: async ({ short, progress }) => {
    const figures: Figure[] = []
    for (const entrant of contestants.filter(({ kind, setBased }) => setBased && kind !== "bare" && kind !== "peer")) {
      figures.push(...(await memoryOf(entrant, short ? 20 : 600)))
      progress(
        figures
          .slice(-2)
          .map(({ name, endMib }) => `${name}: ${endMib} MiB at the end`)
          .join(", "),
      )
    }
    return figures
  },
}

const memoryOf = (entrant: Entrant, seconds: number): Promise<readonly Figure[]> =>
  withSetup(entrant, {}, async (setup) => {
    await using open = new AsyncDisposableStack()
    const workers = await startWorkers(setup.entry)
    open.defer(async () => void (await stopAll(workers)))
    const audience = await startAudience(setup.bench.url, entrant.folder)
    open.defer(audience.stop)
    const recorder = await setup.entry.recorder()
    open.defer(recorder.end)
    const actors: number[] = []
    const server: number[] = []
    let sampling = Promise.resolve()
    const sample = async () => {
      const sizes = await Promise.all(workers.map(({ pid }) => resident(pid)))
      actors.push(sizes.reduce((sum, each) => sum + each, 0))
      server.push(await resident(audience.pid))
    }
    const timer = setInterval(() => {
      sampling = sampling.then(sample)
    }, sampleMs)
    const events = await recordAtRate(() => recorder.record(1), { perSecond, seconds }).finally(() =>
      clearInterval(timer),
    )
    await sampling
    await finished(setup, events)
    await stopAll(workers)
    await assertComplete(setup, events)
    const { name } = entrant
    return [
      { name: `${name}: actors`, ...residentOver(actors), eventsPerSecond: perSecond, n: events },
      { name: `${name}: server`, ...residentOver(server), eventsPerSecond: perSecond, n: events },
    ].map((figure) => ({ ...figure, growth: round(figure.endMib / figure.middleMib) }))
  })
