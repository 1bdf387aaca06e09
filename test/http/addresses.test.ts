// Odd addresses, hosts and methods, as bytes on the wire. Each gets a plain answer, which names no file and no code.

import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test"
import { type Listening, listen } from "#api/listen.ts"
import { createOperationsServer, createServer } from "#api/server.ts"
import { maxAddressLength, maxParameters } from "#http/addresses.ts"
import { failureOutsideRoutes } from "#http/problems.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { partsOf, rawRequest } from "#test/harness/outside/raw-request.ts"
import { handshake } from "#test/harness/outside/raw-socket.ts"
import { rootKey } from "#test/harness/setup/system.ts"

let api: TestApi
const servers: Record<string, Listening> = {}

beforeAll(async () => {
  api = await testApi()
  const at = { host: "127.0.0.1", port: 0 }
  servers.api = await listen(createServer(api.app), at)
  servers.operations = await listen(createOperationsServer(api.app), at)
})
afterAll(async () => {
  for (const server of Object.values(servers)) await server.stop()
  await api.database.drop()
})

const portOf = (name: string) => Number(new URL(servers[name]?.address ?? "").port)
const request = (line: string, host?: string) =>
  `${line} HTTP/${host === undefined ? "1.0" : "1.1"}\r\n${host === undefined ? "" : `Host: ${host}\r\n`}Connection: close\r\n\r\n`

const long = (length: number) => `/${"x".repeat(length - 1)}`
const origin = "http://a.example"

/** What is sent, and the status with the code of the problem document. No code: the answer has no body. */
const odd: readonly [what: string, bytes: string, status: number, code?: string][] = [
  ["GET / over HTTP/1.0 without Host", request("GET /"), 404, "not_found"],
  ["GET of another address over HTTP/1.0 without Host", request("GET /nowhere?a=b"), 404, "not_found"],
  ["OPTIONS / over HTTP/1.0 without Host", request("OPTIONS /"), 404, "not_found"],
  ["OPTIONS of a route without Host", request("OPTIONS /healthz"), 405, "method_not_allowed"],
  ["OPTIONS *", request("OPTIONS *", "a.example"), 400],
  ["HTTP/1.1 without Host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
  ["an empty Host", request("GET /", ""), 404, "not_found"],
  ["a Host with spaces", request("GET /", "a b"), 400, "invalid_host"],
  ["a Host with a path", request("GET /", "a/b"), 400, "invalid_host"],
  ["a Host with a name and a password", request("GET /", "u:p@a"), 400, "invalid_host"],
  ["a Host with a port that is none", request("GET /", "a:99999"), 400, "invalid_host"],
  ["a Host with a bracket", request("GET /", "["), 400, "invalid_host"],
  ["a Host that is no text", request("GET /", "\u00e4"), 400, "invalid_host"],
  ["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", 400, "invalid_host"],
  ["an absolute address", request("GET http://other.example/nowhere", "a.example"), 404, "not_found"],
  ["an absolute address without Host", request("GET http://other.example/nowhere"), 404, "not_found"],
  ["an address of another scheme", request("GET ftp://other.example/", "a.example"), 400],
  ["a tunnel", request("CONNECT a.example:443", "a.example"), 404, "not_found"],
  ["PROPFIND of a route", request("PROPFIND /healthz", "a.example"), 405, "method_not_allowed"],
  ["TRACE of a route", request("TRACE /healthz", "a.example"), 405, "method_not_allowed"],
  ["PURGE of no route", request("PURGE /nowhere", "a.example"), 404, "not_found"],
  ["an escape that is none", request("GET /%zz", "a.example"), 404, "not_found"],
  ["two slashes", request("GET //healthz", "a.example"), 404, "not_found"],
  ["the longest address", request(`GET ${long(maxAddressLength - origin.length)}`, "a.example"), 404, "not_found"],
  [
    "a longer address",
    request(`GET ${long(maxAddressLength - origin.length + 1)}`, "a.example"),
    414,
    "address_too_long",
  ],
  ["a very long address", request(`GET ${long(100_000)}`, "a.example"), 431],
  ["the most parameters", request(`GET /?${"a&".repeat(maxParameters - 1)}`, "a.example"), 404, "not_found"],
  ["more parameters", request(`GET /?${"a&".repeat(maxParameters)}`, "a.example"), 400, "too_many_parameters"],
  ["a header of 20,000 characters", request(`GET / HTTP/1.1\r\nX-A: ${long(20_000)}\r\nX-B:`, "a"), 431],
  ["HEAD of no route", request("HEAD /nowhere", "a.example"), 404],
  ["HEAD over HTTP/1.0 without Host", request("HEAD /"), 404],
]

for (const server of ["api", "operations"]) {
  describe(`the ${server} server`, () => {
    for (const [what, bytes, status, code] of odd) {
      test(`answers ${what}`, async () => {
        const answer = await rawRequest(portOf(server), bytes)
        const parts = partsOf(answer)
        expect([parts.status, parts.body === "" ? undefined : JSON.parse(parts.body).code]).toEqual([status, code])
        expect(answer).not.toMatch(/node_modules|\.ts\b|\.mjs\b|\/src\/|\bat \w+ \(|<html/i)
        expect(answer).not.toContain(import.meta.dir.split("/").slice(0, 3).join("/"))
      })
    }

    for (const host of [
      "a",
      "api",
      "api:80",
      "localhost",
      "EXAMPLE.com",
      "127.0.0.1:3000",
      "[::1]",
      "[::1]:3000",
      "a.b.c.example",
      "example.com.",
      "my_service:3000",
      "xn--bcher-kva.example",
    ]) {
      test(`answers every address of the host ${host}, and resolves dots as browsers do`, async () => {
        const statusOf = async (path: string) =>
          partsOf(await rawRequest(portOf(server), request(`GET ${path}`, host))).status
        const statuses = ["/healthz", "/healthz?a=b", "/x/../healthz", "/nowhere"].map(statusOf)
        expect(await Promise.all(statuses)).toEqual([200, 200, 200, 404])
      })
    }
  })
}

for (const host of ["a", "api", "api:3000", "[::1]", "localhost:3000"]) {
  test(`a WebSocket opens behind the host ${host}, and a query parameter is read`, async () => {
    const socket = await handshake(`ws://127.0.0.1:${portOf("api")}/v1/live`, [], host)
    expect(socket.status).toBe(101)
    socket.end()
    const line = `GET /v1/dead-letters?limit=0 HTTP/1.1\r\nAuthorization: Bearer ${rootKey}\r\nX-Rest:`
    const listed = partsOf(await rawRequest(portOf("api"), request(line, host)))
    expect(JSON.parse(listed.body).errors).toEqual([
      { path: "query.limit", message: "Expected a whole number from 1 to 200" },
    ])
  })
}

test("a WebSocket handshake without its key, or of another version, is answered with a problem document", async () => {
  const key = `Sec-WebSocket-Key: ${"A".repeat(22)}==\r\n`
  for (const rest of ["", key, "Sec-WebSocket-Version: 13\r\n", `Sec-WebSocket-Version: 12\r\n${key}`]) {
    const head = `GET /v1/live HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: close, Upgrade\r\n${rest}\r\n`
    const { status, body } = partsOf(await rawRequest(portOf("api"), head))
    expect([status, JSON.parse(body).code]).toEqual([426, "upgrade_required"])
  }
})

test("a failure outside of the routes shows nothing of itself", async () => {
  const logged = spyOn(console, "error").mockImplementation(() => {})
  try {
    const answer = failureOutsideRoutes(new Error("thrown in /src/place.ts"))
    expect(answer.status).toBe(500)
    const body = await answer.text()
    expect(JSON.parse(body).code).toBe("internal_error")
    expect(body).not.toContain("place")
    expect(logged).toHaveBeenCalledTimes(1)
  } finally {
    logged.mockRestore()
  }
})
