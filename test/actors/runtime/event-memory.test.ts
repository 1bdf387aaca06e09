// Reading the events of runs and deliveries: once per process, also for readers at the same time. No event counts as
// gone while it exists.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { memoryLimits, ReadEvent, readTexts } from "#actors/runtime/event-memory.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { toDomainEvent } from "#events/envelope.ts"
import { recordMany } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
const few = { events: 500 }

beforeAll(async () => {
  Object.assign(memoryLimits, few)
  database = await testDatabase()
})
afterAll(() => database.drop())

/** A database of its own memory that counts the statements it is asked for. */
function counting() {
  const count = { queries: 0 }
  const db = ((...args: Parameters<Db>) => {
    count.queries++
    return database.db(...args)
  }) as unknown as Db
  return { db, count }
}

test("five handlers that read the same events at the same time cost one statement, later ones none", async () => {
  const ids = await recordMany(database.db, 20)
  const { db, count } = counting()
  const read = await Promise.all([1, 2, 3, 4, 5].map(() => readTexts(db, ids)))
  for (const events of read) expect([...events.keys()]).toEqual([...ids])
  await readTexts(db, ids.slice(5, 10))
  expect(count.queries).toBe(1)
})

test("of overlapping events, only unread ones are asked for", async () => {
  const ids = await recordMany(database.db, 10)
  const { db, count } = counting()
  const [first, second] = await Promise.all([readTexts(db, ids.slice(0, 6)), readTexts(db, ids.slice(4))])
  expect([first.size, second.size]).toEqual([6, 6])
  expect(count.queries).toBe(2)
})

test("an event that does not exist is missing, and is asked for again the next time", async () => {
  const { db, count } = counting()
  const gone = newId()
  expect((await readTexts(db, [gone])).size).toBe(0)
  const before = count.queries
  expect((await readTexts(db, [gone])).size).toBe(0)
  expect(count.queries).toBeGreaterThan(before)
})

test("a failed read fails all that wait for it, and the next one reads anew", async () => {
  const ids = await recordMany(database.db, 2)
  let fails = true
  const db = ((...args: Parameters<Db>) =>
    fails ? Promise.reject(new Error("the database is away")) : database.db(...args)) as unknown as Db
  const results = await Promise.allSettled([readTexts(db, ids), readTexts(db, ids)])
  expect(results.map((result) => result.status)).toEqual(["rejected", "rejected"])
  fails = false
  expect((await readTexts(db, ids)).size).toBe(2)
})

test("more events than the memory keeps are read all the same", async () => {
  const ids = (await Promise.all([1, 2, 3, 4, 5, 6].map(() => recordMany(database.db, 100)))).flat()
  const { db } = counting()
  expect((await readTexts(db, ids)).size).toBe(600)
  expect((await readTexts(db, ids)).size).toBe(600)
})

test("the events read last are kept, and the events read first are forgotten", async () => {
  const [first = [], ...others] = await Promise.all([1, 2, 3, 4, 5, 6].map(() => recordMany(database.db, 100)))
  const { db, count } = counting()
  await readTexts(db, first)
  await readTexts(db, others.flat())
  const queries = count.queries
  await readTexts(db, others.flat())
  expect(count.queries).toBe(queries)
  await readTexts(db, first.slice(0, 1))
  expect(count.queries).toBe(queries + 1)
})

test("long events are forgotten earlier: the memory has a limit of characters too", async () => {
  const ids = await recordMany(database.db, 50)
  const { db, count } = counting()
  const texts = [...(await readTexts(db, ids)).values()]
  const half = texts.slice(25).reduce((sum, { body }) => sum + body.length, 0)
  Object.assign(memoryLimits, { characters: half })
  await readTexts(db, ids.slice(0, 1))
  const queries = count.queries
  await readTexts(db, ids.slice(25))
  expect(count.queries).toBe(queries)
  await readTexts(db, ids.slice(24))
  expect(count.queries).toBe(queries + 1)
  Object.assign(memoryLimits, { characters: 16 * 1024 ** 2 })
})

test("an event is parsed once, whoever asks for it", async () => {
  const [id = ""] = await recordMany(database.db, 1)
  const texts = await readTexts(database.db, [id])
  const [one, other] = [new ReadEvent(texts.get(id) as never), new ReadEvent(texts.get(id) as never)]
  expect(other.data).toBe(one.data)
  expect(other.timestamp).toBe(one.timestamp)
  expect(JSON.parse(texts.get(id)?.body ?? "")).toEqual(JSON.parse(JSON.stringify(toDomainEvent(one))))
})

test("an event forgotten while a reader waits for others does not count as gone", async () => {
  const [early, late] = (await recordMany(database.db, 2)) as [string, string]
  const many = (await Promise.all([1, 2, 3, 4, 5, 6].map(() => recordMany(database.db, 100)))).flat()
  const held = Promise.withResolvers<void>()
  let queries = 0
  // The first query, another reader's, is slow.
  const db = (async (...args: Parameters<Db>) => {
    if (queries++ === 0) await held.promise
    return database.db(...args)
  }) as unknown as Db
  const other = readTexts(db, [late])
  const both = readTexts(db, [early, late])
  await readTexts(db, many)
  held.resolve()
  await other
  expect([...(await both).keys()].sort()).toEqual([early, late].sort())
})

test("no handler can change the events of the others", async () => {
  const [id] = await recordMany(database.db, 1)
  const text = (await readTexts(database.db, [id as string])).get(id as string)
  const event = text && new ReadEvent(text)
  expect(() => Object.assign(event?.data ?? {}, { bookingId: "mine" })).toThrow(TypeError)
})
