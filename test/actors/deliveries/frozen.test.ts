// Processes and server sessions that stand still in the middle, and go on or die late.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { claimDeliveries } from "#actors/deliveries/claim-rows.ts"
import { Reclaimer } from "#actors/deliveries/reclaim.ts"
import type { Db } from "#base/database/db.ts"
import { QueryTimedOut } from "#base/database/errors.ts"
import type { App } from "#http/app.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { actorProcess, processRow } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: App

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db)
})
afterAll(() => database.drop())

test("deliveries that an expired process still has locked are reclaimed as soon as they are unlocked", async () => {
  const { webhookId } = await aQueue(3)
  const [living, frozen] = [await processRow(database.db, true), await processRow(database.db, true)]
  const wants = [{ webhookId, after: 0, busy: 0, ahead: 1, cap: 100 }]
  await claimDeliveries(database.db, { process: actorProcess(frozen), wants, total: 100 })
  await database.db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 s' where id = ${frozen}`
  const [locked, killed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const settling = database.db.begin(async (tx) => {
    await tx`select from slotbase.delivery_queue where owner = ${frozen} for update`
    locked.resolve()
    await killed.promise
    throw new Error("killed")
  })
  await locked.promise
  const reclaimer = new Reclaimer(database.db, () => living)
  const claimed = async () => {
    const [row] = await database.db<[{ count: number }]>`
      select count(*) from slotbase.delivery_queue where owner = ${frozen}`
    return row.count
  }
  expect([await reclaimer.reclaim(), await claimed()]).toEqual([true, 3])
  killed.resolve()
  await settling.catch(() => {})
  expect([await reclaimer.reclaim(), await claimed(), await reclaimer.reclaim()]).toEqual([true, 0, false])
})

test("an orphaned claim that commits after the first check is found later, and its deliveries are sent", async () => {
  const receiver = startReceiver()
  const { facilityId } = await aQueue(1, { url: receiver.url })
  // Stands for a backend that is frozen in a claim: it gets no answer, and commits late.
  let frozen: (() => Promise<unknown>) | undefined
  let freezes = false
  const db = Object.assign((strings: TemplateStringsArray, ...values: never[]) => {
    const text = strings.join("")
    if (freezes && text.includes("slotbase.claim_deliveries")) {
      freezes = false
      frozen = async () => await database.db(strings, ...values)
      return Promise.reject(new QueryTimedOut("query", 1, true))
    }
    const query = database.db(strings, ...values)
    if (frozen === undefined || !text.includes("lease <> all")) return query
    const thaw = frozen
    frozen = undefined
    return query.then((asked) => thaw().then(() => asked))
  }, database.db) as unknown as Db
  const deliverer = await aDeliverer({ ...app, db })
  await deliverer.run()
  await confirmed(database.db, facilityId, 3)
  freezes = true
  await eventually(async () => {
    await deliverer.pass().catch(() => {})
    expect(frozen).toBeDefined()
  })
  await eventually(async () => {
    await deliverer.pass().catch(() => {})
    expect(frozen).toBeUndefined()
  })
  const [held] = await database.db`select count(*) from slotbase.delivery_queue where owner = ${deliverer.owner}`
  expect({ ...held }).toEqual({ count: 3 })
  await eventually(async () => {
    await deliverer.pass()
    expect(receiver.received).toHaveLength(4)
  })
  await deliverer.drain()
  await receiver.stop()
})

test("a pass ends while its claim is under way, so that the next pass finds what is new for others", async () => {
  const receiver = startReceiver()
  await aQueue(1, { url: receiver.url })
  const held = Promise.withResolvers<void>()
  let claims = 0
  const db = Object.assign((strings: TemplateStringsArray, ...values: never[]) => {
    if (!strings.join("").includes("slotbase.claim_deliveries")) return database.db(strings, ...values)
    claims++
    return held.promise.then(() => database.db(strings, ...values))
  }, database.db) as unknown as Db
  const deliverer = await aDeliverer({ ...app, db })
  await deliverer.pass()
  expect([claims, receiver.received.length]).toEqual([1, 0])
  held.resolve()
  await deliverer.run()
  expect(receiver.received).toHaveLength(1)
  await deliverer.drain()
  await receiver.stop()
})

async function aQueue(count: number, given: { url?: string } = {}) {
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: "https://receiver.example/hook", ...given })
  await confirmed(database.db, facility.id, count)
  return { facilityId: facility.id, webhookId: webhook.id }
}
