// Phone numbers as people write them.

import { expect, test } from "bun:test"
import { e164Of } from "#domain/people/phones/numbers.ts"

test("a number is kept in one form, however it is written", () => {
  for (const text of ["+4915112345678", "+49 151 12345678", " +49 (151) 123-456-78 ", "+49/151/12345678"])
    expect(e164Of(text)).toBe("+4915112345678")
  expect(e164Of("0151 12345678", "DE")).toBe("+4915112345678")
  expect(e164Of("(212) 555-0123", "US")).toBe("+12125550123")
  expect(e164Of("07624 123456", "GB")).toBe("+447624123456") // of the Isle of Man, as the library says
})

test.each([
  [
    "0151 12345678",
    undefined,
    "Expected a number with its country code, such as +49 151 12345678, or a country beside it",
  ],
  ["0151 12345678", "XX", "There are no numbers of XX"],
  ["+49 1", undefined, "The number has too few digits"],
  ["+49 151 1234567890123456789", undefined, "The number has too many digits"],
  ["call me at +49 151 12345678", undefined, "Expected a phone number"],
  ["Mia", undefined, "Expected a phone number"],
  ["", undefined, "Expected a phone number"],
  ["+1 000 000 0000", undefined, "There is no such number: look at each digit"],
  ["+49 151 12345678 ext. 5", undefined, "Expected a number without an extension: no text reaches one"],
  ["+49 900 1234567", undefined, "No text message reaches a number of this kind"],
  ["+800 1234 5678", undefined, "No text message reaches a number of this kind"],
])("%p of %p is refused in words", (text, country, wrong) => {
  expect(e164Of(text, country)).toEqual({ wrong })
})
