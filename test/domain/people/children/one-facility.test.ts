// Links that staff make, told end to end: they count in the facility of the staff, and nowhere else, until the child's
// side accepts. The stories begin with staff of club F, and end in club G.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { parentsOf } from "#domain/people/children/parents.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { aResource, aRole } from "#test/harness/club/factories.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { recordedBy, type SignedIn, signedIn, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let f: string
let g: string
const courts: Record<string, string> = {}
let staffOfF: SignedIn
let staffOfG: SignedIn
/** A member of F and G with an account of their own. */
let child: SignedIn
/** A member of F, who would like to act for the child in G. */
let parent: SignedIn
let hour = 24

beforeAll(async () => {
  api = await testApi()
  f = await api.facility()
  g = await api.facility()
  for (const id of [f, g]) courts[id] = (await aResource(api.database.db, id)).id
  staffOfF = await signedIn(api, "staff", f)
  staffOfG = await signedIn(api, "staff", g)
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  child = await signedIn(api, "player", f)
  await aRole(api.database.db, child.id, "player", g)
  parent = await signedIn(api, "player", f)
})

const send = (by: SignedIn, method: string, path: string, body?: object) =>
  api.call(method, path, { token: by.token, ...(body !== undefined && { body }) })
const link = (by: SignedIn, more: object = {}, parentId = parent.id) =>
  send(by, "POST", `/v1/users/${parentId}/children`, { childId: child.id, relationship: "father", ...more })
const accept = (by: SignedIn, id: string) => send(by, "POST", `/v1/child-links/${id}/accept`)
const unlink = (by: SignedIn) => send(by, "DELETE", `/v1/users/${parent.id}/children/${child.id}`)
const slot = (facilityId: string) => ({ resourceId: courts[facilityId], ...atHour(++hour) })
const hold = async (by: SignedIn, facilityId: string) =>
  verdict(await send(by, "POST", `/v1/facilities/${facilityId}/holds`, { ...slot(facilityId), bookerId: child.id }))
const bookingIn = async (facilityId: string) => {
  const wanted = { ...slot(facilityId), bookerId: child.id, paymentMethod: "waived" }
  return (await api.call("POST", `/v1/facilities/${facilityId}/bookings`, { body: wanted })).body.id as string
}
const rolesOf = async (by: SignedIn) =>
  (await send(by, "GET", "/v1/me")).body.roles.map(
    ({ role, scopeId }: { role: string; scopeId: string }) => `${role} ${scopeId === f ? "F" : "G"}`,
  )
const staffKey = async (facilityId: string): Promise<SignedIn> => {
  const made = await api.call("POST", `/v1/facilities/${facilityId}/api-keys`, {
    body: { name: "Till", role: "staff" },
  })
  return { id: made.body.userId, token: made.body.key }
}

/** What the parent may do with the child's booking in G: read it, cancel it, book beside it, see the strikes. */
async function actsInG(): Promise<string[]> {
  const at = `/v1/facilities/${g}`
  const booking = await bookingIn(g)
  return [
    await hold(parent, g),
    verdict(await send(parent, "GET", `${at}/bookings/${booking}`)),
    verdict(await send(parent, "POST", `${at}/bookings/${booking}/cancel`, { cancellationReason: "x" })),
    verdict(await send(parent, "GET", `${at}/players/${child.id}/progress`)),
  ]
}
const nothing = Array(4).fill("404 not_found")

describe.each(["staff", "a staff key"])("%s of F links two members of F", (by) => {
  const maker = async () => (by === "staff" ? staffOfF : staffKey(f))

  test("the parent acts for the child in F, and gets nothing in G", async () => {
    const linked = await link(await maker())
    expect(linked.body).toMatchObject({ status: "linked", countsIn: f })
    expect(await rolesOf(parent)).toEqual(["parent F", "player F"])
    expect(await hold(parent, f)).toBe("201")
    expect(await actsInG()).toEqual(nothing)
  })

  test("a parent who is a member of G by themself gets nothing for the child there either", async () => {
    await aRole(api.database.db, parent.id, "player", g)
    await link(await maker())
    expect(await actsInG()).toEqual(["403 not_allowed", "404 not_found", "404 not_found", "404 not_found"])
    const listed = await send(parent, "GET", `/v1/facilities/${g}/bookings?bookerId=${child.id}`)
    expect(verdict(listed)).toBe("403 not_allowed")
    expect(await parentsOf(api.database.db, g, [child.id])).toEqual(new Map())
    expect(await parentsOf(api.database.db, f, [child.id])).toEqual(new Map([[child.id, [parent.id]]]))
  })
})

test("a child that joins G later brings no parent along, and the parent's role stays in F", async () => {
  await api.database.db`delete from slotbase.role_grants where user_id = ${child.id} and scope_id = ${g}`
  await link(staffOfF)
  const role = { role: "player", scopeType: "facility", scopeId: g }
  const joined = await api.call("POST", `/v1/users/${child.id}/roles`, { body: role })
  expect((await recordedBy(api, joined.headers)).map(({ data }) => (data as { userId: string }).userId)).toEqual([
    child.id,
  ])
  expect(await rolesOf(parent)).toEqual(["parent F", "player F"])
  expect(await actsInG()).toEqual(nothing)
})

test("what the child accepts counts everywhere, with the role of a parent in G, and one link is left", async () => {
  const linked = await link(staffOfF, { permissions: ["book"] })
  await send(parent, "POST", `/v1/users/${parent.id}/children`, { childId: child.id, relationship: "father" })
  for (const other of [parent, staffOfF, staffOfG]) {
    expect(verdict(await accept(other, linked.body.id))).toBe("404 not_found")
  }
  const accepted = await accept(child, linked.body.id)
  expect(accepted.body).toMatchObject({ status: "linked", countsIn: null, permissions: ["book"] })
  expect((await recordedBy(api, accepted.headers)).map(({ type, facility_id }) => [type, facility_id])).toEqual([
    ["parent_child.linked", [f, g].sort()[0] as string],
    ["user.role_assigned", g],
  ])
  expect(await hold(parent, g)).toBe("201")
  expect(verdict(await accept(child, linked.body.id))).toBe("409 invitation_answered")
  expect((await send(parent, "GET", `/v1/users/${parent.id}/children`)).body.data).toHaveLength(1)
  expect(verdict(await link(staffOfF))).toBe("409 already_linked")
})

test("staff of F and staff of G each link the pair in their own club, and neither touches the other's", async () => {
  await aRole(api.database.db, parent.id, "player", g)
  expect((await link(staffOfF, { permissions: ["book"] })).body.countsIn).toBe(f)
  expect((await link(staffOfG, { permissions: ["view_feedback"] })).body.countsIn).toBe(g)
  expect(verdict(await link(staffOfG))).toBe("409 already_linked")
  const seen = async (by: SignedIn) =>
    (await send(by, "GET", `/v1/users/${parent.id}/children`)).body.data.map(
      ({ countsIn }: { countsIn: string }) => countsIn,
    )
  expect([await seen(staffOfF), await seen(staffOfG), await seen(parent)]).toEqual([[f], [g], [f, g]])
  expect([await hold(parent, f), await hold(parent, g)]).toEqual(["201", "403 not_allowed"])
  const ended = await unlink(staffOfG)
  expect((await recordedBy(api, ended.headers)).map(({ type, facility_id }) => [type, facility_id])).toEqual([
    ["parent_child.unlinked", g],
    ["user.role_revoked", g],
  ])
  expect([await seen(staffOfF), await seen(staffOfG), await seen(parent)]).toEqual([[f], [], [f]])
  expect(verdict(await unlink(staffOfG))).toBe("404 not_found")
})

test("after the child has ended the link, staff and their key can only invite", async () => {
  await link(staffOfF)
  expect(verdict(await unlink(child))).toBe("204")
  expect(await rolesOf(parent)).toEqual(["player F"])
  const again = await link(await staffKey(f))
  expect(again.body).toMatchObject({ status: "invited", countsIn: null, child: null })
  expect(await hold(parent, f)).toBe("403 not_allowed")
  expect(verdict(await send(child, "POST", `/v1/child-links/${again.body.id}/decline`))).toBe("200")
  expect((await link(staffOfF)).body.status).toBe("invited")
  // The invitation, taken back and made anew, is still an invitation: the refusal is remembered, not the row.
  expect(verdict(await unlink(parent))).toBe("204")
  const last = await link(staffOfF)
  expect(last.body.status).toBe("invited")
  expect((await accept(child, last.body.id)).body).toMatchObject({ status: "linked", countsIn: null })
})

test("a link of F gives nothing in F either after the child or the parent has left F", async () => {
  await link(staffOfF)
  const left = new URLSearchParams({ role: "player", scopeType: "facility", scopeId: f })
  const booking = await bookingIn(f)
  const read = async () => verdict(await send(parent, "GET", `/v1/facilities/${f}/bookings/${booking}`))
  expect(await read()).toBe("200")
  expect(verdict(await send(child, "DELETE", `/v1/users/${child.id}/roles?${left}`))).toBe("204")
  expect(await read()).toBe("404 not_found")
  expect(await rolesOf(parent)).toEqual(["player F"])
  expect(verdict(await send(parent, "DELETE", `/v1/users/${parent.id}/roles?${left}`))).toBe("204")
  expect(await read()).toBe("404 not_found")
})

describe("a child whose account staff of F made", () => {
  const made = async () => {
    const leo = { firstName: "Leo", lastName: "Keller", relationship: "father" }
    const { body } = await send(staffOfF, "POST", `/v1/users/${parent.id}/children`, leo)
    return { linkId: body.id as string, countsIn: body.countsIn, childId: body.childId as string }
  }

  test("plays in F, and the parent acts for the child in F only until they accept", async () => {
    const { linkId, countsIn, childId } = await made()
    expect(countsIn).toBe(f)
    const { db } = api.database
    await aRole(db, childId, "player", g)
    const holdIn = async (id: string) =>
      verdict(await send(parent, "POST", `/v1/facilities/${id}/holds`, { ...slot(id), bookerId: childId }))
    expect([await holdIn(f), await holdIn(g)]).toEqual(["201", "404 not_found"])
    const [mail] = await db`
      select slotbase.parents_email(${childId}, ${f}) as in_f, slotbase.parents_email(${childId}, ${g}) as in_g,
             slotbase.parents_email(${childId}) as everywhere`
    expect({ ...mail }).toEqual({ in_f: `${parent.id}@example.com`, in_g: null, everywhere: null })
    expect((await accept(parent, linkId)).body).toMatchObject({ status: "linked", countsIn: null })
    expect(await holdIn(g)).toBe("201")
  })

  test("keeps a parent: staff cannot leave the account without one, and a second link of F does not count as one", async () => {
    const { childId } = await made()
    const path = `/v1/users/${parent.id}/children/${childId}`
    expect(verdict(await send(staffOfF, "DELETE", path))).toBe("409 child_needs_a_parent")
    const other = await signedIn(api, "player", f)
    await send(staffOfF, "POST", `/v1/users/${other.id}/children`, { childId, relationship: "mother" })
    expect(verdict(await send(parent, "DELETE", path))).toBe("409 child_needs_a_parent")
  })

  test("whose account a parent made stays theirs: staff can neither end that link nor put another parent in its place", async () => {
    const leo = { firstName: "Leo", lastName: "Keller", relationship: "mother", facilityId: f }
    const { childId } = (await send(parent, "POST", `/v1/users/${parent.id}/children`, leo)).body
    const other = await signedIn(api, "player", f)
    const second = await send(staffOfF, "POST", `/v1/users/${other.id}/children`, { childId, relationship: "uncle" })
    expect(second.body).toMatchObject({ status: "linked", countsIn: f, isPrimary: false })
    expect(verdict(await accept(other, second.body.id))).toBe("404 not_found")
    const path = `/v1/users/${parent.id}/children/${childId}`
    expect(verdict(await send(staffOfF, "DELETE", path))).toBe("403 not_allowed")
    expect(verdict(await send(other, "DELETE", path))).toBe("404 not_found")
    expect((await accept(parent, second.body.id)).body.countsIn).toBeNull()
  })
})

test("a child who can sign in answers alone: the parent for whom staff made the account cannot, until they accept", async () => {
  const [email, password] = [`${newId()}@example.com`, "correct horse battery"]
  const leo = { firstName: "Leo", lastName: "Keller", relationship: "father", email, password }
  const made = (await send(staffOfF, "POST", `/v1/users/${parent.id}/children`, leo)).body
  const { token } = (await api.call("POST", "/v1/sessions", { token: null, body: { email, password } })).body
  const grown = { id: made.childId as string, token }
  const mother = await signedIn(api)
  const asked = { childId: grown.id, relationship: "mother" }
  const { id } = (await send(mother, "POST", `/v1/users/${mother.id}/children`, asked)).body
  expect((await send(parent, "GET", "/v1/child-links")).body.data).toEqual([])
  for (const how of ["accept", "decline"]) {
    expect(verdict(await send(parent, "POST", `/v1/child-links/${id}/${how}`))).toBe("404 not_found")
  }
  expect((await accept(grown, id)).body.status).toBe("linked")
  const path = `/v1/users/${mother.id}/children/${grown.id}`
  expect(verdict(await send(parent, "DELETE", path))).toBe("404 not_found")
  expect(verdict(await accept(parent, made.id))).toBe("404 not_found")
  expect((await accept(grown, made.id)).body.countsIn).toBeNull()
  expect((await send(parent, "GET", "/v1/child-links")).body.data).toHaveLength(2)
  expect(verdict(await send(parent, "DELETE", path))).toBe("204")
})

test("staff with several facilities name the one in which the link counts; a parent names none", async () => {
  await aRole(api.database.db, parent.id, "player", g)
  const both = await signedIn(api, "staff", f)
  await aRole(api.database.db, both.id, "staff", g)
  expect(verdict(await link(both))).toBe("422 facility_needed")
  expect(verdict(await link(both, { facilityId: newId() }))).toBe("422 child_unknown")
  expect((await link(both, { facilityId: g.toUpperCase() })).body.countsIn).toBe(g)
  expect(verdict(await link(parent, { facilityId: f }))).toBe("422 invalid_input")
})

test("a platform administrator links everywhere, in place of what the clubs have said", async () => {
  await link(staffOfF)
  const linked = await api.call("POST", `/v1/users/${parent.id}/children`, {
    body: { childId: child.id, relationship: "father" },
  })
  expect(linked.body).toMatchObject({ status: "linked", countsIn: null })
  expect((await send(parent, "GET", `/v1/users/${parent.id}/children`)).body.data).toHaveLength(1)
})
