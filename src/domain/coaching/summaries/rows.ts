/**
 * The summaries of players' weeks, as they were made. A player has one for a week in a facility.
 * Writes: progress_summaries.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { ProgressSummary } from "./answer.ts"

export interface NewSummary {
  readonly playerId: string
  readonly summary: ProgressSummary
}

/** Answers the players whose summary is new. The order of the keys keeps two processes from a deadlock. */
export async function insertSummaries(
  tx: Tx,
  facilityId: string,
  week: string,
  summaries: readonly NewSummary[],
): Promise<ReadonlySet<string>> {
  if (summaries.length === 0) return new Set()
  const rows = await tx<{ player_id: string }[]>`
    insert into slotbase.progress_summaries (player_id, facility_id, week, summary)
    select s."playerId", ${facilityId}, ${week}::date, s.summary
    from jsonb_to_recordset(${tx.json(summaries as never)}) as s ("playerId" uuid, summary jsonb)
    order by s."playerId"
    on conflict do nothing
    returning player_id`
  return new Set(rows.map((row) => row.player_id))
}

export interface SummaryKey {
  readonly playerId: string
  readonly facilityId: string
  /** The Monday of the week. */
  readonly week: string
}

export async function findSummaries(
  db: Queryable,
  wanted: readonly SummaryKey[],
): Promise<readonly (SummaryKey & { readonly summary: ProgressSummary })[]> {
  if (wanted.length === 0) return []
  return db<(SummaryKey & { summary: ProgressSummary })[]>`
    select s.player_id as "playerId", s.facility_id as "facilityId", s.week::text as week, s.summary
    from unnest(${wanted.map((each) => each.playerId)}::uuid[], ${wanted.map((each) => each.facilityId)}::uuid[],
                ${wanted.map((each) => each.week)}::date[]) as w (player_id, facility_id, week)
    join slotbase.progress_summaries s
      on s.player_id = w.player_id and s.facility_id = w.facility_id and s.week = w.week`
}
