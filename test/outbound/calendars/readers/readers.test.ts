// Which reader of calendars reads what. A change of a library shows here. node-ical reads most by itself, but drops
// RDATE and what stands before FREQ. ical.js keeps all that stands in the file. So the project parses with ical.js, and
// expands rules and resolves zones by its own code.

import { expect, test } from "bun:test"
import {
  type CalendarReader,
  readWithIcalJs,
  readWithNodeIcal,
  readWithTsIcs,
} from "#test/harness/outbound/calendar-readers.ts"
import { calendarInputs, textOfInput } from "./inputs.ts"

const readers: Readonly<Record<string, CalendarReader>> = {
  "ical.js": readWithIcalJs,
  "node-ical": readWithNodeIcal,
  "ts-ics": readWithTsIcs,
}

test("a table of inputs and of the readers that read them right", () => {
  const table = calendarInputs.map((input) => [
    input.name,
    Object.keys(readers)
      .filter((name) => reads(name, input))
      .join(", "),
  ])
  expect(Object.fromEntries(table)).toEqual({
    "an instant in UTC": "ical.js, node-ical, ts-ics",
    "a local time with its VTIMEZONE": "ical.js, node-ical, ts-ics",
    "a local time with an IANA name and no VTIMEZONE": "node-ical, ts-ics",
    "a local time with a Windows name and no VTIMEZONE": "node-ical",
    "the second 02:30 of a night, which means the first": "",
    "02:30 of a night that skips it": "node-ical",
    "every week over a change of the clocks": "ical.js, node-ical",
    "EXDATE as a local time": "ical.js, node-ical, ts-ics",
    "EXDATE in UTC, with a VTIMEZONE": "ical.js, node-ical, ts-ics",
    "EXDATE in UTC, without a VTIMEZONE": "node-ical, ts-ics",
    "RDATE beside DTSTART": "",
    "RDATE beside a rule": "ical.js",
    "the 31st of months": "ical.js, node-ical",
    "29 February of years": "node-ical",
    "the last Friday of months": "ical.js, node-ical",
    "the last working day of months, by BYSETPOS": "ical.js, node-ical",
    "a rule whose FREQ stands last": "ical.js, ts-ics",
  })
})

const [from, to] = [new Date("2024-01-01T00:00:00Z"), new Date("2029-01-01T00:00:00Z")]

function reads(reader: string, input: (typeof calendarInputs)[number]): boolean {
  try {
    const starts = readers[reader]?.(textOfInput(input), from, to).map(({ start }) => start)
    return Bun.deepEquals(starts, input.starts)
  } catch {
    return false
  }
}
