/**
 * Requests for approval whose time has come: nobody decided, so they end at their start. They read "expired" from that
 * instant on. The job hold-expiration releases them and tells the bookers.
 */
import type { Tx } from "#base/database/transaction.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import { markRefund } from "#domain/ledger/mark-refund.ts"
import type { LockedBooking } from "./booking-row.ts"
import { recordApprovalExpired } from "./change-events.ts"
import { lockUndecided } from "./find.ts"
import { afterHoldsEnded } from "./holds-ended.ts"
import { changeBooking } from "./rows.ts"

/**
 * Ends at most `limit` requests of a facility, or of all, the longest due first; returns their number. Frees their
 * slots, marks a refund of whatever was paid, and no longer counts them in the month's bookings. Records
 * booking.approval.expired for each. Coach blocks are in `coaching/blocks/expire.ts`.
 */
export async function expireRequests(tx: Tx, limit: number, facilityId?: string): Promise<number> {
  const undecided = await lockUndecided(tx, "bookings", limit, facilityId)
  for (const booking of undecided) await expireRequest(tx, booking)
  await afterHoldsEnded(tx, undecided)
  return undecided.length
}

async function expireRequest(tx: Tx, booking: LockedBooking): Promise<void> {
  const { id, facility_id } = booking
  const refundAmount = await markRefund(tx, {
    facilityId: facility_id,
    referenceType: "booking",
    referenceId: id,
    amount: "all",
    reason: "The request expired",
    refundedBy: jobsUserId,
    sourceId: newId(),
  })
  const refund = refundAmount > 0 && { refund_percent: 100, refund_amount: refundAmount }
  const expired = await changeBooking(tx, booking, { status: "expired", ...refund }, true)
  recordApprovalExpired(tx, expired, booking.now, refundAmount)
}
