// The floor (low-water mark) of the dispatcher's scan, and the writers to the outbox. The floor counts the drawn
// numbers. After a rollback the floor waits for transactions that may still commit below it, but never for idle
// sessions.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { example } from "#events/example.ts"
import { mirrorEventTypes } from "#events/mirror.ts"
import { gate, type OutboxFloor, outboxFloor, withinQuiet } from "#test/harness/pipeline/outbox-floor.ts"
import { failure, logOf, recordMany, sample, waysToDispatch } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

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
    await mirrorEventTypes(db, "development")
  })

  afterEach(() => outbox.reset())

  test("rises past a session that idles in a transaction with an id of its own", async () => {
    const idle = gate()
    const session = db.begin(async (tx) => {
      await tx`insert into aggregates values (${newId()}, 0)`
      await idle.stop()
    })
    await idle.reached
    await outbox.fromHere()
    const risen: boolean[] = []
    for (let round = 0; round < 3; round++) {
      await recordMany(db, 50)
      await outbox.passes(1)
      risen.push((await outbox.floor()).floor === (await outbox.lastNumber()))
    }
    idle.open()
    await session
    expect(risen).toEqual([true, true, true])
    expect(await logOf(db)).toHaveLength(150)
  })

  test("rises past an idle session that recorded an event from SQL: its number is drawn at the commit", async () => {
    const idle = gate()
    const { data } = sample("user.created")
    const session = db.begin(async (tx) => {
      await tx`select slotbase.record_event('user.created', null, ${tx.json(data as never)})`
      await idle.stop()
    })
    await idle.reached
    await outbox.fromHere()
    await recordMany(db, 50)
    expect(await outbox.passes(2)).toBe(50)
    expect((await outbox.floor()).floor).toBe(await outbox.lastNumber())
    idle.open()
    await session
    await db`update slotbase.outbox set unchecked = false`
    expect(await outbox.passes(1)).toBe(1)
    expect((await logOf(db)).at(-1)?.type).toBe("user.created")
    expect(await db`select from slotbase.recorded`).toHaveLength(0)
  })

  test("does not confuse a number of an open transaction with a later number that was dispatched", async () => {
    const [late, drawn] = [newId(), gate()]
    await outbox.fromHere()
    const before = await outbox.lastNumber()
    const transaction = db.begin(async (tx) => {
      await outbox.insertByHand(tx, late)
      await drawn.stop()
    })
    await drawn.reached
    await recordMany(db, 1)
    expect(await outbox.passes(3)).toBe(1)
    expect((await outbox.floor()).floor).toBe(before)
    drawn.open()
    await transaction
    expect(await outbox.passes(2)).toBe(1)
    expect((await outbox.floor()).floor).toBe(before + 2)
  })

  test("waits for open transactions after a number was rolled back, and then rises by count again", async () => {
    await outbox.fromHere()
    await outbox.rollBack()
    await recordMany(db, 1)
    expect(await outbox.passes(4)).toBe(1)
    await eventually(async () => {
      await outbox.passes(1)
      expect(await outbox.known()).toBe(1)
    }, withinQuiet)
    await recordMany(db, 2)
    expect(await outbox.passes(1)).toBe(2)
    expect((await outbox.floor()).floor).toBe(await outbox.lastNumber())
  })

  test("rises past rolled-back numbers beside a snapshot that keeps dead rows and an idle session with a transaction id", async () => {
    await outbox.dispatchOnce(1)
    const [idle, read] = [gate(), gate()]
    const sessions = [
      db.begin(async (tx) => {
        await tx`insert into aggregates values (${newId()}, 0)`
        await idle.stop()
      }),
      db.begin(async (tx) => {
        await tx`set transaction isolation level repeatable read`
        await tx`select count(*) from slotbase.outbox`
        await read.stop()
      }),
    ]
    await Promise.all([idle.reached, read.reached])
    await outbox.fromHere()
    const looks: { above: number; pages: number }[] = []
    for (let round = 0; round < 3; round++) {
      await outbox.rollBack()
      await db`
      insert into slotbase.outbox (event_id, facility_id, type)
      select gen_random_uuid(), ${example.facilityId}, 'booking.confirmed' from generate_series(1, 5000)`
      // Eleven passes dispatch them, one sets the candidate, one notes the writers, one finds them gone.
      expect(await outbox.passes(14)).toBe(5_000)
      looks.push({
        above: (await outbox.lastNumber()) - (await outbox.floor()).floor,
        pages: await outbox.pagesRead(
          "select from slotbase.outbox where seq > (select floor from slotbase.outbox_floor)",
        ),
      })
    }
    idle.open()
    read.open()
    await Promise.all(sessions)
    expect(looks.map(({ above }) => above)).toEqual([0, 0, 0])
    expect(Math.max(...looks.map(({ pages }) => pages))).toBeLessThan(10)
  })

  test("never passes an event of an open transaction while another one idles and numbers were rolled back", async () => {
    const [idle, late, drawn] = [gate(), newId(), gate()]
    const session = db.begin(async (tx) => {
      await tx`insert into aggregates values (${newId()}, 0)`
      await idle.stop()
    })
    await idle.reached
    await outbox.fromHere()
    const before = await outbox.lastNumber()
    await outbox.rollBack()
    const transaction = db.begin(async (tx) => {
      await outbox.insertByHand(tx, late)
      await drawn.stop()
    })
    await drawn.reached
    await recordMany(db, 3)
    expect(await outbox.passes(6)).toBe(3)
    const held = (await outbox.floor()).floor
    drawn.open()
    await transaction
    expect(await outbox.passes(3)).toBe(1)
    const risen = (await outbox.floor()).floor
    idle.open()
    await session
    expect([held, risen]).toEqual([before, await outbox.lastNumber()])
    expect((await logOf(db)).at(-1)?.event_id).toBe(late)
  })

  test("does not wait for an open transaction that has rolled its event back", async () => {
    await outbox.fromHere()
    const rolledBack = gate()
    const session = db.begin(async (tx) => {
      await tx`insert into aggregates values (${newId()}, 0)`
      await failure(
        tx.savepoint(async (inner) => {
          await outbox.insertByHand(inner, newId())
          throw new Error("rolled back")
        }),
      )
      await rolledBack.stop()
    })
    await rolledBack.reached
    await recordMany(db, 1)
    expect(await outbox.passes(4)).toBe(1)
    const risen = (await outbox.floor()).floor
    rolledBack.open()
    await session
    expect(risen).toBe(await outbox.lastNumber())
  })

  test("does not rise in a transaction with a single snapshot", async () => {
    const idle = gate()
    const session = db.begin(async (tx) => {
      await tx`insert into aggregates values (${newId()}, 0)`
      await idle.stop()
    })
    await idle.reached
    await outbox.fromHere()
    const before = await outbox.lastNumber()
    await outbox.rollBack()
    await recordMany(db, 1)
    // One pass for the candidate, one for the writers.
    expect(await outbox.passes(2)).toBe(1)
    await db`update slotbase.outbox_floor set noted_at = '-infinity', watched_at = '-infinity'`
    await db.begin(async (tx) => {
      await tx`set transaction isolation level repeatable read`
      await outbox.dispatchOnce(500, tx)
    })
    const held = (await outbox.floor()).floor
    await outbox.passes(1)
    const risen = (await outbox.floor()).floor
    idle.open()
    await session
    expect([held, risen]).toEqual([before, await outbox.lastNumber()])
  })

  test("scans for open transactions once a second at most", async () => {
    const idle = gate()
    const session = db.begin(async (tx) => {
      await tx`insert into aggregates values (${newId()}, 0)`
      await outbox.insertByHand(tx, newId())
      await idle.stop()
    })
    await idle.reached
    await outbox.fromHere()
    await outbox.rollBack()
    await recordMany(db, 1)
    await outbox.passes(3)
    const watched = async () =>
      (await db<[{ watched_at: Date }]>`select watched_at from slotbase.outbox_floor`)[0].watched_at
    await db`update slotbase.outbox_floor set noted_at = '-infinity', watched_at = clock_timestamp() + interval '1 hour'`
    const before = await watched()
    for (let pass = 0; pass < 3; pass++) await outbox.dispatchOnce(500)
    const after = await watched()
    idle.open()
    await session
    expect(after).toEqual(before)
  })

  test("finds its count again although numbers are drawn all the time and one was rolled back", async () => {
    await outbox.rollBack()
    const [late, drawn] = [newId(), gate()]
    const slow = db.begin(async (tx) => {
      await outbox.insertByHand(tx, late)
      await drawn.stop()
    })
    await drawn.reached
    for (let round = 0; round < 3; round++) {
      await recordMany(db, 2)
      await outbox.passes(1)
    }
    drawn.open()
    await slow
    let recorded = 7
    await eventually(async () => {
      await recordMany(db, 2)
      recorded += 2
      await outbox.passes(1)
      expect(await outbox.known()).toBeGreaterThan(0)
    }, withinQuiet)
    const idle = gate()
    const session = db.begin(async (tx) => {
      await tx`insert into aggregates values (${newId()}, 0)`
      await idle.stop()
    })
    await idle.reached
    await recordMany(db, 2)
    await outbox.passes(1)
    const risen = await outbox.floor()
    idle.open()
    await session
    expect(risen.floor).toBe(await outbox.lastNumber())
    expect(await logOf(db)).toHaveLength(recorded + 2)
  })
})
