// A calendar of 10,000 events of Outlook, over the local server that the tests use too. The server answers at once, so
// it shows what a sync costs here. It is pulled in full, by a change, and in full again with all of it known.

import { authenticate, requireMember } from "#access/caller.ts"
import { connect, type Db } from "#base/database/db.ts"
import { migrate } from "#base/database/migrate.ts"
import { connectCalendar } from "#outbound/calendars/configs.ts"
import { round } from "#scripts/statistics.ts"
import { syncAll } from "#test/harness/club/calendars.ts"
import { aClub, run } from "#test/harness/club/club.ts"
import { aRole } from "#test/harness/club/factories.ts"
import { fakeGraph } from "#test/harness/outside/fake-graph.ts"
import { testApp } from "#test/harness/setup/app.ts"
import type { Figure } from "./figure.ts"
import { startBench } from "./measure.ts"

const hourMs = 60 * 60_000
/** As Graph is asked for. */
const eventsOfAPage = 200

interface OutlookRun {
  readonly events: number
  readonly bookings: number
  readonly progress: (line: string) => void
  /** Looks at the database when all is in step. */
  readonly look?: (db: Db) => Promise<unknown>
}

export async function outlookFigures({ events, bookings, progress, look }: OutlookRun): Promise<readonly Figure[]> {
  const bench = await startBench()
  const ends: (() => Promise<unknown>)[] = [bench.stop]
  try {
    await migrate(bench.url)
    const db = connect(bench.url, { max: 6, applicationName: "slotbase bench" })
    ends.push(() => db.end())
    const graph = fakeGraph(fetch, eventsOfAPage)
    ends.push(() => graph.stop())
    for (let nth = 0; nth < events; nth++) graph.set(anEvent(nth, 0))
    const club = await aClub(db)
    await aRole(db, club.player.id, "coach", club.id)
    const caller = await authenticate(db, club.player.token)
    await run(db, (tx) =>
      connectCalendar(tx, testApp(db).secrets, requireMember(caller, club.id), {
        ...{ provider: "outlook", credentials: { refreshToken: graph.refreshToken() }, calendarId: "primary" },
        syncDirection: "both",
      }),
    )
    const timed = async (what: string): Promise<Figure> => {
      await db`update slotbase.calendar_syncs set next_sync_at = slotbase.now()`
      const [began, cpu] = [performance.now(), process.cpuUsage()]
      await syncAll(db, { outlook: graph.config })
      const seconds = round((performance.now() - began) / 1_000)
      const { user, system } = process.cpuUsage(cpu)
      const [row] = await db<[{ status: string; reason: string | null; busy: number }]>`
        select sync_status as status, status_reason as reason,
               (select count(*)::integer from slotbase.busy_blocks) as busy
        from slotbase.calendar_syncs`
      if (row.status !== "active") throw new Error(`${what}: ${row.status}, ${row.reason}`)
      const cpuSeconds = round((user + system) / 1_000_000)
      progress(`${what}: ${seconds} s, ${cpuSeconds} s of processor time of this process, ${row.busy} busy times`)
      return { name: `Outlook: ${what}`, seconds, cpuSeconds }
    }
    const full = await timed("in full")
    graph.set(anEvent(7, 3))
    const delta = await timed("one change")
    await db`update slotbase.calendar_syncs set checked_at = slotbase.now() - interval '25 hours'`
    const again = await timed("in full, known")
    for (let nth = 0; nth < bookings; nth++) await club.book(club.court, 10_000 + nth)
    await db`
      insert into slotbase.calendar_work (sync_id, facility_id, booking_id)
      select s.id, b.facility_id, b.id from slotbase.bookings b, slotbase.calendar_syncs s`
    const pushed = await timed(`${bookings} bookings pushed`)
    await look?.(db)
    return [full, delta, again, pushed]
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** Half an hour each, one after the other from tomorrow on, so that they fill most of a year. */
function anEvent(nth: number, shiftHours: number) {
  const start = Math.ceil(Date.now() / (24 * hourMs)) * 24 * hourMs + ((nth * 7) % 8_000) * hourMs + shiftHours * hourMs
  const time = (at: number) => ({ dateTime: new Date(at).toISOString().slice(0, 19), timeZone: "UTC" })
  const content = "Words that nobody needs. ".repeat(10)
  return {
    ...{ id: `event-${nth}`, start: time(start), end: time(start + hourMs / 2) },
    body: { contentType: "text", content },
  }
}
