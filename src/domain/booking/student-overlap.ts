/**
 * A student in two places at one time. A family may mean it, so the club decides: its setting `studentOverlap` allows
 * it, warns, or refuses. Only times in the same facility count. A payer who is no student need not be there.
 */
import * as Schema from "effect/Schema"
import type { Tx } from "#base/database/transaction.ts"
import { type Fault, RuleBroken } from "#base/errors.ts"
import type { Span } from "#base/local-days.ts"
import { Id, Instant } from "#base/schema/fact-fields.ts"

/** Warnings of one answer. */
const maxWarnings = 100

export const StudentElsewhere = Schema.Struct({
  code: Schema.Literal("student_elsewhere"),
  studentId: Id,
  bookingId: Id.annotate({ description: "the other booking, which the student made or takes part in" }),
  sessionId: Schema.NullOr(Id).annotate({ description: "the other session; null: the booking has none" }),
  startAt: Instant,
  endAt: Instant,
}).annotate({ identifier: "StudentElsewhere" })
export type StudentElsewhere = typeof StudentElsewhere.Type

/** The students of a session that is made or moves, and its time. */
export interface Attended {
  readonly facilityId: string
  readonly students: readonly string[]
  readonly span: Span
  /** Its own booking, if there is one already. */
  readonly bookingId?: string
}

/**
 * The warnings about a session, none where the club allows it. Where the club refuses it, sessions of one student are
 * made one after the other, so two at once do not miss each other.
 * @param at the field of the request that is at fault
 * @throws RuleBroken student_elsewhere
 */
export async function checkStudents(
  tx: Tx,
  attended: Attended,
  at: (student: number) => string,
): Promise<readonly StudentElsewhere[]> {
  const { facilityId, students } = attended
  const [, found] = await Promise.all([
    tx`
      select pg_advisory_xact_lock(hashtext('slotbase student'), hashtext(s.id))
      from (select id::text from unnest(${[...students]}::uuid[]) as s (id) order by id offset 0) s
      where (select student_overlap from slotbase.facilities where id = ${facilityId}) = 'refuse'`.execute(),
    elsewhere(tx, attended),
  ])
  const [first] = found
  if (first?.decision !== "refuse") return found.map(toWarning)
  const faults = students.flatMap((id, i): Fault[] =>
    found.some(({ student_id }) => student_id === id) ? [{ path: at(i), message: "is somewhere else then" }] : [],
  )
  const { startAt, endAt } = toWarning(first)
  const message = `A student is somewhere else in the club from ${startAt} to ${endAt}, and the club allows one place at a time.`
  throw new RuleBroken("student_elsewhere", message, faults)
}

interface Row {
  readonly decision: "warn" | "refuse"
  readonly student_id: string
  readonly booking_id: string
  readonly session_id: string | null
  readonly start_at: Date
  readonly end_at: Date
}

const elsewhere = (tx: Tx, { facilityId, students, span, bookingId }: Attended) => {
  const [start, end] = [new Date(span.start).toISOString(), new Date(span.end).toISOString()]
  return tx<Row[]>`
    select f.student_overlap as decision, p.id as student_id, b.id as booking_id, s.id as session_id,
           coalesce(s.start_at, b.start_at) as start_at, coalesce(s.end_at, b.end_at) as end_at
    from slotbase.facilities f
    join slotbase.occupancies o on o.facility_id = f.id and o.during && tstzrange(${start}, ${end})
    join slotbase.bookings b on b.id = o.booking_id and b.facility_id = o.facility_id
    left join slotbase.coach_sessions s on s.booking_id = b.id and s.facility_id = b.facility_id and s.cancelled_at is null
    cross join unnest(${[...students]}::uuid[]) as p (id)
    where f.id = ${facilityId} and f.student_overlap <> 'allow' and b.id is distinct from ${bookingId ?? null}::uuid
      and coalesce(s.start_at, b.start_at) < ${end} and coalesce(s.end_at, b.end_at) > ${start}
      and not (b.status = 'held' and b.hold_expires_at <= (select slotbase.now()))
      and (b.booker_id = p.id and b.booking_type not in ('lesson', 'coach_block', 'maintenance')
           or exists (select from slotbase.booking_participants x
                      where x.booking_id = b.id and x.facility_id = b.facility_id and x.user_id = p.id)
           or exists (select from slotbase.coach_session_students t
                      where t.session_id = s.id and t.facility_id = s.facility_id and t.user_id = p.id))
    order by start_at, booking_id, student_id
    limit ${maxWarnings}`
}

const toWarning = (row: Row): StudentElsewhere => ({
  code: "student_elsewhere",
  studentId: row.student_id,
  bookingId: row.booking_id,
  sessionId: row.session_id,
  startAt: row.start_at.toISOString(),
  endAt: row.end_at.toISOString(),
})
