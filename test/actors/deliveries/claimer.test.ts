// The time during which a claim may be sent, and the search for claims whose answers were lost.

import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import { Claimer } from "#actors/deliveries/claimer.ts"
import type { ClaimedDelivery } from "#actors/deliveries/delivery.ts"
import type { Endpoint } from "#actors/deliveries/endpoint.ts"
import { Endpoints } from "#actors/deliveries/endpoints.ts"
import type { Db } from "#base/database/db.ts"
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
  const endpoints = new Endpoints()
  endpoints.markReady({ id, facilityId: facility.id }, 0)
  const claimer = claimerOf(await processRow(db, true), endpoints)
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

test("an orphaned claim is found although a turn is always under way, once it is older than any turn can be", async () => {
  const { db } = database
  const facility = await aFacility(db)
  const { id } = await aWebhook(testApp(db), facility.id, { url: "http://127.0.0.1:9/" })
  await confirmed(db, facility.id)
  const owner = await processRow(db, true)
  const claimer = claimerOf(owner, new Endpoints())
  claimer.beginTurn()
  // A turn claimed it, and its answer was lost.
  await db`update slotbase.delivery_queue set lease = nextval('slotbase.lease_seq'), owner = ${owner}, started_at = slotbase.now() where webhook_id = ${id}`
  const later = performance.now() + 31_000
  const clock = spyOn(performance, "now").mockImplementation(() => later)
  const found = [await claimer.returnOrphans()]
  clock.mockImplementation(() => later + 31_000)
  await db`update slotbase.delivery_queue set started_at = slotbase.now() - interval '21 s' where webhook_id = ${id}`
  found.push(await claimer.returnOrphans())
  clock.mockRestore()
  expect(found).toEqual([false, true])
  const [{ lease }] = await db<
    [{ lease: number | null }]
  >`select lease from slotbase.delivery_queue where webhook_id = ${id}`
  expect(lease).toBeNull()
})

test("what was claimed is sent although the database is lost while another webhook's order is made", async () => {
  const { db } = database
  const facility = await aFacility(db)
  const app = testApp(db, { egressAllow: ["127.0.0.0/8"] })
  const url = "http://127.0.0.1:9/"
  const [plain, ordered] = [
    await aWebhook(app, facility.id, { url }),
    await aWebhook(app, facility.id, { url, ordered: true }),
  ]
  await confirmed(db, facility.id)
  const endpoints = new Endpoints()
  for (const { id } of [plain, ordered]) endpoints.markReady({ id, facilityId: facility.id }, 0)
  const lost = new Error("the connection is lost")
  const breaking = new Proxy(db, {
    apply: (target, self, args: [TemplateStringsArray]) =>
      args[0].join("").includes("arrange_deliveries") ? Promise.reject(lost) : Reflect.apply(target, self, args),
  })
  const begun: string[] = []
  const claimer = claimerOf(await processRow(db, true), endpoints, breaking, ({ id }) => void begun.push(id))
  expect(await claimer.untilFull().catch((error: unknown) => error)).toBe(lost)
  expect(endpoints.get(plain.id)?.waiting).toHaveLength(1)
  expect(begun).toContain(plain.id)
  // The order is made when the database is back.
  expect(endpoints.get(ordered.id)?.ready).toBe(true)
})

const claimerOf = (
  owner: number,
  endpoints: Endpoints,
  db: Db = database.db,
  onClaimed: (endpoint: Endpoint) => void = () => {},
) =>
  new Claimer({
    db,
    process: actorProcess(owner),
    endpoints,
    onClaimed,
    onHeld: () => {},
    onFailed: () => {},
  })
