// A process that bills a month, started as `bun run-billing.ts <database> <facility> <day> <crash point> <passing>`. It
// kills itself at that passing.

import { monthlyBilling } from "#actors/jobs/monthly-billing.ts"
import { arm, type CrashPoint } from "#base/crash-points.ts"
import { connect } from "#base/database/db.ts"
import { noStop, tickOf } from "#test/harness/club/debts.ts"
import { pipelineApp } from "./pipeline.ts"

const [url = "", facilityId = "", day = "", point = "", nth = "1"] = process.argv.slice(2)
arm([{ point: point as CrashPoint, nth: Number(nth) }])
const db = connect(url, { max: 2, applicationName: "slotbase test billing" })
await monthlyBilling(pipelineApp(db)).run(tickOf(facilityId, "UTC", day, "00:00"), noStop)
