// Changing a resource: the recorded event, the rights, and an inactive resource, which is neither shown nor booked.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { atHour, dayOf } from "#test/harness/club/club.ts"
import { recordedBy, type SignedIn, signedIn, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let its: Courts
let admin: SignedIn

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
  admin = await signedIn(api, "facility_admin", its.facilityId)
})
afterAll(() => api.database.drop())

const at = (path = "") => `/v1/facilities/${its.facilityId}/resources${path}`
const change = (body: object, by: SignedIn = admin, id = its.court) =>
  api.call("PATCH", at(`/${id}`), { token: by.token, body })

test("a change names the fields that really changed and increments the version; without a difference it records nothing", async () => {
  const changed = await change({ name: "Centre Court", resourceType: "court", hourlyPrice: 3000 })
  expect(changed.body).toMatchObject({
    id: its.court,
    name: "Centre Court",
    hourlyPrice: 3000,
    isActive: true,
    version: 2,
  })
  const changedFields = ["name", "hourlyPrice"]
  expect(await recordedBy(api, changed.headers)).toEqual([
    {
      type: "resource.updated",
      facility_id: its.facilityId,
      organization_id: null,
      user_id: admin.id,
      data: { resourceId: its.court, facilityId: its.facilityId, changedFields, changedBy: admin.id },
    },
  ])
  for (const same of [{}, { hourlyPrice: 3000 }]) {
    const answer = await change(same)
    expect([answer.body, await recordedBy(api, answer.headers)]).toEqual([changed.body, []])
  }
  expect((await api.call("GET", at(`/${its.court}`), { token: its.player.token })).body).toEqual(changed.body)
  const day = await api.call(
    "GET",
    `/v1/facilities/${its.facilityId}/availability?date=${dayOf(1)}&resourceId=${its.court}`,
  )
  expect(day.body.slots[1].priceAmount).toBe(3000)
})

test("an inactive resource is not offered and cannot be booked, until it is active again", async () => {
  const { id } = (await api.call("POST", at(), { body: { name: "Court 9", resourceType: "court" } })).body
  const book = () =>
    api.call("POST", `/v1/facilities/${its.facilityId}/bookings`, {
      body: { resourceId: id, ...atHour(5), bookerId: its.player.id, paymentMethod: "waived" },
    })
  await change({ isActive: false }, admin, id)
  expect(verdict(await book())).toBe("404 not_found")
  const listed = await api.call("GET", at("?isActive=false"), { token: its.player.token })
  expect(listed.body.data.map((each: { id: string }) => each.id)).toEqual([id])
  await change({ isActive: true }, admin, id)
  expect(verdict(await book())).toBe("201")
})

test("only administrators of its facility change it", async () => {
  const foreigner = await signedIn(api, "facility_owner", its.closedFacilityId)
  const before = (await api.call("GET", at(`/${its.court}`))).body
  expect(verdict(await change({ name: "Mine" }, its.staff))).toBe("403 not_allowed")
  expect(verdict(await change({ name: "Mine" }, its.player))).toBe("403 not_allowed")
  expect(verdict(await change({ name: "Mine" }, foreigner))).toBe("404 not_found")
  expect(verdict(await change({ name: "Mine" }, admin, its.foreignCourt))).toBe("404 not_found")
  expect(verdict(await change({ name: "Mine" }, admin, newId()))).toBe("404 not_found")
  expect(verdict(await api.call("GET", at(`/${its.court}`), { token: foreigner.token }))).toBe("404 not_found")
  expect((await api.call("GET", at(`/${its.court}`))).body).toEqual(before)
})
