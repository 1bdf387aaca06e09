// What a quiet club sent while its receiver was away arrives: by quick tries, then by the job webhook-retry, for the
// stated time.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { claimDeliveries } from "#actors/deliveries/claim-rows.ts"
import { webhookRetry } from "#actors/jobs/webhook-retry.ts"
import { transact } from "#events/outbox.ts"
import { retryDelivery } from "#outbound/webhooks/deliveries/deliveries.ts"
import { changeWebhook } from "#outbound/webhooks/webhooks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { actorProcess, context, processRow, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed, rootCaller, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>
let deliverer: TestDeliverer
let inbox: Receiver
let status = 200

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  inbox = startReceiver(() => new Response("", { status }))
})
afterAll(async () => {
  await deliverer?.drain()
  await inbox?.stop()
  await database?.drop()
})

async function away(count: number, given: { maxRetries?: number; retryForHours?: number } = {}) {
  const { maxRetries = 0, ...rest } = given
  status = 500
  await deliverer?.drain()
  deliverer = await aDeliverer(app)
  const facility = await aFacility(database.db)
  const retryConfig = { maxRetries, retryDelayMs: 100 }
  const webhook = await aWebhook(app, facility.id, { url: inbox.url, retryConfig, ...rest })
  await confirmed(database.db, facility.id, count)
  await deliverer.run()
  return { facilityId: facility.id, webhookId: webhook.id }
}
const job = () => webhookRetry(app).pass(new AbortController().signal)
const moveClock = (by: string) => database.db`select slotbase.move_clock(${by}::interval)`
const statuses = async (webhookId: string) => {
  const rows = await database.db<{ status: string; count: number }[]>`
    select status, count(*) from slotbase.webhook_deliveries where webhook_id = ${webhookId} group by status`
  return Object.fromEntries(rows.map((row) => [row.status, row.count]))
}
const waiting = async (webhookId: string) => {
  const [row] = await database.db<[{ count: number; next: Date; minutes: number }]>`
    select count(*), min(ready_at) as next, ceil(extract(epoch from min(ready_at) - slotbase.now()) / 60)::integer as minutes
    from slotbase.delivery_queue where webhook_id = ${webhookId} and waits_for = 'job'`
  return row
}

test("a receiver that was away for an hour gets the event, which is shown as retrying until then", async () => {
  const { webhookId } = await away(1, { maxRetries: 2 })
  for (let quick = 0; quick < 2; quick++) {
    await moveClock("1 second")
    await deliverer.run()
  }
  expect(await statuses(webhookId)).toEqual({ retrying: 1 })
  const first = await waiting(webhookId)
  expect(first.count).toBe(1)
  expect(first.next.getTime() % 300_000).toBe(0)
  expect(first.minutes).toBeWithin(0, 6)

  expect(await job()).toMatchObject({ did: { tried: 0, gaveUp: 0 } })
  await moveClock("5 minutes")
  expect(await job()).toMatchObject({ did: { tried: 1, gaveUp: 0 } })
  await deliverer.run()
  expect(await waiting(webhookId)).toMatchObject({ count: 1 })

  status = 200
  await moveClock("1 hour")
  await job()
  await deliverer.run()
  expect(await statuses(webhookId)).toEqual({ delivered: 1 })
  expect(await unbalanced(database.db)).toHaveLength(0)
})

test("of many deliveries three are tried; when they arrive, the others follow, and not all at once", async () => {
  const { webhookId } = await away(9)
  await deliverer.run()
  expect((await waiting(webhookId)).count).toBe(9)
  await moveClock("5 minutes")
  const before = inbox.received.length
  expect(await job()).toMatchObject({ did: { tried: 3, gaveUp: 0 } })
  await deliverer.run()
  await eventually(async () => expect((await waiting(webhookId)).count).toBe(9))
  expect(inbox.received.length - before).toBe(3)

  status = 200
  await moveClock("10 minutes")
  await job()
  await deliverer.run()
  await eventually(async () => {
    await deliverer.run()
    expect(await statuses(webhookId)).toEqual({ delivered: 9 })
  })
})

test("a delivery is a dead letter when a try fails after the stated time, with its first errors and its last", async () => {
  const { webhookId } = await away(1, { retryForHours: 1 })
  for (let minutes = 0; minutes <= 90; minutes += 5) {
    await moveClock("5 minutes")
    await job()
    // Another one each time: its breaker counts real seconds.
    const fresh = await aDeliverer(app)
    await fresh.run()
    await fresh.drain()
  }
  expect(await statuses(webhookId)).toEqual({ failed: 1 })
  const [letter] = await database.db<[{ count: number; codes: string[] }]>`
    select jsonb_array_length(errors) as count,
           array(select distinct e -> 'error' ->> 'code' from jsonb_array_elements(errors) e) as codes
    from slotbase.dead_letters where webhook_id = ${webhookId}`
  expect(letter.count).toBeWithin(12, 16)
  expect(letter.codes).toEqual(["http_500"])
  expect(await unbalanced(database.db)).toHaveLength(0)
})

test("deliveries whose time is over and that nobody tried are dead letters by the job", async () => {
  const { webhookId } = await away(6, { retryForHours: 1 })
  await moveClock("2 hours 10 minutes")
  expect(await job()).toMatchObject({ did: { gaveUp: 6 } })
  expect(await statuses(webhookId)).toEqual({ failed: 6 })
  const [letter] = await database.db<[{ code: string }]>`
    select errors -> -1 -> 'error' ->> 'code' as code from slotbase.dead_letters where webhook_id = ${webhookId} limit 1`
  expect(letter.code).toBe("retry_time_over")
  expect(await unbalanced(database.db)).toHaveLength(0)
})

test("while a webhook is paused its time does not run out, and a resume tries what waited", async () => {
  const { facilityId, webhookId } = await away(1, { retryForHours: 1 })
  const change = (isActive: boolean) =>
    transact(database.db, context, (tx) => changeWebhook(tx, app.secrets, facilityId, webhookId, { isActive }))
  await change(false)
  await moveClock("5 hours")
  expect(await job()).toMatchObject({ did: { tried: 0, gaveUp: 0 } })
  await change(true)
  await deliverer.run()
  expect(await statuses(webhookId)).toEqual({ retrying: 1 })
  status = 200
  await moveClock("10 minutes")
  await job()
  await deliverer.run()
  expect(await statuses(webhookId)).toEqual({ delivered: 1 })
})

test("with retryForHours 0 the quick tries are all, and a retry by hand does not wait for the job", async () => {
  const none = await away(1, { retryForHours: 0 })
  expect(await statuses(none.webhookId)).toEqual({ failed: 1 })
  const { facilityId, webhookId } = await away(1)
  const [row] = await database.db<[{ id: string }]>`
    select delivery_id as id from slotbase.delivery_queue where webhook_id = ${webhookId}`
  status = 200
  await transact(database.db, context, (tx) => retryDelivery(tx, rootCaller, facilityId, row.id))
  await deliverer.run()
  expect(await statuses(webhookId)).toEqual({ delivered: 1 })
})

test("first attempts do not wait behind retries: these get half of the places, or every third single one", async () => {
  const { facilityId, webhookId } = await away(20)
  await deliverer.drain()
  await database.db`
    update slotbase.delivery_queue set waits_for = null, ready_at = slotbase.now() where webhook_id = ${webhookId}`
  await confirmed(database.db, facilityId, 8)
  const owner = await processRow(database.db, true)
  const kinds = async (cap: number, dueFirst: boolean) => {
    const wants = [{ webhookId, after: 0, busy: 0, ahead: 1, cap }]
    const claimed = await claimDeliveries(database.db, { process: actorProcess(owner), wants, total: 100, dueFirst })
    return [claimed.filter(({ fresh }) => fresh).length, claimed.filter(({ fresh }) => !fresh).length]
  }
  expect(await kinds(8, false)).toEqual([4, 4])
  expect(await kinds(1, false)).toEqual([1, 0])
  expect(await kinds(1, true)).toEqual([0, 1])
  expect(await kinds(10, false)).toEqual([3, 7])
})
