/** Which bookings are judged anew, and the answer of the API about those that are struck. */
import * as Schema from "effect/Schema"
import type { Span } from "#base/local-days.ts"
import { Count, Id } from "#base/schema/fact-fields.ts"

/** The bookings to judge: those of a facility, or of some of its resources, or in a stretch of time. */
export interface Judged {
  readonly facilityId: string
  readonly resourceIds?: readonly string[]
  readonly span?: Span
}

/** The limit of an answer; GET …/bookings?struck=true lists them all. */
export const maxStruckAnswered = 200

export const StruckBookings = Schema.Struct({
  count: Count,
  bookingIds: Schema.Array(Id).annotate({ description: `by start, the first ${maxStruckAnswered}` }),
}).annotate({
  identifier: "StruckBookings",
  description: "the bookings whose time is not open any more; GET …/bookings?struck=true lists all of them",
})
export type StruckBookings = typeof StruckBookings.Type
