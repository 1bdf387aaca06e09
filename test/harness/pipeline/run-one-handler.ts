// A process with one transactional handler, started as `bun run-one-handler.ts <database>`. The handler counts each
// event once. Before it settles, it waits while the table "gate" holds a row for its process. It prints the errors of
// its actor.

import { runHandler } from "#actors/runs/run-handler.ts"
import { prepareActor } from "#actors/runtime/actor.ts"
import { startLifeSign } from "#actors/runtime/life-sign.ts"
import { connect } from "#base/database/db.ts"
import { pipelineApp } from "./pipeline.ts"

const db = connect(process.argv[2] as string, { max: 5, applicationName: "slotbase test handler" })
const lifeSign = await startLifeSign(db, "actors", "test")
const stopping = new AbortController()
const running = prepareActor(
  runHandler(
    pipelineApp(db),
    {
      kind: "transactional",
      name: "AnalyticsHandler",
      events: ["booking.confirmed"],
      async handle(tx, event) {
        await tx`update figures set handled = handled + 1`
        await tx`insert into handled (position, pid) values (${event.position}, ${process.pid})`
        if (event.position === 1) console.log("handling")
        // A process that is stopped here holds its transaction open, as a frozen process does.
        while ((await db`select from gate where pid = ${process.pid}`).count > 0) await Bun.sleep(20)
        return undefined
      },
    },
    lifeSign,
  ),
  stopping.signal,
)

process.on("SIGTERM", async () => {
  stopping.abort()
  await lifeSign.stop()
  await db.end()
  process.exit(0)
})
console.log(`owner ${lifeSign.owner()}`)
while (!stopping.signal.aborted) {
  await running.passNow().catch((error: Error) => console.log(`failed: ${error.message}`))
  await Bun.sleep(50)
}
