/**
 * The fields that request bodies and queries share. Every text has a named maximum length, every number a range that
 * its column can hold.
 * (`decode.ts` refuses NUL and lone surrogates in all text.)
 */
import * as Schema from "effect/Schema"
import { isLocalDate } from "#base/local-days.ts"

const maxNameLength = 200
const maxNoteLength = 2_000
/** RFC 5321, 4.5.3.1: a path of 256 characters, less its angle brackets. */
const maxEmailLength = 254
/** The range of instants, years. Every calendar computation here can handle it. */
const [firstYear, lastYear] = [1970, 2200]

const currencies = new Set(Intl.supportedValuesOf("currency"))

/** A name of a person, a facility or a resource: something visible, without space around it. */
export const Name = Schema.String.check(
  Schema.isMaxLength(maxNameLength),
  Schema.isPattern(/^\S(?:[\s\S]*\S)?$/u, { expected: "text that does not begin or end with space" }),
)

/** Free text of a person; may be empty. */
export const Note = Schema.String.check(Schema.isMaxLength(maxNoteLength))

/** A UUID in either case; answered and stored in lower case. */
export const Id = Schema.String.annotate({ description: "UUID", format: "uuid" }).check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/iu, { expected: "a UUID" }),
)

/** An e-mail address as people type it: the space around it and its case do not count. */
export const Email = Schema.String.annotate({ description: "e-mail address", format: "email" }).check(
  Schema.isMaxLength(maxEmailLength),
  Schema.isPattern(/^\s*[^\s@,;<>"()]+@[^\s@.,;<>"()]+(?:\.[^\s@.,;<>"()]+)+\s*$/u, { expected: "an e-mail address" }),
)
/** Addresses are kept and compared in this form. */
export const normalEmail = (email: string): string => email.trim().toLowerCase()

/** An IANA time zone that this program knows. Offsets such as +02:00 are refused: they have no summer time. */
export const Timezone = Schema.String.annotate({ description: "IANA time zone, such as Europe/Berlin" }).check(
  Schema.isMaxLength(64),
  Schema.makeFilter((name: string) => isTimezone(name), {
    expected: "an IANA time zone such as Europe/Berlin",
    toJsonSchema: () => [{}, true],
  }),
)

export const Currency = Schema.String.annotate({ description: "ISO 4217 code" }).check(
  Schema.makeFilter((code: string) => currencies.has(code), {
    expected: "an ISO 4217 code such as EUR",
    toJsonSchema: () => [{ pattern: "^[A-Z]{3}$" }, true],
  }),
)

/** Minor units. 10^12 of any currency is more than a court costs, and sums of it stay below 2^53. */
export const Money = Schema.Int.annotate({ description: "minor units of the facility's currency" }).check(
  Schema.isBetween({ minimum: 0, maximum: 1_000_000_000_000 }),
)

/** Counts the changes of a thing, from 1. */
export const Version = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/** An instant in ISO 8601 with its offset from UTC, of the years 1970 to 2200. `Date.parse` reads it. */
export const Instant = Schema.String.annotate({
  description: "instant, ISO 8601 with Z or an offset",
  format: "date-time",
}).check(
  Schema.makeFilter((text: string) => isInstant(text), {
    expected: `an instant such as 2026-03-01T09:00:00Z, of the years ${firstYear} to ${lastYear}`,
    toJsonSchema: () => [{}, true],
  }),
)

/** A calendar day (YYYY-MM-DD) that exists, of the years 1970 to 2199. */
export const LocalDay = Schema.String.annotate({ description: "local day of the facility", format: "date" }).check(
  Schema.makeFilter((text: string) => isLocalDate(text) && text > String(firstYear) && text < String(lastYear), {
    expected: `a day such as 2026-03-01, of the years ${firstYear} to ${lastYear - 1}`,
    toJsonSchema: () => [{ pattern: "^\\d{4}-\\d{2}-\\d{2}$" }, true],
  }),
)

const instantPattern =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/

function isInstant(text: string): boolean {
  const [match, year, month, day] = instantPattern.exec(text) ?? []
  if (match === undefined || Number(year) < firstYear || Number(year) > lastYear) return false
  // A day that its month does not have would roll over into the next month.
  return (
    Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= daysIn(Number(year), Number(month))
  )
}

const daysIn = (year: number, month: number) => new Date(Date.UTC(year, month, 0)).getUTCDate()

function isTimezone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone.length > 0
  } catch {
    return false
  }
}
