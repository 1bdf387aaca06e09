// Connecting calendars: who may, with what, and what a calendar of a resource does to the resource.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import {
  type CalendarClub,
  calendarApi,
  calendarClub,
  foreignEvent,
  keepInStep,
  syncAll,
} from "#test/harness/club/calendars.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"
import { type CalDavServer, calDavServer } from "#test/harness/outside/caldav-server.ts"

let api: TestApi
let db: Db
let club: CalendarClub
let server: CalDavServer
let calendar: string

beforeAll(async () => {
  api = await calendarApi()
  db = api.database.db
  server = await calDavServer("radicale")
}, 120_000)
afterAll(async () => {
  await server.close()
  await api.database.drop()
})
beforeEach(async () => {
  await db`delete from slotbase.calendar_syncs`
  club = await calendarClub(api)
  calendar = await server.calendar()
})

const wanted = (more: object = {}) => ({
  provider: "apple",
  credentials: { username: server.username, password: server.password },
  calendarId: calendar,
  ...more,
})

test.each<[string, object, string[]]>([
  ["an address that is none", { calendarId: "my calendar" }, ["body.calendarId"]],
  ["an address inside the network", { calendarId: "http://10.0.0.1/calendar/" }, ["body.calendarId"]],
  ["no password", { credentials: { username: "jonas" } }, ["body.credentials.password"]],
  [
    "a token for CalDAV",
    { credentials: { username: "j", password: "p", refreshToken: "t" } },
    ["body.credentials.refreshToken"],
  ],
  ["a template that ends too early", { titleTemplate: "{{ resourceName" }, ["body.titleTemplate"]],
  ["a template with an unknown variable", { locationTemplate: "{{ street }}" }, ["body.locationTemplate"]],
  ["a template that makes no title", { titleTemplate: "{% if false %}x{% endif %}" }, ["body.titleTemplate"]],
  [
    "a template without an end",
    { descriptionTemplate: "{% for i in (1..100000000) %}x{% endfor %}" },
    ["body.descriptionTemplate"],
  ],
  ["an event of something else", { events: ["payment.succeeded"] }, ["body.events.0"]],
])("%s is refused, and nothing is kept", async (_, more, paths) => {
  const { status, body } = await club.ask("POST", "/calendar-syncs", club.coach, wanted(more))
  expect([status, body.errors.map(({ path }: { path: string }) => path)]).toEqual([422, paths])
  expect((await db`select from slotbase.calendar_syncs`).count).toBe(0)
})

test("credentials are never answered, and stand encrypted in the table", async () => {
  const { status, body } = await club.ask("POST", "/calendar-syncs", club.coach, wanted())
  expect([status, JSON.stringify(body).includes(server.password), "credentials" in body]).toEqual([201, false, false])
  const [row] = await db<[{ credentials: Uint8Array }]>`select credentials from slotbase.calendar_syncs`
  expect(Buffer.from(row.credentials).includes(server.password)).toBe(false)
})

test("a calendar is connected once, and a person has five at most", async () => {
  await club.connect(club.coach, server, calendar)
  const again = await club.ask("POST", "/calendar-syncs", club.coach, wanted())
  expect([again.status, again.body.code]).toEqual([409, "calendar_connected"])
  for (let nth = 2; nth <= 5; nth++) await club.connect(club.coach, server, `${calendar}${nth}/`)
  const sixth = await club.ask("POST", "/calendar-syncs", club.coach, wanted({ calendarId: `${calendar}6/` }))
  expect([sixth.status, sixth.body.code]).toEqual([422, "too_many_calendars"])
})

test("a player's private calendar is never pulled", async () => {
  const { status, body } = await club.ask("POST", "/calendar-syncs", club.player, wanted({ syncDirection: "both" }))
  expect([status, body.code]).toEqual([422, "pull_needs_coach"])
})

test("only staff connect the calendar of a court", async () => {
  const { status } = await club.ask("POST", "/calendar-syncs", club.coach, wanted({ resourceId: club.court }))
  expect(status).toBe(403)
})

test("staff pause a person's calendar, and change nothing else of it", async () => {
  const { id } = await club.connect(club.coach, server, calendar)
  const path = `/calendar-syncs/${id}`
  expect((await club.ask("PATCH", path, club.staff, { titleTemplate: "Mine" })).status).toBe(403)
  expect((await club.ask("PATCH", path, club.staff, { syncStatus: "paused" })).body.syncStatus).toBe("paused")
  expect((await club.ask("GET", path, club.player)).status).toBe(404)
})

test("other templates rewrite the entries that stand", async () => {
  const { id } = await club.connect(club.player, server, calendar)
  await club.book(9)
  await keepInStep(db)
  await club.done("PATCH", `/calendar-syncs/${id}`, club.player, {
    titleTemplate: "{{ bookerName }}, {{ startAt | local_time: 'Europe/Berlin' }}",
  })
  await syncAll(db)
  const texts = [...(await server.texts(calendar)).values()]
  expect(texts).toHaveLength(1)
  expect(texts[0]).toMatch(/SUMMARY:[^\r\n]+\\, \d{4}-\d\d-\d\d \d\d:00/)
})

test("a calendar of a court blocks the court, has all of its bookings, and frees it when it is disconnected", async () => {
  await server.put(calendar, "repair.ics", foreignEvent("repair", 9))
  const { id } = await club.connect(club.staff, server, calendar, { syncDirection: "both", resourceId: club.court })
  const { id: booking } = await club.book(12)
  await keepInStep(db)
  expect([...(await server.texts(calendar)).keys()]).toContain(new URL(`${booking}.ics`, calendar).href)
  const taken = await club.ask("POST", "/bookings", club.staff, {
    resourceId: club.court,
    ...atHour(9),
    bookerId: club.player.id,
    paymentMethod: "waived",
  })
  expect([taken.status, taken.body.code, taken.body.conflicts]).toEqual([
    409,
    "slot_taken",
    [{ ...atHour(9), status: "busy" }],
  ])
  const slotAt = async (hour: number) => {
    const { slots } = await club.done("GET", `/availability?date=${dayOf(hour)}&resourceId=${club.court}`, club.player)
    return slots.find(({ startAt }: { startAt: string }) => startAt === atHour(hour).startAt).status
  }
  expect([await slotAt(9), await slotAt(10)]).toEqual(["blocked", "free"])
  await club.done("DELETE", `/calendar-syncs/${id}`, club.staff)
  expect([await slotAt(9), await slotAt(12)]).toEqual(["free", "booked"])
})

test("what overlaps in a calendar takes its time once, and the rest of a conflict is taken too", async () => {
  await server.put(calendar, "a.ics", foreignEvent("a", 9))
  const { startAt } = atHour(9)
  const half = new Date(Date.parse(startAt) + 1_800_000).toISOString()
  const end = atHour(11).endAt
  const text = foreignEvent("b", 9)
    .replace(/DTSTART:.*/, `DTSTART:${half.replace(/[-:]|\.\d{3}/g, "")}`)
    .replace(/DTEND:.*/, `DTEND:${end.replace(/[-:]|\.\d{3}/g, "")}`)
  await server.put(calendar, "b.ics", text)
  const { body: lesson } = await club.lesson(10)
  const { id } = await club.connect(club.coach, server, calendar, { syncDirection: "pull" })
  await syncAll(db)
  const stretches = await db<{ start: Date; end: Date }[]>`
    select lower(during) as start, upper(during) as end from slotbase.coach_occupancies where sync_id = ${id} order by during`
  expect(stretches.map((each) => [each.start.toISOString(), each.end.toISOString()])).toEqual([
    [atHour(9).startAt, atHour(9).endAt],
    [atHour(11).startAt, atHour(11).endAt],
  ])
  await club.cancel(lesson.bookingId)
  await club.done("POST", `/calendar-syncs/${id}/sync`, club.coach, {})
  await syncAll(db)
  expect((await club.lesson(10)).status).toBe(409)
  expect(await club.read(id)).toMatchObject({ conflicts: 0, busyBlocks: 2 })
})
