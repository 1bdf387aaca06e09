/** The stages of a debt, by its age in local days, and the days of play that a day's run looks at. Pure functions. */
import { type Span, spanOfDay } from "#base/local-days.ts"

/** In days. */
export const agingStages = [30, 60, 90] as const
export type AgingStage = (typeof agingStages)[number]

/** A debt may appear late: a card payment fails, a fee is charged. It is found for so many days after its stage. */
const lookBackDays = 7
/** The longest look back, after an outage or at the first run: then the windows of the stages touch. */
const longestLookBackDays = 30

/** Whole local days from one day to another, both YYYY-MM-DD. The clocks do not matter to days. */
export const daysBetween = (from: string, to: string): number =>
  Temporal.PlainDate.from(from).until(Temporal.PlainDate.from(to), { largestUnit: "days" }).days

/** The local day some days before another. */
export const dayBefore = (day: string, days: number): string =>
  Temporal.PlainDate.from(day).subtract({ days }).toString()

/** The highest stage that a debt of an age has reached. */
export const stageOf = (ageDays: number): AgingStage | undefined => agingStages.findLast((stage) => stage <= ageDays)

export const stageName = (stage: AgingStage) => `${stage}_days` as const

export interface StageWindow {
  readonly stage: AgingStage
  /** The instants of the days of play. */
  readonly span: Span
}

/**
 * Where to look for debts that have reached a stage by a local day.
 * @param lookedUntil the last day that was looked at; undefined: none was
 */
export function stageWindowsOf(timezone: string, day: string, lookedUntil: string | undefined): readonly StageWindow[] {
  const missed = lookedUntil === undefined ? longestLookBackDays : Math.max(0, daysBetween(lookedUntil, day))
  const back = Math.min(longestLookBackDays, lookBackDays + missed)
  return agingStages.map((stage) => ({
    stage,
    span: {
      start: spanOfDay(timezone, dayBefore(day, stage + back)).start,
      end: spanOfDay(timezone, dayBefore(day, stage)).end,
    },
  }))
}
