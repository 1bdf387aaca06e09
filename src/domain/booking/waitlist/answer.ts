/**
 * A waitlist entry as the API answers it, and the one conversion from a row. The OpenAPI document shows this Schema.
 */
import * as Schema from "effect/Schema"
import { Currency, Id, Instant, Minutes, Money, Text } from "#base/schema/fact-fields.ts"
import { BookingStatus } from "#domain/booking/answer.ts"
import { BookingType } from "#domain/booking/input.ts"
import { WaitlistStatus } from "./input.ts"
import type { EntryRow } from "./rows.ts"

export const WaitlistEntry = Schema.Struct({
  id: Id,
  facilityId: Id,
  bookerId: Id,
  bookerName: Text,
  resourceId: Schema.NullOr(Id),
  resourceType: Schema.NullOr(Text),
  startAt: Instant,
  endAt: Instant,
  bookingType: BookingType,
  participants: Schema.Array(Schema.Struct({ userId: Id, role: Text })),
  status: WaitlistStatus,
  offerMinutes: Minutes.annotate({ description: "how long an offer lasts, minutes" }),
  offer: Schema.NullOr(
    Schema.Struct({
      bookingId: Id,
      resourceId: Id,
      status: BookingStatus,
      priceAmount: Money,
      priceCurrency: Currency,
      offeredAt: Instant,
      expiresAt: Schema.NullOr(Instant).annotateKey({ description: "while it is held: until when" }),
    }),
  ).annotateKey({ description: "the booking that was offered, as it is now" }),
  joinedBy: Id,
  joinedAt: Instant,
  endedAt: Schema.NullOr(Instant),
}).annotate({ identifier: "WaitlistEntry" })
export type WaitlistEntry = typeof WaitlistEntry.Type

export const toEntry = (row: EntryRow): WaitlistEntry => ({
  id: row.id,
  facilityId: row.facility_id,
  bookerId: row.booker_id,
  bookerName: row.booker_name,
  resourceId: row.resource_id,
  resourceType: row.resource_type,
  startAt: row.start_at.toISOString(),
  endAt: row.end_at.toISOString(),
  bookingType: row.booking_type,
  participants: row.participants.map(({ userId, role = "player" }) => ({ userId, role })),
  status: row.status,
  offerMinutes: row.offer_minutes,
  offer: offerOf(row),
  joinedBy: row.joined_by,
  joinedAt: row.joined_at.toISOString(),
  endedAt: row.ended_at?.toISOString() ?? null,
})

function offerOf(row: EntryRow): WaitlistEntry["offer"] {
  const { offer_booking_id: bookingId, offer_resource_id: resourceId, offer_price: priceAmount } = row
  const { offer_currency: priceCurrency, offered_at, offer_expires_at } = row
  const status = row.offer_status as typeof BookingStatus.Type | null
  if (bookingId === null || resourceId === null || priceAmount === null || priceCurrency === null) return null
  if (status === null || offered_at === null) return null
  return {
    bookingId,
    resourceId,
    status,
    priceAmount,
    priceCurrency,
    offeredAt: offered_at.toISOString(),
    expiresAt: status === "held" ? (offer_expires_at?.toISOString() ?? null) : null,
  }
}
