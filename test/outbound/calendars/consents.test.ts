// Consents: the address of the consent page, the way back, and the code with which the same person connects a calendar.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import type { Config } from "#base/config.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import { type CalendarClub, calendarApi, calendarClub, syncAll } from "#test/harness/club/calendars.ts"
import { type FakeGoogle, fakeGoogle } from "#test/harness/outside/fake-google.ts"
import { type FakeGraph, fakeGraph } from "#test/harness/outside/fake-graph.ts"
import { moveOn } from "#test/harness/pipeline/late.ts"

let api: TestApi
let club: CalendarClub
let google: FakeGoogle
let graph: FakeGraph
let config: Partial<Config>

beforeAll(async () => {
  google = fakeGoogle()
  graph = fakeGraph()
  config = { google: google.config, outlook: graph.config }
  api = await calendarApi({ ...config, publicUrl: "https://book.test" })
})
afterAll(async () => {
  await Promise.all([google.stop(), graph.stop()])
  await api.database.drop()
})
beforeEach(async () => {
  club = await calendarClub(api)
})
afterEach(async () => {
  await api.database.db`delete from slotbase.calendar_syncs`
})

const ask = async (provider: string, by = club.coach) =>
  (await club.done("POST", "/calendar-consents", by, { provider })) as { id: string; url: string; expiresAt: string }
const back = (query: Record<string, string>) =>
  api.call("GET", `/calendar-consents/return?${new URLSearchParams(query)}`, { token: null })
const stateOf = ({ url }: { url: string }) => new URL(url).searchParams.get("state") ?? ""
const codeIn = (page: string) => /<code>(sbc_[\w-]+)<\/code>/.exec(page)?.[1] ?? ""
const given = async (provider: string) =>
  codeIn((await back({ state: stateOf(await ask(provider)), code: "code" })).body)
const connect = (provider: string, consentCode: string, by = club.coach) =>
  club.ask("POST", "/calendar-syncs", by, { provider, credentials: { consentCode }, calendarId: "primary" })
const outcome = ({ status, body }: { status: number; body: { code?: string } }) => [status, body.code]

test.each(["google", "outlook"])("a consent of %s connects a calendar, once", async (provider) => {
  const consent = await ask(provider)
  const query = Object.fromEntries(new URL(consent.url).searchParams)
  expect(query).toMatchObject({
    response_type: "code",
    client_id: "client",
    redirect_uri: "https://book.test/calendar-consents/return",
    code_challenge_method: "S256",
    prompt: "consent",
    ...(provider === "google" && { access_type: "offline" }),
  })
  expect(query.scope).toContain(provider === "google" ? "auth/calendar.events" : "Calendars.ReadWrite")
  const page = await back({ state: query.state ?? "", code: "code" })
  expect(page.status).toBe(200)
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'")
  expect(page.headers.get("cache-control")).toBe("no-store")
  const code = codeIn(page.body)
  const { status, body } = await connect(provider, code)
  expect(status).toBe(201)
  expect(JSON.stringify(body)).not.toContain(code)
  await syncAll(api.database.db, config)
  expect(await club.read(body.id)).toMatchObject({ syncStatus: "active", statusCode: null })
  expect(outcome(await connect(provider, code))).toEqual([422, "consent_not_valid"])
})

test("the verifier fits the challenge, and neither it nor the token stands in the database in the clear", async () => {
  const consent = await ask("google")
  const [row] = await api.database.db`select * from slotbase.calendar_consents where id = ${consent.id}`
  const challenge = new URL(consent.url).searchParams.get("code_challenge")
  const text = Buffer.from(row?.verifier).toString("latin1")
  expect(text).not.toContain("sbv_")
  const verifier = api.app.secrets.open(row?.verifier, `calendar-consent:${consent.id}`)
  expect(createHash("sha256").update(verifier).digest("base64url")).toBe(challenge ?? "")
  await back({ state: stateOf(consent), code: "code" })
  const [after] = await api.database.db`select * from slotbase.calendar_consents where id = ${consent.id}`
  expect(after?.verifier).toBeNull()
  expect(Buffer.from(after?.refresh_token).toString("latin1")).not.toContain(google.refreshToken)
})

test("a state is good for one return, for half an hour, and as it was made", async () => {
  const consent = await ask("google")
  const forged = stateOf(consent).slice(0, -1)
  for (const state of [forged, "", "x".repeat(5_000)])
    expect((await back({ state, code: "code" })).status).not.toBe(200)
  expect((await back({ state: stateOf(consent), code: "code" })).status).toBe(200)
  expect((await back({ state: stateOf(consent), code: "code" })).status).toBe(410)
  const late = await ask("google")
  await moveOn(api.database.db, "31 minutes")
  expect((await back({ state: stateOf(late), code: "code" })).status).toBe(410)
})

test("who refused the permission, or brings a code that the provider does not know, gets a page and no code", async () => {
  for (const query of [{ error: "access_denied" }, { code: "forged" }, { error: "<script>alert(1)</script>" }]) {
    const page = await back({ state: stateOf(await ask("google")), ...(query as Record<string, string>) })
    expect([page.status >= 400, codeIn(page.body), page.body.includes("script>")]).toEqual([true, "", false])
  }
})

test("the code is good for its person, its provider and half an hour", async () => {
  expect(outcome(await connect("google", await given("google"), club.admin))).toEqual([422, "consent_not_valid"])
  expect(outcome(await connect("outlook", await given("google")))).toEqual([422, "consent_not_valid"])
  expect(outcome(await connect("google", "sbc_guessed"))).toEqual([422, "consent_not_valid"])
  const code = await given("google")
  await moveOn(api.database.db, "31 minutes")
  expect(outcome(await connect("google", code))).toEqual([422, "consent_not_valid"])
  expect(outcome(await connect("apple", code))).toEqual([422, "bad_url"])
})

test("a calendar whose permission ended gets another by a consent", async () => {
  const { body } = await connect("google", await given("google"))
  const credentials = { consentCode: await given("google") }
  const { status } = await club.ask("PATCH", `/calendar-syncs/${body.id}`, club.coach, { credentials })
  expect(status).toBe(200)
})

test("one person has a bounded number of consents open", async () => {
  for (let nth = 0; nth < 20; nth++) await ask("google", club.friend)
  expect(outcome(await club.ask("POST", "/calendar-consents", club.friend, { provider: "google" }))).toEqual([
    422,
    "too_many_consents",
  ])
})
