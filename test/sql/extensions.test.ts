// The place of the extension btree_gist: beside the schema slotbase, so that lists of slotbase name only SlotBase's
// own.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { migrate } from "#base/database/migrate.ts"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase

beforeEach(async () => {
  database = await emptyDatabase()
})

afterEach(() => database.drop())

test("the schema slotbase holds nothing that belongs to an extension", async () => {
  await migrate(database.url)
  expect(await extensionSchema()).toBe("slotbase_extensions")
  const [own] = await database.db`
    select count(*)::integer as functions,
           count(*) filter (where exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e'))::integer as foreign
    from pg_proc p where p.pronamespace = 'slotbase'::regnamespace`
  expect(own).toMatchObject({ foreign: 0 })
  expect(own?.functions).toBeGreaterThan(40)
})

test("an extension that was installed before stays where it is, also in a schema that no search_path names", async () => {
  await database.db.unsafe("create schema elsewhere; create extension btree_gist schema elsewhere")
  await migrate(database.url)
  expect(await extensionSchema()).toBe("elsewhere")
  const [own] = await database.db`select to_regnamespace('slotbase_extensions') as made`
  expect(own).toEqual({ made: null })
})

test("a user who may only create schemas in the database can migrate it, and start anew after dropping slotbase", async () => {
  const url = new URL(database.url)
  const [name, password] = [`slotbase_test_${crypto.randomUUID().replaceAll("-", "_")}`, crypto.randomUUID()]
  await database.db.unsafe(`create role ${name} login password '${password}'`)
  await database.db.unsafe(`grant create on database "${url.pathname.slice(1)}" to ${name}`)
  try {
    url.username = name
    url.password = password
    await migrate(url.href)
    await database.db`drop schema slotbase cascade`
    const { applied } = await migrate(url.href)
    expect(applied[0]).toBe("0001-base")
    expect(await extensionSchema()).toBe("slotbase_extensions")
  } finally {
    await database.db.unsafe(`drop owned by ${name} cascade`)
    await database.db.unsafe(`drop role ${name}`)
  }
})

async function extensionSchema(): Promise<string | undefined> {
  const [row] = await database.db<{ schema: string }[]>`
    select extnamespace::regnamespace::text as schema from pg_extension where extname = 'btree_gist'`
  return row?.schema
}
