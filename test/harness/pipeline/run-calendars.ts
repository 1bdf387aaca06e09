// A process that keeps calendars in step: `bun run-calendars.ts <database> <crash point> <passing> <configuration>`. It
// kills itself at that passing, or ends when nothing is due.

import { arm, type CrashPoint } from "#base/crash-points.ts"
import { connect } from "#base/database/db.ts"
import { syncAll } from "#test/harness/pipeline/sync-all.ts"

const [url = "", point = "", nth = "1", config = "{}"] = process.argv.slice(2)
arm([{ point: point as CrashPoint, nth: Number(nth) }])
const db = connect(url, { max: 4, applicationName: "slotbase test calendars" })
await syncAll(db, JSON.parse(config))
process.exit(0)
