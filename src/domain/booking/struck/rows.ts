/** Reads the bookings whose time is judged anew. `booking/rows.ts` writes the marks. */
import type { Tx } from "#base/database/transaction.ts"
import { endsAfter } from "#domain/booking/find.ts"
import { longestBookingMinutes } from "#domain/booking/input.ts"
import { strike } from "#domain/booking/rows.ts"
import { closedFor } from "#domain/club/closed.ts"
import type { Judged, StruckBookings } from "./answer.ts"

export const outOfUse = "The resource is out of use"
export const outsideHours = "Outside the opening hours"

export interface StandingSpan {
  readonly start_at: Date
  readonly end_at: Date
}

/** The times at which something is booked, each once. */
export const spansOfStanding = (tx: Tx, judged: Judged) =>
  tx<StandingSpan[]>`select distinct b.start_at, b.end_at from slotbase.bookings b where ${stands(tx, judged)}`

/**
 * Marks bookings whose time is not open, and unmarks those whose time is open. Locks only bookings that change, in the
 * order of their ids. A booking that is moved meanwhile is left as it is: a move asks for an open time.
 * @param outside the times that are outside the opening hours  @param limit of the answered ids
 */
export async function changeStruck(
  tx: Tx,
  judged: Judged,
  outside: readonly StandingSpan[],
  limit: number,
): Promise<StruckBookings> {
  const times = outside.map(({ start_at, end_at }) => ({
    start_at: start_at.toISOString(),
    end_at: end_at.toISOString(),
  }))
  const changed: Parameters<typeof strike>[1] = tx`
    with j as materialized (
      select * from (
        select b.id, b.facility_id, b.resource_id, b.start_at, b.end_at, b.struck_reason,
               coalesce(${closedFor(tx, tx`b.facility_id`, tx`b.resource_id`, tx`b.start_at`, tx`b.end_at`)},
                        case when not r.is_active then ${outOfUse} end,
                        case when o.start_at is not null then ${outsideHours} end) as why
        from slotbase.bookings b
        join slotbase.resources r on r.id = b.resource_id and r.facility_id = b.facility_id
        left join jsonb_to_recordset(${tx.json(times)}) as o (start_at timestamptz, end_at timestamptz)
          on o.start_at = b.start_at and o.end_at = b.end_at
        where ${stands(tx, judged)}
        offset 0
      ) j
      where j.struck_reason is distinct from j.why
    )
    select b.id, b.facility_id, j.why
    from j
    join slotbase.bookings b on b.id = j.id and b.facility_id = j.facility_id
    where b.struck_reason is distinct from j.why and b.status in ('held', 'pending', 'confirmed')
      and b.resource_id = j.resource_id and b.start_at = j.start_at and b.end_at = j.end_at
    order by b.id
    for no key update of b`
  const [row] = await tx<{ count: number; ids: string[] }[]>`
    with struck as (${strike(tx, changed)})
    select (select count(*)::integer from struck where is_new) as count,
           array(select id from struck where is_new order by start_at, id limit ${limit}) as ids`
  return { count: row?.count ?? 0, bookingIds: row?.ids ?? [] }
}

/**
 * Bookings `b` that occupy a time which is not over. Maintenance may be why the club is closed. Indexes order bookings
 * by their start; the longest booking bounds how far back that may be.
 */
const stands = (tx: Tx, { facilityId, resourceIds, span }: Judged) => tx`
  b.facility_id = ${facilityId} and b.status in ('held', 'pending', 'confirmed') and b.booking_type <> 'maintenance'
    and b.end_at > (select slotbase.now())
    and b.start_at > (select slotbase.now()) - make_interval(mins => ${longestBookingMinutes})
    ${resourceIds === undefined ? tx`` : tx`and b.resource_id = any (${[...resourceIds]}::uuid[])`}
    ${span === undefined ? tx`` : tx`and b.start_at < ${new Date(span.end).toISOString()} ${endsAfter(tx, new Date(span.start).toISOString())}`}`
