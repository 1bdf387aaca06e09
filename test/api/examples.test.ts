// Every example of the OpenAPI document works when it is pasted: bodies, forms, and the parameters of requests without
// a body. The root key sends it to a server with the demo club, and gets the documented success. Where it names a
// thing such as a booking, one is made before.
// The route decodes the Schema that the document shows: a surplus field and a missing field are refused there.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { openSession } from "#access/sessions.ts"
import { exampleBodies } from "#api/examples.ts"
import { documentOf } from "#api/openapi.ts"
import { createServer } from "#api/server.ts"
import { googleOf } from "#base/calendar-services.ts"
import { seedDemo } from "#demo/seed.ts"
import { example } from "#events/example.ts"
import { mirrorJobs } from "#operations/jobs/job-rows.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { jpeg } from "#test/harness/club/media-files.ts"
import { answerFaults } from "#test/harness/openapi/answers.ts"
import type { Desk } from "#test/harness/openapi/desk.ts"
import { bodyOf, exampleOf, type OpenApi, type Operation, operationsOf } from "#test/harness/openapi/document.ts"
import { given } from "#test/harness/openapi/given.ts"
import { givenThing } from "#test/harness/openapi/given-thing.ts"
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
  const google = googleOf((name) => (/CLIENT/.test(name) ? "of-the-example" : undefined))
  api = await testApi({ egressAllow: ["127.0.0.0/8"], google })
  await seedDemo(api.app)
  await mirrorJobs(api.database.db, [
    {
      name: "hold-expiration",
      description: "Release dead holds",
      cron: "* * * * *",
      timezone: "UTC",
      in_facility: true,
      per_facility: false,
      missed: "once",
    },
    {
      name: "daily-reports",
      description: "Generate daily reports for facilities",
      cron: "0 6 * * *",
      timezone: "local",
      in_facility: true,
      per_facility: true,
      missed: "once",
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
})

test("every required parameter has an example", () => {
  const missing = operations.flatMap(({ name, parameters }) =>
    parameters.filter((each) => each.required && each.example === undefined).map((each) => `${name} ${each.name}`),
  )
  expect(missing).toEqual([])
})

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
        await succeeds(operation, path, JSON.stringify(body), token)
      } finally {
        await moveBack()
      }
    })
  }
})

describe("the form works when it is pasted, with a file", () => {
  for (const operation of operations.filter((each) => formOf(each) !== undefined)) {
    test(operation.name, async () => {
      const { ids } = (await given[operation.name]?.(desk)) ?? (await givenThing(operation.name, desk))
      const form = new FormData()
      for (const [name, value] of Object.entries(withIds(formOf(operation)?.example ?? {}, ids))) {
        for (const text of Array.isArray(value) ? value : [value]) form.append(name, String(text))
      }
      form.append("file", new File([Buffer.from(jpeg())], "grip.jpg"))
      // The viewer sends this for a file that was not chosen.
      form.append("voiceNote", "")
      await succeeds(operation, addressOf(operation, ids), form, rootKey)
    })
  }
})

describe("the request without a body works when it is pasted", () => {
  for (const operation of operations.filter((each) => each.requestBody === undefined)) {
    if (operation.name === ofStripe) continue
    test(operation.name, async () => {
      const { ids, token = rootKey } = await givenThing(operation.name, desk)
      await succeeds(operation, addressOf(operation, ids), undefined, token)
    })
  }

  test("only Stripe can sign its webhook", () => {
    expect(operations.map(({ name }) => name)).toContain(ofStripe)
  })
})

const ofStripe = "POST /v1/integrations/stripe/webhook"

const formOf = (operation: Operation) => operation.requestBody?.content?.["multipart/form-data"]

async function moveBack() {
  if (movedBy !== 0) await api.database.db`select slotbase.move_clock(make_interval(secs => ${-movedBy}))`
  movedBy = 0
}

/** Sends it; the answer is a documented success, of its documented shape. */
async function succeeds(
  { method, responses, parameters }: Operation,
  path: string,
  body: string | FormData | undefined,
  token: string,
) {
  const answer = await api.server.handle(
    new Request(`http://slotbase.test${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...Object.fromEntries(
          parameters
            .filter((each) => each.in === "header" && each.required)
            .map(({ name, example }) => [name, String(example)]),
        ),
        ...(typeof body === "string" && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body }),
    }),
  )
  const text = await answer.text()
  const isJson = /json/.test(answer.headers.get("content-type") ?? "")
  const promised = Object.keys(responses).filter((status) => status < "300")
  expect({ promised: promised.includes(String(answer.status)), text }).toEqual({ promised: true, text })
  const { status } = answer
  const faults = answerFaults(document, { method, path, status, body: isJson ? JSON.parse(text) : undefined })
  expect(faults).toEqual([])
}

async function refuses(operation: Operation, path: string, body: unknown, place: string, token: string) {
  const { status, body: problem } = await api.call(operation.method, path, { body, token })
  expect({ status, paths: problem?.errors?.map((fault: { path: string }) => fault.path) }).toEqual({
    status: 422,
    paths: expect.arrayContaining([place]),
  })
}

/** The address with the examples of its required parameters, which are replaced with real ids. */
function addressOf(operation: Operation, ids: Readonly<Record<string, string>>): string {
  const exampleValue = (name: string, part = name) => {
    const told = operation.parameters.find((each) => each.in !== "header" && each.name === name)?.example
    return ids[name === "id" ? part : name] ?? ids[told ?? ""] ?? told ?? `no example of ${name}`
  }
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string, offset: number) =>
    exampleValue(name, operation.path.slice(0, offset).split("/").at(-2)),
  )
  const query = operation.parameters.filter((each) => each.in === "query" && each.required)
  const pairs = query.map(({ name }): [string, string] => [name, exampleValue(name)])
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`
}

function withIds(body: unknown, ids: Readonly<Record<string, string>>): Record<string, unknown> {
  let text = JSON.stringify(body)
  for (const [known, id] of Object.entries(ids)) text = text.replaceAll(known, id)
  // Nothing leaves the machine.
  return JSON.parse(text.replaceAll("https://example.com/", "http://127.0.0.1:8009/"))
}
