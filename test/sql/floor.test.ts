// The floor (low-water mark) of the dispatcher's scan. It rises above dispatched events. So the dispatcher never scans
// old rows that a long snapshot keeps from vacuum. It never rises above a number whose transaction can still commit.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { example } from "#events/example.ts"
import { gate, type OutboxFloor, outboxFloor } from "#test/harness/pipeline/outbox-floor.ts"
import { logOf, recordMany, waysToDispatch } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let outbox: OutboxFloor

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})

afterAll(() => database.drop())

describe.each(waysToDispatch)("dispatched by the function %s, the floor", (way) => {
  beforeAll(async () => {
    outbox = await outboxFloor(db, way)
  })

  afterEach(() => outbox.reset())

  test("never passes an event whose transaction has drawn its number and commits later", async () => {
    const [late, drawn] = [newId(), gate()]
    const transaction = db.begin(async (tx) => {
      await outbox.insertByHand(tx, late)
      await drawn.stop()
    })
    await drawn.reached
    const after = await recordMany(db, 3)
    expect(await outbox.passes(5)).toBe(3)
    drawn.open()
    await transaction
    expect(await outbox.passes(1)).toBe(1)
    expect((await logOf(db)).map((row) => row.event_id)).toEqual([...after, late])
  })

  test("never passes an event whose transaction wrote earlier and draws its number later", async () => {
    const [late, begun, drawn] = [newId(), gate(), gate()]
    const transaction = db.begin(async (tx) => {
      await tx`insert into aggregates values (${late}, 0)`
      await begun.stop()
      await outbox.insertByHand(tx, late)
      await drawn.stop()
    })
    await begun.reached
    await recordMany(db, 3)
    expect(await outbox.passes(4)).toBe(3)
    begun.open()
    await drawn.reached
    await recordMany(db, 1)
    expect(await outbox.passes(4)).toBe(1)
    drawn.open()
    await transaction
    expect(await outbox.passes(1)).toBe(1)
    expect((await logOf(db)).at(-1)?.event_id).toBe(late)
  })

  test("rises to the last number once no transaction can commit below it, and an empty scan then reads a single page", async () => {
    await recordMany(db, 2_000)
    expect(await outbox.passes(8)).toBe(2_000)
    await outbox.floorRisen()
  })

  test("rises beside a snapshot that keeps dead rows, and an empty scan does not read them", async () => {
    await outbox.dispatchOnce(1)
    await db.begin(async (tx) => {
      await tx`set transaction isolation level repeatable read`
      await tx`select count(*) from slotbase.outbox`
      await db`
      insert into slotbase.outbox (event_id, facility_id, type)
      select gen_random_uuid(), ${example.facilityId}, 'booking.confirmed' from generate_series(1, 50000)`
      expect(await outbox.passes(104)).toBe(50_000)
      await outbox.floorRisen()
      expect(
        await outbox.pagesRead("select from slotbase.outbox where seq > (select floor from slotbase.outbox_floor)"),
      ).toBeLessThan(10)
      // Without the floor the same scan reads every dead row.
      expect(await outbox.pagesRead("select from slotbase.outbox where seq > 0")).toBeGreaterThan(500)
    })
  })

  test("does not move in a dispatch that is part of a larger transaction", async () => {
    await recordMany(db, 1)
    await db.begin(async (tx) => {
      await tx`insert into aggregates values (${newId()}, 0)`
      for (let pass = 0; pass < 4; pass++) {
        await tx`update slotbase.outbox_floor set noted_at = '-infinity'`
        await outbox.dispatchOnce(100, tx)
      }
    })
    expect(await outbox.floor()).toEqual({ floor: 0, candidate_seq: 0 })
    expect(await logOf(db)).toHaveLength(1)
  })

  test("is held by an unchecked event", async () => {
    await recordMany(db, 1)
    await db`update slotbase.outbox set unchecked = true`
    expect(await outbox.passes(5)).toBe(0)
    expect((await outbox.floor()).floor).toBe(0)
  })

  test("an empty pass does not even take a transaction id", async () => {
    await recordMany(db, 1)
    expect(await outbox.passes(5)).toBe(1)
    await db.begin(async (tx) => {
      await outbox.dispatchOnce(500, tx)
      const [row] = await tx`select pg_current_xact_id_if_assigned() is null as none`
      expect(row as object).toEqual({ none: true })
    })
  })
})
