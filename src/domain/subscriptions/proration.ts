/**
 * What a subscription costs, as pure functions over integer minor units. What previews a change of plan is what charges it.
 * A change takes back the unused rest of the old price and charges the rest of the new one, so a change there and back at one
 * instant costs nothing.
 */
import { type BillingCycle, boundary, localDayAfter } from "#domain/plans/periods.ts"

/** What a coupon takes off each of the first `periods` paid periods (null: of all): a percentage, or an amount. */
export interface Discount {
  readonly percentOff: number | null
  readonly amountOff: number | null
  readonly periods: number | null
}

/** What is taken off the price of the nth paid period (from 1); never more than the price. A half unit is rounded up. */
export function discountOn(price: number, discount: Discount | null, nthPeriod: number): number {
  if (discount === null || (discount.periods !== null && nthPeriod > discount.periods)) return 0
  if (discount.amountOff !== null) return Math.min(price, discount.amountOff)
  return proportionOf(price, discount.percentOff ?? 0, 100)
}

/** The part of an amount that a part of a whole is worth, rounded half up; exact at any size. */
export function proportionOf(amount: number, part: number, whole: number): number {
  const doubled = 2n * BigInt(amount) * BigInt(part) + BigInt(whole)
  return Number(doubled / (2n * BigInt(whole)))
}

/** What a subscription is at an instant, as far as its price goes. */
export interface Terms {
  readonly planId: string
  readonly billingCycle: BillingCycle
  readonly isTrial: boolean
  readonly anchorDay: string
  readonly periodNumber: number
  readonly periodStart: Date
  readonly periodEnd: Date
  /** Of the whole period after the coupon, minor units. */
  readonly periodAmount: number
  readonly billedPeriods: number
}

export interface Proration {
  /** What is charged for the new plan until the period ends, after the coupon. */
  readonly charge: number
  /** What the rest of the period on the old plan was worth. */
  readonly credit: number
  /** `charge` less `credit`; negative is a credit for later invoices. */
  readonly proratedAmount: number
  readonly after: Terms
}

/**
 * What a change of plan or billing cycle at an instant inside the present period means. With the same cycle the period stays;
 * another cycle begins a period of its own at once, which is charged whole. In a trial nothing is charged and its end stays.
 * @param price of the new plan for a period of the new cycle, minor units, before the coupon.
 */
export function prorate(
  terms: Terms,
  to: { readonly planId: string; readonly billingCycle: BillingCycle; readonly price: number },
  discount: Discount | null,
  timezone: string,
  at: Date,
): Proration {
  const { planId, billingCycle, price } = to
  if (terms.isTrial) {
    return { charge: 0, credit: 0, proratedAmount: 0, after: { ...terms, planId, billingCycle } }
  }
  const whole = terms.periodEnd.getTime() - terms.periodStart.getTime()
  const rest = terms.periodEnd.getTime() - at.getTime()
  const credit = proportionOf(terms.periodAmount, rest, whole)
  const isNewPeriod = billingCycle !== terms.billingCycle
  const billedPeriods = terms.billedPeriods + (isNewPeriod ? 1 : 0)
  const periodAmount = price - discountOn(price, discount, billedPeriods)
  const charge = isNewPeriod ? periodAmount : proportionOf(periodAmount, rest, whole)
  const period = isNewPeriod ? periodFrom(localDayAfter(timezone, at, 0), billingCycle, timezone, at) : {}
  return {
    charge,
    credit,
    proratedAmount: charge - credit,
    after: { ...terms, ...period, planId, billingCycle, periodAmount, billedPeriods },
  }
}

/** The first period from an anchor day, which begins at an instant of that day. */
export function periodFrom(anchorDay: string, cycle: BillingCycle, timezone: string, start: Date) {
  return { anchorDay, periodNumber: 1, periodStart: start, periodEnd: boundary(anchorDay, cycle, timezone, 1) }
}
