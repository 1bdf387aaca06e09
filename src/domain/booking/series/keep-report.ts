/** Keeps the result of each considered day of a series, one row a day. */
import type { Tx } from "#base/database/transaction.ts"
import type { SeriesReport } from "./book.ts"
import { insertOccurrences } from "./rows.ts"

export async function keepReport(
  tx: Tx,
  series: { readonly id: string; readonly facility_id: string },
  { booked, skipped }: SeriesReport,
): Promise<void> {
  const none = {
    ...{ booking_id: null, skipped_code: null, skipped_reason: null },
    ...{ placed_start_at: null, placed_end_at: null, placed_resource_id: null },
  }
  const rows = [
    ...booked.map(({ on, booking }) => ({
      ...none,
      occurs_on: on,
      booking_id: booking.id,
      placed_start_at: booking.start_at,
      placed_end_at: booking.end_at,
      placed_resource_id: booking.resource_id,
    })),
    ...skipped.map(({ occursOn, code, detail }) => ({
      ...none,
      occurs_on: occursOn,
      skipped_code: code,
      skipped_reason: detail,
    })),
  ]
  if (rows.length > 0) await insertOccurrences(tx, series, rows)
}
