/** Reading bookings, one or a page of them. Members see their own and their children's, staff all. */
import * as Schema from "effect/Schema"
import type { Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotAllowed, NotFound } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Instant } from "#base/schema/request-fields.ts"
import { accountOf } from "./account.ts"
import { type Booking, type BookingDetails, BookingStatus, toBooking } from "./answer.ts"
import type { BookingRow } from "./booking-row.ts"
import { findBooking, findBookings } from "./find.ts"
import { BookingType } from "./input.ts"
import { familyOf, isTheirs } from "./lock-own.ts"

/** A booking with its money; members see their own and their children's. Throws NotFound. */
export async function getBooking(db: Queryable, member: Member, bookingId: string): Promise<BookingDetails> {
  const booking = isId(bookingId) ? await findBooking(db, member.facilityId, bookingId) : undefined
  if (!booking || !isTheirs(member, booking)) throw new NotFound("booking", bookingId)
  const { paid, refunded, forfeited, price, live } = await accountOf(db, booking)
  return {
    ...toBooking(booking),
    settlement: {
      paidAmount: paid,
      refundedAmount: refunded,
      forfeitedAmount: forfeited,
      dueAmount: over.has(booking.status) ? 0 : Math.max(0, price - live),
    },
  }
}

/** Nothing is due any more. */
const over = new Set<BookingRow["status"]>(["cancelled", "expired", "released"])

/** The query of a list of bookings. */
export const BookingQuery = Schema.Struct({
  ...pageQuery,
  resourceId: Schema.optionalKey(Id),
  bookerId: Schema.optionalKey(Id),
  status: Schema.optionalKey(BookingStatus),
  bookingType: Schema.optionalKey(BookingType),
  recurringBookingId: Schema.optionalKey(Id),
  struck: Schema.optionalKey(Schema.Literals(["true", "false"])).annotateKey({
    description: "true: bookings that stand although their time is closed",
  }),
  from: Schema.optionalKey(Instant).annotateKey({ description: "bookings that end after this instant" }),
  to: Schema.optionalKey(Instant).annotateKey({ description: "bookings that start before this instant" }),
  startsFrom: Schema.optionalKey(Instant).annotateKey({
    description: "bookings that start at this instant or later",
  }),
  startsTo: Schema.optionalKey(Instant).annotateKey({
    description: "bookings that start before this instant, like to",
  }),
})

/**
 * Bookings by start, then id; members see their own and their children's. Throws NotAllowed when a member asks for
 * somebody else's.
 */
export async function listBookings(
  db: Queryable,
  member: Member,
  query: typeof BookingQuery.Type,
): Promise<Page<Booking>> {
  const bookerIds = bookersOf(member, query.bookerId?.toLowerCase())
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Instant, Id]))
  const rows = await findBookings(db, member.facilityId, { ...query, bookerIds, after, limit: limit + 1 })
  return pageOf(rows, limit, (row) => [row.start_at.toISOString(), row.id], toBooking)
}

/** The bookers whose bookings a list shows; undefined: all bookers. */
function bookersOf(member: Member, bookerId: string | undefined): readonly string[] | undefined {
  const { isStaff } = member
  if (!isStaff && bookerId !== undefined && !familyOf(member).includes(bookerId)) {
    throw new NotAllowed("Members see their own bookings and their children's.")
  }
  if (bookerId !== undefined) return [bookerId]
  return isStaff ? undefined : familyOf(member)
}
