// A process that tells people, started as `bun run-messages.ts <database> <settings as JSON> <crash point> <passing>`.
// It writes, claims and sends messages until it kills itself there. The settings are those of the configuration.

import { notificationHandler } from "#actors/handlers/notification.ts"
import { sendMessages } from "#actors/messages/send-messages.ts"
import { writeMessages } from "#actors/messages/write-messages.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { prepareActor } from "#actors/runtime/actor.ts"
import { startLifeSign } from "#actors/runtime/life-sign.ts"
import { arm, type CrashPoint } from "#base/crash-points.ts"
import { connect } from "#base/database/db.ts"
import { testApp } from "#test/harness/setup/app.ts"

const [url = "", settings = "{}", point, nth = "1"] = process.argv.slice(2)
const db = connect(url, { max: 5, applicationName: "slotbase test messages" })
const tools = testApp(db, JSON.parse(settings))
const lifeSign = await startLifeSign(db, "actors", "test")
const actors = [
  runHandler(tools, notificationHandler(tools), lifeSign),
  writeMessages(tools, lifeSign),
  sendMessages(tools, lifeSign),
].map((actor) => prepareActor(actor, new AbortController().signal))
if (point !== undefined) arm([{ point: point as CrashPoint, nth: Number(nth) }])
for (;;) {
  for (const actor of actors) await actor.passNow().catch((error: Error) => console.log(`failed: ${error.message}`))
  await Bun.sleep(10)
}
