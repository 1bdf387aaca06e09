// The actors that make mails of events, of this checkout or of an earlier one: the dispatcher, NotificationHandler, and
// the sender where there is one. Before that, the handler sent the mails itself.
//   bun worker.ts <folder of the checkout>

import { existsSync } from "node:fs"
import { join } from "node:path"

const folder = process.argv[2] ?? ""
// biome-ignore lint/suspicious/noExplicitAny: an earlier checkout has other types
const load = (path: string): Promise<any> => import(join(folder, path))
const [dispatch, index, notification, runs, connecting, life, tree, clocks, configs, hints, secrets, smtp] =
  await Promise.all(
    [
      "actors/dispatch/dispatcher.ts",
      "actors/handlers/index.ts",
      "actors/handlers/notification.ts",
      "actors/runs/run-handler.ts",
      "actors/runtime/connections.ts",
      "actors/runtime/life-sign.ts",
      "actors/runtime/tree.ts",
      "src/base/clock.ts",
      "src/base/config.ts",
      "src/base/hints.ts",
      "src/base/secrets.ts",
      "src/outbound/messages/channels/email/smtp.ts",
    ].map(load),
  )
const sending = join(folder, "actors/messages/send-messages.ts")
const { sendMessages } = existsSync(sending) ? await load("actors/messages/send-messages.ts") : {}
const { writeMessages } = existsSync(sending) ? await load("actors/messages/write-messages.ts") : {}

const config = configs.parseConfig({
  SMTP_URL: process.env.BENCH_SMTP_URL,
  SLOTBASE_MAIL_FROM: "Parkside <mail@club.example>",
})
const connections = connecting.connectActors(process.env.DATABASE_URL ?? "", "slotbase bench")
const { db } = connections
const mail = smtp.createMailer({ config, db })
const app = { config, db, secrets: secrets.secretBox(new Uint8Array(32)), mail, channels: [mail] }
await clocks.clock.follow(db)
const stopHints = await hints.connectHints(db)
const handler = notification.notificationHandler(app)
await index.mirrorHandlers(db, [handler])
const lifeSign = await life.startLifeSign(connections.forLifeSign, "actors", "bench")
const actors = [
  dispatch.dispatcher(db),
  runs.runHandler(app, handler, lifeSign),
  ...(sendMessages === undefined ? [] : [writeMessages(app, lifeSign), sendMessages(app, lifeSign)]),
]
const running = tree.runActors(actors, (line: object) => console.error(JSON.stringify(line)))
console.log("ready")

process.on("SIGTERM", async () => {
  await running.stop()
  await running.drain()
  await mail.close()
  await lifeSign.stop()
  await stopHints()
  await connections.end()
  process.exit(0)
})
