/**
 * What was pulled from calendars: foreign events without their words, and when they make a coach or a resource busy.
 * Busy time is taken by slotbase.take_busy(), through the constraints of bookings.
 * Writes: calendar_events.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { isId } from "#base/ids.ts"
import type { Span } from "#base/local-days.ts"
import { lockCoach } from "#domain/booking/coach-time.ts"
import { countUpResources } from "#domain/club/resources.ts"
import { record } from "#events/outbox.ts"
import type { CalendarSyncRow } from "./rows.ts"
import { concerned } from "./work.ts"

type SyncKey = Pick<CalendarSyncRow, "id" | "facility_id">

export interface PulledEvent {
  readonly remoteId: string
  readonly etag: string | null
  readonly recurs: boolean
  readonly fault: string | null
  readonly busy: readonly Span[]
}

/** Characters of a fault that are kept. */
const maxFault = 300

/** Keeps foreign events that were read, with their busy times. */
export async function keepPulled(tx: Tx, sync: SyncKey, events: readonly PulledEvent[], round: number): Promise<void> {
  if (events.length === 0) return
  const rows = events.map(({ remoteId, etag, recurs, fault }) => ({
    remote_id: remoteId,
    etag,
    recurs,
    fault: fault?.slice(0, maxFault) ?? null,
  }))
  await tx`
    insert into slotbase.calendar_events (sync_id, facility_id, remote_id, etag, recurs, fault, round)
    select ${sync.id}, ${sync.facility_id}, q.remote_id, q.etag, q.recurs, q.fault, ${round}
    from jsonb_to_recordset(${tx.json(rows)}) as q (remote_id text, etag text, recurs boolean, fault text)
    on conflict (sync_id, facility_id, remote_id) do update
    set etag = excluded.etag, recurs = excluded.recurs, fault = excluded.fault, round = excluded.round`
  const blocks = events.flatMap(({ remoteId, busy }) =>
    busy.map(({ start, end }) => ({
      remote_id: remoteId,
      start_at: new Date(start).toISOString(),
      end_at: new Date(end).toISOString(),
    })),
  )
  const remoteIds = events.map(({ remoteId }) => remoteId)
  await tx`select slotbase.set_busy(${sync.id}, ${sync.facility_id}, ${remoteIds}, ${tx.json(blocks)})`
}

/** A calendar that is busy every quarter of an hour of a year has 35,000. More would only fill the database. */
export const maxBusyTimes = 50_000

export async function countBusy(db: Queryable, { id, facility_id }: SyncKey): Promise<number> {
  const [row] = await db<[{ count: number }]>`
    select count(*)::integer as count from slotbase.busy_blocks where sync_id = ${id} and facility_id = ${facility_id}`
  return row.count
}

/** Events that were seen and have not changed. */
export const markSeen = (tx: Tx, { id, facility_id }: SyncKey, remoteIds: readonly string[], round: number) => tx`
  update slotbase.calendar_events set round = ${round}
  where sync_id = ${id} and facility_id = ${facility_id} and remote_id = any (${[...remoteIds]}::text[])`

export const forgetPulled = (tx: Tx, { id, facility_id }: SyncKey, remoteIds: readonly string[]) => tx`
  delete from slotbase.calendar_events
  where sync_id = ${id} and facility_id = ${facility_id} and remote_id = any (${[...remoteIds]}::text[])`

/** After a full reading: what it has not seen is gone. */
export const forgetUnseen = (tx: Tx, { id, facility_id }: SyncKey, round: number) => tx`
  delete from slotbase.calendar_events where sync_id = ${id} and facility_id = ${facility_id} and round <> ${round}`

/** A calendar that is not pulled any more makes nobody busy. */
export const forgetAllPulled = (tx: Tx, { id, facility_id }: SyncKey) => tx`
  delete from slotbase.calendar_events where sync_id = ${id} and facility_id = ${facility_id}`

/** The versions of what need not be read again: no series, which has other occurrences by now. */
export async function knownVersions(db: Db, { id, facility_id }: SyncKey): Promise<Map<string, string>> {
  const rows = await db<{ remote_id: string; etag: string }[]>`
    select remote_id, etag from slotbase.calendar_events
    where sync_id = ${id} and facility_id = ${facility_id} and etag is not null and not recurs and fault is null`
  return new Map(rows.map(({ remote_id, etag }) => [remote_id, etag]))
}

/** A number for a reading of the calendar, above that of every reading before. */
export async function newRound(db: Db): Promise<number> {
  const [row] = await db<[{ round: number }]>`select nextval('slotbase.lease_seq') as round`
  return row.round
}

/**
 * - lookedAfter: a booking that is not over and belongs into the calendar, or did; its entry is looked after.
 * - leftAlone: a booking that is over, or of somebody else. Another calendar of the club may have put it there, or the
 *   invitation of a mail. What this calendar did not push, it does not remove.
 */
export type OwnBooking = "lookedAfter" | "leftAlone"

/**
 * Which uids are bookings of this database: its own entries, and the invitations of its mails. They make nobody busy,
 * because the booking itself does.
 */
export async function ownBookings(
  db: Queryable,
  { id, facility_id }: SyncKey,
  uids: readonly string[],
): Promise<ReadonlyMap<string, OwnBooking>> {
  const ids = uids.filter(isId)
  if (ids.length === 0) return new Map()
  const rows = await db<{ booking_id: string; is_own: boolean }[]>`
    select b.id as booking_id,
           b.facility_id = s.facility_id and b.end_at > (select slotbase.now())
             and (${concerned(db)} or exists (select from slotbase.calendar_entries e
                                              where e.sync_id = s.id and e.facility_id = s.facility_id and e.booking_id = b.id))
             as is_own
    from slotbase.bookings b
    join slotbase.calendar_syncs s on s.id = ${id} and s.facility_id = ${facility_id}
    where b.id = any (${ids}::uuid[])`
  return new Map(rows.map(({ booking_id, is_own }) => [booking_id, is_own ? "lookedAfter" : "leftAlone"]))
}

export interface CalendarConflict {
  readonly start_at: Date
  readonly end_at: Date
  readonly booking_id: string
}

/**
 * Takes the time of all busy blocks that is free, and gives back what is busy no more. Answers the blocks in whose time
 * a booking stands, each once. Records `resource.updated` when a resource has other free time now.
 */
export async function takeBusy(tx: Tx, sync: CalendarSyncRow): Promise<readonly CalendarConflict[]> {
  const { id, facility_id, user_id, resource_id } = sync
  if (resource_id === null) await lockCoach(tx, user_id)
  const [row] = await tx<[{ changed: boolean }]>`
    select slotbase.take_busy(${id}, ${facility_id}, ${user_id}, ${resource_id}) as changed`
  if (row.changed && resource_id !== null) {
    await countUpResources(tx, facility_id, [resource_id])
    // It outdates the answers of availability, and the slots that browsers show.
    const data = { resourceId: resource_id, facilityId: facility_id, changedFields: ["busy"], changedBy: "system" }
    record(tx, { type: "resource.updated", facilityId: facility_id, data })
  }
  return tx<CalendarConflict[]>`
    select start_at, end_at, booking_id from slotbase.note_conflicts(${id}, ${facility_id}, ${user_id}, ${resource_id})`
}
