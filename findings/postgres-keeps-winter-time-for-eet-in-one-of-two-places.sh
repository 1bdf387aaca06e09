#!/usr/bin/env bash
# PGlite 0.5.17 (PostgreSQL 18.7), moment-timezone 0.6.6 (2026f). Node 20 or later.
#
# Question: a club's zone is EET, a name of the IANA data and of pg_timezone_names. What does its clock show on 1 July
# 2027 at 12:00 UTC, by `set timezone` and by `at time zone`?
# Guess before the run: both show summer time, like the runtime and moment-timezone.
# Seen: `set timezone` shows summer time. `at time zone` takes EET, MET, WET and CET for abbreviations, which are fixed
# at winter time, so it is an hour behind from March to October. pg_timezone_names lists all four as zones.
# EST5EDT is no abbreviation: both places agree. So a report in SQL contradicts its own session for half of the year,
# with the same name of the same zone, and no error is raised.
#
# Output seen:
#   zone          set    at-time-zone  listed-offset  runtime  moment
#   EET           15:00  14:00         03:00          15:00    15:00
#   CET           14:00  13:00         02:00          14:00    14:00
#   MET           14:00  13:00         02:00          14:00    14:00
#   WET           13:00  12:00         01:00          13:00    13:00
#   EST5EDT       08:00  08:00         -04:00         08:00    08:00
#   Europe/Sofia  15:00  15:00         03:00          15:00    15:00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17 moment-timezone@0.6.6

cat >zones.mjs <<'JS'
import { PGlite } from "@electric-sql/pglite"
import moment from "moment-timezone"

const at = "2027-07-01T12:00:00Z"
const database = new PGlite()
const one = async (text, values) => Object.values((await database.query(text, values)).rows[0])[0]
const columns = [14, 7, 14, 15, 9, 0]
const line = (cells) => console.log(cells.map((cell, index) => cell.padEnd(columns[index])).join(""))
line(["zone", "set", "at-time-zone", "listed-offset", "runtime", "moment"])
for (const zone of ["EET", "CET", "MET", "WET", "EST5EDT", "Europe/Sofia"]) {
  const named = await one("select to_char($1::timestamptz at time zone $2, 'HH24:MI')", [at, zone])
  await database.exec(`set timezone = '${zone}'`)
  const session = await one("select to_char($1::timestamptz, 'HH24:MI')", [at])
  // The list has the offset of today: that of July is read from the session of the zone.
  const offset = await one(
    "select to_char($1::timestamptz, 'TZH:TZM') from pg_timezone_names where name = current_setting('timezone')",
    [at],
  )
  await database.exec("set timezone = 'UTC'")
  const runtime = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" })
  line([zone, session, named, offset.replace(/^\+/, ""), runtime.format(new Date(at)), moment.tz(at, zone).format("HH:mm")])
}
process.exit(0)
JS
node zones.mjs | tee seen.txt
cat >expected.txt <<'TXT'
zone          set    at-time-zone  listed-offset  runtime  moment
EET           15:00  14:00         03:00          15:00    15:00
CET           14:00  13:00         02:00          14:00    14:00
MET           14:00  13:00         02:00          14:00    14:00
WET           13:00  12:00         01:00          13:00    13:00
EST5EDT       08:00  08:00         -04:00         08:00    08:00
Europe/Sofia  15:00  15:00         03:00          15:00    15:00
TXT
diff expected.txt seen.txt && echo "unchanged: one PostgreSQL shows two times for EET, CET, MET and WET"
