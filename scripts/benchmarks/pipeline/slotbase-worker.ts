// An actor process of SlotBase for the benchmarks: the real dispatcher, deliverer and handler actors. In the registry's
// place stand five handlers of the benchmark. Each inserts one row per event into slotbase_bench.effects.
//   bun slotbase-worker.ts each   a statement per event; the statements of a batch are sent at once
//   bun slotbase-worker.ts set    a statement per batch

import { deliverWebhooks } from "#actors/deliveries/deliver-webhooks.ts"
import { dispatcher } from "#actors/dispatch/dispatcher.ts"
import { sideBySide, type TransactionalHandler } from "#actors/handlers/handler.ts"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { runHandlers } from "#actors/runs/run-handlers.ts"
import { connectActors } from "#actors/runtime/connections.ts"
import { startLifeSign } from "#actors/runtime/life-sign.ts"
import { runActors } from "#actors/runtime/tree.ts"
import { clock } from "#base/clock.ts"
import { parseConfig } from "#base/config.ts"
import { connectHints } from "#base/hints.ts"
import { secretBox } from "#base/secrets.ts"

const benchHandlers = 5

const events = ["booking.confirmed"] as const

const each = (name: string): TransactionalHandler => ({
  kind: "transactional",
  name,
  events,
  handleAll: sideBySide(async (tx, event) => {
    await tx`insert into slotbase_bench.effects (handler, event_id) values (${name}, ${event.id})`
    return undefined
  }),
})

const set = (name: string): TransactionalHandler => ({
  kind: "transactional",
  name,
  events,
  handleAll: async (tx, batch) => {
    await tx`
      insert into slotbase_bench.effects (handler, event_id)
      select ${name}, unnest(${batch.map((event) => event.id)}::uuid[])`
    return undefined
  },
})

const config = parseConfig({ SLOTBASE_EGRESS_ALLOW: "127.0.0.0/8" })
const connections = connectActors(process.env.DATABASE_URL ?? "", "slotbase bench")
const { db } = connections
const app = { config, db, secrets: secretBox(new Uint8Array(32)) }
await clock.follow(db)
const stopHints = await connectHints(db)
const handlerOf = process.argv[2] === "set" ? set : each
const handlers = Array.from({ length: benchHandlers }, (_, n) => handlerOf(`BenchHandler${n + 1}`))
await mirrorHandlers(db, handlers)
const lifeSign = await startLifeSign(connections.forLifeSign, "actors", "bench")
const delivering = deliverWebhooks(app, lifeSign)
const tree = runActors(
  [dispatcher(db, delivering.joinTurn), delivering, ...runHandlers(app, handlers, lifeSign)],
  (line) => console.error(JSON.stringify(line)),
)
console.log("ready")

process.on("SIGTERM", async () => {
  await tree.stop()
  await tree.drain()
  await lifeSign.stop()
  await stopHints()
  await connections.end()
  process.exit(0)
})
