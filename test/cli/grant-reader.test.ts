// The advice of the doctor about the reader's role is followed word for word, in a database that was migrated before
// the role existed. Roles belong to the whole server, so the test makes such a database by taking the role's rights
// away.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { rootUserId } from "#base/ids.ts"
import { checks } from "#operations/doctor.ts"
import { slotbase } from "#test/harness/setup/command-line.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

test("slotbase grant-reader, the doctor's advice, gives the role exactly the rights of the migrations", async () => {
  const { db } = database
  const migrated = await rights()
  expect(migrated.length).toBeGreaterThan(70)

  await db`revoke all on all tables in schema slotbase from slotbase_reader`
  await db`revoke all on schema slotbase from slotbase_reader`
  expect(await rights()).toEqual([])
  const advice = await readerCheck()
  expect(advice).toEqual({
    name: "reader role",
    well: false,
    says: `slotbase_reader may not read ${await countOfViews()} views, first booking_price_lines: run "./scripts/slotbase grant-reader"`,
  })

  expect(await slotbase(database.url, "grant-reader")).toEqual({
    code: 0,
    output: expect.stringMatching(/^slotbase_reader may read everything but secrets \(\d+ grants\)\.\n$/),
  })
  const rows = await db`
    select action, actor_id, actor_kind, user_agent, subject_id, after from slotbase.audit_log
    where action = 'reader.granted'`
  expect([...rows]).toEqual([
    {
      action: "reader.granted",
      actor_id: rootUserId,
      actor_kind: "system",
      user_agent: expect.stringMatching(/^slotbase grant-reader, by uid \d+ on /),
      subject_id: "slotbase_reader",
      after: { grants: expect.any(Number) },
    },
  ])
  expect(await rights()).toEqual(migrated)
  expect((await readerCheck())?.well).toBe(true)
})

test("a role that lacks the rights of one view is named with that view", async () => {
  await database.db`revoke select on slotbase.late_events from slotbase_reader`
  expect((await readerCheck())?.says).toBe(
    'slotbase_reader may not read 1 views, first late_events: run "./scripts/slotbase grant-reader"',
  )
})

async function readerCheck() {
  const results = await Promise.all(checks.map((check) => check(database.db)))
  return results.find(({ name }) => name === "reader role")
}

/** The reads that the role may make: the schema, whole tables and views, single columns. */
async function rights(): Promise<string[]> {
  const rows = await database.db<{ right: string }[]>`
    select 'schema' as right where has_schema_privilege('slotbase_reader', 'slotbase', 'usage')
    union all
    select c.relname || coalesce('.' || a.attname, '') from pg_class c
    left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and not has_table_privilege('slotbase_reader', c.oid, 'select')
    where c.relnamespace = 'slotbase'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
      and case when a.attnum is null then has_table_privilege('slotbase_reader', c.oid, 'select')
               else has_column_privilege('slotbase_reader', c.oid, a.attnum, 'select') end
    order by 1`
  return rows.map(({ right }) => right)
}

/** The views of the schema for people. */
async function countOfViews(): Promise<number> {
  const [row] = await database.db<[{ count: number }]>`
    select count(*)::integer as count from pg_class
    where relnamespace = 'slotbase'::regnamespace and relkind = 'v' and relname <> 'outbox_writers'`
  return row.count
}
