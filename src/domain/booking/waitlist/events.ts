/** The events of the waitlist: each event's data, from the rows. */

import type { Tx } from "#base/database/transaction.ts"
import type { BookingRow } from "#domain/booking/booking-row.ts"
import { record } from "#events/outbox.ts"
import type { Candidate } from "./candidates.ts"
import type { EndedEntry, EntryRow } from "./rows.ts"

type Wish = Pick<EntryRow, "id" | "facility_id" | "booker_id" | "resource_id" | "resource_type" | "start_at" | "end_at">

export function recordJoined(tx: Tx, entry: EntryRow): string {
  const data = { ...wishOf(entry), joinedAt: entry.joined_at.toISOString() }
  return record(tx, { type: "waitlist.joined", facilityId: entry.facility_id, data })
}

export function recordLeft(tx: Tx, entry: Wish, leftAt: Date): string {
  const data = { ...wishOf(entry), leftAt: leftAt.toISOString() }
  return record(tx, { type: "waitlist.left", facilityId: entry.facility_id, data })
}

export function recordOffered(tx: Tx, { id }: Pick<Candidate, "id">, hold: BookingRow, offeredAt: Date): string {
  return record(tx, {
    type: "waitlist.offered",
    facilityId: hold.facility_id,
    data: {
      entryId: id,
      facilityId: hold.facility_id,
      bookerId: hold.booker_id,
      bookingId: hold.id,
      resourceId: hold.resource_id,
      startAt: hold.start_at.toISOString(),
      endAt: hold.end_at.toISOString(),
      priceAmount: hold.price_amount,
      priceCurrency: hold.price_currency,
      offeredAt: offeredAt.toISOString(),
      expiresAt: hold.hold_expires_at?.toISOString() ?? "",
    },
    about: { resourceId: hold.resource_id, bookingType: hold.booking_type },
  })
}

/** Records how an entry ended. */
export function recordEntryEnded(tx: Tx, entry: EndedEntry): string {
  const { facility_id: facilityId, offer_booking_id: bookingId, offer_resource_id: resourceId } = entry
  const at = entry.ended_at.toISOString()
  if (entry.status === "expired" || bookingId === null || resourceId === null) {
    const offered = bookingId !== null && resourceId !== null
    return record(tx, {
      type: "waitlist.expired",
      facilityId,
      data: {
        ...wishOf(entry),
        ...(offered && { bookingId, resourceId }),
        reason: offered ? "offer_ran_out" : "time_came",
        expiredAt: at,
      },
    })
  }
  const { id: entryId, booker_id: bookerId } = entry
  const startAt = entry.start_at.toISOString()
  const offer = { entryId, facilityId, bookerId, bookingId, resourceId, startAt, endAt: entry.end_at.toISOString() }
  return entry.status === "accepted"
    ? record(tx, { type: "waitlist.accepted", facilityId, data: { ...offer, acceptedAt: at } })
    : record(tx, { type: "waitlist.declined", facilityId, data: { ...offer, declinedAt: at } })
}

const wishOf = (entry: Wish) => ({
  entryId: entry.id,
  facilityId: entry.facility_id,
  bookerId: entry.booker_id,
  ...(entry.resource_id !== null && { resourceId: entry.resource_id }),
  ...(entry.resource_type !== null && { resourceType: entry.resource_type }),
  startAt: entry.start_at.toISOString(),
  endAt: entry.end_at.toISOString(),
})
