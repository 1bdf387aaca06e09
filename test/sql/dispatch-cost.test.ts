// What filters cost a dispatch. An event is read once for all webhooks of its facility, and each webhook adds the same.
// Pages are counted, not milliseconds.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { example } from "#events/example.ts"
import { type Condition, predicateOf } from "#outbound/webhooks/conditions.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { pagesRead } from "#test/harness/pipeline/pages.ts"
import { aWebhook, dispatchAll, recordMany } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const events = 40
let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await aFacility(db, { id: example.facilityId })
})
beforeEach(async () => {
  await db`truncate slotbase.webhooks, slotbase.webhook_versions, slotbase.webhook_sequences, slotbase.delivery_queue`
})
afterAll(() => database.drop())

/** As many as a webhook may have. The tests' own event fulfils all, or fails the last one. */
const conditions = (fit: boolean) =>
  Array.from({ length: 10 }, (_, nth) =>
    nth % 2 === 0
      ? { path: "data.priceAmount", operator: "greater", value: -nth }
      : { path: "data.resourceName", operator: "in", value: [...names, nth === 9 && !fit ? "Court 7" : "Court 1"] },
  ) as unknown as readonly Condition[]
const names = Array.from({ length: 19 }, (_, nth) => `Hall ${nth}`)

/** Pages that the dispatch of one event reads, and the deliveries that it makes. */
async function costOf(webhooks: number, filters: readonly Condition[] = []) {
  const present = (await db`select from slotbase.webhooks`).length
  for (let nth = present; nth < webhooks; nth++) await aWebhook(db, "booking.confirmed")
  await dispatchAll(db)
  await db`update slotbase.webhook_versions set condition = ${predicateOf(filters)}::jsonpath`
  await db`vacuum analyze slotbase.webhook_versions, slotbase.events, slotbase.delivery_queue`
  const pages: number[] = []
  for (let time = 0; time < 3; time++) {
    await db`truncate slotbase.delivery_queue`
    await recordMany(db, events)
    pages.push((await pagesRead(db, `select * from slotbase.dispatch(${events})`)) / events)
  }
  const [{ made }] = await db<[{ made: number }]>`select count(*)::integer as made from slotbase.delivery_queue`
  return { pages: Math.min(...pages), made: made / events }
}

test("ten conditions on each of 200 webhooks add to an event a few pages in all, not a look-up per webhook", async () => {
  const plain = await costOf(200)
  const filtered = await costOf(200, conditions(true))
  expect([plain.made, filtered.made]).toEqual([200, 200])
  expect(filtered.pages - plain.pages).toBeLessThan(100)
}, 120_000)

test("conditions that fit no event cost what reading the subscriptions costs, in proportion to their number", async () => {
  const [few, many] = [await costOf(50, conditions(false)), await costOf(200, conditions(false))]
  expect([few.made, many.made]).toEqual([0, 0])
  expect(many.pages).toBeLessThan(4 * few.pages + 20)
}, 120_000)
