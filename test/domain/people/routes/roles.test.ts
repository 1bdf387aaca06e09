// Revoking and listing roles: the rights, the events, and the effects of losing the last role.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId, platformFacilityId, rootUserId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { alwaysOpen, atHour } from "#test/harness/club/hours.ts"
import { recordedBy, type SignedIn, signedIn, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let facilityId: string
let otherId: string
let admin: SignedIn
let staff: SignedIn
let foreigner: SignedIn

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
  otherId = await api.facility()
  admin = await signedIn(api, "facility_admin", facilityId)
  staff = await signedIn(api, "staff", facilityId)
  foreigner = await signedIn(api, "facility_owner", otherId)
})
afterAll(() => api.database.drop())

const grant = (role: string, scopeId = facilityId) => ({ role, scopeType: "facility", scopeId })
const named = (held: object) => new URLSearchParams(held as Record<string, string>)
const revoke = (userId: string, held: object, token?: string) =>
  api.call("DELETE", `/v1/users/${userId}/roles?${named(held)}`, token === undefined ? {} : { token })
const roles = (userId: string, token: string, query = "") =>
  api.call("GET", `/v1/users/${userId}/roles${query}`, { token })

test("an administrator revokes a role, once, and user.role_revoked names the administrator", async () => {
  const coach = await signedIn(api, "coach", facilityId)
  const held = { ...grant("coach"), scopeId: facilityId.toUpperCase() }
  const gone = await revoke(coach.id, held, admin.token)
  expect([gone.status, gone.body]).toEqual([204, undefined])
  expect(await recordedBy(api, gone.headers)).toEqual([
    {
      type: "user.role_revoked",
      facility_id: facilityId,
      organization_id: null,
      user_id: admin.id,
      data: { userId: coach.id, ...grant("coach"), revokedBy: admin.id },
    },
  ])
  expect(verdict(await api.call("GET", `/v1/facilities/${facilityId}`, { token: coach.token }))).toBe("404 not_found")
  expect(verdict(await revoke(coach.id, held, admin.token))).toBe("404 not_found")
})

test("of two revocations at once one counts, and the other gets a 404", async () => {
  const coach = await signedIn(api, "coach", facilityId)
  const answers = await Promise.all([admin.token, undefined].map((token) => revoke(coach.id, grant("coach"), token)))
  expect(answers.map(verdict).sort()).toEqual(["204", "404 not_found"])
})

test("nobody revokes a role above their own, or elsewhere; everybody may give up their own", async () => {
  const owner = await signedIn(api, "facility_owner", facilityId)
  const player = await signedIn(api, "player", facilityId)
  const before = await api.rows()
  const cases = [
    [admin, owner, "facility_owner", "403 not_allowed"],
    [staff, player, "player", "403 not_allowed"],
    [player, staff, "staff", "403 not_allowed"],
    [foreigner, player, "player", "404 not_found"],
    [admin, foreigner, "facility_owner", "404 not_found"],
    [admin, player, "coach", "404 not_found"],
  ] as const
  for (const [by, whose, role, answer] of cases) {
    const scopeId = whose === foreigner ? otherId : facilityId
    expect([role, verdict(await revoke(whose.id, grant(role, scopeId), by.token))]).toEqual([role, answer])
  }
  // Nobody can revoke the roles of system actors.
  const root = { role: "platform_admin", scopeType: "platform", scopeId: platformFacilityId }
  expect(verdict(await revoke(rootUserId, root))).toBe("404 not_found")
  expect(await api.rows()).toEqual(before)
  expect(verdict(await revoke(owner.id, grant("facility_owner"), owner.token))).toBe("204")
  expect(verdict(await revoke(player.id, grant("player"), player.token))).toBe("204")
})

test("a malformed role is a 422 that names the field", async () => {
  const answer = await api.call("DELETE", `/v1/users/${staff.id}/roles?role=boss&scopeType=facility`)
  expect(answer.status).toBe(422)
  expect(answer.body.errors.map(({ path }: { path: string }) => path).sort()).toEqual(["query.role", "query.scopeId"])
})

test("everybody sees all their own roles; administrators see the roles in their scope", async () => {
  const person = await signedIn(api, "player", facilityId)
  for (const held of [grant("coach"), grant("player", otherId)]) {
    await api.call("POST", `/v1/users/${person.id}/roles`, { body: held })
  }
  const seen = async (token: string, query = "") =>
    (await roles(person.id, token, query)).body.data?.map(
      ({ role, scopeId }: { role: string; scopeId: string }) => `${role} ${scopeId === facilityId ? "here" : "there"}`,
    )
  const all = ["coach here", "player here", "player there"]
  expect((await seen(person.token)).toSorted()).toEqual(all)
  expect(await seen(admin.token)).toEqual(["coach here", "player here"])
  expect(await seen(foreigner.token)).toEqual(["player there"])
  expect(await seen(person.token, "?role=coach")).toEqual(["coach here"])
  expect(await seen(person.token, `?scopeType=facility&scopeId=${otherId}`)).toEqual(["player there"])
  expect((await roles(person.id, person.token)).body.data[0]).toEqual({
    userId: person.id,
    ...grant("coach"),
    grantedBy: rootUserId,
    grantedAt: expect.any(String),
  })
  for (const { token } of [staff, await signedIn(api)]) {
    expect(verdict(await roles(person.id, token))).toBe("404 not_found")
  }
  expect(verdict(await roles(newId(), admin.token))).toBe("404 not_found")

  const paged: string[] = []
  for (let query = "?limit=1"; query !== ""; ) {
    const { body } = await roles(person.id, person.token, query)
    paged.push(...body.data.map(({ role, scopeId }: { role: string; scopeId: string }) => `${role} ${scopeId}`))
    query = body.next === null ? "" : `?limit=1&after=${body.next}`
  }
  expect(new Set(paged).size).toBe(3)
})

test("the plan counts a person once, at their first role in the facility, and coaches; a revoked place can be used again", async () => {
  const { db } = api.database
  await db`
    insert into slotbase.subscription_plans (id, name, rank, trial_days, bookings_per_month, active_users, resources, coaches)
    values ('family', 'Family', 0, 0, null, 4, 1, 1)`
  await db`
    insert into slotbase.plan_prices (plan_id, currency, monthly_amount, annual_amount)
    select 'family', currency, 1000, 10000 from slotbase.plan_prices where plan_id = 'starter'`
  const id = await api.facility()
  const boss = await signedIn(api, "facility_admin", id)
  const body = { planId: "family", billingCycle: "monthly" }
  expect(verdict(await api.call("POST", `/v1/facilities/${id}/subscription`, { token: boss.token, body }))).toBe("201")
  const give = async (userId: string, role: string) =>
    verdict(await api.call("POST", `/v1/users/${userId}/roles`, { token: boss.token, body: grant(role, id) }))
  const [one, two, three, parent] = await Promise.all(Array.from({ length: 4 }, () => signedIn(api)))
  if (!one || !two || !three || !parent) throw new Error("four people were made")
  const addChild = async () =>
    verdict(
      await api.call("POST", `/v1/users/${parent.id}/children`, {
        token: parent.token,
        body: { firstName: "Leo", lastName: "Keller", relationship: "mother", facilityId: id },
      }),
    )
  const invite = async ({ id: userId }: SignedIn) => {
    const { body } = await api.call("POST", `/v1/users/${userId}/roles`, {
      token: boss.token,
      body: grant("player", id),
    })
    return body.invitationId
  }
  const accept = async ({ token }: SignedIn, invitationId: string) =>
    verdict(await api.call("POST", `/v1/role-invitations/${invitationId}/accept`, { token }))
  const join = async (person: SignedIn) => accept(person, await invite(person))
  expect([await join(one), await give(one.id, "coach")]).toEqual(["200", "201"])
  expect([await join(two), await give(two.id, "coach"), await join(three)]).toEqual(["200", "422 limit_reached", "200"])
  const invitation = await invite(parent)
  const before = await api.rows()
  expect(await accept(parent, invitation)).toBe("422 limit_reached")
  expect(await api.rows()).toEqual(before)
  expect(verdict(await revoke(two.id, grant("player", id), boss.token))).toBe("204")
  // Anybody may name a club for a child. So neither the child nor the parent takes the last place.
  expect(await addChild()).toBe("201")
  expect(await give(parent.id, "player")).toBe("201")
  expect(await join(two)).toBe("422 limit_reached")
  expect(verdict(await revoke(one.id, grant("coach", id), boss.token))).toBe("204")
  expect(await give(parent.id, "coach")).toBe("201")

  const court = { name: "Court 1", resourceType: "court" }
  const resources = `/v1/facilities/${id}/resources`
  const first = await api.call("POST", resources, { token: boss.token, body: court })
  expect(verdict(await api.call("POST", resources, { token: boss.token, body: court }))).toBe("422 limit_reached")
  await api.call("PATCH", `${resources}/${first.body.id}`, { token: boss.token, body: { isActive: false } })
  expect(verdict(await api.call("POST", resources, { token: boss.token, body: court }))).toBe("201")
  const again = await api.call("PATCH", `${resources}/${first.body.id}`, {
    token: boss.token,
    body: { isActive: true },
  })
  expect(verdict(again)).toBe("422 limit_reached")
})

test("who only registers uses up nothing of a plan, the first certain booking does, and staff always fit", async () => {
  const { db } = api.database
  await db`
    insert into slotbase.subscription_plans (id, name, rank, trial_days, bookings_per_month, active_users, resources, coaches)
    values ('tiny', 'Tiny', -1, 0, null, 2, null, null)`
  await db`
    insert into slotbase.plan_prices (plan_id, currency, monthly_amount, annual_amount)
    select 'tiny', currency, 1000, 10000 from slotbase.plan_prices where plan_id = 'starter'`
  const id = await api.facility({ openingHours: alwaysOpen })
  const at = `/v1/facilities/${id}`
  const boss = await signedIn(api, "facility_admin", id)
  const subscribed = { planId: "tiny", billingCycle: "monthly" }
  expect(verdict(await api.call("POST", `${at}/subscription`, { token: boss.token, body: subscribed }))).toBe("201")
  const court = await api.call("POST", `${at}/resources`, { body: { name: "Court 1", resourceType: "court" } })
  const used = async () => {
    const { body } = await api.call("GET", `${at}/subscription/usage`, { token: boss.token })
    return body.entitlements.find((each: { entitlement: string }) => each.entitlement === "active_users").used
  }
  const register = async (nth: number) => {
    const account = { email: `open-${nth}@example.com`, password: "correct horse battery" }
    const names = { firstName: "Mia", lastName: "Keller" }
    const made = await api.call("POST", "/v1/users", { token: null, body: { ...account, ...names, facilityId: id } })
    expect(made.status).toBe(201)
    const session = await api.call("POST", "/v1/sessions", { token: null, body: account })
    return { id: made.body.id as string, token: session.body.token as string }
  }
  const book = async (token: string, hour: number, paymentMethod = "online", bookerId?: string) => {
    const body = { resourceId: court.body.id, ...atHour(hour), paymentMethod, ...(bookerId && { bookerId }) }
    return verdict(await api.call("POST", `${at}/bookings`, { token, body }))
  }

  const people = []
  for (let nth = 0; nth < 4; nth++) people.push(await register(nth))
  const [first, second, third, fourth] = people
  if (!first || !second || !third || !fourth) throw new Error("four people registered")
  expect(await used()).toBe(1)
  expect(await book(first.token, 1)).toBe("201")
  expect(await used()).toBe(2)
  expect(await book(first.token, 2)).toBe("201")
  expect(await used()).toBe(2)

  // The plan is full: newcomers are refused before they take a slot. Staff and whom staff book for always fit.
  const before = await api.rows()
  expect(await book(second.token, 3)).toBe("422 limit_reached")
  expect(await api.rows()).toEqual(before)
  const role = { role: "staff", scopeType: "facility", scopeId: id }
  const give = await api.call("POST", `/v1/users/${third.id}/roles`, { token: boss.token, body: role })
  expect(verdict(give)).toBe("201")
  expect(await used()).toBe(3)
  expect(await book(boss.token, 4, "waived", fourth.id)).toBe("201")
  expect(await used()).toBe(4)
  expect(verdict(await revoke(second.id, grant("player", id), boss.token))).toBe("204")
  expect(await used()).toBe(4)
  expect(verdict(await revoke(first.id, grant("player", id), boss.token))).toBe("204")
  expect(await used()).toBe(3)
  expect(verdict(await revoke(third.id, role, boss.token))).toBe("204")
  expect(await used()).toBe(2)
})

test("a parent counts with their child, from the child's first certain booking on", async () => {
  const id = await api.facility({ openingHours: alwaysOpen })
  const at = `/v1/facilities/${id}`
  const boss = await signedIn(api, "facility_admin", id)
  const subscribed = { planId: "starter", billingCycle: "monthly" }
  expect(verdict(await api.call("POST", `${at}/subscription`, { token: boss.token, body: subscribed }))).toBe("201")
  const court = await api.call("POST", `${at}/resources`, { body: { name: "Court 1", resourceType: "court" } })
  const used = async () => {
    const { body } = await api.call("GET", `${at}/subscription/usage`, { token: boss.token })
    return body.entitlements.find((each: { entitlement: string }) => each.entitlement === "active_users").used
  }
  const parent = await signedIn(api)
  const body = { firstName: "Leo", lastName: "Keller", relationship: "mother", facilityId: id }
  const child = await api.call("POST", `/v1/users/${parent.id}/children`, { token: parent.token, body })
  expect([child.status, await used()]).toEqual([201, 1])
  const slot = { resourceId: court.body.id, ...atHour(1), bookerId: child.body.childId }
  const hold = await api.call("POST", `${at}/holds`, { token: parent.token, body: slot })
  expect([hold.status, await used()]).toEqual([201, 1])
  const confirm = { token: parent.token, body: { paymentMethod: "online" } }
  expect(verdict(await api.call("POST", `${at}/bookings/${hold.body.id}/confirm`, confirm))).toBe("200")
  expect(await used()).toBe(3)
  expect(verdict(await revoke(child.body.childId, grant("player", id), boss.token))).toBe("204")
  expect(await used()).toBe(1)
})
