// The order of the handlers, which is their order in a joint transaction.

import { expect, test } from "bun:test"
import { handlersOf } from "#actors/handlers/index.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

test("the handler that tells people comes before those whose decisions it waits for", async () => {
  const database: TestDatabase = await testDatabase()
  const names = handlersOf(testApp(database.db)).map(({ name }) => name)
  expect(names[0]).toBe("NotificationHandler")
  expect(names).toContain("BookingConfirmationHandler")
  await database.drop()
})
