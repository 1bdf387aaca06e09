// What people want to be told, and how they unsubscribe by the link of a mail, over HTTP.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { languages } from "#base/languages.ts"
import { secretBox } from "#base/secrets.ts"
import { switchableTypes } from "#outbound/messages/preferences/switchable.ts"
import { wordsOfType } from "#outbound/messages/preferences/type-words.ts"
import { unsubscribeUrl } from "#outbound/messages/preferences/unsubscribe.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { recordedBy, verdict } from "#test/harness/club/people.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())

const path = "/v1/me/message-preferences"
const read = async (token: string) => (await api.call("GET", path, { token })).body
const put = (token: string, body: unknown) => api.call("PUT", path, { token, body })

test("without a choice everything comes but texts, and account messages say that they always do", async () => {
  const { token } = await api.person()
  const { switches, quietHours, timezone, types } = await read(token)
  expect([switches, quietHours, timezone]).toEqual([[], null, null])
  const of = (type: string) => types.find((each: { type: string }) => each.type === type)
  const usual = { email: true, sms: false, push: true, in_app: true }
  expect(of("booking.reminder.due")).toEqual({ type: "booking.reminder.due", required: false, channels: usual })
  expect(of("user.password_changed").required).toBe(true)
})

test("choices are replaced as a whole, and recorded when they differ", async () => {
  const { token, id } = await api.person()
  const switches = [
    { type: "*", channel: "push", enabled: false },
    { type: "booking.reminder.due", channel: "sms", enabled: true },
  ]
  const first = await put(token, { switches, quietHours: { start: "22:00", end: "07:00" } })
  expect(first.status).toBe(200)
  expect(first.body.switches).toEqual(switches)
  expect(first.body.quietHours).toEqual({ start: "22:00", end: "07:00", channels: ["sms", "push"] })
  const { types } = first.body
  expect(types.find((each: { type: string }) => each.type === "booking.reminder.due").channels).toEqual({
    email: true,
    sms: true,
    push: false,
    in_app: true,
  })
  expect(await recordedBy(api, first.headers)).toMatchObject([
    { type: "user.updated", data: { userId: id, changed: ["messagePreferences"], updatedBy: id } },
  ])
  const same = await put(token, { switches, quietHours: { start: "22:00", end: "07:00", channels: ["sms", "push"] } })
  expect([same.body, await recordedBy(api, same.headers)]).toEqual([first.body, []])
  expect(await read(token)).toEqual(first.body)
  const none = await put(token, { switches: [], quietHours: null })
  expect([none.body.switches, none.body.quietHours]).toEqual([[], null])
})

test.each([
  [
    { switches: [{ type: "booking.gone", channel: "email", enabled: true }], quietHours: null },
    "body.switches.0.type",
    "Expected a type of GET /v1/me/message-preferences, or *",
  ],
  [
    { switches: [{ type: "user.password_changed", channel: "email", enabled: false }], quietHours: null },
    "body.switches.0.type",
    "Messages of user.password_changed always come: they protect the account",
  ],
  [
    {
      switches: [
        { type: "*", channel: "email", enabled: true },
        { type: "*", channel: "email", enabled: false },
      ],
      quietHours: null,
    },
    "body.switches.1.type",
    "Expected one switch for * and email",
  ],
  [
    { switches: [{ type: "*", channel: "fax", enabled: true }], quietHours: null },
    "body.switches.0.channel",
    undefined,
  ],
  [{ switches: [], quietHours: { start: "24:00", end: "07:00" } }, "body.quietHours.start", undefined],
  [{ switches: [], quietHours: { start: "07:00", end: "07:00" } }, "body.quietHours.end", undefined],
  [
    { switches: [], quietHours: { start: "22:00", end: "07:00", channels: ["in_app"] } },
    "body.quietHours.channels.0",
    undefined,
  ],
  [{ switches: [], quietHours: { start: "22:00", end: "07:00", channels: [] } }, "body.quietHours.channels", undefined],
  [{ switches: [] }, "body.quietHours", undefined],
])("%p is refused where it is wrong", async (body, at, message) => {
  const { token } = await api.person()
  const refused = await put(token, body)
  expect([refused.status, refused.body.code]).toEqual([422, "invalid_input"])
  expect(refused.body.errors[0]).toMatchObject({ path: at, ...(message !== undefined && { message }) })
})

test("an API key wants to be told nothing", async () => {
  expect(verdict(await api.call("GET", path))).toBe("403 not_allowed")
  expect(verdict(await api.call("PUT", path, { body: { switches: [], quietHours: null } }))).toBe("403 not_allowed")
})

const linkFor = (userId: string, type = "booking.reminder.due") =>
  unsubscribeUrl({ secrets: api.app.secrets, publicUrl: "" }, { userId, type, channel: "email" }) ?? ""
const post = (at: string, body: string, headers: Record<string, string> = {}) =>
  api.server.handle(
    new Request(`http://slotbase.test${at}`, {
      method: "POST",
      body,
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    }),
  )

test("a GET shows a button and changes nothing; one POST unsubscribes, without a login or a cookie", async () => {
  const { token, id } = await api.person()
  const before = await read(token)
  const shown = await api.server.handle(new Request(`http://slotbase.test${linkFor(id)}`))
  const page = await shown.text()
  expect([shown.status, shown.headers.get("set-cookie")]).toEqual([200, null])
  expect(page).toContain('<input type="hidden" name="List-Unsubscribe" value="One-Click"><button>Unsubscribe</button>')
  expect(page).toContain("<h1>Stop these messages?</h1><p>Mails about bookings that begin soon.</p>")
  expect(page).not.toMatch(/switched off|unsubscribed/)
  expect(page).not.toContain("<script")
  expect(
    (await api.server.handle(new Request(`http://slotbase.test${linkFor(id)}`, { method: "HEAD" }))).status,
  ).toBeOneOf([200, 404, 405])
  expect(await read(token)).toEqual(before)
  const done = await post(linkFor(id), "List-Unsubscribe=One-Click")
  expect([done.status, done.headers.get("set-cookie")]).toEqual([200, null])
  expect(await done.text()).toContain("You are unsubscribed")
  expect(await recordedBy(api, done.headers)).toMatchObject([
    { type: "user.updated", user_id: id, data: { userId: id, changed: ["messagePreferences"], updatedBy: id } },
  ])
  expect((await read(token)).switches).toEqual([{ type: "booking.reminder.due", channel: "email", enabled: false }])
  expect((await post(linkFor(id), "List-Unsubscribe=One-Click")).status).toBe(200)
  const events = await api.database
    .db`select 1 from slotbase.events where type = 'user.updated' and data ->> 'userId' = ${id}`
  expect(events.count).toBe(1)
})

test("the pages speak the reader's language: the person's own, or that of their club", async () => {
  const facilityId = await api.facility()
  await api.call("PATCH", `/v1/facilities/${facilityId}/settings`, { body: { language: "de" } })
  const [player, english] = [await api.person("player", facilityId), await api.person("player", facilityId)]
  await api.call("PATCH", "/v1/me", { token: english.token, body: { language: "en" } })
  const shown = async ({ id }: { id: string }) =>
    (await api.server.handle(new Request(`http://slotbase.test${linkFor(id)}`))).text()
  expect(await shown(player)).toContain('<html lang="de">')
  expect(await shown(player)).toContain(
    "<h1>Diese Nachrichten abbestellen?</h1><p>Mails über Buchungen, die bald beginnen.</p>",
  )
  expect(await shown(english)).toContain("<h1>Stop these messages?</h1>")
  expect(await (await post(linkFor(player.id), "List-Unsubscribe=One-Click")).text()).toContain("<h1>Abbestellt</h1>")
})

test("every message that can be switched off has words for its page, in both languages", () => {
  for (const type of switchableTypes)
    for (const language of languages) expect(wordsOfType(type, language) ?? type).not.toBe(type)
})

test("a mail program may send the form in parts, and nothing but One-Click unsubscribes", async () => {
  const { token, id } = await api.person()
  for (const body of ["", "List-Unsubscribe=Yes", "unsubscribe=One-Click"])
    expect((await post(linkFor(id), body)).status).toBe(422)
  expect((await read(token)).switches).toEqual([])
  const form = new FormData()
  form.set("List-Unsubscribe", "One-Click")
  const sent = await api.server.handle(
    new Request(`http://slotbase.test${linkFor(id)}`, { method: "POST", body: form }),
  )
  expect(sent.status).toBe(200)
  expect((await read(token)).switches).toHaveLength(1)
})

test("a token of somebody else's making opens nothing, and account messages have none", async () => {
  const { id } = await api.person()
  const foreign = unsubscribeUrl(
    { secrets: secretBox(new Uint8Array(32).fill(9)), publicUrl: "" },
    { userId: id, type: "booking.confirmed", channel: "email" },
  )
  for (const at of [foreign ?? "", "/unsubscribe/x", `/unsubscribe/${"A".repeat(401)}`, "/unsubscribe/%ff"]) {
    expect((await api.server.handle(new Request(`http://slotbase.test${at}`))).status).toBeOneOf([400, 404])
    expect((await post(at, "List-Unsubscribe=One-Click")).status).toBeOneOf([400, 404])
  }
  expect(linkFor(id, "user.password_changed")).toBe("")
})
