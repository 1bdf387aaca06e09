/** Coach sessions: lessons with students, their attendance and their completion. */
import { Elysia } from "elysia"
import { type Caller, requireMember } from "#access/caller.ts"
import type { Hooked } from "#base/hooks.ts"
import { runBeforeHooks } from "#domain/booking/hooks.ts"
import { BookingInput, UndoInput } from "#domain/booking/input.ts"
import { requireMayCoach } from "#domain/coaching/coaches.ts"
import {
  cancelSession,
  completeSession,
  recordAttendance,
  undoSessionCompletion,
} from "#domain/coaching/sessions/attendance.ts"
import {
  AttendanceInput,
  bookingOfSession,
  CancelSessionInput,
  CompleteInput,
  LessonBooking,
  SessionInput,
} from "#domain/coaching/sessions/input.ts"
import { CoachSession } from "#domain/coaching/sessions/rows.ts"
import { addSession, bookSession, getSession, listSessions, SessionQuery } from "#domain/coaching/sessions/sessions.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Coaches"

export const coachSessionRoutes = (app: App) =>
  new Elysia({ name: "coach-sessions" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/coach-sessions",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const wanted = input(SessionInput, body)
        const { blockId } = wanted
        if (blockId !== undefined) {
          return command((tx) => addSession(tx, member, wanted, blockId.toLowerCase()), { status: 201 })
        }
        requireMayCoach(member, wanted.coachId)
        const booker = wanted.bookerId ?? wanted.coachId ?? member.caller.userId
        const booking = input(BookingInput, bookingOfSession(wanted, booker))
        return command((tx, asked: Hooked<BookingInput>) => bookSession(tx, member, wanted, asked), {
          status: 201,
          before: () =>
            runBeforeHooks(app.hooks, member, booking, (changed) => input(BookingInput, input(LessonBooking, changed))),
        })
      },
      described({
        tag,
        summary: "Make a coach session",
        description:
          "For coaches, and for staff and API keys on behalf of one. Without a `blockId` it books a lesson: `booking.confirmed`, or first a hold when it is paid `online`. The price is the resource's and the coach's rate, unless `priceAmount` says another. With a `blockId` the session takes place inside the coach's approved block, at a time of its own. The block's booking is then its booking, and `coach.session.scheduled` announces the session.",
        body: SessionInput,
        answer: CoachSession,
        status: 201,
        events: ["booking.confirmed", "coach.session.scheduled"],
        problems: [409],
      }),
    )
    .get(
      "/v1/facilities/:facilityId/coach-sessions",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listSessions(app.db, member, input(SessionQuery, query))
      },
      described({
        tag,
        summary: "List coach sessions by their start",
        description: "Coaches and students see theirs, parents who may see feedback their children's, staff all.",
        query: SessionQuery,
        answer: listOf(CoachSession),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/coach-sessions/:sessionId",
      async ({ caller, params }) => {
        const { member, sessionId } = addressed(await caller(), params)
        return getSession(app.db, member, sessionId)
      },
      described({
        tag,
        summary: "Read a coach session",
        description: "Coaches and students see theirs, parents who may see feedback their children's, staff all.",
        answer: CoachSession,
      }),
    )
    .patch(
      "/v1/facilities/:facilityId/coach-sessions/:sessionId",
      async ({ command, caller, input, body, params }) => {
        const { member, sessionId } = addressed(await caller(), params)
        const attendance = input(AttendanceInput, body)
        return command((tx) => recordAttendance(tx, member, sessionId, attendance))
      },
      described({
        tag,
        summary: "Record the attendance of a coach session",
        description: "Its coach or staff, from its start until it is completed. Students not named stay as they are.",
        body: AttendanceInput,
        answer: CoachSession,
        problems: [409],
        audited: { action: "coach_session.attendance_changed", by: "staff" },
      }),
    )
    .post(
      "/v1/facilities/:facilityId/coach-sessions/:sessionId/complete",
      async ({ command, caller, input, body, params }) => {
        const { member, sessionId } = addressed(await caller(), params)
        const came = input(CompleteInput, body)
        return command((tx) => completeSession(tx, member, sessionId, came))
      },
      described({
        tag,
        summary: "Complete a coach session",
        description:
          "Its coach or staff, after its start, once. It completes the booking too, unless that is complete already; the booking of a block with the last of its sessions.",
        body: CompleteInput,
        answer: CoachSession,
        events: ["coach.session.completed", "booking.completed"],
        problems: [409],
        audited: { action: "coach_session.completed", by: "staff" },
      }),
    )
    .post(
      "/v1/facilities/:facilityId/coach-sessions/:sessionId/complete/undo",
      async ({ command, caller, input, body, params }) => {
        const { member, sessionId } = addressed(await caller(), params)
        const why = input(UndoInput, body)
        return command((tx) => undoSessionCompletion(tx, member, sessionId, why))
      },
      described({
        tag,
        summary: "Undo the completion of a coach session that was a mistake",
        description:
          "For staff. The session is scheduled again, its attendance may be changed, and a booking that was completed with it is open again.",
        body: UndoInput,
        answer: CoachSession,
        events: ["coach.session.completion.undone", "booking.completion.undone"],
        problems: [409],
        audited: "coach_session.completion_undone",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/coach-sessions/:sessionId/cancel",
      async ({ command, caller, input, body, params }) => {
        const { member, sessionId } = addressed(await caller(), params)
        const why = input(CancelSessionInput, body)
        return command((tx) => cancelSession(tx, member, sessionId, why))
      },
      described({
        tag,
        summary: "Cancel a coach session",
        description:
          "Its coach until it starts, staff also later. A lesson's booking is cancelled and refunded whole (`booking.cancelled`); inside a block only the session is (`coach.session.cancelled`).",
        body: CancelSessionInput,
        answer: CoachSession,
        events: ["booking.cancelled", "coach.session.cancelled"],
        problems: [409],
        audited: { action: "coach_session.cancelled", by: "staff" },
      }),
    )

/** A stranger learns nothing about a session, not even whether the body is right. */
function addressed(who: Caller, params: { readonly facilityId: string; readonly sessionId: string }) {
  const member = requireMember(who, facilityIdOf(params.facilityId))
  return { member, sessionId: idOf(params.sessionId, "coach session") }
}
