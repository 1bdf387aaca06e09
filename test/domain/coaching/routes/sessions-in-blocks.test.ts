// Coach sessions inside blocks over HTTP: each at its own time in one booking; and the rights to sessions of both
// kinds.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import {
  aBlock,
  aChild,
  aLesson,
  type Body,
  type CoachClub,
  makeCoachClub,
  outcome,
  recordedBy,
} from "#test/harness/api/coach-api.ts"
import { atMinuteOf, isOccupied } from "#test/harness/club/bookings.ts"
import { atHour, type Person } from "#test/harness/club/club.ts"

let club: CoachClub
let hour = 0
beforeAll(async () => {
  club = await makeCoachClub()
  await aChild(club, club.parent, club.student, ["view_feedback"])
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour += 5
})

const make = (more: Body = {}, by: Person = club.coach) => club.post(by, "/coach-sessions", aLesson(club, hour, more))
const made = async (more: Body = {}) => (await make(more)).body
const complete = (id: string, body: Body = {}, by: Person = club.coach) =>
  club.post(by, `/coach-sessions/${id}/complete`, body)
const cancel = (id: string, by: Person = club.coach) =>
  club.post(by, `/coach-sessions/${id}/cancel`, { cancellationReason: "The coach is ill." })
const read = async (id: string, by: Person = club.coach) => (await club.get(by, `/coach-sessions/${id}`)).body
const typesOf = async (answer: Awaited<ReturnType<typeof make>>) =>
  (await recordedBy(club, answer)).map((event) => event?.type)

describe("inside a block", () => {
  const approvedBlock = async () => {
    const time = { startAt: atHour(hour).startAt, endAt: atHour(hour + 3).endAt }
    const { body } = await club.post(
      club.staff,
      "/coach-blocks",
      aBlock(club, hour, { ...time, coachId: club.coach.id }),
    )
    return body
  }
  const put = (blockId: string, nth: number | undefined, more: Body = {}, by: Person = club.coach) =>
    club.post(by, "/coach-sessions", {
      blockId,
      ...(nth !== undefined && atHour(hour + nth)),
      sessionType: "group",
      students: [club.student.id],
      ...more,
    })

  test("sessions use its booking, each at its own time; the last of them to be completed completes it", async () => {
    const block = await approvedBlock()
    const answer = await put(block.id, 0)
    const first = answer.body
    expect(first).toMatchObject({ blockId: block.id, bookingId: block.bookingId, status: "scheduled", ...atHour(hour) })
    expect(await recordedBy(club, answer)).toEqual([
      {
        type: "coach.session.scheduled",
        resource_id: club.court,
        booking_type: "coach_block",
        data: {
          sessionId: first.id,
          bookingId: block.bookingId,
          blockId: block.id,
          coachId: club.coach.id,
          coachName: "Mia Keller",
          facilityId: club.id,
          resourceId: club.court,
          resourceName: "Court 1",
          sessionType: "group",
          students: [{ userId: club.student.id, name: "Mia Keller" }],
          ...atHour(hour),
        },
      },
    ])
    const second = (await put(block.id, 2, {}, club.staff)).body
    const refused = await Promise.all([put(block.id, 2), put(block.id, undefined), put(block.id, 4), put(block.id, -1)])
    expect(refused.map(outcome)).toEqual([
      "409 session_overlaps",
      "409 session_overlaps",
      "422 outside_block",
      "422 outside_block",
    ])
    await atMinuteOf(club.db, hour, 150, async () => {
      expect(await typesOf(await complete(first.id))).toEqual(["coach.session.completed"])
      const events = await recordedBy(club, await complete(second.id))
      expect(events).toMatchObject([
        { type: "coach.session.completed", data: { sessionId: second.id, ...atHour(hour + 2) } },
        {
          type: "booking.completed",
          data: { bookingId: block.bookingId, wasCoachingSession: true, coachingSessionId: second.id },
        },
      ])
    })
    expect((await club.get(club.coach, `/coach-blocks/${block.id}`)).body.status).toBe("approved")
  })

  test("a cancelled session returns its time to the block, and the block stays", async () => {
    const block = await approvedBlock()
    const { id } = (await put(block.id, 1)).body
    const answer = await cancel(id)
    expect(answer.body.status).toBe("cancelled")
    const [event, ...others] = await recordedBy(club, answer)
    expect(others).toEqual([])
    expect(event).toMatchObject({
      type: "coach.session.cancelled",
      data: {
        sessionId: id,
        bookingId: block.bookingId,
        blockId: block.id,
        coachId: club.coach.id,
        facilityId: club.id,
        resourceId: club.court,
        students: [club.student.id],
        ...atHour(hour + 1),
        cancelledBy: club.coach.id,
        cancellationReason: "The coach is ill.",
      },
    })
    expect((await put(block.id, 1)).status).toBe(201)
    expect(await isOccupied(club.db, block.bookingId)).toBe(true)
  })

  test("of two sessions for one time one is made; cancelling the block cancels its sessions", async () => {
    const block = await approvedBlock()
    const answers = await Promise.all([put(block.id, 1), put(block.id, 1, { sessionType: "private" })])
    expect(answers.map(outcome).sort()).toEqual([201, "409 session_overlaps"])
    const { id } = answers.find(({ status }) => status === 201)?.body ?? {}
    await club.post(club.coach, `/coach-blocks/${block.id}/cancel`, { cancellationReason: "rain" })
    expect((await read(id)).status).toBe("cancelled")
    expect(outcome(await put(block.id, 2))).toBe("409 block_not_approved")
  })

  test("needs the block's approval and its coach, and takes no field that the block already has", async () => {
    const { body: pending } = await club.post(club.coach, "/coach-blocks", aBlock(club, hour))
    const outcomes = await Promise.all([
      put(pending.id, 0),
      put(pending.id, 0, {}, club.otherCoach),
      put(pending.id, 0, {}, club.student),
      put(pending.id, 0, {}, club.foreignCoach),
      put(crypto.randomUUID(), 0),
    ])
    expect(outcomes.map(outcome)).toEqual(["409 block_not_approved", ...Array(4).fill("404 not_found")])
    const surplus = { resourceId: club.court, coachId: club.coach.id, bookerId: club.coach.id, priceAmount: 1 }
    const { status, body } = await put(pending.id, 0, {
      ...surplus,
      paymentMethod: "offline",
      endAt: atHour(hour).startAt,
    })
    expect(status).toBe(422)
    expect(body.errors.map((fault: { path: string }) => fault.path)).toEqual([
      "body.resourceId",
      "body.coachId",
      "body.bookerId",
      "body.paymentMethod",
      "body.priceAmount",
      "body.endAt",
    ])
  })
})

describe("rights", () => {
  test("students and coaches see their own, permitted parents their children's, staff all; others get a 404", async () => {
    const session = await made()
    const path = `/coach-sessions/${session.id}`
    const list = `/coach-sessions?from=${session.startAt}&to=${session.endAt}`
    const views = await Promise.all(
      [club.coach, club.student, club.parent, club.staff, club.friend, club.otherCoach, club.foreignCoach].map(
        async (by) => [outcome(await club.get(by, path)), (await club.get(by, list)).body.data?.length],
      ),
    )
    const hidden = ["404 not_found", 0]
    expect(views).toEqual([...Array(4).fill([200, 1]), hidden, hidden, ["404 not_found", undefined]])
    expect(await read(session.id, club.parent)).toEqual(session)
    await club.db`update slotbase.child_links set permissions = '{book,pay}'`
    expect(outcome(await club.get(club.parent, path))).toBe("404 not_found")
    await club.db`update slotbase.child_links set permissions = '{view_feedback}'`
  })

  test("only coaches and staff make one, and only its coach and staff record its outcome", async () => {
    const session = await made()
    hour++
    const refused: [ReturnType<typeof make>, string][] = [
      [make({}, club.student), "403 not_allowed"],
      [make({}, club.parent), "403 not_allowed"],
      [make({}, club.foreignCoach), "404 not_found"],
      [make({ coachId: club.otherCoach.id }), "403 not_allowed"],
      [make({}, club.staff), "422 not_a_coach"],
      [club.post(undefined, "/coach-sessions", aLesson(club, hour)), "422 invalid_input"],
      [complete(session.id, {}, club.student), "403 not_allowed"],
      [complete(session.id, {}, club.parent), "403 not_allowed"],
      [complete(session.id, {}, club.otherCoach), "404 not_found"],
      [complete(session.id, {}, club.foreignCoach), "404 not_found"],
      [cancel(session.id, club.student), "403 not_allowed"],
      [cancel(session.id, club.otherCoach), "404 not_found"],
      [
        club.patch(club.student, `/coach-sessions/${session.id}`, {
          attendance: [{ userId: club.student.id, attended: true }],
        }),
        "403 not_allowed",
      ],
    ]
    const outcomes = await Promise.all(refused.map(([request]) => request))
    expect(outcomes.map(outcome)).toEqual(refused.map(([, expected]) => expected))
    expect(await read(session.id)).toEqual(session)
  })

  test("the list is filtered and read page by page", async () => {
    const from = atHour(hour).startAt
    const ids: string[] = []
    for (const students of [[club.student.id], [club.friend.id], [club.student.id, club.friend.id]]) {
      ids.push((await made({ students })).id)
      hour++
    }
    const list = async (query: string, by: Person = club.staff) => {
      const { body } = await club.get(by, `/coach-sessions?from=${from}&to=${atHour(hour).startAt}&${query}`)
      return { ids: body.data.map(({ id }: { id: string }) => id), next: body.next }
    }
    const first = await list("limit=2")
    expect(first.ids).toEqual(ids.slice(0, 2))
    expect(await list(`limit=2&after=${first.next}`)).toEqual({ ids: ids.slice(2), next: null })
    expect((await list(`studentId=${club.friend.id.toUpperCase()}&coachId=${club.coach.id}`)).ids).toEqual(ids.slice(1))
    expect((await list(`studentId=${club.friend.id}`, club.student)).ids).toEqual(ids.slice(2))
    await cancel(ids[0] as string)
    expect((await list("status=cancelled")).ids).toEqual(ids.slice(0, 1))
    expect((await list("status=scheduled")).ids).toEqual(ids.slice(1))
  })
})
