// The work of a DBA in psql: recording an event in an open transaction, and putting a dead letter back to work.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { dispatchOnce } from "#actors/dispatch/dispatcher.ts"
import { GiveUp } from "#actors/handlers/handler.ts"
import type { Run } from "#actors/runs/claim.ts"
import { settleFailedRun } from "#actors/runs/settle-failed.ts"
import { retryPolicyOf } from "#actors/runtime/retry.ts"
import type { Db } from "#base/database/db.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { catalogue, type EventType } from "#events/catalogue.ts"
import { example } from "#events/example.ts"
import { aggregateKeysOf, mirrorEventTypes } from "#events/mirror.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import {
  aWebhook,
  dispatchAll,
  failure,
  logOf,
  processRow,
  recordMany,
  runsOf,
  sample,
  subscribe,
  unbalanced,
} from "#test/harness/pipeline/pipeline.ts"
import { claimFree } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await aFacility(db, { id: example.facilityId })
  await mirrorEventTypes(db, "staging")
})

afterEach(async () => {
  await db`
    truncate slotbase.events, slotbase.outbox, slotbase.event_positions, slotbase.dead_letters, slotbase.handlers,
      slotbase.handler_queue, slotbase.handler_claims, slotbase.handler_cursors, slotbase.handler_batches, slotbase.handler_history, slotbase.delivery_queue, slotbase.delivery_history`
})

afterAll(() => database.drop())

describe("the mirror of the catalogue", () => {
  test("has every type, with its required keys and the key of its aggregate", async () => {
    await mirrorEventTypes(db, "staging")
    const rows = await db<{ type: string }[]>`select type from slotbase.event_types order by type`
    expect(rows.map(({ type }) => type)).toEqual(catalogue.map(({ type }) => type).sort())
    const [row] = await db`select * from slotbase.event_types where type = 'payment.failed'`
    expect(row as object).toEqual({
      type: "payment.failed",
      version: "1.0",
      source: "payment-service",
      aggregate: "payment",
      aggregate_keys: ["transactionId", "referenceId"],
      required: expect.arrayContaining(["facilityId", "amount", "currency", "retryCount"]),
      environment: "staging",
    })
  })

  test.each(catalogue.map((definition) => [definition.type, definition] as const))(
    "finds the aggregate of %s",
    (_, definition) => {
      const data = definition.sample as Record<string, unknown>
      const named = aggregateKeysOf(definition).map((key) => data[key])
      expect(named.find((value) => value !== undefined)).toBe(definition.aggregateId(data))
    },
  )
})

describe("record_event", () => {
  test("records every type of the catalogue as the program would, and the dispatcher lets it through", async () => {
    for (const { type, sample: data } of catalogue) await call(type, data)
    for (let more = true; more; ) more = (await dispatchOnce(db)).more
    expect((await logOf(db)).map((row) => row.type)).toEqual(catalogue.map(({ type }) => type))
    expect(await db`select from slotbase.dead_letters`).toHaveLength(0)
    const aggregates = await db<
      { type: string; aggregate_id: string }[]
    >`select type, aggregate_id from slotbase.events`
    for (const { type, aggregate_id } of aggregates) {
      const definition = catalogue.find((candidate) => candidate.type === type)
      expect(aggregate_id).toBe(definition?.aggregateId(definition.sample) as string)
    }
  })

  test("fills in the columns that the program would fill in", async () => {
    const id = await call("booking.confirmed", sample("booking.confirmed").data)
    const [row] = await db`
      select id, facility_id, version, source, correlation_id, user_id, aggregate_type, aggregate_id, resource_id, booking_type,
        metadata, timestamp = occurred_at as now from slotbase.events`
    expect(row as object).toEqual({
      id,
      facility_id: example.facilityId,
      version: "1.0",
      source: "booking-service",
      correlation_id: id,
      user_id: null,
      aggregate_type: "booking",
      aggregate_id: example.bookingId,
      resource_id: example.resourceId,
      booking_type: sample("booking.confirmed").data.bookingType,
      metadata: { environment: "staging" },
      now: true,
    })
  })

  test("is part of the DBA's transaction", async () => {
    const rolledBack = db.begin(async (tx) => {
      await tx`select slotbase.record_event('user.created', null, ${tx.json(sample("user.created").data as never)})`
      throw new Error("on second thoughts")
    })
    await failure(rolledBack)
    expect(await db`select from slotbase.events`).toHaveLength(0)
    const [row] = await db<[{ id: string }]>`
      select slotbase.record_event('user.created', null, ${db.json(sample("user.created").data as never)}) as id`
    expect([...(await db`select id, facility_id from slotbase.events`)] as object[]).toEqual([
      { id: row.id, facility_id: platformFacilityId },
    ])
  })

  test("keeps the order of the calls, without those of a savepoint that was rolled back", async () => {
    const data = (n: number) => ({ ...sample("booking.confirmed").data, priceAmount: n })
    await db.begin(async (tx) => {
      const callIn = (at: typeof tx, n: number) =>
        at`select slotbase.record_event('booking.confirmed', ${example.facilityId}, ${at.json(data(n) as never)})`
      await callIn(tx, 1)
      await failure(
        tx.savepoint(async (inner) => {
          await callIn(inner, 2)
          throw new Error("on second thoughts")
        }),
      )
      await callIn(tx, 3)
      await callIn(tx, 4)
    })
    for (let more = true; more; ) more = (await dispatchOnce(db)).more
    const amounts = await db`
      select (e.data ->> 'priceAmount')::integer as n from slotbase.event_positions p
      join slotbase.events e on e.id = p.event_id order by p.position`
    expect(amounts.map(({ n }) => n)).toEqual([1, 3, 4])
  })

  test("refuses where triggers do not fire, because the event would never be dispatched", async () => {
    const recorded = db.begin(async (tx) => {
      await tx`set local session_replication_role = 'replica'`
      await tx`select slotbase.record_event('user.created', null, ${tx.json(sample("user.created").data as never)})`
    })
    expect(await failure(recorded)).toMatchObject({
      message: 'no event can be recorded while session_replication_role is "replica"',
    })
  })

  test("refuses an unknown type, missing keys and an unknown facility, with a clear error", async () => {
    expect(await failure(call("booking.imagined", {}))).toMatchObject({
      message: "there is no event type booking.imagined",
    })
    expect(await failure(call("resource.created", { name: "Court 1", facilityId: newId() }))).toMatchObject({
      message: "resource.created lacks resourceId, resourceType",
    })
    const stranger = newId()
    expect(await failure(call("user.created", sample("user.created").data, stranger))).toMatchObject({
      message: `there is no facility ${stranger}`,
    })
    expect(await db`select from slotbase.events`).toHaveLength(0)
  })

  test("accepts data that only the Schema can refuse, and the dispatcher dead-letters the event", async () => {
    const good = await call("booking.confirmed", sample("booking.confirmed").data)
    await call("booking.confirmed", { ...sample("booking.confirmed").data, priceAmount: "a lot" })
    const next = await call("booking.confirmed", sample("booking.confirmed").data)
    for (let more = true; more; ) more = (await dispatchOnce(db)).more
    expect((await logOf(db)).map((row) => row.event_id)).toEqual([good, next])
    expect(await db`select from slotbase.dead_letters where handler = 'dispatcher'`).toHaveLength(1)
  })
})

describe("reprocess", () => {
  test("requeues a run as a due retry", async () => {
    const letter = await deadRun()
    expect(await reprocess(letter)).toBe("run of AnalyticsHandler")
    expect(await runsOf(db, "AnalyticsHandler")).toMatchObject([{ status: "pending", attempts: 0 }])
    expect(await unbalanced(db)).toHaveLength(0)
    const owner = await processRow(db, true)
    expect((await claimFree(db, "AnalyticsHandler", owner, 10)).runs).toHaveLength(1)
    expect(await failure(reprocess(letter))).toMatchObject({
      message: "the dead letter was resolved already: reprocessed",
    })
  })

  test("requeues a delivery with all its retries left", async () => {
    const webhook = await aWebhook(db, "booking.confirmed")
    await recordMany(db, 1)
    await dispatchAll(db)
    await db`
      with gone as (delete from slotbase.delivery_queue returning *)
      insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status, attempts, settled_at)
      select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'failed', 6, slotbase.now() from gone`
    const letter = newId()
    await db`
      insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors, created_at, last_attempt_at)
      select ${letter}, facility_id, event_id, position, webhook_id, delivery_id, '{}', '[]', slotbase.now(), slotbase.now()
      from slotbase.delivery_history`
    expect(await reprocess(letter)).toStartWith("delivery ")
    const [row] =
      await db`select webhook_id, attempts, failures, sequence, ready_at is not null as due from slotbase.delivery_queue`
    expect(row as object).toEqual({ webhook_id: webhook, attempts: 6, failures: 0, sequence: 1, due: true })
    expect(await unbalanced(db)).toHaveLength(0)
  })

  test("refuses unknown entries, and entries without a handler or webhook", async () => {
    const nothing = newId()
    expect(await failure(reprocess(nothing))).toMatchObject({ message: `there is no dead letter ${nothing}` })
    const letter = await deadRun()
    await db`update slotbase.handlers set ended = true`
    expect(await failure(reprocess(letter))).toMatchObject({
      message: "it can no longer be reprocessed: its event, its handler or its webhook is gone, or it is not dead",
    })
    expect(await runsOf(db, "AnalyticsHandler")).toMatchObject([{ status: "dead_letter" }])
  })
})

async function call(type: string, data: object, facilityId: string | null = example.facilityId): Promise<string> {
  const [row] = await db<
    [{ id: string }]
  >`select slotbase.record_event(${type}, ${facilityId}, ${db.json(data as never)}) as id`
  return row.id
}

async function reprocess(letter: string): Promise<string> {
  const [row] = await db<[{ what: string }]>`select slotbase.reprocess(${letter}) as what`
  return row.what
}

async function deadRun(type: EventType = "booking.confirmed"): Promise<string> {
  await subscribe(db, "AnalyticsHandler", type)
  await recordMany(db, 1, type)
  await dispatchAll(db)
  const claim = await claimFree(db, "AnalyticsHandler", await processRow(db, true), 1)
  const policy = retryPolicyOf("AnalyticsHandler")
  await settleFailedRun(
    db,
    { handler: "AnalyticsHandler", lease: claim.lease, run: claim.runs[0] as Run, policy },
    { cause: new GiveUp("no"), durationMs: 1 },
  )
  const [row] = await db<[{ id: string }]>`select id from slotbase.dead_letters`
  return row.id
}
