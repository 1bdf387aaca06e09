// Coach blocks beside other work: races for a decision or a time, before hooks, and followers of the blocked time.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { createHooks } from "#hooks/create-hooks.ts"
import { availabilityChangeOf } from "#outbound/live/frames.ts"
import { readLog } from "#outbound/live/log.ts"
import { aBlock, type Body, type CoachClub, makeCoachClub, outcome, recordedBy } from "#test/harness/api/coach-api.ts"
import { eventsOf } from "#test/harness/club/bookings.ts"
import type { Person } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"

let club: CoachClub
let hour = 0
beforeAll(async () => {
  club = await makeCoachClub()
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour++
})

const ask = (by: Person = club.coach) => club.post(by, "/coach-blocks", aBlock(club, hour))
const asked = async () => (await ask()).body
const approve = (id: string, by: Person = club.staff) => club.post(by, `/coach-blocks/${id}/approve`)
const reject = (id: string) => club.post(club.staff, `/coach-blocks/${id}/reject`, { rejectionReason: "League day." })
const cancel = (id: string) => club.post(club.coach, `/coach-blocks/${id}/cancel`, { cancellationReason: "rain" })
const book = () =>
  club.post(club.staff, "/bookings", {
    resourceId: club.court,
    ...atHour(hour),
    bookerId: club.student.id,
    paymentMethod: "offline",
  })

describe("of two conflicting requests, one wins and the other gets a conflict", () => {
  const both = async (...requests: Promise<Parameters<typeof outcome>[0]>[]) =>
    (await Promise.all(requests)).map(outcome).sort()

  test("two approvals", async () => {
    const block = await asked()
    expect(await both(approve(block.id), approve(block.id, club.admin))).toEqual([200, "409 block_not_pending"])
    const events = await eventsOf(club.db, block.id)
    expect(events.map(({ type }) => type)).toEqual(["coach.block.requested", "coach.block.approved"])
  })

  test("approval against rejection, and the time is free exactly when it was rejected", async () => {
    const block = await asked()
    expect(await both(approve(block.id), reject(block.id))).toEqual([200, "409 block_not_pending"])
    const { status } = (await club.get(club.staff, `/coach-blocks/${block.id}`)).body
    const decided = (await eventsOf(club.db, block.id)).map(({ type }) => type).slice(1)
    expect(decided).toEqual([`coach.block.${status}`])
    expect((await book()).status).toBe(status === "rejected" ? 201 : 409)
  })

  test("rejection against cancellation", async () => {
    const block = await asked()
    const [rejected, cancelled] = (await Promise.all([reject(block.id), cancel(block.id)])).map(outcome)
    const first = rejected === 200
    expect([rejected, cancelled]).toEqual(first ? [200, "409 block_not_open"] : ["409 block_not_pending", 200])
    expect(await eventsOf(club.db, block.id)).toHaveLength(2)
  })

  test("two requests for one time, and a request against a booking", async () => {
    expect(await both(ask(), ask(club.otherCoach))).toEqual([201, "409 slot_taken"])
    hour++
    expect(await both(ask(), book())).toEqual([201, "409 slot_taken"])
  })
})

test("before hooks see a block as the booking that it makes, and may refuse it", async () => {
  const seen: unknown[] = []
  const houseRules = (input: object) => {
    seen.push(input)
    return { block: "Not on a Sunday." }
  }
  Object.assign(club.api.app, {
    hooks: createHooks([{ point: "before:booking.create", name: "house-rules", run: houseRules }]),
  })
  try {
    expect(outcome(await ask())).toBe("422 blocked_by_hook")
  } finally {
    Object.assign(club.api.app, { hooks: [] })
  }
  const { blockType, ...time } = aBlock(club, hour)
  expect([seen, blockType] as unknown[]).toEqual([
    [{ ...time, bookingType: "coach_block", bookerId: club.coach.id }],
    "coaching",
  ])
})

test("availability follows: the log has the time of each event of a block, and a freed hour is free", async () => {
  const slot = async () => {
    const path = `/availability?date=${atHour(hour).startAt.slice(0, 10)}&resourceId=${club.court}`
    const { body } = await club.get(club.student, path)
    return body.slots.find(({ startAt }: { startAt: string }) => startAt === atHour(hour).startAt).status
  }
  await dispatchAll(club.db)
  const [{ last }] = await club.db<[{ last: number }]>`select max(position) as last from slotbase.event_positions`
  const one = await asked()
  hour++
  const two = await asked()
  expect(await slot()).toBe("blocked")
  await approve(one.id)
  await cancel(one.id)
  await reject(two.id)
  expect(await slot()).toBe("free")
  await dispatchAll(club.db)
  const { rows } = await readLog(club.db, { after: last }, { limit: 10 })
  const stretch = ({ startAt, endAt }: Body) => ({ what: "stretch", resourceId: club.court, startAt, endAt })
  expect(rows.map((row) => [row.type, availabilityChangeOf(row)]) as unknown[]).toEqual([
    ["coach.block.requested", stretch(one)],
    ["coach.block.requested", stretch(two)],
    ["coach.block.approved", stretch(one)],
    ["coach.block.cancelled", stretch(one)],
    ["coach.block.rejected", stretch(two)],
  ])
})

test("the waitlist is offered the time when the block is rejected or cancelled", async () => {
  for (const free of [reject, cancel]) {
    hour++
    const block = await asked()
    const wish = { resourceId: club.court, ...atHour(hour) }
    expect((await club.post(club.student, "/waitlist", wish)).status).toBe(201)
    const [first, ...then] = (await recordedBy(club, await free(block.id))).map((event) => event?.type)
    expect(first).toBe(free === reject ? "coach.block.rejected" : "coach.block.cancelled")
    expect(then).toContain("waitlist.offered")
  }
})

test("a closure that cancels its bookings cancels a block as a block", async () => {
  const block = await asked()
  const closing = { ...atHour(hour), reason: "Flooded.", cancelBookings: true }
  const answer = await club.post(club.admin, "/closures", closing)
  expect(answer.status).toBe(201)
  const events = await recordedBy(club, answer)
  expect(events.map((event) => event?.type)).not.toContain("booking.cancelled")
  expect(events.find((event) => event?.type === "coach.block.cancelled")?.data).toMatchObject({
    blockId: block.id,
    cancelledBy: club.admin.id,
    cancellationReason: "Flooded.",
  })
  expect((await club.get(club.coach, `/coach-blocks/${block.id}`)).body.status).toBe("cancelled")
  expect(outcome(await ask())).toBe("422 facility_closed")
})
