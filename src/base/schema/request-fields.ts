/**
 * The fields that request bodies and queries share. Every text has its characters (`text-fields.ts`) and a named
 * maximum length, every number a range that its column can hold. What a field takes is in its JSON Schema, as a
 * pattern or a limit. What no JSON Schema can say is a `rule`.
 */
import * as Schema from "effect/Schema"

export { Instant, LocalDay } from "./calendar-fields.ts"

import { isCurrency } from "#base/currencies.ts"
import { isZone } from "#base/zones/zone-data.ts"
import { rule } from "./rule.ts"
import { atLeast, atMost, linesUpTo, lineUpTo, oneLinePattern } from "./text-fields.ts"

const maxNameLength = 200
const maxNoteLength = 2_000
/** RFC 5321, 4.5.3.1: a path of 256 characters, less its angle brackets. */
const maxEmailLength = 254
const zoneExpected = "an IANA time zone such as Europe/Berlin"
const currencyExpected = "an ISO 4217 code such as EUR"

/** A name of a person, a facility or a resource: one line. */
export const Name = lineUpTo(maxNameLength)

/** Free text of a person; may be empty. */
export const Note = linesUpTo(maxNoteLength)

/** Free text of a person that says something, such as a reason. */
export const WrittenNote = Note.check(atLeast(1))

/** A UUID in either case; answered and stored in lower case. Without the example, pages show random characters. */
export const Id = Schema.String.annotate({
  description: "UUID",
  format: "uuid",
  examples: ["01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01"],
}).check(
  // No flag "i": the document could not say it.
  Schema.isPattern(/^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$/u, {
    expected: "a UUID",
  }),
)

/**
 * An e-mail address as people type it: the spaces around it and its case do not count. It has no `format`, because
 * `email` allows neither spaces nor letters beyond ASCII.
 */
export const Email = Schema.String.annotate({
  description: "e-mail address",
  examples: ["mia@example.com"],
}).check(
  atMost(maxEmailLength),
  Schema.isPattern(/^ *[^\s@,;<>"()]+@[^\s@.,;<>"()]+(?:\.[^\s@.,;<>"()]+)+ *$/u, {
    expected: "an e-mail address",
  }).abort(),
  Schema.isPattern(oneLinePattern, { expected: "an e-mail address without control or invisible characters" }),
)
/** Addresses are kept and compared in this form. The same letters may be written in two ways (é, and e with ´). */
export const normalEmail = (email: string): string => email.trim().normalize("NFC").toLowerCase()

/** An IANA time zone that this program knows. Offsets such as +02:00 are refused: they have no summer time. */
export const Timezone = Schema.String.annotate({
  description: "IANA time zone, such as Europe/Berlin",
  examples: ["Europe/Berlin"],
}).check(
  atMost(64),
  // The list of zones changes with the zone data, so it is no list of the document.
  Schema.isPattern(/^[A-Za-z][A-Za-z0-9_+/-]*$/u, { expected: zoneExpected }).abort(),
  rule("a time zone is one that this server knows", isZone, zoneExpected),
)

/** Money of today. The list of currencies changes, so it is no list of the document. */
export const Currency = Schema.String.annotate({ description: "ISO 4217 code", examples: ["EUR"] }).check(
  Schema.isPattern(/^[A-Z]{3}$/u, { expected: currencyExpected }).abort(),
  rule("a currency is money of today, by ISO 4217", isCurrency, currencyExpected),
)

/** Minor units. 10^12 of any currency is more than a court costs, and sums of it stay below 2^53. */
export const Money = Schema.Int.annotate({ description: "minor units of the facility's currency" }).check(
  Schema.isBetween({ minimum: 0, maximum: 1_000_000_000_000 }),
)

/** A whole number in a query, as numbers are written: no sign, no leading zero. The document shows it as a number. */
export const wholeNumberText = (minimum: number, maximum: number) =>
  Schema.String.annotate({ format: "int32" }).check(
    Schema.makeFilter(
      (text: string) => /^(?:0|[1-9]\d{0,9})$/u.test(text) && Number(text) >= minimum && Number(text) <= maximum,
      { expected: `a whole number from ${minimum} to ${maximum}`, toJsonSchema: () => ({ minimum, maximum }) },
    ),
  )

/** Counts the changes of a thing, from 1. */
export const Version = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))
