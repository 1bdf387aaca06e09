/** Which bookings count towards the month's limit of a facility's plan. */
import type { BookingRow } from "./booking-row.ts"

/** Whether the booking counts as one of the month's. Coach blocks and maintenance do not count. */
export const isCounted = ({ booking_type }: Pick<BookingRow, "booking_type">): boolean =>
  booking_type !== "coach_block" && booking_type !== "maintenance"
