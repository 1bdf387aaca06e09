/**
 * What a message shows that was made and kept before: the report of a day, the summary of a player's week. The event
 * names it; its row has the figures. So the mail says what the API says.
 */
import type { Queryable } from "#base/database/db.ts"
import type { ProgressSummary } from "#domain/coaching/summaries/answer.ts"
import { findSummaries } from "#domain/coaching/summaries/rows.ts"
import type { DailyReport } from "#domain/figures/reports/answer.ts"
import { toDailyReport } from "#domain/figures/reports/read.ts"
import { findReportsOf } from "#domain/figures/reports/rows.ts"
import type { EventData } from "#events/catalogue.ts"

export interface MadeBefore {
  /** Null: the event is of no report. */
  readonly report: DailyReport | null
  /** Null: the event is of no summary. */
  readonly summary: ProgressSummary | null
}

interface MadeEvent {
  readonly id: string
  readonly type: string
  readonly data: object
}

/** By event. Events of other types are not asked about. */
export async function madeBefore(
  db: Queryable,
  events: readonly MadeEvent[],
): Promise<ReadonlyMap<string, MadeBefore>> {
  const of = (type: string) => events.filter((event) => event.type === type)
  const reports = of("facility.report.made").map(({ id, data }) => ({ id, ...(data as ReportMade) }))
  const summaries = of("progress.summary.made").map(({ id, data }) => ({ id, ...(data as SummaryMade) }))
  if (reports.length + summaries.length === 0) return new Map()
  const [reportRows, summaryRows] = await Promise.all([findReportsOf(db, reports), findSummaries(db, summaries)])
  return new Map([
    ...reports.map(({ id, facilityId, day }): [string, MadeBefore] => {
      const row = reportRows.find((each) => each.facility_id === facilityId && each.day === day)
      return [id, { report: row ? toDailyReport(row) : null, summary: null }]
    }),
    ...summaries.map(({ id, facilityId, playerId, week }): [string, MadeBefore] => {
      const row = summaryRows.find(
        (each) => each.facilityId === facilityId && each.playerId === playerId && each.week === week,
      )
      return [id, { report: null, summary: row?.summary ?? null }]
    }),
  ])
}

type ReportMade = EventData<"facility.report.made">
type SummaryMade = EventData<"progress.summary.made">
