/**
 * Bookings: made directly, confirmed from a hold, cancelled, read. Each command checks who may do it, locks what it
 * changes, and records its event in the same transaction. Holds are in `holds.ts`, the day of play in `check-ins.ts`.
 */
import * as Schema from "effect/Schema"
import { type Caller, isStaff, requireMember } from "./access.ts"
import { type Booking, BookingStatus, toBooking } from "./bookings/answer.ts"
import { recordCancelled, recordConfirmed } from "./bookings/events.ts"
import type { BookingInput, CancelInput, ConfirmInput } from "./bookings/input.ts"
import { type Plan, planBooking } from "./bookings/plan.ts"
import {
  type BookingRow,
  changeBooking,
  findBooking,
  findBookings,
  type LockedBooking,
  lockBooking,
  type NewBooking,
  type Status,
} from "./bookings/rows.ts"
import { takeSlot } from "./bookings/take-slot.ts"
import type { Queryable, Tx } from "./database/db.ts"
import { NotAllowed, NotFound, RuleBroken, WrongState } from "./errors.ts"
import { Id, Instant } from "./fields.ts"
import { isId, newId } from "./ids.ts"
import { keyAfter, limitOf, type Page, pageOf, pageQuery } from "./page.ts"

/**
 * Books a slot without a hold before. Records booking.confirmed.
 * @throws NotAllowed, NotFound, InvalidInput, RuleBroken, SlotTaken
 */
export async function createBooking(tx: Tx, caller: Caller, facilityId: string, input: BookingInput): Promise<Booking> {
  requireMayPay(caller, facilityId, input.paymentMethod)
  const plan = await planBooking(tx, caller, facilityId, input)
  const booking = await insertPlanned(tx, plan, {
    status: "confirmed",
    payment_method: input.paymentMethod,
    hold_id: null,
  })
  recordConfirmed(tx, booking, input.paymentMethod)
  return toBooking(booking)
}

/**
 * Makes a live hold a booking. Records booking.confirmed. A dead hold stays as it is: the next one who wants its slot, or
 * the job hold-expiration, releases it.
 * @throws NotFound, NotAllowed, RuleBroken, WrongState (booking_not_held, hold_expired)
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
  const confirmed = await changeBooking(tx, booking, {
    status: "confirmed",
    payment_method: paymentMethod,
    confirmed_at: booking.now,
  })
  recordConfirmed(tx, confirmed, paymentMethod)
  return toBooking(confirmed)
}

/**
 * Cancels a confirmed booking and frees its slot; its booker can until it starts, staff also later. Records booking.cancelled.
 * @throws NotFound, WrongState (booking_not_confirmed, booking_started)
 */
export async function cancelBooking(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  bookingId: string,
  { cancellationReason }: typeof CancelInput.Type,
): Promise<Booking> {
  const booking = await lockOwn(tx, caller, facilityId, bookingId)
  requireStatus(booking, ["confirmed"], "booking_not_confirmed", "cancelled")
  if (booking.start_at <= booking.now && !isStaff(caller, facilityId)) {
    throw new WrongState("booking_started", "The booking has begun; only staff can cancel it now.")
  }
  const change = {
    status: "cancelled",
    cancelled_at: booking.now,
    cancelled_by: caller.userId,
    cancellation_reason: cancellationReason,
  } as const
  const cancelled = await changeBooking(tx, booking, change, true)
  recordCancelled(tx, cancelled, caller.userId, cancellationReason)
  return toBooking(cancelled)
}

/** A booking; members see their own. Throws NotFound. */
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
  from: Schema.optionalKey(Instant).annotateKey({ description: "bookings that start at this instant or later" }),
  to: Schema.optionalKey(Instant).annotateKey({ description: "bookings that start before this instant" }),
})

/** Bookings by start, then id; members see their own. Throws NotAllowed when a member asks for somebody else's. */
export async function listBookings(
  db: Queryable,
  caller: Caller,
  facilityId: string,
  query: typeof BookingQuery.Type,
): Promise<Page<Booking>> {
  requireMember(caller, facilityId)
  const staff = isStaff(caller, facilityId)
  if (!staff && query.bookerId !== undefined && query.bookerId.toLowerCase() !== caller.userId) {
    throw new NotAllowed("Members see their own bookings.")
  }
  const limit = limitOf(query)
  const after = keyAfter(query, Schema.Tuple([Instant, Id]))
  const bookerId = staff ? query.bookerId : caller.userId
  const rows = await findBookings(db, facilityId, { ...query, bookerId, after, limit: limit + 1 })
  return pageOf(rows, limit, (row) => [row.start_at.toISOString(), row.id], toBooking)
}

/** Locks a booking that the caller may act on: their own, or any as staff. Throws NotFound. */
export async function lockOwn(tx: Tx, caller: Caller, facilityId: string, bookingId: string): Promise<LockedBooking> {
  requireMember(caller, facilityId)
  const booking = await lockBooking(tx, facilityId, bookingId)
  if (!isTheirs(caller, booking)) throw new NotFound("booking", bookingId)
  return booking
}

/** Throws WrongState unless the booking is in one of the states from which it can become `what`. */
export function requireStatus(booking: BookingRow, from: readonly Status[], code: string, what: string): void {
  if (from.includes(booking.status)) return
  const needed = from.map(worded).join(" or ")
  throw new WrongState(code, `The booking is ${worded(booking.status)}; only one that is ${needed} can be ${what}.`)
}

/** Throws WrongState unless the booking is a hold whose time is not over. */
export function requireLiveHold(booking: LockedBooking, what: string): void {
  if (booking.status === "expired") {
    const at = booking.hold_expires_at?.toISOString()
    throw new WrongState(
      "hold_expired",
      `The hold expired at ${at}; it can no longer be ${what}. Hold or book the slot again.`,
    )
  }
  requireStatus(booking, ["held"], "booking_not_held", what)
}

/** Inserts what was planned and answers its row. Throws SlotTaken. */
export async function insertPlanned(
  tx: Tx,
  plan: Plan,
  kind: Pick<NewBooking, "status" | "payment_method" | "hold_id">,
): Promise<BookingRow> {
  const booking: NewBooking = {
    ...kind,
    id: newId(),
    facility_id: plan.facilityId,
    resource_id: plan.resource.id,
    booking_type: plan.bookingType,
    booker_id: plan.booker.id,
    participants: plan.participants,
    start_at: new Date(plan.span.start),
    end_at: new Date(plan.span.end),
    price_amount: plan.price,
    price_currency: plan.currency,
    hold_minutes: plan.holdMinutes,
    created_by: plan.createdBy,
  }
  const inserted = await takeSlot(tx, plan, booking)
  return {
    ...booking,
    ...inserted,
    ...untouched,
    resource_name: plan.resource.name,
    timezone: plan.timezone,
    booker_name: plan.booker.name,
    booker_email: plan.booker.email,
    updated_at: inserted.created_at,
  }
}

/** `offline` and `waived` are for staff and keys. `online` needs payments, which are not part of SlotBase yet. */
function requireMayPay(caller: Caller, facilityId: string, paymentMethod: string): void {
  requireMember(caller, facilityId)
  if (paymentMethod === "online") {
    const message =
      "Online payment is not available yet: staff and API keys may book with offline or waived, members may hold a slot."
    throw new RuleBroken("online_payment_unavailable", message, [
      { path: "body.paymentMethod", message: "is not available yet" },
    ])
  }
  if (!isStaff(caller, facilityId)) {
    throw new NotAllowed(`The payment method ${paymentMethod} is for staff and API keys.`)
  }
}

const isTheirs = (caller: Caller, booking: BookingRow) =>
  booking.booker_id === caller.userId || isStaff(caller, booking.facility_id)

const untouched = {
  is_recurring: false,
  recurring_booking_id: null,
  checked_in_at: null,
  completed_at: null,
  cancelled_at: null,
  cancelled_by: null,
  cancellation_reason: null,
  no_show_at: null,
} as const

const worded = (status: string) => status.replace("_", " ").replace("no show", "a no-show")
