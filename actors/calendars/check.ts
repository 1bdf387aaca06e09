/**
 * Compares all entries of one calendar with what stands there. What is missing, says something else, or is left over is
 * drift: it is counted, and the bookings are looked at again, which repairs it.
 */
import type { Db } from "#base/database/db.ts"
import type { CalendarProvider } from "#outbound/calendars/provider.ts"
import { ownBookings } from "#outbound/calendars/pulled.ts"
import { readCalendarEvents } from "#outbound/calendars/reading/reading.ts"
import { type CalendarSyncRow, holdsLease, noteCheck } from "#outbound/calendars/rows.ts"
import { askForBookings, askForMissing, type CalendarEntry, entriesOf, keepEntry } from "#outbound/calendars/work.ts"
import { LeaseLost } from "./push.ts"

/** Answers the drift. */
export async function checkEntries(db: Db, calendar: CalendarProvider, sync: CalendarSyncRow): Promise<number> {
  const there = await calendar.places()
  const entries = await entriesOf(db, sync)
  const present = entries.filter(({ remote_id }) => there.has(remote_id))
  const missing = entries.filter(({ remote_id }) => !there.has(remote_id))
  const touched = present.filter(({ remote_id, etag }) => etag === null || there.get(remote_id) !== etag)
  const compared = await compare(calendar, sync, touched)
  const places = new Set(entries.map(({ remote_id }) => remote_id))
  const left = [...there.keys()]
    .filter((remoteId) => !places.has(remoteId))
    .flatMap((remoteId) => ({ remoteId, bookingId: calendar.bookingAt(remoteId) }))
    .filter((each): each is { remoteId: string; bookingId: string } => each.bookingId !== undefined)
  return db.begin(async (tx) => {
    if (!(await holdsLease(tx, sync))) throw new LeaseLost()
    const own = await ownBookings(
      tx,
      sync,
      left.map(({ bookingId }) => bookingId),
    )
    const leftHere = left.filter(({ bookingId }) => own.get(bookingId) === "lookedAfter")
    for (const { remoteId, bookingId } of leftHere)
      await keepEntry(tx, sync, { booking_id: bookingId, remote_id: remoteId, etag: null, meaning: "" })
    for (const { entry, etag } of compared.same) await keepEntry(tx, sync, { ...entry, etag })
    const found = [
      ...[...missing, ...compared.different].map(({ booking_id }) => booking_id),
      ...leftHere.map(({ bookingId }) => bookingId),
    ]
    const asked = await askForBookings(tx, sync, found)
    const drift = asked + (await askForMissing(tx, sync))
    await noteCheck(tx, sync, drift)
    return drift
  })
}

/** By meaning: an alarm that its owner added changes the version, and nothing that was pushed. */
async function compare(calendar: CalendarProvider, sync: CalendarSyncRow, entries: readonly CalendarEntry[]) {
  const found = new Map(
    (await calendar.read(entries.map(({ remote_id }) => remote_id))).map((event) => [event.remoteId, event]),
  )
  const same: { entry: CalendarEntry; etag: string | null }[] = []
  const different: CalendarEntry[] = []
  for (const entry of entries) {
    const event = found.get(entry.remote_id)
    const texts = event ? [event.ical] : []
    const [read] = await readCalendarEvents(sync.id, { texts, from: 0, until: 0, timezone: "Etc/UTC" })
    if (event && read?.meaning === entry.meaning) same.push({ entry, etag: event.etag })
    else different.push(entry)
  }
  return { same, different }
}
