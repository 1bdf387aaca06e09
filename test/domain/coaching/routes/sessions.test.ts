// Coach sessions over HTTP: lessons with their bookings, attendance, the events of completing, and races. Sessions
// inside blocks, and the rights to sessions, are in sessions-in-blocks.test.ts.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import {
  aChild,
  aLesson,
  type Body,
  type CoachClub,
  makeCoachClub,
  outcome,
  recordedBy,
} from "#test/harness/api/coach-api.ts"
import { atMinuteOf, eventsOf, isOccupied } from "#test/harness/club/bookings.ts"
import type { Person } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"

let club: CoachClub
let hour = 0
beforeAll(async () => {
  club = await makeCoachClub()
  await club.put(club.coach, `/coaches/${club.coach.id}`, { sports: ["tennis"], hourlyRate: 4000 })
  await aChild(club, club.parent, club.student, ["view_feedback"])
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour++
})

const make = (more: Body = {}, by: Person = club.coach) => club.post(by, "/coach-sessions", aLesson(club, hour, more))
const made = async (more: Body = {}) => (await make(more)).body
const complete = (id: string, body: Body = {}, by: Person = club.coach) =>
  club.post(by, `/coach-sessions/${id}/complete`, body)
const cancel = (id: string, by: Person = club.coach) =>
  club.post(by, `/coach-sessions/${id}/cancel`, { cancellationReason: "The coach is ill." })
const read = async (id: string, by: Person = club.coach) => (await club.get(by, `/coach-sessions/${id}`)).body
/** This many minutes after the start of this test's hour. */
const later = <T>(minutes: number, work: () => Promise<T>) => atMinuteOf(club.db, hour, minutes, work)
const typesOf = async (answer: Awaited<ReturnType<typeof make>>) =>
  (await recordedBy(club, answer)).map((event) => event?.type)
const booking = async (id: string) => (await club.get(club.staff, `/bookings/${id}`)).body

describe("a lesson", () => {
  test("is a booking with its students, at the price of the court and the coach", async () => {
    const answer = await make({ students: [club.friend.id, club.student.id], bookerId: club.student.id })
    expect(answer.status).toBe(201)
    const session = answer.body
    const students = [club.student.id, club.friend.id].sort()
    expect(session).toEqual({
      id: session.id,
      facilityId: club.id,
      bookingId: session.bookingId,
      blockId: null,
      coachId: club.coach.id,
      coachName: "Mia Keller",
      resourceId: club.court,
      resourceName: "Court 1",
      sessionType: "private",
      status: "scheduled",
      students: students.map((userId) => ({ userId, name: "Mia Keller", attended: null })),
      ...atHour(hour),
      timezone: "UTC",
      completedAt: null,
      completedBy: null,
      createdAt: session.createdAt,
    })
    const [confirmed, ...others] = await recordedBy(club, answer)
    expect(others).toEqual([])
    expect(confirmed).toMatchObject({
      type: "booking.confirmed",
      resource_id: club.court,
      booking_type: "lesson",
      data: {
        bookingId: session.bookingId,
        bookerId: club.student.id,
        participants: students.map((userId) => ({ userId, name: "Mia Keller", role: "student" })),
        ...atHour(hour),
        bookingType: "lesson",
        priceAmount: 2400 + 4000,
        priceCurrency: "EUR",
        paymentMethod: "offline",
        isRecurring: false,
      },
    })
  })

  test("is the coach's booking unless another booker is named, at the stated price", async () => {
    const coachs = await made({ priceAmount: 2400 })
    expect(await booking(coachs.bookingId)).toMatchObject({ bookerId: club.coach.id, priceAmount: 2400 })
    hour++
    const staffs = await make({ coachId: club.otherCoach.id, paymentMethod: "waived", priceAmount: 0 }, club.staff)
    expect(staffs.body).toMatchObject({ coachId: club.otherCoach.id, status: "scheduled" })
    expect(await booking(staffs.body.bookingId)).toMatchObject({
      bookerId: club.otherCoach.id,
      paymentMethod: "waived",
    })
    hour++
    const parents = await make({ bookerId: club.parent.id })
    expect(await booking(parents.body.bookingId)).toMatchObject({ bookerId: club.parent.id, priceAmount: 6400 })
    hour++
    const outcomes = await Promise.all([
      make({ paymentMethod: "waived" }),
      make({ priceAmount: 2399 }),
      make({ bookerId: club.friend.id }),
    ])
    expect(outcomes.map(outcome)).toEqual(["403 not_allowed", "422 price_below_resource", "403 not_allowed"])
  })

  test("paid online it waits for the payment", async () => {
    const answer = await make({ paymentMethod: "online" })
    expect(answer.body.status).toBe("pending")
    expect(await typesOf(answer)).toEqual(["booking.hold.created"])
    expect(await booking(answer.body.bookingId)).toMatchObject({ status: "held", priceAmount: 6400 })
    expect(outcome(await complete(answer.body.id))).toBe("409 session_not_scheduled")
  })

  test("is cancelled with its booking, also by a coach that is not the booker", async () => {
    const one = await made({ bookerId: club.student.id })
    hour++
    const two = await made({ bookerId: club.student.id })
    await club.post(club.student, `/bookings/${one.bookingId}/cancel`, { cancellationReason: "ill" })
    expect((await read(one.id)).status).toBe("cancelled")
    expect(outcome(await complete(one.id))).toBe("409 session_not_scheduled")
    const answer = await cancel(two.id)
    expect(answer.body.status).toBe("cancelled")
    const [cancelled, ...others] = await recordedBy(club, answer)
    expect(others).toEqual([])
    expect(cancelled).toMatchObject({
      type: "booking.cancelled",
      data: { bookingId: two.bookingId, cancelledBy: club.coach.id, cancellationReason: "The coach is ill." },
    })
    expect(await isOccupied(club.db, two.bookingId)).toBe(false)
  })
})

describe("completing", () => {
  test("records attendance and the parents to notify, and completes the booking as a coaching session", async () => {
    const students = [club.student.id, club.friend.id].sort()
    const session = await made({ students })
    expect(outcome(await complete(session.id))).toBe("409 session_not_started")
    const answer = await later(30, () => complete(session.id, { attendedStudents: [club.student.id.toUpperCase()] }))
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      ...session,
      status: "completed",
      completedAt: answer.body.completedAt,
      completedBy: club.coach.id,
      students: session.students.map((each: { userId: string }) => ({
        ...each,
        attended: each.userId === club.student.id,
      })),
    })
    expect(await recordedBy(club, answer)).toEqual([
      {
        type: "coach.session.completed",
        resource_id: club.court,
        booking_type: "lesson",
        data: {
          sessionId: session.id,
          bookingId: session.bookingId,
          coachId: club.coach.id,
          coachName: "Mia Keller",
          facilityId: club.id,
          sessionType: "private",
          students: students.map((userId) => ({
            userId,
            name: "Mia Keller",
            parentIds: userId === club.student.id ? [club.parent.id] : [],
          })),
          ...atHour(hour),
          attendedStudents: [club.student.id],
        },
      },
      {
        type: "booking.completed",
        resource_id: club.court,
        booking_type: "lesson",
        data: {
          bookingId: session.bookingId,
          facilityId: club.id,
          resourceId: club.court,
          bookerId: club.coach.id,
          participants: students,
          ...atHour(hour),
          actualDuration: 30,
          wasCoachingSession: true,
          coachingSessionId: session.id,
        },
      },
    ])
    expect(outcome(await complete(session.id))).toBe("409 session_not_scheduled")
  })

  test("is undone by staff with the booking that it completed, and may be done again", async () => {
    const session = await made()
    const undo = (by: Person, id = session.id) =>
      club.post(by, `/coach-sessions/${id}/complete/undo`, { reason: "Other" })
    expect(outcome(await undo(club.staff))).toBe("409 session_not_completed")
    await later(30, async () => {
      await complete(session.id, { attendedStudents: [club.student.id] })
      expect(outcome(await undo(club.coach))).toBe("403 not_allowed")
      const ofBooking = `/bookings/${session.bookingId}/complete/undo`
      expect(outcome(await club.post(club.staff, ofBooking, { reason: "x" }))).toBe("409 session_completed")
      const answer = await undo(club.staff)
      expect(answer.body).toMatchObject({ status: "scheduled", completedAt: null, completedBy: null })
      expect((await recordedBy(club, answer)).map((event) => event?.type)).toEqual([
        "coach.session.completion.undone",
        "booking.completion.undone",
      ])
      expect((await booking(session.bookingId)).status).toBe("confirmed")
      expect(outcome(await complete(session.id))).toBe(200)
      expect((await booking(session.bookingId)).status).toBe("completed")
    })
  })

  test("happens once for two requests at once", async () => {
    const session = await made()
    const answers = await later(10, () => Promise.all([complete(session.id), complete(session.id, {}, club.staff)]))
    expect(answers.map(outcome).sort()).toEqual([200, "409 session_not_scheduled"])
    expect((await eventsOf(club.db, session.id)).map(({ type }) => type)).toEqual(["coach.session.completed"])
    const ofBooking = (await eventsOf(club.db, session.bookingId)).map(({ type }) => type)
    expect(ofBooking).toEqual(["booking.confirmed", "booking.completed"])
  })

  test("races with completing only the booking and with cancelling it: each event is recorded once", async () => {
    const one = await made()
    const bookingOne = `/bookings/${one.bookingId}/complete`
    const both = await later(10, () => Promise.all([complete(one.id), club.post(club.staff, bookingOne)]))
    expect(both.map(outcome)[0]).toBe(200)
    const ofOne = (await eventsOf(club.db, one.bookingId)).map(({ type }) => type)
    expect(ofOne).toEqual(["booking.confirmed", "booking.completed"])
    hour++
    const two = await made()
    const why = { cancellationReason: "rain" }
    const [completed, cancelled] = await later(10, () =>
      Promise.all([complete(two.id), club.post(club.staff, `/bookings/${two.bookingId}/cancel`, why)]),
    )
    expect([completed, cancelled].map(outcome).filter((each) => each === 200)).toHaveLength(1)
    expect((await read(two.id)).status).toBe(completed?.status === 200 ? "completed" : "cancelled")
  })

  test("the booking without the session records a coaching session, and leaves the session to be completed", async () => {
    const session = await made()
    await later(20, async () => {
      const alone = await club.post(club.staff, `/bookings/${session.bookingId}/complete`)
      expect(await recordedBy(club, alone)).toMatchObject([
        { type: "booking.completed", data: { wasCoachingSession: true, coachingSessionId: session.id } },
      ])
      expect((await read(session.id)).status).toBe("scheduled")
      const then = await complete(session.id, { attendedStudents: [] })
      expect(await typesOf(then)).toEqual(["coach.session.completed"])
      expect(then.body).toMatchObject({ status: "completed", students: [{ attended: false }] })
    })
  })

  test("counts the attendance recorded before, when the request names no students", async () => {
    const session = await made({ students: [club.student.id, club.friend.id] })
    const path = `/coach-sessions/${session.id}`
    const attendance = [{ userId: club.friend.id, attended: true }]
    expect(outcome(await club.patch(club.coach, path, { attendance }))).toBe("409 session_not_started")
    await later(5, async () => {
      const said = await club.patch(club.coach, path, { attendance })
      const attended = (who: Person, { students }: { students: { userId: string; attended: unknown }[] }) =>
        students.find(({ userId }) => userId === who.id)?.attended
      expect([attended(club.friend, said.body), attended(club.student, said.body)]).toEqual([true, null])
      const stranger = await club.patch(club.staff, path, { attendance: [{ userId: club.parent.id, attended: true }] })
      expect([stranger.status, stranger.body.errors[0].path]).toEqual([422, "body.attendance.0.userId"])
      const wrong = await complete(session.id, { attendedStudents: [club.student.id, club.parent.id] })
      expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, "body.attendedStudents.1"])
      const [completed] = await recordedBy(club, await complete(session.id))
      expect(completed?.data.attendedStudents).toEqual([club.friend.id])
      expect(outcome(await club.patch(club.coach, path, { attendance }))).toBe("409 session_not_scheduled")
    })
  })

  test("is impossible once the booking is a no-show", async () => {
    const session = await made()
    await later(40, async () => {
      await club.post(club.staff, `/bookings/${session.bookingId}/no-show`)
      expect((await read(session.id)).status).toBe("missed")
      expect(outcome(await complete(session.id))).toBe("409 session_not_scheduled")
    })
  })
})

test("bad input names its faults, and writes nothing", async () => {
  const faulty = async (more: Body) => {
    const { status, body } = await make(more)
    return [status, body.errors.map((fault: { path: string }) => fault.path)]
  }
  const { student, coach, foreignCoach } = club
  expect(await faulty({ students: [] })).toEqual([422, ["body.students"]])
  expect(await faulty({ students: [student.id, student.id.toUpperCase()] })).toEqual([422, ["body.students.1"]])
  expect(await faulty({ students: [student.id, coach.id, foreignCoach.id] })).toEqual([
    422,
    ["body.students.1", "body.students.2"],
  ])
  expect(await faulty({ endAt: atHour(hour).startAt })).toEqual([422, ["body.endAt"]])
  const { status, body } = await club.post(club.coach, "/coach-sessions", { sessionType: "x", students: [student.id] })
  expect([status, body.errors.map((fault: { path: string }) => fault.path)]).toEqual([
    422,
    ["body.resourceId", "body.startAt", "body.endAt", "body.paymentMethod"],
  ])
  const at = atHour(hour).startAt
  expect(await club.db`select from slotbase.bookings where start_at = ${at}::timestamptz`).toHaveLength(0)
})
