// Ordered webhooks: one delivery in flight per aggregate, in the order of the positions, over all processes.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { arrangeDeliveries, claimDeliveries, type Want } from "#actors/deliveries/claim-rows.ts"
import type { ClaimedDelivery } from "#actors/deliveries/delivery.ts"
import { reclaimAbandoned } from "#actors/deliveries/reclaim.ts"
import { settleAttempts } from "#actors/deliveries/settle-rows.ts"
import { webhookRetry } from "#actors/jobs/webhook-retry.ts"
import { record, transact } from "#events/outbox.ts"
import { retryDelivery } from "#outbound/webhooks/deliveries/deliveries.ts"
import type { WebhookInput } from "#outbound/webhooks/input.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import {
  actorProcess,
  context,
  dispatchAll,
  onlyAlive,
  processRow,
  sample,
  unbalanced,
} from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, delivered, rootCaller } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
})
afterEach(() => onlyAlive(database.db))
afterAll(() => database?.drop())

const bookings = (count: number) => Array.from({ length: count }, () => crypto.randomUUID())

/** Events of these bookings in turn, so many of each. */
async function happened(facilityId: string, of: readonly string[], times: number) {
  await transact(database.db, context, async (tx) => {
    for (let n = 0; n < times; n++)
      for (const bookingId of of) record(tx, sample("booking.confirmed", { bookingId }, facilityId))
  })
  await dispatchAll(database.db)
}

async function aQueue(given: Partial<WebhookInput> = {}) {
  const facility = await aFacility(database.db)
  const url = "https://receiver.example/hook"
  const webhook = await aWebhook(app, facility.id, { url, ordered: true, ...given })
  return { facilityId: facility.id, webhookId: webhook.id }
}

const want = (webhookId: string): Want => ({ webhookId, after: 0, busy: 0, ahead: 1, cap: 1_000 })
async function claim(owner: number, webhookId: string) {
  await arrangeDeliveries(database.db, [webhookId])
  return claimDeliveries(database.db, { process: actorProcess(owner), wants: [want(webhookId)], total: 1_000 })
}
const failed = (delivery: ClaimedDelivery, given: { final?: true } = {}) => ({
  ...delivered(delivery),
  outcome: "failed" as const,
  error: { code: "http_500", message: "The receiver answered 500." },
  ...(!given.final && { retryAfterMs: 1_000 }),
})

test("three processes send the events of each booking one after the other, in order, and different bookings side by side", async () => {
  const inFlight = new Set<string>()
  const overlaps: string[] = []
  const seen = new Map<string, number[]>()
  let most = 0
  const inbox = startReceiver(async ({ body, headers }) => {
    const { bookingId } = JSON.parse(body).data as { bookingId: string }
    if (inFlight.has(bookingId)) overlaps.push(bookingId)
    inFlight.add(bookingId)
    most = Math.max(most, inFlight.size)
    await database.db`select 1` // so long is it in flight
    inFlight.delete(bookingId)
    const failsFirst = Number(headers.get("x-slotbase-position")) % 7 === 0 && !seen.get(`${bookingId} failed`)
    if (failsFirst) {
      seen.set(`${bookingId} failed`, [])
      return new Response("", { status: 500 })
    }
    seen.set(bookingId, [...(seen.get(bookingId) ?? []), Number(headers.get("x-slotbase-position"))])
    return new Response("")
  })
  const { facilityId, webhookId } = await aQueue({ url: inbox.url, retryConfig: { retryDelayMs: 100 } })
  const of = bookings(6)
  await happened(facilityId, of, 10)
  const deliverers = await Promise.all([aDeliverer(app), aDeliverer(app), aDeliverer(app)])
  const left = () => database.db`select from slotbase.delivery_queue where webhook_id = ${webhookId}`
  await eventually(
    async () => {
      await Promise.all(deliverers.map((each) => each.run()))
      expect(await left()).toHaveLength(0)
    },
    { withinMs: 20_000 },
  )
  for (const each of deliverers) await each.drain()
  await inbox.stop()
  expect(overlaps).toEqual([])
  expect(most).toBeGreaterThan(1)
  for (const bookingId of of) {
    const positions = seen.get(bookingId) ?? []
    expect(positions).toHaveLength(10)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  }
  expect(await unbalanced(database.db)).toHaveLength(0)
}, 30_000)

test("a delivery that waits for its retry keeps those behind it waiting, and no other booking", async () => {
  const { facilityId, webhookId } = await aQueue()
  const owner = await processRow(database.db, true)
  await happened(facilityId, bookings(2), 3)
  const [first, other] = (await claim(owner, webhookId)) as [ClaimedDelivery, ClaimedDelivery]
  expect(await claim(owner, webhookId)).toHaveLength(0)
  await settleAttempts(database.db, [failed(first), delivered(other)])
  const next = await claim(owner, webhookId)
  expect(next.map(({ aggregate_id }) => aggregate_id)).toEqual([other.aggregate_id])
})

test("a delivery that is given up lets the next one go", async () => {
  const { facilityId, webhookId } = await aQueue({ retryForHours: 0 })
  const owner = await processRow(database.db, true)
  await happened(facilityId, bookings(1), 2)
  const [first] = (await claim(owner, webhookId)) as [ClaimedDelivery]
  const retries = await settleAttempts(database.db, [failed(first, { final: true })])
  expect(retries.map(({ webhook_id }) => webhook_id)).toEqual([webhookId])
  const [letter] = await database.db<[{ message: string }]>`
    select errors -> -1 -> 'error' ->> 'message' as message from slotbase.dead_letters where webhook_id = ${webhookId}`
  expect(letter.message).toBe("The receiver answered 500. Later deliveries of its aggregate go on.")
  const [next] = (await claim(owner, webhookId)) as [ClaimedDelivery]
  expect(next.sequence).toBe(first.sequence + 1)
})

test("a delivery whose process died comes first again, and the next one goes after it", async () => {
  const { facilityId, webhookId } = await aQueue()
  const [dead, owner] = [await processRow(database.db, true), await processRow(database.db, true)]
  await happened(facilityId, bookings(1), 2)
  const [first] = (await claim(dead, webhookId)) as [ClaimedDelivery]
  expect(await claim(owner, webhookId)).toHaveLength(0)
  await database.db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms' where id = ${dead}`
  await reclaimAbandoned(database.db, owner)
  const [again] = (await claim(owner, webhookId)) as [ClaimedDelivery]
  expect(again.sequence).toBe(first.sequence)
  // The settlement of the dead process comes late, and changes nothing.
  await settleAttempts(database.db, [delivered(first)])
  expect(await claim(owner, webhookId)).toHaveLength(0)
  await settleAttempts(database.db, [delivered(again)])
  expect((await claim(owner, webhookId)).map(({ sequence }) => sequence)).toEqual([first.sequence + 1])
})

test("what happens while the delivery before it is being settled is not left behind", async () => {
  const { facilityId, webhookId } = await aQueue()
  const owner = await processRow(database.db, true)
  const [booking] = bookings(1) as [string]
  await happened(facilityId, [booking], 1)
  for (let n = 0; n < 15; n++) {
    const [held] = (await claim(owner, webhookId)) as [ClaimedDelivery]
    await happened(facilityId, [booking], 1)
    await Promise.all([
      settleAttempts(database.db, [delivered(held)]),
      arrangeDeliveries(database.db, [webhookId]),
      claimDeliveries(database.db, { process: actorProcess(owner), wants: [want(webhookId)], total: 0 }),
    ])
  }
  expect(await claim(owner, webhookId)).toHaveLength(1)
})

test("the job lets deliveries go whose predecessor left with its month", async () => {
  const { facilityId, webhookId } = await aQueue()
  const owner = await processRow(database.db, true)
  await happened(facilityId, bookings(1), 2)
  await arrangeDeliveries(database.db, [webhookId])
  await database.db`delete from slotbase.delivery_queue where webhook_id = ${webhookId} and sequence = 1`
  expect(await claim(owner, webhookId)).toHaveLength(0)
  await webhookRetry(app).pass(new AbortController().signal)
  expect((await claim(owner, webhookId)).map(({ sequence }) => sequence)).toEqual([2])
  await database.db`truncate slotbase.delivery_queue`
})

test("sixty thousand waiting deliveries do not slow a claim", async () => {
  const { facilityId, webhookId } = await aQueue({ ordered: false })
  const owner = await processRow(database.db, true)
  const wait = (from: number, waits: string | null, ready: boolean) => database.db`
    insert into slotbase.delivery_queue (webhook_id, position, facility_id, event_id, delivery_id, sequence, waits_for, ready_at, failing_since)
    select ${webhookId}, n, ${facilityId}, md5(n::text)::uuid, md5(n::text)::uuid, 0,
           ${waits}, case when ${ready} then slotbase.now() end, slotbase.now()
    from generate_series(${from}::bigint, ${from}::bigint + 29999) n`
  await wait(-300_000, "job", true)
  await wait(-200_000, "predecessor", false)
  await happened(facilityId, bookings(3), 1)
  // In one transaction, whose own counters show what the claim has read.
  const read = await database.db.begin(async (tx) => {
    const count = async () => {
      const [row] = await tx<[{ read: number }]>`
        select sum(pg_stat_get_xact_tuples_returned(indexrelid))::integer as read from pg_index
        where indrelid = 'slotbase.delivery_queue'::regclass`
      return row.read
    }
    const before = await count()
    const claimed = await claimDeliveries(tx as never, {
      process: actorProcess(owner),
      wants: [want(webhookId)],
      total: 10,
    })
    expect(claimed).toHaveLength(3)
    return (await count()) - before
  })
  expect(read).toBeLessThan(100)
})

test("a request to send one now lets it overtake none of its booking", async () => {
  const { facilityId, webhookId } = await aQueue()
  const owner = await processRow(database.db, true)
  await happened(facilityId, bookings(1), 2)
  const [, later] = await database.db<{ id: string }[]>`
    select delivery_id as id from slotbase.delivery_queue where webhook_id = ${webhookId} order by position`
  await transact(database.db, context, (tx) => retryDelivery(tx, rootCaller, facilityId, later?.id ?? ""))
  const together: (readonly number[])[] = []
  for (let next = await claim(owner, webhookId); next.length > 0; next = await claim(owner, webhookId)) {
    together.push(next.map(({ sequence }) => sequence))
    await settleAttempts(database.db, next.map(delivered))
  }
  expect(together).toEqual([[1], [2]])
})
