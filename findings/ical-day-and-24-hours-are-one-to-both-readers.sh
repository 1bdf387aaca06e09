#!/usr/bin/env bash
# ical.js 2.2.1 and node-ical 0.27.2. Node 20 or later.
#
# Question: a closure starts at midnight in Berlin on the day on which the clocks go back, a day of 25 hours. It has a
# duration of P1D, or of PT24H. When does it end? RFC 5545, 3.3.6: days and weeks are counted on the calendar, hours
# exactly. So P1D ends at midnight (23:00 UTC), and PT24H ends at 23:00 in Berlin (22:00 UTC).
# Guess before the run: both readers tell the two apart.
# Seen: neither does. To ical.js both are a day of the calendar; to node-ical both are 24 hours.
# So whatever is written, one of the two readers is an hour off. A week (P1W) over the change is an hour short to
# node-ical as well. A writer that wants to be read alike sends DTEND.
#
# Output seen:
#   DURATION:P1D   right 23:00  ical.js 23:00  node-ical 22:00
#   DURATION:PT24H right 22:00  ical.js 23:00  node-ical 22:00
#   DURATION:P1W   right 23:00  ical.js 23:00  node-ical 22:00
#   DTEND          right 23:00  ical.js 23:00  node-ical 23:00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund ical.js@2.2.1 node-ical@0.27.2

cat >read.mjs <<'JS'
import ICAL from "ical.js"
import nodeIcal from "node-ical"

const zone = `BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
DTSTART:19810329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE`
const calendar = (end) =>
  `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//Closures//EN
${zone}
BEGIN:VEVENT
UID:closure-1@example.org
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:20261025T000000
${end}
SUMMARY:Closed
END:VEVENT
END:VCALENDAR
`.replaceAll("\n", "\r\n")
const clock = (date) => new Date(date).toISOString().slice(11, 16)

for (const [end, right] of [
  ["DURATION:P1D", "23:00"],
  ["DURATION:PT24H", "22:00"],
  ["DURATION:P1W", "23:00"],
  ["DTEND;TZID=Europe/Berlin:20261026T000000", "23:00"],
]) {
  const text = calendar(end)
  const component = new ICAL.Component(ICAL.parse(text))
  ICAL.TimezoneService.register(new ICAL.Timezone(component.getFirstSubcomponent("vtimezone")))
  const mozilla = new ICAL.Event(component.getFirstSubcomponent("vevent")).endDate.toJSDate()
  const node = Object.values(nodeIcal.sync.parseICS(text)).find(({ type }) => type === "VEVENT").end
  console.log(`${end.split(";")[0].padEnd(14)} right ${right}  ical.js ${clock(mozilla)}  node-ical ${clock(node)}`)
}
JS
TZ=UTC node read.mjs | tee seen.txt
cat >expected.txt <<'TXT'
DURATION:P1D   right 23:00  ical.js 23:00  node-ical 22:00
DURATION:PT24H right 22:00  ical.js 23:00  node-ical 22:00
DURATION:P1W   right 23:00  ical.js 23:00  node-ical 22:00
DTEND          right 23:00  ical.js 23:00  node-ical 23:00
TXT
diff expected.txt seen.txt && echo "unchanged: neither reader tells a day from 24 hours"
