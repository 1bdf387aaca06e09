// Looking for work when more webhooks have something queued than one look can take.

import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import { createBreakers } from "#actors/deliveries/breaker-rows.ts"
import { Lanes } from "#actors/deliveries/endpoints.ts"
import { createLooking } from "#actors/deliveries/finder.ts"
import { clock } from "#base/clock.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { aDeliverer, aWebhook, confirmed } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const url = "http://127.0.0.1:9/"

/** A process that looks at two webhooks in a step, and what it has found. */
function lookingByTwo() {
  const { db } = database
  const lanes = new Lanes()
  const breakers = createBreakers(db, () => 0)
  const looking = createLooking({ db, lanes, breakers, draining: () => false, step: 2 })
  /** Above which position its deliveries are claimed. */
  const from = (id: string) => lanes.wants(clock.now()).find(({ webhookId }) => webhookId === id)?.after
  return { ...looking, from, found: (ids: readonly string[]) => ids.filter((id) => lanes.get(id) !== undefined) }
}

test("the walk goes on where it was until every webhook is found, past those that are paused", async () => {
  const app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  const facility = await aFacility(database.db)
  const ids: string[] = []
  for (let n = 0; n < 5; n++) ids.push((await aWebhook(app, facility.id, { url })).id)
  await confirmed(database.db, facility.id)
  const paused = ids.slice(0, 2)
  await database.db`update slotbase.webhooks set is_active = false where id = any (${paused})`
  const process = lookingByTwo()
  const looks: { more: boolean; found: number }[] = []
  for (let look = 0; look < 3; look++) looks.push({ more: await process.look(), found: process.found(ids).length })
  expect(looks).toEqual([
    { more: true, found: 0 },
    { more: true, found: 2 },
    { more: false, found: 3 },
  ])
  expect(process.found(ids)).toEqual(ids.slice(2))
})

test("what is dispatched in the middle of a walk is found in the log, with what its webhook has waiting", async () => {
  const app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  const facility = await aFacility(database.db)
  const paused = await aWebhook(app, facility.id, { url })
  const switchTo = (isActive: boolean) =>
    database.db`update slotbase.webhooks set is_active = ${isActive} where id = ${paused.id}`
  await switchTo(false)
  await confirmed(database.db, facility.id)
  const process = lookingByTwo()
  while (await process.look());
  expect(process.found([paused.id])).toEqual([])
  await switchTo(true)
  process.everywhere()
  await confirmed(database.db, facility.id)
  expect(await process.look()).toBe(true)
  expect(process.from(paused.id)).toBe(0)
  while (await process.look());
})

test("what no hint and no log tells of is found in the queue after two seconds", async () => {
  const app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  const facility = await aFacility(database.db)
  const inbox = startReceiver()
  const webhook = await aWebhook(app, facility.id, { url: inbox.url })
  const switchTo = (isActive: boolean) =>
    database.db`update slotbase.webhooks set is_active = ${isActive} where id = ${webhook.id}`
  await switchTo(false)
  await confirmed(database.db, facility.id)
  const deliverer = await aDeliverer(app)
  // A whole number, so that differences are exact.
  const began = Math.ceil(performance.now())
  let ahead = 0
  const clock = spyOn(performance, "now").mockImplementation(() => began + ahead)
  const pass = async () => {
    while ((await deliverer.pass()).more);
    await deliverer.idle()
    return inbox.received.length
  }
  expect(await pass()).toBe(0)
  await switchTo(true)
  ahead = 1_999
  expect(await pass()).toBe(0)
  ahead = 2_000
  expect(await pass()).toBe(1)
  clock.mockRestore()
  await deliverer.drain()
  await inbox.stop()
})
