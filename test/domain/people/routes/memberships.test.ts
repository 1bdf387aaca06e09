// Joining a further club: who may, what it records, and what it does not give.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId, platformFacilityId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { recordedBy, type SignedIn, signedIn, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let facilityId: string
let otherId: string
let admin: SignedIn

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
  otherId = await api.facility()
  admin = await signedIn(api, "facility_admin", facilityId)
})
afterAll(() => api.database.drop())

const join = (token: string | null, wanted: unknown = { facilityId }) =>
  api.call("POST", "/v1/me/memberships", { token, body: wanted })
const sees = async ({ token }: SignedIn) => verdict(await api.call("GET", `/v1/facilities/${facilityId}`, { token }))
const player = () => `role=player&scopeType=facility&scopeId=${facilityId}`
const leave = ({ id }: SignedIn, by: SignedIn) =>
  api.call("DELETE", `/v1/users/${id}/roles?${player()}`, { token: by.token })
const invite = ({ id }: SignedIn) =>
  api.call("POST", `/v1/users/${id}/roles`, {
    token: admin.token,
    body: { role: "player", scopeType: "facility", scopeId: facilityId },
  })

test("a member of another club joins, is a player at once, and user.role_assigned says that they did it alone", async () => {
  const person = await signedIn(api, "player", otherId)
  expect(await sees(person)).toBe("404 not_found")
  const joined = await join(person.token, { facilityId: facilityId.toUpperCase() })
  expect([joined.status, joined.body]).toEqual([201, { userId: person.id, facilityId, role: "player" }])
  expect(await recordedBy(api, joined.headers)).toEqual([
    {
      type: "user.role_assigned",
      facility_id: facilityId,
      organization_id: null,
      user_id: person.id,
      data: { userId: person.id, role: "player", scopeType: "facility", scopeId: facilityId, grantedBy: person.id },
    },
  ])
  expect(await sees(person)).toBe("200")
  const [grant] = await api.database.db`
    select role, counts, granted_by from slotbase.role_grants where user_id = ${person.id} and scope_id = ${facilityId}`
  expect(grant as unknown).toEqual({ role: "player", counts: false, granted_by: person.id })
})

test("a member who joins again, or has a higher role, is answered with 200, and nothing is recorded", async () => {
  const person = await signedIn(api, "player", facilityId)
  const before = await api.rows()
  for (const [{ id: userId, token }, role] of [
    [person, "player"],
    [admin, "facility_admin"],
  ] as const) {
    const answer = await join(token)
    expect([answer.status, answer.body]).toEqual([200, { userId, facilityId, role }])
    expect(answer.headers.get("x-slotbase-event-ids")).toBeNull()
  }
  expect(await api.rows()).toEqual(before)
})

test("of ten joinings at once one counts", async () => {
  const person = await signedIn(api)
  const answers = await Promise.all(Array.from({ length: 10 }, () => join(person.token)))
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array(9).fill(200), 201])
  const events = await Promise.all(answers.map(({ headers }) => recordedBy(api, headers)))
  expect(events.flat()).toHaveLength(1)
})

test("nobody without an account joins, no key does, and no club is joined that does not exist", async () => {
  const person = await signedIn(api)
  const { body: key } = await api.call("POST", `/v1/facilities/${otherId}/api-keys`, {
    body: { name: "Till", role: "staff" },
  })
  const before = await api.rows()
  expect(verdict(await join(null))).toBe("401 not_authenticated")
  expect(verdict(await join(key.key))).toBe("403 not_allowed")
  expect(verdict(await join(person.token, { facilityId: newId() }))).toBe("422 facility_unknown")
  expect(verdict(await join(person.token, { facilityId: platformFacilityId }))).toBe("422 facility_unknown")
  expect(verdict(await join(person.token, {}))).toBe("422 invalid_input")
  expect(verdict(await join(person.token, { facilityId, role: "staff" }))).toBe("422 invalid_input")
  expect(await api.rows()).toEqual(before)
})

test("whoever left joins again; whom the club has removed does not, until the club takes them back", async () => {
  const person = await signedIn(api)
  expect((await join(person.token)).status).toBe(201)
  expect((await leave(person, person)).status).toBe(204)
  expect((await join(person.token)).status).toBe(201)
  expect((await leave(person, admin)).status).toBe(204)
  const before = await api.rows()
  expect(verdict(await join(person.token))).toBe("409 membership_ended")
  expect(await api.rows()).toEqual(before)
  expect((await join(person.token, { facilityId: otherId })).status).toBe(201)
  const { invitationId } = (await invite(person)).body
  // Still the club's decision: the invitation is to be accepted.
  expect(verdict(await join(person.token))).toBe("409 membership_ended")
  const accept = `/v1/role-invitations/${invitationId}/accept`
  expect((await api.call("POST", accept, { token: person.token, body: {} })).status).toBe(200)
  expect((await leave(person, person)).status).toBe(204)
  expect((await join(person.token)).status).toBe(201)
})

test("an open invitation to play ends with the joining, and one that was taken back keeps nobody out", async () => {
  const [invited, uninvited] = [await signedIn(api), await signedIn(api)]
  const { invitationId } = (await invite(invited)).body
  await invite(uninvited)
  expect((await leave(uninvited, admin)).status).toBe(204)
  for (const { token } of [invited, uninvited]) expect((await join(token)).status).toBe(201)
  const accept = `/v1/role-invitations/${invitationId}/accept`
  expect(verdict(await api.call("POST", accept, { token: invited.token, body: {} }))).toBe("404 not_found")
})

test("the parent of a child who joins follows, and neither counts for the plan yet", async () => {
  const [parent, child] = [await signedIn(api), await signedIn(api)]
  const link = await api.call("POST", `/v1/users/${parent.id}/children`, {
    token: parent.token,
    body: { childId: child.id, relationship: "mother" },
  })
  await api.call("POST", `/v1/child-links/${link.body.id}/accept`, { token: child.token, body: {} })
  const joined = await join(child.token)
  expect((await recordedBy(api, joined.headers)).map(({ data }) => (data as { role: string }).role)).toEqual([
    "player",
    "parent",
  ])
  const grants = await api.database.db`
    select role, counts from slotbase.role_grants
    where scope_id = ${facilityId} and user_id in (${parent.id}, ${child.id}) order by role`
  expect(grants.map((each) => ({ ...each })) as unknown).toEqual([
    { role: "parent", counts: false },
    { role: "player", counts: false },
  ])
})

test("the audit trail has the joining, with the role", async () => {
  const person = await signedIn(api)
  await join(person.token)
  const [entry] = await api.database.db`
    select action, facility_id, subject_type, actor_id, after from slotbase.audit_log where subject_id = ${person.id}`
  expect(entry as unknown).toEqual({
    action: "role.joined",
    facility_id: facilityId,
    subject_type: "user",
    actor_id: person.id,
    after: { role: "player", scopeType: "facility", scopeId: facilityId },
  })
})
