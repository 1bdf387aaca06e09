/** From the occurrences of a series to the bookings that are asked for: what a before hook makes of each, before the transaction opens. */
import type { Caller } from "#access/caller.ts"
import {
  BlockedByHook,
  type InvalidInput,
  type NotAllowed,
  type NotFound,
  type RuleBroken,
  type SlotTaken,
} from "#base/errors.ts"
import type { Hooks } from "#base/hooks.ts"
import { decode } from "#base/schema/decode.ts"
import { runBeforeHooks } from "#domain/booking/hooks.ts"
import { BookingInput } from "#domain/booking/input.ts"
import type { RecurringInput } from "./input.ts"
import type { Occurrence } from "./occurrences.ts"

/** What refuses one occurrence and says nothing of the others. */
export type Refusal = SlotTaken | RuleBroken | BlockedByHook | NotFound | NotAllowed | InvalidInput

export interface Prepared {
  readonly occurrence: Occurrence
  /** What is asked for, or why it is refused. */
  readonly wanted: BookingInput | Refusal
}

/** What each booking of a series is made with. */
export type SeriesWish = Pick<
  RecurringInput,
  "resourceId" | "bookingType" | "bookerId" | "participants" | "paymentMethod"
>

/** before:booking.create fires once for each. A hook that blocks one leaves the others. */
export function prepareOccurrences(
  hooks: Hooks | undefined,
  caller: Caller,
  facilityId: string,
  wish: SeriesWish,
  occurrences: readonly Occurrence[],
): Promise<readonly Prepared[]> {
  const parse = (changed: unknown) => decode(BookingInput, changed, "body")
  return Promise.all(
    occurrences.map(async (occurrence) => {
      const { resourceId, bookingType, bookerId, participants, paymentMethod } = wish
      const wanted: BookingInput = {
        resourceId,
        startAt: new Date(occurrence.start).toISOString(),
        endAt: new Date(occurrence.end).toISOString(),
        ...(bookingType !== undefined && { bookingType }),
        ...(bookerId !== undefined && { bookerId }),
        ...(participants !== undefined && { participants }),
        paymentMethod,
      }
      try {
        const context = { facilityId, caller }
        return { occurrence, wanted: await runBeforeHooks(hooks, "before:booking.create", wanted, context, parse) }
      } catch (error) {
        if (error instanceof BlockedByHook) return { occurrence, wanted: error }
        throw error
      }
    }),
  )
}
