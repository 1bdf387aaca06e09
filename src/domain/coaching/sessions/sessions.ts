/**
 * Coach sessions, in two kinds:
 * - A lesson has its own booking, and booking.confirmed announces it.
 * - A session inside an approved block shares the block's booking and occupies nothing more. coach.session.scheduled
 *   announces it.
 * `attendance.ts` holds the later commands of a session.
 */
import * as Schema from "effect/Schema"
import { childrenOf, type Member } from "#access/caller.ts"
import { isMemberOf } from "#access/membership.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import type { Hooked } from "#base/hooks.ts"
import { newId } from "#base/ids.ts"
import { requireMovable } from "#base/money.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Instant } from "#base/schema/request-fields.ts"
import { auditPrice, bookPlanned } from "#domain/booking/book.ts"
import { discountedPlan, requireMayDiscount } from "#domain/booking/discount.ts"
import type { BookingInput } from "#domain/booking/input.ts"
import { planTrusted } from "#domain/booking/plan.ts"
import type { BookingPlan } from "#domain/booking/planned.ts"
import { agreedLine, type BookedLine, coachLine, pricedBy } from "#domain/booking/price-lines.ts"
import { checkStudents, type StudentElsewhere } from "#domain/booking/student-overlap.ts"
import { type LockedBlock, lockBlock } from "#domain/coaching/blocks/rows.ts"
import { actingCoach, type Coach } from "#domain/coaching/coaches.ts"
import { parentsOf } from "#domain/people/children/parents.ts"
import { recordScheduled } from "./events.ts"
import { type SessionInput, studentsOf } from "./input.ts"
import { type CoachSession, findSession, findSessions, insertSession, maySeeSession, SessionStatus } from "./rows.ts"

/**
 * Books a lesson and makes its session. Records booking.confirmed.
 * When paid online, the booking is a hold first, and the session pending.
 *
 * @param asked the lesson's booking, as the before hooks left it
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken, SlotTaken, CoachTaken
 */
export async function bookSession(
  tx: Tx,
  member: Member,
  input: SessionInput,
  asked: Hooked<BookingInput>,
): Promise<CoachSession> {
  const { caller, facilityId } = member
  requireMayDiscount(member, input.discount)
  const coach = await actingCoach(tx, member, input.coachId)
  const students = studentsOf(asked.input)
  await requireStudents(tx, member, coach.userId, students)
  await requireMaySell(tx, member, coach, asked.input)
  const plan = await planTrusted(tx, member, asked)
  const warnings = await checkStudents(tx, { facilityId, students, span: plan.span }, pathOfStudent)
  const lines = linesFor(member, coach, plan, input.priceAmount)
  const booking = await bookPlanned(
    tx,
    discountedPlan({ ...plan, ...pricedBy(lines), coachId: coach.userId }, input.discount),
    asked.input.paymentMethod,
  )
  auditPrice(tx, member, booking)
  const id = newId()
  await insertSession(tx, {
    id,
    facilityId,
    bookingId: booking.id,
    coachId: coach.userId,
    sessionType: input.sessionType,
    studentIds: students,
    createdBy: caller.userId,
  })
  return warned(await readSession(tx, facilityId, id), warnings)
}

/**
 * Makes a session inside an approved block, at a time without another session. Records coach.session.scheduled.
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken (outside_block, starts_in_the_past, student_elsewhere)
 * @throws WrongState (block_not_approved, session_overlaps)
 */
export async function addSession(tx: Tx, member: Member, input: SessionInput, blockId: string): Promise<CoachSession> {
  const { caller, facilityId } = member
  const locked = await lockBlock(tx, facilityId, blockId)
  const { block, booking } = locked
  if (block.coach_id !== caller.userId && !member.isStaff) throw new NotFound("coach block", blockId)
  const coach = await actingCoach(tx, member, block.coach_id)
  const students = input.students.map((userId) => userId.toLowerCase())
  await requireStudents(tx, member, coach.userId, students)
  if (block.status !== "approved") {
    throw new WrongState("block_not_approved", `The block is ${block.status}; sessions are held inside approved ones.`)
  }
  const when = timeInside(locked, input)
  const span = { start: when.startAt.getTime(), end: when.endAt.getTime() }
  const warnings = await checkStudents(tx, { facilityId, students, span, bookingId: booking.id }, pathOfStudent)
  const id = newId()
  const inserted = await insertSession(tx, {
    id,
    facilityId,
    bookingId: booking.id,
    coachId: coach.userId,
    sessionType: input.sessionType,
    studentIds: students,
    createdBy: caller.userId,
    inside: { blockId, ...when },
  })
  if (!inserted) throw new WrongState("session_overlaps", "The block has another session at that time.")
  const session = await readSession(tx, facilityId, id)
  recordScheduled(tx, session, blockId)
  return warned(session, warnings)
}

/** A session; see `maySeeSession`. Throws NotFound. */
export async function getSession(db: Queryable, member: Member, sessionId: string): Promise<CoachSession> {
  const { facilityId } = member
  const session = await findSession(db, facilityId, sessionId)
  if (!session || !maySeeSession(member, session)) throw new NotFound("coach session", sessionId)
  return session
}

export const SessionQuery = Schema.Struct({
  ...pageQuery,
  coachId: Schema.optionalKey(Id),
  studentId: Schema.optionalKey(Id),
  status: Schema.optionalKey(SessionStatus),
  from: Schema.optionalKey(Instant).annotateKey({ description: "sessions that end after this instant" }),
  to: Schema.optionalKey(Instant).annotateKey({ description: "sessions that start before this instant" }),
  startsFrom: Schema.optionalKey(Instant).annotateKey({
    description: "sessions that start at this instant or later",
  }),
  startsTo: Schema.optionalKey(Instant).annotateKey({
    description: "sessions that start before this instant, like to",
  }),
})

/** The matching sessions that the caller may see, by start, then id. */
export async function listSessions(
  db: Queryable,
  member: Member,
  query: typeof SessionQuery.Type,
): Promise<Page<CoachSession>> {
  const { caller, facilityId } = member
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Instant, Id]))
  const seenBy = member.isStaff
    ? undefined
    : { coachId: caller.userId, studentIds: [caller.userId, ...childrenOf(member, "view_feedback")] }
  const rows = await findSessions(db, facilityId, { ...query, seenBy, after, limit: limit + 1 })
  return pageOf(
    rows,
    limit,
    (row) => [row.startAt, row.id],
    (row) => row,
  )
}

const pathOfStudent = (i: number) => `body.students.${i}`

const warned = (session: CoachSession, warnings: readonly StudentElsewhere[]): CoachSession =>
  warnings.length === 0 ? session : { ...session, warnings }

/** Students are members of the facility, whoever names them. */
async function requireStudents(
  tx: Tx,
  { facilityId }: Member,
  coachId: string,
  students: readonly string[],
): Promise<void> {
  const rows = await tx<{ id: string }[]>`
    select u.id from slotbase.users u
    join slotbase.facilities f on f.id = ${facilityId}
    where u.id = any (${[...students]}::uuid[]) and u.kind = 'person' and ${isMemberOf(tx, tx`u.id`)}`
  const known = new Set(rows.map(({ id }) => id))
  const faults = students.flatMap((id, i) => {
    if (id === coachId) return [{ path: `body.students.${i}`, message: "is the coach" }]
    return known.has(id) ? [] : [{ path: `body.students.${i}`, message: "names nobody" }]
  })
  if (faults.length > 0) throw new InvalidInput(faults)
}

/**
 * Staff sell to anybody in any way. A coach sells to themself, to their students and the students' parents, and never
 * for free.
 */
async function requireMaySell(tx: Tx, member: Member, coach: Coach, asked: BookingInput): Promise<void> {
  if (member.isStaff) return
  if (asked.paymentMethod === "waived") throw new NotAllowed("Waiving the price is for staff and API keys.")
  const bookerId = (asked.bookerId ?? coach.userId).toLowerCase()
  const students = studentsOf(asked)
  if (bookerId === coach.userId || students.includes(bookerId)) return
  const parents = await parentsOf(tx, member.facilityId, students)
  if (![...parents.values()].some((ids) => ids.includes(bookerId))) {
    throw new NotAllowed("A coach books for themself, a student or a student's parent.")
  }
}

/** The court's time and the coach's, or the amount that was stated for both. */
function linesFor(member: Member, coach: Coach, plan: BookingPlan, stated: number | undefined): readonly BookedLine[] {
  const { lines, price, span, currency } = plan
  const { name, hourlyRate } = coach
  const minutes = (span.end - span.start) / 60_000
  if (stated === undefined) return hourlyRate ? [...lines, coachLine({ name, hourlyRate }, minutes, plan)] : lines
  requireMovable(stated, currency, "body.priceAmount")
  if (stated < price && !member.isStaff) {
    throw new RuleBroken("price_below_resource", `The resource alone costs ${price}; only staff may go below it.`, [
      { path: "body.priceAmount", message: `must be at least ${price}` },
    ])
  }
  return [agreedLine(stated, minutes, plan)]
}

function timeInside({ block, booking }: LockedBlock, input: SessionInput): { startAt: Date; endAt: Date } {
  const startAt = input.startAt === undefined ? block.start_at : new Date(input.startAt)
  const endAt = input.endAt === undefined ? block.end_at : new Date(input.endAt)
  if (startAt < block.start_at || endAt > block.end_at) {
    const [from, to] = [block.start_at.toISOString(), block.end_at.toISOString()]
    throw new RuleBroken("outside_block", `The block lasts from ${from} to ${to}.`, [
      { path: startAt < block.start_at ? "body.startAt" : "body.endAt", message: "must be inside the block" },
    ])
  }
  if (startAt < booking.now) {
    throw new RuleBroken("starts_in_the_past", "The time has begun already; choose one that starts in the future.", [
      { path: "body.startAt", message: "is in the past" },
    ])
  }
  return { startAt, endAt }
}

async function readSession(tx: Tx, facilityId: string, sessionId: string): Promise<CoachSession> {
  const session = await findSession(tx, facilityId, sessionId)
  if (!session) throw new NotFound("coach session", sessionId)
  return session
}
