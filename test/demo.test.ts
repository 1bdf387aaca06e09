// Which databases the demo may play in.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { checkForDemo, NotForDemo } from "../src/demo/movable.ts"
import { record, transact } from "../src/outbox.ts"
import { type TestDatabase, testDatabase } from "./harness/database.ts"
import { context, dispatchAll, failure, sample } from "./harness/pipeline.ts"

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

test("a database without anything is one to play in", async () => {
  expect(await checkForDemo(database.db)).toBeUndefined()
})

test("a database whose last event is production's is none to play in, whatever the environment of the caller", async () => {
  await happens("development")
  await happens("production")
  expect(await failure(checkForDemo(database.db))).toBeInstanceOf(NotForDemo)
})

test("a database whose last event is development's is one to play in", async () => {
  await happens("development")
  expect(await checkForDemo(database.db)).toBeUndefined()
})
