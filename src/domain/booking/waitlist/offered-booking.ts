/** The booking that an entry of the waitlist is offered, as the before hooks of a booking see it. */
import type { Member } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import type { BookingInput } from "#domain/booking/input.ts"
import type { AcceptInput } from "./input.ts"
import { getEntry } from "./waitlist.ts"

/** Undefined: nothing is offered. Throws NotFound. */
export async function offeredBooking(
  db: Db,
  member: Member,
  entryId: string,
  paymentMethod: typeof AcceptInput.Type.paymentMethod,
): Promise<BookingInput | undefined> {
  const { startAt, endAt, bookingType, bookerId, participants, offer } = await getEntry(db, member, entryId)
  if (offer === null) return undefined
  return { resourceId: offer.resourceId, startAt, endAt, bookingType, bookerId, participants, paymentMethod }
}
