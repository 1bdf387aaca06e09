/**
 * A scheduled job that runs once for each facility, at a time of the facility's own day. The scheduler finds its ticks
 * (scheduler.ts), and the job does the work of one. A tick may be run again after a crash or a failure, so the work is
 * idempotent: the file of each job says how.
 */
import type { MissedRule } from "#operations/jobs/decide.ts"
import type { Did } from "#operations/jobs/rows.ts"

export type { MissedRule }

/** One tick of one facility. */
export interface FacilityTick {
  readonly facilityId: string
  /** The facility's zone (IANA). */
  readonly timezone: string
  /** The instant of the tick. It may have been missed, so it may lie in the past. */
  readonly dueAt: Date
  /** The local day that the cron line names, such as 2026-03-29. A run by hand is of the day on which it begins. */
  readonly localDate: string
}

export interface FacilityJob {
  readonly name: string
  readonly description: string
  /** Five fields, on the wall of each facility. */
  readonly cron: string
  readonly missed: MissedRule
  /** A run that takes longer has failed. */
  readonly deadlineMs: number
  readonly run: (tick: FacilityTick, signal: AbortSignal) => Promise<Did>
}
