// The fuzzer: random valid, nearly valid and hostile requests to every operation of the OpenAPI document.
//
// - No answer is a 500, and every answer is one that the document promises.
// - Every refusal is a problem document, and a refused request has written nothing.
// - No answer holds a path of the machine or a stack.
//
// The short form sends a fixed number of requests. SLOTBASE_FUZZ_REQUESTS=10000 sends that many.
// SLOTBASE_PROPERTY_SEED sets another seed.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { type Operation, operationsOf } from "#test/harness/openapi/document.ts"
import { leaksIn } from "#test/harness/openapi/leaks.ts"
import { validatorOf } from "#test/harness/openapi/validator.ts"
import { makeWorld, type World } from "./authorization/scene.ts"
import { makeThing, parts } from "./authorization/things.ts"
import { Ids } from "./fuzz/ids.ts"
import { type FuzzRequest, roundOf } from "./fuzz/requests.ts"
import { seed } from "./properties/property.ts"

const wanted = Number(process.env.SLOTBASE_FUZZ_REQUESTS ?? 0)
/** Requests to each operation in the short form. */
const shortRounds = 8
/** The short form takes some three seconds. */
const shortMs = 60_000
const longMs = 10 * 60_000
/** Of the requests 11 to 13 % succeed, and in the short form 40 % of the operations at least once. */
const leastSuccess = { requests: 0.06, operations: 0.25 }

let world: World
let tokens: (string | null)[]
let operations: Operation[]
const ids = new Ids()

beforeAll(async () => {
  world = await makeWorld()
  const { here, elsewhere, child } = world
  ids.add(elsewhere.id, "facilityId")
  ids.add(here.id, "facilityId")
  for (const place of [elsewhere, here]) ids.add(place.court, "resourceId")
  for (const id of [world.ids.X, child, world.ids.C, world.ids.M]) ids.add(id, "userId", "users")
  for (const whose of [here.somebody.id, world.ids.M]) {
    for (const part of parts) ids.learn(`/v1/${part}`, { id: await makeThing(part, world, here, whose) })
  }
  const { P, A, S, M, C, X } = world.tokens
  tokens = [P, A, S, M, C, X, null, "no-token"]
  operations = operationsOf(world.document).filter(({ path }) => path.startsWith("/v1/") && path !== "/v1/live")
})
afterAll(() => world.api.database.drop())

test(
  "no answer is a 500 or missing from the document, and a refused request has written nothing",
  async () => {
    const rounds = wanted === 0 ? shortRounds : Math.ceil(wanted / operations.length)
    const round = roundOf(world.document, operations, tokens.length)
    const answered: { readonly operation: string; readonly status: number }[] = []
    for (const request of fc.sample(round, { seed, numRuns: rounds }).flat())
      answered.push({ operation: request.operation, status: await judge(request) })

    const times = Object.groupBy(answered, ({ operation }) => operation)
    expect(operations.filter(({ name }) => times[name]?.length !== rounds)).toEqual([])
    const successes = answered.filter(({ status }) => status < 300)
    const succeeded = new Set(successes.map(({ operation }) => operation))
    expect(successes.length).toBeGreaterThan(leastSuccess.requests * answered.length)
    expect(succeeded.size).toBeGreaterThan(leastSuccess.operations * operations.length)
    if (wanted > 0) {
      const statuses = Object.entries(Object.groupBy(answered, ({ status }) => status))
      console.log(`fuzz: ${statuses.map(([status, all]) => `${status}: ${all?.length}`).join(", ")}`)
    }
  },
  wanted === 0 ? shortMs : longMs,
)

/** Sends the request and answers the status. */
async function judge(request: FuzzRequest): Promise<number> {
  const operation = operations.find(({ name }) => name === request.operation) as Operation
  // A signed-out caller could do nothing more.
  const caller = operation.name === "DELETE /v1/sessions" ? tokens.length - 1 : request.caller
  const { method, url, init } = asHttp(operation, { ...request, caller })
  const before = await world.written()
  const response = await world.api.server.handle(new Request(url, init))
  const text = await response.text()
  const say = `${method} ${url} ${typeof init.body === "string" ? init.body.slice(0, 2_000) : ""}\n→ ${response.status} ${text.slice(0, 2_000)}`
  const { status } = response
  expect(status, say).toBeLessThan(500)
  expect(leaksIn(text), say).toEqual([])
  const promised = operation.responses[status]
  const general = [400, 404, 405, 413, 414, 415, 422].includes(status)
  expect(promised !== undefined || general, `not in the document: ${say}`).toBe(true)
  if (status >= 400) {
    expect(await world.written(), `wrote although it was refused: ${say}`).toBe(before)
    expect(problemFaults(response, text), say).toEqual([])
    return status
  }
  const schema = promised?.content?.["application/json"]?.schema
  if (schema === undefined || text === "") return status
  const body = JSON.parse(text)
  expect(validatorOf(world.document).faultsOf(schema, body), say).toEqual([])
  if (status === 201) ids.learn(new URL(url).pathname, body)
  return status
}

function asHttp(operation: Operation, { path, query, body, contentType, idempotencyKey, caller }: FuzzRequest) {
  const address = operation.path.replace(/\{([^}]+)\}/g, (_, name: string) => String(ids.fill(path[name] ?? "")))
  const pairs = query.map(([name, value]) => [name, String(ids.fill(value))])
  // No process runs jobs here, so the request must not wait for one.
  if (operation.path.endsWith("/run")) pairs.push(["wait", "0"])
  const search = pairs
    .map((pair) => pair.map((part) => encodeURIComponent(part?.toWellFormed() ?? "")).join("="))
    .join("&")
  const token = tokens[caller]
  const text = body === undefined ? undefined : "text" in body ? body.text : JSON.stringify(ids.fill(body.json))
  const headers = new Headers()
  if (token != null) headers.set("authorization", `Bearer ${token}`)
  if (text !== undefined && contentType !== "") headers.set("content-type", contentType)
  if (idempotencyKey !== undefined) headers.set("idempotency-key", idempotencyKey)
  return {
    method: operation.method,
    url: `http://slotbase.test${address}${search && `?${search}`}`,
    init: { method: operation.method, headers, ...(text !== undefined && { body: text }) } satisfies RequestInit,
  }
}

/** The faults of a refusal: it must name its problem and, for bad input, every field with its rule. */
function problemFaults(response: Response, text: string): string[] {
  if (response.headers.get("content-type") !== "application/problem+json") return ["it is no problem document"]
  const problem = JSON.parse(text)
  const faults = ["type", "title", "detail", "code"].filter(
    (name) => typeof problem[name] !== "string" || problem[name] === "",
  )
  if (problem.status !== response.status) faults.push("status")
  if (problem.code === "invalid_input") {
    const errors: { path?: string; message?: string }[] = problem.errors ?? []
    if (errors.length === 0) faults.push("errors are missing")
    for (const { path = "", message = "" } of errors) {
      if (!/^(body|query|headers)\b/.test(path) || message === "") faults.push(`error ${path}: ${message}`)
    }
  }
  return faults
}
