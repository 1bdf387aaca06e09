// The OpenAPI document and the decoder say the same. Every request schema is taken from the served document, and its
// example is changed in every way of `contract/mutations.ts`. A JSON Schema validator and the decoder must give the
// same verdict on each change, in both directions.

import { describe, expect, test } from "bun:test"
import * as Schema from "effect/Schema"
import fc from "fast-check"
import { documentOf } from "#api/openapi.ts"
import { createServer } from "#api/server.ts"
import type { InputSchema } from "#base/schema/decode.ts"
import { rule, sentencesOf } from "#base/schema/rule.ts"
import { linesUpTo, lineUpTo, opaqueText } from "#base/schema/text-fields.ts"
import { describedBy, jsonSchemaOf, type RouteDescription } from "#http/describe.ts"
import { bodyOf, exampleOf, type JsonSchema, type OpenApi, operationsOf } from "#test/harness/openapi/document.ts"
import { validatorOf } from "#test/harness/openapi/validator.ts"
import { allowed, broken } from "#test/harness/openapi/values.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { differenceOf, type MetRules } from "./contract/compare.ts"
import { changesOf } from "./contract/mutations.ts"
import { textFaults } from "./contract/texts.ts"
import { Ids } from "./fuzz/ids.ts"
import { seed } from "./properties/property.ts"

const server = createServer(testApp(undefined as never))
const document = JSON.parse(JSON.stringify(documentOf(server))) as OpenApi
const described = new Map(
  server.routes.map(({ method, path, hooks }) => [
    `${method} ${path.replace(/:(\w+)/g, "{$1}")}`,
    (hooks as { detail?: { [describedBy]?: RouteDescription } }).detail?.[describedBy],
  ]),
)
const operations = operationsOf(document)

describe("a body means the same to the document and to the decoder", () => {
  for (const operation of operations.filter((each) => bodyOf(each) !== undefined)) {
    test(
      operation.name,
      () => {
        const schema = bodyOf(operation) as JsonSchema
        const decoder = described.get(operation.name)?.body as InputSchema
        const example = exampleOf(operation)
        expect(validatorOf(document).faultsOf(schema, example)).toEqual([])
        expect(differences(document, schema, decoder, example)).toEqual([])
        const random = fc.oneof(allowed(document, schema, unknown), broken(allowed(document, schema, unknown)))
        for (const body of fc.sample(random, { seed, numRuns: randomBodies })) {
          const value = new Ids().fill(body)
          const difference = differenceOf(decoder, "body", value, validatorOf(document).faultsOf(schema, value), met)
          expect(difference, JSON.stringify(value)).toBeUndefined()
        }
      },
      longestMs,
    )
  }
})
/** Alone an operation takes less than a second; beside other work it may take longer. */
const longestMs = 120_000
/** Random bodies of an operation, beside the changes of its example. */
const randomBodies = 40
const unknown = () => undefined

describe("a query means the same to the document and to the decoder", () => {
  const withQuery = operations.filter(({ parameters }) => parameters.some((each) => each.in === "query"))
  for (const operation of withQuery) {
    test(operation.name, () => {
      const parameters = operation.parameters.filter((each) => each.in === "query")
      const schema: JsonSchema = {
        type: "object",
        properties: Object.fromEntries(parameters.map((each) => [each.name, each.schema])),
        required: parameters.filter((each) => each.required).map((each) => each.name),
        additionalProperties: false,
      }
      const decoder = described.get(operation.name)?.query as InputSchema
      const example = Object.fromEntries(
        parameters.flatMap((each) => (each.example ? [[each.name, each.example]] : [])),
      )
      expect(differences(document, schema, decoder, example, "query")).toEqual([])
    })
  }
})

describe("every text of a request is bounded and shows what it is", () => {
  test("in every body and query", () => {
    const found = operations.flatMap((operation) => [
      ...textFaults(document, bodyOf(operation) ?? {}).map((fault) => `${operation.name} ${fault}`),
      ...operation.parameters
        .filter((each) => each.in !== "path")
        .flatMap((each) => textFaults(document, each.schema, each.name, each.name))
        .map((fault) => `${operation.name} ${fault}`),
    ])
    expect(found).toEqual([])
  })

  test("and a text without a limit or with hidden characters is found", () => {
    const faultsIn = (schema: Schema.Constraint) =>
      textFaults(document, jsonSchemaOf(Schema.Struct({ title: schema })) as JsonSchema)
    const hidden = ".title takes invisible and control characters"
    const unstorable = ".title takes text that the database cannot hold"
    expect(faultsIn(Schema.String)).toEqual([".title has no maximum length", unstorable, hidden])
    expect(faultsIn(Schema.Array(Schema.String.check(Schema.isMaxCodePoints(9))))).toEqual(
      [unstorable, hidden].map((fault) => fault.replace(".title", ".title[]")),
    )
    expect(faultsIn(opaqueText(0, 9))).toEqual([hidden])
    expect(faultsIn(Schema.NullOr(lineUpTo(9)))).toEqual([])
    expect(faultsIn(linesUpTo(9))).toEqual([])
  })
})

test("the document allows no value that only a rule refuses, unless it says the rule", () => {
  const said = operations.flatMap(({ requestBody }) => requestBody?.description ?? []).join("\n")
  expect([...met].filter((sentence) => !said.includes(sentence))).toEqual([])
  expect(met.size).toBeGreaterThan(leastRules)
})

/** The rules that the changes of all examples met, and a floor for them: a test that meets none has seen nothing. */
const met: MetRules = new Set()
const leastRules = 8

describe("a schema whose document is another one is caught", () => {
  const planted: readonly [what: string, decoder: InputSchema, example: unknown, finds: string][] = [
    ["a length in UTF-16 units", Schema.String.check(Schema.isMinLength(8)), "abcdefgh", "the decoder refuses it"],
    [
      "a pattern that the document lacks",
      Schema.String.check(Schema.isPattern(/^[a-z]+$/)),
      "abc",
      "the decoder refuses it",
    ],
    ["a number that may be infinite", Schema.Number, 1, "the document refuses it"],
    [
      "a filter without a sentence",
      Schema.Struct({ a: Schema.Int }).check(Schema.makeFilter(({ a }: { a: number }) => a !== 0)),
      { a: 1 },
      "the decoder refuses it",
    ],
  ]
  for (const [what, decoder, example, finds] of planted) {
    test(what, () => {
      const found = differences(document, jsonSchemaOf(decoder) as JsonSchema, decoder, example)
      expect(found.length).toBeGreaterThan(0)
      expect(found.join("\n")).toContain(finds)
    })
  }

  test("and a tighter document", () => {
    const decoder = Schema.Struct({ name: Schema.String })
    const schema = { ...jsonSchemaOf(decoder), properties: { name: { type: "string", maxLength: 3 } } } as JsonSchema
    expect(differences(document, schema, decoder, { name: "Mia" }).join("\n")).toContain("the document refuses it")
  })

  test("but not a rule with its sentence", () => {
    const decoder = Schema.Struct({ a: Schema.Int }).check(rule("a is not zero", ({ a }: { a: number }) => a !== 0))
    expect(differences(document, jsonSchemaOf(decoder) as JsonSchema, decoder, { a: 1 })).toEqual([])
    expect(sentencesOf(decoder)).toEqual(["a is not zero"])
  })
})

/** The first differences between the document and the decoder over all changes of a valid value. */
function differences(
  document: OpenApi,
  schema: JsonSchema,
  decoder: InputSchema,
  example: unknown,
  where: "body" | "query" = "body",
): string[] {
  const validator = validatorOf(document)
  const found: string[] = []
  for (const change of changesOf(document, schema, example)) {
    const sent = where === "query" ? asQuery(schema, change) : { given: change, told: change }
    if (sent === undefined) continue
    const difference = differenceOf(decoder, where, sent.given, validator.faultsOf(schema, sent.told), met)
    if (difference !== undefined) found.push(`${JSON.stringify(change)?.slice(0, 300)}: ${difference}`)
    if (found.length >= shownDifferences) break
  }
  return found
}
const shownDifferences = 5

/**
 * A query has texts alone. The decoder gets them as they are; the document speaks of the numbers that they are.
 * Undefined for a value that no query can have.
 */
function asQuery(schema: JsonSchema, change: unknown) {
  if (typeof change !== "object" || change === null || Array.isArray(change)) return undefined
  const entries = Object.entries(change).map(([name, value]) => [
    name,
    typeof value === "number" ? String(value) : value,
  ])
  if (!entries.every(([, value]) => typeof value === "string")) return undefined
  const given = Object.fromEntries(entries) as Record<string, string>
  const told = Object.entries(given).map(([name, text]) => {
    const isNumber = Object.hasOwn(schema.properties ?? {}, name) && schema.properties?.[name]?.type === "integer"
    return [name, isNumber && /^-?(?:0|[1-9]\d*)$/.test(text) ? Number(text) : text]
  })
  return { given, told: Object.fromEntries(told) }
}
