// Calendars that readers disagree about, with the starts that RFC 5545 gives. They are what other programs write.

export interface CalendarInput {
  readonly name: string
  readonly event: readonly string[]
  /** The VTIMEZONE of Berlin stands before the event. */
  readonly zone?: true
  /** UTC, in order. */
  readonly starts: readonly string[]
}

const berlin = [
  "BEGIN:VTIMEZONE",
  "TZID:Europe/Berlin",
  "BEGIN:DAYLIGHT",
  "DTSTART:19810329T020000",
  "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
  "TZOFFSETFROM:+0100",
  "TZOFFSETTO:+0200",
  "END:DAYLIGHT",
  "BEGIN:STANDARD",
  "DTSTART:19961027T030000",
  "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
  "TZOFFSETFROM:+0200",
  "TZOFFSETTO:+0100",
  "END:STANDARD",
  "END:VTIMEZONE",
]

/** The text of an input, with an hour as the event's length. */
export const textOfInput = ({ event, zone }: CalendarInput): string =>
  [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Somebody//EN",
    ...(zone ? berlin : []),
    "BEGIN:VEVENT",
    "UID:one",
    "DTSTAMP:20260101T000000Z",
    "DURATION:PT1H",
    "SUMMARY:Training",
    ...event,
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ].join("\r\n")

const inBerlin = (local: string) => `DTSTART;TZID=Europe/Berlin:${local}`

export const calendarInputs: readonly CalendarInput[] = [
  { name: "an instant in UTC", event: ["DTSTART:20260312T170000Z"], starts: ["2026-03-12T17:00:00Z"] },
  {
    name: "a local time with its VTIMEZONE",
    zone: true,
    event: [inBerlin("20260702T180000")],
    starts: ["2026-07-02T16:00:00Z"],
  },
  {
    name: "a local time with an IANA name and no VTIMEZONE",
    event: [inBerlin("20260702T180000")],
    starts: ["2026-07-02T16:00:00Z"],
  },
  {
    name: "a local time with a Windows name and no VTIMEZONE",
    event: ["DTSTART;TZID=W. Europe Standard Time:20260702T180000"],
    starts: ["2026-07-02T16:00:00Z"],
  },
  {
    name: "the second 02:30 of a night, which means the first",
    zone: true,
    event: [inBerlin("20261025T023000")],
    starts: ["2026-10-25T00:30:00Z"],
  },
  {
    name: "02:30 of a night that skips it",
    zone: true,
    event: [inBerlin("20260329T023000")],
    starts: ["2026-03-29T01:30:00Z"],
  },
  {
    name: "every week over a change of the clocks",
    zone: true,
    event: [inBerlin("20260324T190000"), "RRULE:FREQ=WEEKLY;COUNT=2"],
    starts: ["2026-03-24T18:00:00Z", "2026-03-31T17:00:00Z"],
  },
  {
    name: "EXDATE as a local time",
    zone: true,
    event: [inBerlin("20260407T190000"), "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;TZID=Europe/Berlin:20260414T190000"],
    starts: ["2026-04-07T17:00:00Z", "2026-04-21T17:00:00Z"],
  },
  {
    name: "EXDATE in UTC, with a VTIMEZONE",
    zone: true,
    event: [inBerlin("20260407T190000"), "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20260414T170000Z"],
    starts: ["2026-04-07T17:00:00Z", "2026-04-21T17:00:00Z"],
  },
  {
    name: "EXDATE in UTC, without a VTIMEZONE",
    event: [inBerlin("20260407T190000"), "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20260414T170000Z"],
    starts: ["2026-04-07T17:00:00Z", "2026-04-21T17:00:00Z"],
  },
  {
    name: "RDATE beside DTSTART",
    event: ["DTSTART:20260407T170000Z", "RDATE:20260409T170000Z"],
    starts: ["2026-04-07T17:00:00Z", "2026-04-09T17:00:00Z"],
  },
  {
    name: "RDATE beside a rule",
    event: ["DTSTART:20260407T170000Z", "RRULE:FREQ=WEEKLY;COUNT=2", "RDATE:20260409T170000Z"],
    starts: ["2026-04-07T17:00:00Z", "2026-04-09T17:00:00Z", "2026-04-14T17:00:00Z"],
  },
  {
    name: "the 31st of months",
    event: ["DTSTART:20260131T090000Z", "RRULE:FREQ=MONTHLY;COUNT=3"],
    starts: ["2026-01-31T09:00:00Z", "2026-03-31T09:00:00Z", "2026-05-31T09:00:00Z"],
  },
  {
    name: "29 February of years",
    event: ["DTSTART:20240229T090000Z", "RRULE:FREQ=YEARLY;COUNT=2"],
    starts: ["2024-02-29T09:00:00Z", "2028-02-29T09:00:00Z"],
  },
  {
    name: "the last Friday of months",
    event: ["DTSTART:20260130T090000Z", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=3"],
    starts: ["2026-01-30T09:00:00Z", "2026-02-27T09:00:00Z", "2026-03-27T09:00:00Z"],
  },
  {
    name: "the last working day of months, by BYSETPOS",
    event: ["DTSTART:20260130T090000Z", "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3"],
    starts: ["2026-01-30T09:00:00Z", "2026-02-27T09:00:00Z", "2026-03-31T09:00:00Z"],
  },
  {
    name: "a rule whose FREQ stands last",
    event: ["DTSTART:20260407T170000Z", "RRULE:COUNT=2;FREQ=WEEKLY"],
    starts: ["2026-04-07T17:00:00Z", "2026-04-14T17:00:00Z"],
  },
]
