// Roles for people who are not the club's own: invited, answered by the person, bounded, and saying nothing about who
// has an account.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { aRole } from "#test/harness/club/factories.ts"
import { recordedBy, type SignedIn, signedIn, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let facilityId: string
let admin: SignedIn
let person: SignedIn

beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  facilityId = await api.facility({ name: "Riverside" })
  admin = await signedIn(api, "facility_admin", facilityId)
  person = await signedIn(api)
})

const roleHere = (role = "player") => ({ role, scopeType: "facility", scopeId: facilityId })
const give = (by: SignedIn, userId: string, role: object = roleHere()) =>
  api.call("POST", `/v1/users/${userId}/roles`, { token: by.token, body: role })
const answer = (by: SignedIn, id: string, how: "accept" | "decline") =>
  api.call("POST", `/v1/role-invitations/${id}/${how}`, { token: by.token })
const invitations = async (by: SignedIn) =>
  (await api.call("GET", "/v1/role-invitations", { token: by.token })).body.data as Record<string, unknown>[]
const take = (by: SignedIn, userId: string, role = roleHere()) =>
  api.call("DELETE", `/v1/users/${userId}/roles?${new URLSearchParams(role)}`, { token: by.token })
const rolesOf = async (by: SignedIn) => (await api.call("GET", "/v1/me", { token: by.token })).body.roles

test("a stranger is invited, holds nothing before the answer, and holds the role after accepting", async () => {
  const invited = await give(admin, person.id, roleHere("coach"))
  expect(invited.status).toBe(202)
  const { invitationId, expiresAt } = invited.body
  expect(invited.body).toEqual({
    userId: person.id,
    ...roleHere("coach"),
    grantedBy: admin.id,
    grantedAt: null,
    status: "invited",
    invitationId: expect.any(String),
    expiresAt: expect.any(String),
  })
  expect(await recordedBy(api, invited.headers)).toEqual([])
  expect(await rolesOf(person)).toEqual([])
  expect(verdict(await api.call("GET", `/v1/users/${person.id}/roles`, { token: admin.token }))).toBe("404 not_found")
  expect(await invitations(person)).toEqual([
    {
      id: invitationId,
      userId: person.id,
      ...roleHere("coach"),
      scopeName: "Riverside",
      invitedBy: admin.id,
      createdAt: expect.any(String),
      expiresAt,
    },
  ])
  for (const other of [admin, await signedIn(api)]) {
    expect(await invitations(other)).toEqual([])
    expect(verdict(await answer(other, invitationId, "accept"))).toBe("404 not_found")
  }
  const accepted = await answer(person, invitationId, "accept")
  expect(accepted.body).toMatchObject({ status: "assigned", grantedBy: admin.id, invitationId: null })
  expect(await recordedBy(api, accepted.headers)).toEqual([
    {
      type: "user.role_assigned",
      facility_id: facilityId,
      organization_id: null,
      user_id: person.id,
      data: { userId: person.id, ...roleHere("coach"), grantedBy: admin.id },
    },
  ])
  expect(await rolesOf(person)).toEqual([roleHere("coach")])
  expect(verdict(await answer(person, invitationId, "accept"))).toBe("404 not_found")
  expect((await give(admin, person.id, roleHere("staff"))).body.status).toBe("assigned")
})

test("an id that nobody has and a key's id are answered like a stranger's", async () => {
  const key = await api.call("POST", `/v1/facilities/${facilityId}/api-keys`, { body: { name: "Till", role: "staff" } })
  const other = await api.facility()
  const foreignKey = await api.call("POST", `/v1/facilities/${other}/api-keys`, { body: { name: "T", role: "staff" } })
  const ids = [person.id, newId(), foreignKey.body.userId, key.body.userId]
  const shapes = []
  for (const id of ids) {
    const { status, body } = await give(admin, id)
    shapes.push({ status, body: { ...body, userId: "", invitationId: "", expiresAt: "" } })
  }
  expect(shapes.slice(1)).toEqual(Array(3).fill(shapes[0]))
  const again = await give(admin, ids[1] as string)
  expect([again.status, again.body.status]).toEqual([202, "invited"])
  const listed = await api.call("GET", `/v1/facilities/${facilityId}/role-invitations`, { token: admin.token })
  expect(listed.body.data.map((each: { userId: string }) => each.userId)).toEqual(ids)
  expect(listed.body.data[1]).toEqual({
    id: again.body.invitationId,
    userId: ids[1],
    ...roleHere(),
    scopeName: "Riverside",
    invitedBy: admin.id,
    createdAt: expect.any(String),
    expiresAt: again.body.expiresAt,
  })
  for (const id of ids) expect(verdict(await take(admin, id))).toBe("204")
  for (const id of ids) expect(verdict(await take(admin, id))).toBe("404 not_found")
})

test("an invitation is declined, taken back or repeated; of two answers at once one counts", async () => {
  const first = (await give(admin, person.id)).body.invitationId
  expect((await give(admin, person.id)).body.invitationId).toBe(first)
  expect(verdict(await answer(person, first, "decline"))).toBe("204")
  expect(await invitations(person)).toEqual([])
  const second = (await give(admin, person.id)).body.invitationId
  expect(verdict(await take(admin, person.id))).toBe("204")
  expect(verdict(await answer(person, second, "accept"))).toBe("404 not_found")
  const third = (await give(admin, person.id)).body.invitationId
  const answers = await Promise.all((["accept", "accept", "decline"] as const).map((how) => answer(person, third, how)))
  expect(answers.map(({ status }) => (status < 300 ? "counts" : status)).sort()).toEqual([404, 404, "counts"])
})

test("the inviter must still have the right at the acceptance: a lost role and a revoked key make it void", async () => {
  const key = await api.call("POST", `/v1/facilities/${facilityId}/api-keys`, {
    body: { name: "Till", role: "facility_admin" },
  })
  const byKey = await give({ id: key.body.userId, token: key.body.key }, person.id, roleHere("coach"))
  const byAdmin = await give(admin, person.id)
  expect([byKey.status, byAdmin.status]).toEqual([202, 202])
  await api.call("DELETE", `/v1/facilities/${facilityId}/api-keys/${key.body.id}`)
  expect(verdict(await take(admin, admin.id, roleHere("facility_admin")))).toBe("204")
  for (const { body } of [byKey, byAdmin]) {
    expect(verdict(await answer(person, body.invitationId, "accept"))).toBe("409 invitation_void")
  }
  expect(await rolesOf(person)).toEqual([])
})

test("who declines stays a stranger to the club: its audit trail names nobody and no address", async () => {
  const { invitationId } = (await give(admin, person.id)).body
  expect(verdict(await answer(person, invitationId, "decline"))).toBe("204")
  const trail = async (at: string, token?: string) =>
    (await api.call("GET", `${at}/audit-log?action=role.declined&subjectId=${person.id}`, token ? { token } : {})).body
      .data
  const [seen] = await trail(`/v1/facilities/${facilityId}`, admin.token)
  expect(seen).toMatchObject({ actorId: null, actorName: null, clientAddress: null, userAgent: null })
  const byActor = `/v1/facilities/${facilityId}/audit-log?actorId=${person.id}`
  expect((await api.call("GET", byActor, { token: admin.token })).body.data).toEqual([])
  expect((await trail("/v1"))[0]).toMatchObject({ actorId: person.id, actorName: expect.any(String) })
})

test("taking a role away says nothing about who has an account", async () => {
  const answers = await Promise.all([person.id, newId()].map((id) => take(admin, id)))
  expect(answers[0]?.body).toEqual(answers[1]?.body)
  expect(answers.map(({ status }) => status)).toEqual([404, 404])
})

test("an invitation ends by itself", async () => {
  const { invitationId } = (await give(admin, person.id)).body
  await api.database.db`update slotbase.role_invitations set expires_at = slotbase.now() where id = ${invitationId}`
  expect(await invitations(person)).toEqual([])
  expect(verdict(await answer(person, invitationId, "accept"))).toBe("404 not_found")
})

test("a facility has a hundred open invitations at most, also with two at once; an old one does not count", async () => {
  const { db } = api.database
  await db`
    insert into slotbase.role_invitations (id, user_id, role, scope_type, scope_id, invited_by, expires_at)
    select slotbase.new_id(), slotbase.new_id(), 'player', 'facility', ${facilityId}, ${admin.id},
           slotbase.now() + case when n = 1 then interval '0' else interval '1 day' end
    from generate_series(1, 100) n`
  const answers = await Promise.all([give(admin, person.id), give(admin, newId())])
  expect(answers.map(verdict).sort()).toEqual(["202", "422 too_many_invitations"])
})

test("a person has fifty open invitations at most: the oldest gives way to a new club", async () => {
  const { db } = api.database
  await db`
    insert into slotbase.role_invitations (id, user_id, role, scope_type, scope_id, invited_by, expires_at)
    select slotbase.new_id(), ${person.id}, 'player', 'facility', slotbase.new_id(), ${admin.id},
           slotbase.now() + make_interval(hours => n) from generate_series(1, 50) n`
  const { invitationId } = (await give(admin, person.id)).body
  const [kept] = await db`
    select count(*)::integer as count, bool_or(id = ${invitationId}) as newest, min(expires_at) > slotbase.now() + interval '90 minutes' as oldest_left
    from slotbase.role_invitations where user_id = ${person.id}`
  expect({ ...kept }).toEqual({ count: 50, newest: true, oldest_left: true })
})

test("the club's own get a role at once: members, members by the organization, walk-ins and children made by staff", async () => {
  const { db } = api.database
  const owner = await signedIn(api)
  const organization = await api.call("POST", "/v1/organizations", { body: { name: "Clubs", ownerId: owner.id } })
  const body = { name: "Eastside", timezone: "UTC", currency: "EUR", organizationId: organization.body.id }
  const its = (await api.call("POST", "/v1/facilities", { body })).body.id
  const coach = { role: "coach", scopeType: "facility", scopeId: its }
  const boss = await signedIn(api)
  for (const who of [boss, owner]) await aRole(db, who.id, "facility_admin", its)
  const colleague = await signedIn(api)
  const staffOf = { role: "staff", scopeType: "organization", scopeId: organization.body.id }
  await api.call("POST", `/v1/users/${colleague.id}/roles`, { body: staffOf })
  expect((await give(boss, colleague.id, coach)).body.status).toBe("assigned")
  const player = await signedIn(api, "player", its)
  expect((await give(owner, player.id, staffOf)).body.status).toBe("assigned")
  expect((await give(owner, person.id, staffOf)).body.status).toBe("invited")

  const guest = { firstName: "Ida", lastName: "Moreau" }
  const walkIn = await api.call("POST", `/v1/facilities/${its}/walk-ins`, { token: boss.token, body: guest })
  expect((await give(boss, walkIn.body.id, coach)).body.status).toBe("assigned")
  const child = await api.call("POST", `/v1/users/${player.id}/children`, {
    token: boss.token,
    body: { firstName: "Leo", lastName: "Keller", relationship: "mother" },
  })
  expect((await give(boss, child.body.childId, coach)).body.status).toBe("assigned")
  expect((await give(admin, walkIn.body.id)).body.status).toBe("invited")
})

test("a child who cannot sign in is answered for by a parent whose link counts everywhere, and by no other", async () => {
  const leo = { firstName: "Leo", lastName: "Keller", relationship: "mother" }
  const add = (by: SignedIn, parentId: string, more: object) =>
    api.call("POST", `/v1/users/${parentId}/children`, { token: by.token, body: { ...leo, ...more } })
  const { childId } = (await add(person, person.id, {})).body
  const invited = (await give(admin, childId)).body
  expect(await invitations(person)).toMatchObject([{ id: invited.invitationId, userId: childId }])
  const accepted = await answer(person, invited.invitationId, "accept")
  expect((await recordedBy(api, accepted.headers)).map(({ data }) => (data as { role: string }).role)).toEqual([
    "player",
    "parent",
  ])
  const elsewhere = await api.facility()
  const staff = await signedIn(api, "staff", elsewhere)
  const member = await signedIn(api, "player", elsewhere)
  const made = await add(staff, member.id, {})
  const second = (await give(admin, made.body.childId)).body
  expect(await invitations(member)).toEqual([])
  expect(verdict(await answer(member, second.invitationId, "accept"))).toBe("404 not_found")
})

test("an organization with many clubs does not drive out the invitation of another club", async () => {
  const { db } = api.database
  const genuine = (await give(admin, person.id)).body.invitationId
  const owner = await signedIn(api)
  const organization = (await api.call("POST", "/v1/organizations", { body: { name: "Many", ownerId: owner.id } })).body
  const clubs = await Promise.all(Array.from({ length: 9 }, () => api.facility()))
  await db`update slotbase.facilities set organization_id = ${organization.id} where id = any (${clubs}::uuid[])`
  let last = ""
  for (const scopeId of clubs) {
    for (const role of ["player", "coach", "staff", "facility_admin", "facility_owner", "parent"]) {
      const invited = await give(owner, person.id, { role, scopeType: "facility", scopeId })
      expect(invited.status).toBe(202)
      last = invited.body.invitationId
    }
  }
  const [row] = await db`
    select count(*)::integer as all, bool_or(id = ${last}) as has_last from slotbase.role_invitations where user_id = ${person.id}`
  expect({ ...row }).toEqual({ all: 50, has_last: true })
  expect((await answer(person, genuine, "accept")).status).toBe(200)
})
