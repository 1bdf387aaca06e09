// Closures: closed times cannot be booked, availability shows them, and earlier bookings are listed or cancelled on
// request.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { dispatchOnce } from "#actors/dispatch/dispatcher.ts"
import { newId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"
import { recordedBy, type SignedIn, signedIn, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let its: Courts
let admin: SignedIn
let otherCourt: string
/** Each test closes days of its own. */
let day = 0
const hour = (n: number) => atHour(day * 24 + n)

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
  admin = await signedIn(api, "facility_admin", its.facilityId)
  const body = { name: "Court 2", resourceType: "court", hourlyPrice: 2400 }
  otherCourt = (await api.call("POST", `/v1/facilities/${its.facilityId}/resources`, { body })).body.id
})
afterAll(() => api.database.drop())
beforeEach(() => {
  day += 2
})

const at = (path = "") => `/v1/facilities/${its.facilityId}${path}`
const close = (body: object, by: SignedIn = admin) =>
  api.call("POST", at("/closures"), { token: by.token, body: { reason: "The roof leaks", ...body } })
const open = (id: string, by: SignedIn = admin) => api.call("DELETE", at(`/closures/${id}`), { token: by.token })
const book = (n: number, more: object = {}) =>
  api.call("POST", at("/bookings"), {
    body: { resourceId: its.court, ...hour(n), bookerId: its.player.id, paymentMethod: "offline", ...more },
  })
const statusAt = async (n: number, resourceId = its.court) => {
  const { body } = await api.call("GET", at(`/availability?date=${dayOf(day * 24 + n)}&resourceId=${resourceId}`))
  return body.slots.find(({ startAt }: { startAt: string }) => startAt === hour(n).startAt)?.status
}
const span = (from: number, to: number) => ({ startAt: hour(from).startAt, endAt: hour(to).startAt })

test("a closed court cannot be booked or held, even by staff, and its slots are blocked; others are free", async () => {
  expect(await statusAt(10)).toBe("free")
  const closed = await close({ ...span(10, 12), resourceIds: [its.court.toUpperCase()] })
  expect(closed.status).toBe(201)
  expect(closed.body).toEqual({
    id: expect.any(String),
    facilityId: its.facilityId,
    ...span(10, 12),
    startDate: null,
    endDate: null,
    resourceIds: [its.court],
    reason: "The roof leaks",
    createdBy: admin.id,
    createdAt: expect.any(String),
    bookings: [],
    bookingCount: 0,
    cancelledBookingIds: [],
  })
  const about = { closureId: closed.body.id, facilityId: its.facilityId, resourceIds: [its.court], ...span(10, 12) }
  const here = { facility_id: its.facilityId, organization_id: null, user_id: admin.id }
  expect(await recordedBy(api, closed.headers)).toEqual([
    { type: "facility.closure.created", ...here, data: { ...about, reason: "The roof leaks", createdBy: admin.id } },
  ])
  const refused = await book(11)
  expect([refused.status, refused.body.code, refused.body.errors]).toEqual([
    422,
    "facility_closed",
    [{ path: "body.startAt", message: "is closed" }],
  ])
  const held = await api.call("POST", at("/holds"), {
    token: its.player.token,
    body: { resourceId: its.court, startAt: hour(9).startAt, endAt: hour(11).startAt },
  })
  expect(verdict(held)).toBe("422 facility_closed")
  expect([await statusAt(9), await statusAt(10), await statusAt(11), await statusAt(12)]).toEqual([
    "free",
    "blocked",
    "blocked",
    "free",
  ])
  expect(await statusAt(10, otherCourt)).toBe("free")
  expect(verdict(await book(9))).toBe("201")
  expect(verdict(await book(11, { resourceId: otherCourt }))).toBe("201")

  const opened = await open(closed.body.id)
  expect(opened.status).toBe(204)
  expect(await recordedBy(api, opened.headers)).toEqual([
    { type: "facility.closure.removed", ...here, data: { ...about, removedBy: admin.id } },
  ])
  expect(await statusAt(11)).toBe("free")
  expect(verdict(await book(11))).toBe("201")
  expect(verdict(await open(closed.body.id))).toBe("404 not_found")
})

test("earlier bookings stay and are listed; cancelBookings cancels them, except those already checked in", async () => {
  const booking = (await book(10)).body
  const hold = (
    await api.call("POST", at("/holds"), { token: its.player.token, body: { resourceId: otherCourt, ...hour(11) } })
  ).body
  const blocked = (await book(12, { bookingType: "maintenance" })).body
  const outside = (await book(14)).body
  const { body } = await close(span(9, 14))
  expect(body).toMatchObject({ resourceIds: [], bookingCount: 3, cancelledBookingIds: [] })
  expect(body.bookings[0]).toEqual({
    id: booking.id,
    resourceId: its.court,
    status: "confirmed",
    bookingType: "open_play",
    bookerId: its.player.id,
    bookerName: "Mia Keller",
    ...hour(10),
  })
  expect(body.bookings.map(({ id }: { id: string }) => id)).toEqual([booking.id, hold.id, blocked.id])
  expect([await statusAt(10), await statusAt(13)]).toEqual(["booked", "blocked"])

  const again = await close({ ...span(9, 14), reason: "Storm", cancelBookings: true })
  expect(again.body.cancelledBookingIds.toSorted()).toEqual([booking.id, hold.id].toSorted())
  expect(again.body.bookings.map(({ id }: { id: string }) => id)).toEqual([blocked.id])
  const recorded = await recordedBy(api, again.headers)
  expect(recorded.map(({ type }) => type).toSorted()).toEqual([
    "booking.cancelled",
    "booking.hold.released",
    "facility.closure.created",
  ])
  expect(recorded.find(({ type }) => type === "booking.cancelled")?.data).toMatchObject({
    bookingId: booking.id,
    cancelledBy: admin.id,
    cancellationReason: "Storm",
  })
  const statusOf = async (id: string) => (await api.call("GET", at(`/bookings/${id}`))).body.status
  expect([await statusOf(booking.id), await statusOf(outside.id)]).toEqual(["cancelled", "confirmed"])
  expect(await statusAt(10)).toBe("blocked")
})

test("a coach's block in the time is cancelled as a block, and its booking records no event", async () => {
  const coach = await signedIn(api, "coach", its.facilityId)
  const body = { resourceId: its.court, ...hour(10), blockType: "coaching" }
  const block = await api.call("POST", at("/coach-blocks"), { token: coach.token, body })
  expect(block.status).toBe(201)
  const closed = await close({ ...span(9, 14), resourceIds: [its.court], cancelBookings: true })
  expect((await recordedBy(api, closed.headers)).map(({ type }) => type)).toEqual([
    "facility.closure.created",
    "coach.block.cancelled",
  ])
  expect(closed.body).toMatchObject({ bookings: [], bookingCount: 0 })
  expect((await api.call("GET", at(`/coach-blocks/${block.body.id}`), { token: coach.token })).body.status).toBe(
    "cancelled",
  )
})

test("whole local days are closed from midnight to midnight, also when the clocks change or the facility moves", async () => {
  const id = await api.facility({ timezone: "Europe/Berlin" })
  const path = `/v1/facilities/${id}/closures`
  // In Berlin 28 March 2027 has 23 hours.
  const body = { startDate: "2027-03-28", endDate: "2027-03-29", reason: "Easter" }
  const closed = await api.call("POST", path, { body })
  expect(closed.body).toMatchObject({
    startDate: "2027-03-28",
    endDate: "2027-03-29",
    startAt: "2027-03-27T23:00:00.000Z",
    endAt: "2027-03-29T22:00:00.000Z",
  })
  const one = await api.call("POST", path, { body: { startDate: "2027-05-01", reason: "Labour Day" } })
  expect(one.body).toMatchObject({ startDate: "2027-05-01", endDate: "2027-05-01" })
  await api.call("PATCH", `/v1/facilities/${id}/settings`, { body: { timezone: "America/New_York" } })
  const { body: list } = await api.call("GET", `${path}?to=2027-04-01T00:00:00Z`)
  expect(list.data).toMatchObject([{ startAt: "2027-03-28T04:00:00.000Z", endAt: "2027-03-30T04:00:00.000Z" }])
})

test("a closure that is over, too long or contradictory is refused, and so is a court of another facility", async () => {
  const before = await api.rows()
  const faults = async (body: object) => (await close(body)).body.errors.map(({ path }: { path: string }) => path)
  expect(await faults({})).toEqual(["body.startAt"])
  expect(await faults({ ...span(1, 2), startDate: "2027-01-01" })).toEqual(["body.startAt"])
  expect(await faults(span(2, 1))).toEqual(["body.endAt"])
  expect(await faults({ startDate: "2027-01-02", endDate: "2027-01-01" })).toEqual(["body.endDate"])
  expect(await faults({ startDate: "2027-01-01", endDate: "2028-01-02" })).toEqual(["body.endDate"])
  expect(await faults({ ...span(1, 2), resourceIds: [its.court, its.foreignCourt] })).toEqual(["body.resourceIds.1"])
  expect(await faults({ ...span(1, 2), resourceIds: [] })).toEqual(["body.resourceIds"])
  expect(await faults({ ...span(1, 2), reason: "" })).toEqual(["body.reason"])
  expect(verdict(await close({ startDate: "2020-01-01" }))).toBe("422 closure_in_the_past")
  expect(await api.rows()).toEqual(before)
})

test("administrators close and open; members see a closure, staff its bookings too, others nothing", async () => {
  const { id } = (await close(span(3, 5))).body
  const foreigner = await signedIn(api, "facility_owner", its.closedFacilityId)
  const coach = await signedIn(api, "coach", its.facilityId)
  const verdicts = async (by: SignedIn) => [
    verdict(await close(span(3, 5), by)),
    verdict(await open(id, by)),
    verdict(await api.call("GET", at("/closures"), { token: by.token })),
    verdict(await api.call("GET", at(`/closures/${id}`), { token: by.token })),
  ]
  const seen = ["403 not_allowed", "403 not_allowed", "200", "200"]
  expect([await verdicts(its.staff), await verdicts(coach), await verdicts(its.player)]).toEqual([seen, seen, seen])
  expect(await verdicts(foreigner)).toEqual(Array(4).fill("404 not_found"))
  const read = async (by: SignedIn) => (await api.call("GET", at(`/closures/${id}`), { token: by.token })).body.bookings
  expect([await read(its.staff), await read(its.player)]).toEqual([[], null])
  const elsewhere = `/v1/facilities/${its.closedFacilityId}/closures/${id}`
  expect(verdict(await api.call("DELETE", elsewhere, { token: foreigner.token }))).toBe("404 not_found")
  expect(verdict(await open(newId()))).toBe("404 not_found")
})

test("closures are listed by start, those of a court with those of the whole facility, page by page", async () => {
  const whole = (await close(span(6, 7))).body.id
  const court = (await close({ ...span(4, 5), resourceIds: [its.court] })).body.id
  const other = (await close({ ...span(5, 6), resourceIds: [otherCourt] })).body.id
  const range = `from=${hour(0).startAt}&to=${hour(23).startAt}`
  const list = (query: string) => api.call("GET", at(`/closures?${range}${query}`), { token: its.player.token })
  const ids = async (query: string) => (await list(query)).body.data.map(({ id }: { id: string }) => id)
  expect(await ids("")).toEqual([court, other, whole])
  expect(await ids(`&resourceId=${its.court}`)).toEqual([court, whole])
  const first = await list("&limit=2")
  expect(await ids(`&limit=2&after=${first.body.next}`)).toEqual([whole])
})

test("a cached day is not served once it is closed, and its answer has another ETag", async () => {
  const path = at(`/availability?date=${dayOf(day * 24)}&resourceId=${its.court}`)
  await dispatchOnce(api.database.db)
  const before = await api.call("GET", path)
  const headers = { "if-none-match": before.headers.get("etag") ?? "" }
  expect((await api.call("GET", path, { headers })).status).toBe(304)
  await close({ ...span(8, 9), resourceIds: [its.court] })
  const after = await api.call("GET", path, { headers })
  expect(after.status).toBe(200)
  expect(after.body.slots.filter(({ status }: { status: string }) => status === "blocked")).toHaveLength(1)
})
