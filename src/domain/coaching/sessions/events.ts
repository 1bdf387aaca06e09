/** The events of coach sessions: each event's data, from the session as it is read. */
import type { Tx } from "#base/database/transaction.ts"
import { record } from "#events/outbox.ts"
import type { CoachSession } from "./rows.ts"

/** @param parents the parents to notify, by student; @param attended the ids of the students who came */
export function recordCompletedSession(
  tx: Tx,
  session: CoachSession,
  parents: ReadonlyMap<string, readonly string[]>,
  attended: readonly string[],
): string {
  const { id, facilityId, bookingId, coachId, coachName, sessionType, startAt, endAt } = session
  return record(tx, {
    type: "coach.session.completed",
    facilityId,
    data: {
      sessionId: id,
      bookingId,
      coachId,
      coachName,
      facilityId,
      sessionType,
      students: session.students.map(({ userId, name }) => ({
        userId,
        name,
        parentIds: [...(parents.get(userId) ?? [])],
      })),
      startAt,
      endAt,
      attendedStudents: [...attended],
    },
    about: aboutOf(session),
  })
}

export function recordSessionCompletionUndone(
  tx: Tx,
  session: CoachSession,
  { by, at, reason }: { by: string; at: Date; reason: string },
): string {
  const { id, facilityId, bookingId, coachId, startAt, endAt } = session
  return record(tx, {
    type: "coach.session.completion.undone",
    facilityId,
    data: {
      sessionId: id,
      bookingId,
      coachId,
      facilityId,
      students: session.students.map(({ userId }) => userId),
      startAt,
      endAt,
      undoneBy: by,
      undoneAt: at.toISOString(),
      reason,
    },
    about: aboutOf(session),
  })
}

/** For a session inside a block. */
export function recordScheduled(tx: Tx, session: CoachSession, blockId: string): string {
  const { id, facilityId, bookingId, coachId, coachName, resourceId, resourceName, sessionType, startAt, endAt } =
    session
  return record(tx, {
    type: "coach.session.scheduled",
    facilityId,
    data: {
      sessionId: id,
      bookingId,
      blockId,
      coachId,
      coachName,
      facilityId,
      resourceId,
      resourceName,
      sessionType,
      students: session.students.map(({ userId, name }) => ({ userId, name })),
      startAt,
      endAt,
    },
    about: aboutOf(session),
  })
}

/** For a session inside a block, which stays. */
export function recordSessionCancelled(
  tx: Tx,
  session: CoachSession,
  { blockId, by, at, reason }: { blockId: string; by: string; at: Date; reason: string },
): string {
  const { id, facilityId, bookingId, coachId, resourceId, startAt, endAt } = session
  return record(tx, {
    type: "coach.session.cancelled",
    facilityId,
    data: {
      sessionId: id,
      bookingId,
      blockId,
      coachId,
      facilityId,
      resourceId,
      students: session.students.map(({ userId }) => userId),
      startAt,
      endAt,
      cancelledBy: by,
      cancelledAt: at.toISOString(),
      cancellationReason: reason,
    },
    about: aboutOf(session),
  })
}

/** The facts for webhook filters. The type is that of the session's booking. */
const aboutOf = ({ resourceId, blockId }: CoachSession) => ({
  resourceId,
  bookingType: blockId === null ? "lesson" : "coach_block",
})
