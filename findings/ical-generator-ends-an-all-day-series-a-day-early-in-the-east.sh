#!/usr/bin/env bash
# ical-generator 10.2.0 as writer; ical.js 2.2.1, node-ical 0.27.2 and ts-ics 2.4.6 as readers. Node 20 or later.
#
# Question: a hall is closed all day on each Saturday, from 21 November until 5 December 2026. The server runs in the
# club's zone. Start and end of the series are midnights of these days, new Date(2026, 11, 5), with `allDay` and
# `timezone`. How many Saturdays do calendars show?
# Guess before the run: three Saturdays. UNTIL is written as a day, 20261205, as DTSTART is (RFC 5545, 3.3.10: both
# have the same value type), and the last day counts.
# Seen: DTSTART is the club's day, UNTIL is an instant in UTC. East of Greenwich that instant is on the day before, so
# all three readers leave out the last Saturday. In UTC and west of it they show three.
# A rule that is handed over as text, with UNTIL=20261205, passes through unchanged and is right in Berlin.
# So the last day of a closure, or of a course, is missing in Berlin and Tokyo and there in New York.
#
# Output seen:
#   zone                    DTSTART   UNTIL             ical.js  node-ical  ts-ics
#   Europe/Berlin           20261121  20261204T230000Z  2        2          2
#   Asia/Tokyo              20261121  20261204T150000Z  2        2          2
#   UTC                     20261121  20261205T000000Z  3        3          3
#   America/New_York        20261121  20261205T050000Z  3        3          3
#   Europe/Berlin, text     20261121  20261205          3        3          3
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund ical-generator@10.2.0 ical.js@2.2.1 node-ical@0.27.2 ts-ics@2.4.6

cat >series.mjs <<'JS'
import ICAL from "ical.js"
import generator from "ical-generator"
import nodeIcal from "node-ical"
import { convertIcsCalendar, extendByRecurrenceRule } from "ts-ics"

const written = (timezone, text) => {
  const calendar = generator()
  calendar.createEvent({
    id: "closure@example.org",
    summary: "Closed",
    start: new Date(2026, 10, 21),
    end: new Date(2026, 10, 22),
    timezone,
    allDay: true,
    repeating: text ?? { freq: "WEEKLY", until: new Date(2026, 11, 5) },
  })
  return calendar.toString()
}
const readers = {
  "ical.js": (text) => {
    const times = new ICAL.Event(ICAL.Component.fromString(text).getFirstSubcomponent("vevent")).iterator()
    const found = []
    for (let time = times.next(); time; time = times.next()) found.push(time.toString())
    return found
  },
  "node-ical": (text) => {
    const event = Object.values(nodeIcal.sync.parseICS(text)).find(({ type }) => type === "VEVENT")
    const span = { from: new Date("2026-11-01T00:00:00Z"), to: new Date("2027-01-31T00:00:00Z") }
    return nodeIcal.expandRecurringEvent(event, span)
  },
  "ts-ics": (text) => {
    const [event] = convertIcsCalendar(undefined, text).events
    const end = new Date("2027-01-31T00:00:00Z")
    return extendByRecurrenceRule(event.recurrenceRule, { start: event.start.date, end })
  },
}

const row = (...cells) => cells.map((cell, index) => `${cell}`.padEnd([22, 8, 16, 7, 9, 6][index])).join("  ").trimEnd()
const value = (text, name) => new RegExp(`${name}[^\\r]*[:=]([0-9TZ]+)\\r`).exec(text)?.[1]
const zone = process.env.TZ
const rule = process.argv[2]
const text = written(zone, rule)
const counts = Object.values(readers).map((read) => read(text).length)
console.log(row(rule ? `${zone}, text` : zone, value(text, "DTSTART"), value(text, "RRULE"), ...counts))
JS
{
  echo "zone                    DTSTART   UNTIL             ical.js  node-ical  ts-ics"
  for zone in Europe/Berlin Asia/Tokyo UTC America/New_York; do TZ=$zone node series.mjs; done
  TZ=Europe/Berlin node series.mjs "FREQ=WEEKLY;UNTIL=20261205"
} | tee seen.txt
cat >expected.txt <<'TXT'
zone                    DTSTART   UNTIL             ical.js  node-ical  ts-ics
Europe/Berlin           20261121  20261204T230000Z  2        2          2
Asia/Tokyo              20261121  20261204T150000Z  2        2          2
UTC                     20261121  20261205T000000Z  3        3          3
America/New_York        20261121  20261205T050000Z  3        3          3
Europe/Berlin, text     20261121  20261205          3        3          3
TXT
diff expected.txt seen.txt && echo "unchanged: ical-generator 10.2.0 ends an all-day series by an instant"
