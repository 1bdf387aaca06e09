// Values for JSON Schemas: the smallest valid one, and, by fast-check, random valid and nearly valid ones. Ids are
// references, because the set of existing ids changes with each request. The sender puts real ids in their place.

import fc from "fast-check"
import { followed, type JsonSchema, type OpenApi } from "./document.ts"

/** A reference to an id; the sender of the value chooses the id. */
export class IdOf {
  constructor(
    /** The name of its field or parameter, such as "resourceId". */
    readonly name: string,
    readonly nth: number,
  ) {}
}

/**
 * By the name of a field whose rule no JSON Schema expresses: values that the rule allows or the parser must tolerate.
 */
export type Known = (name: string) => readonly unknown[] | undefined

/** The smallest value that the schema allows, without optional fields. */
export function smallest(document: OpenApi, given: JsonSchema, known: Known, name = ""): unknown {
  const schema = followed(document, given)
  const inner = (part: JsonSchema, of: string) => smallest(document, part, known, of)
  const told = known(name)
  if (told !== undefined) return told[0]
  if (schema.enum) return schema.enum[0]
  if ("const" in schema) return schema.const
  const [choice] = schema.anyOf ?? schema.oneOf ?? []
  if (choice) return inner(choice, name)
  if (schema.format === "uuid") return new IdOf(name, 0)
  switch ([schema.type].flat()[0]) {
    case "object": {
      const { properties = {}, required = [] } = schema
      return Object.fromEntries(required.map((field) => [field, inner(properties[field] ?? {}, field)]))
    }
    case "array": {
      const item = schema.items || {}
      return Array.from({ length: schema.minItems ?? 0 }, () => inner(item, name))
    }
    case "integer":
    case "number":
      return Math.max(schema.minimum ?? 1, 0)
    case "boolean":
      return false
    case "null":
      return null
    default:
      return "x".repeat(Math.max(schema.minLength ?? 1, 1))
  }
}

/** A random value that the schema allows. Rules outside the schema may still refuse it. */
export function allowed(document: OpenApi, given: JsonSchema, known: Known, name = ""): fc.Arbitrary<unknown> {
  const schema = followed(document, given)
  const inner = (part: JsonSchema, of: string) => allowed(document, part, known, of)
  const told = known(name)
  if (told !== undefined) return fc.constantFrom(...told)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if ("const" in schema) return fc.constant(schema.const)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return fc.oneof(...choices.map((choice) => inner(choice, name)))
  if (schema.format === "uuid") return fc.nat(20).map((nth) => new IdOf(name, nth))
  const types = [schema.type].flat().map((type) => ofType(type ?? "string"))
  return types.length === 1 ? (types[0] as fc.Arbitrary<unknown>) : fc.oneof(...types)

  function ofType(type: string): fc.Arbitrary<unknown> {
    const { minimum: min = -1_000, maximum: max = 1_000_000 } = schema
    switch (type) {
      case "object": {
        const { properties = {}, required = [] } = schema
        const fields = Object.entries(properties).map(([field, part]) => [field, inner(part, field)])
        return fc.record<Record<string, unknown>>(Object.fromEntries(fields), {
          requiredKeys: [...required] as never[],
        })
      }
      case "array":
        return fc.array(inner(schema.items || {}, name), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(schema.maxItems ?? 3, 3),
        })
      case "integer":
        return fc.integer({ min: Math.max(min, -(2 ** 31)), max: Math.min(max, 2 ** 31 - 1) })
      case "number":
        return fc.double({ min, max, noNaN: true })
      case "boolean":
        return fc.boolean()
      case "null":
        return fc.constant(null)
      default:
        return text(schema)
    }
  }
}

function text({ format, pattern, minLength = 0, maxLength = 40 }: JsonSchema): fc.Arbitrary<string> {
  if (format === "date-time") return instants
  if (format === "date") return instants.map((instant) => instant.slice(0, 10))
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern, "u"), { size: "small" })
  return fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 40), unit: "grapheme" })
}

const hourMs = 3_600_000
/** Whole hours from yesterday to a month ahead: most rules apply to that range. */
const instants = fc.integer({ min: -24, max: 720 }).map((hours) => {
  const now = Math.ceil(Date.now() / hourMs) * hourMs
  return new Date(now + hours * hourMs).toISOString()
})

/** Values that no field expects. */
export const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1.5,
    1e308,
    2 ** 53,
    "",
    [],
    {},
    [[]],
    "\u0000",
    "a\ud800",
    "%00",
    "' or 1=1 --",
  ),
  fc.constantFrom(
    "x".repeat(5_000),
    "2026-02-30T10:00:00Z",
    "9999-12-31T23:59:59Z",
    "00000000-0000-0000-0000-000000000000",
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constant(null).map(() => JSON.parse(`${'{"a":'.repeat(40)}1${"}".repeat(40)}`) as unknown),
)

/** A value with one fault: a field of a wrong type, a missing or an extra field, or another value altogether. */
export const broken = (values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(values, fc.nat(50), odd, fc.constantFrom("replace", "drop", "add", "whole"))
    .map(([value, nth, wrong, how]) => {
      if (how === "whole" || typeof value !== "object" || value === null || Array.isArray(value)) return wrong
      const entries = Object.entries(value)
      if (how === "add" || entries.length === 0) return { ...value, surplus: wrong }
      const [field] = entries[nth % entries.length] as [string, unknown]
      if (how === "replace") return { ...value, [field]: wrong }
      return Object.fromEntries(entries.filter(([name]) => name !== field))
    })
