// A statement of nested fragments that is put together once, and runs with the values of each call.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { compiled } from "#base/database/compiled.ts"
import type { Queryable } from "#base/database/db.ts"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await emptyDatabase()
})
afterAll(() => database.drop())

test("is put together once, and runs with the values of each call", async () => {
  let written = 0
  const read = compiled<{ readonly name: string; readonly least: number | null }>((sql, { name, least }) => {
    written++
    return sql`select ${name}::text as name, ${doubled(sql, least)} as twice, ${"constant"}::text as fixed`
  })
  const { db } = database
  expect([...(await read(db, { name: "a", least: 2 }))]).toEqual([{ name: "a", twice: 4, fixed: "constant" }])
  expect([...(await read(db, { name: "b", least: null }))]).toEqual([{ name: "b", twice: null, fixed: "constant" }])
  expect([...(await db.begin((tx) => read(tx, { name: "c", least: 3 })))]).toEqual([
    { name: "c", twice: 6, fixed: "constant" },
  ])
  expect(written).toBe(1)
})

test("a value that stands in several places is one parameter, also a list", async () => {
  const read = compiled<{ readonly ids: readonly string[] }>(
    (sql, { ids }) => sql`select ${ids}::text[] as a, cardinality(${ids}::text[]) as b`,
  )
  const statement = read(database.db, { ids: ["x", "y"] })
  expect((statement as unknown as { strings: readonly string[] }).strings).toEqual([
    "select $1::text[] as a, cardinality($1::text[]) as b",
  ])
  expect([...(await statement)]).toEqual([{ a: ["x", "y"], b: 2 }])
})

test("what is no value, fragment or slot is refused before anything is sent", () => {
  const withColumns = compiled<{ readonly id: string }>((sql) => sql`select ${sql(["id"])} from nothing`)
  expect(() => withColumns(database.db, { id: "1" })).toThrow("compiled: object is no part of a statement")
  const without = compiled<{ readonly id: string }>((sql) => sql`select ${undefined as never}`)
  expect(() => without(database.db, { id: "1" })).toThrow("compiled: undefined is no part of a statement")
})

const doubled = (sql: Queryable, value: ReturnType<Queryable>) => sql`2 * ${value}::integer`
