/**
 * Phone numbers, as people write them and in E.164. One library in one edition decides: libphonenumber-js with the full
 * metadata ("max"). The smaller editions know only how long a number may be, so a mistyped digit would pass. They do
 * not tell a mobile number from one that costs whoever sends to it.
 */
import { type CountryCode, isSupportedCountry, ParseError, parsePhoneNumberWithError } from "libphonenumber-js/max"

/** What is wrong with a number, in words for the person who typed it. */
export interface WrongNumber {
  readonly wrong: string
}

/**
 * The number in E.164, such as +4915112345678. Spaces, dashes, slashes and brackets do not count.
 * @param country ISO 3166-1, for a number without its country code
 */
export function e164Of(text: string, country?: string): string | WrongNumber {
  if (country !== undefined && !isSupportedCountry(country)) return { wrong: `There are no numbers of ${country}` }
  try {
    const number = parsePhoneNumberWithError(text.trim(), {
      ...(country !== undefined && { defaultCountry: country as CountryCode }),
      extract: false,
    })
    if (number.ext !== undefined) return { wrong: "Expected a number without an extension: no text reaches one" }
    if (!number.isValid()) return { wrong: "There is no such number: look at each digit" }
    const kind = number.getType()
    if (kind !== undefined && !reachedBySms.has(kind)) return { wrong: "No text message reaches a number of this kind" }
    return number.number
  } catch (error) {
    if (error instanceof ParseError) return { wrong: faults[error.message] ?? "Expected a phone number" }
    throw error
  }
}

export const isCountry = (code: string): boolean => isSupportedCountry(code)

/** Landlines stay: many networks read texts aloud there. Premium and shared-cost numbers would charge the sender. */
const reachedBySms: ReadonlySet<string> = new Set([
  "MOBILE",
  "FIXED_LINE",
  "FIXED_LINE_OR_MOBILE",
  "VOIP",
  "PERSONAL_NUMBER",
])

const faults: Readonly<Record<string, string>> = {
  INVALID_COUNTRY: "Expected a number with its country code, such as +49 151 12345678, or a country beside it",
  NOT_A_NUMBER: "Expected a phone number",
  TOO_SHORT: "The number has too few digits",
  TOO_LONG: "The number has too many digits",
  INVALID_LENGTH: "The number has too few or too many digits for its country",
}
