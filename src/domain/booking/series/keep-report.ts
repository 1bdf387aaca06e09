/** Keeps the result of each considered day of a series, one row a day. */
import type { Tx } from "#base/database/transaction.ts"
import type { SeriesReport } from "./book.ts"
import { insertOccurrences } from "./rows.ts"

export async function keepReport(
  tx: Tx,
  series: { readonly id: string; readonly facility_id: string },
  { booked, skipped }: SeriesReport,
): Promise<void> {
  const none = { booking_id: null, skipped_code: null, skipped_reason: null }
  const rows = [
    ...booked.map(({ on, booking }) => ({ ...none, occurs_on: on, booking_id: booking.id })),
    ...skipped.map(({ occursOn, code, detail }) => ({
      ...none,
      occurs_on: occursOn,
      skipped_code: code,
      skipped_reason: detail,
    })),
  ]
  if (rows.length > 0) await insertOccurrences(tx, series, rows)
}
