#!/usr/bin/env bash
# ical.js 2.2.1, rrule-temporal 2.2.8, rrule 2.8.1, rrule-rust 3.1.1. Node 20 or later.
#
# Question: when are two series that RFC 5545 shows as examples (3.8.5.3)? One is on the 20th Monday of the year, one on
# the Monday of week number 20. Clubs bind sports weeks and school holidays to week numbers.
# Guess before the run: all four give the dates of the RFC.
# Seen: ical.js gives Monday after Monday. It drops the number of the weekday and that of the week without an error, and
# leaves out the first date, DTSTART itself, of the second series. The first and the last Monday of a year (1MO, -1MO)
# are right, and so is the second Monday of May.
# A third rule names the week alone. RFC 5545, 3.3.10: what a rule does not say comes from DTSTART, here the Monday.
# rrule-temporal does so. rrule and rrule-rust take all seven days of the week, ical.js none at all, ever.
# So a closure in "week 20" blocks a court on each Monday of the year, or never.
#
# Output seen:
#   FREQ=YEARLY;BYDAY=20MO
#     RFC 5545        19 May 1997, 18 May 1998, 17 May 1999
#     ical.js         19 May 1997, 26 May 1997, 2 Jun 1997
#     rrule-temporal  as the RFC
#     rrule           as the RFC
#     rrule-rust      as the RFC
#   FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO
#     RFC 5545        12 May 1997, 11 May 1998, 17 May 1999
#     ical.js         19 May 1997, 26 May 1997, 2 Jun 1997
#     rrule-temporal  as the RFC
#     rrule           as the RFC
#     rrule-rust      as the RFC
#   FREQ=YEARLY;BYWEEKNO=20
#     RFC 5545        12 May 1997, 11 May 1998, 17 May 1999
#     ical.js         none
#     rrule-temporal  as the RFC
#     rrule           12 May 1997, 13 May 1997, 14 May 1997
#     rrule-rust      12 May 1997, 13 May 1997, 14 May 1997
#   FREQ=YEARLY;BYMONTH=5;BYDAY=2MO
#     RFC 5545        12 May 1997, 11 May 1998, 10 May 1999
#     ical.js         as the RFC
#     rrule-temporal  as the RFC
#     rrule           as the RFC
#     rrule-rust      as the RFC
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund ical.js@2.2.1 rrule-temporal@2.2.8 rrule@2.8.1 rrule-rust@3.1.1

cat >weeks.mjs <<'JS'
import ICAL from "ical.js"
import rrule from "rrule"
import { RRuleSet } from "rrule-rust"
import { RRuleTemporal } from "rrule-temporal"

const readers = {
  "ical.js": (start, rule) => {
    const times = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromString(start))
    return [1, 2, 3].map(() => times.next()?.toJSDate()).filter(Boolean)
  },
  "rrule-temporal": (start, rule) =>
    new RRuleTemporal({ rruleString: series(start, rule) })
      .all((_, index) => index < 3)
      .map(({ epochMilliseconds }) => new Date(epochMilliseconds)),
  rrule: (start, rule) => rrule.rrulestr(series(start, rule)).all((_, index) => index < 3),
  "rrule-rust": (start, rule) =>
    RRuleSet.fromString(series(start, rule))
      .all(3)
      .map((time) => new Date(time.toTimestamp())),
}
const series = (start, rule) => `DTSTART:${start.replaceAll(/[-:]/g, "")}\nRRULE:${rule}`
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
const day = (time) => `${time.getUTCDate()} ${months[time.getUTCMonth()]} ${time.getUTCFullYear()}`
const written = (times) => times.map(day).join(", ") || "none"

for (const [rule, ...days] of [
  ["FREQ=YEARLY;BYDAY=20MO", "1997-05-19", "1998-05-18", "1999-05-17"],
  ["FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05-12", "1998-05-11", "1999-05-17"],
  ["FREQ=YEARLY;BYWEEKNO=20", "1997-05-12", "1998-05-11", "1999-05-17"],
  ["FREQ=YEARLY;BYMONTH=5;BYDAY=2MO", "1997-05-12", "1998-05-11", "1999-05-10"],
]) {
  const right = written(days.map((each) => new Date(each)))
  console.log(`${rule}\n  RFC 5545        ${right}`)
  for (const [name, read] of Object.entries(readers)) {
    const seen = written(read(`${days[0]}T09:00:00Z`, rule))
    console.log(`  ${name.padEnd(15)} ${seen === right ? "as the RFC" : seen}`)
  }
}
JS
node weeks.mjs | tee seen.txt
cat >expected.txt <<'TXT'
FREQ=YEARLY;BYDAY=20MO
  RFC 5545        19 May 1997, 18 May 1998, 17 May 1999
  ical.js         19 May 1997, 26 May 1997, 2 Jun 1997
  rrule-temporal  as the RFC
  rrule           as the RFC
  rrule-rust      as the RFC
FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO
  RFC 5545        12 May 1997, 11 May 1998, 17 May 1999
  ical.js         19 May 1997, 26 May 1997, 2 Jun 1997
  rrule-temporal  as the RFC
  rrule           as the RFC
  rrule-rust      as the RFC
FREQ=YEARLY;BYWEEKNO=20
  RFC 5545        12 May 1997, 11 May 1998, 17 May 1999
  ical.js         none
  rrule-temporal  as the RFC
  rrule           12 May 1997, 13 May 1997, 14 May 1997
  rrule-rust      12 May 1997, 13 May 1997, 14 May 1997
FREQ=YEARLY;BYMONTH=5;BYDAY=2MO
  RFC 5545        12 May 1997, 11 May 1998, 10 May 1999
  ical.js         as the RFC
  rrule-temporal  as the RFC
  rrule           as the RFC
  rrule-rust      as the RFC
TXT
diff expected.txt seen.txt && echo "unchanged: ical.js 2.2.1 takes the 20th week for every week"
