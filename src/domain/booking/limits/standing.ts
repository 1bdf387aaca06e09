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
  /** By their start, as far as the limits need them. */
  readonly bookings: readonly Held[]
  /** The booking that moves, where it is now; null: no booking moves, or no limit counts it. */
  readonly moving: Span | null
}

/**
 * Null where the facility sets no limits. The statement has `slotbase.facilities` as `f` and its policy as `q`.
 * Blocks, and lessons that a coach or staff sold, are not counted. Only as much is read as the limits need: a local day
 * lies within two days of a start in it, a local week within eight.
 * @param startAt of the wanted booking, an instant in ISO 8601
 * @param moving the booking that moves
 */
export const standingOf = (
  sql: Queryable,
  facilityId: string,
  bookerId: string,
  startAt: string,
  moving: string | null = null,
) => sql`
  (case when q.member_limits <> '[]' then json_build_object(
     'limits', q.member_limits, 'weekStartsOn', q.week_starts_on,
     'roles', ${rolesIn(sql, sql`${bookerId}::uuid`)},
     'bookings', (
       select coalesce(json_agg(json_build_object('id', c.id, 'resourceId', c.resource_id, 'status', c.status,
                'start', date_part('epoch', c.start_at) * 1000, 'end', date_part('epoch', c.end_at) * 1000,
                'lapsed', c.status = 'held' and c.hold_expires_at <= (select slotbase.now()))), '[]')
       from (
         select b.id, b.resource_id, b.status, b.start_at, b.end_at, b.hold_expires_at
         from (select q.member_limits @> '[{"per":"live"}]' as all_of_them, t.now, ${startAt}::timestamptz - t.reach as first,
                      ${startAt}::timestamptz + t.reach as last
               from (select slotbase.now() as now, case when q.member_limits @> '[{"per":"week"}]' then interval '8 days'
                                                        else interval '2 days' end as reach) t) w
         join slotbase.bookings b
           on b.booker_id = ${bookerId} and b.facility_id = ${facilityId}
          and b.start_at > case when w.all_of_them then least(w.first, w.now - interval '1 day') else w.first end
          and (b.start_at < w.last or w.all_of_them)
         where (b.status in ('held', 'confirmed', 'checked_in', 'completed', 'no_show')
             or b.status = 'pending' and b.start_at > w.now)
           and ${isCounted(sql)}
         order by b.start_at
         limit ${maxRead}
       ) c),
     'moving', (
       select json_build_object('start', date_part('epoch', b.start_at) * 1000, 'end', date_part('epoch', b.end_at) * 1000)
       from slotbase.bookings b
       where b.id = ${moving}::uuid and b.facility_id = ${facilityId} and ${isCounted(sql)})) end)`

/** Nobody chose these for themselves: blocks, and lessons that a coach or staff sold. */
const isCounted = (sql: Queryable) => sql`
  (b.booking_type not in ('coach_block', 'maintenance')
   and not exists (select from slotbase.coach_sessions s where s.booking_id = b.id and s.facility_id = b.facility_id))`
