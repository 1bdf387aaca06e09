// Each filter of the lists of deliveries reads as many pages however long the history is. Its plans scan no table.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { example } from "#events/example.ts"
import { type DeliveryQuery, listDeliveries } from "#outbound/webhooks/deliveries/list.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { ownPages } from "#test/harness/pipeline/pages.ts"
import { aWebhook } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let webhookId: string
beforeAll(async () => {
  database = await testDatabase()
  db = connect(database.url, { max: 1, applicationName: "slotbase test" })
  await aFacility(db, { id: example.facilityId })
  webhookId = await aWebhook(db, "booking.confirmed")
})
afterAll(async () => {
  await db.end()
  await database.drop()
})

/** An event each second. One in a hundred deliveries failed with 503, and one event in a thousand is a cancellation. */
async function grow(from: number, to: number): Promise<void> {
  await db`
    with made as materialized (
      select p, t.at, (lpad(to_hex((extract(epoch from t.at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(p), 12, '0'))::uuid as id,
             p % 100 = 0 as failed
      from generate_series(${from + 1}::bigint, ${to}::bigint) p
      cross join lateral (select slotbase.now() - interval '1 day' + p * interval '1 second' as at) t
    ), placed as (
      insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
      select p, ${example.facilityId}, id, case when p % 1000 = 0 then 'booking.cancelled' else 'booking.confirmed' end, 0, 1, at
      from made
    ), attempts as (
      insert into slotbase.attempt_history (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at,
        outcome, response_status)
      select id, slotbase.derived_id(id, 'd'), 1, slotbase.derived_id(id, 'a'), ${example.facilityId}, ${webhookId},
             'https://example.com', 'POST', at, case when failed then 'failed' else 'delivered' end, case when failed then 503 else 200 end
      from made
    )
    insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status,
      attempts, settled_at)
    select ${webhookId}, id, 0, ${example.facilityId}, p, slotbase.derived_id(id, 'd'), p,
           case when failed then 'failed' else 'delivered' end, 1, at
    from made`
  await database.db`vacuum analyze slotbase.delivery_history, slotbase.attempt_history, slotbase.event_positions`
}

/** The pages of each list, and the rows that it answers. */
async function lists(eventId: string, [since, until]: readonly [string, string]) {
  const filters: Record<string, Partial<DeliveryQuery>> = {
    "no filter": {},
    "status delivered": { status: "delivered" },
    "status failed": { status: "failed" },
    "status pending": { status: "pending" },
    "a type that is rare": { type: "booking.cancelled" },
    "a type that never came": { type: "payment.failed" },
    "an event": { eventId },
    "a time": { since, until },
    "a time and a status": { since, until, status: "failed" },
    "an HTTP status": { responseStatus: 503 },
    "an HTTP status that never came": { responseStatus: 418 },
    "a time and an HTTP status": { since, until, responseStatus: 503 },
    resends: { isResend: true },
  }
  const found: Record<string, { pages: number; rows: number }> = {}
  for (const [name, filter] of Object.entries(filters))
    for (const scope of [webhookId, undefined]) {
      let rows = 0
      const read = async () => {
        const query = { webhookId: scope, limit: 20, ...filter }
        rows = (await listDeliveries(db, example.facilityId, query)).data.length
      }
      const pages = [await ownPages(db, read), await ownPages(db, read), await ownPages(db, read)]
      found[`${name}${scope ? "" : ", of the facility"}`] = { pages: Math.min(...pages), rows }
    }
  return found
}

test("every filter reads as many pages at 30,000 deliveries as at 6,000", async () => {
  await grow(0, 6_000)
  const [middle] = await db<[{ id: string; since: Date; until: Date }]>`
    select event_id as id, dispatched_at as since, dispatched_at + interval '10 minutes' as until
    from slotbase.event_positions where position = 3000`
  const time = [middle.since.toISOString(), middle.until.toISOString()] as const
  const before = await lists(middle.id, time)
  await grow(6_000, 30_000)
  const after = await lists(middle.id, time)
  const grown = Object.entries(after).filter(([name, { pages }]) => pages > (before[name]?.pages ?? 0) * 1.3 + 40)
  expect(grown.map(([name, list]) => ({ name, before: before[name], after: list }))).toEqual([])
  expect([after["a time and a status"]?.rows, after["an event"]?.rows, after["status failed"]?.rows]).toEqual([
    6, 1, 20,
  ])
}, 120_000)
