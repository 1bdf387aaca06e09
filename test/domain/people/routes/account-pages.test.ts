// The pages of a link from a mail: opening one changes nothing, and its form does what the link is for.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"
import { mailsOf } from "#test/harness/club/account-mail.ts"

let api: TestApi

beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())

const newPassword = "violet harbour ladder"
const form = "application/x-www-form-urlencoded"

async function page(method: string, token: string | undefined, body?: string, type = form) {
  const answer = await api.server.handle(
    new Request(`http://slotbase.test/account-links/${token}`, {
      method,
      ...(body !== undefined && { body, headers: { "content-type": type } }),
    }),
  )
  return { status: answer.status, headers: answer.headers, html: await answer.text() }
}
const resetLink = async (email: string) => {
  const { headers } = await api.call("POST", "/v1/password-resets", { token: null, body: { email } })
  return (await mailsOf(api, headers))[0]?.token
}
const signIn = async (email: string, tried: string) =>
  (await api.call("POST", "/v1/sessions", { token: null, body: { email, password: tried } })).status

test("opening a link shows a form without a script, and changes nothing however often", async () => {
  const mia = await api.person()
  const link = await resetLink(mia.email)
  for (const _ of [1, 2, 3]) {
    const { status, headers, html } = await page("GET", link)
    expect(status).toBe(200)
    expect(html).toContain('<form method="post"><label for="password">')
    expect(html).not.toMatch(/<script|sbl_|@/)
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    expect([headers.get("referrer-policy"), headers.get("cache-control")]).toEqual(["no-referrer", "no-store"])
  }
  expect(await signIn(mia.email, password)).toBe(201)
})

test("the form sets the password; a weak one may be typed again, and the link opens nothing afterwards", async () => {
  const mia = await api.person()
  const link = await resetLink(mia.email)
  for (const [tried, says] of [
    ["password1", "so it is easy to guess"],
    ["short", "The password needs 8 to 128 characters."],
    ["", "The password needs 8 to 128 characters."],
  ] as const) {
    const refused = await page("POST", link, `password=${tried}`)
    expect([refused.status, refused.html.includes(says), refused.html.includes("<form")]).toEqual([422, true, true])
  }
  const done = await page("POST", link, `password=${newPassword.replaceAll(" ", "+")}`)
  expect([done.status, done.html.includes("Your new password is set")]).toEqual([200, true])
  expect([await signIn(mia.email, password), await signIn(mia.email, newPassword)]).toEqual([401, 201])
  for (const again of [await page("GET", link), await page("POST", link, `password=${newPassword}`)]) {
    expect([again.status, again.html.includes("This link opens nothing")]).toEqual([410, true])
  }
})

test("the form of a new address has a button alone", async () => {
  const mia = await api.person()
  const body = { email: "pages@example.com", password }
  const { headers } = await api.call("POST", "/v1/me/email-change", { token: mia.token, body })
  const link = (await mailsOf(api, headers)).find(({ to }) => to === body.email)?.token
  const shown = await page("GET", link)
  expect(shown.html).toContain('<form method="post"><button>Confirm the address</button></form>')
  const done = await page("POST", link, "")
  expect([done.status, done.html.includes("Your new address is confirmed")]).toEqual([200, true])
  expect((await api.call("GET", "/v1/me", { token: mia.token })).body.email).toBe(body.email)
})

test("an address that somebody took meanwhile is refused in words", async () => {
  const mia = await api.person()
  const body = { email: "gone@example.com", password }
  const { headers } = await api.call("POST", "/v1/me/email-change", { token: mia.token, body })
  const link = (await mailsOf(api, headers)).find(({ to }) => to === body.email)?.token
  const somebody = { ...body, firstName: "Noah", lastName: "Brandt" }
  expect((await api.call("POST", "/v1/users", { token: null, body: somebody })).status).toBe(201)
  const refused = await page("POST", link, "")
  expect([refused.status, refused.html.includes("Somebody is registered with this e-mail address.")]).toEqual([
    409,
    true,
  ])
})

test("other tokens, bodies and sizes are refused as pages, and nothing is written", async () => {
  const mia = await api.person()
  const link = await resetLink(mia.email)
  for (const token of ["sbl_nothing", "%00", "%ff", "a".repeat(5_000), "<script>"]) {
    expect((await page("GET", token)).status).toBe(410)
    expect((await page("POST", token, "password=whatever")).status).toBe(410)
  }
  expect((await page("POST", link, `password=${"x".repeat(9_000)}`)).status).toBe(413)
  expect((await page("POST", link, `{"password":"${newPassword}"}`, "application/json")).status).toBe(415)
  expect((await page("POST", link, "password=%00%00%00%00%00%00%00%00")).status).toBe(422)
  expect(await signIn(mia.email, password)).toBe(201)
})
