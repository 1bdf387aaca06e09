// Changes of a valid value, guided by its JSON Schema: each has one fault, or lies at a limit. The same value gives the
// same changes.

import { followed, type JsonSchema, type OpenApi } from "#test/harness/openapi/document.ts"

/** Values that hardly any field takes. */
const odd: readonly unknown[] = [
  ...[null, true, false, 0, -0, 1, -1, 1.5, 0.1 + 0.2, 1e21, 2 ** 53, -(2 ** 53), Number.POSITIVE_INFINITY, Number.NaN],
  ...["", " ", "x", "NaN", "Infinity", "-Infinity", "null", "1", "01", "+1", "1.0", "1e2", "true", "\u0000", "a\ud800"],
  ...[[], {}, [[]], [null], [{}], { "": 1 }],
]

/** Instants, days and times in forms that parsers disagree about. */
const times: readonly string[] = [
  ...["2026-03-01T09:00:00Z", "2026-03-01T09:00Z", "2026-03-01t09:00:00z", "2026-03-01 09:00:00Z", "2026-03-01T09Z"],
  ...["2026-03-01T09:00:00", "2026-03-01T09:00:00+00:00", "2026-03-01T09:00:00-00:00", "2026-03-01T09:00:00+14:59"],
  ...["2026-03-01T09:00:00+15:00", "2026-03-01T09:00:00+0100", "2026-03-01T09:00:00+01", "2026-03-01T24:00:00Z"],
  ...["2026-03-01T23:59:60Z", "2016-12-31T23:59:60Z", "2026-03-01T09:60:00Z", "2026-03-01T09:00:00,5Z"],
  ...["2026-03-01T09:00:00.123456789Z", "2026-03-01T09:00:00.1234567890Z", "2026-03-01T09:00:00.Z", "2026-W09-7"],
  ...["1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2200-12-31T23:59:59Z", "2201-01-01T00:00:00Z"],
  ...["2026-02-29T09:00:00Z", "2028-02-29T09:00:00Z", "2100-02-29T00:00:00Z", "2000-02-29T00:00:00Z"],
  ...["+012026-03-01T09:00:00Z", "infinity", "now", "2026-03-01", "2026-02-29", "2028-02-29", "2100-02-29"],
  ...["2200-02-29", "2000-02-29", "1970-01-01", "1969-12-31", "2199-12-31", "2200-01-01", "2026-04-31", "2026-00-10"],
  ...["2026-13-01", "2026-1-1", "20260301", "2026-060", "09:00", "9:00", "23:59", "24:00", "24:01", "00:00", "09:60"],
]

/** Characters that change a text in silence, and look-alikes that are plain text. */
const characters: readonly string[] = [
  ...[
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\u0000",
    "\u0007",
    "\u001b",
    "\u007f",
    "\u0085",
    "\u00a0",
    "\u00ad",
    "\u034f",
    "\u061c",
  ],
  ...["\u115f", "\u180e", "\u2000", "\u200b", "\u200c", "\u200d", "\u200e", "\u2028", "\u202e", "\u2060", "\u2066"],
  ...["\u2800", "\u3000", "\u3164", "\ufe0f", "\ufeff", "\ufff9", "\ufffd", "\uffff", "\ud800", "\udc00"],
  ...[
    "\u{1d173}",
    "\u{e0001}",
    "\u{e0041}",
    "\u{e0100}",
    "😀",
    "👨\u200d👩\u200d👧",
    "می\u200cخواهم",
    "é",
    "e\u0301",
    "ß",
    "İ",
  ],
  ...[" ", "/", "\\", "'", '"', "<", "%", "_", ".", ",", ";", ":", "@", "-", "+", "#", "="],
]

/** Addresses and ids in forms that some parsers take. */
const wholeTexts: readonly string[] = [
  "01994A3E-7C00-7A10-8F3E-1C5D0A9B2E01",
  "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01",
  "{01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01}",
  "urn:uuid:01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01",
  "01994a3e7c007a108f3e1c5d0a9b2e01",
  ...[
    "mia@example.com",
    " Mia@Example.com ",
    "mia@localhost",
    "a@b@c.de",
    "ü@exämple.de",
    "a@b.c\u202e",
    "a\u200b@b.cd",
  ],
  ...[
    "EUR",
    "eur",
    "ZZZ",
    "Europe/Berlin",
    "europe/berlin",
    "Etc/GMT+1",
    "+02:00",
    "Mars/Olympus",
    "tok_visa",
    "tok_ä",
  ],
  ...["__proto__", "constructor", "Host", "x-slotbase-event", "FREQ=WEEKLY;COUNT=3", "FREQ=WEEKLY;COUNT=0", "0", "200"],
]

/** Every change of a value, at any depth. */
export function* changesOf(document: OpenApi, given: JsonSchema, value: unknown, depth = 0): Generator<unknown> {
  const schema = followed(document, given)
  yield* odd
  if (typeof value === "string" || textIn(document, schema)) yield* texts(document, schema, String(value ?? "x"))
  if (typeof value === "number" || limitsOf(schema).length > 0) yield* numbers(schema)
  if (Array.isArray(value)) yield* lists(document, schema, value, depth)
  else if (typeof value === "object" && value !== null) yield* objects(document, schema, value, depth)
}

function* texts(document: OpenApi, schema: JsonSchema, value: string): Generator<string> {
  yield* times
  yield* wholeTexts
  yield* [value.toUpperCase(), value.toLowerCase(), `${value}${value}`, value.slice(0, -1), value.slice(1)]
  const middle = Math.ceil(value.length / 2)
  for (const each of characters) {
    yield* [`${each}${value}`, `${value}${each}`, value.slice(0, middle) + each + value.slice(middle), each]
  }
  const lengths = new Set([...lengthsIn(document, schema), 1, 255, 5_000])
  for (const length of lengths)
    for (const unit of ["x", "é", "😀", "1", "a b "])
      for (const count of [length - 1, length, length + 1])
        if (count > 0) yield [...unit.repeat(Math.ceil(count / [...unit].length))].slice(0, count).join("")
}

function* numbers(schema: JsonSchema): Generator<unknown> {
  for (const limit of limitsOf(schema)) {
    yield* [limit - 1, limit, limit + 1, limit - 0.5, limit + 0.5, limit + 1e-9, String(limit)]
  }
  yield* [0.01, 0.001, 1.005, 12.345, 1e-7, 1e16]
}

function* lists(document: OpenApi, schema: JsonSchema, value: readonly unknown[], depth: number): Generator<unknown> {
  const item = schema.items || {}
  for (const length of [schema.minItems, schema.maxItems].filter((each) => each !== undefined))
    for (const count of [length - 1, length, length + 1]) if (count >= 0) yield filled(value, count)
  if (value.length > 0) yield [...value, value[0]]
  if (value.length > 1) yield value.toReversed()
  const [first, ...others] = value
  if (value.length > 0) for (const change of changesOf(document, item, first, depth + 1)) yield [change, ...others]
}

function* objects(document: OpenApi, schema: JsonSchema, value: object, depth: number): Generator<unknown> {
  const entries = Object.entries(value)
  for (const [name] of entries) yield Object.fromEntries(entries.filter(([other]) => other !== name))
  for (const name of ["surplus", "__proto__", "constructor", "toString", "", "\u0000"])
    yield Object.fromEntries([...entries, [name, 1]])
  // The hours of seven weekdays have one schema. Inside of a body, all changes of the first are enough.
  const shapes = new Set<string>()
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const present = (value as Record<string, unknown>)[name] ?? sampleOf(document, part)
    yield { ...value, [name]: present }
    const shape = JSON.stringify(part)
    const changes = depth > 0 && shapes.has(shape) ? odd : changesOf(document, part, present, depth + 1)
    shapes.add(shape)
    for (const change of changes) yield { ...value, [name]: change }
  }
}

/** Fills a list with further items: other texts, or copies where the items have a form of their own. */
function filled(value: readonly unknown[], count: number): unknown[] {
  return Array.from({ length: count }, (_, nth) => {
    const item = value[nth % Math.max(value.length, 1)] ?? "x"
    if (nth < value.length || typeof item !== "string") return structuredClone(item)
    return item.slice(0, -12) + String(nth).padStart(12, "0")
  })
}

/** A plain value of a schema's type, to be changed where the example leaves a field out. */
function sampleOf(document: OpenApi, given: JsonSchema): unknown {
  const schema = followed(document, given)
  const [choice] = schema.anyOf ?? schema.oneOf ?? []
  if (schema.enum) return schema.enum[0]
  if ("const" in schema) return schema.const
  if (schema.type === undefined && choice) return sampleOf(document, choice)
  if (schema.examples?.[0] !== undefined) return schema.examples[0]
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, part]) => [name, sampleOf(document, part)]),
      )
    case "array":
      return [sampleOf(document, schema.items || {})]
    case "integer":
    case "number":
      return Math.max(1, schema.minimum ?? 1)
    case "boolean":
      return true
    default:
      if (schema.format === "uuid") return "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01"
      return schema.format === "date" ? "2026-03-01" : "Keller"
  }
}

const partsOf = (schema: JsonSchema): JsonSchema[] => [
  ...(schema.anyOf ?? []),
  ...(schema.oneOf ?? []),
  ...(schema.allOf ?? []),
]

const textIn = (document: OpenApi, schema: JsonSchema): boolean =>
  schema.type === "string" || partsOf(schema).some((part) => textIn(document, followed(document, part)))

const limitsOf = (schema: JsonSchema): number[] => [
  ...[schema.minimum, schema.maximum, schema.exclusiveMinimum].filter((each) => each !== undefined),
  ...partsOf(schema).flatMap(limitsOf),
]

const lengthsIn = (document: OpenApi, schema: JsonSchema): number[] => [
  ...[schema.minLength, schema.maxLength].filter((each) => each !== undefined),
  ...partsOf(schema).flatMap((part) => lengthsIn(document, followed(document, part))),
]
