/**
 * Finds the next in line: the first entry that waits for a stretch that is wholly free, and the resource that has it.
 */

import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { platformFacilityId } from "#base/ids.ts"
import { bufferOf, maxBufferMinutes, minutesLater } from "#domain/booking/buffers.ts"
import type { FreedSlot } from "#domain/booking/freed-slot.ts"
import type { EntryRow } from "./rows.ts"

export interface Candidate
  extends Pick<
    EntryRow,
    | "id"
    | "facility_id"
    | "seq"
    | "booker_id"
    | "start_at"
    | "end_at"
    | "booking_type"
    | "participants"
    | "offer_minutes"
    | "joined_by"
  > {
  readonly free_resource_id: string
}

/**
 * A place in the queue of a facility. What stands before `seq` has been looked at. Of the entry at `seq` these
 * resources were tried: the rules refused them, or another transaction was taking a part of the time.
 */
export interface QueuePlace {
  readonly seq: number
  readonly tried: readonly string[]
}
export const head: QueuePlace = { seq: 0, tried: [] }

/**
 * The first in line from this place on, locked. An entry that another transaction has locked (its booker leaves) is
 * skipped. An expired hold counts as taken until it is released.
 * @param freed only entries that overlap one of these, on its resource; undefined: anything free
 */
export async function nextWaiting(
  tx: Tx,
  facilityId: string,
  freed: readonly FreedSlot[] | undefined,
  { seq, tried }: QueuePlace,
): Promise<Candidate | undefined> {
  const [candidate] = await tx<Candidate[]>`
    select e.id, e.facility_id, e.seq, e.booker_id, e.start_at, e.end_at, e.booking_type, e.participants, e.offer_minutes, e.joined_by,
           r.id as free_resource_id
    from slotbase.waitlist_entries e
    cross join lateral (
      select r.id from slotbase.resources r
      where ${allows(tx)} and ${overlapsOne(tx, freed)}
        and (e.seq > ${seq} or r.id <> all (${[...tried]}::uuid[]))
        and not exists (select from slotbase.occupancies o
                        where o.facility_id = r.facility_id and o.resource_id = r.id and o.during && ${wished(tx)})
      order by r.name, r.id
      limit 1
    ) r
    where e.facility_id = ${facilityId} and e.status = 'waiting' and e.start_at > (select slotbase.now()) and e.seq >= ${seq}
      ${within(tx, freed)}
    order by e.seq
    limit 1
    for update of e skip locked`
  return candidate
}

/** Whether an entry waits for something that overlaps the stretch. Takes no lock. */
export async function isWaitedFor(db: Queryable, freed: FreedSlot): Promise<boolean> {
  const rows = await db`
    select from slotbase.waitlist_entries e
    where e.facility_id = ${freed.facilityId} and e.status = 'waiting' and e.start_at > (select slotbase.now()) ${within(db, [freed])}
      and exists (select from slotbase.resources r where ${allows(db)} and r.id = ${freed.resourceId})
    limit 1`
  return rows.length > 0
}

/** Whether a wish would be served by this stretch, if the stretch were free. */
export async function wouldServe(db: Queryable, stretch: FreedSlot): Promise<boolean> {
  const rows = await db`
    select from slotbase.waitlist_entries e
    join slotbase.resources r on ${allows(db)}
    where e.facility_id = ${stretch.facilityId} and e.status = 'waiting' and e.start_at > (select slotbase.now())
      ${within(db, [stretch])} and r.id = ${stretch.resourceId} and ${overlapsOne(db, [stretch])}
    limit 1`
  return rows.length > 0
}

/** Facilities after this id with something free that an entry waits for, by id. */
export async function facilitiesWithOffers(
  db: Queryable,
  limit: number,
  after: string = platformFacilityId,
): Promise<readonly string[]> {
  const rows = await db<{ facility_id: string }[]>`
    select distinct e.facility_id from slotbase.waitlist_entries e
    where e.status = 'waiting' and e.start_at > (select slotbase.now()) and e.facility_id > ${after}
      and exists (select from slotbase.resources r
                  where ${allows(db)}
                    and not exists (select from slotbase.occupancies o
                                    where o.facility_id = r.facility_id and o.resource_id = r.id
                                      and o.during && ${wished(db)}))
    order by e.facility_id
    limit ${limit}`
  return rows.map(({ facility_id }) => facility_id)
}

/** Whether a new wish need not wait: a resource that it allows is free. The time of an expired hold counts as free. */
export async function isFree(
  tx: Tx,
  wish: Pick<EntryRow, "facility_id" | "resource_id" | "resource_type" | "start_at" | "end_at" | "booking_type">,
): Promise<boolean> {
  const end: ReturnType<Tx> = tx`${wish.end_at.toISOString()}::timestamptz`
  const until = minutesLater(tx, end, bufferOf(tx, tx`r.facility_id`, tx`r.id`, tx`${wish.booking_type}::text`))
  const rows = await tx`
    select from slotbase.resources r
    where r.facility_id = ${wish.facility_id} and r.is_active
      and (r.id = ${wish.resource_id}::uuid or r.resource_type = ${wish.resource_type}::text)
      and not exists (select from slotbase.occupancies o
                      join slotbase.bookings b on b.id = o.booking_id and b.facility_id = o.facility_id
                      where o.facility_id = r.facility_id and o.resource_id = r.id
                        and o.during && tstzrange(${wish.start_at.toISOString()}, ${until})
                        and not (b.status = 'held' and b.hold_expires_at <= (select slotbase.now())))
    limit 1`
  return rows.length > 0
}

/** The time that the booking of the entry `e` would take from the resource `r`, with its buffer. */
const wished = (sql: Queryable): ReturnType<Queryable> => {
  const buffer: ReturnType<Queryable> = bufferOf(sql, sql`e.facility_id`, sql`r.id`, sql`e.booking_type`)
  return sql`tstzrange(e.start_at, ${minutesLater(sql, sql`e.end_at`, buffer)})`
}

/** Whether the entry `e` allows the resource `r`. */
const allows = (sql: Queryable) => sql`
  r.facility_id = e.facility_id and r.is_active and (r.id = e.resource_id or r.resource_type = e.resource_type)`

const overlapsOne = (sql: Queryable, freed: readonly FreedSlot[] | undefined) =>
  freed === undefined
    ? sql`true`
    : sql`exists (select from jsonb_to_recordset(${sql.json(freed as never)})
                    as f ("resourceId" uuid, "startAt" timestamptz, "endAt" timestamptz)
                  where f."resourceId" = r.id and ${wished(sql)} && tstzrange(f."startAt", f."endAt"))`

/** The same condition, as far as the index of waiting entries can answer it: with the longest buffer. */
const within = (sql: Queryable, freed: readonly FreedSlot[] | undefined) => {
  if (freed === undefined) return sql``
  const last = Math.max(...freed.map(({ endAt }) => endAt.getTime()))
  const first = Math.min(...freed.map(({ startAt }) => startAt.getTime())) - maxBufferMinutes * 60_000
  return sql`and e.start_at < ${new Date(last).toISOString()} and e.end_at > ${new Date(first).toISOString()}`
}
