// Deliveries over HTTP: listed page by page, found by either id, retried by hand.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { aDeliverer, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"

let api: TestApi
let deliverer: TestDeliverer
let facilityId: string
let at: string
let healthy = true
const inbox = startReceiver(() => new Response(healthy ? "ok" : "broken", { status: healthy ? 200 : 500 }))

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(api.app)
  facilityId = await api.facility()
  at = `/v1/facilities/${facilityId}`
})
afterAll(async () => {
  await deliverer?.drain()
  await inbox.stop()
  await api?.database.drop()
})

const valid = (given: Record<string, unknown> = {}) => ({
  name: "Club system",
  url: inbox.url,
  events: ["booking.confirmed"],
  ...given,
})
const create = (given: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  api.call("POST", `${at}/webhooks`, { body: valid(given), headers })

test("are listed newest first, page by page, and by status", async () => {
  const { body: webhook } = await create({ isActive: true })
  const events = await confirmed(api.database.db, facilityId, 5)
  healthy = true
  await deliverer.run()
  await api.call("PATCH", `${at}/webhooks/${webhook.id}`, { body: { isActive: false } })
  const waiting = await confirmed(api.database.db, facilityId, 2)
  const all = [...waiting.toReversed(), ...events.toReversed()]

  const page = (query: string) => api.call("GET", `${at}/webhooks/${webhook.id}/deliveries?${query}`)
  const first = await page("limit=3")
  const second = await page(`limit=3&after=${first.body.next}`)
  const third = await page(`limit=3&after=${second.body.next}`)
  const ids = [first, second, third].map(({ body }) =>
    body.data.map((delivery: { eventId: string }) => delivery.eventId),
  )
  expect(ids).toEqual([all.slice(0, 3), all.slice(3, 6), all.slice(6)])
  expect(third.body.next).toBeNull()
  const statuses = await Promise.all(
    ["pending", "retrying", "delivered", "failed"].map(
      async (status) => (await page(`status=${status}`)).body.data.length,
    ),
  )
  expect(statuses).toEqual([2, 0, 5, 0])
  expect((await page("status=lost")).status).toBe(422)
  const eventsOf = async (query: string) =>
    (await page(query)).body.data.map((delivery: { eventId: string }) => delivery.eventId)
  expect(await eventsOf(`eventId=${events[2]}`)).toEqual([events[2]])
  expect([(await eventsOf("type=booking.confirmed")).length, await eventsOf("type=booking.cancelled")]).toEqual([7, []])
  expect(await eventsOf("responseStatus=200")).toEqual(events.toReversed())
  for (const query of ["responseStatus=500", "responseStatus=999", "replay=true"])
    expect(await eventsOf(query)).toEqual([])
  const { body: all7 } = await api.call("GET", `${at}/deliveries?limit=200&webhookId=${webhook.id}`)
  expect(all7.data.map((delivery: { eventId: string }) => delivery.eventId)).toEqual(all)
  expect(await eventsOf("until=2001-01-01T00:00:00Z")).toEqual([])
  expect((await eventsOf("since=2001-01-01T00:00:00Z")).length).toBe(7)
  for (const query of ["responseStatus=99", "since=yesterday", "replay=1", "eventId=x", "type="])
    expect((await page(query)).status).toBe(422)
  expect((await page("after=nonsense")).status).toBe(422)
})

test("a delivery is found by its id and by the id of an attempt, with the specification's fields and no secret", async () => {
  const { body: webhook } = await create({ authType: "signature" })
  healthy = true
  const [eventId] = await confirmed(api.database.db, facilityId)
  await deliverer.run()
  const received = inbox.received.findLast(({ headers }) => headers.has("x-slotbase-signature"))
  const attemptId = received?.headers.get("x-slotbase-delivery-id")
  const { status, body } = await api.call("GET", `${at}/deliveries/${attemptId}`)
  expect(status).toBe(200)
  expect((await api.call("GET", `${at}/deliveries/${body.id}`)).body).toEqual(body)
  const header = (name: string) => received?.headers.get(name)
  expect(body).toEqual({
    id: body.id,
    webhookId: webhook.id,
    eventId,
    eventType: "booking.confirmed",
    url: inbox.url,
    method: "POST",
    headers: body.headers,
    payload: received?.body,
    responseStatus: 200,
    responseBody: "ok",
    responseHeaders: body.responseHeaders,
    attemptCount: 1,
    firstAttemptAt: body.firstAttemptAt,
    lastAttemptAt: body.firstAttemptAt,
    status: "delivered",
    durationMs: body.durationMs,
    sequence: 1,
    position: Number(header("x-slotbase-position")),
    attempts: [
      {
        id: attemptId,
        attempt: 1,
        outcome: "delivered",
        startedAt: body.firstAttemptAt,
        headers: body.headers,
        address: "127.0.0.1",
        connectionReused: expect.any(Boolean),
        timings: body.attempts[0].timings,
        webhookVersion: 1,
        durationMs: body.durationMs,
        responseStatus: 200,
        responseBody: "ok",
        responseHeaders: body.responseHeaders,
      },
    ],
  })
  const lower = Object.entries(body.headers).map(([name, value]) => [name.toLowerCase(), value])
  expect(Object.fromEntries(lower)).toEqual(Object.fromEntries(received?.headers ?? new Headers()))
  expect(body.attempts[0].timings).toMatchObject({ firstByte: expect.any(Number), body: expect.any(Number) })
})

test("a retry sends a failed delivery again and resolves its dead letter; a waiting one is due at once; a delivered one is sent as another delivery", async () => {
  const failing = await api.facility()
  const there = `/v1/facilities/${failing}`
  const made = async (maxRetries: number) =>
    (
      await api.call("POST", `${there}/webhooks`, {
        body: valid({ retryConfig: { maxRetries, retryDelayMs: 600_000 }, retryForHours: 0 }),
      })
    ).body.id as string
  const [dying, waiting] = [await made(0), await made(5)]
  healthy = false
  await confirmed(api.database.db, failing)
  await deliverer.run()
  const only = async (webhookId: string) =>
    (await api.call("GET", `${there}/webhooks/${webhookId}/deliveries`)).body.data[0]
  const [dead, retrying] = [await only(dying), await only(waiting)]
  expect([dead.status, retrying.status]).toEqual(["failed", "retrying"])
  expect(dead.errorMessage).toBe("The receiver answered 500.")
  expect(Date.parse(retrying.nextRetryAt)).toBeGreaterThan(Date.parse(retrying.lastAttemptAt))

  healthy = true
  const retry = (id: string) => api.call("POST", `${there}/deliveries/${id}/retry`)
  const answers = [await retry(dead.id), await retry(retrying.id)]
  expect(answers.map(({ status, body }) => [status, body.status, body.attemptCount])).toEqual([
    [200, "retrying", 1],
    [200, "retrying", 1],
  ])
  const letters = await api.database.db`select resolution from slotbase.dead_letters where webhook_id = ${dying}`
  expect(letters.map((row) => ({ ...row }))).toEqual([{ resolution: "reprocessed" }])
  await deliverer.run()
  for (const webhookId of [dying, waiting]) {
    const delivery = await only(webhookId)
    expect([delivery.status, delivery.attemptCount]).toEqual(["delivered", 2])
    const { status, body } = await retry(delivery.id)
    expect([status, body.status, body.attemptCount, body.resendOf]).toEqual([200, "pending", 0, delivery.id])
  }
})

test("a page looks at a bounded number of deliveries, and the next pages go on", async () => {
  const quiet = await api.facility()
  const there = `/v1/facilities/${quiet}`
  const body = valid({ retryConfig: { maxRetries: 0 } })
  const { body: webhook } = await api.call("POST", `${there}/webhooks`, { body })
  const { db } = api.database
  const [wanted] = await confirmed(db, quiet)
  healthy = false
  await deliverer.run()
  healthy = true
  await confirmed(db, quiet, 2_100)
  await db`
    with gone as (delete from slotbase.delivery_queue where webhook_id = ${webhook.id} and attempts = 0 returning *)
    insert into slotbase.delivery_history
      (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status, attempts, settled_at)
    select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'delivered', 1, slotbase.now()
    from gone`
  for (const of of [`${there}/webhooks/${webhook.id}/deliveries`, `${there}/deliveries`]) {
    const first = (await api.call("GET", `${of}?responseStatus=500`)).body
    expect([first.data, first.next === null]).toEqual([[], false])
    const second = (await api.call("GET", `${of}?responseStatus=500&after=${first.next}`)).body
    expect(second.data.map((delivery: { eventId: string }) => delivery.eventId)).toEqual([wanted])
    expect(second.next).toBeNull()
  }
})
