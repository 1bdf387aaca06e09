// The shared fields, value by value.

import { expect, test } from "bun:test"
import * as Schema from "effect/Schema"
import { Currency, Email, Instant, Money, Name, normalEmail, Timezone } from "#base/schema/request-fields.ts"

const table: [
  name: string,
  field: Schema.ConstraintCodec<unknown, unknown, never, never>,
  good: unknown[],
  bad: unknown[],
][] = [
  [
    "an instant",
    Instant,
    [
      "2026-03-01T09:00:00Z",
      "2026-03-01T09:00Z",
      "2026-03-01T09:00:00.123456+05:30",
      "1970-01-01T00:00:00Z",
      "2200-12-31T23:59:59-14:00",
      "2028-02-29T00:00:00Z",
    ],
    [
      "2026-03-01",
      "2026-03-01T09:00:00",
      "2026-02-29T09:00:00Z",
      "2026-13-01T09:00:00Z",
      "2026-00-10T09:00:00Z",
      "2026-04-31T09:00:00Z",
      "2026-03-01T24:00:00Z",
      "2026-03-01T09:60:00Z",
      "1969-12-31T23:59:59Z",
      "2201-01-01T00:00:00Z",
      "+012026-03-01T09:00:00Z",
      "infinity",
      1772355600000,
    ],
  ],
  [
    "a time zone",
    Timezone,
    ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires"],
    ["", "+02:00", "Berlin", "x".repeat(65)],
  ],
  ["a currency", Currency, ["EUR", "JPY", "USD"], ["eur", "EURO", "ZZZ", "€"]],
  ["an amount", Money, [0, 2400, 1_000_000_000_000], [-1, 0.5, 1_000_000_000_001, Number.NaN, "2400"]],
  ["a name", Name, ["Mia", "Åsa Öberg", "李", "a b"], ["", " ", "Mia ", "\tMia", "x".repeat(201)]],
  [
    "an e-mail address",
    Email,
    ["mia@example.com", " Mia@Example.com ", "a+b@sub.example.co.uk", "ü@exämple.de"],
    [
      "",
      "mia",
      "mia@",
      "@example.com",
      "mia@localhost",
      "a@b@c.de",
      "a b@c.de",
      "a@c..de",
      "<a@c.de>",
      "a@c.de\nbcc:x@y.de",
    ],
  ],
]

for (const [name, field, good, bad] of table) {
  const accepts = Schema.is(field)
  test(`${name} is taken or refused, value by value`, () => {
    expect(good.filter((value) => !accepts(value))).toEqual([])
    expect(bad.filter((value) => accepts(value))).toEqual([])
  })
}

test("addresses are compared without case and surrounding space", () => {
  expect(normalEmail("  Mia.Keller@Example.COM\n")).toBe("mia.keller@example.com")
})
