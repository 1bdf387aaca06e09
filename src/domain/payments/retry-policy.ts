/**
 * When a failed payment is tried again. One that a person made is theirs to try again, with the same card or another, at
 * once. An automatic one (a renewal) is tried again by itself, from the card that is saved by then: days apart, because
 * money comes in at days and an impatient creditor is declined for good.
 */

/** Days after the first, second, … failure in a row; after the last, nobody tries by themself any more. */
export const automaticRetryDays: readonly number[] = [1, 3, 5]

const dayMs = 24 * 60 * 60_000

/** @param failuresBefore failed attempts for the same thing since the last success, this one not counted. */
export function nextRetryAt(failedAt: Date, failuresBefore: number): Date | null {
  const days = automaticRetryDays[failuresBefore]
  return days === undefined ? null : new Date(failedAt.getTime() + days * dayMs)
}
