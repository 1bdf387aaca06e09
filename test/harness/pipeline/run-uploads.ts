// A server that takes uploads, started as `bun run-uploads.ts <database> <data folder> <crash point> <passing>`. It
// prints its address, and kills itself at the crash point.

import { createServer } from "#api/server.ts"
import { arm, type CrashPoint } from "#base/crash-points.ts"
import { connect } from "#base/database/db.ts"
import { testApp } from "#test/harness/setup/app.ts"

const [url = "", dataDir = "", point, nth = "1"] = process.argv.slice(2)
const app = testApp(connect(url, { max: 5, applicationName: "slotbase test uploads" }), { dataDir })
const server = createServer(app).listen({ hostname: "127.0.0.1", port: 0 })
if (point !== undefined) arm([{ point: point as CrashPoint, nth: Number(nth) }])
console.log(`http://127.0.0.1:${server.server?.port}`)
