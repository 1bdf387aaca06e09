/**
 * The closed times, for booking and for showing slots. Only reads.
 * A closure occupies nothing: every booking command asks here. Earlier bookings stay, and are marked as struck.
 * A booking transaction that runs while a closure commits may not see the closure; `inside.ts` then finds that booking.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Span } from "#base/local-days.ts"

/** SQL: the name of a column, or a value with its type. */
type Fragment = ReturnType<Queryable>

/** A span of time in which something is closed. */
export interface Closed extends Span {
  /** Null: the whole facility. */
  readonly resourceIds: readonly string[] | null
  readonly reason: string
}

/**
 * SQL, text: the reason of the first closure that touches a span of time of a resource; null when it is open.
 * Both ends are instants in ISO 8601, or expressions of the type timestamptz:
 * `closedFor(tx, tx`f.id`, tx`r.id`, start, end)`.
 */
export const closedFor = (
  sql: Queryable,
  facility: Fragment,
  resource: Fragment,
  start: string | Fragment,
  end: string | Fragment,
) => sql`
  (select c.reason from slotbase.closures c
   where c.facility_id = ${facility} and c.end_at > ${start} and c.start_at < ${end} and ${concerns(sql, resource)}
   order by c.start_at, c.id limit 1)`

/**
 * SQL, jsonb: the closed spans of a resource between two instants, as `[{"start": ms, "end": ms}]`.
 * Both ends are expressions of the type timestamptz.
 */
export const closedSpans = (
  sql: Queryable,
  facility: Fragment,
  resource: Fragment,
  from: Fragment,
  to: Fragment,
) => sql`
  (select coalesce(jsonb_agg(jsonb_build_object('start', round(extract(epoch from c.start_at) * 1000),
                                                'end', round(extract(epoch from c.end_at) * 1000))), '[]')
   from slotbase.closures c
   where c.facility_id = ${facility} and c.end_at > ${from} and c.start_at < ${to} and ${concerns(sql, resource)})`

/** The closures in a facility that touch a span of time, by start. */
export async function closuresIn(db: Queryable, facilityId: string, { start, end }: Span): Promise<readonly Closed[]> {
  const rows = await db<{ start_at: Date; end_at: Date; resource_ids: string[]; whole: boolean; reason: string }[]>`
    select c.start_at, c.end_at, c.whole_facility as whole, c.reason,
           array(select x.resource_id from slotbase.closure_resources x
                 where x.closure_id = c.id and x.facility_id = c.facility_id order by x.resource_id) as resource_ids
    from slotbase.closures c
    where c.facility_id = ${facilityId} and c.end_at > ${new Date(start).toISOString()} and c.start_at < ${new Date(end).toISOString()}
    order by c.start_at, c.id`
  return rows.map(({ start_at, end_at, whole, resource_ids, reason }) => ({
    start: start_at.getTime(),
    end: end_at.getTime(),
    resourceIds: whole ? null : resource_ids,
    reason,
  }))
}

/** Whether a resource is closed at some time of a span. */
export const isClosedAt = (closures: readonly Closed[], resourceId: string, { start, end }: Span): boolean =>
  closures.some(
    (each) =>
      each.start < end && start < each.end && (each.resourceIds === null || each.resourceIds.includes(resourceId)),
  )

const concerns = (sql: Queryable, resource: Fragment) => sql`
  (c.whole_facility or exists (select from slotbase.closure_resources x
                               where x.closure_id = c.id and x.facility_id = c.facility_id and x.resource_id = ${resource}))`
