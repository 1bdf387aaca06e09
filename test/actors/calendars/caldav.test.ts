// A coach's calendar at real CalDAV servers: bookings appear, move and disappear there, and what is busy there makes
// the coach busy.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import {
  type CalendarClub,
  calendarApi,
  calendarClub,
  foreignEvent,
  keepInStep,
  stamp,
  syncAll,
} from "#test/harness/club/calendars.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type CalDavProgram, type CalDavServer, calDavServer } from "#test/harness/outside/caldav-server.ts"

const programs: readonly CalDavProgram[] = ["radicale", "xandikos"]
let api: TestApi
let db: Db
let club: CalendarClub

beforeAll(async () => {
  api = await calendarApi()
  db = api.database.db
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  await db`delete from slotbase.calendar_syncs`
  await db`delete from slotbase.calendar_hosts`
  club = await calendarClub(api)
})

/** An hour passes, so that every calendar is asked again. */
const later = async () => {
  await db`update slotbase.calendar_syncs set next_sync_at = slotbase.now()`
  await syncAll(db)
}

describe.each(programs)("at %s", (program) => {
  let server: CalDavServer
  let calendar: string
  beforeAll(async () => {
    server = await calDavServer(program)
  }, 120_000)
  afterAll(() => server.close())
  beforeEach(async () => {
    calendar = await server.calendar()
  })

  test("a booking appears in the calendar, moves and disappears with the booking", async () => {
    const { id: syncId } = await club.connect(club.player, server, calendar)
    const { id } = await club.book(9)
    await keepInStep(db)
    const [[address, text] = ["", ""]] = await server.texts(calendar)
    expect(address).toBe(new URL(`${id}.ics`, calendar).href)
    expect(text).toContain(`UID:${id}`)
    expect(text).toContain(`DTSTART:${stamp(atHour(9).startAt)}`)
    expect(text).toContain(`DTEND:${stamp(atHour(9).endAt)}`)
    await club.move(id, 11)
    await keepInStep(db)
    const moved = await server.texts(calendar)
    expect([...moved.keys()]).toEqual([address])
    expect(moved.get(address)).toContain(`DTSTART:${stamp(atHour(11).startAt)}`)
    await club.cancel(id)
    await keepInStep(db)
    expect((await server.texts(calendar)).size).toBe(0)
    expect(await club.read(syncId)).toMatchObject({ syncStatus: "active", entries: 0, waiting: 0 })
  })

  test("the address of a server with one calendar leads to it; with several they are named", async () => {
    const own = await calDavServer(program)
    const only = await own.calendar("lessons")
    const { id } = await club.connect(club.player, own, new URL("/", only).href)
    await club.book(9)
    await keepInStep(db)
    expect(await club.read(id)).toMatchObject({ syncStatus: "active", calendarId: only, entries: 1 })
    const other = await own.calendar("other")
    const { id: second } = await club.connect(club.coach, own, new URL("/", only).href)
    await syncAll(db)
    const { syncStatus, statusCode, statusReason } = await club.read(second)
    expect([syncStatus, statusCode]).toEqual(["error", "calendar_gone"])
    for (const each of [only, other]) expect(statusReason).toContain(each)
    await own.close()
  })

  test("bookings that were there before are pushed when a calendar is connected", async () => {
    const { id } = await club.book(9)
    await club.connect(club.player, server, calendar)
    await syncAll(db)
    expect([...(await server.texts(calendar)).keys()]).toEqual([new URL(`${id}.ics`, calendar).href])
  })

  test("an hour blocked in the calendar makes the coach busy, and is free again when it leaves", async () => {
    await server.put(calendar, "dentist.ics", foreignEvent("dentist", 9))
    const { id } = await club.connect(club.coach, server, calendar, { syncDirection: "both" })
    await keepInStep(db)
    expect(await club.read(id)).toMatchObject({ busyBlocks: 1, conflicts: 0, unreadable: [] })
    const refused = await club.lesson(9)
    expect([refused.status, refused.body.code, refused.body.conflicts]).toEqual([409, "coach_taken", []])
    expect((await club.lesson(10)).status).toBe(201)
    await server.put(calendar, "dentist.ics", foreignEvent("dentist", 12))
    await keepInStep(db)
    await later()
    expect((await club.lesson(9)).status).toBe(201)
    expect((await club.lesson(12)).status).toBe(409)
    await server.remove(new URL("dentist.ics", calendar).href)
    await later()
    expect((await club.lesson(12)).status).toBe(201)
    expect(await club.read(id)).toMatchObject({ busyBlocks: 0, entries: 1 })
  })

  test("own entries are not pulled back", async () => {
    const { id } = await club.connect(club.coach, server, calendar, { syncDirection: "both" })
    expect((await club.lesson(9)).status).toBe(201)
    await keepInStep(db)
    await later()
    expect(await club.read(id)).toMatchObject({ entries: 1, busyBlocks: 0, conflicts: 0, drift: { entries: 0 } })
    expect((await db`select from slotbase.coach_occupancies where coach_id = ${club.coach.id}`).count).toBe(1)
  })

  test("a busy time where a booking stands is reported once, and neither of the two is changed", async () => {
    const { id } = await club.connect(club.coach, server, calendar, { syncDirection: "both" })
    expect((await club.lesson(9)).status).toBe(201)
    await server.put(calendar, "dentist.ics", foreignEvent("dentist", 9))
    await keepInStep(db)
    await later()
    expect(await club.read(id)).toMatchObject({ conflicts: 1, busyBlocks: 1 })
    const events =
      await db`select data from slotbase.events where type = 'calendar.conflict.found' and facility_id = ${club.id}`
    expect(events.map(({ data }) => [data.userId, data.count, data.conflicts[0].startAt])).toEqual([
      [club.coach.id, 1, atHour(9).startAt],
    ])
    expect((await server.texts(calendar)).get(new URL("dentist.ics", calendar).href)).toContain("SUMMARY:Dentist")
  })

  test("an entry that was changed, removed or doubled while nobody looked is drift, shown and repaired", async () => {
    const { id } = await club.connect(club.player, server, calendar)
    const [one, two] = [await club.book(9), await club.book(11)]
    await keepInStep(db)
    const address = new URL(`${one.id}.ics`, calendar).href
    const text = (await server.texts(calendar)).get(address) ?? ""
    await server.put(calendar, `${one.id}.ics`, text.replace(/SUMMARY:.*/, "SUMMARY:Something else"))
    await server.remove(new URL(`${two.id}.ics`, calendar).href)
    await db`update slotbase.calendar_syncs set checked_at = slotbase.now() - interval '25 hours'`
    await later()
    expect(await club.read(id)).toMatchObject({ drift: { entries: 2 }, waiting: 0, entries: 2 })
    const repaired = await server.texts(calendar)
    expect(repaired.size).toBe(2)
    expect(repaired.get(address)).not.toContain("Something else")
    await db`update slotbase.calendar_syncs set checked_at = slotbase.now() - interval '25 hours'`
    await later()
    expect(await club.read(id)).toMatchObject({ drift: { entries: 0 } })
  })

  test("what its owner added to an entry is no drift, and stays when the booking moves", async () => {
    const { id: syncId } = await club.connect(club.player, server, calendar)
    const { id } = await club.book(9)
    await keepInStep(db)
    const [[address = "", text = ""] = []] = await server.texts(calendar)
    const alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Go\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\n"
    await server.put(calendar, `${id}.ics`, text.replace("END:VEVENT", `${alarm}END:VEVENT`))
    await db`update slotbase.calendar_syncs set checked_at = slotbase.now() - interval '25 hours'`
    await later()
    expect(await club.read(syncId)).toMatchObject({ drift: { entries: 0 } })
    await club.move(id, 11)
    await keepInStep(db)
    const moved = (await server.texts(calendar)).get(address)
    expect(moved).toContain("TRIGGER:-PT15M")
    expect(moved).toContain(`DTSTART:${stamp(atHour(11).startAt)}`)
  })

  test("whoever connects a calendar again adopts its entries, also under other names", async () => {
    const { id: first } = await club.connect(club.player, server, calendar)
    const [one, two] = [await club.book(9), await club.book(11)]
    await keepInStep(db)
    await club.done("DELETE", `/calendar-syncs/${first}`, club.player)
    // Another program has stored one of them under a name of its own.
    const text = (await server.texts(calendar)).get(new URL(`${two.id}.ics`, calendar).href) ?? ""
    await server.remove(new URL(`${two.id}.ics`, calendar).href)
    await server.put(calendar, "other-name.ics", text)
    await club.connect(club.player, server, calendar)
    await syncAll(db)
    const addresses = [...(await server.texts(calendar)).keys()]
    expect(addresses).toEqual([`${one.id}.ics`, "other-name.ics"].map((name) => new URL(name, calendar).href).sort())
    await club.cancel(one.id)
    await club.cancel(two.id)
    await keepInStep(db)
    expect((await server.texts(calendar)).size).toBe(0)
  })

  test("while the server is away it fails aloud; when it is back it catches up, and drift is shown and repaired", async () => {
    const { id: syncId } = await club.connect(club.player, server, calendar)
    const { id: earlier } = await club.book(8)
    await keepInStep(db)
    await server.stop()
    const { id } = await club.book(9)
    await keepInStep(db)
    expect(await club.read(syncId)).toMatchObject({ syncStatus: "error", statusCode: "unreachable", waiting: 1 })
    await server.start()
    // Such as by a backup that was put back.
    await server.remove(new URL(`${earlier}.ics`, calendar).href)
    await later()
    expect(await club.read(syncId)).toMatchObject({ syncStatus: "active", statusCode: null, waiting: 0, entries: 2 })
    expect((await club.read(syncId)).drift?.entries).toBe(1)
    const both = [earlier, id].map((each) => new URL(`${each}.ics`, calendar).href)
    expect([...(await server.texts(calendar)).keys()]).toEqual(both)
  })
})
