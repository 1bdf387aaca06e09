// Pages: the cursor is opaque, and a cursor that SlotBase did not make is refused.

import { expect, test } from "bun:test"
import * as Schema from "effect/Schema"
import { InvalidInput } from "#base/errors.ts"
import { keyAfter, pageLimitOf, pageOf } from "#base/schema/page.ts"

const Key = Schema.Tuple([Schema.String, Schema.Number])
const rows = [1, 2, 3].map((n) => ({ name: `row "${n}"`, n }))
const keyOf = (row: (typeof rows)[number]) => [row.name, row.n]
const view = ({ n }: { n: number }) => n

test("a page names its last row while there are more, and nothing at the end", () => {
  const first = pageOf(rows, 2, keyOf, view)
  expect(first.data).toEqual([1, 2])
  expect(first.next).toMatch(/^[A-Za-z0-9_-]+$/)
  expect(keyAfter({ after: first.next as string }, Key)).toEqual(['row "2"', 2])
  expect(pageOf(rows, 3, keyOf, view)).toEqual({ data: [1, 2, 3], next: null })
  expect(pageOf([], 3, keyOf, view)).toEqual({ data: [], next: null })
  expect(keyAfter({}, Key)).toBeUndefined()
})

test("a page has 50 rows by default", () => {
  expect([pageLimitOf({}), pageLimitOf({ limit: "7" })]).toEqual([50, 7])
})

test("a cursor that is of another list, malformed, or contains NUL is refused", () => {
  const of = (key: unknown) => Buffer.from(JSON.stringify(key)).toString("base64url")
  for (const after of [
    "",
    "%%%",
    "abc",
    of("row"),
    of(["row"]),
    of(["row", "2"]),
    of(["ro\u0000w", 2]),
    of(["\ud800", 2]),
  ]) {
    expect(() => keyAfter({ after }, Key)).toThrow(InvalidInput)
  }
})
