// Walk-ins: guests without an account, who belong to one facility.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { aResource } from "#test/harness/club/factories.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { recordedBy, type SignedIn, signedIn, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let facilityId: string
let elsewhere: string
let staff: SignedIn

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
  elsewhere = await api.facility()
  staff = await signedIn(api, "staff", facilityId)
})
afterAll(() => api.database.drop())

const ida = { firstName: "Ida", lastName: "Moreau" }
const walkIn = (body: object, by = staff, id = facilityId) =>
  api.call("POST", `/v1/facilities/${id}/walk-ins`, { token: by.token, body })
const book = async (by: SignedIn | undefined, id: string, bookerId: string) => {
  const resourceId = (await aResource(api.database.db, id)).id
  const body = { resourceId, ...atHour(30), bookerId, paymentMethod: "waived" }
  return api.call("POST", `/v1/facilities/${id}/bookings`, { ...(by && { token: by.token }), body })
}

test("staff make a walk-in, a player of the facility, and book for the guest; no other facility can name the guest", async () => {
  const made = await walkIn({ ...ida, email: " Ida@Example.com" })
  expect(made.status).toBe(201)
  const { id } = made.body
  expect(made.body).toEqual({ id, facilityId, ...ida, email: "ida@example.com", createdAt: expect.any(String) })
  expect(await recordedBy(api, made.headers)).toEqual([
    {
      type: "user.created",
      facility_id: facilityId,
      organization_id: null,
      user_id: staff.id,
      data: { userId: id, email: "ida@example.com", ...ida, registrationSource: "admin", facilityId },
    },
  ])
  const booked = await book(staff, facilityId, id)
  expect(await recordedBy(api, booked.headers)).toMatchObject([{ data: { bookerEmail: "ida@example.com" } }])
  expect(verdict(await book(undefined, elsewhere, id))).toBe("422 invalid_input")
})

test("the contact of a walk-in is no account: the person registers with the address, and cannot sign in before", async () => {
  const email = "nora@example.com"
  expect((await walkIn({ ...ida, email })).status).toBe(201)
  expect((await walkIn({ ...ida, email })).status).toBe(201)
  const password = "correct horse battery"
  const signIn = () => api.call("POST", "/v1/sessions", { token: null, body: { email, password } })
  expect(verdict(await signIn())).toBe("401 not_authenticated")
  const registered = await api.call("POST", "/v1/users", { token: null, body: { ...ida, email, password } })
  expect(registered.status).toBe(201)
  expect((await signIn()).body.user.id).toBe(registered.body.id)
})

test("is for staff of the facility, and the plan counts the guest", async () => {
  const player = await signedIn(api, "player", facilityId)
  expect(verdict(await walkIn(ida, player))).toBe("403 not_allowed")
  expect(verdict(await walkIn(ida, staff, elsewhere))).toBe("404 not_found")
  expect((await walkIn({ firstName: "Ida" })).body.errors).toMatchObject([{ path: "body.lastName" }])
  const body = { planId: "starter", billingCycle: "monthly" }
  await api.call("POST", `/v1/facilities/${elsewhere}/subscription`, { body })
  const used = async () => {
    const { body } = await api.call("GET", `/v1/facilities/${elsewhere}/subscription/usage`)
    const rows = body.entitlements as { entitlement: string; used: number }[]
    return rows.find(({ entitlement }) => entitlement === "active_users")?.used ?? 0
  }
  const before = await used()
  await api.call("POST", `/v1/facilities/${elsewhere}/walk-ins`, { body: ida })
  expect(await used()).toBe(before + 1)
})
