// The sequencer:
//
// - Positions are dense and in commit order, with late commits and concurrent dispatchers.
// - The subscriptions at each position make its runs and deliveries.
// - No event is dispatched before it was checked.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import type { EventType } from "#events/catalogue.ts"
import { example } from "#events/example.ts"
import { record, transact } from "#events/outbox.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import {
  addVersion,
  aWebhook,
  context,
  dispatchAll,
  dispatchBy,
  logOf,
  recordMany,
  recordOne,
  sample,
  subscribe,
  unbalanced,
  waysToDispatch,
} from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await aFacility(db, { id: example.facilityId })
  await db`create table aggregates (id uuid primary key, version integer not null)`
})

afterEach(async () => {
  await db`
    truncate aggregates, slotbase.events, slotbase.outbox, slotbase.event_positions, slotbase.handlers,
      slotbase.handler_queue, slotbase.handler_cursors, slotbase.webhooks, slotbase.webhook_versions, slotbase.webhook_sequences, slotbase.delivery_queue`
})

afterAll(() => database.drop())

describe.each(waysToDispatch)("by the function %s", (way) => {
  describe("with many writers and two dispatchers at once", () => {
    test("every event gets exactly one position, positions are dense, and an aggregate's events are in commit order", async () => {
      const aggregates = Array.from({ length: 8 }, newId)
      await db`insert into aggregates select id, 0 from unnest(${aggregates}::uuid[]) id`
      await subscribe(db, "AnalyticsHandler", "booking.confirmed")
      const others = [1, 2].map(() => connect(database.url, { max: 10, applicationName: "slotbase test" }))
      const dbs = [db, ...others]

      let writing = true
      const dispatching = dbs.slice(0, 2).map(async (each) => {
        while (writing) await dispatchBy(way, each, 7)
      })
      const writers = Array.from({ length: 16 }, async (_, writer) => {
        for (let nth = 0; nth < 25; nth++) await update(dbs[writer % 3] as Db, aggregates[(writer + nth) % 8] as string)
      })
      await Promise.all(writers)
      writing = false
      await Promise.all(dispatching)
      await dispatchAll(db, 500, way)

      const log = await db<{ position: number; aggregate_id: string; version: number }[]>`
      select p.position, e.aggregate_id, (e.data ->> 'priceAmount')::integer as version
      from slotbase.event_positions p join slotbase.events e on e.id = p.event_id order by p.position`
      expect(log.map((row) => row.position)).toEqual(Array.from({ length: 400 }, (_, nth) => nth + 1))
      for (const id of aggregates) {
        const versions = log.filter((row) => row.aggregate_id === id).map((row) => row.version)
        expect(versions).toEqual(Array.from({ length: 50 }, (_, nth) => nth + 1))
      }
      const [queue] = await db`select count(*), count(distinct position) as positions from slotbase.unfinished_runs`
      expect(queue as object).toEqual({ count: 400, positions: 400 })
      expect(await unbalanced(db)).toHaveLength(0)
      await Promise.all(others.map((each) => each.end()))
    })
  })

  describe("subscriptions", () => {
    test("a handler receives the events dispatched from its addition to its end", async () => {
      await recordMany(db, 2)
      await dispatchAll(db, 500, way)
      await subscribe(db, "AnalyticsHandler", "booking.confirmed")
      await recordMany(db, 2)
      await dispatchAll(db, 500, way)
      await db`update slotbase.handlers set ended = true`
      await recordMany(db, 2)
      await dispatchAll(db, 500, way)
      const [row] = await db`select from_position, until_position from slotbase.handlers`
      expect(row as object).toEqual({ from_position: 3, until_position: 5 })
      const queued = await db<{ position: number }[]>`select position from slotbase.unfinished_runs order by position`
      expect(queued.map(({ position }) => position)).toEqual([3, 4])
      expect(await unbalanced(db)).toHaveLength(0)
    })

    test("a webhook's versions follow each other without a hole or an overlap", async () => {
      const webhook = await aWebhook(db, "booking.confirmed")
      await recordMany(db, 2)
      await dispatchAll(db, 500, way)
      await db`update slotbase.webhook_versions set ended = true where webhook_id = ${webhook}`
      await addVersion(db, webhook, 2, ["payment.succeeded"])
      await recordMany(db, 2)
      await recordMany(db, 2, "payment.succeeded")
      await dispatchAll(db, 500, way)
      await db`update slotbase.webhook_versions set ended = true where webhook_id = ${webhook}`
      await recordMany(db, 2, "payment.succeeded")
      await dispatchAll(db, 500, way)
      expect(await versions(webhook)).toEqual([
        { version: 1, from_position: 1, until_position: 3 },
        { version: 2, from_position: 3, until_position: 7 },
      ])
      expect(await deliveries(webhook)).toEqual([
        { position: 1, sequence: 1 },
        { position: 2, sequence: 2 },
        { position: 5, sequence: 3 },
        { position: 6, sequence: 4 },
      ])
      expect(await unbalanced(db)).toHaveLength(0)
    })

    test("a webhook with an uncommitted change keeps its old version until the commit", async () => {
      const webhook = await aWebhook(db, "booking.confirmed")
      await db.begin(async (tx) => {
        await tx`update slotbase.webhook_versions set ended = true where webhook_id = ${webhook}`
        await recordMany(db, 2)
        await dispatchAll(db, 500, way)
        expect(await versions(webhook)).toEqual([{ version: 1, from_position: null, until_position: null }])
      })
      await addVersion(db, webhook, 2, ["booking.confirmed"])
      await recordMany(db, 1)
      await dispatchAll(db, 500, way)
      expect(await versions(webhook)).toEqual([
        { version: 1, from_position: 3, until_position: 3 },
        { version: 2, from_position: 3, until_position: null },
      ])
      expect(await deliveries(webhook)).toEqual([{ position: 3, sequence: 1 }])
      expect(await unbalanced(db)).toHaveLength(0)
    })

    test("a version does not end before its successor can begin: a second change under way leaves no hole", async () => {
      const webhook = await aWebhook(db, "booking.confirmed")
      await recordMany(db, 1)
      await dispatchAll(db, 500, way)
      await db`update slotbase.webhook_versions set ended = true where webhook_id = ${webhook}`
      await addVersion(db, webhook, 2, ["booking.confirmed"])
      await db.begin(async (tx) => {
        await tx`update slotbase.webhook_versions set ended = true where webhook_id = ${webhook} and version = 2`
        await recordMany(db, 3)
        await dispatchAll(db, 500, way)
        await addVersion(tx, webhook, 3, ["booking.confirmed"])
      })
      await recordMany(db, 1)
      await dispatchAll(db, 500, way)
      expect(await versions(webhook)).toEqual([
        { version: 1, from_position: 1, until_position: 5 },
        { version: 2, from_position: 5, until_position: 5 },
        { version: 3, from_position: 5, until_position: null },
      ])
      expect((await deliveries(webhook)).map(({ position }) => position)).toEqual([1, 2, 3, 4, 5])
      expect(await unbalanced(db)).toHaveLength(0)
    })
  })

  describe("webhooks", () => {
    test("each webhook's sequence is dense, over many passes, of its own facility's events alone", async () => {
      const all = await aWebhook(db, "booking.confirmed", "booking.cancelled")
      const confirmed = await aWebhook(db, "booking.confirmed")
      const stranger = newId()
      for (let round = 0; round < 5; round++) {
        await recordMany(db, 3)
        await recordMany(db, 2, "booking.cancelled")
        await transact(db, context, async (tx) =>
          record(tx, sample("booking.confirmed", { facilityId: stranger }, stranger)),
        )
        await dispatchAll(db, 4, way)
      }
      const ofAll = await deliveries(all)
      expect(ofAll.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 25 }, (_, nth) => nth + 1))
      expect((await deliveries(confirmed)).map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: 15 }, (_, nth) => nth + 1),
      )
      const [last] = await db<[{ last: number }]>`
      select last_sequence as last from slotbase.webhook_sequences where webhook_id = ${all}`
      expect(last.last).toBe(25)
      expect(await unbalanced(db)).toHaveLength(0)
    })

    test("filters pass the events that they name, and events without a resource and a booking type", async () => {
      const [court, other] = [newId(), newId()]
      const types: EventType[] = ["booking.confirmed", "user.created"]
      const filtered = async (filters: { resourceIds?: string[]; bookingTypes?: string[] }) => {
        const webhook = await aWebhook(db, "booking.cancelled")
        await db`update slotbase.webhook_versions set ended = true where webhook_id = ${webhook}`
        await addVersion(db, webhook, 2, types, filters)
        return webhook
      }
      const byCourt = await filtered({ resourceIds: [court] })
      const byType = await filtered({ bookingTypes: ["lesson"] })
      const byBoth = await filtered({ resourceIds: [court], bookingTypes: ["lesson"] })
      for (const resourceId of [court, other])
        for (const bookingType of ["lesson", "league"])
          await recordOne(db, "booking.confirmed", { resourceId, bookingType })
      await transact(db, context, async (tx) => record(tx, sample("user.created")))
      await dispatchAll(db, 500, way)
      const positions = async (webhook: string) => (await deliveries(webhook)).map(({ position }) => position)
      expect(await positions(byCourt)).toEqual([1, 2, 5])
      expect(await positions(byType)).toEqual([1, 3, 5])
      expect(await positions(byBoth)).toEqual([1, 5])
      expect(
        (await db`select webhooks from slotbase.event_positions order by position`).map((row) => row.webhooks),
      ).toEqual([3, 1, 1, 0, 3])
      expect(await unbalanced(db)).toHaveLength(0)
    })
  })

  describe("an event that was not checked yet", () => {
    test("waits with everything behind it, also with events that the same pass would have dispatched", async () => {
      await recordMany(db, 2)
      const [unchecked] = await recordMany(db, 1)
      await recordMany(db, 2)
      await db`update slotbase.outbox set unchecked = true where event_id = ${unchecked as string}`
      expect(await dispatchBy(way, db, 100)).toEqual({ dispatched: 2, waits_for_check: true })
      expect(await dispatchBy(way, db, 100)).toEqual({ dispatched: 0, waits_for_check: true })
      await db`update slotbase.outbox set unchecked = false`
      expect(await dispatchBy(way, db, 100)).toEqual({ dispatched: 3, waits_for_check: false })
      expect((await logOf(db))[2]?.event_id).toBe(unchecked as string)
    })
  })
})

/** Changes an aggregate under its row lock, and records the event that announces the change. */
async function update(on: Db, id: string): Promise<void> {
  await transact(on, context, async (tx) => {
    const [row] = await tx<[{ version: number }]>`
      update aggregates set version = version + 1 where id = ${id} returning version`
    record(tx, sample("booking.confirmed", { bookingId: id, priceAmount: row.version }))
  })
}

const versions = async (webhook: string) =>
  [
    ...(await db`
      select version, from_position, until_position from slotbase.webhook_versions
      where webhook_id = ${webhook} order by version`),
  ] as object[]

const deliveries = async (webhook: string) => [
  ...(await db<{ position: number; sequence: number }[]>`
    select position, sequence from slotbase.delivery_queue where webhook_id = ${webhook} order by position`),
]
