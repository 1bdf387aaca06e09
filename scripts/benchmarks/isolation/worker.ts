// An actor process that delivers and does nothing else: the real dispatcher and the real deliverer.
//   bun worker.ts [milliseconds that a receiver may take, if not the default]

import { deliverWebhooks } from "#actors/deliveries/deliver-webhooks.ts"
import { dispatcher } from "#actors/dispatch/dispatcher.ts"
import { connectActors } from "#actors/runtime/connections.ts"
import { startLifeSign } from "#actors/runtime/life-sign.ts"
import { runActors } from "#actors/runtime/tree.ts"
import { clock } from "#base/clock.ts"
import { parseConfig } from "#base/config.ts"
import { connectHints } from "#base/hints.ts"
import { secretBox } from "#base/secrets.ts"

const config = parseConfig({ SLOTBASE_EGRESS_ALLOW: "127.0.0.0/8" })
const connections = connectActors(process.env.DATABASE_URL ?? "", "slotbase bench")
const { db } = connections
await clock.follow(db)
const stopHints = await connectHints(db)
const lifeSign = await startLifeSign(connections.forLifeSign, "actors", "bench")
const [timeout] = process.argv.slice(2)
const app = { config, db, secrets: secretBox(new Uint8Array(32)) }
const delivering = deliverWebhooks(app, lifeSign, timeout === undefined ? {} : { timeoutMs: Number(timeout) })
const tree = runActors([dispatcher(db, delivering.joinTurn), delivering], (line) => console.error(JSON.stringify(line)))
console.log("ready")

process.on("SIGTERM", async () => {
  await tree.stop()
  await tree.drain()
  await lifeSign.stop()
  await stopHints()
  await connections.end()
  process.exit(0)
})
