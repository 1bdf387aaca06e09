// Calendars whose servers refuse, throttle, hang or talk nonsense. A failure is shown with its reason and told to a
// person once. No server delays the calendars of another.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import {
  askHandler,
  type CalendarClub,
  calendarApi,
  calendarClub,
  foreignEvent,
  keepInStep,
  syncAll,
} from "#test/harness/club/calendars.ts"
import type { CalDavServer } from "#test/harness/outside/caldav-server.ts"
import { calDavServer } from "#test/harness/outside/caldav-server.ts"
import { moveOn } from "#test/harness/pipeline/late.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let api: TestApi
let db: Db
let club: CalendarClub
let radicale: CalDavServer
const servers: Bun.Server<undefined>[] = []

beforeAll(async () => {
  api = await calendarApi()
  db = api.database.db
  radicale = await calDavServer("radicale")
}, 120_000)
afterAll(async () => {
  await radicale.close()
  await api.database.drop()
})
beforeEach(async () => {
  await db`delete from slotbase.calendar_syncs`
  await db`delete from slotbase.calendar_hosts`
  club = await calendarClub(api)
})
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop(true))))

/** A server that answers everything in the same way. Answers its address, and what it was asked. */
function answering(answer: () => Response | Promise<Response>) {
  const asked: string[] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      asked.push(request.method)
      return answer()
    },
  })
  servers.push(server)
  return { asked, calendar: `http://127.0.0.1:${server.port}/calendar/` }
}

const connected = async (calendar: string, more: object = {}) => {
  const { id } = await club.connect(club.coach, { ...radicale }, calendar, more)
  return id
}
const told = async () =>
  (
    await db<{ data: { code: string; userId: string } }[]>`
    select data from slotbase.events where type = 'calendar.sync.failing' and facility_id = ${club.id}`
  ).map(({ data }) => data)

test("a password that ended is told to its owner within a day, once, and a new one mends it", async () => {
  const calendar = await radicale.calendar()
  const { id } = await club.connect(club.coach, { ...radicale, password: "old" }, calendar, { syncDirection: "both" })
  await syncAll(db)
  expect(await club.read(id)).toMatchObject({ syncStatus: "error", statusCode: "credentials_refused" })
  expect(await told()).toEqual([])
  for (let hours = 0; hours < 6; hours++) {
    await moveOn(db, "20 minutes")
    await syncAll(db)
  }
  expect(await told()).toMatchObject([{ code: "credentials_refused", userId: club.coach.id }])
  const credentials = { username: radicale.username, password: radicale.password }
  await club.done("PATCH", `/calendar-syncs/${id}`, club.coach, { credentials })
  await syncAll(db)
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", statusCode: null, statusReason: null })
})

test("the calendar of somebody who has left, or is no coach any more, is not asked", async () => {
  const server = answering(() => new Response("", { status: 502 }))
  const id = await connected(server.calendar, { syncDirection: "both" })
  await db`delete from slotbase.role_grants where user_id = ${club.coach.id} and role = 'coach'`
  await db`
    insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by)
    values (${club.coach.id}, 'player', 'facility', ${club.id}, ${club.admin.id})`
  await syncAll(db)
  expect(await club.read(id)).toMatchObject({ syncStatus: "error", statusCode: "refused" })
  expect((await club.read(id)).statusReason).toMatch(/no coach any more/)
  await db`delete from slotbase.role_grants where user_id = ${club.coach.id}`
  await moveOn(db, "1 hour")
  await syncAll(db)
  expect((await club.read(id)).statusReason).toBe("Its owner is no member of the club any more.")
  expect(server.asked).toEqual([])
})

test("a calendar that is busy too often is refused, and takes no time", async () => {
  const calendar = await radicale.calendar()
  await radicale.put(calendar, "dentist.ics", foreignEvent("dentist", 9))
  const id = await connected(calendar, { syncDirection: "pull" })
  await db`
    insert into slotbase.calendar_events (sync_id, facility_id, remote_id, recurs, round)
    values (${id}, ${club.id}, 'daily', true, 0)`
  await db`
    insert into slotbase.busy_blocks (sync_id, facility_id, remote_id, start_at, end_at)
    select ${id}, ${club.id}, 'daily', '2001-01-01'::timestamptz + n * interval '1 minute', '2002-01-01' from generate_series(1, 50000) n`
  await syncAll(db)
  expect(await club.read(id)).toMatchObject({
    statusCode: "refused",
    statusReason: "The calendar is busy more than 50000 times in a year.",
  })
  expect((await club.lesson(9)).status).toBe(201)
})

test("a calendar that is not there any more says so", async () => {
  const calendar = await radicale.calendar()
  const id = await connected(calendar, { syncDirection: "both" })
  await radicale.remove(calendar)
  await syncAll(db)
  expect(await club.read(id)).toMatchObject({ syncStatus: "error", statusCode: "calendar_gone" })
})

test.each<[string, () => Response, string]>([
  [
    "a page in place of an answer",
    () => new Response("<html>Sign in</html>", { headers: { "content-type": "text/html" } }),
    "not_understood",
  ],
  ["an error of the server", () => new Response("no", { status: 502 }), "unreachable"],
  ["a redirect", () => Response.redirect("http://127.0.0.1:1/", 302), "refused"],
  [
    "XML that is none of CalDAV",
    () => new Response("<a/>", { status: 207, headers: { "content-type": "text/xml" } }),
    "not_understood",
  ],
  [
    "half of an XML",
    () => new Response("<d:multistatus", { status: 207, headers: { "content-type": "text/xml" } }),
    "not_understood",
  ],
])("%s is a failure with a reason, and nothing hangs", async (_, answer, code) => {
  const id = await connected(answering(answer).calendar, { syncDirection: "both" })
  await syncAll(db)
  const shown = await club.read(id)
  expect([shown.syncStatus, shown.statusCode]).toEqual(["error", code as never])
  expect(shown.statusReason).not.toBe("")
})

test("a server that asks for a pause gets it, from every process and for all of its calendars", async () => {
  const throttling = answering(() => new Response("slow down", { status: 429, headers: { "retry-after": "600" } }))
  const id = await connected(throttling.calendar, { syncDirection: "both" })
  await club.connect(club.player, radicale, `${throttling.calendar}other/`)
  await club.book(9)
  await askHandler(db)
  await db`update slotbase.calendar_syncs set next_sync_at = slotbase.now() + interval '1 hour' where user_id = ${club.player.id}`
  await syncAll(db)
  expect(throttling.asked).toHaveLength(1)
  await db`update slotbase.calendar_syncs set next_sync_at = slotbase.now()`
  await Promise.all([syncAll(db), syncAll(db)])
  expect(throttling.asked).toHaveLength(1)
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", statusCode: null })
  await moveOn(db, "11 minutes")
  await syncAll(db)
  expect(throttling.asked.length).toBeGreaterThan(1)
})

test.each(["0", "-5", "Wed, 01 Jan 2020 00:00:00 GMT"])(
  "a server that throttles and says %j is not asked at once again",
  async (asks) => {
    const server = answering(() => new Response("", { status: 503, headers: { "retry-after": asks } }))
    await connected(server.calendar, { syncDirection: "both" })
    await syncAll(db)
    expect(server.asked).toHaveLength(1)
    await moveOn(db, "6 seconds")
    await syncAll(db)
    expect(server.asked).toHaveLength(2)
  },
)

test("a server that hangs delays no calendar of another server", async () => {
  const held = Promise.withResolvers<Response>()
  const hanging = answering(() => held.promise)
  for (let nth = 0; nth < 5; nth++) await connected(`${hanging.calendar}${nth}/`, { syncDirection: "both" })
  const calendar = await radicale.calendar()
  await club.connect(club.player, radicale, calendar)
  await club.book(9)
  await askHandler(db)
  const all = syncAll(db)
  await eventually(async () => expect((await radicale.texts(calendar)).size).toBe(1))
  expect(hanging.asked.length).toBeLessThanOrEqual(4)
  held.resolve(new Response("", { status: 502 }))
  await all
})

test("an entry whose words cannot be made is tried again later, and the others are pushed", async () => {
  const calendar = await radicale.calendar()
  const { id } = await club.connect(club.player, radicale, calendar)
  const [one, two] = [await club.book(9), await club.book(10)]
  await db`update slotbase.bookings set title = repeat('x', 10) where id = ${one.id}`
  await club.done("PATCH", `/calendar-syncs/${id}`, club.player, {
    titleTemplate: "{% if title == 'xxxxxxxxxx' %}{{ missing }}{% else %}Court{% endif %}",
  })
  await keepInStep(db)
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", waiting: 1, refused: 1, entries: 1 })
  const [work] = await db`select reason from slotbase.calendar_work where booking_id = ${one.id}`
  expect(work?.reason).toMatch(/title: .*undefined variable: missing/)
  expect([...(await radicale.texts(calendar)).keys()]).toEqual([new URL(`${two.id}.ics`, calendar).href])
})

test("a calendar that is only pulled from now on waits for no entry", async () => {
  const calendar = await radicale.calendar()
  const { id } = await club.connect(club.coach, radicale, calendar, { syncDirection: "both" })
  const lesson = (await club.lesson(9)).body as { bookingId: string }
  await askHandler(db)
  await db`update slotbase.calendar_work set failures = 1, reason = 'refused', due_at = slotbase.now() + interval '1 minute'`
  await syncAll(db)
  await club.done("PATCH", `/calendar-syncs/${id}`, club.coach, { syncDirection: "pull" })
  await moveOn(db, "10 minutes")
  await syncAll(db)
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", waiting: 0, refused: 0 })
  await club.done("PATCH", `/calendar-syncs/${id}`, club.coach, { syncDirection: "both" })
  await syncAll(db)
  expect([...(await radicale.texts(calendar)).keys()]).toEqual([new URL(`${lesson.bookingId}.ics`, calendar).href])
})

test("a paused calendar is left alone, and catches up when it is active again", async () => {
  const calendar = await radicale.calendar()
  const { id } = await club.connect(club.player, radicale, calendar)
  await club.done("PATCH", `/calendar-syncs/${id}`, club.staff, { syncStatus: "paused" })
  await club.book(9)
  await keepInStep(db)
  expect((await radicale.texts(calendar)).size).toBe(0)
  expect(await club.read(id)).toMatchObject({ syncStatus: "paused", nextSyncAt: null, waiting: 1 })
  await club.done("PATCH", `/calendar-syncs/${id}`, club.player, { syncStatus: "active" })
  await syncAll(db)
  expect((await radicale.texts(calendar)).size).toBe(1)
})

test("a server that throttles for half a day is told to the owners of its calendars, once, until they are in step", async () => {
  let isOver = false
  const throttling = answering(() =>
    isOver ? new Response("", { status: 502 }) : new Response("", { status: 429, headers: { "retry-after": "3600" } }),
  )
  await connected(throttling.calendar, { syncDirection: "both" })
  // Nobody comes to this one: the host is held.
  await club.connect(club.player, radicale, `${throttling.calendar}other/`)
  await db`update slotbase.calendar_syncs set next_sync_at = slotbase.now() + interval '5 minutes' where user_id = ${club.player.id}`
  await syncAll(db)
  const hours = async (count: number) => {
    for (let hour = 0; hour < count; hour++) {
      await moveOn(db, "1 hour")
      await syncAll(db)
    }
  }
  await hours(11)
  expect(await told()).toEqual([])
  await hours(3)
  expect((await told()).map(({ code, userId }) => [code, userId]).sort()).toEqual(
    [
      ["throttled", club.coach.id],
      ["throttled", club.player.id],
    ].sort(),
  )
  await hours(3)
  expect(await told()).toHaveLength(2)
  isOver = true
  await hours(1)
  expect(await told()).toHaveLength(2)
})
