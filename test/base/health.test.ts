// Readiness when the database does not answer at all.

import { expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { notReady } from "#base/health.ts"

test("a frozen database is reported long before the deadline of a query", async () => {
  const frozen = (() => new Promise(() => {})) as unknown as Db
  expect(await notReady(frozen)).toEqual(["The database has not answered for 2000 ms."])
})
