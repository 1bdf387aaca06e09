/**
 * When a failed payment is tried again. A person can try their own payment again at once, with the same card or
 * another. An automatic payment (a renewal) is tried again by a job, from the card that is saved by then. Its
 * attempts are days apart: accounts are filled on certain days, and impatient creditors get declined for good.
 */

/** Days after the first, second, … failure in a row. After the last there is no further automatic attempt. */
export const automaticRetryDays: readonly number[] = [1, 3, 5]

const dayMs = 24 * 60 * 60_000

/** @param failuresBefore failed attempts for the same thing since the last success, this one not counted. */
export function nextRetryAt(failedAt: Date, failuresBefore: number): Date | null {
  const days = automaticRetryDays[failuresBefore]
  return days === undefined ? null : new Date(failedAt.getTime() + days * dayMs)
}
