// Idempotency-Key: a repeated request is carried out once, and later answers are the first one.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { Elysia } from "elysia"
import { WrongState } from "#base/errors.ts"
import { rootUserId } from "#base/ids.ts"
import { record } from "#events/outbox.ts"
import { forgetOldAnswers } from "#http/idempotency-rows.ts"
import { api as base } from "#http/route.ts"
import { password, type TestApi, testApi } from "#test/harness/api/api.ts"
import { rootKey } from "#test/harness/setup/system.ts"

let api: TestApi
let facilityId: string
let path: string
let keys = 0

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
  path = `/v1/facilities/${facilityId}/resources`
})
afterEach(async () => {
  await api.database.db`update slotbase.clock set shift = '0'`
})
afterAll(() => api.database.drop())

const court = { name: "Court 1", resourceType: "court", hourlyPrice: 2400 }
const newKey = () => `key-${++keys}`
const post = (key: string, body: unknown = court, at = path, token: string | null = rootKey) =>
  api.call("POST", at, { token, body, headers: { "idempotency-key": key } })

test("the same request with the same key gets the first answer, byte for byte, and nothing happens again", async () => {
  const key = newKey()
  const first = await post(key)
  const before = await api.rows()
  const second = await post(key)
  expect(second.status).toBe(201)
  expect(JSON.stringify(second.body)).toBe(JSON.stringify(first.body))
  for (const header of ["x-slotbase-event-ids", "x-correlation-id", "content-type"]) {
    expect(second.headers.get(header)).toBe(first.headers.get(header))
  }
  expect(first.headers.get("x-slotbase-event-ids")).toMatch(/^[0-9a-f-]{36}$/)
  expect(first.headers.get("idempotency-replayed")).toBeNull()
  expect(second.headers.get("idempotency-replayed")).toBe("true")
  expect(await api.rows()).toEqual(before)
})

test("with another body the key is refused, and nothing happens", async () => {
  const key = newKey()
  await post(key)
  const before = await api.rows()
  const answer = await post(key, { ...court, name: "Court 2" })
  expect(answer.body).toEqual({
    type: "urn:slotbase:problem:idempotency_key_reused",
    title: "Against a rule",
    status: 422,
    detail: "This Idempotency-Key was used with another request; take a new one.",
    code: "idempotency_key_reused",
  })
  expect(await api.rows()).toEqual(before)
})

test("a key is valid for its caller and its path only", async () => {
  const key = newKey()
  const admin = await api.person("facility_admin", facilityId)
  const first = await post(key)
  const ofAnother = await post(key, court, path, admin.token)
  const elsewhere = await post(key, court, `/v1/facilities/${await api.facility()}/resources`)
  const ids = new Set([first, ofAnother, elsewhere].map(({ status, body }) => `${status} ${body.id}`))
  expect(ids.size).toBe(3)
})

test("without a key every request is carried out", async () => {
  const [a, b] = [await api.call("POST", path, { body: court }), await api.call("POST", path, { body: court })]
  expect(a.body.id).not.toBe(b.body.id)
})

test("while the first request is under way the second gets a 409, and later the first one's answer", async () => {
  const key = newKey()
  const at = `/v1/facilities/${facilityId}/api-keys`
  const body = { name: "Till", role: "staff" }
  const locked = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const blocker = api.database.db.begin(async (tx) => {
    await tx`select 1 from slotbase.facilities where id = ${facilityId} for update`
    locked.resolve()
    await release.promise
  })
  await locked.promise
  // One of the two requests waits for the facility; the other is answered at once.
  const both = [post(key, body, at), post(key, body, at)]
  const during = await Promise.race(both)
  expect(during.body).toEqual({
    type: "urn:slotbase:problem:still_in_flight",
    title: "Still in flight",
    status: 409,
    detail: "Another request with this Idempotency-Key is still under way.",
    code: "still_in_flight",
  })
  expect(during.headers.get("retry-after")).toBe("1")
  release.resolve()
  await blocker
  const answer = (await Promise.all(both)).find(({ status }) => status === 201)
  const second = await post(key, body, at)
  expect(second.body).toEqual(answer?.body)
  expect(second.headers.get("idempotency-replayed")).toBe("true")
  expect(second.headers.get("cache-control")).toBe("no-store")
})

test("32 requests with one key at once make one resource", async () => {
  const key = newKey()
  const before = await api.rows()
  const answers = await Promise.all(Array.from({ length: 32 }, () => post(key)))
  const statuses = new Set(answers.map(({ status }) => status))
  expect([...statuses].every((status) => status === 201 || status === 409)).toBe(true)
  const ids = new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body.id))
  expect(ids.size).toBe(1)
  const after = await api.rows()
  expect(after).toEqual({
    ...before,
    resources: (before.resources ?? 0) + 1,
    events: (before.events ?? 0) + 1,
    outbox: (before.outbox ?? 0) + 1,
    idempotency_keys: (before.idempotency_keys ?? 0) + 1,
  })
})

test("a refusal of the domain is kept as an answer, and its writes are rolled back", async () => {
  const key = newKey()
  const taken = { email: "taken@example.com", password, firstName: "Mia", lastName: "Keller" }
  const { id } = (await api.call("POST", "/v1/users", { token: null, body: taken })).body
  const first = await post(key, taken, "/v1/users", null)
  expect(first.body.code).toBe("email_taken")
  await api.database.db`delete from slotbase.users where id = ${id}`

  const second = await post(key, taken, "/v1/users", null)
  expect(second.status).toBe(409)
  expect(second.body).toEqual(first.body)
  expect(second.headers.get("content-type")).toBe("application/problem+json")
  expect(second.headers.get("idempotency-replayed")).toBe("true")
  expect(second.headers.get("x-correlation-id")).toBe(first.headers.get("x-correlation-id"))
  expect((await post(newKey(), taken, "/v1/users", null)).status).toBe(201)
})

test("a command that fails late leaves neither its rows nor its events, with a key and without", async () => {
  const server = new Elysia().use(base(api.app)).post("/late", ({ command }) =>
    command(async (tx) => {
      await tx`update slotbase.facilities set name = 'Changed' where id = ${facilityId}`
      const data = { facilityId, changedSettings: ["name"], changedBy: rootUserId }
      record(tx, { type: "facility.settings_updated", facilityId, data })
      throw new WrongState("too_late", "Too late.")
    }),
  )
  const before = await api.rows()
  for (const key of [undefined, "late"]) {
    const headers = { authorization: `Bearer ${rootKey}`, ...(key && { "idempotency-key": key }) }
    const answer = await server.handle(new Request("http://slotbase.test/late", { method: "POST", headers }))
    expect(answer.status).toBe(409)
    expect(answer.headers.get("x-slotbase-event-ids")).toBeNull()
  }
  expect(await api.rows()).toEqual({ ...before, idempotency_keys: (before.idempotency_keys ?? 0) + 1 })
  expect((await api.call("GET", `/v1/facilities/${facilityId}`)).body.name).toBe("Riverside")
})

test("a failure of the server is not kept, so that a retry may succeed", async () => {
  let fails = true
  let prepared = 0
  const server = new Elysia().use(base(api.app)).post("/shaky", ({ command }) =>
    command(
      async (tx) => {
        if (fails) await tx`select 1 / 0`
        return { done: true }
      },
      { status: 201, before: async () => void prepared++ },
    ),
  )
  const ask = () =>
    server.handle(
      new Request("http://slotbase.test/shaky", {
        method: "POST",
        headers: { authorization: `Bearer ${rootKey}`, "idempotency-key": "shaky" },
      }),
    )
  const before = await api.rows()
  const errors = await silently(async () => expect((await ask()).status).toBe(500))
  expect(errors).toHaveLength(1)
  expect(await api.rows()).toEqual(before)
  fails = false
  expect((await ask()).status).toBe(201)
  expect(await (await ask()).json()).toEqual({ done: true })
  // The third request already had its answer, so the preparation of the command did not run again.
  expect(prepared).toBe(2)
})

test("wrong credentials are not kept, so that a client without an account cannot fill the table", async () => {
  const before = await api.rows()
  const answer = await post(newKey(), { email: "nobody@example.com", password }, "/v1/sessions", null)
  expect(answer.status).toBe(401)
  expect(await api.rows()).toEqual(before)
})

test("an answer with a secret is encrypted where it is kept, and bound to its row", async () => {
  const key = newKey()
  const body = { name: "Till", role: "staff" }
  const at = `/v1/facilities/${facilityId}/api-keys`
  const made = await post(key, body, at)
  const rows = await api.database.db<{ answer: Buffer; request_hash: Buffer }[]>`
    select answer, request_hash from slotbase.idempotency_keys where key = ${key}`
  const [row] = rows
  expect(row?.answer.includes(made.body.key)).toBe(false)
  expect(row?.answer.includes("sbk_")).toBe(false)
  // With a bare hash of the body, a reader of the table could guess its password by trying.
  const bare = new Bun.CryptoHasher("sha256").update(`\n${JSON.stringify(body)}`).digest()
  expect(row?.request_hash.equals(bare)).toBe(false)
  expect((await post(key, body, at)).body.key).toBe(made.body.key)
  const moved = newKey()
  await api.database.db`update slotbase.idempotency_keys set key = ${moved} where key = ${key}`
  const errors = await silently(async () => expect((await post(moved, body, at)).status).toBe(500))
  expect(errors).toHaveLength(1)
})

test("after 24 hours a key is new, and old answers are forgotten", async () => {
  const key = newKey()
  const first = await post(key)
  await api.database.db`select slotbase.move_clock(interval '23 hours 59 minutes')`
  expect((await post(key)).body.id).toBe(first.body.id)
  await api.database.db`select slotbase.move_clock(interval '2 minutes')`
  const later = await post(key)
  expect(later.status).toBe(201)
  expect(later.body.id).not.toBe(first.body.id)
  expect(await forgetOldAnswers(api.database.db, 3)).toBe(3)
  while ((await forgetOldAnswers(api.database.db)) > 0);
  expect((await api.rows()).idempotency_keys).toBe(1)
})

test("a key of 255 visible characters is taken, anything else is refused", async () => {
  expect((await post("k".repeat(255))).status).toBe(201)
  const before = await api.rows()
  for (const key of ["k".repeat(256), "two words", "é"]) {
    const answer = await post(key)
    expect(answer.status).toBe(422)
    const message = "Expected 1 to 255 visible ASCII characters"
    expect(answer.body.errors).toEqual([{ path: "headers.Idempotency-Key", message }])
  }
  expect(await api.rows()).toEqual(before)
})

/** The lines written to stderr during the work. */
async function silently(run: () => Promise<void>): Promise<string[]> {
  const lines: string[] = []
  const { error } = console
  console.error = (line: string) => lines.push(line)
  try {
    await run()
  } finally {
    console.error = error
  }
  return lines
}
