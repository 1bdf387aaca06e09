// Arrays in PostgreSQL's text form: the server reads exactly the elements that were written, with any characters.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { plainArray, textArray } from "#base/database/array-literal.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

test("an array comes out as the same rows, with any characters", async () => {
  const texts = [
    "",
    "null",
    "NULL",
    " a ",
    'a"b',
    "a\\b",
    "\\",
    '\\"',
    "a,b",
    "{}",
    "{a}",
    "line\nline\ttab",
    "ä€😀",
    "'",
    '{"a":"\\u00e4"}',
  ]
  const [row] = await database.db<[{ texts: string[]; absent: number }]>`
    select array_agg(t order by nr) filter (where t is not null) as texts, count(*) filter (where t is null) as absent
    from unnest(${textArray([...texts, undefined])}::text::text[]) with ordinality as u (t, nr)`
  expect({ ...row }).toEqual({ texts, absent: 1 })
})

test("numbers, ids and the empty array", async () => {
  const ids = [crypto.randomUUID(), crypto.randomUUID()]
  const numbers = [1, -2, 3.5, 1e-7, 1e21]
  const [row] = await database.db<[{ ids: string[]; numbers: number[]; none: number }]>`
    select ${plainArray(ids)}::text::uuid[] as ids, ${plainArray(numbers)}::text::float8[] as numbers,
           cardinality(${plainArray([])}::text::bigint[]) as none`
  expect({ ...row }).toEqual({ ids, numbers, none: 0 })
})
