// A coach's calendar at Google, over a local server that follows the documented behaviour of its Calendar API.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { calendars } from "#operations/calendars-check.ts"
import { googleIdOf } from "#outbound/calendars/google/event-text.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import { askHandler, type CalendarClub, calendarApi, calendarClub, syncAll } from "#test/harness/club/calendars.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type FakeGoogle, fakeGoogle } from "#test/harness/outside/fake-google.ts"
import { moveOn } from "#test/harness/pipeline/late.ts"

let api: TestApi
let db: Db
let club: CalendarClub
let google: FakeGoogle

beforeAll(async () => {
  api = await calendarApi({
    google: {
      clientId: "c",
      clientSecret: "s",
      consentUrl: "https://c.test",
      tokenUrl: "https://a.test",
      apiBase: "https://b.test",
    },
  })
  db = api.database.db
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  await db`delete from slotbase.calendar_syncs`
  await db`delete from slotbase.calendar_hosts`
  club = await calendarClub(api)
  google = fakeGoogle()
})
afterEach(() => google.stop())

async function connect(more: object = { syncDirection: "both" }): Promise<string> {
  const { id } = await club.done("POST", "/calendar-syncs", club.coach, {
    provider: "google",
    credentials: { refreshToken: google.refreshToken },
    calendarId: "primary",
    ...more,
  })
  return id
}
const sync = async () => {
  await askHandler(db)
  await syncAll(db, { google: google.config })
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
const hour = (n: number) => ({ start: { dateTime: atHour(n).startAt }, end: { dateTime: atHour(n).endAt } })
const busyAt = async (hours: readonly number[]) =>
  Promise.all(
    hours.map(async (n) => {
      const { startAt, endAt } = atHour(n)
      return (
        (
          await db`select from slotbase.coach_occupancies
                  where coach_id = ${club.coach.id} and sync_id is not null and during && tstzrange(${startAt}, ${endAt})`
        ).count > 0
      )
    }),
  )

test("a booking appears under an id that follows from it, is changed in place, and disappears", async () => {
  const id = await connect()
  const booking = await lesson(9)
  await sync()
  const [made] = google.events()
  expect(made).toMatchObject({
    id: googleIdOf(booking),
    start: { dateTime: atHour(9).startAt, timeZone: "UTC" },
    extendedProperties: { private: { slotbaseBookingId: booking } },
  })
  google.set({ id: googleIdOf(booking), reminders: { useDefault: false } })
  await club.move(booking, 11)
  await sync()
  expect(google.events()).toMatchObject([
    { id: googleIdOf(booking), start: { dateTime: atHour(11).startAt }, reminders: { useDefault: false } },
  ])
  await club.cancel(booking)
  await sync()
  expect(google.events()).toEqual([])
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", entries: 0, waiting: 0, busyBlocks: 0 })
})

test("an entry that was deleted comes back under its id, which stays taken", async () => {
  await connect()
  const booking = await lesson(9)
  await sync()
  google.delete(googleIdOf(booking))
  await later()
  expect(google.events().map(({ id }) => id)).toEqual([googleIdOf(booking)])
})

test("what is busy is pulled over pages, by changes, and in full with a diff when the token is too old", async () => {
  for (let n = 1; n <= 7; n++) google.set({ id: `event${n}`, ...hour(n) })
  google.set({ id: "free", ...hour(8), transparency: "transparent" })
  google.set({ id: "declined", ...hour(10), attendees: [{ self: true, responseStatus: "declined" }] })
  const id = await connect()
  await sync()
  expect(await busyAt([1, 7, 8, 10])).toEqual([true, true, false, false])
  google.delete("event1")
  google.set({ id: "event2", ...hour(12) })
  const before = google.asked.length
  await later()
  expect(await busyAt([1, 2, 12, 7])).toEqual([false, false, true, true])
  expect(google.asked.slice(before)).toEqual(["GET /calendars/primary/events"])
  google.delete("event3")
  google.expireTokens()
  await later()
  expect(await busyAt([3, 4])).toEqual([false, true])
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", busyBlocks: 5, unreadable: [] })
})

test("a series with a moved and a cancelled occurrence, also when one is changed later", async () => {
  const first = atHour(24)
  const wall = (text: string) => text.slice(0, 19)
  google.set({
    id: "series",
    iCalUID: "series@google.com",
    start: { dateTime: first.startAt, timeZone: "UTC" },
    end: { dateTime: first.endAt, timeZone: "UTC" },
    recurrence: ["RRULE:FREQ=DAILY;COUNT=4"],
  })
  const exception = (n: number, more: object) =>
    google.set({
      id: `series_${wall(atHour(n).startAt).replace(/\W/g, "")}`,
      iCalUID: "series@google.com",
      recurringEventId: "series",
      originalStartTime: { dateTime: atHour(n).startAt, timeZone: "UTC" },
      ...hour(n),
      ...more,
    })
  exception(48, hour(50))
  const id = await connect()
  await sync()
  expect(await busyAt([24, 48, 50, 72, 96])).toEqual([true, false, true, true, true])
  exception(72, { status: "cancelled" })
  await later()
  expect(await busyAt([24, 48, 50, 72, 96])).toEqual([true, false, true, false, true])
  expect(await club.read(id)).toMatchObject({ unreadable: [] })
})

test("who connects the calendar again adopts the entries, and none is double", async () => {
  const id = await connect()
  const booking = await lesson(9)
  await sync()
  const before = google.events()
  await club.done("DELETE", `/calendar-syncs/${id}`, club.coach)
  await connect()
  await sync()
  expect(google.events()).toEqual(before)
  await club.cancel(booking)
  await sync()
  expect(google.events()).toEqual([])
})

test("drift is found and repaired", async () => {
  const id = await connect({ syncDirection: "push" })
  const [one, two] = [await lesson(9), await lesson(10)]
  await sync()
  google.set({ id: googleIdOf(one), summary: "Something else" })
  google.delete(googleIdOf(two))
  await db`update slotbase.calendar_syncs set checked_at = slotbase.now() - interval '25 hours'`
  await later()
  expect(await club.read(id)).toMatchObject({ drift: { entries: 2 }, waiting: 0 })
  expect(google.events().map(({ summary }) => summary)).toEqual(["Court 1", "Court 1"])
})

test("an access token that ended is renewed, and a refresh token that ended is told", async () => {
  const id = await connect()
  await lesson(9)
  google.expireAccess()
  await sync()
  expect(google.events()).toHaveLength(1)
  google.revoke()
  await later()
  expect(await club.read(id)).toMatchObject({ syncStatus: "error", statusCode: "credentials_refused" })
  for (let times = 0; times < 4; times++) {
    await moveOn(db, "20 minutes")
    await syncAll(db, { google: google.config })
  }
  expect(
    (await db`select from slotbase.events where type = 'calendar.sync.failing' and facility_id = ${club.id}`).count,
  ).toBe(1)
})

test("a program that Google does not know any more is its operator's matter, and says so", async () => {
  const id = await connect()
  await syncAll(db, { google: { ...google.config, clientSecret: "ended" } })
  expect(await club.read(id)).toMatchObject({
    syncStatus: "error",
    statusCode: "program_refused",
    statusReason: "Google does not take this program's registration (invalid_client). Its operator must renew it.",
  })
  expect(await calendars(db)).toMatchObject({
    name: "calendars",
    well: false,
    says: expect.stringContaining(": 1 at google; renew"),
  })
})

test("the invitation of a mail beside an entry is nobody's drift, and both stay as they are", async () => {
  const id = await connect()
  const booking = await lesson(9)
  await sync()
  google.set({ id: "invitation", iCalUID: booking, summary: "Lesson", ...hour(9) })
  for (let days = 0; days < 3; days++) {
    await db`update slotbase.calendar_syncs set checked_at = null`
    await later()
    expect((await club.read(id)).drift?.entries).toBe(0)
  }
  expect(google.events().map((event) => [event.id, event.summary])).toEqual([
    [googleIdOf(booking), "Court 1"],
    ["invitation", "Lesson"],
  ])
  expect(await db`select remote_id from slotbase.calendar_entries`.then((rows) => [...rows])).toEqual([
    { remote_id: googleIdOf(booking) },
  ])
  expect(await club.read(id)).toMatchObject({ busyBlocks: 0, conflicts: 0, entries: 1 })
  google.set({ id: "invitation", summary: "Lesson, updated" })
  await later()
  await club.cancel(booking)
  await sync()
  expect(google.events().map((event) => [event.id, event.summary])).toEqual([["invitation", "Lesson, updated"]])
})

test.each([
  ["rateLimitExceeded", 1],
  ["userRateLimitExceeded", 0],
])("%s pauses what it limits, and is no failure", async (reason, hosts) => {
  const id = await connect()
  await lesson(9)
  google.limit(1, reason)
  await sync()
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", statusCode: null, entries: 0 })
  expect((await db`select from slotbase.calendar_hosts`).count).toBe(hosts)
  await moveOn(db, "2 minutes")
  await sync()
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", entries: 1 })
})

test("without a registration of the program, nobody connects a calendar at Outlook", async () => {
  const { status, body } = await club.ask("POST", "/calendar-syncs", club.coach, {
    provider: "outlook",
    credentials: { refreshToken: "token" },
    calendarId: "primary",
  })
  expect([status, body.code]).toEqual([422, "provider_not_configured"])
})
