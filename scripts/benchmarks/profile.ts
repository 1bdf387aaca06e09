// Shows the places where SlotBase spends its time while it drains the backlog of the pipeline: PostgreSQL by statement,
// the program by file. Both are measured by the wall clock, and both measurements cost some throughput.
// - A statement's time includes its waits, so the sum is more than PostgreSQL's CPU.
// - A file's time comes from samples of the thread that runs JavaScript. The rest of the program's CPU is other threads
//   and the kernel. On a busy machine the samples add up to more than the CPU.

import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { round } from "#scripts/statistics.ts"
import { type Figure, perEvent } from "./figure.ts"
import type { Part } from "./part.ts"
import type { Contestant } from "./pipeline/contestant.ts"
import { drainBacklog, fillBacklog, withSetup } from "./pipeline/run.ts"
import { slotbase } from "./pipeline/slotbase.ts"
import { byFile, profiling, readProfiles } from "./profile/cpu-profile.ts"
import { readStatements, type Statement, startCounting, statementSettings } from "./profile/statements.ts"
import { endsWithRun } from "./running.ts"

const root = join(import.meta.dir, "../..")
const shownStatements = 14
const shownFiles = 16

export const profile: Part = {
  name: "profile",
  description:
    "where SlotBase's time goes while it drains the pipeline's backlog: PostgreSQL's by statement, its own by file",
  run: async ({ short, progress }) => {
    const backlog = short ? 2_000 : 8_000
    const figures: Figure[] = []
    for (const [name, how] of [["slotbase", "each"] as const, ["slotbase, set-based", "set"] as const]) {
      figures.push(await profiled(slotbase(name, how), backlog))
      progress(`${name}: ${figures.at(-1)?.eventsPerSecond} events/s, with the profilers at work`)
    }
    return figures
  },
}

async function profiled(contestant: Contestant, backlog: number): Promise<Figure> {
  const folder = await mkdtemp(join(tmpdir(), "slotbase-profile-"))
  const remove = () => rm(folder, { recursive: true, force: true })
  const forget = endsWithRun(remove)
  try {
    return await withSetup(contestant, statementSettings, async (setup) => {
      await fillBacklog(setup, backlog)
      await startCounting(setup.bench.sql)
      const workers = setup.entry.workers.map((each) => ({ ...each, env: { ...each.env, ...profiling(folder) } }))
      const drain = await drainBacklog({ ...setup, entry: { ...setup.entry, workers } }, backlog)
      const { sent, nested } = await readStatements(setup.bench.sql, backlog)
      const cost = perEvent([drain])
      printStatements(`${contestant.name}: what it sends to PostgreSQL, per event`, sent)
      printStatements(`${contestant.name}: inside functions, contained in the calls above`, nested)
      const files = sum((await readProfiles(folder)).flatMap((each) => byFile(each, root, drain.startedAt)))
      const javascriptMs = printFiles(contestant.name, files, backlog)
      return {
        name: contestant.name,
        eventsPerSecond: Math.round(drain.eventsPerSecond),
        ...cost,
        statementMs: round(sent.reduce((sum, each) => sum + each.microseconds, 0) / 1_000),
        javascriptMs,
      }
    })
  } finally {
    forget()
    await remove()
  }
}

function printStatements(title: string, statements: readonly Statement[]): void {
  const rest = statements.slice(shownStatements)
  const sum = (of: (each: Statement) => number) => round(rest.reduce((total, each) => total + of(each), 0))
  console.log(`\n${title} (microseconds of its own time, waiting included):`)
  console.table([
    ...statements.slice(0, shownStatements),
    {
      statement: `${rest.length} others`,
      callsPerEvent: sum((each) => each.callsPerEvent),
      microseconds: sum((each) => each.microseconds),
      rowsPerEvent: sum((each) => each.rowsPerEvent),
      walBytes: sum((each) => each.walBytes),
    },
  ])
}

/** Answers the sum of the samples, milliseconds per event. */
function printFiles(name: string, files: ReadonlyMap<string, number>, events: number): number {
  const all = [...files].sort(([, a], [, b]) => b - a)
  const total = all.reduce((sum, [, us]) => sum + us, 0)
  const others = all.slice(shownFiles)
  console.log(`\n${name}: its own JavaScript, by file:`)
  console.table(
    [
      ...all.slice(0, shownFiles),
      [`${others.length} others`, others.reduce((sum, [, us]) => sum + us, 0)] as const,
    ].map(([file, us]) => ({
      file,
      microsecondsPerEvent: round(us / events),
      percent: round((us / total) * 100),
    })),
  )
  return round(total / events / 1_000)
}

/** Sums the files of several processes. */
function sum(files: readonly [string, number][]): ReadonlyMap<string, number> {
  const spent = new Map<string, number>()
  for (const [file, us] of files) spent.set(file, (spent.get(file) ?? 0) + us)
  return spent
}
