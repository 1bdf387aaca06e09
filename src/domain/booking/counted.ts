/** Which bookings count in the month of a facility's plan. */
import type { BookingRow } from "./row.ts"

/** Whether it counts as one of the month's bookings: what takes a resource from play does not. */
export const isCounted = ({ booking_type }: Pick<BookingRow, "booking_type">): boolean =>
  booking_type !== "coach_block" && booking_type !== "maintenance"
