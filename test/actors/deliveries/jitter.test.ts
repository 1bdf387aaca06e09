// The jitter of retries, in the program as it runs: the other tests of deliveries take chance out of it.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { deliverWebhooks } from "#actors/deliveries/deliver-webhooks.ts"
import type { Db } from "#base/database/db.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { actorProcess, processRow } from "#test/harness/pipeline/pipeline.ts"
import { aWebhook, confirmed } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
afterAll(() => database.drop())

test("deliveries that fail together are not tried again together", async () => {
  const inbox = startReceiver(() => new Response("no", { status: 500 }))
  const app = testApp(db, { egressAllow: ["127.0.0.0/8"] })
  const facility = await aFacility(db)
  const seconds = 1_000
  const retryConfig = { maxRetries: 3, retryDelayMs: seconds * 1_000 }
  const webhook = await aWebhook(app, facility.id, { url: inbox.url, retryConfig })
  await confirmed(db, facility.id, 8)
  const owner = await processRow(db, true)
  const actor = deliverWebhooks(app, actorProcess(owner))
  await actor.pass(new AbortController().signal)
  const waiting = await eventually(async () => {
    const rows = await db<{ seconds: number }[]>`
      select extract(epoch from ready_at - slotbase.now())::integer as seconds from slotbase.delivery_queue
      where webhook_id = ${webhook.id} and attempts = 1 and lease is null order by ready_at`
    expect(rows).toHaveLength(8)
    return rows.map((row) => row.seconds)
  })
  await actor.drain?.()
  await inbox.stop()
  const [first = 0, last = 0] = [waiting[0], waiting.at(-1)]
  expect(first).toBeGreaterThan(0.8 * seconds - 30)
  expect(last).toBeLessThan(1.2 * seconds + 30)
  // Jitter is two tenths on both sides. Eight draws nearly never spread over less than a hundredth.
  expect(last - first).toBeGreaterThan(0.01 * seconds)
})
