/** The events of the waitlist. The specification has none, but its WaitlistHandler and waiting people need them. */
import * as Schema from "effect/Schema"
import { Currency, Id, Instant, Money, Text } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("booking-service")

const wish = {
  entryId: Id,
  facilityId: Id,
  bookerId: Id,
  resourceId: Schema.optionalKey(Id),
  resourceType: Schema.optionalKey(Text),
  startAt: Instant,
  endAt: Instant,
}
const sampleWish = {
  entryId: example.waitlistEntryId,
  facilityId: example.facilityId,
  bookerId: example.playerId,
  resourceId: example.resourceId,
  resourceType: "court",
  startAt: example.startAt,
  endAt: example.endAt,
}
const offer = {
  entryId: Id,
  facilityId: Id,
  bookerId: Id,
  bookingId: Id,
  resourceId: Id,
  startAt: Instant,
  endAt: Instant,
}
const sampleOffer = {
  entryId: example.waitlistEntryId,
  facilityId: example.facilityId,
  bookerId: example.playerId,
  bookingId: example.bookingId,
  resourceId: example.resourceId,
  startAt: example.startAt,
  endAt: example.endAt,
}
const aggregate = "waitlist_entry"

export const waitlistEvents = [
  define({
    type: "waitlist.joined",
    origin: "slotbase",
    description: "Somebody waits for a slot that is taken: on a resource, or on any of a type.",
    aggregate,
    aggregateId: (data) => data.entryId,
    data: { ...wish, joinedAt: Instant },
    sample: { ...sampleWish, joinedAt: example.bookedAt },
    facilityWebhook: true,
  }),
  define({
    type: "waitlist.offered",
    origin: "slotbase",
    description: "A slot became free and is held for the first who waits for it, until the offer expires.",
    aggregate,
    aggregateId: (data) => data.entryId,
    data: { ...offer, priceAmount: Money, priceCurrency: Currency, offeredAt: Instant, expiresAt: Instant },
    sample: {
      ...sampleOffer,
      priceAmount: 2400,
      priceCurrency: "EUR",
      offeredAt: example.bookedAt,
      expiresAt: "2026-03-09T16:35:30.125Z",
    },
    facilityWebhook: true,
  }),
  define({
    type: "waitlist.accepted",
    origin: "slotbase",
    description: "The offer was taken: its hold became a booking, or waits for its payment.",
    aggregate,
    aggregateId: (data) => data.entryId,
    data: { ...offer, acceptedAt: Instant },
    sample: { ...sampleOffer, acceptedAt: "2026-03-09T16:22:03.410Z" },
    facilityWebhook: true,
  }),
  define({
    type: "waitlist.declined",
    origin: "slotbase",
    description: "The offer was turned down, and goes to the next.",
    aggregate,
    aggregateId: (data) => data.entryId,
    data: { ...offer, declinedAt: Instant },
    sample: { ...sampleOffer, declinedAt: "2026-03-09T16:22:03.410Z" },
    facilityWebhook: true,
  }),
  define({
    type: "waitlist.expired",
    origin: "slotbase",
    description: "Nobody answered the offer in time, or the time came without one.",
    aggregate,
    aggregateId: (data) => data.entryId,
    data: {
      ...wish,
      reason: Schema.Literals(["offer_ran_out", "time_came"]),
      bookingId: Schema.optionalKey(Id),
      expiredAt: Instant,
    },
    sample: {
      ...sampleWish,
      reason: "offer_ran_out",
      bookingId: example.bookingId,
      expiredAt: "2026-03-09T16:35:30.125Z",
    },
    facilityWebhook: true,
  }),
  define({
    type: "waitlist.left",
    origin: "slotbase",
    description: "Somebody waits no longer; nothing had been offered.",
    aggregate,
    aggregateId: (data) => data.entryId,
    data: { ...wish, leftAt: Instant },
    sample: { ...sampleWish, leftAt: "2026-03-09T16:22:03.410Z" },
    facilityWebhook: true,
  }),
] as const
