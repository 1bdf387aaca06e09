// Replays over HTTP: previewed, worked off at a rate, paused, resumed, cancelled; and the marks that receivers see.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { replays } from "#actors/jobs/replays.ts"
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
afterEach(() => {
  forget()
  healthy = true
})
afterAll(async () => {
  await deliverer?.drain()
  await inbox.stop()
  await api?.database.drop()
})

/** What the receiver got before is not looked at again. */
let seen = 0
const forget = () => {
  seen = inbox.received.length
}
const arrived = () => inbox.received.slice(seen)

const db = () => api.database.db
const moveClock = (by: string) => db()`select slotbase.move_clock(${by}::interval)`
/** Makes every batch that is due now. */
const work = async () => {
  const actor = replays({ db: db() })
  while ((await actor.pass(new AbortController().signal)).more) {}
}
/** Works replays off and sends what is due, for so many seconds of the movable clock. */
async function seconds(count: number) {
  for (let nth = 0; nth < count; nth++) {
    await work()
    await deliverer.run()
    await moveClock("1 second")
  }
  await work()
}

async function club(given: Record<string, unknown> = {}) {
  const facilityId = await api.facility()
  const at = `/v1/facilities/${facilityId}`
  const hook = async (more: Record<string, unknown> = {}) =>
    (
      await api.call("POST", `${at}/webhooks`, {
        body: { name: "Club system", url: inbox.url, events: ["booking.confirmed"], ...given, ...more },
      })
    ).body.id as string
  const webhookId = await hook()
  return {
    facilityId,
    at,
    webhookId,
    hook,
    begin: (body: object, of = webhookId) => api.call("POST", `${at}/webhooks/${of}/replays`, { body }),
    read: async (id: string) => (await api.call("GET", `${at}/replays/${id}`)).body,
    decide: (id: string, what: string) => api.call("POST", `${at}/replays/${id}/${what}`, { body: {} }),
    deliveries: async (query = "") => (await api.call("GET", `${at}/webhooks/${webhookId}/deliveries?${query}`)).body,
  }
}
const received = () => arrived().map(({ headers }) => headers.get("x-slotbase-event-id"))

test("a delivered one is sent again as a delivery of its own, marked, with the same event and sequence", async () => {
  const { at, facilityId, deliveries } = await club()
  const [eventId] = await confirmed(db(), facilityId)
  await deliverer.run()
  const [first] = (await deliveries()).data
  const { status, body: again } = await api.call("POST", `${at}/deliveries/${first.id}/retry`)
  expect([status, again.status, again.isResend, again.resendOf]).toEqual([200, "pending", true, first.id])
  expect(again.id).not.toBe(first.id)
  await deliverer.run()
  expect(received()).toEqual([eventId as string, eventId as string])
  const [one, two] = arrived().map(({ headers }) => headers)
  expect([one?.get("x-slotbase-redelivery"), two?.get("x-slotbase-redelivery")]).toEqual([null, "true"])
  expect([one?.get("x-slotbase-sequence"), two?.get("x-slotbase-sequence")]).toEqual(["1", "1"])
  const shown = (await api.call("GET", `${at}/deliveries/${again.id}`)).body
  expect([shown.status, shown.resendOf, shown.headers["X-SlotBase-Redelivery"]]).toEqual([
    "delivered",
    first.id,
    "true",
  ])
  expect((await deliveries("replay=true")).data.map(({ id }: { id: string }) => id)).toEqual([again.id])
  expect((await deliveries("replay=false")).data.map(({ id }: { id: string }) => id)).toEqual([first.id])
  const third = (await api.call("POST", `${at}/deliveries/${again.id}/retry`)).body
  expect([third.resendOf, new Set([first.id, again.id, third.id]).size]).toEqual([first.id, 3])
})

test("a preview counts by type and day and sends nothing", async () => {
  const { facilityId, begin, at } = await club({ events: ["booking.confirmed", "booking.cancelled"] })
  await confirmed(db(), facilityId, 3)
  await deliverer.run()
  forget()
  const { status, body } = await begin({ preview: true })
  expect([status, body]).toEqual([
    200,
    {
      preview: true,
      matched: 3,
      complete: true,
      byType: [{ type: "booking.confirmed", count: 3 }],
      byDay: [{ day: expect.any(String), count: 3 }],
    },
  ])
  expect((await begin({ preview: true, types: ["booking.cancelled"] })).body.matched).toBe(0)
  expect((await begin({ preview: true, until: "2001-01-01T00:00:00Z" })).body.matched).toBe(0)
  expect((await begin({ preview: true, onlyFailed: true })).body.matched).toBe(0)
  await work()
  await deliverer.run()
  expect([arrived().length, (await api.call("GET", `${at}/replays`)).body.data]).toEqual([0, []])
})

test("a replay sends each event of its range once more, in order, at its rate, and counts their ends", async () => {
  const { facilityId, begin, read } = await club()
  const events = await confirmed(db(), facilityId, 6)
  await deliverer.run()
  forget()
  const { status, body } = await begin({ ratePerSecond: 2 })
  expect([status, body.status, body.kind, body.queued]).toEqual([202, "running", "events", 0])
  await work()
  const due = await db()<{ ms: number }[]>`
    select round(extract(epoch from ready_at - min(ready_at) over ()) * 1000)::integer as ms from slotbase.delivery_queue
    where replay > 0 order by position`
  expect(due.map(({ ms }) => ms)).toEqual([0, 500, 1000, 1500])
  await seconds(5)
  expect(received()).toEqual([...events])
  expect(arrived().every(({ headers }) => headers.get("x-slotbase-redelivery") === "true")).toBe(true)
  expect(await read(body.id)).toMatchObject({ status: "completed", queued: 6, delivered: 6, failed: 0, unfinished: 0 })
})

test("a replay that has ended still says how many of its deliveries failed", async () => {
  const { facilityId, begin, read } = await club({ retryConfig: { maxRetries: 0 }, retryForHours: 0 })
  await confirmed(db(), facilityId, 3)
  await deliverer.run()
  const { id } = (await begin({ ratePerSecond: 1 })).body
  await seconds(1)
  healthy = false
  await seconds(4)
  expect(await read(id)).toMatchObject({ status: "completed", queued: 3, delivered: 1, failed: 2, unfinished: 0 })
})

test("an event on its way is not sent again, and one that came after the request neither", async () => {
  const { facilityId, begin, at, webhookId } = await club()
  const [sent] = await confirmed(db(), facilityId)
  await deliverer.run()
  await api.call("PATCH", `${at}/webhooks/${webhookId}`, { body: { isActive: false } })
  const [waiting] = await confirmed(db(), facilityId)
  await begin({})
  const [later] = await confirmed(db(), facilityId)
  forget()
  await work()
  await api.call("PATCH", `${at}/webhooks/${webhookId}`, { body: { isActive: true } })
  await seconds(2)
  expect(received().toSorted()).toEqual([sent, waiting, later].map(String).toSorted())
})

test("a paused replay withdraws what was not sent, and goes on without repeating or skipping one", async () => {
  const { facilityId, begin, read, decide } = await club()
  const events = await confirmed(db(), facilityId, 6)
  await deliverer.run()
  forget()
  const { id } = (await begin({ ratePerSecond: 1 })).body
  await work()
  await deliverer.run()
  expect((await decide(id, "pause")).body).toMatchObject({ status: "paused", queued: 1, delivered: 1, unfinished: 0 })
  expect((await decide(id, "pause")).body.code).toBe("replay_paused")
  await seconds(5)
  expect(received()).toEqual(events.slice(0, 1))
  expect((await decide(id, "resume")).body.status).toBe("running")
  await seconds(8)
  expect(received()).toEqual([...events])
  expect(await read(id)).toMatchObject({ status: "completed", queued: 6, delivered: 6 })
  expect((await decide(id, "cancel")).body.code).toBe("replay_completed")
})

test("a cancelled replay sends nothing more; one webhook has one at a time", async () => {
  const { facilityId, begin, read, decide } = await club()
  await confirmed(db(), facilityId, 4)
  await deliverer.run()
  forget()
  const { id } = (await begin({ ratePerSecond: 1 })).body
  expect([(await begin({})).status, (await begin({})).body.code]).toEqual([409, "replay_running"])
  await work()
  await deliverer.run()
  expect((await decide(id, "cancel")).body).toMatchObject({ status: "cancelled", queued: 1, delivered: 1 })
  await seconds(4)
  expect(arrived()).toHaveLength(1)
  expect((await read(id)).status).toBe("cancelled")
  expect((await begin({ preview: true })).body.matched).toBe(4)
})

test("onlyFailed tries the failed ones again under their own numbers, and nothing else", async () => {
  const { facilityId, begin, read, deliveries } = await club({ retryConfig: { maxRetries: 0 }, retryForHours: 0 })
  await confirmed(db(), facilityId, 2)
  await deliverer.run()
  healthy = false
  const failed = await confirmed(db(), facilityId, 2)
  await deliverer.run()
  forget()
  healthy = true
  const { id } = (await begin({ onlyFailed: true })).body
  await seconds(2)
  expect(received()).toEqual([...failed])
  expect(arrived().map(({ headers }) => headers.get("x-slotbase-sequence"))).toEqual(["3", "4"])
  expect(await read(id)).toMatchObject({ kind: "failed", status: "completed", queued: 2, skipped: 0 })
  expect((await deliveries("status=failed")).data).toEqual([])
  const open = await db()`select from slotbase.dead_letters where facility_id = ${facilityId} and resolved_at is null`
  expect(open).toHaveLength(0)
})

test("a new webhook is back-filled with what its configuration matches", async () => {
  const { facilityId, hook, begin } = await club()
  const events = await confirmed(db(), facilityId, 3)
  await deliverer.run()
  const fresh = await hook({ url: `${inbox.url}?fresh` })
  forget()
  expect((await begin({ preview: true }, fresh)).body.matched).toBe(0)
  expect((await begin({ preview: true, includeUnsubscribed: true }, fresh)).body.matched).toBe(3)
  await begin({ includeUnsubscribed: true, since: "2001-01-01T00:00:00Z" }, fresh)
  await seconds(2)
  expect(received()).toEqual([...events])
  expect(arrived().map(({ headers }) => headers.get("x-slotbase-sequence"))).toEqual(["0", "0", "0"])
})

test("a back-fill means what the dispatcher means: types by a pattern, and conditions on the data", async () => {
  const { facilityId, hook, begin } = await club()
  await confirmed(db(), facilityId, 3)
  await deliverer.run()
  const matched = async (given: Record<string, unknown>) =>
    (await begin({ preview: true, includeUnsubscribed: true }, await hook(given))).body.matched
  const priced = (value: number) => ({ conditions: [{ path: "data.priceAmount", operator: "greater", value }] })
  expect([
    await matched({ events: ["booking.*"] }),
    await matched({ events: ["*"] }),
    await matched({ events: ["payment.*"] }),
    await matched({ filters: priced(-1) }),
    await matched({ filters: priced(100_000_000) }),
  ]).toEqual([3, 3, 0, 3, 0])
})

test("a replay ends with its webhook", async () => {
  const { facilityId, begin, read, at, webhookId } = await club()
  await confirmed(db(), facilityId)
  await deliverer.run()
  const { id } = (await begin({})).body
  await api.call("DELETE", `${at}/webhooks/${webhookId}`)
  await work()
  expect(await read(id)).toMatchObject({ status: "cancelled", reason: "The webhook was deleted." })
  expect((await begin({})).status).toBe(404)
})

test("refuses a range that ends before it begins, and what contradicts itself; nothing is begun", async () => {
  const { begin, at } = await club()
  const refused = [
    { since: "2030-01-02T00:00:00Z", until: "2030-01-01T00:00:00Z" },
    { onlyFailed: true, includeUnsubscribed: true },
    { ratePerSecond: 0 },
    { ratePerSecond: 1_001 },
    { types: [] },
    { types: ["booking.lost"] },
    { speed: 1 },
  ]
  for (const body of refused) expect((await begin(body)).status).toBe(422)
  expect((await api.call("GET", `${at}/replays`)).body.data).toEqual([])
})

test("another facility's replay is not found; the platform follows them all", async () => {
  const [mine, other] = [await club(), await club()]
  await confirmed(db(), mine.facilityId)
  const { id } = (await mine.begin({})).body
  expect((await api.call("GET", `${other.at}/replays/${id}`)).status).toBe(404)
  expect((await api.call("POST", `${other.at}/replays/${id}/cancel`, { body: {} })).status).toBe(404)
  expect((await api.call("GET", `/v1/replays/${id}`)).body.id).toBe(id)
  const page = (await api.call("GET", "/v1/replays?limit=1")).body
  expect([page.data[0].id, page.next === null]).toEqual([id, false])
  expect((await api.call("POST", `/v1/replays/${id}/cancel`, { body: {} })).body.status).toBe("cancelled")
})
