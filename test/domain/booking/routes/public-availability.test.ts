// Availability without an account: where the facility's setting says so, and with the same slots that members see.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { makeCourts } from "#test/harness/api/booking-api.ts"
import { dayOf } from "#test/harness/club/hours.ts"

let api: TestApi
let its: Awaited<ReturnType<typeof makeCourts>>
let stranger: { token: string }
let at: string

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
  at = `/v1/facilities/${its.facilityId}`
  stranger = await api.person("player", await api.facility({ name: "Parkside" }))
})
afterAll(() => api.database.drop())

const day = (token: string | null) => api.call("GET", `${at}/availability?date=${dayOf(24)}`, { token })
const allow = (publicAvailability: boolean) => api.call("PATCH", `${at}/settings`, { body: { publicAvailability } })

test("a facility shows its days to members alone, unless it says otherwise", async () => {
  expect((await day(null)).status).toBe(401)
  expect((await day(stranger.token)).status).toBe(404)
  expect((await day("no token")).status).toBe(401)
})

test("with publicAvailability everybody reads what a member reads, a stranger with a token too", async () => {
  expect((await allow(true)).status).toBe(200)
  const member = await day(its.player.token)
  for (const token of [null, stranger.token]) {
    const answer = await day(token)
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual(member.body)
    expect(answer.headers.get("etag")).toBe(`"${answer.body.position}-${answer.body.epoch}"`)
  }
  expect(Object.keys(member.body.resources[0].slots[0]).sort()).toEqual(["endAt", "priceAmount", "startAt", "status"])
  expect((await day("no token")).status).toBe(401)
  expect((await allow(false)).status).toBe(200)
  expect((await day(null)).status).toBe(401)
})

test("an origin with a path, another scheme, or a sign that would end the header is refused", async () => {
  for (const origin of [
    "https://club.example/",
    "ftp://club.example",
    "https://a;b",
    "https://a b",
    "*",
    "https://*.x",
  ]) {
    const refused = await api.call("PATCH", `${at}/settings`, { body: { embedOrigins: [origin] } })
    expect(refused).toMatchObject({ status: 422, body: { code: "invalid_input" } })
  }
  const origins = ["https://club.example", "http://localhost:8080"]
  const changed = await api.call("PATCH", `${at}/settings`, { body: { embedOrigins: origins } })
  expect(changed.body.embedOrigins).toEqual(origins)
})
