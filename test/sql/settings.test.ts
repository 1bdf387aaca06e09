// The settings: one row, with bounds within which every view and job that reads it works.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { lateEvents } from "#test/harness/pipeline/late.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
afterAll(() => database.drop())

test("durations may be long or short within bounds, and the settings stay one row", async () => {
  const refused = async (statement: Promise<unknown>) => (await failure(statement)) as Error & Record<string, unknown>
  expect(await refused(db`update slotbase.settings set late_after = '400 days'`)).toMatchObject({
    constraint_name: "late_after_is_at_most_a_year",
  })
  expect(await refused(db`update slotbase.settings set keep_events = '1001 years'`)).toMatchObject({
    constraint_name: "events_are_kept_at_most_1000_years",
  })
  for (const statement of [db`delete from slotbase.settings`, db`truncate slotbase.settings`])
    expect(await refused(statement)).toMatchObject({
      message: "slotbase.settings is one row: update it",
      hint: "Such as: update slotbase.settings set late_after = '1 minute'",
    })
  await db`update slotbase.settings set late_after = '1 year', keep_events = '1000 years'`
  expect(await lateEvents(db)).toEqual([])
  expect(await db`select from slotbase.retire_month()`).toHaveLength(0)
})
