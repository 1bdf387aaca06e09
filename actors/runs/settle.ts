/**
 * Settling the runs of a claim that need no retry: they leave the claim under its fencing token and enter the history.
 * A count that differs means that another process owns the runs now: everything is rolled back. slotbase.settle_claim()
 * writes handler_batches, slotbase.settle_runs() writes handler_history.
 */
import type { Queryable } from "#base/database/db.ts"
import { storable } from "./failure-text.ts"

/** The end of a run that needs no retry. */
export interface Ended {
  readonly position: number
  readonly status: "success" | "skipped"
  readonly durationMs: number
  readonly reason: string | null
}

/** The lease is void: another process has the work. */
export class Fenced extends Error {
  readonly _tag = "Fenced"
}

/**
 * In the transaction of the effects (transactional handlers), or by itself (external handlers). When another process
 * owns the claim now, the query fails with an error for which `asFenced` answers `Fenced`.
 * @param whole the number of runs that the claim still holds. When all of them ended alike, they are settled unnamed.
 */
export function settleRuns(sql: Queryable, handler: string, lease: number, ended: readonly Ended[], whole?: number) {
  const [first] = ended
  const alike = ended.every((run) => run.status === "success" && run.durationMs === first?.durationMs)
  if (alike && ended.length === whole)
    return sql`select slotbase.settle_claim(${handler}, ${lease}, ${whole}::integer, ${first?.durationMs ?? 0}::real)`
  const positions = ended.map((run) => run.position)
  const statuses = alike ? null : ended.map((run) => run.status)
  const durations = alike ? [first?.durationMs ?? 0] : ended.map((run) => run.durationMs)
  const reasons = alike ? null : ended.map((run) => (run.reason === null ? null : storable(run.reason)))
  return sql`
    select slotbase.settle_runs(${handler}, ${lease}, ${positions}::bigint[], ${statuses}::text[], ${durations}::real[],
      ${reasons}::text[])`
}

/** The error as Fenced, if the database meant that (SB001); any other error as it is. */
export const asFenced = (error: unknown): unknown =>
  error instanceof Error && "code" in error && error.code === "SB001" ? new Fenced(error.message) : error
