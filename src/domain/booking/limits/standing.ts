/**
 * What a member holds already, as far as the limits of the facility's policy count it. A value of SQL for the statement
 * that reads the facts of a plan; it reads nothing where no limits are set.
 */
import { rolesIn } from "#access/membership.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Span } from "#base/local-days.ts"
import type { Weekday } from "#base/weekdays.ts"
import type { MemberLimit } from "./fields.ts"

/** Beyond these a person holds more than any limit allows. */
const maxRead = 1000

/** A booking or hold that a limit may count. Times in milliseconds since the Unix epoch. */
export interface Held extends Span {
  readonly id: string
  readonly resourceId: string
  readonly status: string
  /** A hold whose time is over and that nobody has released yet. */
  readonly lapsed: boolean
}

export interface Standing {
  readonly limits: readonly MemberLimit[]
  readonly weekStartsOn: Weekday
  readonly roles: readonly string[]
  /** By their start. The booking that moves is among them, if limits count it. */
  readonly bookings: readonly Held[]
}

/**
 * Null where the facility sets no limits. The statement has `slotbase.facilities` as `f` and its policy as `q`.
 * Blocks, and lessons that a coach or staff sold, are not counted.
 * @param startAt of the wanted booking, an instant in ISO 8601; a day or a week around it lies within eight days
 * @param moving the booking that moves
 */
export const standingOf = (
  sql: Queryable,
  facilityId: string,
  bookerId: string,
  startAt: string,
  moving: string | null = null,
) => sql`
  (case when q.member_limits <> '[]' then jsonb_build_object(
     'limits', q.member_limits, 'weekStartsOn', q.week_starts_on,
     'roles', ${rolesIn(sql, sql`${bookerId}::uuid`)},
     'bookings', (
       select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'resourceId', c.resource_id, 'status', c.status,
                'start', extract(epoch from c.start_at) * 1000, 'end', extract(epoch from c.end_at) * 1000,
                'lapsed', c.status = 'held' and c.hold_expires_at <= (select slotbase.now())) order by c.start_at, c.id), '[]')
       from (
         select b.id, b.resource_id, b.status, b.start_at, b.end_at, b.hold_expires_at
         from slotbase.bookings b
         where b.booker_id = ${bookerId} and b.facility_id = ${facilityId}
           and b.start_at > least((select slotbase.now()) - interval '1 day', ${startAt}::timestamptz - interval '8 days')
           and (b.start_at < ${startAt}::timestamptz + interval '8 days' or q.member_limits @> '[{"per":"live"}]'
             or b.id = ${moving}::uuid)
           and (b.status in ('held', 'confirmed', 'checked_in', 'completed', 'no_show')
             or b.status = 'pending' and b.start_at > (select slotbase.now()))
           and b.booking_type not in ('coach_block', 'maintenance')
           and not exists (select from slotbase.coach_sessions s where s.booking_id = b.id and s.facility_id = b.facility_id)
         order by b.start_at
         limit ${maxRead}
       ) c)) end)`
