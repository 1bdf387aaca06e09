// A process is killed at each step of keeping a calendar in step. The next one goes on: no entry is double, none is
// missing, and nobody is busy twice.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { join } from "node:path"
import type { Config } from "#base/config.ts"
import { type CrashPoint, calendarPoints } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { bookingProperty } from "#outbound/calendars/outlook/event-text.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import {
  askHandler,
  type CalendarClub,
  calendarApi,
  calendarClub,
  foreignEvent,
  stamp,
  syncAll,
} from "#test/harness/club/calendars.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type CalDavServer, calDavServer } from "#test/harness/outside/caldav-server.ts"
import { fakeGraph } from "#test/harness/outside/fake-graph.ts"

let api: TestApi
let db: Db
let club: CalendarClub
let server: CalDavServer
let calendar: string

beforeAll(async () => {
  const [nowhere, client] = ["https://nowhere.test", { clientId: "client", clientSecret: "secret" }]
  api = await calendarApi({ outlook: { ...client, consentUrl: nowhere, tokenUrl: nowhere, apiBase: nowhere } })
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

const program = join(import.meta.dir, "../../../harness/pipeline/run-calendars.ts")

async function killedAt(point: CrashPoint, nth = 1, config: Partial<Config> = {}): Promise<void> {
  await db`update slotbase.calendar_syncs set next_sync_at = slotbase.now()`
  const given = [api.database.url, point, String(nth), JSON.stringify(config)]
  const died = Bun.spawn([process.execPath, program, ...given], { stdout: "ignore" })
  expect([point, await died.exited]).toEqual([point, 137])
  // Its life sign runs out.
  await db`update slotbase.processes set alive_until = clock_timestamp()`
}

/** Lessons that stay, move, go and come, all of which wait to be pushed. */
async function waitingLessons(config: Partial<Config> = {}) {
  const [stays, moves, goes] = [await club.lesson(9), await club.lesson(10), await club.lesson(12)].map(
    ({ body }) => body.bookingId as string,
  ) as [string, string, string]
  // An entry that is removed was there before.
  await syncAll(db, config)
  await club.move(moves, 11)
  await club.cancel(goes)
  const { body } = await club.lesson(13)
  await askHandler(db)
  await db`update slotbase.calendar_syncs set checked_at = null`
  return { stays, moves, comes: body.bookingId as string }
}

async function expectInStep(id: string): Promise<void> {
  expect(await club.read(id)).toMatchObject({
    syncStatus: "active",
    waiting: 0,
    entries: 3,
    busyBlocks: 1,
    conflicts: 0,
  })
  const taken = await db<{ sync_id: string | null }[]>`
    select sync_id from slotbase.coach_occupancies where coach_id = ${club.coach.id}`
  expect(taken.map(({ sync_id }) => sync_id === id).sort()).toEqual([false, false, false, true])
}

const uids = async () =>
  [...(await server.texts(calendar)).values()].map((text) => /UID:(.*)\r?\n/.exec(text)?.[1]?.trim()).sort()

/** In the order of a sync, so that each process has the work of its point before it. */
const steps: readonly (readonly [CrashPoint, nth: number])[] = [
  ["calendar-claimed", 1],
  ["calendar-entry-written", 1],
  ["calendar-entry-written", 2],
  ["calendar-entry-settled", 1],
  ["calendar-entry-removed", 1],
  ["calendar-page-kept", 1],
  ["calendar-pulled", 1],
  ["calendar-in-step", 1],
]

test("each process goes on where the one before it was killed, and the last one brings all in step", async () => {
  expect(new Set(steps.map(([point]) => point))).toEqual(new Set(calendarPoints))
  await server.put(calendar, "dentist.ics", foreignEvent("dentist", 15))
  const { id } = await club.connect(club.coach, server, calendar, { syncDirection: "both" })
  const { stays, moves, comes } = await waitingLessons()
  for (const [point, nth] of steps) {
    await killedAt(point, nth)
    const there = await uids()
    expect([point, there.length]).toEqual([point, new Set(there).size])
  }
  await syncAll(db)
  expect(await uids()).toEqual([stays, moves, comes, "dentist"].sort())
  const text = (await server.texts(calendar)).get(new URL(`${moves}.ics`, calendar).href)
  expect(text).toContain(`DTSTART:${stamp(atHour(11).startAt)}`)
  await expectInStep(id)
}, 120_000)

test("also at Outlook, where the server gives an entry its id", async () => {
  const graph = fakeGraph()
  const config = { outlook: graph.config }
  const { startAt, endAt } = atHour(15)
  const time = (at: string) => ({ dateTime: at.slice(0, 19), timeZone: "UTC" })
  graph.set({ id: "dentist", start: time(startAt), end: time(endAt) })
  const credentials = { refreshToken: graph.refreshToken() }
  const { id } = await club.done("POST", "/calendar-syncs", club.coach, {
    ...{ provider: "outlook", credentials, calendarId: "primary", syncDirection: "both" },
  })
  const { stays, moves, comes } = await waitingLessons(config)
  await killedAt("calendar-entry-written", 2, config)
  await killedAt("calendar-page-kept", 1, config)
  await syncAll(db, config)
  expect(
    graph
      .events()
      .map((each) => each.singleValueExtendedProperties?.find((own) => own.id === bookingProperty)?.value ?? each.id)
      .sort(),
  ).toEqual([stays, moves, comes, "dentist"].sort())
  await expectInStep(id)
  await graph.stop()
}, 60_000)

test("two processes at once never have one calendar at the same time", async () => {
  await club.connect(club.player, server, calendar)
  const bookings: string[] = []
  for (let hour = 1; hour <= 5; hour++) bookings.push((await club.book(hour)).id)
  await askHandler(db)
  await Promise.all([syncAll(db), syncAll(db), syncAll(db)])
  expect(await uids()).toEqual(bookings.sort())
})
