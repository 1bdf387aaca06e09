/**
 * What tokens of a service cost, as the operator configures it. A price is in minor units of a currency for a million
 * tokens, and may have decimals: 0.375 euros are 37.5.
 */
import { BadConfig } from "./bad-config.ts"
import { decimalsOf, isCurrency } from "./currencies.ts"

/** By currency. A currency without a price is not known. */
export type TokenPrices = Readonly<Record<string, number>>

/** A million tokens of the dearest model cost less, in any currency. */
const maxPrice = 1_000_000_000

/** Reads prices such as `EUR 0.60, USD 0.65`. Throws BadConfig. */
export function tokenPricesIn(variable: string, text: string | undefined): TokenPrices {
  const prices: Record<string, number> = {}
  for (const part of (text ?? "").split(",").map((each) => each.trim())) {
    if (part === "" && text === undefined) continue
    const [, currency = "", amount = ""] = /^([A-Z]{3}) (\d{1,9}(?:\.\d{1,6})?)$/.exec(part) ?? []
    const price = Number(amount) * 10 ** decimalsOf(currency)
    if (!isCurrency(currency) || currency in prices || price > maxPrice)
      throw new BadConfig(
        `${variable} is "${text}"; set it to the price of a million tokens, once in each currency, such as EUR 0.60, USD 0.65.`,
      )
    prices[currency] = Number(price.toFixed(6))
  }
  return prices
}
