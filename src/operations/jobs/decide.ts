/**
 * Decides which of a schedule's ticks are run: those up to now that nobody has decided yet. A tick that is found in
 * time is run. Of those that were missed, the job's rule says which are. A daily or rarer job has one
 * tick on a local day, also when the zone or the cron line has changed meanwhile. Pure.
 */
import { localDateOf } from "#base/local-days.ts"
import type { Cron } from "./cron.ts"
import { nextTicks, type Tick, ticksAfter, ticksBetween } from "./ticks.ts"

/**
 * What becomes of ticks that nobody ran, such as during an outage or a pause.
 * - "once": only the latest of them is run.
 * - "skip": none of them is run.
 * - `{ catchUp: n }`: the latest n are run, the oldest first.
 */
export type MissedRule = "once" | "skip" | { readonly catchUp: number }

/** When a job ticks, and what becomes of missed ticks. */
export interface Timetable {
  readonly cron: Cron
  readonly missed: MissedRule
}

/** What is decided so far, and how it was planned. */
export interface ScheduleStanding {
  /** All ticks up to here, milliseconds since the Unix epoch. */
  readonly decidedUntil: number
  /** The local day of the last decided tick of a daily or rarer job. */
  readonly decidedDate: string | null
  /** The zone or its data is another one than when the schedule was planned. */
  readonly zoneChanged: boolean
  readonly cronChanged: boolean
}

export interface TickDecision {
  /** The oldest first. */
  readonly run: readonly Tick[]
  readonly skipped: number
  readonly next: Tick
  readonly decidedDate: string | null
}

/** A tick that is found later was missed: pg-boss, the last resort, looks each minute. */
const inTimeMs = 60_000
/** No zone is further from another; so far back a tick of another zone may lie that is not decided. */
const farthestZoneMs = 26 * 60 * 60_000

/** @param now milliseconds since the Unix epoch, by the database. Throws RangeError for an unknown zone. */
export function decideTicks(
  { cron, missed }: Timetable,
  timezone: string,
  standing: ScheduleStanding,
  now: number,
): TickDecision {
  const ticks = undecided(cron, timezone, standing, now)
  const run = toRun(ticks, missed, now)
  const decidedDate = cron.daily ? (ticks.at(-1)?.localDate ?? standing.decidedDate) : null
  return {
    run,
    skipped: ticks.length - run.length,
    next: firstAfter(cron, timezone, now, decidedDate),
    decidedDate,
  }
}

/** How many ticks may wait beside each other: a later one takes the place of the earliest. */
export const mostWaiting = (missed: MissedRule): number => (typeof missed === "object" ? missed.catchUp : 1)

/** As the table jobs and the answers name the rule. */
export const missedInWords = (missed: MissedRule): string =>
  typeof missed === "object" ? `catch up ${missed.catchUp}` : missed

function undecided(cron: Cron, timezone: string, standing: ScheduleStanding, now: number): readonly Tick[] {
  const { decidedUntil, decidedDate, zoneChanged, cronChanged } = standing
  if (!cron.daily || decidedDate === null) return ticksBetween(cron, timezone, decidedUntil, now)
  // In another zone a local day that is not decided may have had its tick already.
  const since = zoneChanged || cronChanged ? decidedUntil - farthestZoneMs : decidedUntil
  // The days before today had their ticks by the cron line of then.
  const today = cronChanged ? localDateOf(timezone, now) : ""
  return ticksBetween(cron, timezone, since, now).filter(
    ({ localDate }) => localDate > decidedDate && localDate >= today,
  )
}

function toRun(ticks: readonly Tick[], missed: MissedRule, now: number): readonly Tick[] {
  if (typeof missed === "object") return ticks.slice(-missed.catchUp)
  const latest = ticks.slice(-1)
  return missed === "once" ? latest : latest.filter(({ at }) => now - at <= inTimeMs)
}

function firstAfter(cron: Cron, timezone: string, now: number, decidedDate: string | null): Tick {
  if (decidedDate === null) return nextTicks(cron, timezone, now, 1)[0] as Tick
  for (const tick of ticksAfter(cron, timezone, now)) if (tick.localDate > decidedDate) return tick
  throw new Error(`${cron.line} has no tick any more`)
}
