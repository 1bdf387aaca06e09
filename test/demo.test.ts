// Which databases the demo may play in.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { makeMovable, NotForDemo } from "../src/demo/movable.ts"
import { record, transact } from "../src/outbox.ts"
import { type TestDatabase, testDatabase } from "./harness/database.ts"
import { context, failure, sample } from "./harness/pipeline.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  await database.db`update slotbase.clock set movable = false`
})
afterAll(() => database.drop())

const happens = (environment: "development" | "production") =>
  transact(database.db, { ...context, environment }, async (tx) => {
    record(tx, sample("user.created"))
  })

async function isMovable(): Promise<boolean> {
  const [clock] = await database.db<[{ movable: boolean }]>`select movable from slotbase.clock`
  return clock.movable
}

test("the clock of a database whose newest event is production's stays, whatever the environment of the caller", async () => {
  await happens("development")
  await happens("production")
  expect(await failure(makeMovable(database.db))).toBeInstanceOf(NotForDemo)
  expect(await isMovable()).toBe(false)
})

test("the clock of a development's database may be moved", async () => {
  await happens("development")
  await makeMovable(database.db)
  expect(await isMovable()).toBe(true)
})
