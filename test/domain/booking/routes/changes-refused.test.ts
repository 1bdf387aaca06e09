// Refusals by the routes for changes, policies and prices: their problem, and nothing written.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts, refusalOf } from "#test/harness/api/booking-api.ts"
import { atHour } from "#test/harness/club/club.ts"

let api: TestApi
let its: Courts

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
})
afterAll(() => api.database.drop())

const at = () => `/v1/facilities/${its.facilityId}`

const refused: [string, () => Parameters<TestApi["call"]>, number, string][] = [
  [
    "a check-in with a QR code that is not shown",
    () => ["POST", `${at()}/bookings/${newId()}/check-in`, { body: { method: "qr_code" } }],
    422,
    "invalid_input",
  ],
  [
    "a check-in by hand with a code",
    () => ["POST", `${at()}/bookings/${newId()}/check-in`, { body: { code: "123456" } }],
    422,
    "invalid_input",
  ],
  [
    "an approval of a booking that is not there",
    () => ["POST", `${at()}/bookings/${newId()}/approve`, { body: {} }],
    404,
    "not_found",
  ],
  [
    "an approval by a member",
    () => ["POST", `${at()}/bookings/${newId()}/approve`, { token: its.player.token }],
    403,
    "not_allowed",
  ],
  [
    "a rejection without a reason",
    () => ["POST", `${at()}/bookings/${newId()}/reject`, { body: {} }],
    422,
    "invalid_input",
  ],
  [
    "a move to no time",
    () => ["POST", `${at()}/bookings/${newId()}/reschedule`, { body: { startAt: atHour(1).startAt } }],
    422,
    "invalid_input",
  ],
  [
    "a move to a time that ends before it starts",
    () => [
      "POST",
      `${at()}/bookings/${newId()}/reschedule`,
      { body: { startAt: atHour(2).startAt, endAt: atHour(1).startAt } },
    ],
    422,
    "invalid_input",
  ],
  [
    "a refund of more than everything",
    () => ["POST", `${at()}/bookings/${newId()}/cancel`, { body: { cancellationReason: "x", refundPercent: 101 } }],
    422,
    "invalid_input",
  ],
  [
    "codes of a booking that is not there",
    () => ["GET", `${at()}/bookings/${newId()}/check-in-code`],
    404,
    "not_found",
  ],
  [
    "a waiver by a member",
    () => ["POST", `${at()}/bookings/${newId()}/no-show/waive`, { token: its.player.token, body: { reason: "rain" } }],
    403,
    "not_allowed",
  ],
  [
    "strikes of others",
    () => ["GET", `${at()}/strikes?userId=${its.staff.id}`, { token: its.player.token }],
    403,
    "not_allowed",
  ],
  [
    "a policy by a member",
    () => ["PUT", `${at()}/booking-policy`, { token: its.player.token, body: {} }],
    403,
    "not_allowed",
  ],
  [
    "a policy with a threshold and no restriction",
    () => ["PUT", `${at()}/booking-policy`, { body: { strikeThreshold: 3 } }],
    422,
    "invalid_input",
  ],
  [
    "a policy with two answers to one question",
    () => [
      "PUT",
      `${at()}/booking-policy`,
      {
        body: {
          cancellationPolicy: [
            { hoursBefore: 24, refundPercent: 100 },
            { hoursBefore: 24, refundPercent: 50 },
          ],
        },
      },
    ],
    422,
    "invalid_input",
  ],
  [
    "a policy that approves another facility's court",
    () => ["PUT", `${at()}/booking-policy`, { body: { approvalResourceIds: [its.foreignCourt] } }],
    422,
    "resource_unknown",
  ],
  [
    "a price rule for another facility's court",
    () => ["POST", `${at()}/price-rules`, { body: { name: "Evening", hourlyPrice: 1, resourceId: its.foreignCourt } }],
    422,
    "resource_unknown",
  ],
  [
    "a price rule that begins and never ends",
    () => ["POST", `${at()}/price-rules`, { body: { name: "Evening", hourlyPrice: 1, fromTime: "18:00" } }],
    422,
    "invalid_input",
  ],
  [
    "a price rule over midnight",
    () => [
      "POST",
      `${at()}/price-rules`,
      { body: { name: "Night", hourlyPrice: 1, fromTime: "22:00", toTime: "02:00" } },
    ],
    422,
    "invalid_input",
  ],
  ["price rules for a member", () => ["GET", `${at()}/price-rules`, { token: its.player.token }], 403, "not_allowed"],
  ["a price rule that is not there", () => ["DELETE", `${at()}/price-rules/${newId()}`], 404, "not_found"],
]
test.each(refused)("%s", async (_, request, status, code) => {
  expect(await refusalOf(api, () => api.call(...request()))).toMatchObject({ status, code })
})
