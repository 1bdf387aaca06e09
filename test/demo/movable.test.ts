// Which databases the demo may use.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { whyNoDemo } from "#demo/movable.ts"
import { record, transact } from "#events/outbox.ts"
import { context, dispatchAll, sample } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const happens = async (environment: "development" | "production") => {
  await transact(database.db, { ...context, environment }, async (tx) => {
    record(tx, sample("user.created"))
  })
  await dispatchAll(database.db)
}

test("an empty database may be used", async () => {
  expect(await whyNoDemo(database.db)).toBeUndefined()
})

test("a database whose last event is production's may not be used, in any environment of the caller", async () => {
  await happens("development")
  await happens("production")
  expect(await whyNoDemo(database.db)).toBe(
    'The demo moves the clock of the database, and this one has events of "production".',
  )
})

test("a database whose last event is development's may be used", async () => {
  await happens("development")
  expect(await whyNoDemo(database.db)).toBeUndefined()
})
