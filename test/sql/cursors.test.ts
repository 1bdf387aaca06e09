// Cursors that moved thousands of times while a session's snapshot keeps every old row from vacuum.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { pagesRead } from "#test/harness/pipeline/pages.ts"
import { dispatchAll, processRow, recordMany, subscribe } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const handler = "Handler3"
const handlers = Array.from({ length: 9 }, (_, nth) => `Handler${nth + 1}`)
/** For each handler; the old rows fill more than fifty pages. */
const moves = 2_000
/** Pages of the cursors, their index, the log and the subscriptions. A first call also reads the catalogue. */
const fewPages = 40

let database: TestDatabase
let db: Db
let reader: Db
let letGo: () => void
let reading: Promise<unknown>

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  reader = connect(database.url, { max: 1, applicationName: "slotbase test reader" })
  for (const each of handlers) await subscribe(db, each, "booking.confirmed")
  await recordMany(db, 1)
  await dispatchAll(db)
  const begun = Promise.withResolvers<void>()
  reading = reader.begin(async (tx) => {
    await tx`set transaction isolation level repeatable read`
    await tx`select count(*) from slotbase.facilities`
    begun.resolve()
    await new Promise<void>((resolve) => {
      letGo = resolve
    })
  })
  await begun.promise
  await db.unsafe(`
    do $$ declare one record; begin
      for one in select h.handler, at from slotbase.handlers h cross join generate_series(2, ${moves}) as at order by at loop
        perform slotbase.move_cursor(one.handler, nullif(one.at, 2), one.at + 1);
      end loop;
    end $$`)
  await db`analyze slotbase.handler_cursors`
})
afterAll(async () => {
  letGo()
  await reading
  await reader.end()
  await database.drop()
})

test("the old rows exist, and a claim reads few of their pages", async () => {
  const owner = await processRow(db, true)
  const claim = `select * from slotbase.claim_fresh_runs('${handler}', ${owner}, 100, 0)`
  await db.unsafe(claim)
  expect(await pagesRead(db, "select from slotbase.handler_cursors")).toBeGreaterThan(50)
  expect(await pagesRead(db, claim)).toBeLessThan(fewPages)
})

test("the view of unfinished runs reads few of them, too", async () => {
  const unfinished = "select exists (select from slotbase.unfinished_runs)"
  await db.unsafe(unfinished)
  expect(await pagesRead(db, unfinished)).toBeLessThan(fewPages)
})
