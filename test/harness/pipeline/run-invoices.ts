// A process with InvoiceHandler, started as `bun run-invoices.ts <database> at <crash point> <passing>` or
// `bun run-invoices.ts <database> after <milliseconds>`. It makes passes until it kills itself then.

import { invoiceHandler } from "#actors/handlers/invoice.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { prepareActor } from "#actors/runtime/actor.ts"
import { startLifeSign } from "#actors/runtime/life-sign.ts"
import { arm, type CrashPoint } from "#base/crash-points.ts"
import { connect } from "#base/database/db.ts"
import { pipelineApp } from "./pipeline.ts"

const [url = "", how, when = "", nth = "1"] = process.argv.slice(2)
const db = connect(url, { max: 5, applicationName: "slotbase test invoices" })
const lifeSign = await startLifeSign(db, "actors", "test")
const running = prepareActor(runHandler(pipelineApp(db), invoiceHandler(), lifeSign), new AbortController().signal)
if (how === "at") arm([{ point: when as CrashPoint, nth: Number(nth) }])
else setTimeout(() => process.kill(process.pid, "SIGKILL"), Number(when))
for (;;) {
  await running.passNow().catch((error: Error) => console.log(`failed: ${error.message}`))
  await Bun.sleep(20)
}
