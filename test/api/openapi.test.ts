// The OpenAPI document: every route is in it with its input and its answers, and its page needs no network.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { documentOf } from "#api/openapi.ts"
import { createServer } from "#api/server.ts"
import { oneLinePattern } from "#base/schema/text-fields.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"

interface Operation {
  summary?: string
  tags?: string[]
  parameters?: { name: string; in: string; schema: object }[]
  requestBody?: { content: Record<string, { schema: object }> }
  responses: Record<string, { content?: Record<string, { schema: object }>; $ref?: string }>
  security?: object[]
}

let api: TestApi
let document: { openapi: string; paths: Record<string, Record<string, Operation>>; components: object }

beforeAll(async () => {
  api = await testApi()
  document = (await api.call("GET", "/openapi/json", { token: null })).body
})
afterAll(() => api.database.drop())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ name: `${method} ${path}`, method, path, operation })),
  )

test("every address below /v1 is in the document, and the document names no other", () => {
  const routes = createServer(api.app).routes.filter(
    ({ path, method }) => path.startsWith("/v1/") && method !== "WS" && !path.startsWith("/v1/live"),
  )
  const names = routes.map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:([^/]+)/g, "{$1}")}`)
  const documented = operations().map(({ name }) => name)
  expect(names.filter((name) => !documented.includes(name))).toEqual([])
  expect(documented.filter((name) => name.includes(" /v1/") && !name.includes("/v1/live")).sort()).toEqual(names.sort())
})

test("every operation has a summary, a heading, an answer and its problems", () => {
  for (const { name, path, operation } of operations().filter(({ path }) => path.startsWith("/v1/"))) {
    expect({ name, summary: operation.summary, tags: operation.tags }).toEqual({
      name,
      summary: expect.stringMatching(/^[A-Z]/),
      tags: [expect.any(String)],
    })
    const statuses = Object.keys(operation.responses)
    expect({ name, answers: statuses.filter((status) => status < "300").length > 0 }).toEqual({ name, answers: true })
    if (operation.security === undefined)
      expect({ name, statuses }).toEqual({ name, statuses: expect.arrayContaining(["401"]) })
    const named = [...path.matchAll(/\{([^}]+)\}/g)].map(([, parameter]) => parameter)
    const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === "path")
    expect({ name, inPath: inPath.map((parameter) => parameter.name) }).toEqual({ name, inPath: named as string[] })
  }
})

test("the metrics are plain text", () => {
  const { responses } = document.paths["/metrics"]?.get ?? { responses: {} }
  expect(Object.keys(responses).filter((status) => status < "300")).toEqual(["200"])
  expect(Object.keys(responses["200"]?.content ?? {})).toEqual(["text/plain"])
})

test("every POST takes an Idempotency-Key", () => {
  for (const { name, method, operation } of operations()) {
    const headers = (operation.parameters ?? []).filter((parameter) => parameter.in === "header")
    const takesKey = headers.some((parameter) => parameter.name === "Idempotency-Key")
    expect({ name, takesKey }).toEqual({ name, takesKey: method === "post" })
  }
})

test("every reference has its target", () => {
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)
  const broken = [...references]
    .map(([, path]) => path ?? "")
    .filter(
      (path) =>
        path.split("/").reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document) === undefined,
    )
  expect([...new Set(broken)]).toEqual([])
})

test("the bodies and queries are the ones that the routes decode", () => {
  const line = {
    pattern: oneLinePattern.source,
    allOf: [{ pattern: "^[^\\s\\u200c\\u200d\\ufe00-\\ufe0f](?:[\\s\\S]*[^\\s\\u200c\\u200d])?$" }],
  }
  const create = document.paths["/v1/facilities/{facilityId}/resources"]?.post
  expect(create?.requestBody?.content["application/json"]?.schema).toEqual({
    type: "object",
    properties: {
      name: { type: "string", maxLength: 200, ...line },
      resourceType: { type: "string", maxLength: 60, ...line },
      hourlyPrice: {
        type: "integer",
        minimum: 0,
        maximum: 1_000_000_000_000,
        description: "minor units of the facility's currency",
      },
    },
    required: ["name", "resourceType"],
    additionalProperties: false,
  })
  const list = document.paths["/v1/facilities/{facilityId}/resources"]?.get
  expect(list?.parameters?.map(({ name, schema }) => [name, schema])).toEqual([
    ["facilityId", { type: "string", format: "uuid" }],
    ["limit", { type: "integer", format: "int32", minimum: 1, maximum: 200 }],
    ["after", { type: "string", minLength: 0, maxLength: 1000, pattern: "^[^\\u0000\\ud800-\\udfff]*$" }],
    ["resourceType", { type: "string", maxLength: 60, ...line }],
    ["isActive", { type: "string", enum: ["true", "false"] }],
  ])
})

test("the page and everything that it loads come from this server", async () => {
  const server = createServer(api.app)
  const get = (path: string) => server.handle(new Request(`http://slotbase.test${path}`))
  const page = await get("/openapi")
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8")
  const html = await page.text()
  const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address ?? "")
  expect(loaded.filter((address) => !address.startsWith("/openapi/") && address !== "data:,")).toEqual([])
  for (const address of loaded.filter((address) => address.startsWith("/"))) {
    const part = await get(address)
    expect({ address, status: part.status, empty: (await part.text()) === "" }).toEqual({
      address,
      status: 200,
      empty: false,
    })
  }
  expect(page.headers.get("content-security-policy")).toStartWith("default-src 'none'; script-src 'self';")
})

test("the document is the checked-in one, so that a changed public shape shows up in the diff", async () => {
  const file = Bun.file(join(import.meta.dir, "../../docs/openapi.json"))
  const present = `${JSON.stringify(inOrder(documentOf(createServer(api.app))), null, 2)}\n`
  if (process.env.SLOTBASE_RECORD_OPENAPI === "on") await Bun.write(file, present)
  const recorded = (await file.exists()) ? await file.text() : ""
  if (recorded !== present) {
    throw new Error(
      `The API has changed in ${differences(recorded, present)}. If that is wanted, record it with ` +
        "SLOTBASE_RECORD_OPENAPI=on bun test test/api/openapi.test.ts, and look at the diff of docs/openapi.json.",
    )
  }
})

/** Sorts addresses and schemas by name: moving a route in the program must not change the document. */
function inOrder(document: ReturnType<typeof documentOf>): object {
  const { paths, components } = document
  const sorted = (record: object) => Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
  return { ...document, paths: sorted(paths), components: { ...components, schemas: sorted(components.schemas) } }
}

function differences(recorded: string, present: string): string {
  const [before, now] = [recorded || "{}", present].map(
    (text) => (JSON.parse(text) as { paths?: object }).paths ?? {},
  ) as [Record<string, unknown>, Record<string, unknown>]
  const changed = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (path) => JSON.stringify(before[path]) !== JSON.stringify(now[path]),
  )
  return changed.length > 0 ? changed.slice(0, 20).join(", ") : "its components"
}

test("no number of the document may be infinite, in requests and in answers", () => {
  expect([...JSON.stringify(document).matchAll(/.{0,60}"(?:-?Infinity|NaN)"/g)].map(([found]) => found)).toEqual([])
})
