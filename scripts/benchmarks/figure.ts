// The figures that all parts tell in the same columns, and what the costs of some rounds are per event.

import { median, round } from "#scripts/statistics.ts"
import type { Cost } from "./measure.ts"

/** One line of a part's table. A column is missing where there is nothing to measure. */
export interface Figure {
  readonly name: string
  readonly eventsPerSecond?: number
  /** Milliseconds; from the commit to what the part's description says. */
  readonly p50Ms?: number
  readonly p99Ms?: number
  /** Per event, milliseconds, user and system time: of the program's processes, and of PostgreSQL's. */
  readonly cpuMsProgram?: number
  readonly cpuMsPostgres?: number
  /** Per event, bytes. */
  readonly walBytes?: number
  /** Per event: rows that were updated or deleted. */
  readonly deadTuples?: number
  readonly [more: string]: number | string | undefined
}

const columns = [
  "name",
  "eventsPerSecond",
  "p50Ms",
  "p99Ms",
  "cpuMsProgram",
  "cpuMsPostgres",
  "walBytes",
  "deadTuples",
] as const

/** A stretch of work: its costs, and the events that went through. */
export interface Paid {
  readonly events: number
  readonly cost: Cost
}

/** What an event cost; of several rounds the middle one, column by column. */
export function perEvent(rounds: readonly Paid[]): Partial<Figure> {
  const of = (amount: (cost: Cost) => number | undefined) =>
    median(rounds.map(({ events, cost }) => (amount(cost) ?? Number.NaN) / events))
  return withoutGaps({
    cpuMsProgram: round(of((cost) => cost.programCpuSeconds) * 1_000),
    cpuMsPostgres: round(of((cost) => cost.postgresCpuSeconds) * 1_000),
    walBytes: Math.round(of((cost) => cost.walBytes)),
    deadTuples: round(of((cost) => cost.deadTuples)),
  })
}

/** The columns of all parts first, in one order, then the part's own; without what was not measured. */
export function asRow(figure: Figure): Figure {
  const measured = withoutGaps(figure)
  const common = columns.filter((column) => measured[column] !== undefined)
  return { ...Object.fromEntries(common.map((column) => [column, measured[column]])), ...measured } as Figure
}

const withoutGaps = <Values extends object>(values: Values) =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && !Number.isNaN(value)),
  ) as Partial<Values>
