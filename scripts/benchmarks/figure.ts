// The figures of all parts, in the same columns, and the costs per event.

import { median, round } from "#scripts/statistics.ts"
import type { Cost } from "./measure.ts"

/** One line of a part's table. A column is missing where there is nothing to measure. */
export interface Figure {
  readonly name: string
  readonly eventsPerSecond?: number
  /** Milliseconds; the part's description says from where to where. */
  readonly p50Ms?: number
  readonly p99Ms?: number
  /** CPU per event of the program's processes, milliseconds of user and system time. */
  readonly cpuMsProgram?: number
  /** The same of PostgreSQL's processes. */
  readonly cpuMsPostgres?: number
  /** Bytes per event. */
  readonly walBytes?: number
  /** Rows per event that were updated or deleted. */
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

/** A stretch of work: its costs, and how many events were handled. */
export interface Paid {
  readonly events: number
  readonly cost: Cost
}

/** The costs of an event. Each column is the median of the rounds. */
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

/** The columns of all parts first, in one order, then the part's own. Columns that were not measured are left out. */
export function asRow(figure: Figure): Figure {
  const measured = withoutGaps(figure)
  const common = columns.filter((column) => measured[column] !== undefined)
  return { ...Object.fromEntries(common.map((column) => [column, measured[column]])), ...measured } as Figure
}

const withoutGaps = <Values extends object>(values: Values) =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && !Number.isNaN(value)),
  ) as Partial<Values>
