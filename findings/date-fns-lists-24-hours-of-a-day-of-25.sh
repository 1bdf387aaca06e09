#!/usr/bin/env bash
# date-fns 4.4.0 and @date-fns/tz 1.5.0, both of the same organization. Node 20 or later, in UTC.
#
# Question: a day sheet lists the hours of a club's day. How many are there on the day on which the clocks go back?
# `eachHourOfInterval` takes the two ends as TZDate, from midnight to the last millisecond of the day.
# Guess before the run: 25, as the day has, and 23 on the day in spring.
# Seen: 24 in autumn, 23 in spring. The hour that comes twice is there once, and two entries are two hours apart.
# `eachMinuteOfInterval` with a step of 60 lists all 25 of the same interval. The one counts on the clock's face, the
# other by elapsed time, and neither name nor documentation says so.
# So a sheet drawn by the one and filled by the other has bookings without a line: an hour that was sold is not shown.
#
# Output seen:
#   zone                 hours  eachHourOfInterval  eachMinuteOfInterval, step 60  the gap
#   Europe/Berlin        25     24                  25                             01:00+02:00 to 02:00+01:00
#   America/New_York     25     24                  25                             01:00-04:00 to 02:00-05:00
#   Africa/Cairo         25     24                  25                             22:00+03:00 to 23:00+02:00
#   Europe/Berlin        23     23                  23                             none
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund date-fns@4.4.0 @date-fns/tz@1.5.0

cat >hours.mjs <<'JS'
import { TZDate } from "@date-fns/tz"
import { eachHourOfInterval, eachMinuteOfInterval } from "date-fns"

const hour = 3_600_000
const clock = (date) => date.toISOString().slice(11, 16) + date.toISOString().slice(-6)
const row = (...cells) => cells.map((cell, index) => `${cell}`.padEnd([19, 5, 18, 29, 0][index])).join("  ")

console.log(row("zone", "hours", "eachHourOfInterval", "eachMinuteOfInterval, step 60", "the gap"))
for (const [zone, month, day] of [
  ["Europe/Berlin", 9, 25],
  ["America/New_York", 10, 1],
  ["Africa/Cairo", 9, 29],
  ["Europe/Berlin", 2, 29],
]) {
  const start = new TZDate(2026, month, day, zone)
  const midnight = new TZDate(2026, month, day + 1, zone)
  const end = new TZDate(midnight.getTime() - 1, zone)
  const hours = eachHourOfInterval({ start, end })
  const minutes = eachMinuteOfInterval({ start, end }, { step: 60 })
  const later = hours.findIndex((each, index) => index > 0 && each - hours[index - 1] > hour)
  const gap = later < 0 ? "none" : `${clock(hours[later - 1])} to ${clock(hours[later])}`
  console.log(row(zone, (midnight - start) / hour, hours.length, minutes.length, gap))
}
JS
TZ=UTC timeout 60 node hours.mjs | tee seen.txt
cat >expected.txt <<'TXT'
zone                 hours  eachHourOfInterval  eachMinuteOfInterval, step 60  the gap
Europe/Berlin        25     24                  25                             01:00+02:00 to 02:00+01:00
America/New_York     25     24                  25                             01:00-04:00 to 02:00-05:00
Africa/Cairo         25     24                  25                             22:00+03:00 to 23:00+02:00
Europe/Berlin        23     23                  23                             none
TXT
diff expected.txt seen.txt && echo "unchanged: eachHourOfInterval leaves out the hour that comes twice"
