// A coach's calendar of Outlook, over a local server that follows the documented behaviour of Microsoft Graph.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { meaningOf } from "#outbound/calendars/calendar-event.ts"
import { bookingProperty } from "#outbound/calendars/outlook/event-text.ts"
import { outlookCalendar } from "#outbound/calendars/outlook/outlook.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import { askHandler, type CalendarClub, calendarApi, calendarClub, syncAll } from "#test/harness/club/calendars.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type FakeGraph, fakeGraph } from "#test/harness/outside/fake-graph.ts"
import { moveOn } from "#test/harness/pipeline/late.ts"

let api: TestApi
let db: Db
let club: CalendarClub
let graph: FakeGraph

beforeAll(async () => {
  const nowhere = "https://nowhere.test"
  api = await calendarApi({
    outlook: { clientId: "c", clientSecret: "s", consentUrl: nowhere, tokenUrl: nowhere, apiBase: nowhere },
  })
  db = api.database.db
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  await db`delete from slotbase.calendar_syncs`
  await db`delete from slotbase.calendar_hosts`
  club = await calendarClub(api)
  graph = fakeGraph()
})
afterEach(() => graph.stop())

async function connect(more: object = { syncDirection: "both" }): Promise<string> {
  const { id } = await club.done("POST", "/calendar-syncs", club.coach, {
    provider: "outlook",
    credentials: { refreshToken: graph.refreshToken() },
    calendarId: "primary",
    ...more,
  })
  return id
}
const sync = async () => {
  await askHandler(db)
  await syncAll(db, { outlook: graph.config })
}
const later = async () => {
  await db`update slotbase.calendar_syncs set next_sync_at = slotbase.now()`
  await sync()
}
const lesson = async (hour: number): Promise<string> => {
  const { status, body } = await club.lesson(hour)
  expect(status).toBe(201)
  return body.bookingId
}
const time = (at: string) => ({ dateTime: `${at.slice(0, 19)}.0000000`, timeZone: "UTC" })
const hour = (n: number) => ({ start: time(atHour(n).startAt), end: time(atHour(n).endAt) })
const busyAt = async (hours: readonly number[]) =>
  Promise.all(
    hours.map(async (n) => {
      const { startAt, endAt } = atHour(n)
      const { count } = await db`
        select from slotbase.coach_occupancies
        where coach_id = ${club.coach.id} and sync_id is not null and during && tstzrange(${startAt}, ${endAt})`
      return count > 0
    }),
  )
const bookingsThere = () =>
  graph
    .events()
    .flatMap(({ singleValueExtendedProperties: own = [] }) => own.filter(({ id }) => id === bookingProperty))
    .map(({ value }) => value)

test("a booking appears with its id in a property, is changed in place, and disappears", async () => {
  const id = await connect({ syncDirection: "both", descriptionTemplate: "{{ bookerName }}\nwith a racket" })
  const booking = await lesson(9)
  await sync()
  const [made] = graph.events()
  expect(made).toMatchObject({ ...{ start: { timeZone: "UTC" } }, subject: "Court 1", showAs: "busy", isAllDay: false })
  expect(Date.parse(`${made?.start?.dateTime}Z`)).toBe(Date.parse(atHour(9).startAt))
  expect(bookingsThere()).toEqual([booking])
  graph.set({ id: made?.id ?? "", categories: ["Red"] })
  await club.move(booking, 11)
  await sync()
  expect(graph.events()).toMatchObject([{ id: made?.id, categories: ["Red"] }])
  expect(Date.parse(`${graph.events()[0]?.start?.dateTime}Z`)).toBe(Date.parse(atHour(11).startAt))
  const writes = graph.asked.filter((each) => !each.startsWith("GET"))
  await later()
  expect(graph.asked.filter((each) => !each.startsWith("GET"))).toEqual(writes)
  await club.cancel(booking)
  await sync()
  expect(graph.events()).toEqual([])
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", entries: 0, waiting: 0, busyBlocks: 0 })
})

test("an entry that was deleted comes back, once", async () => {
  await connect()
  const booking = await lesson(9)
  await sync()
  graph.delete(graph.events()[0]?.id ?? "")
  await later()
  expect(bookingsThere()).toEqual([booking])
})

test("a repeated transaction makes no second entry, and its words are brought up to date", async () => {
  const account = { calendarId: "primary", refreshToken: graph.refreshToken(), keepRefreshToken: async () => {} }
  const access = { allow: ["127.0.0.1"], now: () => Date.now() }
  const event = { ...atHour(9), uid: crypto.randomUUID(), title: "A", description: "", location: "", changedAt: "" }
  const place = await outlookCalendar(graph.config, account, access).put(event, undefined)
  // The list of entries does not show it yet.
  const hidden = graph.events()[0]?.singleValueExtendedProperties ?? []
  graph.set({ id: place.remoteId, singleValueExtendedProperties: [] })
  const again = { ...account, refreshToken: graph.refreshToken() }
  const second = outlookCalendar(graph.config, again, access).put({ ...event, title: "B" }, undefined)
  expect((await second).remoteId).toBe(place.remoteId)
  expect(graph.events()).toMatchObject([{ subject: "B", singleValueExtendedProperties: hidden }])
  expect(meaningOf({ ...event, title: "B" })).not.toBe(meaningOf(event))
})

test("what is busy is pulled over pages, by changes, and in full with a diff when the link is too old", async () => {
  for (let n = 1; n <= 7; n++) graph.set({ id: `event${n}`, ...hour(n) })
  graph.set({ id: "free", ...hour(8), showAs: "free" })
  graph.set({ id: "elsewhere", ...hour(9), showAs: "workingElsewhere" })
  graph.set({ id: "declined", ...hour(10), responseStatus: { response: "declined" } })
  graph.set({ id: "cancelled", ...hour(13), isCancelled: true })
  graph.set({ id: "tentative", ...hour(14), showAs: "tentative" })
  const id = await connect()
  await sync()
  expect(await busyAt([1, 7, 8, 9, 10, 13, 14])).toEqual([true, true, false, false, false, false, true])
  graph.delete("event1")
  graph.set({ id: "event2", ...hour(12) })
  const before = graph.asked.length
  await later()
  expect(await busyAt([1, 2, 12, 7])).toEqual([false, false, true, true])
  expect(graph.asked.slice(before)).toEqual(["GET /me/calendar/calendarView/delta"])
  for (const [event, status, code] of [
    ["event3", 410, "SyncStateNotFound"],
    ["event4", 400, "syncStateInvalid"],
    ["event5", 410, "resyncRequired"],
  ] as const) {
    graph.delete(event)
    graph.expireLinks(status, code)
    await later()
  }
  expect(await busyAt([3, 4, 5, 6])).toEqual([false, false, false, true])
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", busyBlocks: 4, unreadable: [] })
})

test("a series is busy at its occurrences; one that is moved, freed or deleted later is followed", async () => {
  graph.set({ id: "series", type: "seriesMaster", ...hour(24), recurrence: { pattern: {} } })
  for (const n of [24, 48, 72, 96])
    graph.set({ id: `series-${n}`, type: "occurrence", seriesMasterId: "series", ...hour(n) })
  const id = await connect()
  await sync()
  expect(await busyAt([24, 48, 72, 96])).toEqual([true, true, true, true])
  graph.set({ id: "series-48", type: "exception", ...hour(50) })
  graph.set({ id: "series-72", type: "exception", showAs: "free" })
  await later()
  expect(await busyAt([24, 48, 50, 72, 96])).toEqual([true, false, true, false, true])
  graph.delete("series-96")
  await later()
  expect(await busyAt([24, 96])).toEqual([true, false])
  graph.delete("series")
  await later()
  expect(await busyAt([24, 48, 50, 72, 96])).toEqual([false, false, false, false, false])
  expect(await club.read(id)).toMatchObject({ unreadable: [], busyBlocks: 0 })
})

test("a whole day is a day of the facility, and our own entries and invitations make nobody busy", async () => {
  const booking = await lesson(9)
  const day = atHour(24).startAt.slice(0, 10)
  const next = new Date(Date.parse(day) + 24 * 60 * 60_000).toISOString().slice(0, 10)
  graph.set({ id: "day", isAllDay: true, start: time(`${day}T00:00:00`), end: time(`${next}T00:00:00`) })
  const packed = Buffer.concat([
    Buffer.from(`040000008200E00074C5B7101A82E008${"0".repeat(32)}35000000`, "hex"),
    Buffer.from(`vCal-Uid\x01\0\0\0${booking}\0`),
  ])
  graph.set({ id: "invitation", ...hour(9), iCalUId: packed.toString("hex").toUpperCase() })
  const id = await connect({ syncDirection: "pull" })
  await sync()
  const [block] = await db`
    select extract(epoch from upper(during) - lower(during))::integer / 3600 as hours,
           (lower(during) at time zone f.timezone)::text as starts
    from slotbase.coach_occupancies c join slotbase.facilities f on f.id = c.facility_id where c.sync_id = ${id}`
  expect(block).toEqual({ hours: 24, starts: `${day} 00:00:00` })
  expect(await club.read(id)).toMatchObject({ busyBlocks: 1, conflicts: 0 })
})

test("who connects the calendar again adopts the entries, and none is double", async () => {
  const id = await connect()
  const booking = await lesson(9)
  await sync()
  const before = graph.events()
  await club.done("DELETE", `/calendar-syncs/${id}`, club.coach)
  await connect()
  await sync()
  expect(graph.events()).toEqual(before)
  await club.cancel(booking)
  await sync()
  expect(graph.events()).toEqual([])
})

test("drift is found and repaired, also when the line breaks are Exchange's", async () => {
  const id = await connect({ syncDirection: "push", descriptionTemplate: "one\ntwo" })
  await lesson(9)
  await lesson(10)
  await lesson(11)
  await sync()
  const [one, two] = graph.events()
  graph.set({ id: one?.id ?? "", subject: "Something else" })
  graph.delete(two?.id ?? "")
  for (const drift of [2, 0]) {
    await db`update slotbase.calendar_syncs set checked_at = slotbase.now() - interval '25 hours'`
    await db`update slotbase.calendar_entries set etag = 'another'`
    await later()
    expect(await club.read(id)).toMatchObject({ drift: { entries: drift }, waiting: 0 })
  }
  expect(graph.events().map(({ subject }) => subject)).toEqual(["Court 1", "Court 1", "Court 1"])
})

test("each refresh token is kept, and one that ended is told once", async () => {
  const id = await connect()
  await lesson(9)
  graph.expireAccess()
  await sync()
  await later()
  expect(graph.events()).toHaveLength(1)
  expect(graph.refreshToken()).not.toBe("refresh-1")
  graph.revoke()
  await later()
  expect(await club.read(id)).toMatchObject({ syncStatus: "error", statusCode: "credentials_refused" })
  for (let times = 0; times < 4; times++) {
    await moveOn(db, "20 minutes")
    await syncAll(db, { outlook: graph.config })
  }
  const told = await db`select from slotbase.events where type = 'calendar.sync.failing' and facility_id = ${club.id}`
  expect(told.count).toBe(1)
})

test.each([
  ["ApplicationThrottled", 1],
  ["MailboxConcurrency", 0],
])("a 429 for %s pauses what it limits, as long as it asks, and is no failure", async (code, hosts) => {
  const id = await connect()
  await lesson(9)
  const headers = { "retry-after": "90" }
  graph.refuse(1, () => Response.json({ error: { code, message: code } }, { status: 429, headers }))
  await sync()
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", statusCode: null, entries: 0 })
  expect((await db`select from slotbase.calendar_hosts`).count).toBe(hosts)
  const before = graph.asked.length
  await moveOn(db, "1 minute")
  await sync()
  expect(graph.asked.length).toBe(before)
  await moveOn(db, "1 minute")
  await sync()
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", entries: 1 })
})

test.each<[string, () => Response, string]>([
  ["a link that leads elsewhere", () => Response.json({ "@odata.nextLink": "http://127.0.0.1:1/x" }), "not_understood"],
  ["a list that is none", () => Response.json({ value: { a: 1 } }), "not_understood"],
  ["a page of HTML", () => new Response("<html></html>"), "not_understood"],
  ["null", () => Response.json(null), "not_understood"],
  ["no right", () => Response.json({ error: { code: "ErrorAccessDenied" } }, { status: 403 }), "credentials_refused"],
  ["no calendar", () => Response.json({ error: { code: "ErrorItemNotFound" } }, { status: 404 }), "calendar_gone"],
  ["a refusal", () => Response.json({ error: { code: "BadRequest" } }, { status: 400 }), "refused"],
])("%s is a failure with a reason, and the token goes nowhere else", async (_, answer, code) => {
  const id = await connect({ syncDirection: "pull" })
  graph.refuse(9, answer)
  await sync()
  expect(await club.read(id)).toMatchObject({ syncStatus: "error", statusCode: code as never })
})
