// The proxy counts what a program sends to PostgreSQL.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect } from "#base/database/db.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { startCountingProxy } from "./counting-proxy.ts"

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})

afterAll(() => database.drop())

test("a statement outside a transaction counts as one, and so does each begun transaction, rolled back or not", async () => {
  const proxy = await startCountingProxy(database.url)
  const db = connect(proxy.url, { max: 1, applicationName: "slotbase test proxy" })
  await db`select 1 as one`
  proxy.take()

  await db`select 1 as one`
  await db.begin(async (tx) => {
    await tx`select 2 as two`
    await tx`select 3 as three`
  })
  const failed = db.begin((tx) => tx`select 1 / ${0}::integer as nothing`)
  await expect(failed).rejects.toThrow("division by zero")
  const { transactions, statements } = proxy.take()
  expect(transactions).toBe(3)
  expect(statements.get("select 1 as one")).toBe(1)
  expect(statements.get("select 2 as two")).toBe(1)
  expect(proxy.take()).toMatchObject({ transactions: 0, roundTrips: 0 })

  await db.end()
  proxy.stop()
})
