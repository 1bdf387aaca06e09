/** The money of one booking: what was paid for it, what was given back, and what was forfeited. */
import type { Queryable } from "#base/database/db.ts"
import { sumsOf } from "#domain/ledger/paid.ts"
import type { BookingRow } from "./booking-row.ts"
import type { MoneyBefore } from "./settlement.ts"

/** Minor units. */
export interface BookingAccount extends MoneyBefore {
  /** All that was ever paid. */
  readonly paid: number
  /** Given back, or on its way back. */
  readonly refunded: number
  /** Kept by the facility after a move or the cancellation, and not given back since. */
  readonly forfeited: number
  /** Charges beside the price. */
  readonly charged: number
}

/** A decision needs the booking locked: no payment is settled and no refund is made meanwhile. */
export async function accountOf(
  db: Queryable,
  booking: Pick<BookingRow, "id" | "facility_id" | "price_amount" | "payment_method" | "forfeited_amount">,
): Promise<BookingAccount> {
  const { id: referenceId, facility_id: facilityId } = booking
  const sums = await sumsOf(db, { facilityId, referenceType: "booking", referenceId })
  const { refunded, goodwill, charged } = sums
  const kept = sums.online + sums.offline
  const forfeited = Math.min(booking.forfeited_amount, kept)
  const live = kept - forfeited
  const price = costOf(booking) + charged
  return { paid: kept + refunded, refunded, goodwill, forfeited, live, charged, price }
}

/** What the booker owes of the price. */
export const costOf = ({
  payment_method,
  price_amount,
}: Pick<BookingRow, "payment_method" | "price_amount">): number => (payment_method === "waived" ? 0 : price_amount)
