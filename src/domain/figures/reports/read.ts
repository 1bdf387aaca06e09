/** Reads the reports of a facility, for its staff: a list, and one day. */
import * as Schema from "effect/Schema"
import type { Staff } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { isLocalDate } from "#base/local-days.ts"
import { keyAfter, type Page, PageQuery, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { LocalDay } from "#base/schema/request-fields.ts"
import { requireFacility } from "#domain/club/facilities.ts"
import type { DailyReport, DailyReportLine } from "./answer.ts"
import { findReports, findReportsOf, type ReportRow } from "./rows.ts"

export const ReportsQuery = PageQuery

/** The newest day first. Throws NotFound for a facility that there is not. */
export async function listReports(
  db: Queryable,
  { facilityId }: Staff,
  query: typeof ReportsQuery.Type,
): Promise<Page<DailyReportLine>> {
  const limit = pageLimitOf(query)
  const [before] = keyAfter(query, Schema.Tuple([LocalDay])) ?? []
  await requireFacility(db, facilityId)
  const rows = await findReports(db, facilityId, { before, limit: limit + 1 })
  return pageOf(rows, limit, ({ day }) => [day], toLine)
}

/** Throws NotFound for a day without a report. */
export async function readDailyReport(db: Queryable, { facilityId }: Staff, day: string): Promise<DailyReport> {
  const [row] = isLocalDate(day) ? await findReportsOf(db, [{ facilityId, day }]) : []
  if (!row) throw new NotFound("report", day)
  return toDailyReport(row)
}

export const toDailyReport = ({ facility_id, day, timezone, made_at, figures }: ReportRow): DailyReport => ({
  facilityId: facility_id,
  day,
  timezone,
  madeAt: made_at.toISOString(),
  ...figures,
})

function toLine({ day, made_at, figures }: ReportRow): DailyReportLine {
  const { bookings, cancelled, attended, noShows, unrecorded, bookedMinutes, openMinutes, utilisation, money } = figures
  return {
    ...{ day, madeAt: made_at.toISOString(), bookings, cancelled, attended, noShows, unrecorded },
    ...{ bookedMinutes, openMinutes, utilisation, money },
  }
}
