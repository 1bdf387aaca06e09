/**
 * From the occurrences of a series to its bookings, as the before hooks leave each of them before the transaction
 * opens.
 */
import { BlockedByHook, InvalidInput, NotAllowed, NotFound, RuleBroken, SlotTaken } from "#base/errors.ts"
import type { Hooked, Hooks } from "#base/hooks.ts"
import { decode } from "#base/schema/decode.ts"
import type { Details } from "#domain/booking/details.ts"
import { runBeforeHooks } from "#domain/booking/hooks.ts"
import { BookingInput } from "#domain/booking/input.ts"
import type { MayBook } from "#domain/booking/may-book.ts"
import type { RecurringInput } from "./input.ts"
import type { Occurrence } from "./occurrences.ts"

/** An error that refuses one occurrence and does not concern the others. */
export type Refusal = SlotTaken | RuleBroken | BlockedByHook | NotFound | NotAllowed | InvalidInput

export const isRefusal = (error: unknown): error is Refusal =>
  [SlotTaken, RuleBroken, BlockedByHook, NotFound, NotAllowed, InvalidInput].some((kind) => error instanceof kind)

export interface Prepared {
  readonly occurrence: Occurrence
  /** The request with the right to it, or the refusal. */
  readonly asked: { readonly mayBook: MayBook; readonly wanted: Hooked<BookingInput> } | Refusal
  /** Of a series that goes on: its title, its note and its answers. */
  readonly details?: Details | undefined
}

/** The fields with which each booking of a series is made. */
export type SeriesWish = Pick<
  RecurringInput,
  "resourceId" | "bookingType" | "bookerId" | "participants" | "paymentMethod" | "title" | "note" | "answers"
> & { readonly details?: Details }

/**
 * before:booking.create fires once for each. A hook that blocks one leaves the others.
 * @param right the right to book them; or the reason why there is none, which refuses all of them
 */
export function prepareOccurrences(
  hooks: Hooks | undefined,
  right: MayBook | Refusal,
  wish: SeriesWish,
  occurrences: readonly Occurrence[],
): Promise<readonly Prepared[]> {
  const parse = (changed: unknown) => decode(BookingInput, changed, "body")
  return Promise.all(
    occurrences.map(async (occurrence) => {
      if (isRefusal(right)) return { occurrence, asked: right }
      try {
        const wanted = await runBeforeHooks(hooks, right.member, bookingOn(occurrence, wish), parse)
        return { occurrence, asked: { mayBook: right, wanted }, details: wish.details }
      } catch (error) {
        if (error instanceof BlockedByHook) return { occurrence, asked: error }
        throw error
      }
    }),
  )
}

function bookingOn(
  { start, end }: Occurrence,
  { resourceId, bookingType, bookerId, participants, paymentMethod, title, note, answers }: SeriesWish,
): BookingInput {
  return {
    resourceId,
    startAt: new Date(start).toISOString(),
    endAt: new Date(end).toISOString(),
    ...(bookingType !== undefined && { bookingType }),
    ...(bookerId !== undefined && { bookerId }),
    ...(participants !== undefined && { participants }),
    ...(title !== undefined && { title }),
    ...(note !== undefined && { note }),
    ...(answers !== undefined && { answers }),
    paymentMethod,
  }
}
