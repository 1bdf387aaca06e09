/**
 * What a person holds already: read once for every rule that asks. A value of SQL for the statement that reads the
 * facts of a plan. The rules judge the rows: `standing.ts`, `hold-pause.ts`, and the number of slots kept waiting.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Span } from "#base/local-days.ts"

/** Beyond these a person holds more than any limit allows. */
const maxRead = 1000
const dayMs = 24 * 60 * 60_000

/** A booking or hold. Times in milliseconds since the Unix epoch. */
export interface HeldBooking extends Span {
  readonly id: string
  readonly bookerId: string
  readonly resourceId: string
  readonly status: string
  readonly expiresAt: number | null
  readonly createdAt: number
  readonly updatedAt: number
  /** Whether limits per person count it: no block, and no lesson that a coach or staff sold. */
  readonly counts: boolean
}

/** A held booking in the answer of the statement, without the names: every booking of a member reads many. */
export type HeldRow = readonly [
  id: string,
  bookerId: string,
  resourceId: string,
  status: string,
  start: number,
  end: number,
  expiresAt: number | null,
  createdAt: number,
  updatedAt: number,
  counts: boolean,
]

export const heldBookings = (rows: readonly HeldRow[]): HeldBooking[] =>
  rows.map(([id, bookerId, resourceId, status, start, end, expiresAt, createdAt, updatedAt, counts]) => ({
    id,
    bookerId,
    resourceId,
    status,
    start,
    end,
    expiresAt,
    createdAt,
    updatedAt,
    counts,
  }))

/**
 * By their start: the booker's holds and requests, and the bookings that a limit of the policy may count. A local day
 * lies within two days of a start in it, a local week within eight. Beside them stand the holds of the booker's family
 * on this resource and time, also those that came to nothing.
 * The statement has the facility's policy as `q`.
 */
export const heldOf = (
  sql: Queryable,
  { facilityId, bookerId, family, resourceId, startAt, endAt, now }: Readonly<Record<Named, ReturnType<Queryable>>>,
) => sql`
  (select coalesce(json_agg(json_build_array(c.id, c.booker_id, c.resource_id, c.status, date_part('epoch', c.start_at) * 1000,
            date_part('epoch', c.end_at) * 1000, date_part('epoch', c.hold_expires_at) * 1000,
            date_part('epoch', c.created_at) * 1000, date_part('epoch', c.updated_at) * 1000, c.counts)), '[]')
   from (
     select b.id, b.booker_id, b.resource_id, b.status, b.start_at, b.end_at, b.hold_expires_at, b.created_at, b.updated_at,
            ${chosenByBooker(sql)} as counts
     from slotbase.bookings b
     where b.booker_id = any (${family}::uuid[]) and b.facility_id = ${facilityId}
       and b.start_at > least(${startAt} - interval '8 days', ${now} - interval '1 day')
       and (b.booker_id = ${bookerId}
            and (b.status in ('held', 'pending')
              or b.status in ('confirmed', 'checked_in', 'completed', 'no_show') and q.member_limits <> '[]'
                 and (b.start_at < ${startAt} + interval '8 days' or q.member_limits @> '[{"per":"live"}]'))
         or b.status in ('held', 'expired', 'released')
            and b.resource_id = ${resourceId} and b.start_at < ${endAt} and b.end_at > ${startAt})
     order by b.start_at
     limit ${maxRead}
   ) c)`

type Named = "facilityId" | "bookerId" | "family" | "resourceId" | "startAt" | "endAt" | "now"

/** Nobody chose these for themselves: blocks, and lessons that a coach or staff sold. */
export const chosenByBooker = (sql: Queryable) => sql`
  (b.booking_type not in ('coach_block', 'maintenance')
   and not exists (select from slotbase.coach_sessions s where s.booking_id = b.id and s.facility_id = b.facility_id))`

/** How many slots a person keeps from others: live holds, and requests that wait for approval. */
export const keptWaiting = (held: readonly HeldBooking[], bookerId: string, now: number): number =>
  held.filter(
    (each) =>
      each.bookerId === bookerId &&
      ((each.status === "pending" && each.start > now) ||
        (each.status === "held" && !hasLapsed(each, now) && each.start > now - dayMs)),
  ).length

/** A hold whose time is over and that nobody has released yet. */
export const hasLapsed = ({ status, expiresAt }: HeldBooking, now: number): boolean =>
  status === "held" && expiresAt !== null && Math.floor(expiresAt) <= now
