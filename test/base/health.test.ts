// Readiness when the database says nothing at all.

import { expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { notReady } from "#base/health.ts"

test("a database that is frozen is said long before its own deadline", async () => {
  const frozen = (() => new Promise(() => {})) as unknown as Db
  expect(await notReady(frozen)).toEqual(["The database has not answered for 2000 ms."])
})
