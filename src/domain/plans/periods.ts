/**
 * The periods of a subscription, as pure functions. They are counted from a local day, the anchor, in the facility's
 * zone. The nth period ends when the day of the anchor plus n months (or years) begins. In a shorter month, the last
 * day counts. Counting from the anchor, not from the period before, keeps the day: 31 January, 28 February, 31 March.
 */
import { localDateOf, spanOfDay } from "#base/local-days.ts"

export const billingCycles = ["monthly", "annual"] as const
export type BillingCycle = (typeof billingCycles)[number]

/**
 * The start of the local day on which the nth period from an anchor (YYYY-MM-DD) ends. With n = 0: of the anchor
 * itself.
 */
export function boundary(anchorDay: string, cycle: BillingCycle, timezone: string, n: number): Date {
  const day = Temporal.PlainDate.from(anchorDay).add(cycle === "monthly" ? { months: n } : { years: n })
  return new Date(spanOfDay(timezone, day.toString()).start)
}

/** The local day (YYYY-MM-DD) some days after an instant. */
export const localDayAfter = (timezone: string, at: Date, days: number): string =>
  Temporal.PlainDate.from(localDateOf(timezone, at.getTime())).add({ days }).toString()

/** A month of use. Number 0 is the trial before the anchor. */
export interface UsageMonth {
  readonly number: number
  readonly start: Date
  readonly end: Date
}

/**
 * The month of use of an instant, whatever the billing cycle.
 * @param startedAt the start of the subscription: the first month does not begin earlier.
 */
export function usageMonthAt(anchorDay: string, timezone: string, startedAt: Date, at: Date): UsageMonth {
  const ends = (n: number) => boundary(anchorDay, "monthly", timezone, n)
  const today = Temporal.PlainDate.from(localDateOf(timezone, at.getTime()))
  // The number of months between two days is at most one off, because of a shorter month's last day.
  let number = Math.max(0, Temporal.PlainDate.from(anchorDay).until(today, { largestUnit: "months" }).months)
  while (number > 0 && ends(number - 1) > at) number--
  while (ends(number) <= at) number++
  const begins = number === 0 ? startedAt : ends(number - 1)
  return { number, start: begins < startedAt ? startedAt : begins, end: ends(number) }
}
