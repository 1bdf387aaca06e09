/**
 * The API's own description: /openapi/json is made from the routes and their Schemas, and /openapi shows it. This
 * server delivers the page and its scripts (swagger-ui-dist), so the page works without a network.
 */
import { toOpenAPISchema } from "@elysiajs/openapi"
import { type AnyElysia, Elysia } from "elysia"
import { version } from "#base/version.ts"
import { components } from "#http/describe.ts"
import { keyPattern, maxKeyLength } from "#http/idempotency.ts"
import { cachedDocument } from "./cached-document.ts"
import { exampleBodies, exampleParameters } from "./examples.ts"
import { page, start } from "./openapi-page.ts"
import { openApiWebhookHeaders, openApiWebhooks } from "./openapi-webhooks.ts"
import { eventSchemas } from "./webhook-messages.ts"

/** @param server Called at the first request for the document, when all routes are known. */
export function openApiRoutes(server: () => AnyElysia) {
  const document = cachedDocument(() => documentOf(server()), headers("application/json"))
  return new Elysia({ name: "openapi", detail: { hide: true } })
    .get("/openapi", () => new Response(page, { headers: headers("text/html; charset=utf-8") }))
    .get("/openapi/json", ({ request }) => document(request))
    .get("/openapi/start.js", () => new Response(start, { headers: headers("text/javascript; charset=utf-8") }))
    .get("/openapi/viewer.js", () => viewer("swagger-ui-bundle.js", "text/javascript; charset=utf-8"))
    .get("/openapi/viewer.css", () => viewer("swagger-ui.css", "text/css; charset=utf-8"))
}

/** The OpenAPI 3.1 document of a server's routes. */
export function documentOf(server: AnyElysia) {
  const { paths } = toOpenAPISchema(server, { staticFile: false, methods: [] })
  return {
    openapi: "3.1.0",
    info: { title: "SlotBase", version, description },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }],
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, item]) => [
        path,
        mapValues(item as Item, (operation, method) =>
          withExample(withParameters(operation, path, method), path, method),
        ),
      ]),
    ),
    webhooks: openApiWebhooks(),
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", description: "A session's token or an API key." } },
      schemas: { ...components, ...eventSchemas(), Problem: problem },
      parameters: openApiWebhookHeaders(),
      responses: mapValues(problems, (description) => ({
        description,
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      })),
    },
  }
}

const description = `Bookings of sports facilities, and an event for everything that happens.

Lists are \`{ data, next }\`: send \`next\` as \`after\` to go on. Instants are UTC, money is minor units of its currency.
Failures are problem documents (RFC 9457) with a stable \`code\`. Every POST takes an \`Idempotency-Key\`: the same request
with the same key happens once, within 24 hours. Answers to commands name their events in \`X-SlotBase-Event-IDs\` and carry
an \`X-Correlation-ID\`, which is taken from the request when it is a UUID. A body has at most \`x-max-body-bytes\` bytes,
which each operation states; a larger one is answered with 413 and not read. Every caller has a rate: answers say in
\`RateLimit\` what is left of it, and a 429 says in \`Retry-After\` when to ask again.`

type Item = Record<string, Operation>
interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: object
}
interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly "x-query"?: readonly Parameter[]
  readonly "x-max-body-bytes"?: number
  readonly requestBody?: { readonly content: Readonly<Record<string, object>> }
  readonly [more: string]: unknown
}

/**
 * The generator finds only the parameters of paths, and does not know that SlotBase's are ids. `x-query` has
 * those of the query and the headers.
 */
function withParameters(operation: Operation, path: string, method: string): Operation {
  const { "x-query": query = [], "x-max-body-bytes": maxBodyBytes, parameters = [], ...rest } = operation
  const ofPath = parameters.map((parameter) =>
    /id$/i.test(parameter.name) ? { ...parameter, schema: { type: "string", format: "uuid" } } : parameter,
  )
  const needed = [...ofPath, ...query].map((parameter) => {
    const example = exampleParameters[keyOf(parameter, path)]
    return parameter.required && example !== undefined ? { ...parameter, example } : parameter
  })
  const limit = method === "get" || maxBodyBytes === undefined ? {} : { "x-max-body-bytes": maxBodyBytes }
  return { ...rest, ...limit, parameters: [...needed, ...(method === "post" ? [idempotencyKey] : [])] }
}

/** A parameter such as `{id}` is told by the part of the address before it. */
const keyOf = ({ name, in: place }: Parameter, path: string) =>
  place === "path" && /^(id|name|type)$/.test(name) ? (path.split(`/{${name}}`)[0]?.split("/").at(-1) ?? name) : name

function withExample(operation: Operation, path: string, method: string): Operation {
  const body = exampleBodies[`${method.toUpperCase()} ${path}`]
  const { requestBody } = operation
  if (body === undefined || requestBody === undefined) return operation
  const content = mapValues(requestBody.content, (media, type) =>
    type === "multipart/form-data" ? formWithExample(media as Form, body as Fields) : { ...media, example: body },
  )
  return { ...operation, requestBody: { ...requestBody, content } }
}

type Fields = Readonly<Record<string, unknown>>
interface Form {
  readonly schema: { readonly properties: Readonly<Record<string, { readonly type?: string }>> }
}

/**
 * A form has the fields of the JSON body, some of them as JSON. The viewer fills each field from its own Schema, not
 * from the example of the form.
 */
function formWithExample({ schema, ...form }: Form, body: Fields): object {
  const example = mapValues(body, (value, name) =>
    schema.properties[name]?.type === "string" && typeof value !== "string" ? JSON.stringify(value) : value,
  )
  const properties = mapValues(schema.properties, (field, name) =>
    Object.hasOwn(example, name) ? { ...field, examples: [example[name]] } : field,
  )
  return { ...form, schema: { ...schema, properties }, example }
}

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "Makes the request happen once: sent again within 24 hours it gets its first answer.",
  schema: { type: "string", minLength: 1, maxLength: maxKeyLength, pattern: keyPattern.source },
}

const problem = {
  type: "object",
  required: ["type", "title", "status", "detail", "code"],
  properties: {
    type: { type: "string", format: "uri" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", description: "Stable: programs branch on it." },
    errors: {
      type: "array",
      items: { type: "object", properties: { path: { type: "string" }, message: { type: "string" } } },
    },
    conflicts: {
      type: "array",
      items: {
        type: "object",
        properties: {
          startAt: { type: "string", format: "date-time" },
          endAt: { type: "string", format: "date-time" },
          status: { type: "string" },
        },
      },
    },
    alternatives: {
      type: "array",
      items: {
        type: "object",
        properties: {
          resourceId: { type: "string", format: "uuid" },
          startAt: { type: "string", format: "date-time" },
          endAt: { type: "string", format: "date-time" },
        },
      },
    },
    limit: {
      type: "object",
      description: "Of member_limit_reached: the limit of the booking policy.",
      properties: { name: { type: "string" }, per: { type: "string" }, atMost: { type: "integer" } },
    },
    usedBy: {
      type: "array",
      description: "Of member_limit_reached: the booker's bookings that use the limit up.",
      items: {
        type: "object",
        properties: {
          bookingId: { type: "string", format: "uuid" },
          resourceId: { type: "string", format: "uuid" },
          startAt: { type: "string", format: "date-time" },
          endAt: { type: "string", format: "date-time" },
          status: { type: "string" },
        },
      },
    },
  },
}

const problems: Readonly<Record<string, string>> = {
  400: "The request cannot be read.",
  401: "The caller is not known.",
  403: "The caller is known, but not allowed to do this.",
  404: "Not there, or in a facility that the caller may not see.",
  409: "The state of things stands against it.",
  410: "It is gone, and does not come back.",
  412: "The client speaks another version of tus than 1.0.0.",
  413: "The body is too large.",
  415: "The body is not of the type that is taken here.",
  416: "The content has no such range of bytes.",
  422: "The input does not parse, or is against a rule.",
  460: "The checksum of the part is another one.",
  429: "Too many requests; see Retry-After.",
  503: "The database does not answer; see Retry-After.",
}

const mapValues = <A, B>(record: Readonly<Record<string, A>>, fn: (value: A, key: string) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, fn(value, key)]))

const headers = (type: string) => ({
  "content-type": type,
  "cache-control": "no-cache",
  "x-content-type-options": "nosniff",
  // The viewer sets inline styles; all scripts come from this server.
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'",
})

const viewer = (file: string, type: string) =>
  new Response(Bun.file(Bun.resolveSync(`swagger-ui-dist/${file}`, import.meta.dir)), { headers: headers(type) })
