// Channels by which Google and Microsoft say that a calendar has changed. They are believed only with their secret,
// renewed before their end, and stopped when the calendar is disconnected.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import { type CalendarClub, calendarApi, calendarClub, syncAll } from "#test/harness/club/calendars.ts"
import { type FakeGoogle, fakeGoogle } from "#test/harness/outside/fake-google.ts"
import { type FakeGraph, fakeGraph } from "#test/harness/outside/fake-graph.ts"
import { moveOn } from "#test/harness/pipeline/late.ts"

const publicUrl = "https://book.test"
let api: TestApi
let db: Db
let club: CalendarClub
let google: FakeGoogle
let graph: FakeGraph

beforeAll(async () => {
  const nowhere = "https://nowhere.test"
  const service = { clientId: "c", clientSecret: "s", consentUrl: nowhere, tokenUrl: nowhere, apiBase: nowhere }
  api = await calendarApi({ publicUrl, google: service, outlook: service })
  db = api.database.db
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  await db`delete from slotbase.calendar_syncs`
  await db`delete from slotbase.calendar_channels`
  club = await calendarClub(api)
  google = fakeGoogle()
  // A proxy ends the https.
  graph = fakeGraph((request) => api.server.handle(new Request(request.url.replace("https:", "http:"), request)))
})
afterEach(() => Promise.all([google.stop(), graph.stop()]))

const sync = (at = publicUrl) => syncAll(db, { publicUrl: at, google: google.config, outlook: graph.config })
async function connect(provider: "google" | "outlook"): Promise<string> {
  const refreshToken = provider === "google" ? google.refreshToken : graph.refreshToken()
  const { id } = await club.done("POST", "/calendar-syncs", club.coach, {
    ...{ provider, credentials: { refreshToken }, calendarId: "primary", syncDirection: "pull" },
  })
  await sync()
  return id
}
const notify = (address: string, headers: Record<string, string>, body?: unknown) =>
  api.call("POST", new URL(address).pathname, { token: null, headers, body })
const isDue = async (id: string) =>
  (await db`select from slotbase.calendar_syncs where id = ${id} and next_sync_at <= slotbase.now()`).count === 1
const channelRows = () => db`select remote_id, stop_with is not null as ends from slotbase.calendar_channels`

const [googleChannel, subscription] = [
  () => [...google.channels][0] as [string, { address: string; token: string; resourceId: string }],
  () => [...graph.subscriptions.values()][0] as NonNullable<ReturnType<FakeGraph["subscriptions"]["get"]>>,
]

test("a notification of Google with the secret of its channel is a hint, and every other one is refused alike", async () => {
  const id = await connect("google")
  const [channel, { address, token }] = googleChannel()
  expect(address).toBe(`${publicUrl}/calendar-channels/${club.id}/${channel}`)
  const right = { "x-goog-channel-id": channel, "x-goog-channel-token": token, "x-goog-resource-state": "exists" }
  expect((await notify(address, { ...right, "x-goog-resource-state": "sync" })).status).toBe(202)
  const wrong: [string, Record<string, string>][] = [
    [address, { ...right, "x-goog-channel-token": "guessed" }],
    [address, { ...right, "x-goog-channel-token": "" }],
    [address, { ...right, "x-goog-channel-id": crypto.randomUUID() }],
    [`${publicUrl}/calendar-channels/${club.id}/${crypto.randomUUID()}`, right],
    [`${publicUrl}/calendar-channels/${crypto.randomUUID()}/${channel}`, right],
    [`${publicUrl}/calendar-channels/${club.id}/none`, right],
    [`${publicUrl}/calendar-channels/%ff/%ff`, right],
  ]
  for (const [to, headers] of wrong) {
    const { status, body } = await notify(to, headers)
    expect([status, body]).toEqual([404, "There is no such channel."])
  }
  expect(await isDue(id)).toBe(false)
  expect((await notify(address, right)).status).toBe(202)
  expect(await isDue(id)).toBe(true)
})

test("a subscription of Microsoft is validated, and its notifications are believed with its state alone", async () => {
  const id = await connect("outlook")
  const { notificationUrl, clientState, resource, lifecycleNotificationUrl } = subscription()
  expect([resource, lifecycleNotificationUrl]).toEqual(["me/events", notificationUrl])
  const said = (state: unknown, more: object = {}) => ({
    value: [{ clientState: state, changeType: "updated", ...more }],
  })
  const wrong: unknown[] = [
    {},
    null,
    [],
    { value: "x" },
    { value: [null] },
    said("guessed"),
    said(undefined),
    said({ a: 1 }),
  ]
  wrong.push({ value: [{ clientState }, { clientState: "guessed" }] })
  for (const body of wrong) expect((await notify(notificationUrl, {}, body)).status).toBe(404)
  expect((await notify(notificationUrl, {}, "{ not json")).status).toBe(422)
  expect((await notify(notificationUrl, {}, said("x".repeat(300_000)))).status).toBe(413)
  expect(await isDue(id)).toBe(false)
  expect((await notify(notificationUrl, {}, said(clientState))).status).toBe(202)
  expect(await isDue(id)).toBe(true)
})

test("an address is validated only while its subscription is being opened", async () => {
  await connect("outlook")
  const asked = (path: string) => api.call("POST", `${path}?validationToken=hello`, { token: null })
  expect((await asked(new URL(subscription().notificationUrl).pathname)).status).toBe(404)
  expect((await asked(`/calendar-channels/${club.id}/${crypto.randomUUID()}`)).status).toBe(404)
})

test("a subscription is renewed in place before its end, when Microsoft asks for it, and anew when it was removed", async () => {
  await connect("outlook")
  const [first] = graph.subscriptions.keys()
  const { expirationDateTime: before } = subscription()
  await moveOn(db, "6 days")
  await sync()
  expect([...graph.subscriptions.keys()]).toEqual([first ?? ""])
  expect(Date.parse(subscription().expirationDateTime)).toBeGreaterThanOrEqual(Date.parse(before))
  const patches = () => graph.asked.filter((each) => each.startsWith("PATCH /subscriptions")).length
  expect(patches()).toBe(1)
  const { notificationUrl, clientState } = subscription()
  await notify(notificationUrl, {}, { value: [{ clientState, lifecycleEvent: "reauthorizationRequired" }] })
  await sync()
  expect(patches()).toBe(2)
  graph.subscriptions.clear()
  await notify(notificationUrl, {}, { value: [{ clientState, lifecycleEvent: "subscriptionRemoved" }] })
  await sync()
  expect(graph.subscriptions.size).toBe(1)
  expect([...graph.subscriptions.keys()]).not.toEqual([first ?? ""])
  expect(await channelRows()).toEqual([{ remote_id: [...graph.subscriptions.keys()][0], ends: false }] as never)
})

test("another channel of Google takes the place of one that ends soon, which is stopped", async () => {
  await connect("google")
  const [first] = googleChannel()
  await moveOn(db, "6 days 1 hour")
  await sync()
  await sync()
  expect(google.channels.size).toBe(1)
  expect(googleChannel()[0]).not.toBe(first)
})

test.each(["google", "outlook"] as const)("disconnecting a calendar at %s stops its channel", async (provider) => {
  const id = await connect(provider)
  const open = () => google.channels.size + graph.subscriptions.size
  expect(open()).toBe(1)
  await club.done("DELETE", `/calendar-syncs/${id}`, club.coach)
  await sync()
  expect([open(), (await channelRows()).length]).toEqual([0, 0])
})

test("a paused calendar has no channel, and gets one again", async () => {
  const id = await connect("google")
  await club.done("PATCH", `/calendar-syncs/${id}`, club.coach, { syncStatus: "paused" })
  await sync()
  expect(google.channels.size).toBe(0)
  await club.done("PATCH", `/calendar-syncs/${id}`, club.coach, { syncStatus: "active" })
  await sync()
  expect(google.channels.size).toBe(1)
})

test("without an address by https there is no channel, and the calendar is polled", async () => {
  const { id } = await club.done("POST", "/calendar-syncs", club.coach, {
    ...{ provider: "google", credentials: { refreshToken: google.refreshToken }, calendarId: "primary" },
    syncDirection: "pull",
  })
  await sync("http://127.0.0.1:3000")
  expect(google.channels.size).toBe(0)
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", statusCode: null })
})

test("a provider that refuses a channel fails no calendar, and is asked again after an hour", async () => {
  const unreachable = fakeGraph(async () => new Response("", { status: 502 }))
  const { id } = await club.done("POST", "/calendar-syncs", club.coach, {
    ...{ provider: "outlook", credentials: { refreshToken: unreachable.refreshToken() }, calendarId: "primary" },
    syncDirection: "pull",
  })
  const again = async (after: string) => {
    await moveOn(db, after)
    await syncAll(db, { publicUrl, outlook: unreachable.config })
    return unreachable.asked.filter((each) => each === "POST /subscriptions").length
  }
  expect(await again("0")).toBe(1)
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", statusCode: null })
  expect(await again("10 minutes")).toBe(1)
  expect(await again("1 hour")).toBe(2)
  await unreachable.stop()
})
