/**
 * The bookings to come that are no longer at their agreed local time. A country has changed its clocks, and the zone
 * data was renewed. Reads only; `settle.ts` decides about them.
 */
import type { Queryable } from "#base/database/db.ts"
import { wallTimeOf } from "#base/local-days.ts"
import { runtimeOffsetAt } from "#base/zones/runtime-zones.ts"
import { instantAt } from "#base/zones/wall-clock.ts"

/** A booking that a change of law moved by the clock. Wall times such as 2026-12-12T18:00:00. */
export interface Unsettled {
  readonly bookingId: string
  readonly facilityId: string
  readonly timezone: string
  readonly agreedStart: string
  readonly agreedEnd: string
  /** What the wall shows at the booking's instants by the present data. */
  readonly presentStart: string
  readonly presentEnd: string
  /** The instants of the agreed wall times by the present data, milliseconds. */
  readonly movedTo: { readonly start: number; readonly end: number }
}

const pageSize = 5_000

/** Of one facility, or of all by facility, then by start. */
export async function* unsettledBookings(db: Queryable, facilityId?: string): AsyncGenerator<Unsettled> {
  let after: Row | undefined
  for (;;) {
    const rows: readonly Row[] = await db<Row[]>`
      select b.id, b.facility_id, f.timezone, b.start_at, b.end_at, b.agreed_timezone,
             to_char(b.agreed_start, 'YYYY-MM-DD"T"HH24:MI:SS') as agreed_start,
             to_char(b.agreed_end, 'YYYY-MM-DD"T"HH24:MI:SS') as agreed_end
      from slotbase.bookings b
      join slotbase.facilities f on f.id = b.facility_id
      where b.status in ('pending', 'confirmed') and b.start_at > (select slotbase.now())
        ${facilityId === undefined ? db`` : db`and b.facility_id = ${facilityId}`}
        ${after ? db`and (b.facility_id, b.start_at, b.id) > (${after.facility_id}, ${after.start_at.toISOString()}, ${after.id})` : db``}
      order by b.facility_id, b.start_at, b.id
      limit ${pageSize}`
    for (const row of rows) {
      const found = judge(row)
      if (found !== undefined) yield found
    }
    after = rows.at(-1)
    if (rows.length < pageSize) return
  }
}

interface Row {
  readonly id: string
  readonly facility_id: string
  readonly timezone: string
  readonly start_at: Date
  readonly end_at: Date
  readonly agreed_timezone: string | null
  readonly agreed_start: string | null
  readonly agreed_end: string | null
}

function judge(row: Row): Unsettled | undefined {
  const timezone = row.agreed_timezone ?? row.timezone
  const [start, end] = [row.start_at.getTime(), row.end_at.getTime()]
  const [presentStart, presentEnd] = [wallTimeOf(timezone, start), wallTimeOf(timezone, end)]
  const agreedStart = row.agreed_start ?? wallOfRuntime(timezone, start)
  const agreedEnd = row.agreed_end ?? wallOfRuntime(timezone, end)
  if (agreedStart === presentStart && agreedEnd === presentEnd) return undefined
  return {
    bookingId: row.id,
    facilityId: row.facility_id,
    timezone,
    agreedStart,
    agreedEnd,
    presentStart,
    presentEnd,
    movedTo: {
      start: instantAt(timezone, Date.parse(`${agreedStart}Z`), "later"),
      end: instantAt(timezone, Date.parse(`${agreedEnd}Z`), "later"),
    },
  }
}

/** Bookings of earlier versions keep no agreed time. They were resolved with the runtime's data. */
const wallOfRuntime = (timezone: string, at: number) =>
  new Date(at + runtimeOffsetAt(timezone, at)).toISOString().slice(0, 19)
