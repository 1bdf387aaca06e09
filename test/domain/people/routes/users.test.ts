// Registration, signing in and out, the caller's profile, and the rights to assign roles.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { platformFacilityId, rootUserId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"
import { rootKey } from "#test/harness/setup/system.ts"

let api: TestApi
let facilityId: string

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
})
afterAll(() => api.database.drop())

const anna = { email: " Anna.Keller@Example.COM ", password, firstName: "Anna", lastName: "Keller" }
const unknownId = "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01"
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const eventsOf = async (headers: Headers) => {
  const ids = (headers.get("x-slotbase-event-ids") ?? "").split(",").filter(Boolean)
  return api.database.db`
    select type, facility_id, user_id, correlation_id, aggregate_id, data from slotbase.events
    where id = any (${ids}) order by id`
}

test("a person registers, and user.created names them", async () => {
  const answer = await api.call("POST", "/v1/users", { token: null, body: { ...anna, registrationSource: "mobile" } })
  expect(answer.status).toBe(201)
  expect(answer.body).toEqual({
    id: expect.any(String),
    email: "anna.keller@example.com",
    firstName: "Anna",
    lastName: "Keller",
    registrationSource: "mobile",
    createdAt: expect.stringMatching(instant),
  })
  const { id } = answer.body
  expect(await eventsOf(answer.headers)).toEqual([
    {
      type: "user.created",
      facility_id: platformFacilityId,
      user_id: id,
      correlation_id: answer.headers.get("x-correlation-id"),
      aggregate_id: id,
      data: {
        userId: id,
        email: "anna.keller@example.com",
        firstName: "Anna",
        lastName: "Keller",
        registrationSource: "mobile",
      },
    },
  ] as never)
  const [row] = await api.database.db`select password_hash from slotbase.users where id = ${id}`
  expect(row?.password_hash).toStartWith("$argon2id$v=19$")
})

test("an address belongs to one person, however it is written", async () => {
  const before = await api.rows()
  const again = await api.call("POST", "/v1/users", {
    token: null,
    body: { ...anna, email: "ANNA.keller@example.com", firstName: "Other" },
  })
  expect(again.body).toEqual({
    type: "urn:slotbase:problem:email_taken",
    title: "Wrong state",
    status: 409,
    detail: "Somebody is registered with this e-mail address.",
    code: "email_taken",
  })
  expect(again.headers.get("x-slotbase-event-ids")).toBeNull()
  expect(await api.rows()).toEqual(before)
})

test("64 registrations of one address at once make one person", async () => {
  const body = { email: "race@example.com", password, firstName: "Race", lastName: "Winner" }
  const answers = await Promise.all(
    Array.from({ length: 64 }, () => api.call("POST", "/v1/users", { token: null, body })),
  )
  const statuses = answers.map(({ status }) => status).sort()
  expect(statuses).toEqual([201, ...Array.from({ length: 63 }, () => 409)])
})

test("a password that is easy to guess is refused, and nothing is written", async () => {
  const people = async () => (await api.database.db`select 1 from slotbase.users`).length
  const before = await people()
  for (const weak of ["password", "        ", "aaaaaaaa", "anna.keller2", "Anna Keller"]) {
    const answer = await api.call("POST", "/v1/users", {
      token: null,
      body: { ...anna, email: "anna.keller2@example.com", password: weak },
    })
    expect([weak, answer.status, answer.body.code]).toEqual([weak, 422, "weak_password"])
    expect(answer.body.errors).toEqual([{ path: "body.password", message: "Expected a less common password" }])
  }
  expect(await people()).toBe(before)
})

test("a person whose password was set before it was refused still signs in", async () => {
  const body = { email: "old@example.com", password: "password" }
  const made = await api.call("POST", "/v1/users", { token: null, body: { ...anna, ...body, password } })
  const hash = await Bun.password.hash(body.password)
  await api.database.db`update slotbase.users set password_hash = ${hash} where id = ${made.body.id}`
  expect((await api.call("POST", "/v1/sessions", { token: null, body })).status).toBe(201)
})

test("a person that registers with a facility becomes its player, and the facility gets the event", async () => {
  const body = { email: "player@example.com", password, firstName: "Leo", lastName: "Martin", facilityId }
  const answer = await api.call("POST", "/v1/users", { token: null, body })
  expect(answer.status).toBe(201)
  expect(answer.body.facilityId).toBe(facilityId)
  const [event, ...more] = await eventsOf(answer.headers)
  expect(more).toEqual([])
  expect(event).toMatchObject({ type: "user.created", facility_id: facilityId, data: { facilityId } })
  const session = await api.call("POST", "/v1/sessions", { token: null, body: { email: body.email, password } })
  const me = await api.call("GET", "/v1/me", { token: session.body.token })
  expect(me.body.roles).toEqual([{ role: "player", scopeType: "facility", scopeId: facilityId }])
})

test("nobody can join an unknown facility, nor the platform itself", async () => {
  const before = await api.rows()
  for (const id of [unknownId, platformFacilityId]) {
    const body = { email: "lost@example.com", password, firstName: "Leo", lastName: "Martin", facilityId: id }
    const answer = await api.call("POST", "/v1/users", { token: null, body })
    expect(answer.body).toEqual({
      type: "urn:slotbase:problem:facility_unknown",
      title: "Against a rule",
      status: 422,
      detail: "There is no such facility to join.",
      code: "facility_unknown",
      errors: [{ path: "body.facilityId", message: "Expected the id of a facility" }],
    })
  }
  expect(await api.rows()).toEqual(before)
})

test("a session opens the API until it is signed out", async () => {
  const body = { email: "ANNA.KELLER@example.com ", password }
  const signedIn = await api.call("POST", "/v1/sessions", { token: null, body })
  expect(signedIn.status).toBe(201)
  expect(signedIn.headers.get("cache-control")).toBe("no-store")
  const { token, expiresAt, user } = signedIn.body
  expect(token).toMatch(/^sbs_[A-Za-z0-9_-]{43}$/)
  expect(user).toEqual({
    id: expect.any(String),
    email: "anna.keller@example.com",
    firstName: "Anna",
    lastName: "Keller",
  })
  const days = (Date.parse(expiresAt) - Date.now()) / 86_400_000
  expect(Math.round(days)).toBe(30)

  const me = await api.call("GET", "/v1/me", { token })
  expect(me.body).toEqual({
    id: user.id,
    kind: "person",
    name: "Anna Keller",
    firstName: "Anna",
    lastName: "Keller",
    email: "anna.keller@example.com",
    roles: [],
    children: [],
    language: null,
    timezone: null,
    tokenExpiresAt: expiresAt,
  })
  const [{ count }] = await api.database.db<[{ count: number }]>`
    select count(*) from slotbase.sessions where position(${token} in encode(token_hash, 'escape')) > 0`
  expect(count).toBe(0)

  expect((await api.call("DELETE", "/v1/sessions", { token })).status).toBe(204)
  expect((await api.call("GET", "/v1/me", { token })).status).toBe(401)
})

test("a wrong password and an unknown address are answered alike", async () => {
  const before = await api.rows()
  const wrong = { email: "anna.keller@example.com", password: "wrong password" }
  const unknown = { email: "nobody@example.com", password }
  const root = { email: "root@example.com", password: "" }
  for (const body of [wrong, unknown, root]) {
    const answer = await api.call("POST", "/v1/sessions", { token: null, body })
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="slotbase"')
    expect(answer.body).toEqual({
      type: "urn:slotbase:problem:not_authenticated",
      title: "Not authenticated",
      status: 401,
      detail: "The e-mail address or the password is wrong.",
      code: "not_authenticated",
    })
  }
  expect(await api.rows()).toEqual(before)
})

test("a session expires by itself", async () => {
  const { id, token } = await api.person()
  await api.database.db`update slotbase.sessions set expires_at = slotbase.now() where user_id = ${id}`
  const answer = await api.call("GET", "/v1/me", { token })
  expect(answer.body.detail).toBe("The token is not valid.")
})

test("no credentials, foreign schemes and made-up tokens open nothing", async () => {
  const headers = ["", "Bearer", "Bearer ", "Bearer a b", `Basic ${rootKey}`, rootKey, "Bearer sbs_guess", "Bearer é"]
  for (const authorization of [...headers, `Bearer ${"x".repeat(5000)}`]) {
    const answer = await api.call("GET", "/v1/me", { token: null, headers: { authorization } })
    expect(answer.status).toBe(401)
    expect(answer.body.code).toBe("not_authenticated")
  }
})

test("the root key is the platform administrator, and cannot be signed out", async () => {
  expect((await api.call("GET", "/v1/me")).body).toEqual({
    id: rootUserId,
    kind: "system",
    name: "Root key",
    firstName: null,
    lastName: null,
    email: null,
    roles: [{ role: "platform_admin", scopeType: "platform", scopeId: platformFacilityId }],
    children: [],
    language: null,
    timezone: null,
    tokenExpiresAt: null,
  })
  expect((await api.call("DELETE", "/v1/sessions")).body.code).toBe("not_allowed")
  expect((await api.call("GET", "/v1/me")).status).toBe(200)
})

test("an administrator gives a member a role in their facility, once", async () => {
  const admin = await api.person("facility_admin", facilityId)
  const person = await api.person("player", facilityId)
  const body = { role: "staff", scopeType: "facility", scopeId: facilityId.toUpperCase() }
  const given = await api.call("POST", `/v1/users/${person.id}/roles`, { token: admin.token, body })
  expect(given.status).toBe(201)
  const grant = {
    userId: person.id,
    role: "staff",
    scopeType: "facility",
    scopeId: facilityId,
    grantedBy: admin.id,
    grantedAt: expect.stringMatching(instant),
    status: "assigned",
    invitationId: null,
    expiresAt: null,
  }
  expect(given.body).toEqual(grant)
  expect(await eventsOf(given.headers)).toMatchObject([
    {
      type: "user.role_assigned",
      facility_id: facilityId,
      user_id: admin.id,
      data: { userId: person.id, role: "staff", scopeType: "facility", scopeId: facilityId, grantedBy: admin.id },
    },
  ])
  const again = await api.call("POST", `/v1/users/${person.id}/roles`, { body })
  expect(again.status).toBe(200)
  expect(again.body).toEqual({ ...given.body })
  expect(again.headers.get("x-slotbase-event-ids")).toBeNull()
})

test("nobody assigns a role above their own, nor a role that its scope does not have", async () => {
  const admin = await api.person("facility_admin", facilityId)
  const staff = await api.person("staff", facilityId)
  const stranger = await api.person()
  const other = await api.facility()
  const person = await api.person()
  const facility = { scopeType: "facility", scopeId: facilityId }
  const platform = { scopeType: "platform", scopeId: platformFacilityId }
  const cases = [
    [admin, { role: "facility_owner", ...facility }, 403, "not_allowed"],
    [admin, { role: "platform_admin", ...platform }, 403, "not_allowed"],
    [admin, { role: "staff", scopeType: "facility", scopeId: other }, 404, "not_found"],
    [admin, { role: "platform_admin", ...facility }, 422, "role_not_in_scope"],
    [staff, { role: "player", ...facility }, 403, "not_allowed"],
    [stranger, { role: "player", ...facility }, 404, "not_found"],
    [undefined, { role: "staff", ...platform }, 422, "role_not_in_scope"],
    [undefined, { role: "staff", scopeType: "facility", scopeId: unknownId }, 404, "not_found"],
    [undefined, { role: "staff", scopeType: "facility", scopeId: platformFacilityId }, 404, "not_found"],
    [undefined, { role: "staff", scopeType: "organization", scopeId: unknownId }, 404, "not_found"],
    [undefined, { role: "platform_admin", scopeType: "platform", scopeId: facilityId }, 404, "not_found"],
  ] as const
  const before = await api.rows()
  for (const [who, body, status, code] of cases) {
    const token = who?.token ?? rootKey
    const answer = await api.call("POST", `/v1/users/${person.id}/roles`, { token, body })
    expect({ body, status: answer.status, code: answer.body.code }).toEqual({ body, status, code } as never)
  }
  for (const id of [unknownId, rootUserId, "me"]) {
    const answer = await api.call("POST", `/v1/users/${id}/roles`, { body: { role: "staff", ...facility } })
    expect(answer.body.code).toBe("not_found")
  }
  expect(await api.rows()).toEqual(before)
})

test("the platform administrator makes another one", async () => {
  const person = await api.person()
  const body = { role: "platform_admin", scopeType: "platform", scopeId: platformFacilityId }
  const answer = await api.call("POST", `/v1/users/${person.id}/roles`, { body })
  expect(answer.status).toBe(201)
  expect((await api.call("GET", `/v1/facilities/${facilityId}`, { token: person.token })).status).toBe(200)
})
