/**
 * What can be moved of a currency: the smallest unit, and the least amount that a card can be charged with. Both hold
 * whichever provider is configured, because a facility's provider may change and its amounts stay.
 * The numbers are those of https://docs.stripe.com/currencies. Amounts are minor units of the currency, as ISO 4217
 * counts them. All functions are pure and exact at any size.
 */

/**
 * The smallest amount that can be moved; every computed amount is a multiple of it.
 * - Of the three decimals of these currencies the last one must be 0.
 * - Whole forints and Taiwan dollars are paid out, and whole ariary are charged.
 */
export const unitOf = (currency: string): number => units.get(currency) ?? 1

/** The least amount of a card payment; 1 where no least amount is published. */
export const leastChargeOf = (currency: string): number => leastCharges.get(currency) ?? unitOf(currency)

export const isMovable = (amount: number, currency: string): boolean => amount % unitOf(currency) === 0

/** Whether a card can be charged with the amount. */
export const isChargeable = (amount: number, currency: string): boolean =>
  isMovable(amount, currency) && amount >= leastChargeOf(currency)

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
