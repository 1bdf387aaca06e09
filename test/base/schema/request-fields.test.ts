// The shared fields, value by value.

import { expect, test } from "bun:test"
import * as Schema from "effect/Schema"
import {
  Currency,
  Email,
  Instant,
  LocalDay,
  Money,
  Name,
  Note,
  normalEmail,
  Timezone,
  wholeNumberText,
} from "#base/schema/request-fields.ts"

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
      "2000-02-29T00:00:00Z",
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
      "2100-02-29T00:00:00Z",
      "2026-03-01t09:00:00z",
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
    ["", "+02:00", "Berlin", "x".repeat(65), "Europe/Berlin\n"],
  ],
  ["a currency", Currency, ["EUR", "JPY", "USD"], ["eur", "EURO", "ZZZ", "€"]],
  ["an amount", Money, [0, 2400, 1_000_000_000_000], [-1, 0.5, 1_000_000_000_001, Number.NaN, "2400"]],
  [
    "a name",
    Name,
    [
      "Mia",
      "Åsa Öberg",
      "李",
      "a b",
      "😀".repeat(200),
      "O'Neil",
      "é",
      "e\u0301",
      "می\u200cخواهم",
      "क्\u200dष",
      "👨\u200d👩\u200d👧",
      "❤\ufe0f",
      "葛\u{e0100}城",
    ],
    [
      ...[
        "",
        " ",
        "Mia ",
        "\tMia",
        "x".repeat(201),
        "😀".repeat(201),
        "Mia\n",
        "Mia\nKeller",
        "Mia\u0000",
        "Mia\u0085Keller",
      ],
      ...[
        "Mia\u001b[2J",
        "Mia\u007f",
        "Mi\u00ada",
        "Mi\u200ba",
        "Mia\u200e",
        "Mia\u2028Keller",
        "\u202eaiM",
        "Mia\u2066",
        "\ufeffMia",
      ],
      ...[
        "Mia\u2060",
        "\u3164",
        "\u200d",
        "\u200cMia",
        "\ufe0f",
        "\u2800",
        "Mia\ud800",
        "Mia\u{e0041}",
        "Mia\u061c",
        "Mia\ufff9",
      ],
    ],
  ],
  [
    "a note",
    Note,
    ["", "One line", "Two\nlines", "Two\r\nlines", "A\ttab", " space ", "😀".repeat(2_000), "می\u200cخواهم"],
    [
      "a\u0000",
      "a\u0007",
      "a\u001b",
      "a\u0085",
      "a\u200b",
      "a\u2028b",
      "\u202ea",
      "a\u2066",
      "a\ud800",
      "x".repeat(2_001),
    ],
  ],
  [
    "a local day",
    LocalDay,
    ["2026-03-01", "2028-02-29", "2000-02-29", "1970-01-01", "2199-12-31"],
    [
      "2026-02-29",
      "2100-02-29",
      "2026-04-31",
      "2026-13-01",
      "2026-00-10",
      "1969-12-31",
      "2200-01-01",
      "2026-3-1",
      "2026-03-01T00:00Z",
    ],
  ],
  [
    "a whole number in a query",
    wholeNumberText(1, 200),
    ["1", "9", "200"],
    ["0", "201", "01", "+1", "1.0", "1e2", "", " 1", "-1", 1],
  ],
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
      "a@c.de\n",
      "a\u200b@c.de",
      "\u202ea@c.de",
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
  expect(normalEmail("Ame\u0301lie@example.com")).toBe("am\u00e9lie@example.com")
})
