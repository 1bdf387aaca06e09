/** The fields of a booking policy about starts and lengths of members' bookings, and about the time after a booking. */
import * as Schema from "effect/Schema"
import { Id } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"
import { maxBufferMinutes, maxBuffers } from "./buffers.ts"
import { BookingType, maxBookingMinutes, minBookingMinutes } from "./input.ts"

const minutesOfDay = (description: string) =>
  Schema.NullOr(
    Schema.Int.annotate({ description }).check(
      Schema.isBetween({ minimum: minBookingMinutes, maximum: maxBookingMinutes }),
    ),
  )

const Buffer = Schema.Struct({
  minutes: Schema.Int.annotate({ description: "how long the resource stays free after a booking" }).check(
    Schema.isBetween({ minimum: 0, maximum: maxBufferMinutes }),
  ),
  resourceId: Schema.optionalKey(Id).annotateKey({
    description: "after bookings of this resource; of all unless given",
  }),
  bookingType: Schema.optionalKey(BookingType).annotateKey({
    description: "after bookings of this type; of all unless given",
  }),
})
export type Buffer = typeof Buffer.Type

export const slotFields = {
  startGridMinutes: minutesOfDay(
    "members' bookings begin a whole number of these minutes after the opening; null: at any minute",
  ),
  minBookingMinutes: minutesOfDay("members' bookings last at least so long"),
  maxBookingMinutes: minutesOfDay("members' bookings last at most so long"),
  bookingStepMinutes: minutesOfDay(
    "members' bookings last a whole number of these minutes; null: any number of minutes",
  ),
  buffers: Schema.Array(Buffer)
    .annotate({
      description:
        "the time between bookings; it binds everybody, and nobody pays for it. The most specific entry holds: one for the resource, then one for the type. A booking keeps the buffer with which it was made or moved",
    })
    .check(
      Schema.isMaxLength(maxBuffers),
      rule("a resource and type have one buffer", (buffers: readonly Buffer[]) =>
        buffers.flatMap((each, i) =>
          buffers.findIndex((other) => placeOf(other) === placeOf(each)) < i
            ? [{ path: [i], issue: "has the resource and the type of an earlier one" }]
            : [],
        ),
      ),
    ),
} as const

export type SlotSettings = Schema.Struct<typeof slotFields>["Type"]

export const slotDefaults: SlotSettings = {
  startGridMinutes: null,
  minBookingMinutes: null,
  maxBookingMinutes: null,
  bookingStepMinutes: null,
  buffers: [],
}

export const lengthsFit = rule(
  "minBookingMinutes is at most maxBookingMinutes, and both are whole steps of bookingStepMinutes",
  ({
    minBookingMinutes: least = null,
    maxBookingMinutes: greatest = null,
    bookingStepMinutes: step = null,
  }: Partial<Omit<SlotSettings, "buffers">>) => [
    ...(least !== null && greatest !== null && least > greatest
      ? [{ path: ["maxBookingMinutes"], issue: `must be at least minBookingMinutes (${least})` }]
      : []),
    ...(least !== null && step !== null && least % step !== 0
      ? [{ path: ["minBookingMinutes"], issue: `must be a whole number of bookingStepMinutes (${step})` }]
      : []),
    ...(greatest !== null && step !== null && greatest % step !== 0
      ? [{ path: ["maxBookingMinutes"], issue: `must be a whole number of bookingStepMinutes (${step})` }]
      : []),
  ],
)

const placeOf = ({ resourceId, bookingType }: Buffer) => `${resourceId?.toLowerCase()} ${bookingType}`
