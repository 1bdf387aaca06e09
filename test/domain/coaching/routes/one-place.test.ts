// Nobody in two places: a coach's time is taken once, by a constraint, in whatever facility. A student's second place
// is the club's decision.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { isCoachTaken } from "#domain/booking/coach-time.ts"
import { lockBooking } from "#domain/booking/find.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { retakeSlot } from "#domain/booking/retake-slot.ts"
import { aBlock, aLesson, type Body, type CoachClub, makeCoachClub, outcome } from "#test/harness/api/coach-api.ts"
import { buildClub } from "#test/harness/club/build.ts"
import { bySql, type Person, run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"

let club: CoachClub
let courts: string[]
let hour = 0
beforeAll(async () => {
  club = await makeCoachClub()
  courts = [club.court]
  for (let n = 2; n <= 64; n++) {
    const { body } = await club.post(undefined, "/resources", {
      name: `Court ${n}`,
      resourceType: "court",
      hourlyPrice: 2400,
    })
    courts.push(body.id)
  }
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour += 4
})

const lesson = (more: Body = {}, by: Person = club.staff, at = hour) =>
  club.post(by, "/coach-sessions", aLesson(club, at, { coachId: club.coach.id, ...more }))
const block = (more: Body = {}, by: Person = club.staff, at = hour) =>
  club.post(by, "/coach-blocks", aBlock(club, at, { coachId: club.coach.id, ...more }))
const own = { coachId: undefined }
const twice = async () => [
  ...(await club.db`
    select a.booking_id from slotbase.coach_occupancies a join slotbase.coach_occupancies b
      on a.coach_id = b.coach_id and a.booking_id < b.booking_id and a.during && b.during`),
]

describe("a coach has one place", () => {
  test("whoever books the second lesson is told the first: staff, the coach, a lesson or a block", async () => {
    expect((await lesson()).status).toBe(201)
    const elsewhere = { resourceId: courts[1] }
    const answers = [
      await lesson(elsewhere),
      await lesson({ ...elsewhere, ...own, priceAmount: 9000 }, club.coach),
      await block(elsewhere),
      await block({ ...elsewhere, ...own }, club.coach),
    ]
    expect(answers.map(outcome)).toEqual(Array(4).fill("409 coach_taken"))
    const [{ body }] = answers as [(typeof answers)[0]]
    expect(body.conflicts).toEqual([{ resourceId: club.court, ...atHour(hour), status: "confirmed" }])
    expect(body.detail).toBe("The coach has a lesson or a block then.")
    expect(body.alternatives).toHaveLength(3)
    for (const { startAt, endAt } of body.alternatives) {
      expect(startAt >= atHour(hour).endAt || endAt <= atHour(hour).startAt).toBe(true)
    }
    expect(outcome(await lesson({ ...elsewhere, coachId: club.otherCoach.id }))).toBe(201)
    expect(outcome(await lesson(elsewhere, club.staff, hour + 1))).toBe(201)
  })

  test("a request for a block that waits for approval has the coach's time until it is rejected", async () => {
    const asked = (await block(own, club.coach)).body
    expect(asked.status).toBe("pending")
    const refused = await lesson({ resourceId: courts[1] })
    expect(refused.body.conflicts).toEqual([{ resourceId: club.court, ...atHour(hour), status: "pending" }])
    await club.post(club.staff, `/coach-blocks/${asked.id}/reject`, { rejectionReason: "no" })
    expect(outcome(await lesson({ resourceId: courts[1] }))).toBe(201)
  })

  test("a session inside a block takes nothing more", async () => {
    const { id } = (await block()).body
    const inside = { blockId: id, sessionType: "private", students: [club.student.id] }
    expect(outcome(await club.post(club.coach, "/coach-sessions", inside))).toBe(201)
    expect(outcome(await lesson({ resourceId: courts[1] }))).toBe("409 coach_taken")
  })

  test("whatever frees the slot frees the coach: a cancelled lesson, a cancelled block, a hold that ran out", async () => {
    const first = (await lesson()).body
    await club.post(club.staff, `/coach-sessions/${first.id}/cancel`, { cancellationReason: "ill" })
    const second = (await block({ resourceId: courts[1] })).body
    await club.post(club.staff, `/coach-blocks/${second.id}/cancel`, { cancellationReason: "ill" })
    const held = (await lesson({ resourceId: courts[2], paymentMethod: "online" })).body
    expect(held.status).toBe("pending")
    expect(outcome(await lesson())).toBe("409 coach_taken")
    await club.db`update slotbase.bookings set hold_expires_at = slotbase.now() - interval '1 second' where id = ${held.bookingId}`
    expect(outcome(await lesson())).toBe(201)
    expect((await club.get(club.staff, `/bookings/${held.bookingId}`)).body.status).toBe("expired")
  })

  test("a lesson that moves looks too, stays where it was when refused, and frees its old time when not", async () => {
    const first = (await lesson()).body
    const second = (await lesson({ resourceId: courts[1] }, club.staff, hour + 2)).body
    const move = (id: string, to: Body) => club.post(club.staff, `/bookings/${id}/reschedule`, to)
    const refused = await move(second.bookingId, { ...atHour(hour), resourceId: courts[1] })
    expect(refused.body).toMatchObject({
      code: "coach_taken",
      conflicts: [{ resourceId: club.court, ...atHour(hour) }],
    })
    const overlapping = { startAt: atHour(hour + 1).startAt, endAt: atHour(hour + 2).endAt, resourceId: courts[3] }
    expect(outcome(await lesson({ resourceId: courts[2] }, club.staff, hour + 2))).toBe("409 coach_taken")
    expect(outcome(await move(second.bookingId, overlapping))).toBe(200)
    expect(outcome(await move(second.bookingId, { ...atHour(hour + 1), resourceId: courts[3] }))).toBe(200)
    expect(outcome(await lesson({ resourceId: courts[1] }, club.staff, hour + 2))).toBe(201)
    expect(outcome(await move(first.bookingId, { ...atHour(hour + 3), resourceId: courts[1] }))).toBe(200)
  })

  test("an expired hold of the coach does not stop a lesson that moves there", async () => {
    const held = (await lesson({ paymentMethod: "online" })).body
    const other = (await lesson({ resourceId: courts[1] }, club.staff, hour + 1)).body
    await club.db`update slotbase.bookings set hold_expires_at = slotbase.now() - interval '1 second' where id = ${held.bookingId}`
    const to = { startAt: atHour(hour).startAt, endAt: atHour(hour + 1).endAt }
    expect(outcome(await club.post(club.staff, `/bookings/${other.bookingId}/reschedule`, to))).toBe(200)
  })

  test("a lesson behind the buffer of another does not keep its coach from the court of an expired hold", async () => {
    await club.api.call("PUT", `/v1/facilities/${club.id}/booking-policy`, { body: { buffers: [{ minutes: 30 }] } })
    expect(outcome(await lesson({ resourceId: courts[1] }, club.staff, hour + 1))).toBe(201)
    const held = (await lesson({ coachId: club.otherCoach.id, paymentMethod: "online" })).body
    await club.db`update slotbase.bookings set hold_expires_at = slotbase.now() - interval '1 second' where id = ${held.bookingId}`
    expect(outcome(await lesson())).toBe(201)
    await club.api.call("PUT", `/v1/facilities/${club.id}/booking-policy`, { body: {} })
  })

  test("a payment that comes too late takes the coach again only if the coach is free", async () => {
    const retake = (id: string) => run(club.db, async (tx) => retakeSlot(tx, await lockBooking(tx, club.id, id)))
    const expire = async (id: string) => {
      await club.db`update slotbase.bookings set hold_expires_at = slotbase.now() where id = ${id}`
      await run(club.db, (tx) => expireHolds(tx, 5, club.id))
    }
    const { bookingId } = (await lesson({ paymentMethod: "online" })).body
    await expire(bookingId)
    const { id } = (await lesson({ resourceId: courts[1] })).body
    expect(await retake(bookingId)).toBe(false)
    expect(await run(club.db, async (tx) => isCoachTaken(tx, await lockBooking(tx, club.id, bookingId)))).toBe(true)
    await club.post(club.staff, `/coach-sessions/${id}/cancel`, { cancellationReason: "ill" })
    expect(await retake(bookingId)).toBe(true)
    expect(outcome(await lesson({ resourceId: courts[1] }))).toBe("409 coach_taken")
  })

  test("in another club the coach is only engaged elsewhere: no id, name or time of the one in the other", async () => {
    const other = await buildClub(bySql(club.db), { courts: ["field"], people: { boss: "staff", pupil: "player" } })
    await club.db`
      insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by)
      values (${club.coach.id}, 'coach', 'facility', ${other.id}, ${other.boss.id})`
    expect((await lesson()).status).toBe(201)
    const there = {
      ...aLesson(club, hour),
      resourceId: other.field,
      students: [other.pupil.id],
      coachId: club.coach.id,
    }
    const body = { token: other.boss.token, body: there }
    const refused = await club.api.call("POST", `/v1/facilities/${other.id}/coach-sessions`, body)
    expect(outcome(refused)).toBe("409 coach_taken")
    expect(refused.body).toMatchObject({ detail: "The coach is engaged elsewhere then.", conflicts: [] })
    expect(JSON.stringify(refused.body)).not.toContain(club.court)
  })
})

describe("races", () => {
  test("64 clients ask for lessons of one coach on 64 courts: one has it, 63 are told, nobody deadlocks", async () => {
    let worst = 0
    const answers = await Promise.all(
      courts.map(async (resourceId) => {
        const began = performance.now()
        const answer = await lesson({ resourceId })
        worst = Math.max(worst, performance.now() - began)
        return outcome(answer)
      }),
    )
    console.log(`64 lessons of one coach: worst wait ${worst.toFixed()} ms`)
    expect(answers.filter((each) => each === 201)).toHaveLength(1)
    expect(answers.filter((each) => each === "409 coach_taken")).toHaveLength(63)
  })

  test("lessons that exchange places, blocks and cancellations at one time: no deadlock, and nobody twice", async () => {
    for (let round = 0; round < 5; round++) {
      hour += 4
      const one = (await lesson()).body.bookingId
      const two = (await lesson({ resourceId: courts[1] }, club.staff, hour + 1)).body.bookingId
      const move = (id: string, at: number, resourceId?: string) =>
        club.post(club.staff, `/bookings/${id}/reschedule`, { ...atHour(at), ...(resourceId && { resourceId }) })
      const long = { startAt: atHour(hour).startAt, endAt: atHour(hour + 1).endAt }
      const answers = await Promise.all([
        move(one, hour + 1, courts[1]),
        move(two, hour, club.court),
        lesson({ resourceId: courts[2], ...long }),
        block({ resourceId: courts[1], ...long }),
        move(one, hour + 2),
        move(two, hour + 3),
        lesson({ ...long }),
      ])
      for (const answer of answers) {
        expect(["200", "201", "409 coach_taken", "409 slot_taken", "422 same_time"]).toContain(String(outcome(answer)))
      }
      expect(await twice()).toEqual([])
    }
  })
})

describe("a student in two places", () => {
  const decide = (studentOverlap: string) => club.patch(club.admin, "/settings", { studentOverlap })
  const second = (more: Body = {}) => lesson({ resourceId: courts[1], coachId: club.otherCoach.id, ...more })

  test("is named in a warning, unless the club says otherwise", async () => {
    const first = (await lesson()).body
    expect(first.warnings).toBeUndefined()
    const warned = await second({ students: [club.friend.id, club.student.id] })
    expect(outcome(warned)).toBe(201)
    expect(warned.body.warnings).toEqual([
      {
        code: "student_elsewhere",
        studentId: club.student.id,
        bookingId: first.bookingId,
        sessionId: first.id,
        ...atHour(hour),
      },
    ])
    expect((await club.get(club.staff, `/coach-sessions/${warned.body.id}`)).body.warnings).toBeUndefined()
  })

  test("a booking of their own and a session inside a block count, a parent's does not", async () => {
    const booking = { resourceId: courts[5], ...atHour(hour), bookerId: club.student.id, paymentMethod: "offline" }
    const { id: bookingId } = (await club.post(club.staff, "/bookings", booking)).body
    const lent = { ...booking, resourceId: courts[6], bookerId: club.parent.id }
    await club.post(club.staff, "/bookings", lent)
    const { id: blockId } = (await block()).body
    const inside = { blockId, sessionType: "group", students: [club.friend.id, club.student.id] }
    const made = (await club.post(club.coach, "/coach-sessions", inside)).body
    expect(made.warnings).toMatchObject([{ studentId: club.student.id, bookingId, sessionId: null }])
    const warned = await second({ students: [club.friend.id] })
    expect(warned.body.warnings).toMatchObject([{ studentId: club.friend.id, sessionId: made.id }])
  })

  test("is allowed in silence, or refused, also at once and by a move", async () => {
    expect((await lesson()).status).toBe(201)
    await decide("allow")
    expect((await second()).body.warnings).toBeUndefined()
    await decide("refuse")
    const refused = await second({ resourceId: courts[2], coachId: club.otherCoach.id, students: [club.student.id] })
    expect(outcome(refused)).toBe("422 student_elsewhere")
    expect(refused.body.errors).toEqual([{ path: "body.students.0", message: "is somewhere else then" }])
    hour += 2
    const both = await Promise.all([lesson(), second()])
    expect(both.map(outcome).sort()).toEqual([201, "422 student_elsewhere"])
    const later = (await lesson({ resourceId: courts[4] }, club.staff, hour + 1)).body.bookingId
    const moved = await club.post(club.staff, `/bookings/${later}/reschedule`, atHour(hour))
    expect(["422 student_elsewhere"]).toContain(String(outcome(moved)))
    await decide("warn")
  })
})
