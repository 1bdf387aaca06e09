// The key of secrets at rest: a program with another key refuses to start.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { BadConfig } from "#base/config.ts"
import { checkSecretKey } from "#base/secret-key.ts"
import { secretBox } from "#base/secrets.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

test("the first key stays the key of the database; another key is refused, and the error says what to do", async () => {
  const [first, other] = [secretBox(Buffer.alloc(32, 1)), secretBox(Buffer.alloc(32, 2))]
  await checkSecretKey(database.db, first)
  await checkSecretKey(database.db, first)
  const error = await checkSecretKey(database.db, other).catch((refusal: unknown) => refusal)
  expect(error).toEqual(
    new BadConfig(
      "SLOTBASE_SECRET_KEY is not the key with which the secrets of this database were encrypted: set it to the original one.",
    ),
  )
})
