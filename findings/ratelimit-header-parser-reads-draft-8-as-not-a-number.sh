#!/usr/bin/env bash
# express-rate-limit 8.7.5 and ratelimit-header-parser 0.1.0, both of the organization express-rate-limit; express 5.3.0.
#
# Question: does the parser read what the limiter of the same makers sends, in each of the drafts that it can send?
# Guess before the run: yes for all three; at worst it answers undefined for the newest.
# Seen: drafts 6 and 7 are read. Draft 8 (`RateLimit: "3-in-15min"; r=2; t=900`) becomes an object of NaN and Invalid
# Date, without an error. `remaining > 0` is false then, and a wait until `reset` is a wait of NaN milliseconds.
# A server that sends draft 8 should send `Retry-After` beside it on 429; that header is read by everybody.
#
# Output seen:
#   draft-6: remaining 2 of 3, reset is a date
#   draft-7: remaining 2 of 3, reset is a date
#   draft-8: remaining NaN of NaN, reset is Invalid Date
#   draft-8 as a structured field: "3-in-15min" r=2 t=900
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund express@5.3.0 express-rate-limit@8.7.5 ratelimit-header-parser@0.1.0 structured-headers@2.1.0

cat >run.mjs <<'JS'
import express from "express"
import { rateLimit } from "express-rate-limit"
import { parseRateLimit } from "ratelimit-header-parser"
import { parseList } from "structured-headers"

for (const draft of ["draft-6", "draft-7", "draft-8"]) {
  const app = express()
  app.use(rateLimit({ windowMs: 900_000, limit: 3, standardHeaders: draft, legacyHeaders: false }))
  app.get("/", (_request, response) => response.send("ok"))
  const server = await new Promise((ready) => {
    const listening = app.listen(0, "127.0.0.1", () => ready(listening))
  })
  const { headers } = await fetch(`http://127.0.0.1:${server.address().port}/`)
  const { remaining, limit, reset } = parseRateLimit(headers) ?? {}
  const kind = Number.isNaN(reset?.getTime()) ? "Invalid Date" : "a date"
  console.log(`${draft}: remaining ${remaining} of ${limit}, reset is ${kind}`)
  if (draft === "draft-8") {
    const [[policy, parameters]] = parseList(headers.get("ratelimit"))
    console.log(`draft-8 as a structured field: "${policy}" r=${parameters.get("r")} t=${parameters.get("t")}`)
  }
  server.close()
}
process.exit(0)
JS
node run.mjs | tee seen.txt
cat >expected.txt <<'TXT'
draft-6: remaining 2 of 3, reset is a date
draft-7: remaining 2 of 3, reset is a date
draft-8: remaining NaN of NaN, reset is Invalid Date
draft-8 as a structured field: "3-in-15min" r=2 t=900
TXT
diff expected.txt seen.txt && echo "unchanged: ratelimit-header-parser 0.1.0 can't read draft 8"
