// Bookings of the past that somebody owes, written by SQL, and the ticks of local jobs.

import type { FacilityTick } from "#actors/jobs/facility-job.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { instantOf } from "#base/local-days.ts"

export interface DebtGiven {
  readonly facilityId: string
  readonly court: string
  readonly booker: string
  readonly startAt: string
  /** Minor units. */
  readonly price?: number
  /** Hundredths of a percent. */
  readonly taxRate?: number
  readonly status?: string
  readonly paymentMethod?: "online" | "offline" | "waived"
}

/** An hour on the court, played and not paid. Answers its id. */
export async function aDebt(db: Db, given: DebtGiven): Promise<string> {
  const { price = 2400, taxRate = 1900, status = "completed", paymentMethod = "offline" } = given
  const id = newId()
  const taxAmount = Math.round((price * taxRate) / (10_000 + taxRate))
  const line = { kind: "court", label: "Court 1", amount: price, minutes: 60, taxRate, taxAmount, taxIncluded: true }
  await db`
    insert into slotbase.bookings (id, facility_id, resource_id, status, booker_id, created_by, start_at, end_at, price_amount,
      price_currency, payment_method, price_lines, confirmed_at, cancelled_by, cancellation_reason)
    select ${id}, ${given.facilityId}, ${given.court}, ${status}, ${given.booker}, ${given.booker}, ${given.startAt},
           ${given.startAt}::timestamptz + interval '1 hour', ${price}, f.currency, ${paymentMethod}, ${db.json([line])},
           ${given.startAt}, case when ${status} = 'cancelled' then ${given.booker}::uuid end,
           case when ${status} = 'cancelled' then 'rain' end
    from slotbase.facilities f where f.id = ${given.facilityId}`
  return id
}

/** The tick of a local job on a day, at a time of the wall there. */
export const tickOf = (facilityId: string, timezone: string, localDate: string, time = "06:00"): FacilityTick => ({
  facilityId,
  timezone,
  localDate,
  dueAt: new Date(instantOf(timezone, localDate, time)),
})

export const noStop = new AbortController().signal
