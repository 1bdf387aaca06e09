// The floor of the dispatcher's scan: it rises above what is done, so that rows which a long snapshot keeps from vacuum are
// never walked, and never above a number whose transaction can still commit.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import type { Db, Tx } from "../../src/database/db.ts"
import { example } from "../../src/events/example.ts"
import { newId } from "../../src/ids.ts"
import { type TestDatabase, testDatabase } from "../harness/database.ts"
import { eventually } from "../harness/eventually.ts"
import { failure, logOf, recordMany, sample } from "../harness/pipeline.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await db`create table aggregates (id uuid primary key, version integer not null)`
})

afterEach(async () => {
  await db`truncate aggregates, slotbase.events, slotbase.outbox, slotbase.event_positions`
  await db`
    update slotbase.outbox_floor set floor = 0, candidate_seq = 0, candidate_xid = '0', noted_at = '-infinity', floor_position = null, candidate_position = null,
      writers = null, watched_at = null`
})

afterAll(() => database.drop())

test("never passes an event whose transaction has drawn its number and commits later", async () => {
  const [late, drawn] = [newId(), gate()]
  const transaction = db.begin(async (tx) => {
    await insertByHand(tx, late)
    await drawn.stop()
  })
  await drawn.reached
  const after = await recordMany(db, 3)
  expect(await passes(5)).toBe(3)
  drawn.open()
  await transaction
  expect(await passes(1)).toBe(1)
  expect((await logOf(db)).map((row) => row.event_id)).toEqual([...after, late])
})

test("never passes an event whose transaction wrote before, and draws its number only now", async () => {
  const [late, begun, drawn] = [newId(), gate(), gate()]
  const transaction = db.begin(async (tx) => {
    await tx`insert into aggregates values (${late}, 0)`
    await begun.stop()
    await insertByHand(tx, late)
    await drawn.stop()
  })
  await begun.reached
  await recordMany(db, 3)
  expect(await passes(4)).toBe(3)
  begun.open()
  await drawn.reached
  await recordMany(db, 1)
  expect(await passes(4)).toBe(1)
  drawn.open()
  await transaction
  expect(await passes(1)).toBe(1)
  expect((await logOf(db)).at(-1)?.event_id).toBe(late)
})

test("rises to the last number once nobody can commit below it, and the empty look is then a single page", async () => {
  await recordMany(db, 2_000)
  expect(await passes(8)).toBe(2_000)
  await floorRisen()
})

test("rises under a snapshot that keeps dead rows, and the empty look does not walk them", async () => {
  await db`select from slotbase.dispatch(1)`
  await db.begin(async (tx) => {
    await tx`set transaction isolation level repeatable read`
    await tx`select count(*) from slotbase.outbox`
    await db`
      insert into slotbase.outbox (event_id, facility_id, type)
      select gen_random_uuid(), ${example.facilityId}, 'booking.confirmed' from generate_series(1, 50000)`
    expect(await passes(104)).toBe(50_000)
    await floorRisen()
    expect(
      await pagesRead("select from slotbase.outbox where seq > (select floor from slotbase.outbox_floor)"),
    ).toBeLessThan(10)
    // What the floor saves: the same look without it reads every dead row.
    expect(await pagesRead("select from slotbase.outbox where seq > 0")).toBeGreaterThan(500)
  })
})

test("rises past a session that idles in a transaction with an id of its own", async () => {
  const idle = gate()
  const session = db.begin(async (tx) => {
    await tx`insert into aggregates values (${newId()}, 0)`
    await idle.stop()
  })
  await idle.reached
  await fromHere()
  const risen: boolean[] = []
  for (let round = 0; round < 3; round++) {
    await recordMany(db, 50)
    await passes(1)
    risen.push((await floor()).floor === (await lastNumber()))
  }
  idle.open()
  await session
  expect(risen).toEqual([true, true, true])
  expect(await logOf(db)).toHaveLength(150)
})

test("does not take a number that was drawn by somebody still under way for a later one that was dispatched", async () => {
  const [late, drawn] = [newId(), gate()]
  await fromHere()
  const before = await lastNumber()
  const transaction = db.begin(async (tx) => {
    await insertByHand(tx, late)
    await drawn.stop()
  })
  await drawn.reached
  await recordMany(db, 1)
  expect(await passes(3)).toBe(1)
  expect((await floor()).floor).toBe(before)
  drawn.open()
  await transaction
  expect(await passes(2)).toBe(1)
  expect((await floor()).floor).toBe(before + 2)
})

test("waits for those under way once a number was drawn and rolled back, and then rises by count again", async () => {
  await fromHere()
  await rollBack()
  await recordMany(db, 1)
  expect(await passes(4)).toBe(1)
  await eventually(async () => {
    await passes(1)
    expect(await known()).toBe(1)
  }, withinQuiet)
  await recordMany(db, 2)
  expect(await passes(1)).toBe(2)
  expect((await floor()).floor).toBe(await lastNumber())
})

test("rises past numbers that were rolled back, under a snapshot that keeps dead rows and a session that idles with an id", async () => {
  await db`select from slotbase.dispatch(1)`
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
  await fromHere()
  const looks: { above: number; pages: number }[] = []
  for (let round = 0; round < 3; round++) {
    await rollBack()
    await db`
      insert into slotbase.outbox (event_id, facility_id, type)
      select gen_random_uuid(), ${example.facilityId}, 'booking.confirmed' from generate_series(1, 5000)`
    // Eleven to dispatch them, one for the candidate, one to note who writes, one to find them gone.
    expect(await passes(14)).toBe(5_000)
    looks.push({
      above: (await lastNumber()) - (await floor()).floor,
      pages: await pagesRead("select from slotbase.outbox where seq > (select floor from slotbase.outbox_floor)"),
    })
  }
  idle.open()
  read.open()
  await Promise.all(sessions)
  expect(looks.map(({ above }) => above)).toEqual([0, 0, 0])
  expect(Math.max(...looks.map(({ pages }) => pages))).toBeLessThan(10)
})

test("never passes an event whose transaction goes on while another one idles and numbers were rolled back", async () => {
  const [idle, late, drawn] = [gate(), newId(), gate()]
  const session = db.begin(async (tx) => {
    await tx`insert into aggregates values (${newId()}, 0)`
    await idle.stop()
  })
  await idle.reached
  await fromHere()
  const before = await lastNumber()
  await rollBack()
  const transaction = db.begin(async (tx) => {
    await insertByHand(tx, late)
    await drawn.stop()
  })
  await drawn.reached
  await recordMany(db, 3)
  expect(await passes(6)).toBe(3)
  const held = (await floor()).floor
  drawn.open()
  await transaction
  expect(await passes(3)).toBe(1)
  const risen = (await floor()).floor
  idle.open()
  await session
  expect([held, risen]).toEqual([before, await lastNumber()])
  expect((await logOf(db)).at(-1)?.event_id).toBe(late)
})

test("does not wait for a transaction that goes on after it has rolled its event back", async () => {
  await fromHere()
  const rolledBack = gate()
  const session = db.begin(async (tx) => {
    await tx`insert into aggregates values (${newId()}, 0)`
    await failure(
      tx.savepoint(async (inner) => {
        await insertByHand(inner, newId())
        throw new Error("rolled back")
      }),
    )
    await rolledBack.stop()
  })
  await rolledBack.reached
  await recordMany(db, 1)
  expect(await passes(4)).toBe(1)
  const risen = (await floor()).floor
  rolledBack.open()
  await session
  expect(risen).toBe(await lastNumber())
})

test("does not believe what a transaction of one snapshot sees", async () => {
  const idle = gate()
  const session = db.begin(async (tx) => {
    await tx`insert into aggregates values (${newId()}, 0)`
    await idle.stop()
  })
  await idle.reached
  await fromHere()
  const before = await lastNumber()
  await rollBack()
  await recordMany(db, 1)
  // The candidate, and who writes.
  expect(await passes(2)).toBe(1)
  await db`update slotbase.outbox_floor set noted_at = '-infinity', watched_at = '-infinity'`
  await db.begin(async (tx) => {
    await tx`set transaction isolation level repeatable read`
    await tx`select from slotbase.dispatch(500)`
  })
  const held = (await floor()).floor
  await passes(1)
  const risen = (await floor()).floor
  idle.open()
  await session
  expect([held, risen]).toEqual([before, await lastNumber()])
})

test("looks for those under way once a second at most", async () => {
  const idle = gate()
  const session = db.begin(async (tx) => {
    await tx`insert into aggregates values (${newId()}, 0)`
    await insertByHand(tx, newId())
    await idle.stop()
  })
  await idle.reached
  await fromHere()
  await rollBack()
  await recordMany(db, 1)
  await passes(3)
  const watched = async () =>
    (await db<[{ watched_at: Date }]>`select watched_at from slotbase.outbox_floor`)[0].watched_at
  await db`update slotbase.outbox_floor set noted_at = '-infinity', watched_at = clock_timestamp() + interval '1 hour'`
  const before = await watched()
  for (let pass = 0; pass < 3; pass++) await dispatchOnce(500)
  const after = await watched()
  idle.open()
  await session
  expect(after).toEqual(before)
})

test("knows what it counts although numbers are drawn all the time and one was rolled back", async () => {
  await rollBack()
  const [late, drawn] = [newId(), gate()]
  const slow = db.begin(async (tx) => {
    await insertByHand(tx, late)
    await drawn.stop()
  })
  await drawn.reached
  for (let round = 0; round < 3; round++) {
    await recordMany(db, 2)
    await passes(1)
  }
  drawn.open()
  await slow
  let recorded = 7
  await eventually(async () => {
    await recordMany(db, 2)
    recorded += 2
    await passes(1)
    expect(await known()).toBeGreaterThan(0)
  }, withinQuiet)
  const idle = gate()
  const session = db.begin(async (tx) => {
    await tx`insert into aggregates values (${newId()}, 0)`
    await idle.stop()
  })
  await idle.reached
  await recordMany(db, 2)
  await passes(1)
  const risen = await floor()
  idle.open()
  await session
  expect(risen.floor).toBe(await lastNumber())
  expect(await logOf(db)).toHaveLength(recorded + 2)
})

test("does not move in a dispatch that is part of a larger transaction", async () => {
  await recordMany(db, 1)
  await db.begin(async (tx) => {
    await tx`insert into aggregates values (${newId()}, 0)`
    for (let pass = 0; pass < 4; pass++) {
      await tx`update slotbase.outbox_floor set noted_at = '-infinity'`
      await tx`select from slotbase.dispatch(100)`
    }
  })
  expect(await floor()).toEqual({ floor: 0, candidate_seq: 0 })
  expect(await logOf(db)).toHaveLength(1)
})

test("is held by an event that was not checked yet", async () => {
  await recordMany(db, 1)
  await db`update slotbase.outbox set unchecked = true`
  expect(await passes(5)).toBe(0)
  expect((await floor()).floor).toBe(0)
})

test("an empty pass does not even take a transaction id", async () => {
  await recordMany(db, 1)
  expect(await passes(5)).toBe(1)
  await db.begin(async (tx) => {
    await tx`select from slotbase.dispatch(500)`
    const [row] = await tx`select pg_current_xact_id_if_assigned() is null as none`
    expect(row as object).toEqual({ none: true })
  })
})

/** As in a database in which every number drawn so far got a position or is known not to. */
const fromHere = async () => db`
  update slotbase.outbox_floor
  set floor = ${await lastNumber()}, candidate_seq = ${await lastNumber()}, floor_position = 0, candidate_position = 0, noted_at = '-infinity'`

const lastNumber = async () =>
  (await db<[{ last: number }]>`select coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0) as last`)[0].last

const known = async () =>
  (await db<[{ floor_position: number | null }]>`select floor_position from slotbase.outbox_floor`)[0].floor_position

/** An event as SQL inserts it, without the program. */
async function insertByHand(tx: Tx, id: string): Promise<void> {
  const { data } = sample("booking.confirmed")
  await tx`
    insert into slotbase.events (id, facility_id, type, version, timestamp, occurred_at, source, correlation_id,
      aggregate_type, aggregate_id, data, metadata)
    values (${id}, ${example.facilityId}, 'booking.confirmed', '1.0', slotbase.now(), slotbase.now(), 'test', ${id},
      'booking', ${id}, ${tx.json(data as never)}, '{"environment":"development"}')`
  await tx`insert into slotbase.outbox (event_id, facility_id, type) values (${id}, ${example.facilityId}, 'booking.confirmed')`
}

/** A number is drawn and never comes. */
const rollBack = () =>
  failure(
    db.begin(async (tx) => {
      await insertByHand(tx, newId())
      throw new Error("rolled back")
    }),
  )

/** Something that happens inside an open transaction, and something that lets it go on. */
function gate() {
  const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  return {
    stop: () => {
      reached.resolve()
      return opened.promise
    },
    reached: reached.promise,
    open: () => opened.resolve(),
  }
}

/** Passes, each as if the last one's second had gone by; returns how many events they dispatched. */
async function passes(count: number): Promise<number> {
  let sum = 0
  for (let pass = 0; pass < count; pass++) {
    await db`update slotbase.outbox_floor set noted_at = '-infinity', watched_at = '-infinity'`
    sum += (await dispatchOnce(500)).dispatched
  }
  return sum
}

async function dispatchOnce(batch: number) {
  const [pass] = await db<[{ dispatched: number; last_position: number | null; waits_for_check: boolean }]>`
    select * from slotbase.dispatch(${batch})`
  return { ...pass }
}

/** Transactions are numbered for the whole server: one of another test's database may hold the floor for a while. */
const withinQuiet = { withinMs: 20_000 }

const floorRisen = () =>
  eventually(async () => {
    await passes(1)
    const [row] = await db<[{ risen: boolean }]>`
      select floor = (select last_value from slotbase.outbox_seq) as risen from slotbase.outbox_floor`
    expect(row.risen).toBe(true)
  }, withinQuiet)

async function floor() {
  const [row] = await db<
    [{ floor: number; candidate_seq: number }]
  >`select floor, candidate_seq from slotbase.outbox_floor`
  return { ...row }
}

/** Shared pages that a statement touches. */
async function pagesRead(statement: string): Promise<number> {
  const [plan] = await db.unsafe(`explain (analyze, buffers, format json) ${statement}`)
  const top = plan?.["QUERY PLAN"][0].Plan
  return top["Shared Hit Blocks"] + top["Shared Read Blocks"]
}
