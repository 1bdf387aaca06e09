// Coach blocks over HTTP: requests, decisions and cancellations, the events of each step, and the rights.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { holdExpiration } from "#actors/jobs/hold-expiration.ts"
import { newId } from "#base/ids.ts"
import { aBlock, type Body, type CoachClub, makeCoachClub, outcome, recordedBy } from "#test/harness/api/coach-api.ts"
import { atMinuteOf, eventsOf, isOccupied } from "#test/harness/club/bookings.ts"
import type { Person } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"

let club: CoachClub
let hour = 0
beforeAll(async () => {
  club = await makeCoachClub()
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour++
})

const ask = (by: Person = club.coach, more: Body = {}) => club.post(by, "/coach-blocks", aBlock(club, hour, more))
const asked = async (more: Body = {}) => (await ask(club.coach, more)).body
const approve = (id: string, by: Person = club.staff) => club.post(by, `/coach-blocks/${id}/approve`)
const reject = (id: string, by: Person = club.staff) =>
  club.post(by, `/coach-blocks/${id}/reject`, { rejectionReason: "League day." })
const cancel = (id: string, by: Person = club.coach) =>
  club.post(by, `/coach-blocks/${id}/cancel`, { cancellationReason: "The squad plays away." })
const book = () =>
  club.post(club.staff, "/bookings", {
    resourceId: club.court,
    ...atHour(hour),
    bookerId: club.student.id,
    paymentMethod: "offline",
  })

describe("the life of a block", () => {
  test("it occupies from the request on, staff approve it, and its booking records no event", async () => {
    const request = await ask(club.coach, { reason: "Junior squad" })
    expect(request.status).toBe(201)
    const block = request.body
    expect(block).toEqual({
      id: block.id,
      facilityId: club.id,
      bookingId: block.bookingId,
      coachId: club.coach.id,
      coachName: "Mia Keller",
      resourceId: club.court,
      resourceName: "Court 1",
      status: "pending",
      blockType: "coaching",
      reason: "Junior squad",
      requiresApproval: true,
      ...atHour(hour),
      timezone: "UTC",
      requestedBy: club.coach.id,
      approvedAt: null,
      approvedBy: null,
      rejectedAt: null,
      rejectedBy: null,
      rejectionReason: null,
      cancelledAt: null,
      cancelledBy: null,
      cancellationReason: null,
      createdAt: block.createdAt,
    })
    expect(await recordedBy(club, request)).toEqual([
      {
        type: "coach.block.requested",
        resource_id: club.court,
        booking_type: "coach_block",
        data: {
          blockId: block.id,
          coachId: club.coach.id,
          coachName: "Mia Keller",
          facilityId: club.id,
          resourceId: club.court,
          resourceName: "Court 1",
          ...atHour(hour),
          blockType: "coaching",
          reason: "Junior squad",
          requiresApproval: true,
        },
      },
    ])
    const taken = await book()
    expect(taken.status).toBe(409)
    expect(taken.body.conflicts).toEqual([{ ...atHour(hour), status: "pending" }])

    const approval = await approve(block.id)
    expect(approval.status).toBe(200)
    expect(approval.body).toEqual({
      ...block,
      status: "approved",
      approvedAt: approval.body.approvedAt,
      approvedBy: club.staff.id,
    })
    expect(await recordedBy(club, approval)).toEqual([
      {
        type: "coach.block.approved",
        resource_id: club.court,
        booking_type: "coach_block",
        data: {
          blockId: block.id,
          coachId: club.coach.id,
          facilityId: club.id,
          approvedBy: club.staff.id,
          approvedAt: approval.body.approvedAt,
        },
      },
    ])
    expect(await isOccupied(club.db, block.bookingId)).toBe(true)
    expect(await eventsOf(club.db, block.bookingId)).toEqual([])
    const [booking] = await club.db`
      select status, booking_type, booker_id, price_amount from slotbase.bookings where id = ${block.bookingId}`
    expect({ ...booking }).toEqual({
      status: "confirmed",
      booking_type: "coach_block",
      booker_id: club.coach.id,
      price_amount: 0,
    })
  })

  test("requests by staff need no approval, nor do requests by coaches with that setting in their profile", async () => {
    const byStaff = await ask(club.staff, { coachId: club.otherCoach.id })
    expect(byStaff.body).toMatchObject({ status: "approved", requiresApproval: false, approvedBy: club.staff.id })
    hour++
    await club.put(club.admin, `/coaches/${club.otherCoach.id}`, { sports: [], blocksNeedApproval: false })
    const byItself = await ask(club.otherCoach)
    expect(byItself.body).toMatchObject({ status: "approved", requiresApproval: false, approvedBy: null })
    const recorded = await Promise.all([byStaff, byItself].map((answer) => recordedBy(club, answer)))
    expect(recorded.map((events) => events.map((event) => event?.type))).toEqual(
      Array(2).fill(["coach.block.requested", "coach.block.approved"]),
    )
    expect(recorded.map(([request, approval]) => [request?.data.requiresApproval, approval?.data.approvedBy])).toEqual([
      [false, club.staff.id],
      [false, "system"],
    ])
    expect(recorded[1]?.[1]?.data.approvedAt).toBe(byItself.body.createdAt)
  })

  test("a rejection frees the time and records the decider and the reason", async () => {
    const block = await asked()
    const rejection = await reject(block.id)
    const { rejectedAt } = rejection.body
    expect(rejection.body).toEqual({
      ...block,
      status: "rejected",
      rejectedAt,
      rejectedBy: club.staff.id,
      rejectionReason: "League day.",
    })
    expect(await recordedBy(club, rejection)).toEqual([
      {
        type: "coach.block.rejected",
        resource_id: club.court,
        booking_type: "coach_block",
        data: {
          blockId: block.id,
          coachId: club.coach.id,
          facilityId: club.id,
          rejectedBy: club.staff.id,
          rejectedAt,
          rejectionReason: "League day.",
        },
      },
    ])
    expect((await book()).status).toBe(201)
    expect(outcome(await approve(block.id))).toBe("409 block_not_pending")
  })

  test("the coach cancels it, requested or approved, until it begins; staff also later", async () => {
    const block = await asked()
    const cancellation = await cancel(block.id)
    const { cancelledAt } = cancellation.body
    expect(cancellation.body).toEqual({
      ...block,
      status: "cancelled",
      cancelledAt,
      cancelledBy: club.coach.id,
      cancellationReason: "The squad plays away.",
    })
    expect(await recordedBy(club, cancellation)).toEqual([
      {
        type: "coach.block.cancelled",
        resource_id: club.court,
        booking_type: "coach_block",
        data: {
          blockId: block.id,
          coachId: club.coach.id,
          facilityId: club.id,
          resourceId: club.court,
          ...atHour(hour),
          cancelledBy: club.coach.id,
          cancelledAt,
          cancellationReason: "The squad plays away.",
        },
      },
    ])
    expect(outcome(await cancel(block.id))).toBe("409 block_not_open")
    const again = await asked()
    await approve(again.id)
    await atMinuteOf(club.db, hour, 1, async () => {
      expect(outcome(await cancel(again.id))).toBe("409 block_started")
      expect((await cancel(again.id, club.staff)).body.status).toBe("cancelled")
    })
    expect(await isOccupied(club.db, again.bookingId)).toBe(false)
  })

  test("nobody approves it once it has begun", async () => {
    const block = await asked()
    await atMinuteOf(club.db, hour, 0, async () => {
      expect(outcome(await approve(block.id))).toBe("409 block_started")
      expect((await club.get(club.coach, `/coach-blocks/${block.id}`)).body.status).toBe("expired")
      const done = async () => (await holdExpiration(club.api.app).pass(new AbortController().signal)).did
      expect(await done()).toMatchObject({ blocks: expect.any(Number) })
      expect(await done()).toEqual({ expired: 0 })
      const last = (await eventsOf(club.db, block.id)).at(-1)
      expect([last?.type, last?.data]).toMatchObject([
        "coach.block.expired",
        { coachId: club.coach.id, ...atHour(hour) },
      ])
      expect(await isOccupied(club.db, block.bookingId)).toBe(false)
      expect(outcome(await reject(block.id))).toBe("409 block_started")
    })
  })

  test("its booking is changed only through the block", async () => {
    const block = await asked({ reason: "Squad" })
    await approve(block.id)
    const path = `/bookings/${block.bookingId}`
    const outcomes = await Promise.all([
      club.post(club.coach, `${path}/cancel`, { cancellationReason: "no" }),
      club.post(club.staff, `${path}/cancel`, { cancellationReason: "no" }),
      club.post(club.coach, `${path}/check-in`),
      club.post(club.staff, `${path}/no-show`),
      club.post(club.staff, `${path}/complete`),
      club.post(club.staff, `${path}/approve`),
      club.post(club.staff, `${path}/reschedule`, atHour(hour + 500)),
    ])
    expect(outcomes.map(outcome)).toEqual(Array(7).fill("409 booking_is_coach_block"))
    expect(await eventsOf(club.db, block.bookingId)).toEqual([])
  })
})

describe("rights", () => {
  test("strangers get a 404, only coaches among members may request, and nobody decides on their own request", async () => {
    const block = await asked()
    hour++
    const path = `/coach-blocks/${block.id}`
    const refused: [Promise<Parameters<typeof outcome>[0]>, string][] = [
      [ask(club.foreignCoach), "404 not_found"],
      [club.get(club.foreignCoach, "/coach-blocks"), "404 not_found"],
      [approve(block.id, club.foreignCoach), "404 not_found"],
      [club.get(club.foreignCoach, path), "404 not_found"],
      [ask(club.student), "403 not_allowed"],
      [ask(club.parent), "403 not_allowed"],
      [ask(club.coach, { coachId: club.otherCoach.id }), "403 not_allowed"],
      [ask(club.staff), "422 not_a_coach"],
      [ask(club.staff, { coachId: club.student.id }), "422 not_a_coach"],
      [club.post(undefined, "/coach-blocks", aBlock(club, hour)), "422 invalid_input"],
      [approve(block.id, club.coach), "403 not_allowed"],
      [reject(block.id, club.coach), "403 not_allowed"],
      [approve(block.id, club.student), "403 not_allowed"],
      [approve(block.id, club.otherCoach), "403 not_allowed"],
      [cancel(block.id, club.otherCoach), "404 not_found"],
      [cancel(block.id, club.student), "404 not_found"],
      [club.get(club.otherCoach, path), "404 not_found"],
      [club.get(club.otherCoach, `/coach-blocks?coachId=${club.coach.id}`), "403 not_allowed"],
      [approve(newId()), "404 not_found"],
      [club.post(club.staff, "/coach-blocks/x/approve"), "404 not_found"],
    ]
    const outcomes = await Promise.all(refused.map(([request]) => request))
    expect(outcomes.map(outcome)).toEqual(refused.map(([, expected]) => expected))
    expect((await club.get(club.coach, path)).body).toEqual(block)
  })

  test("the list shows coaches their own and staff all, filtered, by start, page by page", async () => {
    const from = atHour(hour).startAt
    const mine: string[] = []
    for (const by of [club.coach, club.otherCoach, club.coach, club.coach]) {
      const { body } = await ask(by)
      if (by === club.coach) mine.push(body.id)
      hour++
    }
    const list = async (by: Person, query: string) => {
      const { body } = await club.get(by, `/coach-blocks?from=${from}&to=${atHour(hour).startAt}&${query}`)
      return { ids: body.data.map(({ id }: { id: string }) => id), next: body.next }
    }
    const first = await list(club.coach, "limit=2")
    expect(first.ids).toEqual(mine.slice(0, 2))
    expect(await list(club.coach, `limit=2&after=${first.next}`)).toEqual({ ids: mine.slice(2), next: null })
    expect((await list(club.staff, "")).ids).toHaveLength(4)
    expect((await list(club.staff, `coachId=${club.coach.id.toUpperCase()}`)).ids).toEqual(mine)
    await reject(mine[1] as string)
    expect((await list(club.staff, `status=rejected&resourceId=${club.court}`)).ids).toEqual([mine[1] as string])
    expect((await list(club.coach, "status=pending")).ids).toEqual([mine[0] as string, mine[2] as string])
    expect((await list(club.student, "")).ids).toEqual([])
  })
})

test("bad input names its faults, and writes nothing", async () => {
  const { startAt } = atHour(hour)
  const faulty = async (more: Body) => {
    const { status, body } = await ask(club.coach, more)
    return [status, body.errors.map((fault: { path: string }) => fault.path)]
  }
  expect(await faulty({ endAt: startAt })).toEqual([422, ["body.endAt"]])
  expect(await faulty({ startAt: "2020-01-01T10:00:00Z", endAt: "2020-01-01T11:00:00Z" })).toEqual([
    422,
    ["body.startAt"],
  ])
  expect(await faulty({ blockType: "", reason: 5, coachId: "me", colour: "red" })).toEqual([
    422,
    ["body.colour", "body.blockType", "body.reason", "body.coachId"],
  ])
  expect(outcome(await ask(club.coach, { resourceId: newId() }))).toBe("404 not_found")
  const rows = await club.db`select from slotbase.occupancies where lower(during) = ${startAt}::timestamptz`
  expect(rows).toHaveLength(0)
})
