/**
 * How a route is described in the OpenAPI document: `{ detail: describe({ summary, body, answer, … }) }` beside its
 * handler. The Schemas are those that decode the request, so the document cannot promise anything else.
 */
import * as Schema from "effect/Schema"
import { sentencesOf } from "#base/schema/rule.ts"
import { type Audited, auditRuleOf, auditSentence, declareAudited } from "./audited.ts"
import { readBody } from "./body.ts"
import { type BodySize, bodyLimits } from "./body-limits.ts"

export interface RouteDescription {
  /** One line, imperative. */
  readonly summary: string
  readonly description?: string
  /** The heading under which it appears, such as "Bookings". */
  readonly tag: string
  readonly body?: Schema.Constraint
  /** A Struct of the query's parameters. */
  readonly query?: Schema.Constraint
  /** A Struct of the headers that the route reads, by their names. */
  readonly headers?: Schema.Constraint
  /** The body of the answer. Left out: there is none, or it is a text of the `mediaType`. */
  readonly answer?: Schema.Constraint
  /** Status of the answer; default 200, or 204 when there is no body. */
  readonly status?: number
  /** Other statuses with the same answer, such as 200 beside 201 when the thing existed already. */
  readonly also?: readonly number[]
  /** The route answers 304, without a body, to an `If-None-Match` that still holds. */
  readonly cached?: true
  /** The media type of an answer that is not JSON, such as "text/event-stream". */
  readonly mediaType?: string
  /** Types of the events that the route records. */
  readonly events?: readonly string[]
  /** The row that each command of the route adds to the audit trail. */
  readonly audited?: Audited
  /** The route needs no caller. */
  readonly open?: true
  /** The limits of its body; default: those of open routes on an open route, and the usual ones elsewhere. */
  readonly bodySize?: BodySize
  /** No rate limits the route. */
  readonly unlimited?: true
  /** Statuses of problem documents beyond those that every such route may answer. */
  readonly problems?: readonly number[]
}

/**
 * `.post(path, handler, described({ … }))` describes the route. For the typed client (src/api/client.ts) it also
 * gives the body and the query as they are on the wire. That part is a type alone: at run time only the route's own
 * decoding reads the body and the query. The body is read and parsed here, within the limits that are described.
 */
export function described<const Route extends RouteDescription>(route: Route) {
  const limits = bodyLimits[sizeOf(route)]
  const parse = ({ request }: { readonly request: Request }) => readBody(request, limits)
  return { detail: describe(route), parse, ...hooksOf(route) } as unknown as {
    detail: ReturnType<typeof describe>
  } & Typed<Route, "body"> &
    Typed<Route, "query">
}

const sizeOf = ({ bodySize, open }: RouteDescription): BodySize => bodySize ?? (open ? "open" : "usual")
/** The declaration reaches the commands of a request by its own hook, because a description has no address. */
function hooksOf({ audited }: RouteDescription) {
  if (audited === undefined) return {}
  const rule = auditRuleOf(audited)
  return { beforeHandle: ({ request }: { readonly request: Request }) => declareAudited(request, rule) }
}

type Typed<Route, Part extends "body" | "query"> = Route extends {
  readonly [P in Part]: infer S extends Schema.Constraint
}
  ? { [P in Part]: OnTheWire<S["Encoded"]> }
  : unknown
interface OnTheWire<Value> {
  readonly "~standard": { readonly types?: { readonly input: Value; readonly output: Value } }
}

/** The place of a route's own description in its detail. A symbol, so that the document does not have it. */
export const describedBy: unique symbol = Symbol("described by")

/** The JSON Schema of an answer that is a page of a list. */
export const listOf = (item: Schema.Constraint) =>
  Schema.Struct({ data: Schema.Array(item), next: Schema.NullOr(Schema.String) })

function describe(route: RouteDescription) {
  const { summary, tag, body, query, mediaType = "application/json" } = route
  const answer = route.answer ?? (route.mediaType === undefined ? undefined : Schema.String)
  const status = route.status ?? (answer ? 200 : 204)
  return {
    [describedBy]: route,
    summary,
    description: [route.description, eventsOf(route.events), route.audited && auditSentence(route.audited)]
      .filter(Boolean)
      .join("\n\n"),
    tags: [tag],
    ...(route.open && { security: [] }),
    // The generator overwrites `parameters` on routes that have some in their path; see openapi.ts.
    ...(route.audited && { "x-audited": auditRuleOf(route.audited).action }),
    "x-query": [
      ...(query ? parametersOf(query, "query") : []),
      ...(route.headers ? parametersOf(route.headers, "header") : []),
    ],
    // On routes whose method has a body; openapi.ts takes it from the others.
    "x-max-body-bytes": bodyLimits[sizeOf(route)].bytes,
    ...(body && { requestBody: requestBodyOf(body) }),
    responses: {
      ...Object.fromEntries(
        [status, ...(route.also ?? [])].map((status) => [
          status,
          {
            description: descriptions[status] ?? "The answer",
            ...(answer && { content: { [mediaType]: { schema: jsonSchemaOf(answer) } } }),
          },
        ]),
      ),
      ...(route.cached && { 304: { description: "Not modified" } }),
      ...Object.fromEntries(statusesOf(route).map((status) => [status, { $ref: `#/components/responses/${status}` }])),
    },
  }
}

/** The rules stand in the description, because no JSON Schema can say them. */
const requestBodyOf = (body: Schema.Constraint) => ({
  required: true,
  ...rulesIn(body),
  content: { "application/json": { schema: jsonSchemaOf(body) } },
})

function rulesIn(schema: Schema.Constraint): { readonly description?: string } {
  const rules = sentencesOf(schema)
  if (rules.length === 0) return {}
  return { description: `Rules beyond the schema:\n${rules.map((each) => `- ${each}`).join("\n")}` }
}

const descriptions: Readonly<Record<number, string>> = {
  201: "Created",
  202: "Accepted, and not done yet",
  204: "Done",
}

/** Schemas with an identifier appear once in the document. */
export const components: Record<string, unknown> = {}

export function jsonSchemaOf(schema: Schema.Constraint): Record<string, unknown> {
  const document = Schema.toJsonSchemaDocument(schema, {
    onExcessProperty: "error",
    includeAnnotationKey: (key) => key === "format",
  })
  for (const [name, definition] of Object.entries(document.definitions)) components[name] = withReferences(definition)
  return withReferences(document.schema) as Record<string, unknown>
}

function withReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withReferences)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(isEmptyStruct(value) ? noFields : value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string"
        ? inner.replace("#/$defs/", "#/components/schemas/")
        : withReferences(inner),
    ]),
  )
}

/** JSON Schema gives a Struct without fields as "anything but null". The routes take an object without fields. */
const isEmptyStruct = (schema: object) => "not" in schema && Bun.deepEquals(schema.not, { type: "null" })
const noFields = { type: "object", additionalProperties: false }

function parametersOf(query: Schema.Constraint, place: "query" | "header"): object[] {
  const { properties = {}, required = [] } = jsonSchemaOf(query) as {
    properties?: Record<string, { description?: string; format?: string; examples?: unknown }>
    required?: string[]
  }
  // An example of an optional parameter would be sent by whoever tries the page without reading it.
  return Object.entries(properties).map(([name, { description, examples: _examples, ...schema }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description && { description }),
    // In an address a number is written as text. The document says that the text is a number.
    schema: schema.format === "int32" ? { ...schema, type: "integer" } : schema,
  }))
}

const eventsOf = (events: readonly string[] = []) =>
  events.length === 0 ? "" : `Records ${events.map((type) => `\`${type}\``).join(", ")}.`

const statusesOf = ({ body, query, open, unlimited, problems = [] }: RouteDescription) =>
  [
    ...new Set([
      ...(open ? [] : [401, 403, 404]),
      ...(unlimited ? [] : [429]),
      ...(body ? [413, 415, 422] : query ? [422] : []),
      ...problems,
    ]),
  ].sort()
