// A calendar of 10,000 events at a real CalDAV server. It is pulled in full, then by its changes, then in full again
// with all of it known. Every tenth event is a weekly series. Beside it, bookings are pushed one after the other.

import { join } from "node:path"
import { authenticate, requireMember } from "#access/caller.ts"
import { connect } from "#base/database/db.ts"
import { migrate } from "#base/database/migrate.ts"
import { davOf } from "#outbound/calendars/caldav/dav.ts"
import { connectCalendar } from "#outbound/calendars/configs.ts"
import { round } from "#scripts/statistics.ts"
import { allow, eventText, stamp, syncAll } from "#test/harness/club/calendars.ts"
import { aClub, run } from "#test/harness/club/club.ts"
import { aRole } from "#test/harness/club/factories.ts"
import { calDavServer } from "#test/harness/outside/caldav-server.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { outlookFigures } from "./calendars-outlook.ts"
import type { Figure } from "./figure.ts"
import { startBench } from "./measure.ts"
import type { Part } from "./part.ts"

const hourMs = 60 * 60_000

export const calendars: Part = {
  name: "calendars",
  description:
    "a calendar of 10,000 events of Outlook and at Radicale: in full, by changes, and in full with all of it known",
  run: async ({ short, progress }) => {
    const [events, bookings] = short ? [1_000, 20] : [10_000, 100]
    const atOutlook = await outlookFigures({ events, bookings, progress })
    const bench = await startBench()
    const ends: (() => Promise<unknown>)[] = [bench.stop]
    try {
      await migrate(bench.url)
      const db = connect(bench.url, { max: 6, applicationName: "slotbase bench" })
      ends.push(() => db.end())
      const server = await calDavServer("radicale")
      ends.push(() => server.close())
      const calendar = await server.calendar()
      await fill(server.folderOf(calendar), events)
      // Radicale reads files that it did not write once, and makes a history of them. That is no work of a sync.
      const dav = davOf(server, { allow, now: () => Date.now(), timeoutMs: 600_000 })
      await dav.places(calendar)
      await dav.changedSince(calendar, null)
      const club = await aClub(db)
      await aRole(db, club.player.id, "coach", club.id)
      const caller = await authenticate(db, club.player.token)
      const { id } = await run(db, (tx) =>
        connectCalendar(tx, testApp(db).secrets, requireMember(caller, club.id), {
          provider: "apple",
          credentials: { username: server.username, password: server.password },
          calendarId: calendar,
          syncDirection: "both",
        }),
      )
      const timed = async (what: string): Promise<Figure> => {
        await db`update slotbase.calendar_syncs set next_sync_at = slotbase.now()`
        const began = performance.now()
        await syncAll(db)
        const seconds = round((performance.now() - began) / 1_000)
        const [row] = await db<[{ status: string; reason: string | null; busy: number }]>`
          select sync_status as status, status_reason as reason,
                 (select count(*)::integer from slotbase.busy_blocks) as busy
          from slotbase.calendar_syncs where id = ${id}`
        if (row.status !== "active") throw new Error(`${what}: ${row.status}, ${row.reason}`)
        progress(`${what}: ${seconds} s, ${row.busy} busy times`)
        return { name: what, seconds }
      }
      const full = await timed("in full")
      await server.put(calendar, "event-7.ics", anEvent(7, 3))
      const delta = await timed("one change")
      await db`update slotbase.calendar_syncs set checked_at = slotbase.now() - interval '25 hours'`
      const again = await timed("in full, known")
      for (let nth = 0; nth < bookings; nth++) await club.book(club.court, 10_000 + nth)
      await db`
        insert into slotbase.calendar_work (sync_id, facility_id, booking_id)
        select ${id}, facility_id, id from slotbase.bookings`
      const pushed = await timed(`${bookings} bookings pushed`)
      return [...atOutlook, full, delta, again, pushed]
    } finally {
      for (const end of ends.reverse()) await end()
    }
  },
}

async function fill(folder: string, events: number): Promise<void> {
  for (let nth = 0; nth < events; nth++) await Bun.write(join(folder, `event-${nth}.ics`), anEvent(nth, 0))
}

/** Half an hour each, one after the other from tomorrow on, so that they fill most of a year. */
function anEvent(nth: number, shiftHours: number): string {
  const start = Math.ceil(Date.now() / (24 * hourMs)) * 24 * hourMs + ((nth * 7) % 8_000) * hourMs + shiftHours * hourMs
  return eventText(`event-${nth}`, [
    `DTSTART:${stamp(new Date(start).toISOString())}`,
    `DTEND:${stamp(new Date(start + hourMs / 2).toISOString())}`,
    ...(nth % 10 === 0 ? ["RRULE:FREQ=WEEKLY;COUNT=10"] : []),
    `DESCRIPTION:${"Words that nobody needs. ".repeat(10)}`,
  ])
}
