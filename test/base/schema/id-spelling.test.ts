// Ids in either case are one id to the decoder, at every depth, and before uniqueness is checked.

import { expect, test } from "bun:test"
import * as Schema from "effect/Schema"
import { decode } from "#base/schema/decode.ts"
import { idSpellingOf } from "#base/schema/id-spelling.ts"
import { Id, Name } from "#base/schema/request-fields.ts"

const id = "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01"
const upper = id.toUpperCase()

test("ids of fields, lists, unions and nested bodies come in lower case; other texts stay as they came", () => {
  const schema = Schema.Struct({
    bookerId: Schema.optionalKey(Id.annotate({ description: "somebody" })),
    resourceId: Schema.NullOr(Id),
    participants: Schema.Array(Schema.Struct({ userId: Id, role: Name })),
    reference: Name,
  })
  const given = { bookerId: upper, resourceId: upper, participants: [{ userId: upper, role: "A" }], reference: upper }
  expect(decode(schema, given, "body")).toEqual({
    bookerId: id,
    resourceId: id,
    participants: [{ userId: id, role: "A" }],
    reference: upper,
  })
  expect(given.bookerId).toBe(upper)
  const none = { resourceId: null, participants: [], reference: "A" }
  expect(decode(schema, none, "body")).toEqual(none)
})

test("a list of unique ids refuses the two spellings of one id", () => {
  const schema = Schema.Struct({ memberIds: Schema.Array(Id).check(Schema.isUnique()) })
  expect(() => decode(schema, { memberIds: [id, upper] }, "body")).toThrow()
  expect(decode(schema, { memberIds: [upper] }, "body")).toEqual({ memberIds: [id] })
})

test("values of another shape are left to the Schema, which refuses them with its own words", () => {
  const schema = Schema.Struct({ ids: Schema.Array(Id), of: Schema.Struct({ id: Id }) })
  for (const value of [null, 1, "x", [], { ids: 1, of: null }, { ids: [1], of: [] }, { of: { id: { id } } }])
    expect(() => decode(schema, value, "body")).toThrow()
})

test("a Schema without ids costs nothing", () => {
  expect(idSpellingOf(Schema.Struct({ name: Name, more: Schema.Array(Name) }))).toBeUndefined()
})
