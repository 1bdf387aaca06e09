// A person's phone number, from giving it to removing it, over HTTP.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { phoneCodeOf, withPhoneCode } from "#domain/people/phones/codes.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { recordedBy, verdict } from "#test/harness/club/people.ts"

let api: TestApi

beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())

const path = "/v1/me/phone"
const numbers = (function* () {
  for (let nth = 10; ; nth++) yield `+49151123456${nth}`
})()
const nextNumber = () => numbers.next().value as string

const give = (token: string, body: object) => api.call("PUT", path, { token, body })
const verify = (token: string, code: string, headers = {}) =>
  api.call("POST", `${path}/verification`, { token, body: { code }, headers })
const codeIdIn = async (headers: Headers) => {
  const [event] = await recordedBy(api, headers)
  return String(Object(event?.data).codeId)
}
const codeIn = async (headers: Headers) => phoneCodeOf(api.app.secrets, await codeIdIn(headers))
const otherThan = (code: string) => (code === "000000" ? "000001" : "000000")

test("a number counts when its code has come back, and stays until another one's has", async () => {
  const { token, id } = await api.person()
  const [first, second] = [nextNumber(), nextNumber()]
  expect((await api.call("GET", path, { token })).body).toEqual({
    number: null,
    verifiedAt: null,
    wanted: null,
    codeExpiresAt: null,
  })
  const asked = await give(token, { number: `0${first.slice(3)}`, country: "DE" })
  expect([asked.status, asked.body]).toEqual([
    202,
    { number: null, verifiedAt: null, wanted: first, codeExpiresAt: expect.any(String) },
  ])
  expect(await recordedBy(api, asked.headers)).toMatchObject([
    { type: "user.phone_code_requested", data: { userId: id, number: first, expiresInMinutes: 10 } },
  ])
  const taken = await verify(token, await codeIn(asked.headers))
  const verified = { number: first, verifiedAt: expect.any(String), wanted: null, codeExpiresAt: null }
  expect([taken.status, taken.body]).toEqual([200, verified])
  expect(await recordedBy(api, taken.headers)).toMatchObject([
    { type: "user.updated", data: { userId: id, changed: ["phone"], updatedBy: id } },
  ])
  const changed = await give(token, { number: second })
  expect(changed.body).toEqual({ ...verified, wanted: second, codeExpiresAt: expect.any(String) })
  expect((await verify(token, await codeIn(changed.headers))).body.number).toBe(second)
  expect(verdict(await give(token, { number: second }))).toBe("422 same_phone")
  const removed = await api.call("DELETE", path, { token })
  expect(removed.status).toBe(204)
  expect(await recordedBy(api, removed.headers)).toMatchObject([{ type: "user.updated" }])
  expect(verdict(await api.call("DELETE", path, { token }))).toBe("404 not_found")
})

test("a wrong number is refused where it was given", async () => {
  const { token } = await api.person()
  const refused = async (body: object) => {
    const { status, body: problem } = await give(token, body)
    return [status, problem.code, problem.errors[0]]
  }
  expect(await refused({ number: "0151 12345678" })).toEqual([
    422,
    "invalid_input",
    {
      path: "body.number",
      message: "Expected a number with its country code, such as +49 151 12345678, or a country beside it",
    },
  ])
  expect((await refused({ number: "+49 151 1" }))[2]).toEqual({
    path: "body.number",
    message: "There is no such number: look at each digit",
  })
  expect((await refused({ number: "+4915112345678", country: "de" }))[2]).toMatchObject({ path: "body.country" })
  expect((await refused({}))[2]).toMatchObject({ path: "body.number" })
  expect((await refused({ number: "x".repeat(41) }))[2]).toMatchObject({ path: "body.number" })
})

test("five wrong codes make it void, also at once, and a newer code ends an older one", async () => {
  const { token } = await api.person()
  const asked = await give(token, { number: nextNumber() })
  const code = await codeIn(asked.headers)
  const wrong = await Promise.all(Array.from({ length: 8 }, () => verify(token, otherThan(code))))
  expect(wrong.map(verdict).sort()).toEqual([
    ...Array.from({ length: 3 }, () => "422 no_phone_code"),
    ...Array.from({ length: 5 }, () => "422 wrong_phone_code"),
  ])
  expect(verdict(await verify(token, code))).toBe("422 no_phone_code")
  const again = await give(token, { number: nextNumber() })
  expect(verdict(await verify(token, code))).toBe("422 wrong_phone_code")
  const right = await codeIn(again.headers)
  const both = await Promise.all([verify(token, right), verify(token, right)])
  expect(both.map(({ status }) => status).sort()).toEqual([200, 422])
  expect(verdict(await verify(token, "12345"))).toBe("422 invalid_input")
})

test("a code ends after ten minutes, and a repeated request with its key gets the first answer", async () => {
  const { token } = await api.person()
  const asked = await give(token, { number: nextNumber() })
  const code = await codeIn(asked.headers)
  await api.database.db`update slotbase.phones set code_expires_at = slotbase.now() where wanted is not null`
  expect(verdict(await verify(token, code))).toBe("422 no_phone_code")
  expect((await api.call("GET", path, { token })).body.wanted).toBeNull()
  const next = await give(token, { number: nextNumber() })
  const key = { "idempotency-key": "verify-1" }
  const right = await codeIn(next.headers)
  const first = await verify(token, right, key)
  const repeated = await verify(token, right, key)
  expect([repeated.status, repeated.body]).toEqual([200, first.body])
})

test("the code is in no table, and only its own text gets it", async () => {
  const { token } = await api.person()
  const asked = await give(token, { number: nextNumber() })
  const code = await codeIn(asked.headers)
  const [row] = await api.database
    .db`select p::text as text from slotbase.phones p where wanted is not null order by code_expires_at desc limit 1`
  expect(row?.text).not.toContain(code)
  const [event] = await recordedBy(api, asked.headers)
  expect(JSON.stringify(event)).not.toContain(code)
  const codeId = await codeIdIn(asked.headers)
  expect(withPhoneCode(`Your code: [code ${codeId}]`, api.app.secrets)).toBe(`Your code: ${code}`)
})

test("codes have limits: of a person, to a number, of an address", async () => {
  const limited = await testApi({ requestsPerSecond: 100 })
  try {
    const mia = await limited.person()
    const ask = (token: string, number: string) => limited.call("PUT", path, { token, body: { number } })
    const asked = []
    for (let nth = 0; nth < 4; nth++) asked.push(await ask(mia.token, nextNumber()))
    expect(asked.map(({ status }) => status)).toEqual([202, 202, 202, 429])
    expect(Number(asked[3]?.headers.get("retry-after"))).toBeWithin(500, 601)
    const [others, one] = [[await limited.person(), await limited.person()], nextNumber()]
    const toOne = []
    for (let nth = 0; nth < 6; nth++) toOne.push((await ask(others[nth % 2]?.token ?? "", one)).status)
    expect(toOne).toEqual([202, 202, 202, 202, 202, 429])
  } finally {
    await limited.database.drop()
  }
})

test("an API key has no phone", async () => {
  for (const [method, at, body] of [
    ["GET", path, undefined],
    ["PUT", path, { number: "+4915112345678" }],
    ["POST", `${path}/verification`, { code: "123456" }],
    ["DELETE", path, undefined],
  ] as const)
    expect(verdict(await api.call(method, at, { body }))).toBe("403 not_allowed")
})
