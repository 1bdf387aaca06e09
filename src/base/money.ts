/**
 * What can be moved of a currency: the smallest unit, and the least amount that a card can be charged with. Both hold
 * whichever provider is configured, because a facility's provider may change and its amounts stay.
 * The numbers are those of https://docs.stripe.com/currencies. Amounts are minor units of the currency, as ISO 4217
 * counts them. All functions are exact at any size.
 */
import { RuleBroken } from "./errors.ts"

/**
 * The smallest amount that can be moved; every computed amount is a multiple of it.
 * - Of the three decimals of these currencies the last one must be 0.
 * - Whole forints and Taiwan dollars are paid out, and whole ariary are charged.
 */
export const unitOf = (currency: string): number => units.get(currency) ?? 1

/** The least amount of a card payment; 1 where no least amount is published. */
export const leastChargeOf = (currency: string): number => leastCharges.get(currency) ?? unitOf(currency)

/** 10^12 of any currency is more than a court costs, and sums of it stay below 2^53. */
export const maxMoney = 1_000_000_000_000

export const isMovable = (amount: number, currency: string): boolean => amount % unitOf(currency) === 0

/** Whether a card can be charged with the amount. */
export const isChargeable = (amount: number, currency: string): boolean =>
  isMovable(amount, currency) && amount >= leastChargeOf(currency)

/**
 * Refuses an amount that a person entered and nobody can move.
 * @param path of the field, such as body.hourlyPrice
 * @throws RuleBroken `amount_not_movable`
 */
export function requireMovable(amount: number | null | undefined, currency: string, path: string): void {
  if (amount === null || amount === undefined || isMovable(amount, currency)) return
  const unit = unitOf(currency)
  throw new RuleBroken("amount_not_movable", `Amounts in ${currency} are multiples of ${unit} minor units.`, [
    { path, message: `must be a multiple of ${unit}` },
  ])
}

/** Refuses what a card cannot be charged with. Throws RuleBroken `amount_not_chargeable`. */
export function requireChargeable(amount: number, currency: string, path = "body.amount"): void {
  if (amount === 0 || isChargeable(amount, currency)) return
  const [least, unit] = [leastChargeOf(currency), unitOf(currency)]
  const expected = `at least ${least} minor units of ${currency}${unit === 1 ? "" : `, and a multiple of ${unit}`}`
  throw new RuleBroken(
    "amount_not_chargeable",
    `A card cannot be charged with ${amount} minor units of ${currency}: it takes ${expected}. Pay at the desk.`,
    [{ path, message: `must be ${expected}` }],
  )
}

/** The share of an amount, as a part of a whole, rounded half up to a multiple of `unit`. */
export function proportionOf(amount: number, part: number, whole: number, unit = 1): number {
  const steps = BigInt(whole) * BigInt(unit)
  return Number((2n * BigInt(amount) * BigInt(part) + steps) / (2n * steps)) * unit
}

/** The amount as a multiple of the unit, half up. */
export const roundedTo = (unit: number, amount: number): number => proportionOf(amount, 1, 1, unit)

const units: ReadonlyMap<string, number> = new Map([
  ...["BHD", "JOD", "KWD", "OMR", "TND"].map((currency) => [currency, 10] as const),
  ...["HUF", "MGA", "TWD"].map((currency) => [currency, 100] as const),
])

/** Stripe's list. Of other currencies the least amount follows from the day's exchange rate. */
const leastCharges: ReadonlyMap<string, number> = new Map(
  Object.entries({
    AED: 200,
    AUD: 50,
    BGN: 100,
    BRL: 50,
    CAD: 50,
    CHF: 50,
    CZK: 1500,
    DKK: 250,
    EUR: 50,
    GBP: 30,
    HKD: 400,
    HUF: 17_500,
    INR: 50,
    JPY: 50,
    MXN: 1000,
    MYR: 200,
    NOK: 300,
    NZD: 50,
    PLN: 200,
    RON: 200,
    SEK: 300,
    SGD: 50,
    THB: 1000,
    USD: 50,
  }),
)
