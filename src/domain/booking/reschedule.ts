/**
 * Moving a booking to another time or resource. The booking keeps its id, its people and its cancellation policy.
 * Moving it does not improve its refund: what could not be refunded before the move cannot be refunded after it. The
 * new time keeps the rules of a new booking. Of the price only the lines change that the move concerns
 * (`price-lines.ts`). One transaction releases the old occupancy and inserts the new one: when the new time is taken,
 * the booking stays where it was.
 */
import { type Caller, isStaff, type Member } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { CoachTaken, RuleBroken, SlotTaken, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { unitOf } from "#base/money.ts"
import { markRefund } from "#domain/ledger/mark-refund.ts"
import { accountOf, type BookingAccount, costOf } from "./account.ts"
import { type Booking, toBooking } from "./answer.ts"
import type { LockedBooking } from "./booking-row.ts"
import { recordRescheduled } from "./change-events.ts"
import { coachOf, takeCoach } from "./coach-time.ts"
import { discounted, discountIn, withoutDiscount } from "./discount.ts"
import { freedSlotOf } from "./holds-ended.ts"
import type { RescheduleInput } from "./input.ts"
import { endOverdue } from "./limits/end-overdue.ts"
import { lockOwn, requireStatus } from "./lock-own.ts"
import { requireMayBook } from "./may-book.ts"
import { planMove } from "./plan.ts"
import type { BookingPlan } from "./planned.ts"
import { linesOf, movedLines, pricedBy } from "./price-lines.ts"
import { refundPercentOf } from "./refund-quote.ts"
import { changeTime, lockMoves, type Move, moveOccupancy, occupy } from "./rows.ts"
import { type BookingSettlement, settlementFor } from "./settlement.ts"
import { afterSlotsFreed } from "./slots-freed.ts"
import { whyNotOpen } from "./struck/judge.ts"
import { checkStudents } from "./student-overlap.ts"
import { tryToTake } from "./take-slot.ts"

const hourMs = 3_600_000

/**
 * Moves a confirmed or pending booking: members until the facility's `rescheduleHoursBefore`, staff until it ends.
 * Payments beyond the new price are refunded, to members as far as the cancellation policy goes; the rest is forfeited.
 * A member cannot move a booking that is paid online, or waived, to a time that costs more.
 * Records booking.rescheduled.
 * @throws NotFound, NotAllowed, InvalidInput, SlotTaken, CoachTaken
 * @throws WrongState booking_not_confirmed, booking_started, too_late_to_reschedule, booking_is_coach_block
 * @throws RuleBroken the errors of planMove and of checkStudents, approval_required, costs_more, same_time
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
  const plan = await planMove(tx, requireMayBook(member, wanted), wanted, booking)
  requireElsewhere(booking, plan)
  requireSameCurrency(booking, plan)
  const { lines, price } = priceThere(booking, plan)
  const account = booking.price_amount === price ? undefined : await accountOf(tx, booking)
  requireMayMove(caller, booking, plan, { price, live: account?.live ?? price })

  const percent = await percentNow(tx, caller, booking)
  const settlement = settlementOf(booking, account, { price, percent })
  const coachId = await coachOf(tx, booking)
  if (coachId !== undefined) {
    const students = booking.participants.map(({ userId }) => userId)
    await checkStudents(tx, { facilityId, students, span: plan.span, bookingId }, () => "body.startAt")
  }
  await lockMoves(tx, facilityId)
  const to: Move = {
    resource_id: plan.resource.id,
    resource_name: plan.resource.name,
    start_at: new Date(plan.span.start),
    end_at: new Date(plan.span.end),
    buffer_minutes: plan.bufferMinutes,
    price_amount: price,
    price_lines: lines,
    forfeited_amount: (account?.forfeited ?? booking.forfeited_amount) + settlement.forfeited,
    cancellation_policy: booking.cancellation_policy.map((rule) => ({
      ...rule,
      refundPercent: Math.min(rule.refundPercent, percent),
    })),
  }
  try {
    const wish = { ...plan, ...(coachId !== undefined && { coachId }) }
    await tryToTake(tx, wish, async () => ((await moveOccupancy(tx, booking, to, coachId)) ? true : undefined))
    await endOverdue(tx, plan, booking.id)
  } catch (error) {
    // A caller that moves many bookings may go on with the others.
    if (error instanceof SlotTaken || error instanceof CoachTaken) {
      await occupy(tx, booking)
      if (coachId !== undefined) await takeCoach(tx, booking, coachId)
    }
    throw error
  }
  const moved = await changeTime(tx, booking, to)
  const refund = await refundSurplus(tx, caller, booking, settlement.refund)
  recordRescheduled(tx, booking, moved, caller.userId, { refund, forfeited: settlement.forfeited })
  await afterSlotsFreed(tx, [freedSlotOf(booking)])
  return toBooking(moved)
}

async function requireInTime(tx: Tx, caller: Caller, booking: LockedBooking): Promise<void> {
  const free = isStaff(caller, booking.facility_id) || booking.struck_reason !== null
  const late = free ? undefined : await latenessOf(tx, booking)
  if (late !== undefined && (await whyNotOpen(tx, booking)) === undefined) throw late
  if (booking.end_at > booking.now) return
  throw new WrongState("booking_started", `The booking ended at ${booking.end_at.toISOString()}.`)
}

/** Why its booker cannot move it any more; undefined: the booker can. */
async function latenessOf(tx: Tx, booking: LockedBooking): Promise<WrongState | undefined> {
  if (booking.start_at <= booking.now) {
    return new WrongState("booking_started", "The booking has begun; only staff can move it now.")
  }
  const [policy] = await tx<{ hours: number }[]>`
    select reschedule_hours_before as hours from slotbase.booking_policies where facility_id = ${booking.facility_id}`
  const last = new Date(booking.start_at.getTime() - (policy?.hours ?? 0) * hourMs)
  if (booking.now <= last) return undefined
  const message = `Members could move it until ${last.toISOString()}, ${policy?.hours} hours before its start; only staff can now.`
  return new WrongState("too_late_to_reschedule", message)
}

/** A price of another currency is no number of the booking's own. */
function requireSameCurrency({ price_currency }: LockedBooking, { currency }: BookingPlan): void {
  if (price_currency === currency) return
  const message = `It was booked in ${price_currency}, and the facility's prices are in ${currency} now: cancel it and book again.`
  throw new WrongState("currency_changed", message)
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

/** The lines of the price at the new time with the same percentage of discount, and their sum. */
function priceThere(booking: LockedBooking, { lines, span, resource }: BookingPlan) {
  const how = {
    from: booking.start_at.getTime(),
    to: span,
    staysOnCourt: resource.id === booking.resource_id,
    currency: booking.price_currency,
  }
  const agreed = linesOf(booking)
  const there = movedLines(withoutDiscount(agreed), withoutDiscount(lines), how)
  return pricedBy(discounted(there, discountIn(agreed), how.currency))
}

/** Without another price nothing is settled. */
function settlementOf(
  { payment_method, price_currency }: LockedBooking,
  account: BookingAccount | undefined,
  { price, percent }: { readonly price: number; readonly percent: number },
): BookingSettlement {
  if (account === undefined) return { refund: 0, forfeited: 0 }
  const keeps = costOf({ payment_method, price_amount: price }) + account.charged
  return settlementFor({ ...account, keeps, ends: false, percent, unit: unitOf(price_currency) })
}

function requireMayMove(
  caller: Caller,
  booking: LockedBooking,
  plan: BookingPlan,
  there: { readonly price: number; readonly live: number },
): void {
  if (isStaff(caller, booking.facility_id)) return
  if (plan.needsApproval && booking.status !== "pending") {
    throw new RuleBroken(
      "approval_required",
      "A booking there is approved by staff: ask them to move it, or cancel it and ask for the other time.",
    )
  }
  // What is due after an offline booking has moved is paid at the desk.
  if (booking.payment_method !== "offline" && there.price > booking.price_amount && there.live < there.price) {
    const more = there.price - booking.price_amount
    throw new RuleBroken(
      "costs_more",
      `It costs ${there.price} there, ${more} more (minor units of ${plan.currency}): ask staff to move it, or cancel it and book again.`,
    )
  }
}

/** The percentage of its payments that cancelling the booking now would refund. Staff are not bound by it. */
async function percentNow(tx: Tx, caller: Caller, booking: LockedBooking): Promise<number> {
  const { facility_id, cancellation_policy, start_at, now, status, struck_reason } = booking
  if (isStaff(caller, facility_id) || struck_reason !== null) return 100
  const pending = status === "pending"
  const percent = refundPercentOf({ policy: cancellation_policy, startAt: start_at, at: now, pending })
  return percent < 100 && (await whyNotOpen(tx, booking)) !== undefined ? 100 : percent
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
