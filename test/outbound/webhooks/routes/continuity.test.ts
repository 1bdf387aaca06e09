// Completeness: what a receiver misses is named by its numbers, and sent again; and what a deletion discards.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { aDeliverer, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"

let api: TestApi
let deliverer: TestDeliverer
let healthy = true
const inbox = startReceiver(() => new Response(healthy ? "ok" : "broken", { status: healthy ? 200 : 500 }))

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(api.app)
})
afterAll(async () => {
  await deliverer?.drain()
  await inbox.stop()
  await api?.database.drop()
})

/** A webhook with the numbers 1 and 2 delivered, 3 dead, and 4 and 5 waiting, and the ids of its events. */
async function torn() {
  const facilityId = await api.facility()
  const at = `/v1/facilities/${facilityId}`
  const body = {
    name: "Club system",
    url: inbox.url,
    events: ["booking.confirmed"],
    retryConfig: { maxRetries: 0 },
    retryForHours: 0,
  }
  const { id } = (await api.call("POST", `${at}/webhooks`, { body })).body
  const { db } = api.database
  healthy = true
  const delivered = await confirmed(db, facilityId, 2)
  await deliverer.run()
  healthy = false
  const dead = await confirmed(db, facilityId)
  await deliverer.run()
  healthy = true
  await api.call("PATCH", `${at}/webhooks/${id}`, { body: { isActive: false } })
  const waiting = await confirmed(db, facilityId, 2)
  return { at: `${at}/webhooks/${id}`, facilityId, events: [...delivered, ...dead, ...waiting] }
}
const ask = async (at: string, query: string) => (await api.call("GET", `${at}/continuity?${query}`)).body

test("names what is missing with its event and its state, page by page, and the contiguous head", async () => {
  const { at, events } = await torn()
  const row = (sequence: number, status: string) => ({
    sequence,
    status,
    deliveryId: expect.any(String),
    eventId: events[sequence - 1],
    eventType: "booking.confirmed",
    position: expect.any(Number),
  })
  expect(await ask(at, "have=")).toEqual({
    lastSequence: 5,
    contiguousUpTo: 0,
    missingCount: 5,
    data: [row(1, "delivered"), row(2, "delivered"), row(3, "dead"), row(4, "pending"), row(5, "pending")],
    next: null,
  })
  const first = await ask(at, "have=1,4&limit=1")
  expect(first).toMatchObject({ contiguousUpTo: 1, missingCount: 3, data: [row(2, "delivered")] })
  const second = await ask(at, `have=1,4&limit=2&after=${first.next}`)
  expect([second.data, second.next]).toEqual([[row(3, "dead"), row(5, "pending")], null])
  expect(await ask(at, "have=1-5,7-9")).toEqual({
    lastSequence: 5,
    contiguousUpTo: 5,
    missingCount: 0,
    unknown: "7-9",
    data: [],
    next: null,
  })
  for (const query of ["", "have=3-1", "have=x", "have=1&after=x"])
    expect((await api.call("GET", `${at}/continuity?${query}`)).status).toBe(422)
})

test("what is missing is sent again under its number; what is on its way is left alone", async () => {
  const { at, events } = await torn()
  const { status, body } = await api.call("POST", `${at}/continuity`, { body: { have: "1" } })
  expect([status, body]).toEqual([
    200,
    {
      lastSequence: 5,
      contiguousUpTo: 1,
      missingCount: 4,
      resent: 1,
      putBack: 1,
      pending: 2,
      gone: 0,
      next: null,
    },
  ])
  const before = inbox.received.length
  await api.call("PATCH", at, { body: { isActive: true } })
  await deliverer.run()
  await api.database.db`select slotbase.move_clock('1 second')`
  await deliverer.run()
  const arrived = inbox.received.slice(before).map(({ headers }) => ({
    event: headers.get("x-slotbase-event-id"),
    sequence: Number(headers.get("x-slotbase-sequence")),
    again: headers.get("x-slotbase-redelivery") === "true",
  }))
  expect(arrived.toSorted((a, b) => a.sequence - b.sequence)).toEqual(
    [2, 3, 4, 5].map((sequence) => ({ event: events[sequence - 1] as string, sequence, again: sequence === 2 })),
  )
  expect((await ask(at, "have=1")).data.map(({ status }: { status: string }) => status)).toEqual([
    "delivered",
    "delivered",
    "delivered",
    "delivered",
  ])
})

test("a number whose event left the log is gone", async () => {
  const { at, facilityId, events } = await torn()
  const { db } = api.database
  await db`delete from slotbase.delivery_history where facility_id = ${facilityId} and event_id = ${events[0] ?? ""}`
  expect((await ask(at, "have=2-5")).data).toEqual([{ sequence: 1, status: "gone" }])
  const { body } = await api.call("POST", `${at}/continuity`, { body: { have: "2-5" } })
  expect(body).toMatchObject({ resent: 0, putBack: 0, pending: 0, gone: 1 })
})

test("a deletion says before what it discards, and the audit trail says it after", async () => {
  const { at, facilityId } = await torn()
  const { body } = await api.call("GET", `${at}/deletion`)
  expect(body).toEqual({ unfinishedDeliveries: 2, counted: "all", oldestEventAt: expect.any(String) })
  expect((await api.call("DELETE", at)).status).toBe(204)
  const trail = await api.call("GET", `/v1/facilities/${facilityId}/audit-log?action=webhook.deleted`)
  expect(trail.body.data[0].before.unfinishedDeliveries).toBe(2)
  expect((await api.call("GET", `${at}/deletion`)).status).toBe(404)
  expect((await api.call("GET", `${at}/continuity?have=`)).status).toBe(404)
})
