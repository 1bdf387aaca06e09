// A webhook that fails again and again is tried seldom: few attempts are burned, people see why, and it recovers by
// itself.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { Reclaimer } from "#actors/deliveries/reclaim.ts"
import { rootUserId } from "#base/ids.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { processRow } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
})
afterAll(() => database?.drop())

const breakers = (webhookId: string) => database.db<{ process: number; failures: number; error: string }[]>`
  select process, failures, error from slotbase.webhook_breakers where webhook_id = ${webhookId}`
const counts = async (webhookId: string) => {
  const rows = await database.db<{ status: string; count: number }[]>`
    select status, count(*) from slotbase.webhook_deliveries where webhook_id = ${webhookId} group by status`
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]))
}

test("a webhook that always fails gets ten requests, then a few; when it answers, all waiting deliveries are delivered", async () => {
  let healthy = false
  const inbox = startReceiver(() => new Response("", { status: healthy ? 200 : 500 }))
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, {
    url: inbox.url,
    maxConcurrency: 10,
    retryConfig: { maxRetries: 0 },
    retryForHours: 0,
  })
  await confirmed(database.db, facility.id, 200)
  const deliverer = await aDeliverer(app)
  deliverer.requestScan()
  await deliverer.pass()
  await eventually(async () => expect((await breakers(webhook.id)).length).toBe(1))
  await deliverer.idle()

  const [open] = await breakers(webhook.id)
  expect(open).toMatchObject({ process: deliverer.owner, error: "The receiver answered 500." })
  expect(open?.failures).toBeGreaterThanOrEqual(10)
  expect(inbox.received.length).toBeLessThan(15)

  healthy = true
  const failed = () => inbox.received.length - 200
  await eventually(async () => expect(await breakers(webhook.id)).toHaveLength(0))
  await eventually(async () => expect(Object.keys(await counts(webhook.id)).sort()).toEqual(["delivered", "failed"]))
  expect((await counts(webhook.id)).failed).toBeLessThan(15)
  expect(failed()).toBe(0)
  await deliverer.drain()
  await inbox.stop()
})

test("a process that stops removes its rows, and the rows of an expired process are removed when its deliveries are reclaimed", async () => {
  const [mine, dead] = [await processRow(database.db, true), await processRow(database.db, false)]
  const facility = await aFacility(database.db)
  const leave = (process: number) => database.db`
    insert into slotbase.webhook_breakers (webhook_id, process, facility_id, failures, opened_at, probe_at)
    values (${rootUserId}, ${process}, ${facility.id}, 10, slotbase.now(), slotbase.now())`
  await leave(mine)
  await leave(dead)
  await new Reclaimer(database.db, () => mine).reclaim()
  expect((await breakers(rootUserId)).map((row) => row.process)).toEqual([mine])

  const deliverer = await aDeliverer(app)
  await leave(deliverer.owner)
  await deliverer.drain()
  expect((await breakers(rootUserId)).map((row) => row.process)).toEqual([mine])
})
