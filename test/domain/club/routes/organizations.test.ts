// Organizations: a role in one counts in all its facilities and nowhere else, and moving a facility gives nobody a
// role.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId, platformFacilityId, rootUserId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { recordedBy, type SignedIn, signedIn, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let organizationId: string
let [owner, admin, staff]: SignedIn[] = []
let facilityId: string
let otherId: string

const inZone = { timezone: "UTC", currency: "EUR" }
const roleIn = (role: string, scopeId = organizationId) => ({ role, scopeType: "organization", scopeId })

beforeAll(async () => {
  api = await testApi()
  owner = await signedIn(api)
  admin = await signedIn(api)
  staff = await signedIn(api)
  const made = await api.call("POST", "/v1/organizations", { body: { name: "Riverside Clubs", ownerId: owner.id } })
  organizationId = made.body.id
  otherId = await api.facility({ name: "Of others" })
  const body = { name: "Riverside", ...inZone, organizationId }
  facilityId = (await api.call("POST", "/v1/facilities", { token: owner.token, body })).body.id
  for (const [person, role] of [
    [admin, "facility_admin"],
    [staff, "staff"],
  ] as const) {
    await api.call("POST", `/v1/users/${person.id}/roles`, { body: roleIn(role) })
  }
})
afterAll(() => api.database.drop())

const who = () => ({ owner, admin, staff }) as Record<string, SignedIn>

test("a platform administrator makes an organization for its owner, with user.role_assigned", async () => {
  const person = await signedIn(api)
  const body = { name: "Hillside Clubs", ownerId: person.id }
  const made = await api.call("POST", "/v1/organizations", { body })
  expect(made.status).toBe(201)
  const { id } = made.body
  expect(made.body).toEqual({ ...body, id, createdAt: expect.any(String) })
  expect(await recordedBy(api, made.headers)).toEqual([
    {
      type: "user.role_assigned",
      facility_id: platformFacilityId,
      organization_id: id,
      user_id: rootUserId,
      data: {
        userId: person.id,
        role: "facility_owner",
        scopeType: "organization",
        scopeId: id,
        grantedBy: rootUserId,
      },
    },
  ])
  const mine = await api.call("GET", "/v1/organizations", { token: person.token })
  expect(mine.body).toEqual({ data: [made.body], next: null })
  expect((await api.call("GET", `/v1/organizations/${id}`, { token: person.token })).body).toEqual(made.body)
  expect(verdict(await api.call("GET", `/v1/organizations/${id}`, { token: owner?.token as string }))).toBe(
    "404 not_found",
  )
  const first = await api.call("GET", "/v1/organizations?limit=1")
  const rest = await api.call("GET", `/v1/organizations?after=${first.body.next}`)
  expect([...first.body.data, ...rest.body.data].map((each) => each.id)).toEqual([organizationId, id])
})

test("only a platform administrator makes one, and only for a person", async () => {
  const before = await api.rows()
  const make = (token: string | undefined, body: object) =>
    api.call("POST", "/v1/organizations", { ...(token && { token }), body })
  expect(verdict(await make(owner?.token, { name: "Mine" }))).toBe("403 not_allowed")
  expect(verdict(await make(undefined, { name: "x", ownerId: newId() }))).toBe("422 owner_unknown")
  expect(await api.rows()).toEqual(before)
})

test("a role in an organization counts in each of its facilities, at once and later, and in no other", async () => {
  const reached = async ({ token }: SignedIn, id: string) => {
    const court = { name: "Court 1", resourceType: "court" }
    return [
      verdict(await api.call("GET", `/v1/facilities/${id}`, { token })),
      verdict(await api.call("GET", `/v1/facilities/${id}/bookings`, { token })),
      verdict(await api.call("POST", `/v1/facilities/${id}/resources`, { token, body: court })),
    ]
  }
  const found: Record<string, unknown> = {}
  for (const [name, person] of Object.entries(who())) {
    found[name] = await reached(person, facilityId)
    expect(await reached(person, otherId)).toEqual(["404 not_found", "404 not_found", "404 not_found"])
    const listed = await api.call("GET", "/v1/facilities", { token: person.token })
    expect(listed.body.data.map(({ id }: { id: string }) => id)).toEqual([facilityId])
  }
  expect(found).toEqual({
    owner: ["200", "200", "201"],
    admin: ["200", "200", "201"],
    staff: ["200", "200", "403 not_allowed"],
  })
  const me = await api.call("GET", "/v1/me", { token: staff?.token as string })
  expect(me.body.roles).toEqual([roleIn("staff")])
  const listed = await api.call("GET", `/v1/facilities?organizationId=${organizationId}`)
  expect(listed.body.data.map(({ id }: { id: string }) => id)).toEqual([facilityId])
})

test("its owners and administrators make facilities in it, and nobody else does; the events name the organization", async () => {
  const body = { name: "Eastside", ...inZone, organizationId }
  const made = await api.call("POST", "/v1/facilities", { token: admin?.token as string, body })
  expect(made.body).toMatchObject({ organizationId, ownerId: admin?.id })
  expect(await recordedBy(api, made.headers)).toMatchObject([
    { type: "facility.created", facility_id: made.body.id, organization_id: organizationId },
  ])
  const settings = `/v1/facilities/${made.body.id}/settings`
  const changed = await api.call("PATCH", settings, { token: owner?.token as string, body: { name: "East" } })
  expect(await recordedBy(api, changed.headers)).toMatchObject([{ organization_id: organizationId }])
  const before = await api.rows()
  const refused = async (token: string, more: object) =>
    verdict(await api.call("POST", "/v1/facilities", { token, body: { ...body, ...more } }))
  expect(await refused(staff?.token as string, {})).toBe("403 not_allowed")
  expect(await refused((await signedIn(api, "facility_owner", otherId)).token, {})).toBe("404 not_found")
  expect(await refused(owner?.token as string, { organizationId: newId() })).toBe("404 not_found")
  const stranger = await signedIn(api)
  expect(await refused(owner?.token as string, { ownerId: stranger.id })).toBe("422 owner_unknown")
  expect(await refused(owner?.token as string, { ownerId: newId() })).toBe("422 owner_unknown")
  expect({ ...(await api.rows()), users: 0, sessions: 0, grants: 0 }).toEqual({
    ...before,
    users: 0,
    sessions: 0,
    grants: 0,
  })
})

test("roles in an organization are given up to the giver's own, and only roles that an organization has", async () => {
  const person = await signedIn(api)
  const give = async (by: SignedIn | undefined, body: object) =>
    verdict(await api.call("POST", `/v1/users/${person.id}/roles`, { token: by?.token as string, body }))
  expect(await give(admin, roleIn("facility_owner"))).toBe("403 not_allowed")
  expect(await give(staff, roleIn("staff"))).toBe("403 not_allowed")
  expect(await give(await signedIn(api, "facility_owner", facilityId), roleIn("staff"))).toBe("404 not_found")
  for (const role of ["coach", "player", "parent", "platform_admin"]) {
    expect(await give(owner, roleIn(role))).toBe("422 role_not_in_scope")
  }
  expect(await give(admin, roleIn("facility_admin"))).toBe("202")
  const member = await signedIn(api, "player", facilityId)
  const given = await api.call("POST", `/v1/users/${member.id}/roles`, {
    token: admin?.token as string,
    body: roleIn("facility_admin"),
  })
  expect(verdict(given)).toBe("201")
})

test("an owner of a facility moves it into an organization that they administer; nobody becomes an owner by the move", async () => {
  const id = await api.facility({ name: "Westside" })
  const move = async (token: string, to: string | null) =>
    verdict(await api.call("PATCH", `/v1/facilities/${id}/settings`, { token, body: { organizationId: to } }))
  const its = await signedIn(api, "facility_owner", id)
  expect(await move(its.token, organizationId)).toBe("404 not_found")
  await api.call("POST", `/v1/users/${owner?.id}/roles`, {
    body: { role: "facility_admin", scopeType: "facility", scopeId: id },
  })
  expect(await move(owner?.token as string, organizationId)).toBe("403 not_allowed")
  await api.call("POST", `/v1/users/${its.id}/roles`, { body: roleIn("facility_admin") })
  const moved = await api.call("PATCH", `/v1/facilities/${id}/settings`, {
    token: its.token,
    body: { organizationId: organizationId.toUpperCase() },
  })
  expect(moved.body).toMatchObject({ organizationId, version: 2 })
  expect(await recordedBy(api, moved.headers)).toMatchObject([
    { organization_id: organizationId, data: { changedSettings: ["organizationId"] } },
  ])
  expect(verdict(await api.call("GET", `/v1/facilities/${id}`, { token: staff?.token as string }))).toBe("200")
  // Taking the facility out needs both roles: administrator of the organization and owner of the facility.
  expect(await move((await signedIn(api, "facility_owner", id)).token, null)).toBe("403 not_allowed")
  expect(await move(admin?.token as string, null)).toBe("403 not_allowed")
  expect(await move(owner?.token as string, null)).toBe("200")
  expect(verdict(await api.call("GET", `/v1/facilities/${id}`, { token: staff?.token as string }))).toBe(
    "404 not_found",
  )
})
