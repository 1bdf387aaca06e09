// A process that prints every hint that it receives, started as `bun hear-hints.ts <database>`. On SIGUSR2 it sends
// one.

import { connect } from "#base/database/db.ts"
import { connectHints, onHint, sendHint } from "#base/hints.ts"

const db = connect(process.argv[2] as string, { max: 2, applicationName: "slotbase test hints" })
const disconnect = await connectHints(db)
for (const hint of ["outbox", "log"] as const) onHint(hint, () => console.log(hint))
process.on("SIGUSR2", () => sendHint("outbox"))
process.on("SIGTERM", async () => {
  await disconnect()
  await db.end()
  process.exit(0)
})
console.log("listening")
setInterval(() => {}, 60_000)
