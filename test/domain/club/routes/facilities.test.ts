// Facilities, their settings, resources and API keys: the rights to them, and the recorded events.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { platformFacilityId, rootUserId } from "#base/ids.ts"
import { taxTermsOf } from "#domain/club/tax-rates.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"

let api: TestApi
let facilityId: string
let otherId: string
let admin: { id: string; token: string }
let player: { id: string; token: string }
let stranger: { id: string; token: string }

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
  otherId = await api.facility({ name: "Parkside" })
  admin = await api.person("facility_admin", facilityId)
  player = await api.person("player", facilityId)
  stranger = await api.person("facility_owner", otherId)
})
afterAll(() => api.database.drop())

const unknownId = "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01"

const eventOf = async (headers: Headers) => {
  const id = headers.get("x-slotbase-event-ids") ?? ""
  const [event] = await api.database.db`select type, facility_id, user_id, data from slotbase.events where id = ${id}`
  return event
}

test("the platform administrator creates a facility for its owner", async () => {
  const owner = await api.person()
  const body = {
    name: "Hillside",
    timezone: "America/New_York",
    currency: "USD",
    sportTypes: ["tennis", "padel"],
    openingHours: {
      tuesday: [{ close: "24:00", open: "07:00" }],
      monday: [
        { open: "07:00", close: "12:00" },
        { open: "13:00", close: "22:00" },
      ],
    },
    slotMinutes: 30,
    holdMinutes: 10,
    taxMode: "exclusive",
    taxRates: { court: 810, coaching: 0 },
    studentOverlap: "allow",
    language: "de",
    publicAvailability: true,
    embedOrigins: ["https://hillside.example"],
    ownerId: owner.id,
  }
  const made = await api.call("POST", "/v1/facilities", { body })
  expect(made.status).toBe(201)
  const { id, createdAt, updatedAt } = made.body
  expect(made.body).toEqual({ ...body, organizationId: null, id, version: 1, createdAt, updatedAt })
  expect(Object.keys(made.body.openingHours)).toEqual(["monday", "tuesday"])
  expect(await eventOf(made.headers)).toEqual({
    type: "facility.created",
    facility_id: id,
    user_id: rootUserId,
    data: {
      facilityId: id,
      name: "Hillside",
      timezone: "America/New_York",
      sportTypes: ["tennis", "padel"],
      ownerId: owner.id,
    },
  })
  const seen = await api.call("GET", "/v1/facilities", { token: owner.token })
  expect(seen.body).toEqual({ data: [made.body], next: null })
  const roles = (await api.call("GET", "/v1/me", { token: owner.token })).body.roles
  expect(roles).toEqual([{ role: "facility_owner", scopeType: "facility", scopeId: id }])
})

test("only a platform administrator creates one, and only for a person", async () => {
  const before = await api.rows()
  const body = { name: "Mine", timezone: "UTC", currency: "EUR" }
  expect((await api.call("POST", "/v1/facilities", { token: admin.token, body })).body).toEqual({
    type: "urn:slotbase:problem:not_allowed",
    title: "Not allowed",
    status: 403,
    detail: "Only a platform administrator may do this.",
    code: "not_allowed",
  })
  for (const ownerId of [unknownId, rootUserId]) {
    const answer = await api.call("POST", "/v1/facilities", { body: { ...body, ownerId } })
    expect(answer.status).toBe(422)
    expect(answer.body.code).toBe("owner_unknown")
    expect(answer.body.errors).toEqual([{ path: "body.ownerId", message: "Expected the id of a person" }])
  }
  expect(await api.rows()).toEqual(before)
})

test("a member sees a facility, a stranger gets the same 404 as for an unknown id", async () => {
  const mine = await api.call("GET", `/v1/facilities/${facilityId.toUpperCase()}`, { token: player.token })
  expect(mine.body.id).toBe(facilityId)
  const foreign = await api.call("GET", `/v1/facilities/${facilityId}`, { token: stranger.token })
  const missing = await api.call("GET", `/v1/facilities/${unknownId}`, { token: stranger.token })
  expect(foreign.body).toEqual({
    type: "urn:slotbase:problem:not_found",
    title: "Not found",
    status: 404,
    detail: `There is no facility ${facilityId}.`,
    code: "not_found",
  })
  expect(missing.body).toEqual({ ...foreign.body, detail: `There is no facility ${unknownId}.` })
  const listed = await api.call("GET", "/v1/facilities", { token: stranger.token })
  expect(listed.body.data.map(({ id }: { id: string }) => id)).toEqual([otherId])
})

test("the platform's own row is no facility, not even for its administrator", async () => {
  const before = await api.rows()
  const at = `/v1/facilities/${platformFacilityId}`
  const court = { name: "Court 1", resourceType: "court" }
  expect((await api.call("GET", at)).status).toBe(404)
  expect((await api.call("PATCH", `${at}/settings`, { body: { name: "Mine" } })).status).toBe(404)
  expect((await api.call("POST", `${at}/resources`, { body: court })).status).toBe(404)
  expect((await api.call("POST", `${at}/api-keys`, { body: { name: "x", role: "staff" } })).status).toBe(404)
  expect((await api.call("GET", `${at}/api-keys`)).status).toBe(404)
  expect(await api.rows()).toEqual(before)
})

test("facilities are listed page by page, each once", async () => {
  const seen: string[] = []
  for (let path = "/v1/facilities?limit=1"; path !== ""; ) {
    const { body } = await api.call("GET", path)
    expect(body.data).toHaveLength(1)
    seen.push(body.data[0].id)
    path = body.next === null ? "" : `/v1/facilities?limit=1&after=${body.next}`
  }
  const all = await api.call("GET", "/v1/facilities?limit=200")
  expect(seen).toEqual(all.body.data.map(({ id }: { id: string }) => id))
  expect(new Set(seen).size).toBe(seen.length)
})

test("a change of settings names the fields that really changed, and increments the version", async () => {
  const id = await api.facility({ openingHours: { monday: [{ open: "07:00", close: "22:00" }] } })
  const path = `/v1/facilities/${id}/settings`
  const body = {
    name: "Riverside",
    openingHours: { monday: [{ close: "22:00", open: "07:00" }], sunday: [{ open: "09:00", close: "18:00" }] },
    holdMinutes: 15,
    slotMinutes: 60,
  }
  const changed = await api.call("PATCH", path, { body })
  expect(changed.status).toBe(200)
  expect(changed.body).toMatchObject({ ...body, version: 2 })
  expect(await eventOf(changed.headers)).toEqual({
    type: "facility.settings_updated",
    facility_id: id,
    user_id: rootUserId,
    data: { facilityId: id, changedSettings: ["openingHours", "holdMinutes"], changedBy: rootUserId },
  })
  for (const same of [body, {}, { name: "Riverside" }]) {
    const answer = await api.call("PATCH", path, { body: same })
    expect(answer.body).toEqual(changed.body)
    expect(answer.headers.get("x-slotbase-event-ids")).toBeNull()
  }
})

test("the tax terms are read in the statement that reads the facility, and a wrong rate is refused", async () => {
  const id = await api.facility()
  const taxRates = { court: 1900, coaching: 700 }
  const changed = await api.call("PATCH", `/v1/facilities/${id}/settings`, { body: { taxRates } })
  expect(changed.body).toMatchObject({ taxMode: "inclusive", taxRates })
  expect((await eventOf(changed.headers))?.data.changedSettings).toEqual(["taxRates"])
  const { db } = api.database
  const [row] = await db`select ${taxTermsOf(db, db`f`)} as terms from slotbase.facilities f where f.id = ${id}`
  expect(row?.terms).toEqual({ mode: "inclusive", rates: taxRates })
  for (const wrong of [{ court: 19.5 }, { court: 10_001 }, { court: -1 }, { beer: 1900 }]) {
    const refused = await api.call("PATCH", `/v1/facilities/${id}/settings`, { body: { taxRates: wrong } })
    expect([refused.status, refused.body.code]).toEqual([422, "invalid_input"])
  }
})

test("concurrent changes increment the version one after the other", async () => {
  const id = await api.facility()
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      api.call("PATCH", `/v1/facilities/${id}/settings`, { body: { holdMinutes: 10 + n } }),
    ),
  )
  const versions = answers.map(({ body }) => body.version).sort()
  expect(versions).toEqual([2, 3, 4, 5, 6, 7, 8, 9])
})

test("a resource is created by an administrator and seen by members, by name", async () => {
  const path = `/v1/facilities/${facilityId}/resources`
  const made = []
  for (const name of ["Court B", "Court A", "Court C", "Court A"]) {
    const body = { name, resourceType: "court", hourlyPrice: 2400 }
    made.push(await api.call("POST", path, { token: admin.token, body }))
  }
  const [first] = made
  expect(first?.status).toBe(201)
  expect(first?.body).toEqual({
    id: expect.any(String),
    facilityId,
    name: "Court B",
    resourceType: "court",
    hourlyPrice: 2400,
    isActive: true,
    version: 1,
    createdAt: expect.any(String),
    updatedAt: expect.any(String),
  })
  expect(await eventOf(first?.headers as Headers)).toEqual({
    type: "resource.created",
    facility_id: facilityId,
    user_id: admin.id,
    data: { resourceId: first?.body.id, facilityId, name: "Court B", resourceType: "court" },
  })
  const page = await api.call("GET", `${path}?limit=2`, { token: player.token })
  const rest = await api.call("GET", `${path}?limit=2&after=${page.body.next}`, { token: player.token })
  const names = [...page.body.data, ...rest.body.data].map(({ name }) => name)
  expect(names).toEqual(["Court A", "Court A", "Court B", "Court C"])
  expect(rest.body.next).toBeNull()
})

test("a facility's administration is refused to its other members, and hidden from strangers", async () => {
  const before = await api.rows()
  const at = `/v1/facilities/${facilityId}`
  const calls = [
    ["POST", `${at}/resources`, { name: "Court", resourceType: "court" }],
    ["PATCH", `${at}/settings`, { name: "Mine" }],
    ["POST", `${at}/api-keys`, { name: "Till", role: "staff" }],
    ["GET", `${at}/api-keys`, undefined],
    ["DELETE", `${at}/api-keys/${unknownId}`, undefined],
  ] as const
  for (const [method, path, body] of calls) {
    const codes = []
    for (const token of [player.token, stranger.token, null]) {
      codes.push((await api.call(method, path, { token, body })).body.code)
    }
    expect({ path, codes }).toEqual({ path, codes: ["not_allowed", "not_found", "not_authenticated"] })
  }
  expect((await api.call("GET", `${at}/resources`, { token: stranger.token })).status).toBe(404)
  expect((await api.call("GET", `/v1/facilities/${unknownId}/resources`)).status).toBe(404)
  expect(await api.rows()).toEqual(before)
})

test("an API key acts under its own name and role, until it is revoked", async () => {
  const path = `/v1/facilities/${facilityId}/api-keys`
  const made = await api.call("POST", path, { token: admin.token, body: { name: "Till", role: "staff" } })
  expect(made.status).toBe(201)
  expect(made.headers.get("cache-control")).toBe("no-store")
  const { key, ...shown } = made.body
  expect(key).toMatch(/^sbk_[A-Za-z0-9_-]{43}$/)
  expect(shown).toEqual({
    id: expect.any(String),
    facilityId,
    userId: expect.any(String),
    name: "Till",
    role: "staff",
    keyHint: key.slice(0, 10),
    createdBy: admin.id,
    createdAt: expect.any(String),
    ownerId: admin.id,
    madeWith: null,
    revokedAt: null,
    endedBecause: null,
  })
  expect((await api.call("GET", "/v1/me", { token: key })).body).toEqual({
    id: shown.userId,
    kind: "api_key",
    name: "Till",
    firstName: null,
    lastName: null,
    email: null,
    language: null,
    timezone: null,
    roles: [{ role: "staff", scopeType: "facility", scopeId: facilityId }],
    children: [],
    tokenExpiresAt: null,
  })
  const listed = await api.call("GET", path, { token: admin.token })
  expect(listed.body.data).toContainEqual(shown)
  expect(JSON.stringify(listed.body)).not.toContain(key)

  const foreign = `/v1/facilities/${otherId}/api-keys/${shown.id}`
  expect((await api.call("DELETE", foreign, { token: stranger.token })).status).toBe(404)
  expect((await api.call("GET", "/v1/me", { token: key })).status).toBe(200)
  expect((await api.call("DELETE", `${path}/${shown.id}`, { token: admin.token })).status).toBe(204)
  expect((await api.call("DELETE", `${path}/${shown.id}`, { token: admin.token })).status).toBe(204)
  expect((await api.call("GET", "/v1/me", { token: key })).body.detail).toBe("The token is not valid.")
  const after = await api.call("GET", path, { token: admin.token })
  expect(after.body.data.find(({ id }: { id: string }) => id === shown.id).revokedAt).toEqual(expect.any(String))
})

test("a facility has at most 100 working keys", async () => {
  const id = await api.facility()
  await api.database.db`
    insert into slotbase.api_keys (id, facility_id, user_id, name, role, key_hash, key_hint, created_by)
    select slotbase.new_id(), ${id}, ${rootUserId}, 'key ' || n, 'staff', sha256(convert_to(${id} || n, 'utf8')), 'sbk', ${rootUserId}
    from generate_series(1, 100) n`
  const before = await api.rows()
  const answer = await api.call("POST", `/v1/facilities/${id}/api-keys`, { body: { name: "Till", role: "staff" } })
  expect(answer.status).toBe(422)
  expect(answer.body.code).toBe("too_many_api_keys")
  expect(await api.rows()).toEqual(before)
})
