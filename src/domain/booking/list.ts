/** Reading bookings, one or a page of them. Members see their own and their children's, staff all. */
import * as Schema from "effect/Schema"
import { type Caller, isStaff, requireMember } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotAllowed, NotFound } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Instant } from "#base/schema/request-fields.ts"
import { type Booking, BookingStatus, toBooking } from "./answer.ts"
import { findBooking, findBookings } from "./find.ts"
import { BookingType } from "./input.ts"
import { familyOf, isTheirs } from "./lock-own.ts"

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
 * Bookings by start, then id; members see their own and their children's. Throws NotAllowed when a member asks for
 * somebody else's.
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
