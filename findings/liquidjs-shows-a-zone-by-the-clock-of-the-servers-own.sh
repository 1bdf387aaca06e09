#!/usr/bin/env bash
# liquidjs 10.30.1. Node 20 or later.
#
# Question: a template shows an instant in the club's zone (`timezoneOffset: "Asia/Tokyo"`, `date` filter). Does it
# matter in which zone the server runs?
# Guess before the run: no. The instant has its Z and the zone is named, so nothing of the server is needed.
# Seen: it matters in the hours around the server's own change of clocks. LiquidJS moves the instant by the difference of
# the two offsets and reads it by the server's clock. On a server in Berlin 02:30 does not exist on 2026-03-29, so Tokyo,
# New York and Kolkata all show 03:30 instead of 02:30. Berlin's own 03:30, just after its change, is shown as 01:30.
# On a server in UTC all are right. A text and a Date give the same.
# Who renders templates for several zones in one process runs that process in UTC.
#
# Output seen:
#   server         zone              instant               right  liquidjs
#   Europe/Berlin  Asia/Tokyo        2026-03-28T17:30:00Z  02:30  03:30
#   Europe/Berlin  America/New_York  2026-03-29T06:30:00Z  02:30  03:30
#   Europe/Berlin  Asia/Kolkata      2026-03-28T21:00:00Z  02:30  03:30
#   Europe/Berlin  Europe/Berlin     2026-03-29T01:30:00Z  03:30  01:30
#   UTC            Asia/Tokyo        2026-03-28T17:30:00Z  02:30  02:30
#   UTC            America/New_York  2026-03-29T06:30:00Z  02:30  02:30
#   UTC            Asia/Kolkata      2026-03-28T21:00:00Z  02:30  02:30
#   UTC            Europe/Berlin     2026-03-29T01:30:00Z  03:30  03:30
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund liquidjs@10.30.1

cat >zones.mjs <<'JS'
import { Liquid } from "liquidjs"

const instants = [
  ["Asia/Tokyo", "2026-03-28T17:30:00Z"],
  ["America/New_York", "2026-03-29T06:30:00Z"],
  ["Asia/Kolkata", "2026-03-28T21:00:00Z"],
  ["Europe/Berlin", "2026-03-29T01:30:00Z"],
]
const shape = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }
for (const [zone, at] of instants) {
  const engine = new Liquid({ timezoneOffset: zone })
  const shown = [at, new Date(at)].map((value) => engine.parseAndRenderSync('{{ at | date: "%H:%M" }}', { at: value }))
  if (shown[0] !== shown[1]) throw new Error(`a text gives ${shown[0]}, a Date ${shown[1]}`)
  const right = new Intl.DateTimeFormat("en-GB", { ...shape, timeZone: zone }).format(new Date(at))
  console.log(process.env.TZ.padEnd(15) + zone.padEnd(18) + at.padEnd(22) + right.padEnd(7) + shown[0])
}
JS

seen=$(
  printf '%-15s%-18s%-22s%-7s%s\n' server zone instant right liquidjs
  for server in Europe/Berlin UTC; do TZ=$server node zones.mjs; done
)
echo "$seen"
wanted='server         zone              instant               right  liquidjs
Europe/Berlin  Asia/Tokyo        2026-03-28T17:30:00Z  02:30  03:30
Europe/Berlin  America/New_York  2026-03-29T06:30:00Z  02:30  03:30
Europe/Berlin  Asia/Kolkata      2026-03-28T21:00:00Z  02:30  03:30
Europe/Berlin  Europe/Berlin     2026-03-29T01:30:00Z  03:30  01:30
UTC            Asia/Tokyo        2026-03-28T17:30:00Z  02:30  02:30
UTC            America/New_York  2026-03-29T06:30:00Z  02:30  02:30
UTC            Asia/Kolkata      2026-03-28T21:00:00Z  02:30  02:30
UTC            Europe/Berlin     2026-03-29T01:30:00Z  03:30  03:30'
if [ "$seen" = "$wanted" ]; then
  echo "unchanged"
else
  echo "changed" >&2
  exit 1
fi
