/**
 * Bookings: made directly, confirmed from a hold, read. Each command checks who may do it, locks what it changes, and records
 * its event in the same transaction. What becomes of a booking is in `bookings/`: cancel, approve, reschedule; holds are in
 * `holds.ts`, the day of play in `check-ins.ts`.
 */
import * as Schema from "effect/Schema"
import { type Caller, isStaff, requireMember } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, WrongState } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Instant } from "#base/schema/request-fields.ts"
import { type Booking, BookingStatus, toBooking } from "./answer.ts"
import { isPaid } from "./approve.ts"
import { recordConfirmed } from "./events.ts"
import { findBooking, findBookings } from "./find.ts"
import { type BookingInput, BookingType, type ConfirmInput } from "./input.ts"
import { bookPlanned } from "./insert.ts"
import { familyOf, isTheirs, lockOwn, requireLiveHold, requireMayPay, requireStatus } from "./lock-own.ts"
import { planBooking } from "./plan.ts"
import { retakeSlot } from "./retake-slot.ts"
import type { BookingRow, LockedBooking } from "./row.ts"
import { changeBooking } from "./rows.ts"
import { offerConfirmed } from "./waitlist/accept-by-confirming.ts"

/**
 * Books a slot without a hold before. Records booking.confirmed; booking.hold.created for what must be paid online first;
 * booking.approval.requested for what staff must approve.
 * @throws NotAllowed, NotFound, InvalidInput, RuleBroken, SlotTaken
 */
export async function createBooking(tx: Tx, caller: Caller, facilityId: string, input: BookingInput): Promise<Booking> {
  requireMayPay(caller, facilityId, input.paymentMethod)
  const plan = await planBooking(tx, caller, facilityId, input)
  return toBooking(await bookPlanned(tx, plan, input.paymentMethod))
}

/**
 * Makes a live hold a booking; with `online` once it is paid, or when it costs nothing. Records booking.confirmed. A dead hold
 * stays as it is: the next one who wants its slot, or the job hold-expiration, releases it.
 * @throws NotFound, NotAllowed, WrongState (booking_not_held, hold_expired, booking_not_paid, booking_is_coach_block)
 */
export async function confirmBooking(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  bookingId: string,
  { paymentMethod }: typeof ConfirmInput.Type,
): Promise<Booking> {
  const booking = await lockOwn(tx, caller, facilityId, bookingId)
  requireMayPay(caller, facilityId, paymentMethod)
  requireLiveHold(booking, "confirmed")
  if (paymentMethod === "online" && !(await isPaid(tx, booking))) {
    const price = `${booking.price_amount} ${booking.price_currency} (minor units)`
    throw new WrongState(
      "booking_not_paid",
      `It costs ${price}, which are not paid: POST …/payments with its id as referenceId, and it is confirmed by itself.`,
    )
  }
  return toBooking(await confirmLocked(tx, booking, paymentMethod))
}

/**
 * Makes a hold a booking because it was paid, online or at the desk: a live one, or a dead one whose slot `retakeSlot` has
 * taken again. Records booking.confirmed.
 * @throws WrongState (booking_not_held, hold_expired when somebody else has its slot)
 */
export async function confirmPaidHold(
  tx: Tx,
  booking: LockedBooking,
  paymentMethod: "online" | "offline" = "online",
): Promise<BookingRow> {
  requireStatus(booking, ["held", "expired"], "booking_not_held", "confirmed")
  if (booking.status === "expired" && !(await retakeSlot(tx, booking))) {
    throw new WrongState("hold_expired", "The hold has expired, and somebody else has its slot.")
  }
  return confirmLocked(tx, booking, paymentMethod)
}

/** A booking; members see their own and their children's. Throws NotFound. */
export async function getBooking(
  db: Queryable,
  caller: Caller,
  facilityId: string,
  bookingId: string,
): Promise<Booking> {
  requireMember(caller, facilityId)
  const booking = isId(bookingId) ? await findBooking(db, facilityId, bookingId) : undefined
  if (!booking || !isTheirs(caller, booking)) throw new NotFound("booking", bookingId)
  return toBooking(booking)
}

/** The query of a list of bookings. */
export const BookingQuery = Schema.Struct({
  ...pageQuery,
  resourceId: Schema.optionalKey(Id),
  bookerId: Schema.optionalKey(Id),
  status: Schema.optionalKey(BookingStatus),
  bookingType: Schema.optionalKey(BookingType),
  recurringBookingId: Schema.optionalKey(Id),
  from: Schema.optionalKey(Instant).annotateKey({ description: "bookings that start at this instant or later" }),
  to: Schema.optionalKey(Instant).annotateKey({ description: "bookings that start before this instant" }),
})

/**
 * Bookings by start, then id; members see their own and their children's. Throws NotAllowed when a member asks for somebody
 * else's.
 */
export async function listBookings(
  db: Queryable,
  caller: Caller,
  facilityId: string,
  query: typeof BookingQuery.Type,
): Promise<Page<Booking>> {
  requireMember(caller, facilityId)
  const bookerIds = bookersOf(caller, facilityId, query.bookerId?.toLowerCase())
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Instant, Id]))
  const rows = await findBookings(db, facilityId, { ...query, bookerIds, after, limit: limit + 1 })
  return pageOf(rows, limit, (row) => [row.start_at.toISOString(), row.id], toBooking)
}

/** Whose bookings a list shows; undefined: everybody's. */
function bookersOf(caller: Caller, facilityId: string, bookerId: string | undefined): readonly string[] | undefined {
  const staff = isStaff(caller, facilityId)
  if (!staff && bookerId !== undefined && !familyOf(caller).includes(bookerId)) {
    throw new NotAllowed("Members see their own bookings and their children's.")
  }
  if (bookerId !== undefined) return [bookerId]
  return staff ? undefined : familyOf(caller)
}

async function confirmLocked(
  tx: Tx,
  booking: LockedBooking,
  paymentMethod: "online" | "offline" | "waived",
): Promise<BookingRow> {
  const confirmed = await changeBooking(tx, booking, {
    status: "confirmed",
    payment_method: paymentMethod,
    confirmed_at: booking.now,
  })
  recordConfirmed(tx, confirmed, paymentMethod)
  await offerConfirmed(tx, confirmed)
  return confirmed
}
