/**
 * Local time comes from the project's own zone data. The runtime and PostgreSQL have other data, which only another
 * runtime or server renews. With that a club would be an hour off.
 */

import { type Law, product } from "./law.ts"
import { codeOf } from "./reading/typescript.ts"

const places = /^src\/base\/zones\//
const resolves =
  /\btoZonedDateTime(ISO)?\b|\bTemporal\s*\.\s*(ZonedDateTime|Now)\b|\.\s*to(Locale)?(Date|Time)String\b|\bget(Hours|Minutes|Date|Day|Month|FullYear|TimezoneOffset)\s*\(|\btimeZone\s*:/
/** UTC is the same everywhere. */
const utc = /toZonedDateTime\("UTC"\)|timeZone: "UTC"/g

export const zonesLaw: Law = {
  name: "local time is read in src/base/zones, by the project's own zone data",
  reads: [product],
  check: (sources) =>
    sources
      .filter(({ path }) => !places.test(path))
      .flatMap(({ path, text }) => {
        const found = resolves.exec(codeOf(text.replaceAll(utc, "")))?.[0]
        return found === undefined ? [] : [{ file: path, says: `reads local time by ${found.replace(/^\.\s*/, "")}` }]
      }),
  exceptions: {
    "src/outbound/messages/format.ts": "takes the names of zones from the runtime, and no time",
  },
  broken: [
    {
      tree: {
        "src/a.ts": "Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)",
        "src/b.ts": 'new Intl.DateTimeFormat("en", { timeZone: zone })',
        "actors/c.ts": "new Date(at).getHours()",
        "src/d.ts": 'day.toZonedDateTime("UTC"); day.toZonedDateTime(zone)',
      },
      says: [
        "src/a.ts reads local time by toZonedDateTimeISO",
        "src/b.ts reads local time by timeZone:",
        "actors/c.ts reads local time by getHours(",
        "src/d.ts reads local time by toZonedDateTime",
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/base/zones/runtime-zones.ts": "at.toZonedDateTimeISO(zone)",
        "src/a.ts": 'Temporal.PlainDate.from(day).toZonedDateTime("UTC")\nnew Date(at).getUTCHours()',
        "src/b.ts": 'new Intl.DateTimeFormat("en", { timeZone: "UTC" }) // timeZone: zone',
      },
    },
  ],
}
