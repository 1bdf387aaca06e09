// The views for people: an event's text and story, the ledger that finds missing and doubled work, and the reader role.
// The reader role reads all of it except secrets.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import type { Run } from "#actors/runs/claim.ts"
import { settleRuns } from "#actors/runs/settle.ts"
import { settleFailedRun } from "#actors/runs/settle-failed.ts"
import { connect, type Db } from "#base/database/db.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import type { EventType } from "#events/catalogue.ts"
import { type EventRow, toDomainEvent } from "#events/envelope.ts"
import { example } from "#events/example.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import {
  aWebhook,
  dispatchAll,
  processRow,
  recordMany,
  runsOf,
  subscribe,
  unbalanced,
} from "#test/harness/pipeline/pipeline.ts"
import { claimFree, queueAll } from "#test/harness/pipeline/runs.ts"
import { finishedWork } from "#test/harness/promises/finished-work.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const policy = { maxRetries: 1, delayMs: 1_000, maxDelayMs: 60_000, backoffMultiplier: 2 }

let database: TestDatabase
let db: Db
let owner: number

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await aFacility(db, { id: example.facilityId })
  owner = await processRow(db, true)
})

beforeEach(async () => {
  await db`
    truncate slotbase.events, slotbase.outbox, slotbase.event_positions, slotbase.handlers, slotbase.handler_queue, slotbase.handler_claims, slotbase.handler_cursors, slotbase.handler_batches,
      slotbase.handler_history, slotbase.webhooks, slotbase.webhook_versions, slotbase.webhook_sequences,
      slotbase.delivery_queue, slotbase.delivery_history, slotbase.dead_letters`
})

afterAll(() => database.drop())

describe("the body of an event", () => {
  const full = {
    id: example.eventId,
    facility_id: example.facilityId,
    type: "resource.created",
    timestamp: "2026-11-02T09:00:00.125999Z",
    occurred_at: "2026-11-02T09:00:00Z",
    causation_id: example.causationId,
    user_id: example.ownerId,
    organization_id: example.organizationId,
    data: { name: 'Court "1" \\ é 🎾', resourceId: example.resourceId, hourlyPrice: 1e21, nested: { b: [], a: null } },
    metadata: { environment: "production", userAgent: "curl/8.5", clientIp: "203.0.113.7" },
  }
  const sparse = {
    ...full,
    facility_id: platformFacilityId,
    causation_id: null,
    user_id: null,
    organization_id: null,
    metadata: { environment: "development" },
  }

  test("is, to the byte, the body of the last and of the next request", async () => {
    await insertEvent(full)
    const text =
      '{"id":"01994a3e-7c00-7a10-8f3e-1c5d0a9b2e23","type":"resource.created","version":"1.0",' +
      '"timestamp":"2026-11-02T09:00:00.125Z","occurredAt":"2026-11-02T09:00:00.000Z","source":"facility-service",' +
      '"correlationId":"01994a3e-7c00-7a10-8f3e-1c5d0a9b2e24","causationId":"01994a3e-7c00-7a10-8f3e-1c5d0a9b2e25",' +
      '"facilityId":"01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01","userId":"01994a3e-7c00-7a10-8f3e-1c5d0a9b2e04",' +
      '"organizationId":"01994a3e-7c00-7a10-8f3e-1c5d0a9b2e02",' +
      '"data":{"name": "Court \\"1\\" \\\\ é 🎾", "nested": {"a": null, "b": []}, ' +
      '"resourceId": "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e03", "hourlyPrice": 1000000000000000000000},' +
      '"metadata":{"clientIp": "203.0.113.7", "userAgent": "curl/8.5", "environment": "production"}}'
    expect(await body()).toBe(text)
    const elsewhere = connect(database.url, { max: 1, applicationName: "slotbase test" })
    await elsewhere`set timezone to 'Asia/Kathmandu'`
    await elsewhere`set datestyle to 'German'`
    expect(await body(elsewhere)).toBe(text)
    await elsewhere.end()
  })

  test.each([
    ["full", full],
    ["sparse", sparse],
  ])("of a %s row equals the program's event, key after key", async (_, row) => {
    await insertEvent(row)
    const [stored] = await db<[EventRow]>`select * from slotbase.events`
    const parsed = JSON.parse(await body())
    expect(parsed).toEqual(toDomainEvent(stored))
    expect(Object.keys(parsed)).toEqual(Object.keys(toDomainEvent(stored)))
  })
})

test("handler_runs shows every state of a run", async () => {
  await subscribe(db, "AnalyticsHandler", "booking.confirmed")
  await recordMany(db, 6)
  await dispatchAll(db)
  const { lease, runs } = await claimFree(db, "AnalyticsHandler", owner, 5)
  await settleRuns(db, "AnalyticsHandler", lease, [
    { position: 1, status: "success", durationMs: 2, reason: null },
    { position: 2, status: "skipped", durationMs: 1, reason: "nothing to do" },
  ])
  await settleFailedRun(
    db,
    { handler: "AnalyticsHandler", lease, run: runs[2] as Run, policy },
    { cause: new Error("no"), durationMs: 1 },
  )
  await settleFailedRun(
    db,
    { handler: "AnalyticsHandler", lease, run: { ...(runs[3] as Run), attempts: 1 }, policy },
    { cause: new Error("never"), durationMs: 1 },
  )
  expect(await runsOf(db, "AnalyticsHandler")).toEqual([
    { position: 1, status: "success", attempts: 1, error: null, reason: null },
    { position: 2, status: "skipped", attempts: 1, error: null, reason: "nothing to do" },
    { position: 3, status: "retrying", attempts: 1, error: "no", reason: null },
    { position: 4, status: "dead_letter", attempts: 2, error: "never", reason: null },
    { position: 5, status: "running", attempts: 0, error: null, reason: null },
    { position: 6, status: "pending", attempts: 0, error: null, reason: null },
  ])
  expect(await unbalanced(db)).toHaveLength(0)
})

test("event_log has the story of an event, with every recipient, also for an event that is not dispatched yet", async () => {
  await subscribe(db, "AnalyticsHandler", "booking.confirmed")
  await subscribe(db, "NotificationHandler", "booking.confirmed")
  const webhook = await aWebhook(db, "booking.confirmed")
  const [id] = await recordMany(db, 1)
  await dispatchAll(db)
  const { lease } = await claimFree(db, "AnalyticsHandler", owner, 5)
  await settleRuns(db, "AnalyticsHandler", lease, [{ position: 1, status: "success", durationMs: 2, reason: null }])
  const [waiting] = await recordMany(db, 1)
  const log = await db`
    select event_id, event_type, facility_id, position, handlers, webhooks from slotbase.event_log order by event_id`
  const event = { event_type: "booking.confirmed", facility_id: example.facilityId }
  const [delivery] = await db<[{ id: string }]>`select delivery_id as id from slotbase.delivery_queue`
  expect([...log] as object[]).toEqual([
    {
      ...event,
      event_id: id,
      position: 1,
      handlers: [
        { name: "AnalyticsHandler", status: "success", duration: 2 },
        { name: "NotificationHandler", status: "pending" },
      ],
      webhooks: [{ webhookId: webhook, deliveryId: delivery.id, status: "pending" }],
    },
    { ...event, event_id: waiting, position: null, handlers: [], webhooks: [] },
  ])
})

describe("the ledger", () => {
  let webhook: string

  beforeEach(async () => {
    await subscribe(db, "AnalyticsHandler", "booking.confirmed")
    await subscribe(db, "NotificationHandler", "booking.confirmed")
    webhook = await aWebhook(db, "booking.confirmed")
    await recordMany(db, 4)
    await dispatchAll(db)
    const { lease } = await claimFree(db, "AnalyticsHandler", owner, 2)
    await settleRuns(
      db,
      "AnalyticsHandler",
      lease,
      [1, 2].map((position) => ({ position, status: "success", durationMs: 1, reason: null })),
    )
  })

  test("balances while no work is missing or doubled", async () => {
    expect(await unbalanced(db)).toHaveLength(0)
    const [first] = await db`
      select expected_runs, runs_waiting, runs_success, expected_deliveries, deliveries_waiting from slotbase.event_ledger
      where position = 1`
    expect(first as object).toEqual({
      expected_runs: 2,
      runs_waiting: 1,
      runs_success: 1,
      expected_deliveries: 1,
      deliveries_waiting: 1,
    })
  })

  const damages: [string, (sql: Db) => Promise<unknown>][] = [
    [
      "a waiting run is deleted",
      async (sql) => {
        await queueAll(sql)
        await sql`delete from slotbase.handler_queue where handler = 'NotificationHandler' and position = 1`
      },
    ],
    [
      "a run that waits is passed over",
      (sql) => sql`insert into slotbase.handler_cursors (handler, next) values ('NotificationHandler', 2)`,
    ],
    ["a finished run is deleted", (sql) => sql`delete from slotbase.handler_history where position = 1`],
    [
      "a finished run stands in the queue again",
      (sql) => sql`
      insert into slotbase.handler_queue (handler, position, facility_id, event_id)
      select handler, position, facility_id, event_id from slotbase.handler_history where position = 1`,
    ],
    [
      "a finished run stands in a batch too",
      (sql) => sql`
      insert into slotbase.handler_batches (handler, positions, runs, duration_ms, settled_at)
      select handler, int8multirange(int8range(1, 2)), 1, 1, slotbase.now() from slotbase.handler_history where position = 1`,
    ],
    ["a waiting delivery is deleted", (sql) => sql`delete from slotbase.delivery_queue where position = 1`],
    [
      "a waiting delivery was finished already",
      (sql) => sql`
      insert into slotbase.delivery_history
        (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status, attempts, settled_at)
      select webhook_id, event_id, 0, facility_id, position, delivery_id, sequence, 'delivered', 1, slotbase.now()
      from slotbase.delivery_queue where position = 1`,
    ],
    [
      "a subscription is made up afterwards",
      (sql) => sql`
      insert into slotbase.handlers (handler, event_type, from_position, until_position) values ('RefundHandler', 'booking.confirmed', 1, 2)`,
    ],
  ]
  test.each(damages)("does not balance when %s by hand", async (_, damage) => {
    await damage(db)
    expect((await unbalanced(db)).map(({ position }) => position)).toEqual([1])
  })

  test("names a handler with a missing run and a handler with a doubled run, although the sums agree", async () => {
    const { lease } = await claimFree(db, "NotificationHandler", owner, 2)
    await settleRuns(
      db,
      "NotificationHandler",
      lease,
      [1, 2].map((position) => ({ position, status: "success", durationMs: 1, reason: null })),
    )
    await db`delete from slotbase.handler_history where handler = 'AnalyticsHandler' and position = 1`
    await db`
      insert into slotbase.handler_batches (handler, positions, runs, duration_ms, settled_at)
      values ('NotificationHandler', '{[1,1]}', 1, 1, slotbase.now())`
    expect(await ledgerOf(1)).toEqual({
      expected_runs: 2,
      runs_waiting: 0,
      runs_success: 2,
      balanced: false,
      runs_missing: ["AnalyticsHandler"],
      runs_surplus: ["NotificationHandler"],
    })
    expect(await ledgerOf(2)).toMatchObject({ balanced: true, runs_missing: null, runs_surplus: null })
  })

  test("names a webhook with a missing delivery and a webhook with a doubled one, although the sums agree", async () => {
    const other = await aWebhook(db, "booking.confirmed")
    const [id] = await recordMany(db, 1)
    await dispatchAll(db)
    await db`delete from slotbase.delivery_queue where position = 5 and webhook_id = ${webhook}`
    await db`
      insert into slotbase.delivery_history
        (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status, attempts, settled_at)
      values (${other}, ${id as string}, 0, ${example.facilityId}, 5, ${newId()}, 1, 'delivered', 1, slotbase.now())`
    const [row] = await db`
      select expected_deliveries, deliveries_waiting, deliveries_delivered, balanced, deliveries_missing, deliveries_surplus
      from slotbase.event_ledger where position = 5`
    expect({ ...row }).toEqual({
      expected_deliveries: 2,
      deliveries_waiting: 1,
      deliveries_delivered: 1,
      balanced: false,
      deliveries_missing: [webhook],
      deliveries_surplus: [other],
    })
  })

  const ledgerOf = async (position: number) => ({
    ...(
      await db`
      select expected_runs, runs_waiting, runs_success, balanced, runs_missing, runs_surplus from slotbase.event_ledger
      where position = ${position}`
    )[0],
  })

  test("does not count replays and tests", async () => {
    await db`
      insert into slotbase.delivery_queue (webhook_id, position, replay, facility_id, event_id, delivery_id, sequence)
      select webhook_id, position, 1, facility_id, event_id, ${newId()}, 0 from slotbase.delivery_queue where position = 1`
    expect(await unbalanced(db)).toHaveLength(0)
  })
})

describe("the reader", () => {
  const views = [
    "handler_runs",
    "webhook_deliveries",
    "event_log",
    "event_ledger",
    "events",
    "outbox",
    "dead_letters",
    "bookings",
  ]
  test.each(views)("reads every row and column of %s", async (view) => {
    await finishedWork(db)
    await recordMany(db, 1)
    const all = `select to_jsonb(v)::text as row from slotbase.${view} v order by 1`
    const rows = await db.unsafe(all)
    expect(rows.length).toBeGreaterThan(0)
    expect(await asReader(all)).toEqual([...rows])
  })

  const secrets = [
    "password_hash from slotbase.users",
    "* from slotbase.users",
    "auth_config from slotbase.webhooks",
    "* from slotbase.webhooks",
    "key_hash from slotbase.api_keys",
    "token_hash from slotbase.sessions",
    "answer from slotbase.idempotency_keys",
    "raw from slotbase.mailbox",
  ]
  test.each(secrets)("does not read %s", async (what) => {
    expect(await asReader(`select ${what}`)).toMatchObject({ code: "42501" })
  })

  test("changes nothing", async () => {
    await recordMany(db, 1)
    for (const change of [
      "delete from slotbase.events",
      "select slotbase.dispatch(1)",
      "select slotbase.move_clock('1 day')",
    ]) {
      expect(await asReader(change)).toMatchObject({ code: "42501" })
    }
  })

  /** The rows that the reader gets, or the error. */
  const asReader = (statement: string) =>
    db
      .begin(async (tx) => {
        await tx`set local role slotbase_reader`
        return [...(await tx.unsafe(statement))]
      })
      .catch((error: unknown) => error)
})

test("every table, view and function for people has a comment", async () => {
  const silent = await db<{ name: string }[]>`
    select c.relname as name from pg_class c
    where c.relnamespace = 'slotbase'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
      and obj_description(c.oid) is null and c.relname <> 'migrations'
    order by 1`
  expect(silent.map(({ name }) => name)).toEqual([])
})

async function body(on: Db = db): Promise<string> {
  const [row] = await on<[{ body: string }]>`select slotbase.event_body(e) as body from slotbase.events e`
  return row.body
}

async function insertEvent(event: {
  id: string
  facility_id: string
  type: string
  timestamp: string
  occurred_at: string
  causation_id: string | null
  user_id: string | null
  organization_id: string | null
  data: object
  metadata: object
}): Promise<void> {
  // The ids of the samples are from a month for which a new database has no partition.
  await db`
    create table if not exists slotbase.events_of_the_samples partition of slotbase.events
    for values from ('01994a3e-0000-0000-0000-000000000000') to ('01994a3f-0000-0000-0000-000000000000')`
  await db`
    insert into slotbase.events (id, facility_id, type, version, timestamp, occurred_at, source, correlation_id, causation_id,
      user_id, organization_id, aggregate_type, aggregate_id, data, metadata)
    values (${event.id}, ${event.facility_id}, ${event.type as EventType}, '1.0', ${event.timestamp}::text::timestamptz,
      ${event.occurred_at}::text::timestamptz, 'facility-service', ${example.correlationId}, ${event.causation_id},
      ${event.user_id}, ${event.organization_id}, 'resource', ${example.resourceId}, ${db.json(event.data as never)},
      ${db.json(event.metadata as never)})`
}
