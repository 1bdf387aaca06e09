// A 410 from a receiver to which the webhook does not point any more.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { transact } from "#events/outbox.ts"
import { changeWebhook } from "#outbound/webhooks/webhooks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { context } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

test("a 410 from an earlier address of the webhook does not switch the webhook off", async () => {
  const [asked, moved] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  const deliverer = await aDeliverer(app)
  const old = startReceiver(async () => {
    asked.resolve()
    await moved.promise
    return new Response("", { status: 410 })
  })
  const inbox = startReceiver()
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: old.url })
  await confirmed(database.db, facility.id)
  const running = deliverer.run()
  await asked.promise
  await transact(database.db, context, (tx) =>
    changeWebhook(tx, app.secrets, facility.id, webhook.id, { url: inbox.url }),
  )
  moved.resolve()
  await running
  await database.db`select slotbase.move_clock('1 hour')`
  await deliverer.run()
  const deliveries = await database.db`
    select status, attempt_count from slotbase.webhook_deliveries where webhook_id = ${webhook.id}`
  expect([...deliveries] as object[]).toEqual([{ status: "delivered", attempt_count: 2 }])
  const [row] = await database.db`select is_active from slotbase.webhooks where id = ${webhook.id}`
  expect({ ...row }).toEqual({ is_active: true })
  await deliverer.drain()
  await Promise.all([old.stop(), inbox.stop()])
})
