// Parents and children: the rights to link, the permissions of a link, the effects of its end, and races for an
// invitation.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { authenticate } from "#access/caller.ts"
import { createServer } from "#api/server.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { parentsOf } from "#domain/people/children/parents.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { recordedBy, type SignedIn, signedIn, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let facilityId: string
let otherId: string
let staff: SignedIn
let foreignStaff: SignedIn
let parent: SignedIn

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
  otherId = await api.facility()
  staff = await signedIn(api, "staff", facilityId)
  foreignStaff = await signedIn(api, "staff", otherId)
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  parent = await signedIn(api)
})

const everything = ["book", "pay", "view_feedback"] as const
const leo = { firstName: "Leo", lastName: "Keller", relationship: "mother" }
const add = (by: SignedIn, body: object, parentId = by.id) =>
  api.call("POST", `/v1/users/${parentId}/children`, { token: by.token, body })
const children = (by: SignedIn, parentId = by.id) =>
  api.call("GET", `/v1/users/${parentId}/children`, { token: by.token })
const unlink = (by: SignedIn, parentId: string, childId: string) =>
  api.call("DELETE", `/v1/users/${parentId}/children/${childId}`, { token: by.token })
const answer = (by: SignedIn, id: string, how: "accept" | "decline") =>
  api.call("POST", `/v1/child-links/${id}/${how}`, { token: by.token })
const rolesOf = async (by: SignedIn) =>
  (await api.call("GET", "/v1/me", { token: by.token })).body.roles.map(
    ({ role, scopeId }: { role: string; scopeId: string }) => `${role} ${scopeId}`,
  )
const invited = async (by: SignedIn, child: SignedIn, more: object = {}) =>
  (await add(by, { childId: child.id, relationship: "father", ...more })).body.id as string

describe("a child created by the parent", () => {
  test("is linked at once, plays in the facility, and is reached at the parent's address", async () => {
    const made = await add(parent, { ...leo, birthDate: "2015-03-01", facilityId })
    expect(made.status).toBe(201)
    const { id, childId } = made.body
    expect(made.body).toEqual({
      id: expect.any(String),
      parentId: parent.id,
      parentName: "Mia Keller",
      childId: expect.any(String),
      status: "linked",
      countsIn: null,
      relationship: "mother",
      isPrimary: true,
      permissions: everything,
      child: { name: "Leo Keller", birthDate: "2015-03-01", email: null },
      createdAt: expect.any(String),
      linkedAt: expect.any(String),
    })
    const here = { facility_id: facilityId, organization_id: null, user_id: parent.id }
    const email = `${parent.id}@example.com`
    expect(await recordedBy(api, made.headers)).toEqual([
      {
        type: "user.created",
        ...here,
        data: { userId: childId, email, firstName: "Leo", lastName: "Keller", registrationSource: "web", facilityId },
      },
      {
        type: "parent_child.linked",
        ...here,
        data: { parentId: parent.id, childId, relationship: "mother", isPrimary: true, permissions: everything },
      },
      {
        type: "user.role_assigned",
        ...here,
        data: { userId: parent.id, role: "parent", scopeType: "facility", scopeId: facilityId, grantedBy: parent.id },
      },
    ])
    expect(await rolesOf(parent)).toEqual([`parent ${facilityId}`])
    const me = await api.call("GET", "/v1/me", { token: parent.token })
    expect(me.body.children).toEqual([{ childId, permissions: everything, countsIn: null }])
    expect((await children(parent)).body).toEqual({ data: [made.body], next: null })
    const { db } = api.database
    expect(await parentsOf(db, facilityId, [childId, parent.id])).toEqual(new Map([[childId, [parent.id]]]))
    const [row] =
      await db`select slotbase.parents_email(${childId}) as email, managed_by from slotbase.users where id = ${childId}`
    expect({ ...row }).toEqual({ email, managed_by: parent.id })
    expect((await authenticate(db, parent.token)).children).toEqual([
      { childId, permissions: everything, countsIn: null },
    ])
    expect(id).not.toBe(childId)
  })

  test("without a facility is announced to the platform only", async () => {
    const made = await add(parent, leo)
    const recorded = await recordedBy(api, made.headers)
    expect(recorded.map(({ type, facility_id }) => [type, facility_id])).toEqual([
      ["user.created", platformFacilityId],
      ["parent_child.linked", platformFacilityId],
    ])
  })

  test("with an address and a password signs in as itself", async () => {
    const email = `${newId()}@example.com`
    const made = await add(parent, { ...leo, email: ` ${email.toUpperCase()}`, password })
    expect(made.body.child.email).toBe(email)
    expect(await recordedBy(api, made.headers)).toMatchObject([{ data: { email } }, {}])
    const session = await api.call("POST", "/v1/sessions", { token: null, body: { email, password } })
    expect(session.body.user.id).toBe(made.body.childId)
    expect(verdict(await add(parent, { ...leo, email }))).toBe("409 email_taken")
  })

  test("does not get a password that is easy to guess, and nothing is written", async () => {
    const before = await api.rows()
    const email = `${newId()}@example.com`
    for (const weak of ["password1", "11111111", email])
      expect(verdict(await add(parent, { ...leo, email, password: weak }))).toBe("422 weak_password")
    expect(await api.rows()).toEqual(before)
  })

  test("is refused when the input is not one of the two forms, and nothing is written", async () => {
    const before = await api.rows()
    const faults = async (body: object) =>
      (await add(parent, body)).body.errors.map(({ path }: { path: string }) => path)
    expect(await faults({ relationship: "mother" })).toEqual(["body.firstName", "body.lastName"])
    expect(await faults({ ...leo, childId: newId() })).toEqual(["body.firstName", "body.lastName"])
    expect(await faults({ ...leo, password })).toEqual(["body.password"])
    expect(await faults({ ...leo, birthDate: "2999-01-01" })).toEqual(["body.birthDate"])
    expect(await faults({ ...leo, permissions: ["book", "rule"] })).toEqual(["body.permissions.1"])
    expect(verdict(await add(parent, { ...leo, facilityId: newId() }))).toBe("422 facility_unknown")
    expect(await api.rows()).toEqual(before)
  })

  test("for another parent is created by staff of that parent's facility, and in no other facility", async () => {
    const member = await signedIn(api, "player", facilityId)
    expect(verdict(await add(parent, leo, member.id))).toBe("404 not_found")
    expect(verdict(await add(await signedIn(api, "coach", facilityId), leo, member.id))).toBe("404 not_found")
    expect(verdict(await add(foreignStaff, leo, member.id))).toBe("404 not_found")
    expect(verdict(await add(staff, { ...leo, facilityId: otherId }, member.id))).toBe("403 not_allowed")
    const made = await add(staff, { ...leo, facilityId }, member.id)
    expect(made.status).toBe(201)
    expect(await recordedBy(api, made.headers)).toMatchObject([
      { type: "user.created", user_id: staff.id, data: { registrationSource: "admin" } },
      { type: "parent_child.linked", data: { parentId: member.id } },
      { type: "user.role_assigned", data: { userId: member.id, role: "parent", grantedBy: staff.id } },
    ])
    // The child now plays here, so this staff sees its parent's links, and other staff does not.
    expect((await children(staff, member.id)).body.data).toHaveLength(1)
    expect(verdict(await children(foreignStaff, member.id))).toBe("404 not_found")
    expect(verdict(await children(parent, member.id))).toBe("404 not_found")
  })

  test("is one of at most twenty", async () => {
    const { db } = api.database
    const child = await signedIn(api)
    await db`
      with made as (
        insert into slotbase.users (id, first_name, last_name, managed_by)
        select slotbase.new_id(), 'Child', n::text, ${parent.id} from generate_series(1, 19) n returning id)
      insert into slotbase.child_links (id, parent_id, child_id, relationship, is_primary, permissions, status, created_by)
      select slotbase.new_id(), ${parent.id}, id, 'father', true, '{}', 'invited', ${parent.id} from made`
    const answers = await Promise.all([add(parent, leo), add(parent, { childId: child.id, relationship: "father" })])
    expect(answers.map(verdict).sort()).toEqual(["201", "422 too_many_children"])
  })
})

describe("a person with an account", () => {
  test("is invited, reveals nothing before accepting, and is linked on accepting", async () => {
    const child = await signedIn(api, "player", facilityId)
    const invitation = await add(parent, {
      childId: child.id.toUpperCase(),
      relationship: "father",
      permissions: ["pay"],
    })
    expect(invitation.status).toBe(201)
    expect(invitation.body).toMatchObject({ status: "invited", child: null, linkedAt: null, permissions: ["pay"] })
    expect(await recordedBy(api, invitation.headers)).toEqual([])
    expect(await rolesOf(parent)).toEqual([])
    expect((await authenticate(api.database.db, parent.token)).children).toEqual([])

    const { id } = invitation.body
    const listed = await api.call("GET", "/v1/child-links?status=invited", { token: child.token })
    expect(listed.body.data).toMatchObject([{ id, parentName: "Mia Keller", child: { name: "Mia Keller" } }])
    const linked = await answer(child, id, "accept")
    expect([linked.status, linked.body.status]).toEqual([200, "linked"])
    expect(await recordedBy(api, linked.headers)).toMatchObject([
      {
        type: "parent_child.linked",
        facility_id: facilityId,
        user_id: child.id,
        data: { parentId: parent.id, childId: child.id, relationship: "father", isPrimary: true, permissions: ["pay"] },
      },
      { type: "user.role_assigned", data: { userId: parent.id, role: "parent", grantedBy: child.id } },
    ])
    const me = await api.call("GET", "/v1/me", { token: parent.token })
    expect(me.body.children).toEqual([{ childId: child.id, permissions: ["pay"], countsIn: null }])
    expect(await parentsOf(api.database.db, facilityId, [child.id])).toEqual(new Map())
  })

  test("answers once: of two acceptances and a decline at once one counts, and the others get a conflict", async () => {
    const child = await signedIn(api)
    const id = await invited(parent, child)
    const how = ["accept", "accept", "decline", "decline"] as const
    const answers = await Promise.all(how.map((each) => answer(child, id, each)))
    expect(answers.map(verdict).sort()).toEqual(["200", ...Array(3).fill("409 invitation_answered")])
    const events = await api.database.db`
      select 1 from slotbase.events where type = 'parent_child.linked' and data ->> 'childId' = ${child.id}`
    const [link] = (await children(parent)).body.data
    expect(events).toHaveLength(link.status === "linked" ? 1 : 0)
  })

  test("is the only one to answer, and is invited again only after declining", async () => {
    const child = await signedIn(api)
    const id = await invited(parent, child)
    for (const other of [parent, staff, await signedIn(api)]) {
      expect(verdict(await answer(other, id, "accept"))).toBe("404 not_found")
    }
    expect(verdict(await answer(child, newId(), "accept"))).toBe("404 not_found")
    const again = { childId: child.id, relationship: "father" }
    expect(verdict(await add(parent, again))).toBe("409 already_linked")
    expect((await answer(child, id, "decline")).body.status).toBe("declined")
    expect((await add(parent, again)).body.status).toBe("invited")
    expect(verdict(await answer(child, id, "accept"))).toBe("404 not_found")
    expect(verdict(await unlink(parent, parent.id, child.id))).toBe("204")
    expect((await children(parent)).body.data).toEqual([])
  })

  test("cannot be unknown, the parent themself, or their parent", async () => {
    const known = async (childId: string, by = parent) => verdict(await add(by, { childId, relationship: "father" }))
    expect(await known(newId())).toBe("422 child_unknown")
    expect(await known(parent.id)).toBe("422 own_child")
    const child = await signedIn(api)
    await answer(child, await invited(parent, child), "accept")
    expect(await known(parent.id, child)).toBe("422 reverse_link")
  })

  test("is linked at once by staff where both are members, and by no other staff", async () => {
    const [mother, child] = [await signedIn(api, "player", facilityId), await signedIn(api, "player", facilityId)]
    const body = { childId: child.id, relationship: "mother", permissions: ["view_feedback"] }
    expect(verdict(await add(foreignStaff, body, mother.id))).toBe("404 not_found")
    expect(verdict(await add(staff, { ...body, childId: parent.id }, mother.id))).toBe("422 child_unknown")
    expect(verdict(await add(staff, body, parent.id))).toBe("404 not_found")
    const linked = await add(staff, body, mother.id)
    expect(linked.body).toMatchObject({ status: "linked", isPrimary: true })
    expect(await parentsOf(api.database.db, facilityId, [child.id])).toEqual(new Map([[child.id, [mother.id]]]))
    // A member of staff, named as the parent by themself, sends an invitation like anybody else.
    expect((await add(staff, { ...body, childId: mother.id })).body.status).toBe("invited")
  })

  test("has one primary parent, also with two requests at once", async () => {
    const child = await signedIn(api, "player", facilityId)
    const parents = await Promise.all([1, 2].map(() => signedIn(api, "player", facilityId)))
    const body = { childId: child.id, relationship: "father", isPrimary: true }
    const answers = await Promise.all(parents.map(({ id }) => add(staff, body, id)))
    expect(answers.map(verdict).sort()).toEqual(["201", "409 primary_parent_exists"])
    // The primary parent of one facility does not keep the child from accepting one for all of them.
    const late = await invited(parent, child, { isPrimary: true })
    expect((await answer(child, late, "accept")).body).toMatchObject({ status: "linked", isPrimary: true })
    const later = await signedIn(api)
    const last = await invited(later, child, { isPrimary: true })
    expect((await answer(child, last, "accept")).body).toMatchObject({ status: "linked", isPrimary: false })
  })
})

describe("the end of a link", () => {
  test("removes the permissions, and the role where no other child plays, with an event for each", async () => {
    const [one, two] = [await add(parent, { ...leo, facilityId }), await add(parent, { ...leo, facilityId })]
    const [first, second] = [one.body.childId, two.body.childId] as [string, string]
    const mother = await signedIn(api, "player", facilityId)
    const ids: string[] = []
    for (const childId of [first, second]) {
      ids.push((await add(staff, { childId, relationship: "mother" }, mother.id)).body.id)
    }
    // Before the mother answers for the account, the parent who does so accepts her.
    expect(verdict(await unlink(parent, parent.id, first))).toBe("409 child_needs_a_parent")
    for (const id of ids) expect((await answer(parent, id, "accept")).body.countsIn).toBeNull()
    const data = { parentId: parent.id, childId: first, unlinkedBy: parent.id }
    const ended = await unlink(parent, parent.id, first)
    expect(ended.status).toBe(204)
    expect(await recordedBy(api, ended.headers)).toMatchObject([
      { type: "parent_child.unlinked", facility_id: facilityId, data },
    ])
    expect(verdict(await unlink(staff, parent.id, second))).toBe("403 not_allowed")
    const last = await unlink(parent, parent.id, second)
    expect((await recordedBy(api, last.headers)).map(({ type }) => type)).toEqual([
      "parent_child.unlinked",
      "user.role_revoked",
    ])
    const me = await api.call("GET", "/v1/me", { token: parent.token })
    expect([me.body.roles, me.body.children]).toEqual([[], []])
    // The other parent now answers for both accounts, so the first parent must send an invitation.
    const id = await invited(parent, { id: first, token: "" })
    expect(verdict(await answer(parent, id, "accept"))).toBe("404 not_found")
    expect((await answer(mother, id, "accept")).body.status).toBe("linked")
  })

  test("is refused to the last parent of a child without a login, and to one of two parents at once", async () => {
    const { childId } = (await add(parent, { ...leo, facilityId })).body
    expect(verdict(await unlink(parent, parent.id, childId))).toBe("409 child_needs_a_parent")
    const mother = await signedIn(api, "player", facilityId)
    await add(staff, { childId, relationship: "mother" }, mother.id)
    const answers = await Promise.all([unlink(parent, parent.id, childId), unlink(mother, mother.id, childId)])
    expect(answers.map(verdict).sort()).toEqual(["204", "409 child_needs_a_parent"])
  })

  test("is only for parent, child and every person with the right to create the link", async () => {
    const child = await signedIn(api, "player", facilityId)
    await answer(child, await invited(parent, child), "accept")
    for (const other of [foreignStaff, await signedIn(api), await signedIn(api, "coach", facilityId)]) {
      expect(verdict(await unlink(other, parent.id, child.id))).toBe("404 not_found")
    }
    expect(verdict(await unlink(parent, parent.id, newId()))).toBe("404 not_found")
    expect(verdict(await unlink(child, parent.id, child.id))).toBe("204")
  })
})

test("a parent books for a child with permission, and the parent gets the confirmation for a child without an address", async () => {
  const court = { name: "Court 1", resourceType: "court" }
  const { body: resource } = await api.call("POST", `/v1/facilities/${facilityId}/resources`, { body: court })
  const hold = (by: SignedIn, bookerId: string, hour: number) =>
    api.call("POST", `/v1/facilities/${facilityId}/holds`, {
      token: by.token,
      body: { resourceId: resource.id, ...atHour(hour), bookerId },
    })
  const payer = await signedIn(api)
  const { childId } = (await add(parent, { ...leo, facilityId })).body
  const other = (await add(payer, { ...leo, facilityId, permissions: ["pay"] })).body.childId
  expect(verdict(await hold(parent, other, 1))).toBe("403 not_allowed")
  expect(verdict(await hold(payer, other, 1))).toBe("403 not_allowed")
  const held = await hold(parent, childId, 1)
  expect(held.body).toMatchObject({ status: "held", bookerId: childId })
  const path = `/v1/facilities/${facilityId}/bookings/${held.body.id}/confirm`
  const confirmed = await api.call("POST", path, { token: staff.token, body: { paymentMethod: "waived" } })
  expect(await recordedBy(api, confirmed.headers)).toMatchObject([
    { type: "booking.confirmed", data: { bookerId: childId, bookerEmail: `${parent.id}@example.com` } },
  ])
})

test("a parent joins a child's facility with the child, and leaves it with the child", async () => {
  const { childId } = (await add(parent, leo)).body
  const body = { role: "player", scopeType: "facility", scopeId: facilityId }
  const joined = await api.call("POST", `/v1/users/${childId}/roles`, { body })
  expect(
    (await recordedBy(api, joined.headers)).map(({ type, data }) => [type, (data as { role: string }).role]),
  ).toEqual([
    ["user.role_assigned", "player"],
    ["user.role_assigned", "parent"],
  ])
  expect(await rolesOf(parent)).toEqual([`parent ${facilityId}`])
  const left = await api.call("DELETE", `/v1/users/${childId}/roles?${new URLSearchParams(body)}`)
  expect((await recordedBy(api, left.headers)).map(({ type }) => type)).toEqual([
    "user.role_revoked",
    "user.role_revoked",
  ])
  expect(await rolesOf(parent)).toEqual([])
})

test("a link of one facility tells nothing about a child who has left the facility", async () => {
  const chosen = await signedIn(api, "player", facilityId)
  const child = await signedIn(api, "player", facilityId)
  const made = await add(staff, { childId: child.id, relationship: "aunt" }, chosen.id)
  expect(made.body).toMatchObject({ status: "linked", countsIn: facilityId, child: { email: expect.any(String) } })
  const left = new URLSearchParams({ role: "player", scopeType: "facility", scopeId: facilityId })
  expect((await api.call("DELETE", `/v1/users/${child.id}/roles?${left}`, { token: child.token })).status).toBe(204)
  expect((await children(chosen)).body.data).toMatchObject([{ childId: child.id, status: "linked", child: null }])
  const seen = await api.call("GET", "/v1/child-links", { token: child.token })
  expect(seen.body.data).toMatchObject([{ parentId: chosen.id, child: { email: expect.any(String) } }])
})

test("a parent adds few children in a short time, so nobody fills the tables and the audit trail with invitations", async () => {
  const config = { ...api.app.config, requestsPerSecond: 100 }
  const server = createServer({ ...api.app, config })
  const parent = await signedIn(api)
  const add = async () => {
    const answer = await server.handle(
      new Request(`http://slotbase.test/v1/users/${parent.id}/children`, {
        method: "POST",
        headers: { authorization: `Bearer ${parent.token}`, "content-type": "application/json" },
        body: JSON.stringify({ childId: newId(), relationship: "aunt" }),
      }),
    )
    return answer.status
  }
  const statuses: number[] = []
  for (let nth = 0; nth < 41; nth++) statuses.push(await add())
  expect(statuses).toEqual([...Array.from({ length: 40 }, () => 422), 429])
})
