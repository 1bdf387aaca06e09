/**
 * Days and instants of requests, as patterns that know the length of each month and the leap years. The OpenAPI
 * document has the same patterns, so a value that matches the document is never refused for its form.
 */
import * as Schema from "effect/Schema"

/** Every calendar computation here can handle these years. Of the leap years 2100 and 2200 are none. */
const yearTo2199 = "(?:19[7-9]\\d|2[01]\\d{2})"
const yearTo2200 = "(?:19[7-9]\\d|2[01]\\d{2}|2200)"
const leapYear = "(?:19(?:7[26]|8[048]|9[26])|20(?:[02468][048]|[13579][26])|21(?:0[48]|[2468][048]|[13579][26]))"
const monthAndDay =
  "(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8])"
const dayIn = (year: string) => `(?:${year}-(?:${monthAndDay})|${leapYear}-02-29)`
const time = "(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,9})?)?"
const offset = "(?:Z|[+-](?:0\\d|1[0-4]):[0-5]\\d)"

/**
 * An instant in ISO 8601 with its offset from UTC, of the years 1970 to 2200. `Date.parse` reads it. The seconds may be
 * left out, as input fields of browsers do. RFC 3339 has no such form, so the document does not call it `date-time`.
 */
export const Instant = Schema.String.annotate({
  description: "instant, ISO 8601 with Z or an offset",
  examples: ["2030-06-03T08:00:00Z"],
}).check(
  Schema.isPattern(new RegExp(`^${dayIn(yearTo2200)}T${time}${offset}$`, "u"), {
    expected: "an instant such as 2026-03-01T09:00:00Z, of the years 1970 to 2200",
  }),
)

/** A calendar day (YYYY-MM-DD) that exists, of the years 1970 to 2199. The next day exists too. */
export const LocalDay = Schema.String.annotate({
  description: "local day of the facility",
  format: "date",
  examples: ["2030-06-03"],
}).check(
  Schema.isPattern(new RegExp(`^${dayIn(yearTo2199)}$`, "u"), {
    expected: "a day such as 2026-03-01, of the years 1970 to 2199",
  }),
)
