// An integrator with only the manual connects a receiver in Python's standard library, and rotates the secret. The
// receiver is away for an hour: a warning, the catch-up, the all-clear. A replay of yesterday, and the proof that
// nothing is missing.

import { Database } from "bun:sqlite"
import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { replays } from "#actors/jobs/replays.ts"
import { webhookHealth } from "#actors/jobs/webhook-health.ts"
import { webhookRetry } from "#actors/jobs/webhook-retry.ts"
import { clock } from "#base/clock.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type PythonReceiver, startPythonReceiver } from "#test/harness/outside/python-receiver.ts"
import { aDeliverer, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let api: TestApi
let deliverer: TestDeliverer
let receiver: PythonReceiver
let facilityId: string
let hook: string
/** The secret in force. */
let current: string

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(api.app)
  facilityId = await api.facility()
})
afterAll(async () => {
  await deliverer?.drain()
  await receiver?.remove()
  await api.database.db`update slotbase.clock set shift = '0'`
  await clock.follow(api.database.db)
  await api.database.drop()
})

const db = () => api.database.db
const at = () => `/v1/facilities/${facilityId}/webhooks`
const signal = () => new AbortController().signal
async function later(by: string): Promise<void> {
  await db()`select slotbase.move_clock(${by}::interval)`
  await clock.follow(db())
}
/** Sends what is due, as often as there is something. */
async function send(): Promise<void> {
  await webhookRetry(api.app).pass(signal())
  await deliverer.run()
}
const look = async () => (await webhookHealth(api.app).pass(signal())).did
const unfinished = async () => (await db()`select from slotbase.delivery_queue`).length
const failedAttempts = async () =>
  (await db()`select from slotbase.attempt_history where outcome <> 'delivered'`).length
/** The numbers that the receiver has kept. */
const kept = () =>
  new Database(join(receiver.folder, "received.sqlite3"), { readonly: true })
    .query<{ sequence: number }, []>("select sequence from events order by sequence")
    .all()
    .map(({ sequence }) => sequence)
/** The events that it says it had already. One whose answer was lost comes more than once. */
const again = () => new Set(receiver.lines().filter((line) => line.startsWith("again ")))

test("connects a receiver, and rotates the secret without a failed delivery", async () => {
  const fake = await startPythonReceiver({ secrets: ["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] })
  const made = await api.call("POST", at(), {
    body: {
      name: "Club board",
      url: fake.url,
      authType: "signature",
      events: ["booking.*"],
      retryConfig: { maxRetries: 1 },
    },
  })
  expect(made.status).toBe(201)
  hook = made.body.id
  const first = made.body.authConfig.signingSecret
  await fake.end()
  receiver = await startPythonReceiver({ secrets: [first], port: fake.port, folder: fake.folder })
  await confirmed(db(), facilityId, 3)
  await send()

  const rotated = await api.call("POST", `${at()}/${hook}/rotate-secret`, { body: { overlapHours: 1 } })
  const second = rotated.body.authConfig.signingSecret
  current = second
  expect([rotated.status, second === first]).toEqual([200, false])
  await confirmed(db(), facilityId)
  await send()
  await receiver.end()
  receiver = await startPythonReceiver({ ...receiver, secrets: [first, second] })
  await confirmed(db(), facilityId)
  await send()
  await later("2 hours")
  await receiver.end()
  receiver = await startPythonReceiver({ ...receiver, secrets: [second] })
  await confirmed(db(), facilityId)
  await send()

  expect([kept(), await failedAttempts(), await unfinished()]).toEqual([[1, 2, 3, 4, 5, 6], 0, 0])
})

test("an hour without the receiver: the facility is warned, and gets the all-clear; everything is caught up", async () => {
  await receiver.end()
  for (let minute = 0; minute <= 60; minute += 10) {
    await confirmed(db(), facilityId, 2)
    const before = await failedAttempts()
    // The circuit breaker pauses by real time.
    await eventually(async () => {
      await send()
      expect(await failedAttempts()).toBeGreaterThan(before)
    })
    await look()
    await later("10 minutes")
  }
  expect(await unfinished()).toBe(14)
  const told = () =>
    db()<{ type: string; stage: string | null }[]>`
      select type, data ->> 'stage' as stage from slotbase.events where type like 'webhook.%' order by id`
  expect([...(await told())].map(({ type }) => type)).toEqual(["webhook.failing", "webhook.failing"])

  receiver = await startPythonReceiver({ ...receiver, secrets: [current] })
  await eventually(
    async () => {
      await later("5 minutes")
      await send()
      expect(await unfinished()).toBe(0)
    },
    { withinMs: 20_000 },
  )
  await look()
  expect([...(await told())].at(-1)?.type).toBe("webhook.recovered")
  expect(kept()).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
})

test("replays yesterday, marked, and proves that nothing is missing", async () => {
  const since = new Date(clock.now() - 24 * 3_600_000).toISOString()
  const asked = { since, types: ["booking.confirmed"] }
  const preview = await api.call("POST", `${at()}/${hook}/replays`, { body: { ...asked, preview: true } })
  expect([preview.status, preview.body.matched]).toEqual([200, 20])
  expect(again()).toEqual(new Set())
  const begun = await api.call("POST", `${at()}/${hook}/replays`, { body: { ...asked, ratePerSecond: 50 } })
  expect(begun.status).toBe(202)
  await eventually(
    async () => {
      while ((await replays({ db: db() }).pass(signal())).more) {}
      await deliverer.run()
      await later("1 second")
      expect(again().size).toBe(20)
    },
    { withinMs: 20_000 },
  )

  const have = await api.call("GET", `${at()}/${hook}/continuity?have=1-20`)
  expect(have.body).toMatchObject({ lastSequence: 20, contiguousUpTo: 20, missingCount: 0 })
  const gap = await api.call("GET", `${at()}/${hook}/continuity?have=1-7,9-20`)
  expect(gap.body).toMatchObject({
    contiguousUpTo: 7,
    missingCount: 1,
    data: [{ sequence: 8, status: "delivered" }],
  })
})
