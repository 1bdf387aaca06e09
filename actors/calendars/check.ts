/**
 * Compares all entries of one calendar with what stands there, and with what they should say by now. What is missing,
 * says something else, or is left over is drift: it is counted, and the bookings are looked at again, which repairs it.
 */
import type { Db } from "#base/database/db.ts"
import { meaningOf } from "#outbound/calendars/calendar-event.ts"
import type { CalendarProvider } from "#outbound/calendars/provider.ts"
import { ownBookings } from "#outbound/calendars/pulled.ts"
import { readCalendarEvents } from "#outbound/calendars/reading/reading.ts"
import { type CalendarSyncRow, holdsLease, noteCheck } from "#outbound/calendars/rows.ts"
import { wantedEntries } from "#outbound/calendars/wanted.ts"
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
  const outdated = await outdatedOf(db, sync, present)
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
    const found = new Set([
      ...[...missing, ...compared.different, ...outdated].map(({ booking_id }) => booking_id),
      ...leftHere.map(({ bookingId }) => bookingId),
    ])
    const asked = await askForBookings(tx, sync, [...found])
    const drift = asked + (await askForMissing(tx, sync))
    await noteCheck(tx, sync, drift)
    return drift
  })
}

/** Bookings whose words are looked at together. */
const batch = 200

/** No event tells of everything that an entry says, such as the name of a court. */
async function outdatedOf(
  db: Db,
  sync: CalendarSyncRow,
  entries: readonly CalendarEntry[],
): Promise<readonly CalendarEntry[]> {
  const outdated: CalendarEntry[] = []
  for (let from = 0; from < entries.length; from += batch) {
    const some = entries.slice(from, from + batch)
    const ids = some.map(({ booking_id }) => booking_id)
    const wanted = await wantedEntries(db, sync, ids)
    for (const entry of some) {
      const now = wanted.get(entry.booking_id) ?? { what: "remove" }
      if (now.what === "remove" || (now.what === "put" && meaningOf(now.event) !== entry.meaning)) outdated.push(entry)
    }
  }
  return outdated
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
