// The rate of a webhook over all processes, and the backlog of a webhook that was off.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { claimDeliveries, type Hold, type Want } from "#actors/deliveries/claim-rows.ts"
import { transact } from "#events/outbox.ts"
import type { WebhookInput } from "#outbound/webhooks/input.ts"
import { changeWebhook } from "#outbound/webhooks/webhooks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { actorProcess, context, onlyAlive, processRow } from "#test/harness/pipeline/pipeline.ts"
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
afterEach(() => onlyAlive(database.db))
afterAll(() => database?.drop())

async function aQueue(count: number, given: Partial<WebhookInput> = {}) {
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: "https://receiver.example/hook", ...given })
  await confirmed(database.db, facility.id, count)
  return { facilityId: facility.id, webhookId: webhook.id }
}
const want = (webhookId: string): Want => ({ webhookId, after: 0, busy: 0, ahead: 1, cap: 1_000 })
const claim = async (owner: number, webhookId: string, held: Hold[] = []) => {
  const onHeld = (holds: readonly Hold[]) => void held.push(...holds)
  return claimDeliveries(database.db, { process: actorProcess(owner), wants: [want(webhookId)], total: 1_000, onHeld })
}

test("two processes together send no more than the rate in any second, and everything in the end", async () => {
  const inbox = startReceiver()
  const { webhookId } = await aQueue(45, { url: inbox.url, ratePerSecond: 20, maxConcurrency: 50 })
  const [one, other] = [await aDeliverer(app), await aDeliverer(app)]
  await Promise.all([one.run(), other.run()])
  await eventually(
    async () => {
      await Promise.all([one.pass(), other.pass()])
      expect(inbox.received).toHaveLength(45)
    },
    { withinMs: 8_000 },
  )
  await Promise.all([one.drain(), other.drain()])
  // When they were claimed, by the clock of the database; each is sent at once.
  const begun = await database.db<{ at: number }[]>`
    select extract(epoch from started_at)::float8 as at from slotbase.webhook_attempts
    where webhook_id = ${webhookId} order by started_at`
  const most = Math.max(...begun.map(({ at }) => begun.filter((each) => each.at >= at && each.at < at + 1).length))
  expect(most).toBeWithin(10, 21)
  await inbox.stop()
})

test("a rate below one a second lets one go, and says when the next one may", async () => {
  const { webhookId } = await aQueue(3, { ratePerSecond: 0.1 })
  const owner = await processRow(database.db, true)
  const held: Hold[] = []
  expect(await claim(owner, webhookId, held)).toHaveLength(1)
  expect(await claim(owner, webhookId, held)).toHaveLength(0)
  for (const { held_until } of held) expect(held_until.getTime() - Date.now()).toBeWithin(8_000, 10_500)
  await database.db`select slotbase.move_clock(interval '10 seconds')`
  expect(await claim(owner, webhookId)).toHaveLength(1)
})

test("a backlog is sent at a rate that grows, new events go beside it, and then it is over", async () => {
  const { facilityId, webhookId } = await aQueue(0, { isActive: false, maxConcurrency: 50 })
  await confirmed(database.db, facilityId, 40)
  await transact(database.db, context, (tx) =>
    changeWebhook(tx, app.secrets, facilityId, webhookId, { isActive: true }),
  )
  const fresh = new Set(await confirmed(database.db, facilityId, 5))
  const owner = await processRow(database.db, true)
  const first = await claim(owner, webhookId)
  expect(first.filter(({ event_id }) => fresh.has(event_id))).toHaveLength(5)
  expect(first.length - 5).toBeWithin(1, 3)
  const claimed = [first.length]
  for (let seconds = 0; seconds < 100 && claimed.reduce((sum, n) => sum + n, 0) < 45; seconds += 10) {
    await database.db`select slotbase.move_clock(interval '10 seconds')`
    claimed.push((await claim(owner, webhookId)).length)
  }
  expect(claimed.reduce((sum, n) => sum + n, 0)).toBe(45)
  await database.db`select slotbase.move_clock(interval '1 second')`
  await claim(owner, webhookId)
  const [pace] = await database.db`select catch_up_to from slotbase.webhook_pace where webhook_id = ${webhookId}`
  expect(pace?.catch_up_to).toBeNull()
})

test("a claim that finds the pace locked by a process that hangs leaves that webhook alone, and takes the others", async () => {
  const [rated, plain] = [await aQueue(1, { ratePerSecond: 5 }), await aQueue(1)]
  const owner = await processRow(database.db, true)
  const held: Hold[] = []
  await database.db.begin(async (tx) => {
    await tx`select from slotbase.webhook_pace where webhook_id = ${rated.webhookId} for update`
    const claimed = await claimDeliveries(database.db, {
      process: actorProcess(owner),
      wants: [want(rated.webhookId), want(plain.webhookId)],
      total: 10,
      onHeld: (holds) => void held.push(...holds),
    })
    expect(claimed.map(({ webhook_id }) => webhook_id)).toEqual([plain.webhookId])
  })
  expect(held.map(({ webhook_id }) => webhook_id)).toEqual([rated.webhookId])
  expect(await claim(owner, rated.webhookId)).toHaveLength(1)
})
