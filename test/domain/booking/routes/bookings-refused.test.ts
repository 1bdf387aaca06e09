// Refusals by the booking routes: their problem, their field, and nothing written.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts, refusalOf } from "#test/harness/api/booking-api.ts"
import { aMember } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"

let api: TestApi
let its: Courts
let hour = 0

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
})
afterAll(() => api.database.drop())
beforeEach(() => {
  hour++
})

const at = () => `/v1/facilities/${its.facilityId}`
const wanted = (more: object = {}) => ({
  resourceId: its.court,
  ...atHour(hour),
  bookerId: its.player.id,
  paymentMethod: "offline",
  ...more,
})
const held = (more: object = {}) => ({ resourceId: its.court, ...atHour(hour), ...more })
const book = (more: object = {}, options: object = {}) =>
  api.call("POST", `${at()}/bookings`, { body: wanted(more), ...options })
const refusal = (request: () => ReturnType<TestApi["call"]>) => refusalOf(api, request)

const instant = "Expected an instant such as 2026-03-01T09:00:00Z, of the years 1970 to 2200"
const minute = (n: number) => new Date(Date.parse(atHour(hour).startAt) + n * 60_000).toISOString()
const bad: [string, () => object, number, string, string | undefined][] = [
  ["an unknown field", () => ({ price: 1 }), 422, "invalid_input", "body.price: Expected no excess property"],
  [
    "a resource that is no id",
    () => ({ resourceId: "court-1" }),
    422,
    "invalid_input",
    "body.resourceId: Expected a UUID",
  ],
  ["a number as time", () => ({ startAt: 7 }), 422, "invalid_input", undefined],
  [
    "a time without offset",
    () => ({ startAt: "2031-01-01T10:00:00" }),
    422,
    "invalid_input",
    `body.startAt: ${instant}`,
  ],
  [
    "a day that does not exist",
    () => ({ startAt: "2031-02-30T10:00:00Z" }),
    422,
    "invalid_input",
    `body.startAt: ${instant}`,
  ],
  [
    "an end before the start",
    () => ({ endAt: minute(-60) }),
    422,
    "invalid_input",
    "body.endAt: must be after startAt",
  ],
  ["an end at the start", () => ({ endAt: minute(0) }), 422, "invalid_input", "body.endAt: must be after startAt"],
  [
    "four minutes",
    () => ({ endAt: minute(4) }),
    422,
    "invalid_input",
    "body.endAt: must be at least 5 minutes after startAt",
  ],
  [
    "more than a day",
    () => ({ endAt: minute(1441) }),
    422,
    "invalid_input",
    "body.endAt: must be at most 24 hours after startAt",
  ],
  [
    "seconds at the start",
    () => ({ startAt: "2031-01-01T10:00:01Z" }),
    422,
    "invalid_input",
    "body.startAt: must be a whole minute",
  ],
  [
    "seconds at the end",
    () => ({ startAt: "2031-01-01T10:00:00Z", endAt: "2031-01-01T10:10:00.5Z" }),
    422,
    "invalid_input",
    "body.endAt: must be a whole minute",
  ],
  ["an unknown type", () => ({ bookingType: "party" }), 422, "invalid_input", undefined],
  ["an unknown payment method", () => ({ paymentMethod: "cash" }), 422, "invalid_input", undefined],
  ["no payment method", () => ({ paymentMethod: undefined }), 422, "invalid_input", "body.paymentMethod: Missing key"],
  ["participants that are no list", () => ({ participants: "all" }), 422, "invalid_input", undefined],
  [
    "a participant twice, in two spellings",
    () => ({ participants: [{ userId: its.staff.id }, { userId: its.staff.id.toUpperCase() }] }),
    422,
    "invalid_input",
    "body.participants.1.userId: is named twice",
  ],
  [
    "65 participants",
    () => ({ participants: Array.from({ length: 65 }, () => ({ userId: newId() })) }),
    422,
    "invalid_input",
    undefined,
  ],
  [
    "no booker from a key",
    () => ({ bookerId: undefined }),
    422,
    "invalid_input",
    "body.bookerId: Missing key: an API key books for a person",
  ],
  ["a booker that nobody is", () => ({ bookerId: newId() }), 422, "invalid_input", "body.bookerId: names nobody"],
  [
    "the key itself as booker",
    () => ({ bookerId: "00000000-0000-7000-8000-000000000001" }),
    422,
    "invalid_input",
    "body.bookerId: names nobody",
  ],
  [
    "the past",
    () => ({ startAt: "2025-01-01T10:00:00Z", endAt: "2025-01-01T11:00:00Z" }),
    422,
    "starts_in_the_past",
    "body.startAt: is in the past",
  ],
  ["another facility's resource", () => ({ resourceId: its.foreignCourt }), 404, "not_found", undefined],
  ["a resource that is not there", () => ({ resourceId: newId() }), 404, "not_found", undefined],
]
test.each(bad)("%s", async (_, more, status, code, error) => {
  const answer = await refusal(() => book(more()))
  expect(answer).toMatchObject({ status, code })
  if (error !== undefined) {
    const texts = answer.errors.map(({ path, message }: { path: string; message: string }) => `${path}: ${message}`)
    expect(texts).toEqual([error])
  }
})

test("ids in capitals are ids", async () => {
  const { status, body } = await book({
    resourceId: its.court.toUpperCase(),
    bookerId: its.player.id.toUpperCase(),
    participants: [{ userId: its.staff.id.toUpperCase() }],
  })
  expect(status).toBe(201)
  expect(body).toMatchObject({
    resourceId: its.court,
    bookerId: its.player.id,
    participants: [{ userId: its.staff.id, role: "player" }],
  })
})

test("a facility that is closed then", async () => {
  const member = await aMember(api.database.db, "player", its.closedFacilityId)
  const closed = { ...wanted(), resourceId: its.foreignCourt, bookerId: member.id }
  const answer = await refusal(() =>
    api.call("POST", `/v1/facilities/${its.closedFacilityId}/bookings`, { body: closed }),
  )
  expect(answer).toMatchObject({ status: 422, code: "outside_opening_hours" })
})

const strange: [string, () => Parameters<TestApi["call"]>, number, string][] = [
  ["no token", () => ["POST", `${at()}/bookings`, { token: null, body: wanted() }], 401, "not_authenticated"],
  ["a wrong token", () => ["POST", `${at()}/holds`, { token: "sb_wrong", body: held() }], 401, "not_authenticated"],
  ["a body that is no JSON", () => ["POST", `${at()}/bookings`, { body: "{" }], 422, "malformed_json"],
  ["a list as body", () => ["POST", `${at()}/bookings`, { body: [] }], 422, "invalid_input"],
  [
    "a facility that is not there",
    () => ["POST", `/v1/facilities/${newId()}/bookings`, { body: wanted() }],
    404,
    "not_found",
  ],
  [
    "a facility that is no id",
    () => ["POST", "/v1/facilities/riverside/bookings", { body: wanted() }],
    404,
    "not_found",
  ],
  [
    "a facility of others, even with a wrong body",
    () => ["POST", `/v1/facilities/${its.closedFacilityId}/bookings`, { token: its.player.token, body: {} }],
    404,
    "not_found",
  ],
  [
    "a member who pays offline",
    () => ["POST", `${at()}/bookings`, { token: its.player.token, body: wanted() }],
    403,
    "not_allowed",
  ],
  [
    "a member who books for another",
    () => ["POST", `${at()}/holds`, { token: its.player.token, body: held({ bookerId: its.staff.id }) }],
    403,
    "not_allowed",
  ],
  [
    "a booking that is no id",
    () => ["POST", `${at()}/bookings/7/cancel`, { body: { cancellationReason: "x" } }],
    404,
    "not_found",
  ],
  [
    "a booking that is not there",
    () => ["POST", `${at()}/bookings/${newId()}/cancel`, { body: { cancellationReason: "x" } }],
    404,
    "not_found",
  ],
  [
    "a cancellation without a reason",
    () => ["POST", `${at()}/bookings/${newId()}/cancel`, { body: {} }],
    422,
    "invalid_input",
  ],
  [
    "a hold with a payment method",
    () => ["POST", `${at()}/holds`, { token: its.player.token, body: held({ paymentMethod: "waived" }) }],
    422,
    "invalid_input",
  ],
  [
    "a check-in by magic",
    () => ["POST", `${at()}/bookings/${newId()}/check-in`, { body: { method: "magic" } }],
    422,
    "invalid_input",
  ],
  [
    "a no-show with a body",
    () => ["POST", `${at()}/bookings/${newId()}/no-show`, { body: { fee: 1 } }],
    422,
    "invalid_input",
  ],
  [
    "a no-show by a member",
    () => ["POST", `${at()}/bookings/${newId()}/no-show`, { token: its.player.token }],
    403,
    "not_allowed",
  ],
  ["a hold that is not there", () => ["DELETE", `${at()}/holds/${newId()}`], 404, "not_found"],
  ["a list by an unknown status", () => ["GET", `${at()}/bookings?status=lost`], 422, "invalid_input"],
  ["a list with an unknown filter", () => ["GET", `${at()}/bookings?court=1`], 422, "invalid_input"],
  ["a list with a made up cursor", () => ["GET", `${at()}/bookings?after=AAAA`], 422, "invalid_input"],
  [
    "a list of others",
    () => ["GET", `${at()}/bookings?bookerId=${its.staff.id}`, { token: its.player.token }],
    403,
    "not_allowed",
  ],
  ["availability without a day", () => ["GET", `${at()}/availability`], 422, "invalid_input"],
  [
    "availability of a day that does not exist",
    () => ["GET", `${at()}/availability?date=2026-02-30`],
    422,
    "invalid_input",
  ],
  ["availability of the year 0", () => ["GET", `${at()}/availability?date=0000-01-01`], 422, "invalid_input"],
  [
    "availability of another facility's court",
    () => ["GET", `${at()}/availability?date=2026-12-01&resourceId=${its.foreignCourt}`],
    404,
    "not_found",
  ],
  [
    "availability for a stranger",
    () => ["GET", `/v1/facilities/${its.closedFacilityId}/availability?date=2026-12-01`, { token: its.player.token }],
    404,
    "not_found",
  ],
]
test.each(strange)("%s", async (_, request, status, code) => {
  expect(await refusal(() => api.call(...request()))).toMatchObject({ status, code })
})
