/** Amounts as decimal texts, exact at any size: no amount passes through a binary fraction. */
import { decimalsOf } from "#base/currencies.ts"

/** EN 16931 has two decimals at most (BR-DEC). So a currency with more has no XML. */
export const maxXmlDecimals = 2

export const hasXml = (currency: string): boolean => decimalsOf(currency) <= maxXmlDecimals

/** Such as "24.00" for 2400 EUR, "2400" for 2400 JPY, "-0.05" for -5 EUR. */
export function decimalText(amount: number, currency: string): string {
  const places = decimalsOf(currency)
  const digits = String(Math.abs(amount)).padStart(places + 1, "0")
  const whole = digits.slice(0, digits.length - places)
  return `${amount < 0 ? "-" : ""}${whole}${places === 0 ? "" : `.${digits.slice(-places)}`}`
}

/** A rate in hundredths of a percent, such as "19.00" for 1900. */
export const rateText = (rate: number): string => `${Math.floor(rate / 100)}.${String(rate % 100).padStart(2, "0")}`
