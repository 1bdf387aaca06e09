// Set-based handlers: a whole batch at once, and an event by itself when one of them fails.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { type HandledEvent, sideBySide, type TransactionalHandler } from "#actors/handlers/handler.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { dispatchAll, processRow, recordMany, runsOf, subscribe, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { actorOf, statusCounts } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let owner: number

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await db`create table tally (one boolean primary key default true, count integer not null)`
  await subscribe(db, "AnalyticsHandler", "booking.confirmed")
  owner = await processRow(db, true)
})

beforeEach(async () => {
  await db`
    truncate tally, slotbase.event_positions, slotbase.handler_queue, slotbase.handler_claims, slotbase.handler_cursors, slotbase.handler_batches, slotbase.handler_history,
      slotbase.dead_letters, slotbase.outbox, slotbase.events`
  await db`insert into tally (count) values (0)`
  await db`update slotbase.handlers set from_position = 1`
})

afterAll(() => database.drop())

describe("a set-based handler", () => {
  const adding = (before: (events: readonly HandledEvent[], tx: Tx) => unknown = () => {}): TransactionalHandler => ({
    kind: "transactional",
    name: "AnalyticsHandler",
    events: ["booking.confirmed"],
    async handleAll(tx, events) {
      await before(events, tx)
      await tx`update tally set count = count + ${events.length}`
      return undefined
    },
  })

  test("has its whole batch at once, in the order of the positions", async () => {
    await queue(100)
    const batches: number[][] = []
    await pass(adding((events) => void batches.push(events.map((event) => event.position))))
    expect(batches).toEqual([Array.from({ length: 100 }, (_, nth) => nth + 1)])
    expect(await tally()).toBe(100)
    expect(await statusCounts(db, "AnalyticsHandler")).toEqual({ success: 100 })
    expect(await unbalanced(db)).toHaveLength(0)
  })

  test("side by side: the statements of all events are sent at once, and only a failing event fails", async () => {
    await queue(50)
    const begun: number[] = []
    const handleAll = sideBySide(async (tx, event) => {
      begun.push(event.position)
      await tx`update tally set count = count + 1 + 0 / (${event.position}::integer - 9)`
      return undefined
    })
    await pass({ ...adding(), handleAll } as TransactionalHandler)
    expect(begun.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, nth) => nth + 1))
    expect(await tally()).toBe(49)
    expect((await runsOf(db, "AnalyticsHandler")).filter((run) => run.status !== "success")).toMatchObject([
      { position: 9, status: "retrying", attempts: 1, error: "division by zero" },
    ])
  })

  test("that throws gets each event by itself, and only the failing one has failed", async () => {
    await queue(5)
    await pass(
      adding((events) => {
        if (events.some((event) => event.position === 3)) throw new TypeError("no such court")
      }),
    )
    expect(await tally()).toBe(4)
    expect(await runsOf(db, "AnalyticsHandler")).toMatchObject([
      { status: "success", attempts: 1 },
      { status: "success", attempts: 1 },
      { status: "retrying", attempts: 1, error: "no such court" },
      { status: "success", attempts: 1 },
      { status: "success", attempts: 1 },
    ])
  })

  test("names the skipped events with their reasons", async () => {
    await queue(3)
    await pass({
      ...adding(),
      handleAll: async (_, events) =>
        events.map((event) => (event.position === 2 ? { skipped: "nobody plays" } : undefined)),
    } as TransactionalHandler)
    expect((await runsOf(db, "AnalyticsHandler")).map(({ status, reason }) => [status, reason])).toEqual([
      ["success", null],
      ["skipped", "nobody plays"],
      ["success", null],
    ])
  })

  test("that loses a deadlock is run again without using up an attempt", async () => {
    await queue(3)
    let lost = 0
    await pass(
      adding(async (_, tx) => {
        if (lost++ === 0) await tx`do $$ begin raise exception 'deadlock detected' using errcode = '40P01'; end $$`
      }),
    )
    expect(await tally()).toBe(3)
    expect((await runsOf(db, "AnalyticsHandler")).map((run) => run.attempts)).toEqual([1, 1, 1])
  })
})

const pass = (handler: TransactionalHandler) => actorOf(db, owner, handler).pass(new AbortController().signal)

async function queue(count: number): Promise<void> {
  await recordMany(db, count)
  await dispatchAll(db)
}

const tally = async () => (await db<[{ count: number }]>`select count from tally`)[0].count
