// A key ends with the right of its owner to make keys, whoever takes that right and in whichever way.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { authenticate } from "#access/caller.ts"
import { createApiKey } from "#domain/people/api-keys.ts"
import { revokeRole } from "#domain/people/roles.ts"
import { transact } from "#events/outbox.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { aMember, type Person, testContext } from "#test/harness/club/club.ts"

let api: TestApi
let facilityId: string

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
})
afterAll(() => api.database.drop())

const at = () => `/v1/facilities/${facilityId}/api-keys`
const opens = async (key: string) => (await api.call("GET", "/v1/me", { token: key })).status === 200
const admin = (role: Parameters<typeof aMember>[1] = "facility_admin") => aMember(api.database.db, role, facilityId)

async function makes({ token }: { token: string }, more: object = {}) {
  const { status, body } = await api.call("POST", at(), { token, body: { name: "Till", role: "staff", ...more } })
  if (status !== 201) throw new Error(JSON.stringify(body))
  return body as { id: string; key: string; ownerId: string | null; madeWith: string | null }
}
const loses = (person: Person, by = "root", role = "facility_admin") =>
  api.call("DELETE", `/v1/users/${person.id}/roles?role=${role}&scopeType=facility&scopeId=${facilityId}`, {
    ...(by === "self" && { token: person.token }),
  })
const keyOf = async (id: string) => {
  const { body } = await api.call("GET", `${at()}?limit=200`)
  return body.data.find((key: { id: string }) => key.id === id)
}
const trail = async (subjectId: string) =>
  (await api.call("GET", `/v1/facilities/${facilityId}/audit-log?subjectId=${subjectId}`)).body.data

describe("a person's key ends", () => {
  test.each(["root", "self"])("in the transaction that takes the role, when %s takes it", async (by) => {
    const maker = await admin()
    const { id, key, ownerId } = await makes(maker)
    expect(ownerId).toBe(maker.id)
    expect((await loses(maker, by)).status).toBe(204)
    expect(await opens(key)).toBe(false)
    expect(await keyOf(id)).toMatchObject({ revokedAt: expect.any(String), endedBecause: "owner_lost_role" })
    expect(await trail(id)).toMatchObject([
      { action: "api_key.ended", after: { name: "Till", ownerId: maker.id, endedBecause: "owner_lost_role" } },
      { action: "api_key.created", actorId: maker.id, actorKind: "person", after: { ownerId: maker.id } },
    ])
  })

  test("when an owner of the facility becomes staff, and not when they stay administrator", async () => {
    const maker = await admin("facility_owner")
    await api.call("POST", `/v1/users/${maker.id}/roles`, {
      body: { role: "facility_admin", scopeType: "facility", scopeId: facilityId },
    })
    const { key } = await makes(maker, { role: "facility_admin" })
    await loses(maker, "root", "facility_owner")
    expect(await opens(key)).toBe(true)
    await api.call("POST", `/v1/users/${maker.id}/roles`, {
      body: { role: "staff", scopeType: "facility", scopeId: facilityId },
    })
    await loses(maker)
    expect(await opens(key)).toBe(false)
  })

  test("when a role in the organization ends, and when the facility leaves the organization", async () => {
    const { body: organization } = await api.call("POST", "/v1/organizations", { body: { name: "City Sports" } })
    const place = await api.facility()
    const settings = (organizationId: string | null) =>
      api.call("PATCH", `/v1/facilities/${place}/settings`, { body: { organizationId } })
    expect((await settings(organization.id)).status).toBe(200)
    const inOrganization = async () => {
      const person = await api.person()
      const role = { role: "facility_admin", scopeType: "organization", scopeId: organization.id }
      expect((await api.call("POST", `/v1/users/${person.id}/roles`, { body: role })).status).toBe(201)
      const { body } = await api.call("POST", `/v1/facilities/${place}/api-keys`, {
        token: person.token,
        body: { name: "Till", role: "staff" },
      })
      return { person, key: body.key as string }
    }
    const [leaver, stayer] = [await inOrganization(), await inOrganization()]
    const scope = `role=facility_admin&scopeType=organization&scopeId=${organization.id}`
    expect((await api.call("DELETE", `/v1/users/${leaver.person.id}/roles?${scope}`)).status).toBe(204)
    expect([await opens(leaver.key), await opens(stayer.key)]).toEqual([false, true])
    expect((await settings(null)).status).toBe(200)
    expect(await opens(stayer.key)).toBe(false)
    const ended = await api.call("GET", `/v1/facilities/${place}/audit-log?action=api_key.ended`)
    expect(ended.body.data).toHaveLength(2)
  })

  test("at once when SQL takes the role", async () => {
    const maker = await admin()
    const { key } = await makes(maker)
    expect(await opens(key)).toBe(true)
    await api.database.db`delete from slotbase.role_grants where user_id = ${maker.id}`
    expect(await opens(key)).toBe(false)
  })

  test("with the key that made it, over any number of steps", async () => {
    const maker = await admin()
    const first = await makes(maker, { role: "facility_admin" })
    const second = await makes({ token: first.key }, { role: "facility_admin" })
    const third = await makes({ token: second.key })
    expect([second, third]).toMatchObject([
      { ownerId: maker.id, madeWith: first.id },
      { ownerId: maker.id, madeWith: second.id },
    ])
    expect((await api.call("DELETE", `${at()}/${first.id}`)).status).toBe(204)
    expect([await opens(first.key), await opens(second.key), await opens(third.key)]).toEqual([false, false, false])
    expect(await keyOf(first.id)).toMatchObject({ endedBecause: "revoked" })
    expect(await keyOf(third.id)).toMatchObject({ endedBecause: "maker_revoked" })
  })

  test("and a role given again does not bring it back", async () => {
    const maker = await admin()
    const { key } = await makes(maker)
    await loses(maker)
    await api.call("POST", `/v1/users/${maker.id}/roles`, {
      body: { role: "facility_admin", scopeType: "facility", scopeId: facilityId },
    })
    expect(await opens(key)).toBe(false)
  })
})

describe("a key stays", () => {
  test("when it was made for the club, or with the root key", async () => {
    const maker = await admin()
    const forClub = await makes(maker, { owner: "club" })
    const byRoot = (await api.call("POST", at(), { body: { name: "Till", role: "staff" } })).body
    expect([forClub.ownerId, byRoot.ownerId]).toEqual([null, null])
    await loses(maker)
    expect([await opens(forClub.key), await opens(byRoot.key)]).toEqual([true, true])
  })

  test("when somebody took it over before", async () => {
    const [maker, other] = [await admin(), await admin()]
    const first = await makes(maker, { role: "facility_admin" })
    const [taken, given] = [await makes({ token: first.key }), await makes(maker)]
    const take = await api.call("POST", `${at()}/${taken.id}/transfer`, { token: other.token, body: { owner: "me" } })
    expect(take.body).toMatchObject({ id: taken.id, ownerId: other.id, madeWith: null })
    const give = await api.call("POST", `${at()}/${given.id}/transfer`, { token: other.token, body: { owner: "club" } })
    expect(give.body).toMatchObject({ id: given.id, ownerId: null })
    await loses(maker)
    expect([await opens(first.key), await opens(taken.key), await opens(given.key)]).toEqual([false, true, true])
    expect((await trail(taken.id))[0]).toMatchObject({
      action: "api_key.transferred",
      actorId: other.id,
      before: { ownerId: maker.id, madeWith: first.id },
      after: { ownerId: other.id, madeWith: null },
    })
  })

  test("when its owner loses a role elsewhere", async () => {
    const maker = await admin()
    const elsewhere = await api.facility()
    await api.call("POST", `/v1/users/${maker.id}/roles`, {
      body: { role: "facility_admin", scopeType: "facility", scopeId: elsewhere },
    })
    const { key } = await makes(maker)
    const scope = `role=facility_admin&scopeType=facility&scopeId=${elsewhere}`
    expect((await api.call("DELETE", `/v1/users/${maker.id}/roles?${scope}`)).status).toBe(204)
    expect(await opens(key)).toBe(true)
  })
})

test("a key cannot decide that a key belongs to the club, and a key that has ended cannot be taken over", async () => {
  const maker = await admin()
  const first = await makes(maker, { role: "facility_admin" })
  const body = { name: "Till", role: "staff", owner: "club" }
  expect((await api.call("POST", at(), { token: first.key, body })).status).toBe(403)
  const transfer = (token: string) =>
    api.call("POST", `${at()}/${first.id}/transfer`, { token, body: { owner: "club" } })
  expect((await transfer(first.key)).status).toBe(403)
  await api.call("DELETE", `${at()}/${first.id}`)
  expect(await transfer(maker.token)).toMatchObject({ status: 409, body: { code: "api_key_ended" } })
})

test("a key that is made while its maker loses the role does not outlive the role", async () => {
  const { db } = api.database
  for (let n = 0; n < 10; n++) {
    const [maker, boss] = [await admin(), await admin("facility_owner")]
    const role = { role: "facility_admin", scopeType: "facility", scopeId: facilityId } as const
    const [made, revoked] = await Promise.allSettled([
      transact(db, { ...testContext, userId: maker.id }, (tx) =>
        createApiKey(tx, maker.caller, facilityId, { name: "Till", role: "staff" }),
      ),
      transact(db, { ...testContext, userId: boss.id }, (tx) => revokeRole(tx, boss.caller, maker.id, role)),
    ])
    expect(revoked.status).toBe("fulfilled")
    if (made.status === "fulfilled")
      await expect(authenticate(db, made.value.result.key)).rejects.toThrow("The token is not valid.")
    const working = await db`select from slotbase.api_keys where created_by = ${maker.id} and revoked_at is null`
    expect(working).toHaveLength(0)
    await db`update slotbase.api_keys set revoked_at = slotbase.now() where created_by = ${maker.id}`
  }
})
