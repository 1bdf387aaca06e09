// Problem documents: every failure has one, with the right headers and no internals.

import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import { createConnection } from "node:net"
import { Elysia } from "elysia"
import { createServer } from "#api/server.ts"
import { connect } from "#base/database/db.ts"
import { QueryTimedOut } from "#base/database/errors.ts"
import {
  BlockedByHook,
  CoachTaken,
  type Conflict,
  InvalidInput,
  NotAllowed,
  NotAuthenticated,
  NotFound,
  RuleBroken,
  SlotTaken,
  StillInFlight,
  TooMany,
  Unavailable,
  WrongState,
} from "#base/errors.ts"
import type { App } from "#http/app.ts"
import { api as base } from "#http/route.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { freePort, rootKey } from "#test/harness/setup/system.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())

const throwing = (error: unknown, app: App = api.app) =>
  new Elysia()
    .use(base(app))
    .get("/v1/things/:id", () => {
      throw error
    })
    .handle(new Request("http://slotbase.test/v1/things/7?token=secret"))

const slot = { startAt: "2026-03-12T17:00:00.000Z", endAt: "2026-03-12T18:00:00.000Z" }
const conflicts = [{ ...slot, status: "confirmed" }]
const alternatives = [{ ...slot, resourceId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e03" }]
const faults = [{ path: "body.startAt", message: "Expected an instant" }]

const domain: [error: Error, document: Record<string, unknown>, headers?: Record<string, string>][] = [
  [new InvalidInput(faults), { status: 422, title: "Invalid input", code: "invalid_input", errors: faults }],
  [new RuleBroken("closed", "It is closed."), { status: 422, title: "Against a rule", code: "closed" }],
  [
    new RuleBroken("closed", "It is closed.", faults),
    { status: 422, title: "Against a rule", code: "closed", errors: faults },
  ],
  [
    new NotAuthenticated("Who?"),
    { status: 401, title: "Not authenticated", code: "not_authenticated" },
    { "www-authenticate": 'Bearer realm="slotbase"' },
  ],
  [new NotAllowed("No."), { status: 403, title: "Not allowed", code: "not_allowed" }],
  [new NotFound("booking", "7"), { status: 404, title: "Not found", code: "not_found" }],
  [
    new SlotTaken(conflicts, alternatives),
    { status: 409, title: "Slot taken", code: "slot_taken", conflicts, alternatives },
  ],
  [
    new CoachTaken([{ resourceId: "c", ...(conflicts[0] as Conflict) }], alternatives),
    {
      status: 409,
      title: "Coach taken",
      code: "coach_taken",
      conflicts: [{ resourceId: "c", ...conflicts[0] }],
      alternatives,
    },
  ],
  [new WrongState("not_held", "Not held."), { status: 409, title: "Wrong state", code: "not_held" }],
  [
    new BlockedByHook("weather", "It rains."),
    { status: 422, title: "Blocked by a hook", code: "blocked_by_hook", hook: "weather" },
  ],
  [
    new StillInFlight("Wait."),
    { status: 409, title: "Still in flight", code: "still_in_flight" },
    { "retry-after": "1" },
  ],
  [new TooMany(7), { status: 429, title: "Too many requests", code: "too_many_requests" }, { "retry-after": "7" }],
  [
    new Unavailable("reader_out", "Later.", 5),
    { status: 503, title: "Unavailable", code: "reader_out" },
    { "retry-after": "5" },
  ],
]

for (const [error, document, headers = {}] of domain) {
  test(`${error.name} (${document.code}) is a ${document.status}`, async () => {
    const answer = await throwing(error)
    expect(await answer.json()).toEqual({
      type: `urn:slotbase:problem:${document.code}`,
      detail: error.message,
      ...document,
    })
    expect(answer.status).toBe(document.status as number)
    expect(Object.fromEntries(answer.headers)).toEqual({
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-correlation-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
      ...headers,
    })
  })
}

test("a failure of the server is a 500 without details, and one line of log without secrets", async () => {
  const error = await api.database.db`select ${"my\nsecret"}::uuid`.catch((error: Error) => error)
  for (const failure of [error, new Error("line one\nline two"), "text"]) {
    const log = spyOn(console, "error").mockImplementation(() => {})
    const answer = await throwing(failure)
    const lines = log.mock.calls.map(([line]) => line as string)
    log.mockRestore()
    expect(await answer.json()).toEqual({
      type: "urn:slotbase:problem:internal_error",
      title: "Internal error",
      status: 500,
      detail: "Something went wrong on our side. Name the X-Correlation-ID when you report it.",
      code: "internal_error",
    })
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toInclude("\n")
    expect(lines[0]).not.toInclude("secret")
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "error",
      message: "request failed",
      correlationId: answer.headers.get("x-correlation-id"),
      method: "GET",
      route: "/v1/things/:id",
    })
  }
})

test("a client that hangs up before its body has ended leaves no line, however often and however the body is read", async () => {
  const spied = spyOn(console, "error").mockImplementation(() => {})
  const failures: unknown[] = []
  const read = { json: "json", text: "text", form: "formData", bytes: "bytes" } as const
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const how = read[new URL(request.url).pathname.slice(1) as keyof typeof read]
      await request[how]().catch((error: unknown) => failures.push(error))
      return new Response()
    },
  })
  try {
    for (const how of Object.keys(read)) {
      const type = how === "form" ? "multipart/form-data; boundary=x" : "application/json"
      const head = `POST /${how} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 1000\r\n\r\n{`
      const socket = createConnection(Number(server.port), "127.0.0.1", () => socket.write(head, () => socket.end()))
      await eventually(() => expect(failures).toHaveLength(Object.keys(read).indexOf(how) + 1))
      socket.destroy()
    }
    for (const failure of failures) await throwing(failure)
    expect(spied.mock.calls).toEqual([])
  } finally {
    spied.mockRestore()
    await server.stop(true)
  }
})

test("a database that cannot be reached, or does not answer, is a 503 with Retry-After", async () => {
  const db = connect(`postgres://nobody@127.0.0.1:${await freePort()}/none`, { applicationName: "test" })
  const log = spyOn(console, "error").mockImplementation(() => {})
  const server = createServer({ ...api.app, db })
  const headers = { authorization: `Bearer ${rootKey}` }
  const unreachable = await server.handle(new Request("http://slotbase.test/v1/me", { headers }))
  const late = await throwing(new QueryTimedOut("query", 10_000, true))
  expect(log).toHaveBeenCalledTimes(2)
  log.mockRestore()
  await db.end()
  // To the first one no connection was made, so nothing ran.
  const outcomes = ["Nothing of the request was kept", "Whether the request was carried out is not known"]
  for (const [nth, answer] of [unreachable, late].entries()) {
    expect(answer.headers.get("retry-after")).toBe("2")
    expect(await answer.json()).toEqual({
      type: "urn:slotbase:problem:database_unavailable",
      title: "Unavailable",
      status: 503,
      detail: `The database does not answer. ${outcomes[nth]}; ask again in a moment.`,
      code: "database_unavailable",
    })
  }
})

test("an unknown address is a 404, and a known one with another method is a 405 that names its methods", async () => {
  const unknown = await api.call("GET", "/v1/nothing")
  expect(unknown.body).toEqual({
    type: "urn:slotbase:problem:not_found",
    title: "Not found",
    status: 404,
    detail: "There is no such address; see /openapi.",
    code: "not_found",
  })
  const other = await api.call("PUT", "/v1/facilities/7/resources")
  expect(other.headers.get("allow")).toBe("GET, POST")
  expect(other.body).toEqual({
    type: "urn:slotbase:problem:method_not_allowed",
    title: "Method not allowed",
    status: 405,
    detail: "This address knows GET, POST.",
    code: "method_not_allowed",
  })
  const live = await api.call("POST", "/v1/live")
  expect([live.status, live.headers.get("allow")]).toEqual([405, "GET"])
})

test("a body that is no JSON, not UTF-8 or of another type is refused, and nothing is written", async () => {
  const before = await api.rows()
  const send = (body: string | Uint8Array<ArrayBuffer> | ReadableStream, type = "application/json") =>
    createServer(api.app).handle(
      new Request("http://slotbase.test/v1/users", { method: "POST", body, headers: { "content-type": type } }),
    )
  const cases = [
    [await send("{"), 422, "malformed_json", "The body is not JSON: Expected '}'."],
    [await send(new Uint8Array([0x22, 0xff, 0x22])), 422, "malformed_json", "The body is not UTF-8."],
    [
      await send("a=b", "application/x-www-form-urlencoded"),
      415,
      "unsupported_media_type",
      "Send JSON, with the header Content-Type: application/json.",
    ],
  ] as const
  for (const [answer, status, code, detail] of cases) {
    expect(await answer.json()).toMatchObject({ status, code, detail })
  }
  expect(await api.rows()).toEqual(before)
})

test("a body without a content type, or with a JSON one, is read as JSON", async () => {
  for (const type of ["application/json; charset=utf-8", "application/vnd.slotbase+json", ""]) {
    const answer = await api.call("POST", "/v1/users", { body: '{"email":7}', headers: { "content-type": type } })
    expect(answer.body.code).toBe("invalid_input")
  }
})

test("the correlation id is the request's when it is a UUID, and a new one otherwise", async () => {
  const id = "01994A3E-7C00-7A10-8F3E-1C5D0A9B2E24"
  const body = { name: "Hillside", timezone: "UTC", currency: "EUR" }
  const taken = await api.call("POST", "/v1/facilities", { body, headers: { "x-correlation-id": id } })
  expect(taken.headers.get("x-correlation-id")).toBe(id.toLowerCase())
  const [event] = await api.database.db`
    select correlation_id from slotbase.events where id = ${taken.headers.get("x-slotbase-event-ids")}`
  expect(event?.correlation_id).toBe(id.toLowerCase())
  const refused = await api.call("POST", "/v1/facilities", { body: {}, headers: { "x-correlation-id": id } })
  expect(refused.headers.get("x-correlation-id")).toBe(id.toLowerCase())
  const made = await api.call("POST", "/v1/facilities", { body, headers: { "x-correlation-id": "1; drop table" } })
  expect(made.headers.get("x-correlation-id")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
})

test("an event's context holds the address of the connection, not an address from a header", async () => {
  const server = createServer(api.app).listen({ hostname: "127.0.0.1", port: 0 })
  try {
    const answer = await fetch(`http://127.0.0.1:${server.server?.port}/v1/facilities`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${rootKey}`,
        "content-type": "application/json",
        "x-forwarded-for": "203.0.113.9",
        "user-agent": "x".repeat(1000),
      },
      body: JSON.stringify({ name: "Hillside", timezone: "UTC", currency: "EUR" }),
    })
    const [event] = await api.database.db`
      select metadata from slotbase.events where id = ${answer.headers.get("x-slotbase-event-ids")}`
    expect(event?.metadata).toEqual({
      environment: "development",
      clientIp: "127.0.0.1",
      userAgent: "x".repeat(256),
    })
  } finally {
    await server.stop(true)
  }
})
