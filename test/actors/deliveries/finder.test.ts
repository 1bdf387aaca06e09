// Finding work when more webhooks have something queued than one step of a scan reads.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { BreakerRows } from "#actors/deliveries/breaker-rows.ts"
import { Endpoints } from "#actors/deliveries/endpoints.ts"
import { Finder } from "#actors/deliveries/finder.ts"
import { clock } from "#base/clock.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { aWebhook, confirmed } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const url = "http://127.0.0.1:9/"

/** A process that scans two webhooks in a step, and the endpoints that it has found. */
function findingByTwo() {
  const { db } = database
  const endpoints = new Endpoints()
  const breakers = new BreakerRows(db, () => 0)
  const finder = new Finder({ db, endpoints, breakers, isDraining: () => false, step: 2 })
  /** Above which position its deliveries are claimed. */
  const from = (id: string) => endpoints.wants(clock.now()).find(({ webhookId }) => webhookId === id)?.after
  const found = (ids: readonly string[]) => ids.filter((id) => endpoints.get(id) !== undefined)
  return { finder, from, found }
}

test("the scan goes on where it was until every webhook is found, past paused ones", async () => {
  const app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  const facility = await aFacility(database.db)
  const ids: string[] = []
  for (let n = 0; n < 5; n++) ids.push((await aWebhook(app, facility.id, { url })).id)
  await confirmed(database.db, facility.id)
  const paused = ids.slice(0, 2)
  await database.db`update slotbase.webhooks set is_active = false where id = any (${paused})`
  const process = findingByTwo()
  const steps: { more: boolean; found: number }[] = []
  for (let step = 0; step < 3; step++)
    steps.push({ more: await process.finder.find(), found: process.found(ids).length })
  expect(steps).toEqual([
    { more: true, found: 0 },
    { more: true, found: 2 },
    { more: false, found: 3 },
  ])
  expect(process.found(ids)).toEqual(ids.slice(2))
})

test("a delivery dispatched in the middle of a scan is found in the log, with the waiting ones of its webhook", async () => {
  const app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  const facility = await aFacility(database.db)
  const paused = await aWebhook(app, facility.id, { url })
  const switchTo = (isActive: boolean) =>
    database.db`update slotbase.webhooks set is_active = ${isActive} where id = ${paused.id}`
  await switchTo(false)
  await confirmed(database.db, facility.id)
  const process = findingByTwo()
  while (await process.finder.find());
  expect(process.found([paused.id])).toEqual([])
  await switchTo(true)
  process.finder.requestScan()
  await confirmed(database.db, facility.id)
  expect(await process.finder.find()).toBe(true)
  expect(process.from(paused.id)).toBe(0)
  while (await process.finder.find());
})
