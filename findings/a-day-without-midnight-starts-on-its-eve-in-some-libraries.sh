#!/usr/bin/env bash
# dayjs 1.11.23, date-fns-tz 3.2.0, spacetime 7.15.0, luxon 3.7.2, @date-fns/tz 1.5.0 with date-fns 4.4.0,
# temporal-polyfill 1.0.8. Node 20 or later.
#
# Question: when does the local day start where the clocks jump from 00:00 to 01:00? A booking page asks this daily.
# Guess before the run: a library is right in all such zones, or wrong in all of them.
# Seen: luxon, @date-fns/tz and Temporal say 01:00 in all four zones. date-fns-tz says 23:00 of the day before in all.
# dayjs is right west of Greenwich and says 23:00 of the day before in the east, though its own parser (`dayjs.tz`) of
# the same midnight is right everywhere. spacetime gives up: startOf("day") of 15:00 is 15:00.
# In Ittoqqortoormiit (Greenland) the clocks jump from 23:00 to 24:00: the day starts at 00:00. dayjs says 01:00 there.
# A list of the day's slots then begins with the last hour of its eve, or loses its own first hours.
#
# Output seen:
#   zone                  temporal  luxon     date-fns/tz date-fns-tz dayjs     dayjs.tz  spacetime
#   America/Havana        08. 01:00 08. 01:00 08. 01:00   07. 23:00   08. 01:00 08. 01:00 08. 15:00
#   America/Santiago      06. 01:00 06. 01:00 06. 01:00   05. 23:00   06. 01:00 06. 01:00 06. 15:00
#   Africa/Cairo          24. 01:00 24. 01:00 24. 01:00   23. 23:00   23. 23:00 24. 01:00 24. 15:00
#   Asia/Beirut           29. 01:00 29. 01:00 29. 01:00   28. 23:00   28. 23:00 29. 01:00 29. 15:00
#   America/Scoresbysund  29. 00:00 29. 00:00 29. 00:00   29. 00:00   29. 01:00 29. 00:00 29. 00:00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund dayjs@1.11.23 date-fns-tz@3.2.0 date-fns@4.4.0 @date-fns/tz@1.5.0 luxon@3.7.2 \
  spacetime@7.15.0 temporal-polyfill@1.0.8

cat >days.mjs <<'JS'
import { TZDate } from "@date-fns/tz"
import { startOfDay } from "date-fns"
import { fromZonedTime } from "date-fns-tz"
import dayjs from "dayjs"
import zones from "dayjs/plugin/timezone.js"
import utc from "dayjs/plugin/utc.js"
import { DateTime } from "luxon"
import spacetime from "spacetime"
import { Temporal } from "temporal-polyfill"

dayjs.extend(utc)
dayjs.extend(zones)
// The days of 2026 on which the clocks jump over midnight, or just before it.
const days = {
  "America/Havana": "2026-03-08",
  "America/Santiago": "2026-09-06",
  "Africa/Cairo": "2026-04-24",
  "Asia/Beirut": "2026-03-29",
  "America/Scoresbysund": "2026-03-29",
}
const columns = [22, 10, 10, 12, 12, 10, 10, 0]
const line = (cells) => console.log(cells.map((cell, index) => cell.padEnd(columns[index])).join(""))
line(["zone", "temporal", "luxon", "date-fns/tz", "date-fns-tz", "dayjs", "dayjs.tz", "spacetime"])
for (const [zone, day] of Object.entries(days)) {
  const wall = (instant) => {
    const local = Temporal.Instant.fromEpochMilliseconds(Number(instant)).toZonedDateTimeISO(zone)
    return `${String(local.day).padStart(2, "0")}. ${local.toPlainTime().toString({ smallestUnit: "minute" })}`
  }
  const afternoon = Temporal.PlainDateTime.from(`${day}T15:00`).toZonedDateTime(zone).epochMilliseconds
  line([
    zone,
    wall(Temporal.PlainDate.from(day).toZonedDateTime(zone).epochMilliseconds),
    wall(DateTime.fromMillis(afternoon, { zone }).startOf("day").toMillis()),
    wall(startOfDay(new TZDate(afternoon, zone))),
    wall(fromZonedTime(`${day}T00:00:00`, zone)),
    wall(dayjs(afternoon).tz(zone).startOf("day")),
    wall(dayjs.tz(`${day}T00:00`, zone)),
    wall(spacetime(afternoon, zone).startOf("day").epoch),
  ])
}
JS
TZ=UTC node days.mjs | tee seen.txt
cat >expected.txt <<'TXT'
zone                  temporal  luxon     date-fns/tz date-fns-tz dayjs     dayjs.tz  spacetime
America/Havana        08. 01:00 08. 01:00 08. 01:00   07. 23:00   08. 01:00 08. 01:00 08. 15:00
America/Santiago      06. 01:00 06. 01:00 06. 01:00   05. 23:00   06. 01:00 06. 01:00 06. 15:00
Africa/Cairo          24. 01:00 24. 01:00 24. 01:00   23. 23:00   23. 23:00 24. 01:00 24. 15:00
Asia/Beirut           29. 01:00 29. 01:00 29. 01:00   28. 23:00   28. 23:00 29. 01:00 29. 15:00
America/Scoresbysund  29. 00:00 29. 00:00 29. 00:00   29. 00:00   29. 01:00 29. 00:00 29. 00:00
TXT
diff expected.txt seen.txt && echo "unchanged: the start of such a day is wrong in three libraries"
