// Where a person is signed in, and how they end that.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"
import { recordedBy, verdict } from "#test/harness/club/people.ts"

let api: TestApi

beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())

const signIn = async (email: string, userAgent: string) => {
  const headers = { "user-agent": userAgent }
  return (await api.call("POST", "/v1/sessions", { token: null, body: { email, password }, headers })).body.token
}
const list = async (token: string, query = "") => (await api.call("GET", `/v1/me/sessions${query}`, { token })).body

test("a person sees each sign-in with its client, in pages, and which one is in use", async () => {
  const mia = await api.person()
  const phone = await signIn(mia.email, `Phone\u009b2J ${"x".repeat(400)}`)
  const laptop = await signIn(mia.email, "Laptop")
  const { data } = await list(laptop)
  expect(data.map(({ userAgent, current }: Record<string, unknown>) => [userAgent, current])).toEqual([
    ["Laptop", true],
    [`Phone 2J ${"x".repeat(247)}`, false],
    [null, false],
  ])
  expect(Object.keys(data[0])).toEqual(["id", "createdAt", "expiresAt", "client", "userAgent", "current"])
  expect(JSON.stringify(data)).not.toContain("sbs_")
  const first = await list(phone, "?limit=2")
  const rest = await list(phone, `?limit=2&after=${first.next}`)
  expect([...first.data, ...rest.data].map(({ id }) => id)).toEqual(data.map(({ id }: { id: string }) => id))
  expect(rest.next).toBeNull()
})

test("a person ends one session, or all others, and the event says how many", async () => {
  const mia = await api.person()
  const phone = await signIn(mia.email, "Phone")
  await signIn(mia.email, "Laptop")
  const { data } = await list(mia.token)
  const phoneId = data.find(({ userAgent }: { userAgent: string }) => userAgent === "Phone").id
  const ended = await api.call("DELETE", `/v1/me/sessions/${phoneId}`, { token: mia.token })
  expect(verdict(ended)).toBe("204")
  expect(await recordedBy(api, ended.headers)).toMatchObject([
    { type: "user.sessions_ended", data: { userId: mia.id, sessionsEnded: 1, sessionId: phoneId } },
  ])
  expect(verdict(await api.call("GET", "/v1/me", { token: phone }))).toBe("401 not_authenticated")
  const others = await api.call("DELETE", "/v1/me/sessions", { token: mia.token })
  expect([others.status, others.body]).toEqual([200, { sessionsEnded: 1 }])
  expect((await list(mia.token)).data).toHaveLength(1)
  const none = await api.call("DELETE", "/v1/me/sessions", { token: mia.token })
  expect([none.body, await recordedBy(api, none.headers)]).toEqual([{ sessionsEnded: 0 }, []])
})

test("nobody ends a stranger's session, and a key has none", async () => {
  const [mia, noah] = [await api.person(), await api.person()]
  const [{ id }] = (await list(mia.token)).data
  expect(verdict(await api.call("DELETE", `/v1/me/sessions/${id}`, { token: noah.token }))).toBe("404 not_found")
  expect(verdict(await api.call("GET", "/v1/me", { token: mia.token }))).toBe("200")
  expect(verdict(await api.call("GET", "/v1/me/sessions"))).toBe("403 not_allowed")
  expect(verdict(await api.call("DELETE", "/v1/me/sessions"))).toBe("403 not_allowed")
})
