/**
 * The time of coaches. A lesson or a block takes its coach's time together with its resource. The constraint
 * coach_in_one_place decides, never a check before. A coach is one person, so the rule holds across facilities.
 * The row leaves with its occupancy, by its foreign key: whatever frees the slot frees the coach.
 * A calendar of the coach outside takes time by slotbase.take_busy().
 * Writes: coach_occupancies.
 */
import type { Tx } from "#base/database/transaction.ts"
import type { CoachConflict } from "#base/errors.ts"
import type { Span } from "#base/local-days.ts"
import type { BookingRow } from "./booking-row.ts"

type Lesson = Pick<BookingRow, "id" | "facility_id" | "start_at" | "end_at">

/**
 * Whoever takes a coach's time takes this lock before the resource. Otherwise one transaction could have the resource
 * and wait for the coach, while another one has the coach and waits for the resource.
 */
export const lockCoach = (tx: Tx, coachId: string) =>
  tx`select pg_advisory_xact_lock(hashtext('slotbase coach'), hashtext(${coachId}))`

/** Takes the coach's time for a booking that occupies its resource. False when it does not, or the coach is busy. */
export async function takeCoach(tx: Tx, { id, facility_id, start_at, end_at }: Lesson, coachId: string) {
  const [start, end] = [start_at.toISOString(), end_at.toISOString()]
  const rows = await tx`
    insert into slotbase.coach_occupancies (booking_id, facility_id, coach_id, during)
    select o.booking_id, o.facility_id, ${coachId}::uuid, tstzrange(${start}, ${end})
    from slotbase.occupancies o where o.booking_id = ${id} and o.facility_id = ${facility_id}
    on conflict do nothing
    returning booking_id`
  return rows.length > 0
}

/** The coach of a lesson with a booking of its own. Asks the database only about bookings of the type lesson. */
export async function coachOf(
  tx: Tx,
  { id, facility_id, booking_type }: Pick<BookingRow, "id" | "facility_id" | "booking_type">,
): Promise<string | undefined> {
  if (booking_type !== "lesson") return undefined
  const [row] = await tx<{ coach_id: string }[]>`
    select coach_id from slotbase.coach_sessions
    where booking_id = ${id} and facility_id = ${facility_id} and block_id is null`
  return row?.coach_id
}

/** Whether another lesson or block has the coach of a lesson that occupies nothing now. */
export async function isCoachTaken(tx: Tx, booking: BookingRow): Promise<boolean> {
  const coachId = await coachOf(tx, booking)
  if (coachId === undefined) return false
  const [start, end] = [booking.start_at.toISOString(), booking.end_at.toISOString()]
  return (await engagementsOf(tx, coachId, start, end)).some((each) => !each.expired)
}

/** A time that the coach has taken, in any facility. */
export interface Engagement extends Span {
  readonly facility_id: string
  /** Null: a calendar of the coach outside says that the coach is busy. */
  readonly resource_id: string | null
  readonly status: string
  /** An expired hold, which blocks nobody. */
  readonly expired: boolean
}

/** The coach's engagements between two instants, by their start. */
export const engagementsOf = (tx: Tx, coachId: string, from: string, to: string) => tx<Engagement[]>`
  select c.facility_id, b.resource_id, coalesce(b.status, 'busy') as status,
         coalesce(b.status = 'held' and b.hold_expires_at <= (select slotbase.now()), false) as expired,
         (extract(epoch from lower(c.during)) * 1000)::float8 as start,
         (extract(epoch from upper(c.during)) * 1000)::float8 as end
  from slotbase.coach_occupancies c
  left join slotbase.bookings b on b.id = c.booking_id and b.facility_id = c.facility_id
  where c.coach_id = ${coachId} and c.during && tstzrange(${from}, ${to})
  order by c.during, c.booking_id`

/**
 * What a caller of the facility may know of the engagements in the way. Another facility's times, names and ids are
 * not among it, and nothing of the coach's own calendar.
 */
export const coachConflicts = (inTheWay: readonly Engagement[], facilityId: string): CoachConflict[] =>
  inTheWay.flatMap(({ facility_id, resource_id, start, end, status }) =>
    facility_id !== facilityId || resource_id === null
      ? []
      : {
          resourceId: resource_id,
          startAt: new Date(start).toISOString(),
          endAt: new Date(end).toISOString(),
          status,
        },
  )
