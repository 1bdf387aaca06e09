// The passes of the dispatcher, and its check of events that were recorded from SQL.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { checkRecordedBySql } from "#actors/dispatch/check-recorded-by-sql.ts"
import { dispatchBatch, dispatcher, dispatchOnce } from "#actors/dispatch/dispatcher.ts"
import type { Db } from "#base/database/db.ts"
import { onHint } from "#base/hints.ts"
import { newId } from "#base/ids.ts"
import { example } from "#events/example.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { aWebhook, logOf, recordMany } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await aFacility(db, { id: example.facilityId })
})

afterEach(async () => {
  await db`
    truncate slotbase.events, slotbase.outbox, slotbase.event_positions, slotbase.dead_letters, slotbase.webhooks,
      slotbase.webhook_versions, slotbase.webhook_sequences, slotbase.delivery_queue`
})

afterAll(() => database.drop())

test("a pass dispatches one batch and reports whether there is more, and a hint follows only after dispatched events", async () => {
  const heard: number[] = []
  const stop = onHint("log", () => heard.push(1))
  await recordMany(db, dispatchBatch + 1)
  expect(await dispatchOnce(db)).toEqual({ more: true })
  expect(await dispatchOnce(db)).toEqual({ more: false })
  expect(await dispatchOnce(db)).toEqual({ more: false })
  expect(heard).toHaveLength(2)
  expect(await logOf(db)).toHaveLength(dispatchBatch + 1)
  stop()
})

test("other processes are told of the log by the turn itself, and of deliveries only when some are left unclaimed", async () => {
  const told: string[] = []
  const heard = await db.listen("slotbase_hint", (payload) => told.push(payload.split(" ")[1] as string))
  await recordMany(db, 1)
  await dispatchOnce(db)
  await eventually(() => expect(told).toEqual(["log"]))
  await aWebhook(db, "booking.confirmed")
  await recordMany(db, 1)
  await dispatchOnce(db)
  await recordMany(db, 1)
  await dispatchOnce(db)
  await eventually(() => expect(told).toEqual(["log", "log", "deliveries", "log", "deliveries"]))
  await heard.unlisten()
})

test("is woken by recorded events, and runs every second anyway", () => {
  expect(dispatcher(db)).toMatchObject({ name: "dispatcher", wokenBy: ["outbox"], paceMs: 4, pollEveryMs: 1_000 })
})

test("of the events recorded from SQL the valid ones are dispatched in order, the invalid one is a dead letter", async () => {
  const ids = await recordMany(db, 5)
  await db`update slotbase.outbox set unchecked = true where event_id in ${db(ids.slice(1, 4))}`
  await db`update slotbase.events set data = data - 'priceAmount' || '{"surprise": 1}' where id = ${ids[2] as string}`
  await dispatchAll()
  expect((await logOf(db)).map((row) => row.event_id)).toEqual([0, 1, 3, 4].map((nth) => ids[nth] as string))
  const [dead] = await db`
    select d.handler, d.event -> 'data' ->> 'surprise' as surprise, d.errors, d.id = slotbase.derived_id(d.event_id, 'dispatcher') as derived
    from slotbase.dead_letters d`
  expect(dead as object).toEqual({
    handler: "dispatcher",
    surprise: "1",
    derived: true,
    errors: [
      {
        eventId: ids[2],
        eventType: "booking.confirmed",
        handlerName: "dispatcher",
        error: {
          message: "booking.confirmed is not valid: surprise: Expected no excess property; priceAmount: Missing key",
          code: "schema_mismatch",
        },
        attemptCount: 1,
        maxRetries: 0,
        status: "dead_letter",
      },
    ],
  })
})

test("an event of an unknown type is a dead letter", async () => {
  await recordMany(db, 1)
  await db`update slotbase.outbox set unchecked = true, type = 'booking.imagined'`
  await dispatchAll()
  expect(await logOf(db)).toHaveLength(0)
  expect(await messages()).toEqual(["booking.imagined is not valid: type: Unknown event type"])
})

test("an outbox row without an event blocks no other: it is a dead letter with that reason", async () => {
  await db`
    insert into slotbase.outbox (event_id, facility_id, type, unchecked) values (${newId()}, ${newId()}, 'booking.confirmed', true)`
  const [id] = await recordMany(db, 1)
  await dispatchAll()
  expect(await logOf(db)).toMatchObject([{ position: 1, event_id: id }])
  expect(await messages()).toEqual(["there is no such event"])
})

test("two checks at once do it once", async () => {
  await recordMany(db, 20)
  await db`update slotbase.outbox set unchecked = true`
  await db`update slotbase.events set data = '{}' where id in (select event_id from slotbase.outbox order by seq limit 10)`
  await Promise.all([checkRecordedBySql(db), checkRecordedBySql(db)])
  await dispatchAll()
  expect(await logOf(db)).toHaveLength(10)
  expect(await messages()).toHaveLength(10)
})

async function dispatchAll(): Promise<void> {
  while ((await dispatchOnce(db)).more);
}

async function messages(): Promise<string[]> {
  const rows = await db<
    { message: string }[]
  >`select errors -> 0 -> 'error' ->> 'message' as message from slotbase.dead_letters`
  return rows.map((row) => row.message)
}
