#!/usr/bin/env bash
# rrule 2.8.1, ical.js 2.2.1, rrule-temporal 2.2.8, rrule-rust 3.1.1, ts-ics 2.4.6. Node 20 or later.
#
# Question: a course meets at 09:00 and at 18:00, and its rule names the evening first: BYHOUR=18,9. Does that matter?
# RFC 5545, 3.3.10 calls BYHOUR a comma-separated list of hours and gives its order no meaning. DTSTART is the first
# instance, here 09:00 (3.8.5.3).
# Guess before the run of some hundred random rules, which showed this: the readers agree. All five sort weekdays, days
# of the month and months.
# Seen: rrule and ical.js go through the hours as written. 18:00 comes before 09:00 of the same day, so COUNT=3 ends on
# other sessions, and UNTIL on the second day at noon loses that day's 09:00: it stops at 18:00, which is too late.
# In rrule `after` and `between` lose the morning as well: from 08:00 on the next session is 18:00, and none is before
# noon. With BYHOUR=9,18 all are right. BYMINUTE=30,0 is the same.
# A reminder or a block asked from such a library is missing for half of the sessions. Sort the parts before reading.
#
# Output seen:
#   FREQ=DAILY;BYHOUR=9,18;COUNT=3
#     rrule-temporal 05. 09:00, 05. 18:00, 06. 09:00
#     rrule-rust     05. 09:00, 05. 18:00, 06. 09:00
#     ts-ics         05. 09:00, 05. 18:00, 06. 09:00
#     rrule          05. 09:00, 05. 18:00, 06. 09:00
#     ical.js        05. 09:00, 05. 18:00, 06. 09:00
#   FREQ=DAILY;BYHOUR=18,9;COUNT=3
#     rrule-temporal 05. 09:00, 05. 18:00, 06. 09:00
#     rrule-rust     05. 09:00, 05. 18:00, 06. 09:00
#     ts-ics         05. 09:00, 05. 18:00, 06. 09:00
#     rrule          05. 18:00, 05. 09:00, 06. 18:00
#     ical.js        05. 18:00, 05. 09:00, 06. 18:00
#   FREQ=DAILY;BYHOUR=9,18;UNTIL=20260106T120000Z
#     rrule-temporal 05. 09:00, 05. 18:00, 06. 09:00
#     rrule-rust     05. 09:00, 05. 18:00, 06. 09:00
#     ts-ics         05. 09:00, 05. 18:00, 06. 09:00
#     rrule          05. 09:00, 05. 18:00, 06. 09:00
#     ical.js        05. 09:00, 05. 18:00, 06. 09:00
#   FREQ=DAILY;BYHOUR=18,9;UNTIL=20260106T120000Z
#     rrule-temporal 05. 09:00, 05. 18:00, 06. 09:00
#     rrule-rust     05. 09:00, 05. 18:00, 06. 09:00
#     ts-ics         05. 09:00, 05. 18:00, 06. 09:00
#     rrule          05. 18:00, 05. 09:00
#     ical.js        05. 18:00, 05. 09:00
#   rrule, asked from 6 January 08:00 on
#     BYHOUR=9,18  next 06. 09:00  until noon 06. 09:00
#     BYHOUR=18,9  next 06. 18:00  until noon none
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund rrule@2.8.1 ical.js@2.2.1 rrule-temporal@2.2.8 rrule-rust@3.1.1 ts-ics@2.4.6

cat >hours.mjs <<'JS'
import ICAL from "ical.js"
import rrule from "rrule"
import { RRuleSet } from "rrule-rust"
import { RRuleTemporal } from "rrule-temporal"
import { convertIcsRecurrenceRule, extendByRecurrenceRule } from "ts-ics"

const start = "2026-01-05T09:00:00Z"
const series = (rule) => `DTSTART:20260105T090000Z\nRRULE:${rule}`
const dates = (times) => times.map((time) => new Date(time))
const readers = {
  "rrule-temporal": (rule) =>
    dates(new RRuleTemporal({ rruleString: series(rule) }).all().map(({ epochMilliseconds }) => epochMilliseconds)),
  "rrule-rust": (rule) => dates(RRuleSet.fromString(series(rule)).all().map((time) => time.toTimestamp())),
  "ts-ics": (rule) =>
    extendByRecurrenceRule(convertIcsRecurrenceRule(undefined, { value: rule }), { start: new Date(start) }),
  rrule: (rule) => rrule.rrulestr(series(rule)).all(),
  "ical.js": (rule) => {
    const times = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromString(start))
    const found = []
    for (let time = times.next(); time; time = times.next()) found.push(time.toJSDate())
    return found
  },
}

const written = (times) => times.map((time) => time.toISOString().slice(8, 16).replace("T", ". ")).join(", ") || "none"
for (const limit of ["COUNT=3", "UNTIL=20260106T120000Z"])
  for (const hours of ["9,18", "18,9"]) {
    console.log(`FREQ=DAILY;BYHOUR=${hours};${limit}`)
    for (const [name, read] of Object.entries(readers))
      console.log(`  ${name.padEnd(14)} ${written(read(`FREQ=DAILY;BYHOUR=${hours};${limit}`))}`)
  }
console.log("rrule, asked from 6 January 08:00 on")
for (const hours of ["9,18", "18,9"]) {
  const rule = rrule.rrulestr(series(`FREQ=DAILY;BYHOUR=${hours}`))
  const [morning, noon] = [new Date("2026-01-06T08:00:00Z"), new Date("2026-01-06T12:00:00Z")]
  const next = written([rule.after(morning)])
  console.log(`  BYHOUR=${hours}  next ${next}  until noon ${written(rule.between(morning, noon))}`)
}
JS
TZ=UTC node hours.mjs | tee seen.txt
cat >expected.txt <<'TXT'
FREQ=DAILY;BYHOUR=9,18;COUNT=3
  rrule-temporal 05. 09:00, 05. 18:00, 06. 09:00
  rrule-rust     05. 09:00, 05. 18:00, 06. 09:00
  ts-ics         05. 09:00, 05. 18:00, 06. 09:00
  rrule          05. 09:00, 05. 18:00, 06. 09:00
  ical.js        05. 09:00, 05. 18:00, 06. 09:00
FREQ=DAILY;BYHOUR=18,9;COUNT=3
  rrule-temporal 05. 09:00, 05. 18:00, 06. 09:00
  rrule-rust     05. 09:00, 05. 18:00, 06. 09:00
  ts-ics         05. 09:00, 05. 18:00, 06. 09:00
  rrule          05. 18:00, 05. 09:00, 06. 18:00
  ical.js        05. 18:00, 05. 09:00, 06. 18:00
FREQ=DAILY;BYHOUR=9,18;UNTIL=20260106T120000Z
  rrule-temporal 05. 09:00, 05. 18:00, 06. 09:00
  rrule-rust     05. 09:00, 05. 18:00, 06. 09:00
  ts-ics         05. 09:00, 05. 18:00, 06. 09:00
  rrule          05. 09:00, 05. 18:00, 06. 09:00
  ical.js        05. 09:00, 05. 18:00, 06. 09:00
FREQ=DAILY;BYHOUR=18,9;UNTIL=20260106T120000Z
  rrule-temporal 05. 09:00, 05. 18:00, 06. 09:00
  rrule-rust     05. 09:00, 05. 18:00, 06. 09:00
  ts-ics         05. 09:00, 05. 18:00, 06. 09:00
  rrule          05. 18:00, 05. 09:00
  ical.js        05. 18:00, 05. 09:00
rrule, asked from 6 January 08:00 on
  BYHOUR=9,18  next 06. 09:00  until noon 06. 09:00
  BYHOUR=18,9  next 06. 18:00  until noon none
TXT
diff expected.txt seen.txt && echo "unchanged: rrule and ical.js run the hours of a day in the order written"
