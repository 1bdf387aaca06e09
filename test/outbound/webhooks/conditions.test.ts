// Conditions: what PostgreSQL makes of their predicate, and what saving refuses.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import * as Schema from "effect/Schema"
import { definitionOf } from "#events/catalogue.ts"
import {
  type Condition,
  Conditions,
  conditionFaults,
  predicateOf,
  typesThatNeverFit,
} from "#outbound/webhooks/conditions.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const confirmed = { ...definitionOf("booking.confirmed")?.sample, bookerName: 'Zoë "Z" 李 🎾\\', priceAmount: 2400 }

async function holds(...conditions: Condition[]): Promise<boolean> {
  const [row] = await database.db<[{ holds: boolean }]>`
    select coalesce(${database.db.json(confirmed as never)}::jsonb @@ ${predicateOf(conditions)}::text::jsonpath, false) as holds`
  return row.holds
}

test.each<[boolean, Condition]>([
  [true, { path: "data.priceAmount", operator: "equals", value: 2400 }],
  [false, { path: "data.priceAmount", operator: "equals", value: 2401 }],
  [true, { path: "data.priceAmount", operator: "greater", value: 2399.5 }],
  [false, { path: "data.priceAmount", operator: "greater", value: 2400 }],
  [true, { path: "data.priceAmount", operator: "greater", value: -1 }],
  [true, { path: "data.priceAmount", operator: "less", value: 1e21 }],
  [true, { path: "data.priceAmount", operator: "in", value: [1, 2400] }],
  [false, { path: "data.priceAmount", operator: "in", value: [1, 2] }],
  [true, { path: "data.bookerName", operator: "equals", value: 'Zoë "Z" 李 🎾\\' }],
  [true, { path: "data.bookerName", operator: "prefix", value: 'Zoë "Z"' }],
  [false, { path: "data.bookerName", operator: "prefix", value: "zoë" }],
  [false, { path: "data.bookerName", operator: "equals", value: '" || 1 == 1 || $.bookerName == "' }],
  [true, { path: "data.isRecurring", operator: "equals", value: true }],
  [true, { path: "data.participants.role", operator: "equals", value: "guest" }],
  [false, { path: "data.participants.role", operator: "equals", value: "coach" }],
  [true, { path: "data.startAt", operator: "greater", value: "2026-03-12T16:59:59Z" }],
  [false, { path: "data.startAt", operator: "greater", value: "2026-03-12T17:00:00Z" }],
  [true, { path: "data.startAt", operator: "equals", value: "2026-03-12T17:00:00Z" }],
  [true, { path: "data.recurringBookingId", operator: "exists" }],
  [false, { path: "data.recurringBookingId", operator: "exists", value: false }],
  [true, { path: "data.cancelledBy", operator: "exists", value: false }],
  [false, { path: "data.cancelledBy", operator: "equals", value: "system" }],
])("%p: %p", async (expected, condition) => {
  expect(await holds(condition)).toBe(expected)
})

test("all conditions must hold", async () => {
  const cheap: Condition = { path: "data.priceAmount", operator: "less", value: 3000 }
  expect(await holds(cheap, { path: "data.paymentMethod", operator: "equals", value: "online" })).toBe(
    confirmed.priceAmount < 3000 && (confirmed as { paymentMethod?: string }).paymentMethod === "online",
  )
  expect(await holds(cheap, { path: "data.priceAmount", operator: "greater", value: 3000 })).toBe(false)
})

describe("saving refuses", () => {
  const fault = (condition: Condition) => conditionFaults(["booking.confirmed", "user.created"], [condition])[0]

  test("a day that no calendar has", () => {
    const on = (value: string) =>
      conditionFaults(["offline_payment.recorded"], [{ path: "data.paymentDate", operator: "less", value }])
    expect(on("2028-02-29")).toEqual([])
    expect(on("2026-02-29")).toEqual([
      {
        path: "body.filters.conditions.0.value",
        message: "data.paymentDate of offline_payment.recorded is a day such as 2026-03-01",
      },
    ])
  })

  test.each<[Condition, string, string]>([
    [
      { path: "data.price", operator: "equals", value: 1 },
      "body.filters.conditions.0.path",
      "None of the chosen event types has data.price",
    ],
    [
      { path: "data.priceAmount", operator: "equals", value: "2400" },
      "body.filters.conditions.0.value",
      "data.priceAmount of booking.confirmed is a number",
    ],
    [
      { path: "data.participants", operator: "equals", value: 1 },
      "body.filters.conditions.0.operator",
      "data.participants of booking.confirmed is an object, which only exists can look at",
    ],
    [
      { path: "data.isRecurring", operator: "greater", value: 1 },
      "body.filters.conditions.0.operator",
      "data.isRecurring of booking.confirmed is true or false, and has no order",
    ],
    [
      { path: "data.priceAmount", operator: "prefix", value: "24" },
      "body.filters.conditions.0.operator",
      "data.priceAmount of booking.confirmed is a number, and has no prefix",
    ],
    [
      { path: "data.startAt", operator: "less", value: "tomorrow" },
      "body.filters.conditions.0.value",
      "data.startAt of booking.confirmed is an instant such as 2026-03-01T09:00:00.000Z",
    ],
    [
      { path: "data.startAt", operator: "less", value: "2026-02-30T00:00:00Z" },
      "body.filters.conditions.0.value",
      "data.startAt of booking.confirmed is an instant such as 2026-03-01T09:00:00.000Z",
    ],
    [
      { path: "data.paymentMethod", operator: "in", value: ["online", "cash"] },
      "body.filters.conditions.0.value",
      "data.paymentMethod of booking.confirmed is one of online, offline, waived",
    ],
    [
      { path: "data.paymentMethod", operator: "prefix", value: "onl1" },
      "body.filters.conditions.0.value",
      "data.paymentMethod of booking.confirmed is one of online, offline, waived",
    ],
    [
      { path: "data.bookingType", operator: "equals", value: "nope" },
      "body.filters.conditions.0.value",
      "data.bookingType of booking.confirmed is one of open_play, lesson, league, tournament, private, coach_block, maintenance",
    ],
  ])("%p", (condition, path, message) => {
    expect(fault(condition)).toEqual({ path, message })
  })

  test("nothing that can hold for one of the types", () => {
    expect(fault({ path: "data.priceAmount", operator: "greater", value: 1 })).toBeUndefined()
    expect(fault({ path: "data.bookingType", operator: "in", value: ["lesson", "coach_block"] })).toBeUndefined()
    expect(fault({ path: "data.bookingType", operator: "prefix", value: "l" })).toBeUndefined()
    expect(
      conditionFaults(
        ["payment.failed", "payment.succeeded"],
        [{ path: "data.referenceType", operator: "equals", value: "fine" }],
      ),
    ).toEqual([])
  })

  test.each<[unknown, string]>([
    [{ path: "priceAmount", operator: "equals", value: 1 }, "a path such as data.priceAmount"],
    [{ path: "data.a.b.c.d.e", operator: "equals", value: 1 }, "at most 4 names deep"],
    [{ path: "data.a", operator: "matches", value: 1 }, '"prefix"'],
    [{ path: "data.a", operator: "in", value: 1 }, "Expected a list of values"],
    [{ path: "data.a", operator: "in", value: [] }, ""],
    [{ path: "data.a", operator: "equals", value: [1] }, "Expected one value"],
    [{ path: "data.a", operator: "equals" }, "Expected one value"],
    [{ path: "data.a", operator: "greater", value: true }, "Expected a number or text"],
    [{ path: "data.a", operator: "exists", value: "yes" }, "Expected true or false"],
    [{ path: "data.a", operator: "prefix", value: "" }, "Expected text that is not empty"],
    [{ path: "data.a", operator: "equals", value: "x".repeat(101) }, ""],
    [{ path: "data.a", operator: "in", value: Array.from({ length: 21 }, (_, n) => n) }, ""],
  ])("%p", (condition, message) => {
    expect(() => Schema.decodeUnknownSync(Conditions)([condition])).toThrow(message)
  })

  test("more than ten", () => {
    const many = (count: number) => Array.from({ length: count }, () => ({ path: "data.a", operator: "exists" }))
    expect(Schema.is(Conditions)(many(10))).toBe(true)
    expect(Schema.is(Conditions)(many(11))).toBe(false)
  })
})

test("types that can never fulfil the conditions are named", () => {
  expect(
    typesThatNeverFit(
      ["booking.confirmed", "user.created"],
      [{ path: "data.priceAmount", operator: "greater", value: 1 }],
    ),
  ).toEqual(["user.created"])
  expect(typesThatNeverFit(["user.created"], [{ path: "data.priceAmount", operator: "exists", value: false }])).toEqual(
    [],
  )
})
