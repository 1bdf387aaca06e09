/**
 * The reports of days, as they were made. A day has one: the second of two that are made at once finds the first.
 * Writes: daily_reports.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { ReportFigures } from "./answer.ts"

export interface ReportRow {
  readonly facility_id: string
  /** YYYY-MM-DD. */
  readonly day: string
  /** The zone of the day: the facility's when the report was made. Reports of earlier versions have that of now. */
  readonly timezone: string
  readonly made_at: Date
  readonly figures: ReportFigures
}

/** False: the day has its report already. */
export async function insertReport(
  tx: Tx,
  facilityId: string,
  { day, timezone }: Pick<ReportRow, "day" | "timezone">,
  figures: ReportFigures,
): Promise<boolean> {
  const { count } = await tx`
    insert into slotbase.daily_reports (facility_id, day, figures)
    values (${facilityId}, ${day}::date, ${tx.json({ ...figures, timezone } as never)})
    on conflict do nothing`
  return count > 0
}

/** The newest first. @param before days before this one */
export async function findReports(
  db: Queryable,
  facilityId: string,
  { before, limit }: { readonly before: string | undefined; readonly limit: number },
): Promise<readonly ReportRow[]> {
  return db<ReportRow[]>`
    select ${columns(db)} from slotbase.daily_reports r join slotbase.facilities f on f.id = r.facility_id
    where r.facility_id = ${facilityId} ${before === undefined ? db`` : db`and r.day < ${before}::date`}
    order by r.day desc limit ${limit}`
}

/** Reports by facility and day. */
export async function findReportsOf(
  db: Queryable,
  wanted: readonly { readonly facilityId: string; readonly day: string }[],
): Promise<readonly ReportRow[]> {
  if (wanted.length === 0) return []
  return db<ReportRow[]>`
    select ${columns(db)}
    from unnest(${wanted.map(({ facilityId }) => facilityId)}::uuid[], ${wanted.map(({ day }) => day)}::date[]) as w (facility_id, day)
    join slotbase.daily_reports r on r.facility_id = w.facility_id and r.day = w.day
    join slotbase.facilities f on f.id = r.facility_id`
}

const columns = (sql: Queryable) => sql`
  r.facility_id, r.day::text as day, coalesce(r.figures ->> 'timezone', f.timezone) as timezone, r.made_at,
  r.figures - 'timezone' as figures`
