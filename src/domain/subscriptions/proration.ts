/**
 * The prices of a subscription, as pure functions over integer minor units. The preview of a plan change and its charge
 * use the same function.
 * A change credits the unused rest of the old price and charges the rest of the new one. So a change there and back at
 * one instant costs nothing.
 */
import { proportionOf } from "#base/money.ts"
import { type BillingCycle, boundary, localDayAfter } from "#domain/plans/periods.ts"

/** The discount of a coupon on each of the first `periods` paid periods (null: on all): a percentage, or an amount. */
export interface Discount {
  readonly percentOff: number | null
  readonly amountOff: number | null
  readonly periods: number | null
}

/**
 * The discount on the price of the nth paid period (from 1); never more than the price. Rounded half up.
 * @param unit the smallest amount that can be moved of the currency, minor units
 */
export function discountOn(price: number, discount: Discount | null, nthPeriod: number, unit = 1): number {
  if (discount === null || (discount.periods !== null && nthPeriod > discount.periods)) return 0
  if (discount.amountOff !== null) return Math.min(price, discount.amountOff)
  return Math.min(price, proportionOf(price, discount.percentOff ?? 0, 100, unit))
}

/** The facts of a subscription at an instant that its price depends on. */
export interface Terms {
  readonly planId: string
  readonly billingCycle: BillingCycle
  readonly isTrial: boolean
  readonly anchorDay: string
  readonly periodNumber: number
  readonly periodStart: Date
  readonly periodEnd: Date
  /** The price of the whole period after the coupon, minor units. */
  readonly periodAmount: number
  readonly billedPeriods: number
}

export interface Proration {
  /** The charge for the new plan until the period ends, after the coupon. */
  readonly charge: number
  /** The value of the rest of the period on the old plan. */
  readonly credit: number
  /** `charge` minus `credit`; negative is a credit for later invoices. */
  readonly proratedAmount: number
  readonly after: Terms
}

/**
 * The effect of a change of plan or billing cycle at an instant inside the present period.
 * - The same cycle: the period stays.
 * - Another cycle: a new period begins at once and is charged whole.
 * - In a trial: nothing is charged, and the end of the trial stays.
 *
 * @param to.price of a period of the new cycle, minor units, before the coupon
 * @param unit the smallest amount that can be moved of the currency: all amounts are rounded to it
 */
export function prorate(
  terms: Terms,
  to: { readonly planId: string; readonly billingCycle: BillingCycle; readonly price: number },
  discount: Discount | null,
  timezone: string,
  at: Date,
  unit = 1,
): Proration {
  const { planId, billingCycle, price } = to
  if (terms.isTrial) {
    return { charge: 0, credit: 0, proratedAmount: 0, after: { ...terms, planId, billingCycle } }
  }
  const whole = terms.periodEnd.getTime() - terms.periodStart.getTime()
  const rest = terms.periodEnd.getTime() - at.getTime()
  const credit = proportionOf(terms.periodAmount, rest, whole, unit)
  const isNewPeriod = billingCycle !== terms.billingCycle
  const billedPeriods = terms.billedPeriods + (isNewPeriod ? 1 : 0)
  const periodAmount = price - discountOn(price, discount, billedPeriods, unit)
  const charge = isNewPeriod ? periodAmount : proportionOf(periodAmount, rest, whole, unit)
  const period = isNewPeriod ? periodFrom(localDayAfter(timezone, at, 0), billingCycle, timezone, at) : {}
  return {
    charge,
    credit,
    proratedAmount: charge - credit,
    after: { ...terms, ...period, planId, billingCycle, periodAmount, billedPeriods },
  }
}

/** The first period from an anchor day. It begins at an instant of that day. */
export function periodFrom(anchorDay: string, cycle: BillingCycle, timezone: string, start: Date) {
  return { anchorDay, periodNumber: 1, periodStart: start, periodEnd: boundary(anchorDay, cycle, timezone, 1) }
}
