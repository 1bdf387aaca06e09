// The limits of request bodies. Each Schema has an end, and the largest body that it allows fits into the limits of its
// route. What is larger or more complex is refused before any work.

import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test"
import { connect } from "node:net"
import { type Listening, listen } from "#api/listen.ts"
import { documentOf } from "#api/openapi.ts"
import { createServer } from "#api/server.ts"
import { maxAddressLength, maxParameters } from "#http/addresses.ts"
import { bodyLimits } from "#http/body-limits.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { largestOf } from "#test/harness/openapi/largest.ts"
import { partsOf, rawRequest } from "#test/harness/outside/raw-request.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let api: TestApi
let listening: Listening
let port: number

beforeAll(async () => {
  api = await testApi()
  listening = await listen(createServer(api.app), { host: "127.0.0.1", port: 0 })
  port = Number(new URL(listening.address).port)
})
afterAll(async () => {
  await listening.stop()
  await api.database.drop()
})

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> }
  readonly parameters: readonly { readonly in: string; readonly name: string; readonly schema: object }[]
  readonly "x-max-body-bytes"?: number
}

function operations() {
  const { paths, components } = documentOf(createServer(api.app))
  return {
    schemas: components.schemas,
    list: Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({
        name: `${method} ${path}`,
        method,
        operation,
        schema: operation.requestBody?.content["application/json"]?.schema,
      })),
    ),
  }
}

describe("the Schemas of requests", () => {
  test("set an end to every text, list and record of a body, and to every parameter of a query", () => {
    const { list, schemas } = operations()
    const parameters = list.flatMap(({ name, operation }) =>
      operation.parameters
        .filter((parameter) => parameter.in === "query")
        .map((parameter) => ({ name: `${name} ?${parameter.name}`, schema: parameter.schema })),
    )
    const bodies = list.flatMap(({ name, schema }) => (schema === undefined ? [] : [{ name, schema }]))
    expect([bodies.length, parameters.length].every((count) => count > 50)).toBe(true)
    const unbounded = [...bodies, ...parameters].flatMap(({ name, schema }) =>
      largestOf(schema, schemas).unbounded.map((place) => `${name} ${place}`),
    )
    expect(unbounded).toEqual([])
  })

  test("allow no larger body than their route takes", () => {
    const { list, schemas } = operations()
    const tooLarge = list.flatMap(({ name, operation, schema }) => {
      if (schema === undefined) return []
      const { bytes, elements, depth } = largestOf(schema, schemas)
      // Uploads state no limit; their JSON has the large one.
      const stated = operation["x-max-body-bytes"] ?? bodyLimits.large.bytes
      const limits = Object.values(bodyLimits).find((each) => each.bytes === stated)
      return limits && bytes <= limits.bytes && elements <= limits.elements && depth <= limits.depth
        ? []
        : [`${name}: ${bytes} bytes, ${elements} values, ${depth} deep`]
    })
    expect(tooLarge).toEqual([])
  })

  test.each<[what: string, schema: object, unbounded: string[]]>([
    ["a text", { type: "string" }, ["body"]],
    ["a text with an open pattern", { type: "string", pattern: "^[a-z]+$" }, ["body"]],
    ["a text with a pattern that is not anchored", { type: "string", pattern: "[a-z]" }, ["body"]],
    ["a list", object({ a: { type: "array", items: { type: "boolean" } } }), ["body.a"]],
    ["a text in a list", object({ a: { type: "array", maxItems: 2, items: { type: "string" } } }), ["body.a[]"]],
    ["a record", { type: "object", additionalProperties: { type: "boolean" } }, ["body"]],
    ["a record of texts", { type: "object", maxProperties: 2, additionalProperties: { type: "string" } }, ["body.*"]],
    ["an object with any fields", { type: "object", properties: {} }, ["body", "body.*"]],
    ["anything", object({ a: {} }), ["body.a"]],
    ["a Schema within itself", { $ref: "#/components/schemas/Tree" }, ["body.child"]],
    ["one of two", { anyOf: [{ type: "null" }, { type: "string" }] }, ["body"]],
    ["a text with a length", { type: "string", allOf: [{ maxLength: 3 }] }, []],
    ["a text with a closed pattern", { type: "string", pattern: "^[+*]\\+\\d{1,3}$" }, []],
  ])("without an end are found: %s", (_, schema, unbounded) => {
    const tree = object({ child: { $ref: "#/components/schemas/Tree" } })
    expect(largestOf(schema, { Tree: tree }).unbounded).toEqual(unbounded)
  })

  test("that allow more than a limit are measured", () => {
    const list = { type: "array", maxItems: 10, items: object({ a: { type: "string", maxLength: 100 } }) }
    expect(largestOf(list, {})).toEqual({ bytes: 2 + 10 * (1 + 2 + 5 + 402), elements: 21, depth: 2, unbounded: [] })
  })
})

test("every route whose method has a body reads it within limits, and states them", () => {
  const bare = createServer(api.app).routes.flatMap(({ method, path, hooks }) => {
    if (["GET", "HEAD", "WS"].includes(method)) return []
    return isDescribed(hooks) ? [] : [`${method} ${path}`]
  })
  // Pages for browsers, outside of the document. They read their forms within the limits of open routes; see the tests
  // of account-pages, booking-links and unsubscribing. Notifications have a limit of their own; see channels.test.ts.
  // The session of the booking page reads no body.
  expect(bare).toEqual([
    "POST /account-links/:token",
    "POST /unsubscribe/:token",
    "POST /calendar-channels/:facilityId/:id",
    "POST /booking-links/:token",
    "PUT /f/session",
    "POST /f/session",
    "DELETE /f/session",
  ])
  const sizes: unknown[] = Object.values(bodyLimits).map(({ bytes }) => bytes)
  const unstated = operations().list.filter(
    ({ method, operation }) =>
      method !== "get" &&
      !operation.requestBody?.content["multipart/form-data"] &&
      !sizes.includes(operation["x-max-body-bytes"]),
  )
  expect(unstated.map(({ name }) => name)).toEqual([])
})

test("the manual states the limits", async () => {
  const manual = await Bun.file(`${import.meta.dir}/../../docs/http.md`).text()
  const number = (value: number) => value.toLocaleString("en")
  for (const { bytes, elements, depth } of Object.values(bodyLimits))
    expect(manual).toContain(`${number(bytes)} bytes, ${number(elements)} values, ${depth} deep`)
  expect(manual).toContain(`| address | ${number(maxAddressLength)} characters |`)
  expect(manual).toContain(`| parameters of a query | ${maxParameters} |`)
})

describe("a body", () => {
  const { bytes, depth, elements } = bodyLimits.open
  const send = async (body: string | ReadableStream, path = "/v1/sessions") => {
    const headers = { "content-type": "application/json" }
    const answer = await createServer(api.app).handle(
      new Request(`http://slotbase.test${path}`, { method: "POST", body, headers }),
    )
    return `${answer.status} ${((await answer.json()) as { code: string }).code}`
  }
  const chunked = (text: string) => new Blob([text]).stream()
  const ofLength = (length: number) => `{"email":"${"x".repeat(length - 12)}"}`

  test.each<[what: string, body: () => string, answer: string]>([
    ["of the most bytes", () => ofLength(bytes), "422 invalid_input"],
    ["of one byte more", () => ofLength(bytes + 1), "413 body_too_large"],
    ["of a mebibyte", () => ofLength(1024 * 1024), "413 body_too_large"],
    ["that is as deep as it may", () => "[".repeat(depth) + "]".repeat(depth), "422 invalid_input"],
    ["that is deeper", () => "[".repeat(depth + 1) + "]".repeat(depth + 1), "422 body_too_complex"],
    [
      "of objects that is deeper",
      () => `${'{"a":'.repeat(depth + 1)}1${"}".repeat(depth + 1)}`,
      "422 body_too_complex",
    ],
    ["that is only opened", () => "[".repeat(bytes), "422 body_too_complex"],
    ["with the most values", () => `[${"1,".repeat(elements - 1)}1]`, "422 invalid_input"],
    ["with more values", () => `[${"1,".repeat(elements)}1]`, "422 body_too_complex"],
    ["with more fields", () => JSON.stringify(fields(elements + 1)), "422 body_too_complex"],
    ["with brackets and commas in a text", () => JSON.stringify({ email: '[{,\\",'.repeat(200) }), "422 invalid_input"],
    ["with a long number", () => `{"email":${"1".repeat(64)}}`, "422 invalid_input"],
    ["with a longer number", () => `{"email":${"1".repeat(65)}}`, "422 body_too_complex"],
    ["with a text that does not end", () => `{"email":"${"\\".repeat(99)}`, "422 malformed_json"],
    ["that is indented", () => JSON.stringify({ email: 1 }, null, 80), "422 invalid_input"],
  ])("%s, with its length stated or not", async (_, body, answer) => {
    const before = await api.rows()
    expect([await send(body()), await send(chunked(body()))]).toEqual([answer, answer])
    expect(await api.rows()).toEqual(before)
  })

  test("has the limits of its route: larger on others than on open ones", async () => {
    for (const [path, limit] of [
      ["/v1/organizations", bodyLimits.usual],
      ["/v1/facilities/01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01/webhooks", bodyLimits.large],
    ] as const) {
      expect(await send(ofLength(limit.bytes), path)).toBe("401 not_authenticated")
      expect(await send(ofLength(limit.bytes + 1), path)).toBe("413 body_too_large")
    }
  })

  test("with many faults is answered with fifty, and with no more of a made-up name than a hundred characters", async () => {
    const { body } = await api.call("POST", "/v1/organizations", { body: fields(900) })
    expect([body.code, body.errors.length]).toEqual(["invalid_input", 50])
    const named = await api.call("POST", "/v1/organizations", { body: { name: "x", ["n".repeat(5_000)]: 1 } })
    expect(named.body.errors).toEqual([{ path: `body.${"n".repeat(100)}…`, message: "Expected no excess property" }])
  })

  test("that is announced too large is refused before a byte of it has come", async () => {
    const head = `POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes + 1}\r\n\r\n`
    const answer = partsOf(await rawRequest(port, head))
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([413, "body_too_large"])
  })

  test("may be as large as the largest upload, on the routes that take one", async () => {
    // Bun's own limit would answer before the route, and without a problem document.
    const length = api.app.config.maxUploadBytes
    const path = "/v1/facilities/01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01/feedback"
    const head = `Host: a\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${length}\r\n\r\n`
    const statusOf = async (address: string) => {
      const { status, body } = partsOf(await rawRequest(port, `POST ${address} HTTP/1.1\r\n${head}`))
      return `${status} ${JSON.parse(body).code}`
    }
    expect(await statusOf(path)).toBe("401 not_authenticated")
    expect(await statusOf("/v1/sessions")).toBe("413 body_too_large")
  })

  test.each([
    ["with its length stated", "Content-Length: 500\r\n\r\n{"],
    ["in pieces", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"],
  ])("that ends early is counted and not logged: %s", async (_, rest) => {
    const counted = async () =>
      Number(
        /^slotbase_requests_aborted_total (\d+)$/m.exec(
          await (await fetch(`${listening.address}/metrics`)).text(),
        )?.[1],
      )
    const before = await counted()
    const logged = spyOn(console, "error").mockImplementation(() => {})
    try {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(`POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${rest}`, () =>
          // The request must have reached the server before the connection ends.
          fetch(`${listening.address}/healthz`).finally(() => socket.destroy()),
        )
      })
      await eventually(async () => expect(await counted()).toBe(before + 1))
      expect(logged).not.toHaveBeenCalled()
    } finally {
      logged.mockRestore()
    }
  })
})

/** What `described` adds to a route. */
const isDescribed = (hooks: unknown) => {
  const { parse, detail } = hooks as { readonly parse?: unknown; readonly detail?: { readonly tags?: unknown } }
  return parse !== undefined && detail?.tags !== undefined
}

const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`field${i}`, i]))

function object(properties: object) {
  return { type: "object", properties, additionalProperties: false }
}
