/** The events of staff's decisions and of moves: each event's data, from the rows. */
import type { Tx } from "#base/database/transaction.ts"
import { record } from "#events/outbox.ts"
import type { BookingRow, LockedBooking } from "./booking-row.ts"
import { aboutOf } from "./events.ts"
import type { BookingSettlement } from "./settlement.ts"

export function recordApprovalRequested(tx: Tx, booking: BookingRow): string {
  return record(tx, {
    type: "booking.approval.requested",
    facilityId: booking.facility_id,
    data: {
      ...placeOf(booking),
      resourceName: booking.resource_name,
      bookerName: booking.booker_name,
      bookingType: booking.booking_type,
      timezone: booking.timezone,
      priceAmount: booking.price_amount,
      priceCurrency: booking.price_currency,
      requestedAt: booking.created_at.toISOString(),
    },
  })
}

export function recordApprovalGranted(tx: Tx, booking: LockedBooking, approvedBy: string): string {
  return record(tx, {
    type: "booking.approval.granted",
    facilityId: booking.facility_id,
    data: { ...placeOf(booking), approvedBy, approvedAt: booking.now.toISOString() },
    about: aboutOf(booking),
  })
}

export function recordApprovalRejected(
  tx: Tx,
  booking: LockedBooking,
  rejectedBy: string,
  rejectionReason: string,
): string {
  return record(tx, {
    type: "booking.approval.rejected",
    facilityId: booking.facility_id,
    data: { ...placeOf(booking), rejectedBy, rejectedAt: booking.now.toISOString(), rejectionReason },
    about: aboutOf(booking),
  })
}

/** @param refundAmount of what was paid, minor units */
export function recordApprovalExpired(tx: Tx, booking: BookingRow, at: Date, refundAmount: number): string {
  return record(tx, {
    type: "booking.approval.expired",
    facilityId: booking.facility_id,
    data: { ...placeOf(booking), expiredAt: at.toISOString(), refundAmount },
    about: aboutOf(booking),
  })
}

/** @param settled what is given back of the payments, and what stays with the facility, minor units */
export function recordRescheduled(
  tx: Tx,
  before: LockedBooking,
  after: BookingRow,
  rescheduledBy: string,
  { refund: refundAmount, forfeited }: BookingSettlement,
): string {
  return record(tx, {
    type: "booking.rescheduled",
    facilityId: after.facility_id,
    data: {
      ...placeOf(after),
      resourceName: after.resource_name,
      previousResourceId: before.resource_id,
      previousStartAt: before.start_at.toISOString(),
      previousEndAt: before.end_at.toISOString(),
      timezone: after.timezone,
      status: after.status === "pending" ? "pending" : "confirmed",
      priceAmount: after.price_amount,
      previousPriceAmount: before.price_amount,
      priceCurrency: after.price_currency,
      refundAmount,
      refundStatus: refundAmount > 0 ? "pending" : "none",
      ...(forfeited > 0 && { forfeitedAmount: forfeited }),
      rescheduledBy,
      rescheduledAt: before.now.toISOString(),
    },
    about: aboutOf(after),
  })
}

/** @param was the agreed local time, and what the wall shows at the same instants now */
export function recordLocalTimeChanged(
  tx: Tx,
  booking: LockedBooking,
  was: { readonly agreedStart: string; readonly presentStart: string; readonly timezone: string },
): string {
  return record(tx, {
    type: "booking.local_time_changed",
    facilityId: booking.facility_id,
    data: {
      ...placeOf(booking),
      resourceName: booking.resource_name,
      timezone: was.timezone,
      previousLocalStart: was.agreedStart,
      localStart: was.presentStart,
      changedAt: booking.now.toISOString(),
    },
    about: aboutOf(booking),
  })
}

export function recordExtended(tx: Tx, hold: BookingRow, extendedBy: string): string {
  return record(tx, {
    type: "booking.hold.extended",
    facilityId: hold.facility_id,
    data: {
      ...placeOf(hold),
      holdId: hold.hold_id ?? "",
      expiresAt: hold.hold_expires_at?.toISOString() ?? "",
      extensions: hold.hold_extensions,
      extendedBy,
      extendedAt: hold.updated_at.toISOString(),
    },
    about: aboutOf(hold),
  })
}

/** @param changed the names of the fields; what they say is not in the event */
export function recordDetailsChanged(
  tx: Tx,
  booking: BookingRow,
  changed: readonly ("title" | "note" | "answers")[],
  changedBy: string,
  at: Date,
): string {
  return record(tx, {
    type: "booking.details_changed",
    facilityId: booking.facility_id,
    data: { ...placeOf(booking), changed: [...changed], changedBy, changedAt: at.toISOString() },
    about: aboutOf(booking),
  })
}

export function recordNoShowWaived(
  tx: Tx,
  booking: BookingRow,
  waived: { by: string; at: Date; reason: string; fee: number; strikeCount: number },
): string {
  return record(tx, {
    type: "booking.no_show.waived",
    facilityId: booking.facility_id,
    data: {
      bookingId: booking.id,
      facilityId: booking.facility_id,
      userId: booking.booker_id,
      waivedBy: waived.by,
      waivedAt: waived.at.toISOString(),
      reason: waived.reason,
      feeWaived: waived.fee,
      strikeCount: waived.strikeCount,
    },
    about: aboutOf(booking),
  })
}

/** A struck booking. */
export function recordStruck(tx: Tx, booking: LockedBooking): string {
  return record(tx, {
    type: "booking.struck",
    facilityId: booking.facility_id,
    data: { ...placeOf(booking), reason: booking.struck_reason ?? "", struckAt: booking.now.toISOString() },
    about: aboutOf(booking),
  })
}

/** Why, by whom and when an outcome was undone. */
interface Undone {
  readonly by: string
  readonly at: Date
  readonly reason: string
}

export function recordNoShowUndone(
  tx: Tx,
  booking: BookingRow,
  undone: Undone & { readonly fee: number; readonly strikeCount: number },
): string {
  return record(tx, {
    type: "booking.no_show.undone",
    facilityId: booking.facility_id,
    data: { ...undoneOf(booking, undone), feeWaived: undone.fee, strikeCount: undone.strikeCount },
    about: aboutOf(booking),
  })
}

export function recordCheckInUndone(tx: Tx, booking: BookingRow, undone: Undone): string {
  return record(tx, {
    type: "booking.check_in.undone",
    facilityId: booking.facility_id,
    data: undoneOf(booking, undone),
    about: aboutOf(booking),
  })
}

export function recordCompletionUndone(tx: Tx, booking: BookingRow, undone: Undone): string {
  const status = booking.status === "checked_in" ? "checked_in" : "confirmed"
  return record(tx, {
    type: "booking.completion.undone",
    facilityId: booking.facility_id,
    data: { ...undoneOf(booking, undone), status },
    about: aboutOf(booking),
  })
}

const undoneOf = (booking: BookingRow, { by, at, reason }: Undone) => ({
  ...placeOf(booking),
  undoneBy: by,
  undoneAt: at.toISOString(),
  reason,
})

const placeOf = (booking: BookingRow) => ({
  bookingId: booking.id,
  facilityId: booking.facility_id,
  resourceId: booking.resource_id,
  bookerId: booking.booker_id,
  startAt: booking.start_at.toISOString(),
  endAt: booking.end_at.toISOString(),
})
