// Every example of the OpenAPI document works when it is pasted. The root key sends it to a server with the demo club,
// and gets the documented success. Where it names a thing such as a booking, one is made before.
// The route decodes the Schema that the document shows: a surplus field and a missing field are refused there.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { openSession } from "#access/sessions.ts"
import { exampleBodies } from "#api/examples.ts"
import { documentOf } from "#api/openapi.ts"
import { createServer } from "#api/server.ts"
import { seedDemo } from "#demo/seed.ts"
import { example } from "#events/example.ts"
import { mirrorJobs } from "#operations/jobs/rows.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { answerFaults } from "#test/harness/openapi/answers.ts"
import { bodyOf, exampleOf, type OpenApi, type Operation, operationsOf } from "#test/harness/openapi/document.ts"
import { type Desk, given } from "#test/harness/openapi/given.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { rootKey } from "#test/harness/setup/system.ts"

const document = JSON.parse(JSON.stringify(documentOf(createServer(testApp(undefined as never))))) as OpenApi
const operations = operationsOf(document)
const withBody = operations.filter((operation) => bodyOf(operation) !== undefined)

let api: TestApi
let desk: Desk
/** The clock's distance from its place at the start, seconds. */
let movedBy = 0

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  await seedDemo(api.app)
  await mirrorJobs(api.database.db, [
    {
      name: "hold-expiration",
      description: "Release dead holds",
      cron: "* * * * *",
      timezone: "UTC",
      in_facility: true,
    },
  ])
  const at = `/v1/facilities/${example.facilityId}`
  const post: Desk["post"] = async (path, body, token) => {
    const answer = await api.call("POST", path, { body, ...(token !== undefined && { token }) })
    if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const { body: courts } = await api.call("GET", `${at}/resources`)
  const court = courts.data.find(({ name }: { name: string }) => name === "Court 2").id
  let hour = 0
  desk = {
    api,
    at,
    post,
    court,
    hour() {
      const day = `2030-06-${String(4 + Math.floor(hour / 10)).padStart(2, "0")}`
      const start = 6 + (hour++ % 10)
      const clock = (hours: number) => `${day}T${String(hours).padStart(2, "0")}:00:00Z`
      return { startAt: clock(start), endAt: clock(start + 1) }
    },
    async moveTo(instant, minutes) {
      const [row] = await api.database.db<[{ by: number }]>`
        select extract(epoch from ${instant}::timestamptz + ${minutes} * interval '1 minute' - slotbase.now())::float8 as by`
      await api.database.db`select slotbase.move_clock(make_interval(secs => ${row.by}))`
      movedBy += row.by
    },
    tokenOf: async (id) => {
      const user = { id, email: "", firstName: "", lastName: "" }
      return (await api.database.db.begin((tx) => openSession(tx, user))).token
    },
  }
})
afterAll(() => api.database.drop())

test("every operation with a body has an example, and every example an operation", () => {
  expect(Object.keys(exampleBodies).sort()).toEqual(withBody.map(({ name }) => name).sort())
  const missing = operations.flatMap(({ name, parameters }) =>
    parameters
      .filter((each) => each.required && each.in !== "header" && each.example === undefined)
      .map((each) => `${name} ${each.name}`)
      .filter((each) => !withoutExample.some((known) => each.endsWith(known))),
  )
  expect(missing).toEqual([])
})

/** Parameters without a value that works for everybody: a signature, and ids that only an answer gives. */
const withoutExample = ["signature", "expires", ...["id", "ruleId", "promptId"].map((name) => ` ${name}`)]

describe("the example works when it is pasted", () => {
  for (const operation of withBody) {
    test(operation.name, async () => {
      try {
        const { ids, token = rootKey, query = "" } = (await given[operation.name]?.(desk)) ?? { ids: {} }
        const path = `${addressOf(operation, ids)}${query}`
        const body = withIds(exampleOf(operation), ids)
        await refuses(operation, path, { ...body, surplus: 1 }, "body.surplus", token)
        const [required] = bodyOf(operation)?.required ?? []
        if (required !== undefined) {
          const { [required]: _, ...less } = body
          await refuses(operation, path, less, `body.${required}`, token)
        }
        const answer = await api.call(operation.method, path, { body, token })
        expect(answerFaults(document, { method: operation.method, path, ...answer })).toEqual([])
        const promised = Object.keys(operation.responses).filter((status) => status < "300")
        expect({ promised: promised.includes(String(answer.status)), answer: answer.body }).toEqual({
          promised: true,
          answer: answer.body,
        })
      } finally {
        if (movedBy !== 0) await api.database.db`select slotbase.move_clock(make_interval(secs => ${-movedBy}))`
        movedBy = 0
      }
    })
  }
})

async function refuses(operation: Operation, path: string, body: unknown, place: string, token: string) {
  const { status, body: problem } = await api.call(operation.method, path, { body, token })
  expect({ status, paths: problem?.errors?.map((fault: { path: string }) => fault.path) }).toEqual({
    status: 422,
    paths: expect.arrayContaining([place]),
  })
}

/** The address with the examples of its parameters, which are replaced with real ids. */
function addressOf(operation: Operation, ids: Readonly<Record<string, string>>): string {
  return operation.path.replace(/\{(\w+)\}/g, (_, name: string, offset: number) => {
    const part = operation.path.slice(0, offset).split("/").at(-2) ?? ""
    const told = operation.parameters.find((each) => each.in === "path" && each.name === name)?.example
    return ids[name === "id" ? part : name] ?? ids[told ?? ""] ?? told ?? `no example of ${name}`
  })
}

function withIds(body: unknown, ids: Readonly<Record<string, string>>): Record<string, unknown> {
  let text = JSON.stringify(body)
  for (const [known, id] of Object.entries(ids)) text = text.replaceAll(known, id)
  // Nothing leaves the machine.
  return JSON.parse(text.replaceAll("https://example.com/", "http://127.0.0.1:8009/"))
}
