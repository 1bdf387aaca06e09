/**
 * Pulls what has changed in one calendar: read a page → keep what makes busy → at the end take the time and keep the
 * token. The token is kept last, so a crash reads the same changes again, and what was kept already is skipped.
 * A change of one of our own entries is no foreign event: the booking is looked at, and the entry is repaired.
 */
import { clock } from "#base/clock.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { type EventContext, transact } from "#events/outbox.ts"
import { recordConflicts } from "#outbound/calendars/events.ts"
import {
  CalendarFailed,
  type CalendarProvider,
  type RemoteEvent,
  type RemotePage,
  TokenExpired,
} from "#outbound/calendars/provider.ts"
import {
  countBusy,
  forgetPulled,
  forgetUnseen,
  keepPulled,
  knownVersions,
  markSeen,
  maxBusyTimes,
  newRound,
  ownBookings,
  takeBusy,
} from "#outbound/calendars/pulled.ts"
import { type ReadCalendarEvent, readCalendarEvents } from "#outbound/calendars/reading/reading.ts"
import { type CalendarSyncRow, holdsLease, keepToken } from "#outbound/calendars/rows.ts"
import { askForBookings, type CalendarEntry, entriesOf, keepEntry } from "#outbound/calendars/work.ts"
import { LeaseLost } from "./push.ts"

export interface PullTools {
  readonly db: Db
  readonly context: () => EventContext
}

/** Busy times are pulled so far ahead. Series go on beyond it, and are read again every day. */
const aheadMs = 366 * 24 * 60 * 60_000
const behindMs = 24 * 60 * 60_000

/** @param full all of it is read, and compared with what was pulled before */
export async function pullChanges(
  tools: PullTools,
  calendar: CalendarProvider,
  sync: CalendarSyncRow,
  timezone: string,
  full: boolean,
): Promise<void> {
  const token = full ? null : sync.sync_token
  try {
    await pullSince(tools, calendar, sync, timezone, token)
  } catch (error) {
    if (!(error instanceof TokenExpired) || token === null) throw error
    await pullSince(tools, calendar, sync, timezone, null)
  }
}

async function pullSince(
  { db, context }: PullTools,
  calendar: CalendarProvider,
  sync: CalendarSyncRow,
  timezone: string,
  token: string | null,
): Promise<void> {
  const round = await newRound(db)
  const entries = new Entries(await entriesOf(db, sync))
  const versions = token === null ? await knownVersions(db, sync) : new Map<string, string>()
  const versionOf = (remoteId: string) => versions.get(remoteId) ?? entries.at(remoteId)?.etag ?? undefined
  const seen = new Set<string>()
  let busyTimes = await countBusy(db, sync)
  const pages = calendar.changes(token, versionOf)
  let next = await pages.next()
  for (; !next.done; next = await pages.next()) {
    const page = next.value
    const read = await readCalendarEvents(sync.id, {
      texts: page.events.map(({ ical }) => ical),
      from: clock.now() - behindMs,
      until: clock.now() + aheadMs,
      timezone,
    })
    for (const remoteId of [...page.unchanged, ...page.events.map((each) => each.remoteId)]) seen.add(remoteId)
    for (const remoteId of page.removed) entries.gone.add(remoteId)
    busyTimes += read.reduce((sum, each) => sum + each.busy.length, 0)
    await db.begin(async (tx) => {
      await applyPage(tx, sync, page, read, entries, round)
      if (busyTimes > maxBusyTimes) busyTimes = await requireRoom(tx, sync)
    })
    reached("calendar-page-kept")
  }
  const nextToken = next.value ?? null
  await transact(db, context(), async (tx) => {
    if (!(await holdsLease(tx, sync))) throw new LeaseLost()
    if (token === null) {
      await forgetUnseen(tx, sync, round)
      await askForGone(
        tx,
        sync,
        entries.all.filter(({ remote_id }) => !seen.has(remote_id)),
      )
    }
    const conflicts = await takeBusy(tx, sync)
    if (conflicts.length > 0) recordConflicts(tx, sync, conflicts)
    await keepToken(tx, sync, nextToken)
  })
  reached("calendar-pulled")
}

/** What was read again was counted twice. @throws CalendarFailed */
async function requireRoom(tx: Tx, sync: CalendarSyncRow): Promise<number> {
  const count = await countBusy(tx, sync)
  if (count > maxBusyTimes)
    throw new CalendarFailed("refused", `The calendar is busy more than ${maxBusyTimes} times in a year.`)
  return count
}

/** The entries that are known, and which of them are seen to be gone. */
class Entries {
  readonly gone = new Set<string>()
  readonly #byPlace: ReadonlyMap<string, CalendarEntry>
  readonly #byBooking: ReadonlyMap<string, CalendarEntry>

  constructor(readonly all: readonly CalendarEntry[]) {
    this.#byPlace = new Map(all.map((entry) => [entry.remote_id, entry]))
    this.#byBooking = new Map(all.map((entry) => [entry.booking_id, entry]))
  }

  at(remoteId: string): CalendarEntry | undefined {
    return this.#byPlace.get(remoteId)
  }

  /** The booking has its entry at another place. What stands here too is an invitation, and its owner's. */
  standsElsewhere(bookingId: string, remoteId: string): boolean {
    const entry = this.#byBooking.get(bookingId)
    return entry !== undefined && entry.remote_id !== remoteId && !this.gone.has(entry.remote_id)
  }
}

/** An entry that its owner removed comes back, while its booking stands. */
const askForGone = (tx: Tx, sync: CalendarSyncRow, gone: readonly CalendarEntry[]) =>
  sync.sync_direction === "pull"
    ? Promise.resolve(0)
    : askForBookings(
        tx,
        sync,
        gone.map(({ booking_id }) => booking_id),
      )

async function applyPage(
  tx: Tx,
  sync: CalendarSyncRow,
  page: RemotePage,
  read: readonly ReadCalendarEvent[],
  entries: Entries,
  round: number,
): Promise<void> {
  if (!(await holdsLease(tx, sync))) throw new LeaseLost()
  const pairs = page.events.flatMap((event, nth) => {
    const each = read[nth]
    return each === undefined ? [] : [{ event, read: each, uid: each.uid.toLowerCase() }]
  })
  const uids = pairs.map(({ uid }) => uid)
  const own = await ownBookings(tx, sync, uids)
  const isOurs = ({ uid, event }: (typeof pairs)[number]) =>
    own.get(uid) === "lookedAfter" && !entries.standsElsewhere(uid, event.remoteId)
  const ours = pairs.filter(isOurs)
  const kept = pairs
    .filter((each) => !isOurs(each))
    .map(({ event: { remoteId, etag }, read: { recurs, fault, busy }, uid }) => ({
      remoteId,
      etag,
      recurs,
      fault,
      busy: own.has(uid) ? [] : busy,
    }))
  await keepPulled(tx, sync, kept, round)
  if (page.unchanged.length > 0) await markSeen(tx, sync, page.unchanged, round)
  const gone = [...page.removed, ...ours.map(({ event }) => event.remoteId)]
  if (gone.length > 0) await forgetPulled(tx, sync, gone)
  if (sync.sync_direction === "pull") return
  await askForGone(
    tx,
    sync,
    page.removed.flatMap((remoteId) => entries.at(remoteId) ?? []),
  )
  for (const { event, read: found } of ours) await noteOwn(tx, sync, event, found, entries)
}

/**
 * One of our own entries: as it was pushed, changed by its owner, or left by an earlier connection. The last two are
 * looked at; an entry that is adopted is known from now on, so that it is changed in place.
 */
async function noteOwn(
  tx: Tx,
  sync: CalendarSyncRow,
  { remoteId, etag }: RemoteEvent,
  { uid, meaning }: ReadCalendarEvent,
  entries: Entries,
): Promise<void> {
  const bookingId = uid.toLowerCase()
  const entry = entries.at(remoteId)
  // Somebody gave the entry the id of another booking: it is written anew.
  if (entry !== undefined && entry.booking_id !== bookingId)
    return void (await askForBookings(tx, sync, [entry.booking_id]))
  const isAsPushed = entry !== undefined && entry.meaning === meaning
  await keepEntry(tx, sync, { booking_id: bookingId, remote_id: remoteId, etag, meaning: meaning ?? "" })
  if (!isAsPushed) await askForBookings(tx, sync, [bookingId])
}
