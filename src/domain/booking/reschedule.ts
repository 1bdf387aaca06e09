/**
 * Moving a booking to another time or resource. The booking keeps its id, its people and its cancellation policy.
 * Moving it does not improve its refund: what could not be refunded before the move cannot be refunded after it. The
 * new time keeps the rules of a new booking and has the present price. One transaction releases the old occupancy and
 * inserts the new one: when the new time is taken, the booking stays where it was.
 */
import { type Caller, isStaff, type Member } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, SlotTaken, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { markRefund } from "#domain/ledger/mark-refund.ts"
import { paidFor } from "#domain/ledger/paid.ts"
import { type Booking, toBooking } from "./answer.ts"
import type { LockedBooking } from "./booking-row.ts"
import { recordRescheduled } from "./change-events.ts"
import { freedSlotOf } from "./holds-ended.ts"
import type { RescheduleInput } from "./input.ts"
import { lockOwn, requireStatus } from "./lock-own.ts"
import { requireMayBook } from "./may-book.ts"
import { planWithoutHooks } from "./plan.ts"
import type { BookingPlan } from "./planned.ts"
import { refundOf, refundShare } from "./refund-quote.ts"
import { changeTime, lockMoves, type Move, moveOccupancy, occupy } from "./rows.ts"
import { afterSlotsFreed } from "./slots-freed.ts"
import { tryToTake } from "./take-slot.ts"

const hourMs = 3_600_000

/**
 * Moves a confirmed or pending booking: members until the facility's `rescheduleHoursBefore`, staff until it ends.
 * Payments beyond the new price are refunded, to members as far as the cancellation policy goes. A member cannot move a
 * booking that is paid online to a time that costs more. Records booking.rescheduled.
 * @throws NotFound, NotAllowed, InvalidInput, SlotTaken
 * @throws WrongState booking_not_confirmed, booking_started, too_late_to_reschedule, booking_is_coach_block
 * @throws RuleBroken the errors of planWithoutHooks, approval_required, costs_more, same_time
 */
export async function rescheduleBooking(
  tx: Tx,
  member: Member,
  bookingId: string,
  { startAt, endAt, resourceId }: RescheduleInput,
): Promise<Booking> {
  const { caller, facilityId } = member
  const booking = await lockOwn(tx, member, bookingId)
  requireStatus(booking, ["confirmed", "pending"], "booking_not_confirmed", "rescheduled")
  await requireInTime(tx, caller, booking)
  const wanted = {
    resourceId: resourceId ?? booking.resource_id,
    startAt,
    endAt,
    bookerId: booking.booker_id,
    bookingType: booking.booking_type,
  }
  const plan = await planWithoutHooks(tx, requireMayBook(member, wanted), wanted, [booking.booker_id])
  requireElsewhere(booking, plan)
  const paid = booking.price_amount === plan.price ? undefined : await paidFor(tx, facilityId, "booking", bookingId)
  requireMayMove(caller, booking, plan, paid?.amount ?? plan.price)

  const percent = percentNow(caller, booking)
  await lockMoves(tx, facilityId)
  const to: Move = {
    resource_id: plan.resource.id,
    resource_name: plan.resource.name,
    start_at: new Date(plan.span.start),
    end_at: new Date(plan.span.end),
    price_amount: plan.price,
    cancellation_policy: booking.cancellation_policy.map((rule) => ({
      ...rule,
      refundPercent: Math.min(rule.refundPercent, percent),
    })),
  }
  try {
    await tryToTake(tx, plan, async () => ((await moveOccupancy(tx, booking, to)) ? true : undefined))
  } catch (error) {
    // A caller that moves many bookings may go on with the others.
    if (error instanceof SlotTaken) await occupy(tx, booking)
    throw error
  }
  const moved = await changeTime(tx, booking, to)
  const refund = await refundSurplus(tx, caller, booking, refundShare((paid?.amount ?? 0) - plan.price, percent))
  recordRescheduled(tx, booking, moved, caller.userId, refund)
  await afterSlotsFreed(tx, [freedSlotOf(booking)])
  return toBooking(moved)
}

async function requireInTime(tx: Tx, caller: Caller, booking: LockedBooking): Promise<void> {
  if (isStaff(caller, booking.facility_id) || booking.struck_reason !== null) {
    if (booking.end_at > booking.now) return
    throw new WrongState("booking_started", `The booking ended at ${booking.end_at.toISOString()}.`)
  }
  if (booking.start_at <= booking.now) {
    throw new WrongState("booking_started", "The booking has begun; only staff can move it now.")
  }
  const [policy] = await tx<{ hours: number }[]>`
    select reschedule_hours_before as hours from slotbase.booking_policies where facility_id = ${booking.facility_id}`
  const last = new Date(booking.start_at.getTime() - (policy?.hours ?? 0) * hourMs)
  if (booking.now <= last) return
  const message = `Members could move it until ${last.toISOString()}, ${policy?.hours} hours before its start; only staff can now.`
  throw new WrongState("too_late_to_reschedule", message)
}

function requireElsewhere(booking: LockedBooking, { resource, span }: BookingPlan): void {
  const stays =
    resource.id === booking.resource_id &&
    span.start === booking.start_at.getTime() &&
    span.end === booking.end_at.getTime()
  if (!stays) return
  const fault = { path: "body.startAt", message: "is the time that it has already" }
  throw new RuleBroken("same_time", "The booking is at this time and place already.", [fault])
}

function requireMayMove(caller: Caller, booking: LockedBooking, plan: BookingPlan, paid: number): void {
  if (isStaff(caller, booking.facility_id)) return
  if (plan.needsApproval && booking.status !== "pending") {
    throw new RuleBroken(
      "approval_required",
      "A booking there is approved by staff: ask them to move it, or cancel it and ask for the other time.",
    )
  }
  if (booking.payment_method === "online" && plan.price > booking.price_amount && paid < plan.price) {
    const more = plan.price - booking.price_amount
    throw new RuleBroken(
      "costs_more",
      `It costs ${plan.price} there, ${more} more (minor units of ${plan.currency}): ask staff to move it, or cancel it and book again.`,
    )
  }
}

/** The percentage of its payments that cancelling the booking now would refund. Staff are not bound by it. */
function percentNow(
  caller: Caller,
  { facility_id, cancellation_policy, start_at, now, status, struck_reason }: LockedBooking,
): number {
  if (isStaff(caller, facility_id) || struck_reason !== null) return 100
  const pending = status === "pending"
  return refundOf({ policy: cancellation_policy, startAt: start_at, at: now, paid: 0, pending }).percent
}

/** Marks a refund of the amount, as far as the payments go. Answers the marked amount. */
async function refundSurplus(tx: Tx, caller: Caller, booking: LockedBooking, amount: number): Promise<number> {
  if (amount <= 0) return 0
  return markRefund(tx, {
    facilityId: booking.facility_id,
    referenceType: "booking",
    referenceId: booking.id,
    amount,
    reason: "Moved to a time that costs less",
    refundedBy: caller.userId,
    sourceId: newId(),
  })
}
