/**
 * The amount due for a booking, a subscription or an invoice: its price and charges, minus finished and pending
 * payments. Forfeited payments pay for nothing. With the booking's row (or the charges) locked, no other payment can
 * begin for the same amount.
 */

import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { sumsOf } from "./paid.ts"
import type { Reference } from "./payment-rows.ts"

export interface Due extends Reference {
  /** The debtor. */
  readonly debtorId: string
  readonly currency: string
  /** Price, charges, and what was forfeited of the payments, minor units. */
  readonly total: number
  /** Net of refunds. */
  readonly paid: number
  /** Being paid now: the outcome is not known yet. */
  readonly underWay: number
  /** total − paid − underWay; never negative. */
  readonly due: number
  /** The status of a booking. */
  readonly status?: string
  /** Why the time of a booking is not open any more; null: it is open. */
  readonly struckReason?: string | null
}

/** The amount due now. Throws NotFound. */
export async function dueOf(
  db: Queryable,
  facilityId: string,
  referenceType: Reference["referenceType"],
  referenceId: string,
): Promise<Due> {
  const reference = { facilityId, referenceType, referenceId }
  if (referenceType !== "booking") return withSums(db, reference, await chargedOf(db, reference))
  return withSums(db, reference, ofBooking(await pricedBooking(db, reference)))
}

/** The amount due, locked against the begin of other payments. Throws NotFound. */
export async function lockDue(tx: Tx, reference: Reference): Promise<Due> {
  const { referenceType } = reference
  if (referenceType !== "booking") return withSums(tx, reference, await chargedOf(tx, reference, true))
  return withSums(tx, reference, ofBooking(await pricedBooking(tx, reference, true)))
}

/**
 * The amount to pay: the requested amount, or all that is due.
 * @throws WrongState (hold_expired, booking_not_payable, payment_under_way, nothing_due), RuleBroken (facility_closed,
 * more_than_is_due, hold_is_paid_whole)
 */
export function payable(due: Due, asked: number | undefined): number {
  if (due.status === "expired") {
    throw new WrongState("hold_expired", "The hold has expired; hold or book the slot again.")
  }
  if (due.status !== undefined && !payableStates.has(due.status)) {
    throw new WrongState("booking_not_payable", `The booking is ${due.status}: there is nothing to pay for it now.`)
  }
  // Its payment would only have to be given back.
  if (due.status === "held" && typeof due.struckReason === "string") {
    throw new RuleBroken("facility_closed", `The facility is closed then: ${due.struckReason}.`)
  }
  if (due.due === 0 && due.underWay > 0) {
    throw new WrongState("payment_under_way", "A payment is under way; its outcome is not known yet.")
  }
  if (due.due === 0) throw new WrongState("nothing_due", "Everything is paid.")
  const amount = asked ?? due.due
  if (amount > due.due)
    throw amountFault("more_than_is_due", `Only ${due.due} minor units are due.`, `is more than ${due.due}`)
  // A part of the price confirms no hold, and would have to be refunded when the hold expires.
  if (due.status === "held" && amount < due.due) {
    throw amountFault(
      "hold_is_paid_whole",
      `A hold is paid at once: ${due.due} minor units.`,
      `is less than ${due.due}`,
    )
  }
  return amount
}

const amountFault = (code: string, message: string, fault: string) =>
  new RuleBroken(code, message, [{ path: "body.amount", message: fault }])

/** A booking that waits for an approval is paid after the approval. */
const payableStates = new Set<string>(["held", "confirmed", "checked_in", "completed", "no_show"])

interface Priced {
  readonly debtorId: string
  readonly currency: string
  readonly price: number
  readonly forfeited: number
  readonly status?: string
  readonly struckReason?: string | null
}

interface PricedBooking {
  readonly booker_id: string
  readonly price_currency: string
  readonly price_amount: number
  readonly forfeited_amount: number
  readonly payment_method: string | null
  readonly status: string
  readonly struck_reason: string | null
}

/** The amounts of a booking in the ledger. Its row is locked before its state is judged. Throws NotFound. */
async function pricedBooking(
  sql: Queryable,
  { facilityId, referenceId }: Reference,
  locked = false,
): Promise<PricedBooking> {
  if (!isId(referenceId)) throw new NotFound("booking", referenceId)
  const [row] = await sql<PricedBooking[]>`
    with b as materialized (
      select * from slotbase.bookings where id = ${referenceId} and facility_id = ${facilityId} ${locked ? sql`for update` : sql``}
    )
    select booker_id, price_currency, price_amount, forfeited_amount, payment_method, struck_reason,
           case when status = 'held' and hold_expires_at <= (select slotbase.now())
                  or status = 'pending' and start_at <= (select slotbase.now()) then 'expired' else status end as status
    from b`
  if (!row) throw new NotFound("booking", referenceId)
  return row
}

const ofBooking = (booking: PricedBooking): Priced => ({
  debtorId: booking.booker_id,
  currency: booking.price_currency,
  price: booking.payment_method === "waived" ? 0 : booking.price_amount,
  forfeited: booking.forfeited_amount,
  status: booking.status,
  struckReason: booking.struck_reason,
})

/** The amounts of a reference that consists of charges alone. Throws NotFound when it never had a charge. */
async function chargedOf(sql: Queryable, reference: Reference, locked = false): Promise<Priced> {
  const { facilityId, referenceType, referenceId } = reference
  const [charge] = await sql<{ user_id: string; currency: string }[]>`
    select user_id, currency from slotbase.charges
    where reference_id = ${referenceId} and facility_id = ${facilityId} and reference_type = ${referenceType}
    order by id desc
    ${locked ? sql`for update` : sql``}`
  if (!charge) throw new NotFound(referenceType, referenceId)
  return { debtorId: charge.user_id, currency: charge.currency, price: 0, forfeited: 0 }
}

async function withSums(sql: Queryable, reference: Reference, { price, forfeited, ...known }: Priced): Promise<Due> {
  const sums = await sumsOf(sql, reference)
  const paid = sums.online + sums.offline
  // Staff may have given back forfeited money after all.
  const total = price + sums.charged + Math.min(forfeited, paid)
  const due = Math.max(0, total - paid - sums.under_way)
  return { ...reference, ...known, total, paid, underWay: sums.under_way, due }
}
