#!/usr/bin/env bash
# dayjs 1.11.23, date-fns 4.4.0 with @date-fns/tz 1.5.0, luxon 3.7.2, moment-timezone 0.6.6, temporal-polyfill 1.0.8.
# Node 20 or later.
#
# Question: a page walks through the club's day in Berlin in steps of half an hour. Which starts does it offer on the
# days on which the clocks change? Each library adds 30 minutes to a time in the club's zone.
# Guess before the run: none about adding; it was seen beside another trial. After one wrong step of dayjs the guess was
# that it loses an hour at each change, on every server.
# Seen: four libraries are right. dayjs depends on the server's zone. On a server in Berlin 02:30 and half an hour is
# 02:00: the time goes back by 30 minutes, and both starts come twice. In March the step from 01:30 takes 90 minutes.
# On a server in UTC the instants are right, but dayjs keeps the old offset, so the page shows the wrong clock from then
# on. A test in UTC that looks at instants sees neither. date-fns is right in steps, but its eachHourOfInterval leaves
# out one hour of the 25.
# So one half hour is offered twice, and a booking "until half an hour later" ends before it begins.
#
# Output seen (instants in UTC, then the clock that is shown; the five starts around the change):
#   server in UTC, 25 October 2026, 25 hours
#     right  50 starts   23:30 00:00 00:30 01:00 01:30   01:30 02:00 02:30 02:00 02:30
#     dayjs  50 starts   23:30 00:00 00:30 01:00 01:30   01:30 02:00 02:30 03:00 03:30
#     as right: temporal, luxon, moment, date-fns
#   server in UTC, 29 March 2026, 23 hours
#     right  46 starts   00:30 01:00 01:30 02:00 02:30   01:30 03:00 03:30 04:00 04:30
#     dayjs  46 starts   00:30 01:00 01:30 02:00 02:30   01:30 02:00 02:30 03:00 03:30
#     as right: temporal, luxon, moment, date-fns
#     eachHourOfInterval of date-fns, 25 October: 24 of 25 hours, 23:00 01:00 02:00 03:00
#   server in Europe/Berlin, 25 October 2026, 25 hours
#     right  50 starts   23:30 00:00 00:30 01:00 01:30   01:30 02:00 02:30 02:00 02:30
#     dayjs  52 starts   23:30 00:00 00:30 00:00 00:30   01:30 02:00 02:30 02:00 02:30
#     as right: temporal, luxon, moment, date-fns
#   server in Europe/Berlin, 29 March 2026, 23 hours
#     right  46 starts   00:30 01:00 01:30 02:00 02:30   01:30 03:00 03:30 04:00 04:30
#     dayjs  44 starts   00:30 02:00 02:30 03:00 03:30   01:30 03:00 03:30 04:00 04:30
#     as right: temporal, luxon, moment, date-fns
#     eachHourOfInterval of date-fns, 25 October: 24 of 25 hours, 23:00 00:00 02:00 03:00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund dayjs@1.11.23 date-fns@4.4.0 @date-fns/tz@1.5.0 luxon@3.7.2 \
  moment-timezone@0.6.6 temporal-polyfill@1.0.8

cat >starts.mjs <<'JS'
import { TZDate } from "@date-fns/tz"
import { addMinutes, eachHourOfInterval, format } from "date-fns"
import dayjs from "dayjs"
import zones from "dayjs/plugin/timezone.js"
import utc from "dayjs/plugin/utc.js"
import { DateTime } from "luxon"
import moment from "moment-timezone"
import { Temporal } from "temporal-polyfill"

dayjs.extend(utc)
dayjs.extend(zones)
const zone = "Europe/Berlin"
const libraries = {
  temporal: {
    first: (text) => Temporal.Instant.from(text).toZonedDateTimeISO(zone),
    next: (time) => time.add({ minutes: 30 }),
    instant: (time) => time.epochMilliseconds,
    clock: (time) => time.toPlainTime().toString().slice(0, 5),
  },
  luxon: {
    first: (text) => DateTime.fromISO(text, { zone }),
    next: (time) => time.plus({ minutes: 30 }),
    instant: Number,
    clock: (time) => time.toFormat("HH:mm"),
  },
  moment: {
    first: (text) => moment.tz(text, zone),
    next: (time) => time.clone().add(30, "minutes"),
    instant: Number,
    clock: (time) => time.format("HH:mm"),
  },
  "date-fns": {
    first: (text) => new TZDate(text, zone),
    next: (time) => addMinutes(time, 30),
    instant: Number,
    clock: (time) => format(time, "HH:mm"),
  },
  dayjs: {
    first: (text) => dayjs(text).tz(zone),
    next: (time) => time.add(30, "minute"),
    instant: Number,
    clock: (time) => time.format("HH:mm"),
  },
}
const utcOf = (time) => new Date(time).toISOString().slice(11, 16)
const wall = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeStyle: "short" })
const line = (name, { count, at, shown }) =>
  console.log(`  ${name.padEnd(6)} ${count} starts   ${at.join(" ")}   ${shown.join(" ")}`)

for (const [day, from, until] of [
  ["25 October 2026, 25 hours", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
  ["29 March 2026, 23 hours", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
]) {
  console.log(`server in ${process.env.TZ}, ${day}`)
  const startsBy = ({ first, next, instant, clock }) => {
    const starts = []
    for (let time = first(from); instant(time) < Date.parse(until) && starts.length < 100; time = next(time))
      starts.push({ at: utcOf(instant(time)), shown: clock(time) })
    const around = starts.slice(3, 8)
    return { count: starts.length, at: around.map(({ at }) => at), shown: around.map(({ shown }) => shown) }
  }
  const right = startsBy({ first: Date.parse, next: (ms) => ms + 1_800_000, instant: Number, clock: wall.format })
  line("right", right)
  const alike = (starts) => JSON.stringify(starts) === JSON.stringify(right)
  const found = Object.entries(libraries).map(([name, library]) => [name, startsBy(library)])
  for (const [name, starts] of found.filter(([, starts]) => !alike(starts))) line(name, starts)
  console.log(`  as right: ${found.filter(([, starts]) => alike(starts)).map(([name]) => name).join(", ")}`)
}
const day = { start: new TZDate("2026-10-24T22:00:00Z", zone), end: new TZDate("2026-10-25T22:00:00Z", zone) }
const hours = eachHourOfInterval(day).map((hour) => utcOf(hour))
console.log(`  eachHourOfInterval of date-fns, 25 October: ${hours.length} of 25 hours, ${hours.slice(1, 5).join(" ")}`)
JS
for server in UTC Europe/Berlin; do TZ=$server node starts.mjs; done | tee seen.txt
cat >expected.txt <<'TXT'
server in UTC, 25 October 2026, 25 hours
  right  50 starts   23:30 00:00 00:30 01:00 01:30   01:30 02:00 02:30 02:00 02:30
  dayjs  50 starts   23:30 00:00 00:30 01:00 01:30   01:30 02:00 02:30 03:00 03:30
  as right: temporal, luxon, moment, date-fns
server in UTC, 29 March 2026, 23 hours
  right  46 starts   00:30 01:00 01:30 02:00 02:30   01:30 03:00 03:30 04:00 04:30
  dayjs  46 starts   00:30 01:00 01:30 02:00 02:30   01:30 02:00 02:30 03:00 03:30
  as right: temporal, luxon, moment, date-fns
  eachHourOfInterval of date-fns, 25 October: 24 of 25 hours, 23:00 01:00 02:00 03:00
server in Europe/Berlin, 25 October 2026, 25 hours
  right  50 starts   23:30 00:00 00:30 01:00 01:30   01:30 02:00 02:30 02:00 02:30
  dayjs  52 starts   23:30 00:00 00:30 00:00 00:30   01:30 02:00 02:30 02:00 02:30
  as right: temporal, luxon, moment, date-fns
server in Europe/Berlin, 29 March 2026, 23 hours
  right  46 starts   00:30 01:00 01:30 02:00 02:30   01:30 03:00 03:30 04:00 04:30
  dayjs  44 starts   00:30 02:00 02:30 03:00 03:30   01:30 03:00 03:30 04:00 04:30
  as right: temporal, luxon, moment, date-fns
  eachHourOfInterval of date-fns, 25 October: 24 of 25 hours, 23:00 00:00 02:00 03:00
TXT
diff expected.txt seen.txt && echo "unchanged: dayjs adds half an hour by the clock of the server"
