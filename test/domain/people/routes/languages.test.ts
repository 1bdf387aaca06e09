// The language and time zone of a person's messages, and the language of a facility.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"
import { recordedBy, verdict } from "#test/harness/club/people.ts"

let api: TestApi

beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())

test("a person chooses a language and a zone, and takes them back with null", async () => {
  const mia = await api.person()
  const before = await api.call("GET", "/v1/me", { token: mia.token })
  expect([before.body.language, before.body.timezone]).toEqual([null, null])

  const body = { language: "de", timezone: "Europe/Vienna" }
  const answer = await api.call("PATCH", "/v1/me", { token: mia.token, body })
  expect([answer.status, answer.body]).toEqual([
    200,
    { id: mia.id, email: mia.email, firstName: "Mia", lastName: "Keller", ...body },
  ])
  const [event] = await recordedBy(api, answer.headers)
  expect(event?.data).toEqual({ userId: mia.id, changed: ["language", "timezone"], updatedBy: mia.id })
  expect((await api.call("GET", "/v1/me", { token: mia.token })).body).toMatchObject(body)

  const back = await api.call("PATCH", "/v1/me", { token: mia.token, body: { timezone: null } })
  expect([back.body.language, back.body.timezone]).toEqual(["de", null])
  const same = await api.call("PATCH", "/v1/me", { token: mia.token, body: { language: "de" } })
  expect(same.headers.get("x-slotbase-event-ids")).toBeNull()
})

test("an unknown language or zone is refused where it was given", async () => {
  const mia = await api.person()
  const refused = async (body: object) =>
    (await api.call("PATCH", "/v1/me", { token: mia.token, body })).body.errors as unknown
  expect(await refused({ language: "fr" })).toEqual([{ path: "body.language", message: 'Expected "en" | "de"' }])
  expect(await refused({ timezone: "Europe/Atlantis" })).toEqual([
    { path: "body.timezone", message: "Expected an IANA time zone such as Europe/Berlin" },
  ])
})

test("somebody who registers may name both; a parent, staff and others name no language for anybody else", async () => {
  const person = { email: "lena@example.com", password, firstName: "Lena", lastName: "Huber" }
  const body = { ...person, language: "de", timezone: "Europe/Zurich" }
  expect(verdict(await api.call("POST", "/v1/users", { token: null, body }))).toBe("201")
  const [row] = await api.database.db`select id, language, timezone from slotbase.users where email = ${person.email}`
  expect([row?.language, row?.timezone]).toEqual(["de", "Europe/Zurich"])
  const other = await api.call("PATCH", `/v1/users/${row?.id}`, { body: { language: "en" } })
  expect(verdict(other)).toBe("422 invalid_input")
})

test("a facility has a language, English unless it says another", async () => {
  const facilityId = await api.facility()
  const settings = (body: object) => api.call("PATCH", `/v1/facilities/${facilityId}/settings`, { body })
  expect((await settings({ language: "de" })).body.language).toBe("de")
  expect((await settings({ name: "Am See" })).body.language).toBe("de")
  expect((await settings({ language: "en" })).body.language).toBe("en")
  expect((await settings({ language: "xx" })).body.errors).toEqual([
    { path: "body.language", message: 'Expected "en" | "de"' },
  ])
})
