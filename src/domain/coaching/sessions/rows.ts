/**
 * The rows of coach sessions with their students, read with the session's booking.
 * A session's status follows from its booking's. Two statuses are its own: completed, and cancelled inside a block.
 * Writes: coach_sessions, coach_session_students.
 */
import * as Schema from "effect/Schema"
import { type Member, mayActFor } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { Id, Instant } from "#base/schema/fact-fields.ts"
import type { LockedBooking } from "#domain/booking/booking-row.ts"
import { endsAfter, lockBooking } from "#domain/booking/find.ts"
import { StudentElsewhere } from "#domain/booking/student-overlap.ts"

/** `pending`: its booking waits for payment or approval. `missed`: its booking is a no-show. */
export const SessionStatus = Schema.Literals(["pending", "scheduled", "completed", "missed", "cancelled"])

export const CoachSession = Schema.Struct({
  id: Id,
  facilityId: Id,
  bookingId: Id.annotate({ description: "a lesson of its own, or the booking of the block" }),
  blockId: Schema.NullOr(Id).annotate({ description: "the coach block inside which it is held" }),
  coachId: Id,
  coachName: Schema.String,
  resourceId: Id,
  resourceName: Schema.String,
  sessionType: Schema.String,
  status: SessionStatus,
  students: Schema.Array(
    Schema.Struct({
      userId: Id,
      name: Schema.String,
      attended: Schema.NullOr(Schema.Boolean).annotate({ description: "null: nobody has said yet" }),
    }),
  ),
  startAt: Instant,
  endAt: Instant,
  timezone: Schema.String,
  completedAt: Schema.NullOr(Instant),
  completedBy: Schema.NullOr(Id),
  createdAt: Instant,
  warnings: Schema.optionalKey(Schema.Array(StudentElsewhere)).annotateKey({
    description: "only in the answer that makes the session: its students who are somewhere else in the club then",
  }),
}).annotate({ identifier: "CoachSession" })
export type CoachSession = typeof CoachSession.Type

/** A session as people see it; undefined when there is none. `maySeeSession` decides about the reader. */
export async function findSession(
  db: Queryable,
  facilityId: string,
  sessionId: string,
): Promise<CoachSession | undefined> {
  const [row] = await db<SessionRow[]>`${sessions(db)} where s.id = ${sessionId} and s.facility_id = ${facilityId}`
  return row && toSession(row)
}

/** Staff, the coach, the students, and parents who may see a student's feedback. */
export const maySeeSession = (member: Member, session: CoachSession): boolean =>
  mayHoldSession(member, session) || session.students.some(({ userId }) => mayActFor(member, userId, "view_feedback"))

/** Staff and the coach decide about attendance, completion and cancellation. */
export const mayHoldSession = ({ caller, isStaff }: Member, { coachId }: CoachSession): boolean =>
  coachId === caller.userId || isStaff

/** A session with its booking locked: neither can change any more. */
export interface LockedSession {
  readonly session: CoachSession
  readonly booking: LockedBooking
}

/** Throws NotFound. */
export async function lockSession(tx: Tx, facilityId: string, sessionId: string): Promise<LockedSession> {
  const [place] = await tx<{ booking_id: string }[]>`
    select booking_id from slotbase.coach_sessions where id = ${sessionId} and facility_id = ${facilityId}`
  if (!place) throw new NotFound("coach session", sessionId)
  const booking = await lockBooking(tx, facilityId, place.booking_id)
  const session = await findSession(tx, facilityId, sessionId)
  if (!session) throw new NotFound("coach session", sessionId)
  return { session, booking }
}

export interface NewSession {
  readonly id: string
  readonly facilityId: string
  readonly bookingId: string
  readonly coachId: string
  readonly sessionType: string
  readonly studentIds: readonly string[]
  readonly createdBy: string
  /** The block and the time of a session inside a block. */
  readonly inside?: { readonly blockId: string; readonly startAt: Date; readonly endAt: Date }
}

/** False when another session of the block is held at that time: the constraint decides. */
export async function insertSession(tx: Tx, { inside, ...session }: NewSession): Promise<boolean> {
  const { count } = await tx`
    with held as (
      insert into slotbase.coach_sessions (id, facility_id, booking_id, block_id, coach_id, session_type, start_at, end_at, created_by)
      values (${session.id}, ${session.facilityId}, ${session.bookingId}, ${inside?.blockId ?? null}, ${session.coachId},
              ${session.sessionType}, ${inside?.startAt ?? null}, ${inside?.endAt ?? null}, ${session.createdBy})
      on conflict do nothing
      returning id, facility_id
    )
    insert into slotbase.coach_session_students (session_id, facility_id, user_id)
    select h.id, h.facility_id, student from held h cross join unnest(${[...session.studentIds]}::uuid[]) as student`
  return count > 0
}

/** Stores the attendance of the named students; the others stay as they are. */
export async function keepAttendance(
  tx: Tx,
  { id, facilityId }: CoachSession,
  attendance: readonly { readonly userId: string; readonly attended: boolean }[],
): Promise<void> {
  const named = attendance.map(({ userId }) => userId)
  const came = attendance.filter(({ attended }) => attended).map(({ userId }) => userId)
  await tx`
    update slotbase.coach_session_students set attended = user_id = any (${came}::uuid[])
    where session_id = ${id} and facility_id = ${facilityId} and user_id = any (${named}::uuid[])`
}

export async function markCompleted(tx: Tx, { id, facilityId }: CoachSession, at: Date, by: string): Promise<void> {
  await tx`
    update slotbase.coach_sessions set completed_at = ${at}, completed_by = ${by}
    where id = ${id} and facility_id = ${facilityId}`
}

/** The session is as it was before its completion. */
export async function unmarkCompleted(tx: Tx, { id, facilityId }: CoachSession): Promise<void> {
  await tx`
    update slotbase.coach_sessions set completed_at = null, completed_by = null
    where id = ${id} and facility_id = ${facilityId}`
}

export async function markCancelled(
  tx: Tx,
  { id, facilityId }: CoachSession,
  at: Date,
  by: string,
  reason: string,
): Promise<void> {
  await tx`
    update slotbase.coach_sessions set cancelled_at = ${at}, cancelled_by = ${by}, cancellation_reason = ${reason}
    where id = ${id} and facility_id = ${facilityId}`
}

/** Moves the sessions inside a block, which have times of their own, with the block's booking. */
export async function shiftSessions(tx: Tx, booking: LockedBooking, ms: number): Promise<void> {
  await tx`
    update slotbase.coach_sessions
    set start_at = start_at + make_interval(secs => ${ms / 1_000}), end_at = end_at + make_interval(secs => ${ms / 1_000})
    where booking_id = ${booking.id} and facility_id = ${booking.facility_id} and start_at is not null`
}

/** The number of sessions of a booking that are neither completed nor cancelled. */
export async function countOpen(tx: Tx, facilityId: string, bookingId: string): Promise<number> {
  const [row] = await tx<[{ count: number }]>`
    select count(*)::integer as count from slotbase.coach_sessions
    where booking_id = ${bookingId} and facility_id = ${facilityId} and completed_at is null and cancelled_at is null`
  return row.count
}

export interface SessionFilter {
  /** The sessions that the reader may see: the reader is the coach, or these are students. Undefined: all. */
  readonly seenBy: { readonly coachId: string; readonly studentIds: readonly string[] } | undefined
  readonly coachId?: string
  readonly studentId?: string
  readonly status?: CoachSession["status"]
  /** Sessions that end after this instant … */
  readonly from?: string
  /** … and start before this one. */
  readonly to?: string
  /** Sessions that start at this instant or later … */
  readonly startsFrom?: string
  /** … and before this one. */
  readonly startsTo?: string
  /** Start and id of the last session of the page before. */
  readonly after: readonly [string, string] | undefined
  readonly limit: number
}

/** Sessions of a facility by start, then id. */
export async function findSessions(
  db: Queryable,
  facilityId: string,
  filter: SessionFilter,
): Promise<readonly CoachSession[]> {
  const { seenBy, coachId, studentId, status, from, to, startsFrom, startsTo, after, limit } = filter
  const none = db``
  const taught = (ids: readonly string[]) => db`
    exists (select from slotbase.coach_session_students t
            where t.session_id = s.id and t.facility_id = s.facility_id and t.user_id = any (${[...ids]}::uuid[]))`
  const rows = await db<SessionRow[]>`
    ${sessions(db)}
    where s.facility_id = ${facilityId}
      ${seenBy === undefined ? none : db`and (s.coach_id = ${seenBy.coachId} or ${taught(seenBy.studentIds)})`}
      ${coachId === undefined ? none : db`and s.coach_id = ${coachId}`}
      ${studentId === undefined ? none : db`and ${taught([studentId])}`}
      ${status === undefined ? none : db`and ${statusOf(db)} = ${status}`}
      ${from === undefined ? none : db`and coalesce(s.end_at, b.end_at) > ${from} ${endsAfter(db, from)}`}
      ${to === undefined ? none : db`and coalesce(s.start_at, b.start_at) < ${to} and b.start_at < ${to}`}
      ${startsFrom === undefined ? none : db`and coalesce(s.start_at, b.start_at) >= ${startsFrom}`}
      ${startsTo === undefined ? none : db`and coalesce(s.start_at, b.start_at) < ${startsTo}`}
      ${after === undefined ? none : db`and (coalesce(s.start_at, b.start_at), s.id) > (${after[0]}, ${after[1]})`}
    order by coalesce(s.start_at, b.start_at), s.id
    limit ${limit}`
  return rows.map(toSession)
}

interface SessionRow extends Omit<CoachSession, "startAt" | "endAt" | "completedAt" | "createdAt" | "warnings"> {
  readonly startAt: Date
  readonly endAt: Date
  readonly completedAt: Date | null
  readonly createdAt: Date
}

const toSession = (row: SessionRow): CoachSession => ({
  ...row,
  startAt: row.startAt.toISOString(),
  endAt: row.endAt.toISOString(),
  completedAt: row.completedAt?.toISOString() ?? null,
  createdAt: row.createdAt.toISOString(),
})

const statusOf = (sql: Queryable) => sql`
  case when s.completed_at is not null then 'completed'
       when s.cancelled_at is not null then 'cancelled'
       when b.status = 'pending' and b.start_at > (select slotbase.now()) or b.status = 'held' and b.hold_expires_at > (select slotbase.now()) then 'pending'
       when b.status in ('confirmed', 'checked_in', 'completed') then 'scheduled'
       when b.status = 'no_show' then 'missed'
       else 'cancelled' end`

const sessions = (sql: Queryable) => sql`
  select s.id, s.facility_id as "facilityId", s.booking_id as "bookingId", s.block_id as "blockId", s.coach_id as "coachId",
         u.first_name || ' ' || u.last_name as "coachName", b.resource_id as "resourceId", r.name as "resourceName",
         s.session_type as "sessionType", ${statusOf(sql)} as status,
         (select coalesce(jsonb_agg(jsonb_build_object('userId', t.user_id, 'name', w.first_name || ' ' || w.last_name,
                                                       'attended', t.attended) order by t.user_id), '[]')
          from slotbase.coach_session_students t join slotbase.users w on w.id = t.user_id
          where t.session_id = s.id and t.facility_id = s.facility_id) as students,
         coalesce(s.start_at, b.start_at) as "startAt", coalesce(s.end_at, b.end_at) as "endAt", f.timezone,
         s.completed_at as "completedAt", s.completed_by as "completedBy", s.created_at as "createdAt"
  from slotbase.coach_sessions s
  join slotbase.bookings b on b.id = s.booking_id and b.facility_id = s.facility_id
  join slotbase.resources r on r.id = b.resource_id and r.facility_id = b.facility_id
  join slotbase.facilities f on f.id = s.facility_id
  join slotbase.users u on u.id = s.coach_id`
