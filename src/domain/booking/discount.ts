/**
 * The discount on a booking: a share of the other lines of its price, as lines with negative amounts. Pure functions.
 * - The whole discount is rounded once, to what can be moved.
 * - A line has one tax rate. So there is one line of discount for each tax rate of the lines that it reduces.
 * - Its tax is its share of their tax. A discount of 100 % leaves neither a price nor a tax.
 */
import type { Member } from "#access/caller.ts"
import { NotAllowed } from "#base/errors.ts"
import { proportionOf, unitOf } from "#base/money.ts"
import { taxOfPart } from "#domain/ledger/tax.ts"
import type { BookingDiscount } from "./input.ts"
import type { BookingPlan } from "./planned.ts"
import { type BookedLine, type DiscountLine, type GoodLine, pricedBy } from "./price-lines.ts"

/** A discount is for staff and API keys to give. Throws NotAllowed. */
export function requireMayDiscount(member: Member, discount: BookingDiscount | undefined): void {
  if (discount !== undefined && !member.isStaff) throw new NotAllowed("A discount is given by staff and API keys.")
}

/** The plan with the discount on its price. */
export const discountedPlan = (plan: BookingPlan, discount: BookingDiscount | undefined): BookingPlan =>
  discount === undefined
    ? plan
    : { ...plan, ...pricedBy(discounted(withoutDiscount(plan.lines), discount, plan.currency)) }

/** The lines with the discount on them; without one as they are. A discount of nothing is kept too, for a move. */
export function discounted(
  lines: readonly GoodLine[],
  discount: BookingDiscount | undefined,
  currency: string,
): readonly BookedLine[] {
  if (discount === undefined) return lines
  let [gross, given] = [0, 0]
  // The coach is there while the court is booked.
  const minutes = lines.reduce((sum, line) => (line.kind === "coach" ? sum : sum + line.minutes), 0)
  const discounts = byTerms(lines).map((taxedAlike): DiscountLine => {
    const sum = sumOf(taxedAlike)
    gross += sum.gross
    const amount = proportionOf(gross, discount.percent, 100, unitOf(currency)) - given
    given += amount
    const { taxRate, taxIncluded } = taxedAlike[0] ?? {}
    return {
      kind: "discount",
      label: discount.reason,
      amount: 0 - amount,
      minutes,
      percent: discount.percent,
      ...(taxRate !== undefined && {
        taxRate,
        taxAmount: 0 - taxOfPart(sum, amount),
        taxIncluded: taxIncluded ?? true,
      }),
    }
  })
  return [...lines, ...discounts]
}

/** The discount that the lines contain. */
export function discountIn(lines: readonly BookedLine[]): BookingDiscount | undefined {
  const line = lines.find(isDiscount)
  return line && { percent: line.percent, reason: line.label }
}

export const withoutDiscount = (lines: readonly BookedLine[]): readonly GoodLine[] =>
  lines.filter((line) => !isDiscount(line))

const isDiscount = (line: BookedLine): line is DiscountLine => line.kind === "discount"

/** The lines by their rate and mode of tax, each group at the place of its first line. */
const byTerms = (lines: readonly GoodLine[]): GoodLine[][] => [
  ...Map.groupBy(lines, ({ taxRate = 0, taxIncluded = true }) => `${taxRate} ${taxIncluded}`).values(),
]

const sumOf = (lines: readonly GoodLine[]) => ({
  gross: lines.reduce((sum, { amount }) => sum + amount, 0),
  taxAmount: lines.reduce((sum, { taxAmount = 0 }) => sum + taxAmount, 0),
})
