/**
 * The events of the booking commands: each event's data, from the rows. Approvals and moves are in
 * `change-events.ts`.
 */
import type { Tx } from "#base/database/transaction.ts"
import { record } from "#events/outbox.ts"
import type { GivenStrike } from "./attendance/strikes.ts"
import type { BookingRow } from "./booking-row.ts"
import type { ExpiredHold } from "./rows.ts"

export function recordHeld(tx: Tx, booking: BookingRow): string {
  return record(tx, {
    type: "booking.hold.created",
    facilityId: booking.facility_id,
    data: {
      holdId: booking.hold_id ?? "",
      bookingId: booking.id,
      facilityId: booking.facility_id,
      resourceId: booking.resource_id,
      userId: booking.booker_id,
      startAt: booking.start_at.toISOString(),
      endAt: booking.end_at.toISOString(),
      expiresAt: booking.hold_expires_at?.toISOString() ?? "",
      priceAmount: booking.price_amount,
      priceCurrency: booking.price_currency,
    },
    about: aboutOf(booking),
  })
}

export function recordReleased(tx: Tx, booking: BookingRow): string {
  return recordEnd(tx, { ...booking, hold_id: booking.hold_id ?? "" }, "released")
}

export function recordExpired(tx: Tx, hold: ExpiredHold): string {
  return recordEnd(tx, hold, "expired")
}

export function recordConfirmed(tx: Tx, booking: BookingRow, paymentMethod: "online" | "offline" | "waived"): string {
  return record(tx, {
    type: "booking.confirmed",
    facilityId: booking.facility_id,
    data: {
      bookingId: booking.id,
      facilityId: booking.facility_id,
      resourceId: booking.resource_id,
      resourceName: booking.resource_name,
      bookerId: booking.booker_id,
      bookerName: booking.booker_name,
      bookerEmail: booking.booker_email,
      participants: booking.participants,
      startAt: booking.start_at.toISOString(),
      endAt: booking.end_at.toISOString(),
      timezone: booking.timezone,
      bookingType: booking.booking_type,
      priceAmount: booking.price_amount,
      priceCurrency: booking.price_currency,
      paymentMethod,
      isRecurring: booking.is_recurring,
      ...(booking.recurring_booking_id !== null && { recurringBookingId: booking.recurring_booking_id }),
    },
  })
}

export function recordBookingCancelled(
  tx: Tx,
  booking: BookingRow,
  cancelledBy: string,
  cancellationReason: string,
): string {
  return record(tx, {
    type: "booking.cancelled",
    facilityId: booking.facility_id,
    data: {
      bookingId: booking.id,
      facilityId: booking.facility_id,
      resourceId: booking.resource_id,
      bookerId: booking.booker_id,
      startAt: booking.start_at.toISOString(),
      endAt: booking.end_at.toISOString(),
      cancelledBy,
      cancellationReason,
      refundAmount: booking.refund_amount ?? 0,
      refundStatus: (booking.refund_amount ?? 0) > 0 ? "pending" : "none",
      wasNoShow: false,
    },
    about: aboutOf(booking),
  })
}

export function recordCheckedIn(
  tx: Tx,
  booking: BookingRow,
  at: Date,
  by: "self" | "staff",
  method: "qr_code" | "manual" | "access_code",
): string {
  return record(tx, {
    type: "booking.checked_in",
    facilityId: booking.facility_id,
    data: {
      bookingId: booking.id,
      facilityId: booking.facility_id,
      userId: booking.booker_id,
      checkedInAt: at.toISOString(),
      checkedInBy: by,
      method,
    },
    about: aboutOf(booking),
  })
}

export function recordNoShow(
  tx: Tx,
  booking: BookingRow,
  at: Date,
  { strikeCount, fee, restrictedUntil }: GivenStrike,
): string {
  return record(tx, {
    type: "booking.no_show",
    facilityId: booking.facility_id,
    data: {
      bookingId: booking.id,
      facilityId: booking.facility_id,
      userId: booking.booker_id,
      scheduledAt: booking.start_at.toISOString(),
      markedAt: at.toISOString(),
      feeCharged: fee,
      strikeCount,
      restrictionApplied: restrictedUntil !== null,
    },
    about: aboutOf(booking),
  })
}

/** @param actualDuration minutes  @param coachingSessionId of the session held in the booking; undefined without one */
export function recordCompleted(
  tx: Tx,
  booking: BookingRow,
  actualDuration: number,
  coachingSessionId: string | undefined,
): string {
  return record(tx, {
    type: "booking.completed",
    facilityId: booking.facility_id,
    data: {
      bookingId: booking.id,
      facilityId: booking.facility_id,
      resourceId: booking.resource_id,
      bookerId: booking.booker_id,
      participants: booking.participants.map(({ userId }) => userId),
      startAt: booking.start_at.toISOString(),
      endAt: booking.end_at.toISOString(),
      actualDuration,
      wasCoachingSession: coachingSessionId !== undefined,
      ...(coachingSessionId !== undefined && { coachingSessionId }),
    },
    about: aboutOf(booking),
  })
}

function recordEnd(tx: Tx, hold: ExpiredHold, reason: "expired" | "released"): string {
  return record(tx, {
    type: "booking.hold.released",
    facilityId: hold.facility_id,
    data: {
      bookingId: hold.id,
      holdId: hold.hold_id,
      facilityId: hold.facility_id,
      resourceId: hold.resource_id,
      userId: hold.booker_id,
      startAt: hold.start_at.toISOString(),
      endAt: hold.end_at.toISOString(),
      reason,
      releasedAt: hold.updated_at.toISOString(),
    },
    about: aboutOf(hold),
  })
}

/** The fields that webhook filters may test. Most events do not carry both in their data. */
export const aboutOf = (booking: Pick<BookingRow, "resource_id" | "booking_type">) => ({
  resourceId: booking.resource_id,
  bookingType: booking.booking_type,
})
