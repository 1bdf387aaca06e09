/**
 * Pushes what waits for one calendar: look at the bookings → write the entry → settle. An entry is written before its
 * row is settled, under an id that follows from the booking. After a crash between the two it is written again, which
 * changes nothing.
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { faultText } from "#base/liquid-fault.ts"
import { meaningOf } from "#outbound/calendars/calendar-event.ts"
import { type CalendarProvider, EntryRefused } from "#outbound/calendars/provider.ts"
import { type CalendarSyncRow, holdsLease } from "#outbound/calendars/rows.ts"
import { type WantedEntry, wantedEntries } from "#outbound/calendars/wanted.ts"
import {
  type CalendarWork,
  dueWork,
  forgetEntry,
  keepEntry,
  putOffEntry,
  settleWork,
} from "#outbound/calendars/work.ts"

/** Another process has taken the calendar over, or somebody changed it: what was begun does not count. */
export class LeaseLost extends Error {
  readonly _tag = "LeaseLost"
}

/** Bookings that are looked at together. */
const batch = 50

/** Until nothing waits, or the signal is aborted. Answers how many were settled. */
export async function pushEntries(
  db: Db,
  calendar: CalendarProvider,
  sync: CalendarSyncRow,
  signal: AbortSignal,
): Promise<number> {
  let settled = 0
  while (!signal.aborted) {
    const due = await dueWork(db, sync, batch)
    if (due.length === 0) return settled
    const wanted = await wantedEntries(
      db,
      sync,
      due.map(({ booking_id }) => booking_id),
    )
    for (const work of due) {
      if (signal.aborted) return settled
      await pushOne(db, calendar, sync, work, wanted.get(work.booking_id) ?? { what: "remove" })
      settled++
    }
  }
  return settled
}

async function pushOne(
  db: Db,
  calendar: CalendarProvider,
  sync: CalendarSyncRow,
  work: CalendarWork,
  wanted: WantedEntry,
): Promise<void> {
  const settle = (change: (tx: Tx) => Promise<unknown>) =>
    db.begin(async (tx) => {
      if (!(await holdsLease(tx, sync))) throw new LeaseLost()
      await change(tx)
    })
  const known = work.remote_id === null ? undefined : { remoteId: work.remote_id, etag: work.etag }
  try {
    if (wanted.what === "put") {
      const meaning = meaningOf(wanted.event)
      const place = await calendar.put(wanted.event, known)
      reached("calendar-entry-written")
      await settle(async (tx) => {
        await keepEntry(tx, sync, { booking_id: work.booking_id, remote_id: place.remoteId, etag: place.etag, meaning })
        await settleWork(tx, sync, work)
      })
    } else if (wanted.what === "remove") {
      if (known) await calendar.remove(known)
      reached("calendar-entry-removed")
      await settle(async (tx) => {
        await forgetEntry(tx, sync, work.booking_id)
        await settleWork(tx, sync, work)
      })
    } else if (wanted.what === "leave") await settle((tx) => settleWork(tx, sync, work))
    else await settle((tx) => putOffEntry(tx, sync, work, `${wanted.fault.field}: ${faultText(wanted.fault)}`))
    reached("calendar-entry-settled")
  } catch (error) {
    if (!(error instanceof EntryRefused)) throw error
    await settle((tx) => putOffEntry(tx, sync, work, error.message))
  }
}
