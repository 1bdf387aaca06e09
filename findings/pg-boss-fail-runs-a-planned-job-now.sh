#!/usr/bin/env bash
# pg-boss 12.38.0 on PGlite 0.5.17 (PostgreSQL in the process), Node 20 or later.
#
# Question: a job that nobody has fetched is told to complete, and another one to fail. What happens?
# Guess before the run: neither is active, so both calls answer `affected: 0` and change nothing.
# Seen: `complete` changes nothing. `fail` takes every job that is not finished:
#   - a job planned for next year that has retries left is due at once, and its retry count stays 0;
#   - a job without retries is failed for good, and its dead letter is sent, although it was never started.
# `cancel` would have been the call for it. A program that settles by bare id meets this when it fails a job twice:
# the second call ends the wait between two attempts.
#
# Output seen:
#   complete, never fetched: affected 0, state created
#   fail, planned for 2099, retries left: affected 1, state retry, due now, retryCount 0, fetched 1
#   fail, planned for 2099, no retries: affected 1, state failed, startedOn null, dead letters 1
#   fail, cancelled: affected 0, state cancelled
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund pg-boss@12.38.0 @electric-sql/pglite@0.5.17

cat >run.mjs <<'JS'
import { PGlite } from "@electric-sql/pglite"
import { PgBoss } from "pg-boss"

const database = new PGlite()
async function executeSql(text, values) {
  if (values?.length) return { rows: (await database.query(text, values)).rows }
  return { rows: (await database.exec(text)).flatMap(({ rows }) => rows) }
}
const boss = new PgBoss({ db: { executeSql }, supervise: false, schedule: false })
boss.on("error", (error) => console.error(error))
await boss.start()
await boss.createQueue("dead")
await boss.createQueue("retried", { retryLimit: 2 })
await boss.createQueue("once", { retryLimit: 0, deadLetter: "dead" })
const planned = { startAfter: new Date("2099-01-01T00:00:00Z") }

const untouched = await boss.send("retried", {}, planned)
const completed = await boss.complete("retried", untouched)
console.log(`complete, never fetched: affected ${completed.affected}, state ${(await boss.getJobById("retried", untouched)).state}`)

const early = await boss.send("retried", {}, planned)
const failed = await boss.fail("retried", early)
const job = await boss.getJobById("retried", early)
const due = job.startAfter <= new Date() ? "due now" : "due later"
const fetched = (await boss.fetch("retried", { batchSize: 10 })).length
console.log(`fail, planned for 2099, retries left: affected ${failed.affected}, state ${job.state}, ${due}, retryCount ${job.retryCount}, fetched ${fetched}`)

const never = await boss.send("once", {}, planned)
const buried = await boss.fail("once", never)
const gone = await boss.getJobById("once", never)
const letters = (await boss.fetch("dead", { batchSize: 10 })).length
console.log(`fail, planned for 2099, no retries: affected ${buried.affected}, state ${gone.state}, startedOn ${gone.startedOn}, dead letters ${letters}`)

const stopped = await boss.send("retried", {}, planned)
await boss.cancel("retried", stopped)
const late = await boss.fail("retried", stopped)
console.log(`fail, cancelled: affected ${late.affected}, state ${(await boss.getJobById("retried", stopped)).state}`)
process.exit(0)
JS
node run.mjs | tee seen.txt
cat >expected.txt <<'TXT'
complete, never fetched: affected 0, state created
fail, planned for 2099, retries left: affected 1, state retry, due now, retryCount 0, fetched 1
fail, planned for 2099, no retries: affected 1, state failed, startedOn null, dead letters 1
fail, cancelled: affected 0, state cancelled
TXT
diff expected.txt seen.txt && echo "unchanged: pg-boss 12.38.0 fails jobs that nobody has fetched"
