// The outbox: an event is committed with its change or not at all, in the order of recording.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { onHint } from "#base/hints.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { InvalidEvent } from "#events/catalogue.ts"
import { example } from "#events/example.ts"
import { record, setEventContext, transact } from "#events/outbox.ts"
import { context, failure, sample } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await db`create table changes (what text)`
})

afterEach(async () => {
  await db`truncate changes, slotbase.events, slotbase.outbox`
})

afterAll(() => database.drop())

test("a change and its events are committed together, and the ids of the events are answered", async () => {
  const { result, eventIds } = await transact(db, context, async (tx) => {
    await change(tx, "booked")
    record(tx, sample("booking.confirmed"))
    return record(tx, sample("payment.succeeded"))
  })
  expect(eventIds).toHaveLength(2)
  expect(result).toBe(eventIds[1] as string)
  expect(await written()).toEqual({ changes: ["booked"], events: [...eventIds], outbox: [...eventIds] })
})

test("a command that fails late leaves neither the change nor the event", async () => {
  const failing = transact(db, context, async (tx) => {
    await change(tx, "booked")
    record(tx, sample("booking.confirmed"))
    throw new Error("late")
  })
  expect(await failure(failing)).toEqual(new Error("late"))
  expect(await written()).toEqual({ changes: [], events: [], outbox: [] })
})

test("an event that breaks its Schema cannot be recorded, and its change is rolled back", async () => {
  const failing = transact(db, context, async (tx) => {
    await change(tx, "booked")
    record(tx, sample("booking.confirmed", { priceAmount: "a lot", surprise: 1 }))
  })
  const error = await failure(failing)
  expect(error).toBeInstanceOf(InvalidEvent)
  expect((error as InvalidEvent).issues.map(({ path }) => path).sort()).toEqual(["priceAmount", "surprise"])
  expect(await written()).toEqual({ changes: [], events: [], outbox: [] })
})

test("an event that the database refuses rolls its change back", async () => {
  const id = example.eventId
  const failing = transact(db, { ...context, correlationId: "not a uuid" }, async (tx) => {
    await change(tx, id)
    record(tx, sample("booking.confirmed"))
  })
  expect(await failure(failing)).toMatchObject({ code: "22P02" })
  expect(await written()).toEqual({ changes: [], events: [], outbox: [] })
})

test("events of one transaction keep the order in which they were recorded", async () => {
  const { eventIds } = await transact(db, context, async (tx) => {
    for (let nth = 0; nth < 500; nth++) record(tx, sample("booking.confirmed", { priceAmount: nth }))
  })
  const rows = await db<{ event_id: string; amount: number }[]>`
    select o.event_id, (e.data ->> 'priceAmount')::integer as amount
    from slotbase.outbox o join slotbase.events e on e.id = o.event_id order by o.seq`
  expect(rows.map((row) => row.event_id)).toEqual([...eventIds])
  expect(rows.map((row) => row.amount)).toEqual(eventIds.map((_, nth) => nth))
})

test("an event carries its context, its type's version and source, and its subject", async () => {
  const occurredAt = new Date("2026-03-09T16:20:30.125Z")
  const full = {
    environment: "staging",
    correlationId: newId(),
    causationId: newId(),
    userId: example.staffId,
    clientIp: "203.0.113.7",
    userAgent: "curl/8.5",
  } as const
  await transact(db, full, async (tx) => {
    record(tx, { ...sample("booking.confirmed"), occurredAt, organizationId: example.organizationId })
  })
  const [row] = await db<[{ timestamp: Date }]>`select * from slotbase.events`
  const { timestamp, ...rest } = row
  expect(rest as object).toEqual({
    id: expect.any(String),
    facility_id: example.facilityId,
    type: "booking.confirmed",
    version: "1.0",
    occurred_at: occurredAt,
    source: "booking-service",
    correlation_id: full.correlationId,
    causation_id: full.causationId,
    user_id: example.staffId,
    organization_id: example.organizationId,
    aggregate_type: "booking",
    aggregate_id: example.bookingId,
    resource_id: example.resourceId,
    booking_type: sample("booking.confirmed").data.bookingType,
    data: sample("booking.confirmed").data,
    metadata: { environment: "staging", clientIp: "203.0.113.7", userAgent: "curl/8.5" },
  })
  expect(Math.abs(timestamp.getTime() - Date.now())).toBeLessThan(60_000)
})

test("an event without facility, person or instant belongs to the platform, has no actor, and happens now", async () => {
  await transact(db, context, async (tx) => record(tx, { type: "user.created", data: sample("user.created").data }))
  const rows = await db`
    select facility_id, user_id, causation_id, organization_id, resource_id, booking_type, occurred_at = timestamp as now, metadata
    from slotbase.events`
  expect([...rows] as object[]).toEqual([
    {
      facility_id: platformFacilityId,
      user_id: null,
      causation_id: null,
      organization_id: null,
      resource_id: null,
      booking_type: null,
      now: true,
      metadata: { environment: "development" },
    },
  ])
})

test("webhook filters may use a resource and a booking type that are not in the data", async () => {
  const about = { resourceId: newId(), bookingType: "lesson" }
  await transact(db, context, async (tx) => record(tx, { ...sample("booking.checked_in"), about }))
  const [row] = await db`select resource_id as "resourceId", booking_type as "bookingType" from slotbase.events`
  expect(row as object).toEqual(about)
})

test("record outside of a command is refused", async () => {
  const refused = db.begin(async (tx) => record(tx, sample("booking.confirmed")))
  expect(await failure(refused)).toEqual(
    new Error("record: this transaction has no event context; open it with transact()"),
  )
})

test("events of a savepoint are written with its transaction, and their ids are known inside", async () => {
  const inside = await transact(db, context, async (tx) =>
    tx.savepoint(async (inner) => {
      const { events } = setEventContext(inner, context)
      await change(inner, "booked")
      const ids = [record(inner, sample("booking.confirmed")), record(inner, sample("payment.succeeded"))]
      expect(events.map(({ id }) => id)).toEqual(ids)
      return ids
    }),
  )
  expect(await written()).toEqual({ changes: ["booked"], events: inside.result, outbox: inside.result })
})

test("a savepoint that fails rolls its events back, and the rest commits", async () => {
  await transact(db, context, async (tx) => {
    const undone = tx.savepoint(async (inner) => {
      setEventContext(inner, context)
      await change(inner, "undone")
      record(inner, sample("booking.confirmed"))
      throw new Error("taken")
    })
    expect(await failure(undone)).toEqual(new Error("taken"))
    await change(tx, "kept")
  })
  expect(await written()).toEqual({ changes: ["kept"], events: [], outbox: [] })
})

test("each handler of a batch records events caused by its own event", async () => {
  const causes = [newId(), newId()]
  await db.begin(async (tx) => {
    for (const causationId of causes) {
      setEventContext(tx, { ...context, causationId })
      record(tx, sample("booking.confirmed"))
    }
  })
  const rows = await db<{ causation_id: string }[]>`select causation_id from slotbase.events order by id`
  expect(rows.map((row) => row.causation_id)).toEqual(causes)
})

test("the hint is sent after the commit, once, and only when an event was recorded", async () => {
  const heard: number[] = []
  const stop = onHint("outbox", () => heard.push(1))
  await transact(db, context, async (tx) => {
    record(tx, sample("booking.confirmed"))
    record(tx, sample("booking.confirmed"))
    expect(heard).toEqual([])
  })
  expect(heard).toEqual([1])
  await transact(db, context, (tx) => change(tx, "nothing to announce"))
  await failure(transact(db, context, async (tx) => Promise.reject(new Error(record(tx, sample("booking.confirmed"))))))
  expect(heard).toEqual([1])
  stop()
})

test("a transaction has its id before it draws its number, also for an insert by hand", async () => {
  const [row] = await db<[{ default: string }]>`
    select pg_get_expr(adbin, adrelid) as default from pg_attrdef
    where adrelid = 'slotbase.outbox'::regclass and pg_get_expr(adbin, adrelid) like '%nextval%'`
  expect(row.default).toMatch(/^\s*CASE\s+WHEN \(pg_current_xact_id\(\) IS NOT NULL\) THEN nextval\(/)
})

async function change(tx: Tx, what: string): Promise<void> {
  await tx`insert into changes values (${what})`
}

async function written() {
  const [row] = await db<[{ changes: string[]; events: string[]; outbox: string[] }]>`
    select (select coalesce(array_agg(what), '{}') from changes) as changes,
           (select coalesce(array_agg(id::text order by id), '{}') from slotbase.events) as events,
           (select coalesce(array_agg(event_id::text order by seq), '{}') from slotbase.outbox) as outbox`
  return { ...row }
}
