// A series and a wish that an API key made: they act with the present right of the key. An ended key has none.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { callerOf } from "#access/caller.ts"
import { extendDue } from "#domain/booking/series/extend.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { pipelineApp } from "#test/harness/pipeline/pipeline.ts"

let api: TestApi

beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())

const day = (n: number) => Temporal.Now.plainDateISO("Europe/Berlin").add({ days: n }).toString()

test("a revoked key books no further occurrences", async () => {
  const { db } = api.database
  const facilityId = await api.facility({ timezone: "Europe/Berlin" })
  const at = `/v1/facilities/${facilityId}`
  const player = await api.person("player", facilityId)
  const court = await api.call("POST", `${at}/resources`, {
    body: { name: "Court", resourceType: "court", hourlyPrice: 2400 },
  })
  const key = await api.call("POST", `${at}/api-keys`, { body: { name: "Till", role: "staff" } })
  const body = {
    ...{ resourceId: court.body.id, bookerId: player.id, paymentMethod: "waived", rule: "FREQ=DAILY", windowDays: 7 },
    ...{ startDate: day(1), startTime: "18:00", durationMinutes: 60 },
  }
  const made = await api.call("POST", `${at}/recurring-bookings`, { token: key.body.key, body })
  expect(made.status).toBe(201)

  await db`select slotbase.move_clock('2 days')`
  const before = await extendDue(pipelineApp(db), 10, facilityId)
  expect(before).toMatchObject({ series: 1, skipped: 0 })
  expect(before.booked).toBeGreaterThan(0)

  expect((await api.call("DELETE", `${at}/api-keys/${key.body.id}`)).status).toBe(204)
  expect((await callerOf(db, key.body.userId))?.grants).toEqual([])
  await db`select slotbase.move_clock('2 days')`
  const after = await extendDue(pipelineApp(db), 10, facilityId)
  expect(after).toMatchObject({ series: 1, booked: 0 })
  expect(after.skipped).toBeGreaterThan(0)
  const waits = await api.call("GET", `${at}/recurring-bookings/${made.body.id}`)
  expect(waits.body.blocked).toMatchObject({ code: "key_ended" })
})
