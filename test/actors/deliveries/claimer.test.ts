// The time during which a claim may be sent.

import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import { Claimer } from "#actors/deliveries/claimer.ts"
import type { ClaimedDelivery } from "#actors/deliveries/delivery.ts"
import { Endpoints } from "#actors/deliveries/endpoints.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { actorProcess, processRow } from "#test/harness/pipeline/pipeline.ts"
import { aWebhook, confirmed } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

test("a delivery claimed two seconds ago is not sent: the process may have been stopped since", async () => {
  const { db } = database
  const facility = await aFacility(db)
  const app = testApp(db, { egressAllow: ["127.0.0.0/8"] })
  const { id } = await aWebhook(app, facility.id, { url: "http://127.0.0.1:9/" })
  await confirmed(db, facility.id)
  const owner = await processRow(db, true)
  const endpoints = new Endpoints()
  endpoints.markReady({ id, facilityId: facility.id }, 0)
  const claimer = new Claimer({
    db,
    process: actorProcess(owner),
    endpoints,
    onClaimed: () => {},
    onHeld: () => {},
    onFailed: () => {},
  })
  // A whole number, so that differences are exact.
  const now = Math.ceil(performance.now())
  const clock = spyOn(performance, "now").mockImplementation(() => now)
  await claimer.untilFull()
  const delivery = endpoints.get(id)?.waiting[0] as ClaimedDelivery
  clock.mockImplementation(() => now + 2_000)
  expect(claimer.isStale(delivery)).toBe(false)
  clock.mockImplementation(() => now + 2_001)
  expect(claimer.isStale(delivery)).toBe(true)
  clock.mockRestore()
})
