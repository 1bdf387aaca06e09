// Random requests for any operation of the document: valid, nearly valid and hostile ones. Ids are references until the
// request is sent.

import fc from "fast-check"
import { bodyOf, type OpenApi, type Operation } from "#test/harness/openapi/document.ts"
import { allowed, broken, IdOf, type Known, odd } from "#test/harness/openapi/values.ts"

export interface FuzzRequest {
  /** The operation's name. */
  readonly operation: string
  /** By parameter name; a value that is no reference is sent as it is. */
  readonly path: Readonly<Record<string, IdOf | string>>
  readonly query: readonly (readonly [string, string])[]
  /** JSON, or a text that is sent as it is; undefined: no body. */
  readonly body: { readonly json: unknown } | { readonly text: string } | undefined
  readonly contentType: string
  readonly idempotencyKey: string | undefined
  /** The owner of the token, as an index into the callers. */
  readonly caller: number
}

/** Fields with rules outside of the document, with values on both sides of the rule. */
const known: Known = (name) => knownFields[name]
const knownFields: Readonly<Record<string, readonly unknown[]>> = {
  // No host name that would be resolved: no request leaves the machine.
  url: ["http://127.0.0.1:8009/hook", "https://127.0.0.1:8009/hook", "http://10.0.0.1/", "ftp://127.0.0.1/", "nowhere"],
  timezone: ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Mars/Olympus"],
  currency: ["EUR", "JPY", "XXX"],
  priceCurrency: ["EUR", "USD"],
  password: ["correct horse battery", "short"],
  email: ["fuzz-1@example.com", "fuzz-2@example.com", "FUZZ-3@example.com", "nobody"],
  rule: ["FREQ=WEEKLY;BYDAY=MO;COUNT=3", "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4", "FREQ=SECONDLY", "x"],
  rrule: ["FREQ=WEEKLY;BYDAY=MO;COUNT=3", "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4", "FREQ=SECONDLY", "x"],
  startTime: ["18:00", "23:30", "24:00", "7:00"],
  endTime: ["19:00", "23:59", "00:00"],
  resourceType: ["court"],
  events: [["booking.confirmed"], ["booking.confirmed", "booking.cancelled"], [], ["no.such.event"]],
  after: ["", "abc", "12", "WyJhIl0", "W10", "bnVsbA", "WyJhIiwiMDE5OTRhM2UtN2MwMC03YTEwLThmM2UtMWM1ZDBhOWIyZTAxIl0"],
  types: ["booking.confirmed", "booking.confirmed,user.created", ","],
}

/** @param callers the number of callers. */
export function requests(
  document: OpenApi,
  operations: readonly Operation[],
  callers: number,
): fc.Arbitrary<FuzzRequest> {
  const arbitraries = operations.map((operation) => requestOf(document, operation, callers))
  return fc.nat(arbitraries.length - 1).chain((nth) => arbitraries[nth] as fc.Arbitrary<FuzzRequest>)
}

function requestOf(document: OpenApi, operation: Operation, callers: number): fc.Arbitrary<FuzzRequest> {
  const parameters = (place: string) => operation.parameters.filter((parameter) => parameter.in === place)
  const path = Object.fromEntries(
    parameters("path").map(({ name, schema }) => [
      name,
      fc.oneof(
        { weight: 12, arbitrary: fc.nat(20).map((nth): IdOf | string => new IdOf(pathName(operation, name), nth)) },
        { weight: 1, arbitrary: schema.format === "uuid" ? fc.uuid() : fc.constant("x") },
        {
          weight: 1,
          arbitrary: fc.constantFrom("%00", "%", "'", "a b", "x".repeat(300), "\u00e9", "%ff"),
        },
      ),
    ]),
  )
  const query = parameters("query").map(({ name, schema }) =>
    fc.option(
      fc
        .oneof({ weight: 4, arbitrary: allowed(document, schema, known, name) }, { weight: 1, arbitrary: odd })
        .map((value) => [name, asText(value)] as const),
      { nil: undefined, freq: 2 },
    ),
  )
  return fc.record({
    operation: fc.constant(operation.name),
    path: fc.record(path),
    query: fc.tuple(...query).map((pairs) => pairs.filter((pair) => pair !== undefined)),
    body: bodies(document, operation),
    contentType: often(
      "application/json",
      fc.constantFrom("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""),
    ),
    idempotencyKey: often(undefined, fc.constantFrom("one", "two", "", "x".repeat(256), "\u00e9")),
    caller: fc.oneof(
      ...Array.from({ length: callers }, (_, nth) => ({
        weight: Math.max(1, 10 - 3 * nth),
        arbitrary: fc.constant(nth),
      })),
    ),
  })
}

function bodies(document: OpenApi, operation: Operation): fc.Arbitrary<FuzzRequest["body"]> {
  const schema = bodyOf(operation)
  if (schema === undefined)
    return often(undefined, fc.constantFrom({ json: {} }, { json: { surplus: 1 } }, { text: "{" }))
  const values = allowed(document, schema, known).map(oneAfterTheOther)
  return fc.oneof(
    { weight: 6, arbitrary: values.map((json) => ({ json })) },
    { weight: 4, arbitrary: broken(values).map((json) => ({ json })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        { text: "" },
        { text: "{" },
        { text: "[1," },
        { text: '{"a":1e999}' },
        { text: "\u0000" },
      ),
    },
  )
}

/**
 * Two instants of one body: nearly always an hour apart, because most random pairs would be refused for their order.
 */
function oneAfterTheOther(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  const { startAt } = value as { startAt?: unknown }
  if (typeof startAt !== "string" || !("endAt" in value) || startAt.endsWith("00:00:00.000Z")) return value
  return { ...value, endAt: new Date(Date.parse(startAt) + hourMs).toISOString() }
}
const hourMs = 3_600_000

/** The kind of thing that an `id` names: the part of the address before it. */
const pathName = ({ path }: Operation, name: string) =>
  name === "id" || name === "name" || name === "type" ? (path.split(`/{${name}}`)[0]?.split("/").at(-1) ?? name) : name

const often = <T>(usual: T, otherwise: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: otherwise })

const asText = (value: unknown): string =>
  typeof value === "string"
    ? value
    : value instanceof IdOf
      ? `ref:${value.name}:${value.nth}`
      : (JSON.stringify(value) ?? "")
