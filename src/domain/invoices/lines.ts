/**
 * The lines of a paper, and how an amount is divided over what is sold: pure functions in whole minor units.
 * - An amount is divided in proportion to what is left of each part. Each part is rounded so that the parts sum to the
 *   amount, and no part is negative or more than is left of it.
 * - The tax of a part is its share of the tax that is left. The last part takes the rest, so parts add up to the whole.
 */
import { proportionOf } from "#base/money.ts"

/** As it is stored in `invoices.lines`. Amounts are minor units. */
export interface PaperLine {
  /** What is sold, so that later papers know what is left of it: "price 1900", "charge no_show_fee". */
  readonly key: string
  readonly kind: "court" | "coach" | "agreed" | "discount" | "part" | "fee" | "subscription" | "account" | "other"
  readonly label: string
  /** With the tax; negative for a discount. */
  readonly amount: number
  /** Hundredths of a percent; 0: not taxed. */
  readonly taxRate: number
  readonly taxAmount: number
  readonly minutes?: number
  readonly hourlyPrice?: number
  /** When and where: local days and times of the facility. */
  readonly detail?: LineDetail
}

export interface LineDetail {
  readonly place?: string
  readonly who?: string
  readonly from: string
  readonly to: string
}

/** What is sold under one key, with its sums. */
export interface Sold {
  readonly key: string
  readonly taxRate: number
  readonly gross: number
  readonly tax: number
}

export interface TaxSum {
  readonly taxRate: number
  readonly net: number
  readonly tax: number
  readonly gross: number
}

/** The sums of a paper by tax rate, the highest rate first. */
export function taxesOf(lines: readonly PaperLine[]): TaxSum[] {
  const byRate = Map.groupBy(lines, ({ taxRate }) => taxRate)
  return [...byRate]
    .toSorted(([a], [b]) => b - a)
    .map(([taxRate, alike]) => {
      const [gross, tax] = [sumOf(alike, "amount"), sumOf(alike, "taxAmount")]
      return { taxRate, net: gross - tax, tax, gross }
    })
}

/** The sums of the lines by key, in the order of their first lines. */
export const soldIn = (lines: readonly PaperLine[]): Sold[] =>
  [...Map.groupBy(lines, ({ key }) => key)].map(([key, alike]) => ({
    key,
    taxRate: alike[0]?.taxRate ?? 0,
    gross: sumOf(alike, "amount"),
    tax: sumOf(alike, "taxAmount"),
  }))

/** What is left of `sold` after earlier papers; never negative. */
export function leftOf(sold: readonly Sold[], taken: ReadonlyMap<string, { gross: number; tax: number }>): Sold[] {
  return sold.map((each) => {
    const { gross = 0, tax = 0 } = taken.get(each.key) ?? {}
    const left = Math.max(0, each.gross - gross)
    return { ...each, gross: left, tax: Math.min(left, Math.max(0, each.tax - tax)) }
  })
}

/** Divides an amount over what is left. The amount must not exceed it. */
export function divided(amount: number, left: readonly Sold[]): Sold[] {
  const whole = left.reduce((sum, { gross }) => sum + gross, 0)
  if (whole === 0) return []
  let [reached, given] = [0, 0]
  return left.flatMap((each) => {
    reached += each.gross
    const part = proportionOf(reached, amount, whole) - given
    given += part
    if (part === 0) return []
    return [{ ...each, gross: part, tax: proportionOf(each.tax, part, each.gross) }]
  })
}

const sumOf = (lines: readonly PaperLine[], field: "amount" | "taxAmount") =>
  lines.reduce((sum, line) => sum + line[field], 0)
