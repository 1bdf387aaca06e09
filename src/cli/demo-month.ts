/** `slotbase demo --days N`: plays a month of two clubs and prints its ledger. */
import { connectHints } from "#base/hints.ts"
import { endLines, endsAreRight, readEnds } from "#demo/ends.ts"
import { type MonthPlayed, playMonth, resumeIdleJob } from "#demo/month/play.ts"
import { ticksAreRight } from "#demo/month/ticks.ts"
import type { Stage } from "#demo/stage.ts"

export interface MonthAsked {
  readonly days: number
  readonly seed: number
}

const longestDays = 400

/** What was asked for by options; a text says what is wrong with them. */
export function monthAsked(values: Readonly<Record<string, string>>): MonthAsked | string | undefined {
  const { "--days": days, "--seed": seed = "1" } = values
  if (days === undefined) return values["--seed"] === undefined ? undefined : "--seed goes with --days."
  if (!/^\d{1,3}$/.test(days) || Number(days) < 2 || Number(days) > longestDays)
    return `--days takes a whole number from 2 to ${longestDays}.`
  if (!/^\d{1,9}$/.test(seed)) return "--seed takes a whole number."
  return { days: Number(days), seed: Number(seed) }
}

/** Answers the exit code. */
export async function playAskedMonth(stage: Stage, asked: MonthAsked): Promise<number> {
  const began = performance.now()
  const disconnect = await connectHints(stage.db)
  const played = await playMonth(stage, asked, (day) => {
    if (day % 5 === 0 || day === asked.days) stage.say(`  day ${day} of ${asked.days}`)
  })
    .catch(async (error) => {
      // Its server may be gone. The next month, or `slotbase jobs resume`, resumes the job then.
      await resumeIdleJob(stage).catch(() => undefined)
      throw error
    })
    .finally(disconnect)
  const ids = played.clubs.map(({ id }) => id)
  const look = () => readEnds(stage.db, ids)
  // The last refund may still be under way.
  const ends = await stage.until("even accounts", look, endsAreRight).catch(look)
  const seconds = Math.round((performance.now() - began) / 1_000)
  console.log(`
${asked.days} days in ${seconds} s: ${instant(played.from)} to ${instant(played.until)}, ${played.hops} hops, seed ${asked.seed}
Clock changes: ${played.changes.join(", ") || "none"}
${await eventLines(stage, ids)}
${endLines(ends).join("\n")}
`)
  printTicks(played)
  const isRight = ticksAreRight(played.jobs) && endsAreRight(ends)
  if (!isRight) console.error("The month did not end as it should.")
  return isRight ? 0 : 1
}

const instant = (at: Date) => `${at.toISOString().slice(0, 16)}Z`

async function eventLines({ db }: Stage, facilityIds: readonly string[]): Promise<string> {
  const rows = await db<{ type: string; count: number }[]>`
    select type, count(*)::integer as count from slotbase.events
    where facility_id = any (${[...facilityIds]}) group by type order by type`
  const total = rows.reduce((sum, { count }) => sum + count, 0)
  return `Events: ${total}. ${rows.map(({ type, count }) => `${type} ${count}`).join(", ")}`
}

function printTicks({ jobs }: MonthPlayed): void {
  console.table(
    Object.fromEntries(
      jobs.map(({ job, schedules, expected, run, skipped, failed, twice, lost }) => [
        job,
        { schedules, expected, run, "skipped by rule": skipped, failed, twice, lost },
      ]),
    ),
  )
  const sum = (of: "expected" | "run" | "skipped" | "failed" | "twice" | "lost") =>
    jobs.reduce((total, each) => total + each[of], 0)
  console.log(
    `Ticks: ${sum("expected")} expected, ${sum("run")} run, ${sum("skipped")} skipped by rule, ${sum("failed")} failed; ` +
      `${sum("twice") || "zero"} twice, ${sum("lost") || "zero"} lost.`,
  )
}
