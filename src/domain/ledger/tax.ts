/**
 * Tax in whole minor units. Pure functions.
 * - Each line is taxed alone and rounded half up. The tax of several lines is the sum of theirs, so it is exact.
 * - What is due is always the gross amount: `price_amount` of a booking, `amount` of a charge or an invoice.
 * - Inclusive: the asked price is the gross amount, which contains the tax.
 * - Exclusive: the asked price is the net amount, and the tax is added to it.
 * A line keeps its rate and its tax. A later change computes with the kept rate and never with the present one.
 */
import { proportionOf, unitOf } from "#base/money.ts"
import { rateOf, type TaxedGood, type TaxTerms } from "#domain/club/tax-rates.ts"

/** A percent has a hundred of these: rates are hundredths of a percent. */
const whole = 10_000

/** A line with its tax, minor units. `net + taxAmount` is `gross`. */
export interface TaxedLine {
  readonly net: number
  /** Hundredths of a percent. */
  readonly taxRate: number
  readonly taxAmount: number
  readonly gross: number
}

/**
 * A line of a good at the facility's present terms.
 * @param asked the price by the price list, minor units, a multiple of the currency's smallest unit
 */
export function taxed(asked: number, good: TaxedGood, terms: TaxTerms, currency: string): TaxedLine {
  const taxRate = rateOf(terms, good)
  if (terms.mode === "inclusive") return lineOf(asked, taxRate)
  // The gross amount must be movable, so the added tax is rounded to what can be moved.
  const taxAmount = proportionOf(asked, taxRate, whole, unitOf(currency))
  return { net: asked, taxRate, taxAmount, gross: asked + taxAmount }
}

/** A gross amount with the tax that it contains at a kept rate. */
export function lineOf(gross: number, taxRate: number): TaxedLine {
  const taxAmount = proportionOf(gross, taxRate, whole + taxRate)
  return { net: gross - taxAmount, taxRate, taxAmount, gross }
}

/**
 * The tax in a part of a line, such as a refund, after other parts. The parts of a line add up to its tax.
 * @param before the gross amount of the earlier parts, minor units
 */
export const taxOfPart = (line: Pick<TaxedLine, "gross" | "taxAmount">, part: number, before = 0): number =>
  line.gross === 0
    ? 0
    : proportionOf(line.taxAmount, before + part, line.gross) - proportionOf(line.taxAmount, before, line.gross)

/** The sums of some lines. */
export const sumOfLines = (lines: readonly TaxedLine[]) => ({
  net: sum(lines.map(({ net }) => net)),
  taxAmount: sum(lines.map(({ taxAmount }) => taxAmount)),
  gross: sum(lines.map(({ gross }) => gross)),
})

const sum = (amounts: readonly number[]) => amounts.reduce((total, each) => total + each, 0)
