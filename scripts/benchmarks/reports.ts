// Whether the reports of a morning slow what people wait for. 5,000 facilities have their report due at once, while one
// club books at a steady rate. The stretches without reports, before and after, are of the same run and database.

import { connect } from "#base/database/db.ts"
import { migrate } from "#base/database/migrate.ts"
import { platformFacilityId, rootUserId } from "#base/ids.ts"
import { round } from "#scripts/statistics.ts"
import type { Figure } from "./figure.ts"
import { fillPlatform } from "./jobs/platform.ts"
import { atRate, openStage, stretch } from "./latency/stage.ts"
import { type Bench, startBench } from "./measure.ts"
import type { Part } from "./part.ts"
import { startProgram } from "./running.ts"

const perSecond = 40
const job = "daily-reports"
const quietMs = 4_000
/** The clock moves by a day in between, so what is booked must lie later. */
const firstHour = 48

export const reports: Part = {
  name: "reports",
  description: "webhook and frame without and beside the daily reports of 5,000 facilities that come due at once",
  run: async ({ short, progress }) => {
    const [size, forMs] = short
      ? [{ facilities: 300, bookings: 30_000 }, 10_000]
      : [{ facilities: 5_000, bookings: 500_000 }, 15_000]
    const bench = await startBench({ track_commit_timestamp: "on" })
    const ends: (() => Promise<unknown>)[] = [bench.stop]
    try {
      await migrate(bench.url)
      const db = connect(bench.url, { max: 2, applicationName: "slotbase bench" })
      ends.push(() => db.end())
      await db`update slotbase.clock set movable = true`
      await fillPlatform(db, size, progress)
      const system = await startProgram({ url: bench.url })
      ends.push(() => system.end())
      const stage = await openStage(bench, system, { firstHour })
      ends.push(stage.close)
      const book = (ms: number) => atRate(stage, perSecond, ms)
      const left = async () => {
        const [row] = await bench.sql<{ left: number; done: number }[]>`
          select count(*) filter (where status in ('waiting', 'running', 'retrying'))::integer as left,
                 count(*) filter (where status = 'succeeded')::integer as done
          from slotbase.job_runs where job = ${job}`
        return row ?? { left: 0, done: 0 }
      }
      await db`
        update slotbase.job_schedules set look_at = 'infinity', paused_at = slotbase.now(), paused_by = ${rootUserId}
        where facility_id <> ${platformFacilityId} and job <> ${job}`
      await db`
        update slotbase.job_schedules set look_at = 'infinity' where facility_id <> ${platformFacilityId} and job = ${job}`
      await db`select slotbase.move_clock('1 day')`
      await quiet(bench, progress)
      await book(2_000) // only warms up
      const before = await stretch(stage, "without", () => book(forMs))
      const began = performance.now()
      await db`
        update slotbase.job_schedules set look_at = slotbase.now() where facility_id <> ${platformFacilityId} and job = ${job}`
      await db.notify("slotbase_hint", "bench schedules")
      let seconds = 0
      const beside = await stretch(stage, "beside the reports", async () => {
        const ids: string[] = []
        for (;;) {
          ids.push(...(await book(1_000)))
          const { left: waiting, done } = await left()
          if (waiting === 0 && done > 0) break
        }
        seconds = (performance.now() - began) / 1_000
        return ids
      })
      const { done } = await left()
      progress(`${done} reports in ${round(seconds)} s`)
      const after = await stretch(stage, "without, again", () => book(forMs))
      // A handler's instant is one of the clock that was moved, so it is left out.
      return [before, beside, after].flatMap((each) =>
        each.slice(0, 2).map((figure, at) => withRatio(figure, before[at], after[at])),
      )
    } finally {
      for (const end of ends.reverse()) await end()
    }
  },
}

/** Until what the day brought besides has been done: no event for some seconds, and no message that is sent. */
async function quiet(bench: Bench, progress: (line: string) => void): Promise<void> {
  let [since, last] = [performance.now(), ""]
  while (performance.now() - since < quietMs) {
    await Bun.sleep(500)
    const [row] = await bench.sql`
      select (select count(*) from slotbase.events)::integer as events,
             (select count(*) from slotbase.message_queue)::integer as messages,
             (select count(*) from slotbase.message_backlog)::integer as backlog`
    if (JSON.stringify(row) !== last) [since, last] = [performance.now(), JSON.stringify(row)]
  }
  progress(`the day's other work is done: ${last}`)
}

/** Against the mean of the two stretches without reports. */
function withRatio(figure: Figure, before: Figure | undefined, after: Figure | undefined): Figure {
  const against = (of: "p50Ms" | "p99Ms") =>
    round(Number(figure[of]) / ((Number(before?.[of]) + Number(after?.[of])) / 2))
  return { ...figure, p50Ratio: against("p50Ms"), p99Ratio: against("p99Ms") }
}
