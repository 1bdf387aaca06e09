// Calendars that somebody else writes into too: another coach of the club, or a person who keeps an invitation. What
// was not pushed from here is not removed from here.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import {
  type CalendarClub,
  calendarApi,
  calendarClub,
  eventText,
  foreignEvent,
  keepInStep,
  stamp,
  syncAll,
} from "#test/harness/club/calendars.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type CalDavServer, calDavServer } from "#test/harness/outside/caldav-server.ts"
import { moveOn } from "#test/harness/pipeline/late.ts"

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
  club = await calendarClub(api)
})

afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop(true))))

/** A day passes: all of each calendar is read and compared. */
const nextDay = async () => {
  await db`update slotbase.calendar_syncs set next_sync_at = slotbase.now(), checked_at = null`
  await syncAll(db)
}

test("two people on one calendar leave each other's entries alone", async () => {
  const calendar = await radicale.calendar()
  const both = { syncDirection: "both" }
  const { id: ofCoach } = await club.connect(club.coach, radicale, calendar, both)
  const { id: ofFriend } = await club.connect(club.friend, radicale, calendar)
  const lesson = (await club.lesson(9)).body as { bookingId: string }
  const game = await club.book(12, { bookerId: club.friend.id })
  await keepInStep(db)
  const before = await radicale.texts(calendar)
  expect(before.size).toBe(2)
  for (let days = 0; days < 3; days++) {
    await nextDay()
    expect(await radicale.texts(calendar)).toEqual(before)
  }
  expect(await club.read(ofCoach)).toMatchObject({ entries: 1, waiting: 0, busyBlocks: 0, drift: { entries: 0 } })
  expect(await club.read(ofFriend)).toMatchObject({ entries: 1, waiting: 0, drift: { entries: 0 } })
  await club.cancel(game.id)
  await keepInStep(db)
  expect([...(await radicale.texts(calendar)).values()].join()).toContain(lesson.bookingId)
  expect((await radicale.texts(calendar)).size).toBe(1)
})

test("an invitation to somebody else's booking stays in the calendar where its owner put it", async () => {
  const calendar = await radicale.calendar()
  const { id } = await club.book(9)
  const { startAt, endAt } = atHour(9)
  const invitation = eventText(id, [`DTSTART:${stamp(startAt)}`, `DTEND:${stamp(endAt)}`])
  await radicale.put(calendar, `${id}.ics`, invitation)
  const { id: syncId } = await club.connect(club.coach, radicale, calendar, { syncDirection: "both" })
  await keepInStep(db)
  await nextDay()
  expect((await radicale.texts(calendar)).size).toBe(1)
  expect(await club.read(syncId)).toMatchObject({ entries: 0, waiting: 0, busyBlocks: 0, drift: { entries: 0 } })
})

test("an entry that takes on the id of another booking stops no other", async () => {
  const calendar = await radicale.calendar()
  const { id } = await club.connect(club.coach, radicale, calendar, { syncDirection: "both" })
  const one = (await club.lesson(9)).body as { bookingId: string }
  await keepInStep(db)
  const two = (await club.lesson(10)).body as { bookingId: string }
  const [[address, text] = ["", ""]] = await radicale.texts(calendar)
  await radicale.remove(address)
  await radicale.put(calendar, new URL(address).pathname, text.replaceAll(one.bookingId, two.bookingId))
  await db`update slotbase.calendar_syncs set next_sync_at = slotbase.now()`
  await syncAll(db)
  await keepInStep(db)
  await nextDay()
  const uids = [...(await radicale.texts(calendar)).values()].map((each) => /UID:(.*)/.exec(each)?.[1]?.trim())
  expect(uids).toContain(two.bookingId)
  // Radicale lets nobody change the id of an event.
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", entries: 1, waiting: 1, refused: 1 })
})

test("an event of the far future makes busy when its time comes near", async () => {
  const calendar = await radicale.calendar()
  const soon = new Date(Date.parse(atHour(9).startAt) + 380 * 24 * 3_600_000)
  const end = new Date(soon.getTime() + 3_600_000)
  await radicale.put(
    calendar,
    "far.ics",
    eventText("far", [`DTSTART:${stamp(soon.toISOString())}`, `DTEND:${stamp(end.toISOString())}`]),
  )
  const { id } = await club.connect(club.coach, radicale, calendar, { syncDirection: "pull" })
  await keepInStep(db)
  expect(await club.read(id)).toMatchObject({ busyBlocks: 0 })
  const [event] = await db`select recurs from slotbase.calendar_events`
  expect(event).toEqual({ recurs: true })
})

/** The address of the calendar behind a server at which something happens once, when it is asked for something. */
function meanwhile(
  calendar: string,
  isMoment: (method: string, body: string) => boolean,
  happens: () => Promise<unknown>,
  instead: (method: string) => Response | undefined = () => undefined,
) {
  let moments = 0
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { method, headers } = request
      const body = await request.text()
      const address = new URL(new URL(request.url).pathname, calendar)
      const other = instead(method)
      if (other) return other
      const answer = await fetch(address, { method, headers, ...(body !== "" && { body }) })
      if (isMoment(method, body) && moments++ === 0) await happens()
      return new Response(answer.status === 204 ? null : await answer.bytes(), answer)
    },
  })
  servers.push(server)
  return `http://127.0.0.1:${server.port}${new URL(calendar).pathname}`
}

test("who is busy for a hundred thousand years fails nobody else", async () => {
  const calendar = await radicale.calendar()
  await radicale.put(calendar, "ever.ics", eventText("ever", ["DTSTART:20270101T090000Z", "DURATION:P9999999W"]))
  await radicale.put(calendar, "dentist.ics", foreignEvent("dentist", 9))
  const { id } = await club.connect(club.coach, radicale, calendar, { syncDirection: "pull" })
  await syncAll(db)
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", busyBlocks: 2 })
  expect((await club.lesson(9)).body.code).toBe("coach_taken")
})

test("an entry that says an old name, or belongs to somebody else by now, is brought up to date within a day", async () => {
  const calendar = await radicale.calendar()
  const { id } = await club.connect(club.coach, radicale, calendar)
  await club.lesson(9)
  const other = (await club.lesson(10)).body as { id: string }
  await keepInStep(db)
  expect((await radicale.texts(calendar)).size).toBe(2)
  await db`update slotbase.resources set name = 'Centre Court' where id = ${club.court}`
  await db`update slotbase.coach_sessions set coach_id = ${club.friend.id} where id = ${other.id}`
  await db`update slotbase.bookings set booker_id = ${club.friend.id} where id = (select booking_id from slotbase.coach_sessions where id = ${other.id})`
  await nextDay()
  const texts = [...(await radicale.texts(calendar)).values()]
  expect(texts.length).toBe(1)
  expect(texts[0]).toContain("SUMMARY:Centre Court")
  expect(await club.read(id)).toMatchObject({ entries: 1, waiting: 0, drift: { entries: 2 } })
})

test("a calendar that is no longer pulled frees the time that was just being read", async () => {
  const calendar = await radicale.calendar()
  await radicale.put(calendar, "dentist.ics", foreignEvent("dentist", 9))
  let id = ""
  const changed = () => club.done("PATCH", `/calendar-syncs/${id}`, club.coach, { syncDirection: "push" })
  const address = meanwhile(calendar, (_, body) => body.includes("calendar-multiget"), changed)
  id = (await club.connect(club.coach, radicale, address, { syncDirection: "both" })).id
  await syncAll(db)
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", syncDirection: "push", busyBlocks: 0 })
  expect((await club.lesson(9)).status).toBe(201)
})

test("a calendar that may be read and not written says so, and one refused entry does not", async () => {
  const calendar = await radicale.calendar()
  let refusal = ""
  const address = meanwhile(
    calendar,
    () => false,
    async () => {},
    (method) => (method === "PUT" ? new Response(refusal, { status: 403 }) : undefined),
  )
  const { id } = await club.connect(club.player, radicale, address)
  await club.book(9)
  refusal = '<error xmlns="DAV:"><supported-calendar-data xmlns="urn:ietf:params:xml:ns:caldav"/></error>'
  await keepInStep(db)
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", waiting: 1, refused: 1 })
  refusal = '<error xmlns="DAV:"><need-privileges/></error>'
  await moveOn(db, "10 minutes")
  await syncAll(db)
  expect(await club.read(id)).toMatchObject({
    syncStatus: "error",
    statusCode: "credentials_refused",
    statusReason: "The server does not allow to write into the calendar (403).",
  })
})

test("a template that is changed while an entry is written is the one that counts", async () => {
  const calendar = await radicale.calendar()
  let id = ""
  const changed = () => club.done("PATCH", `/calendar-syncs/${id}`, club.player, { titleTemplate: "New" })
  const address = meanwhile(calendar, (method) => method === "PUT", changed)
  id = (await club.connect(club.player, radicale, address, { titleTemplate: "Old" })).id
  await club.book(9)
  await keepInStep(db)
  const [text] = (await radicale.texts(calendar)).values()
  expect(text).toContain("SUMMARY:New")
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", entries: 1, waiting: 0 })
})
