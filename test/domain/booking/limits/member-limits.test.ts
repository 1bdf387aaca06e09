// Limits per person: live bookings, at one moment, a day, a week, in prime time, by role; and what a refusal names.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { lockBooking } from "#domain/booking/find.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { retakeSlot } from "#domain/booking/retake-slot.ts"
import { aBookingClub, type Body, type BookingClub, offline, online, outcome } from "#test/harness/club/booking-club.ts"
import { aMember, type Person, run } from "#test/harness/club/club.ts"
import { aResource, aRole } from "#test/harness/club/factories.ts"
import { atHour, hoursFrom } from "#test/harness/club/hours.ts"

let club: BookingClub
let member: Person

beforeAll(async () => {
  club = await aBookingClub()
})
beforeEach(async () => {
  member = await aMember(club.api.database.db, "player", club.id)
})
afterAll(() => club.api.database.drop())

const limits = async (...memberLimits: Body[]) => {
  expect((await club.policy({ memberLimits })).status).toBe(200)
}
/** The member books an hour of a free court, so that it is confirmed at once. */
const book = (hour: number, more: Body = {}, by = member) =>
  club.post(by, "/bookings", online(club, hour, { resourceId: club.freeCourt, ...more }))
const move = (bookingId: string, hour: number, by = member) =>
  club.post(by, `/bookings/${bookingId}/reschedule`, atHour(hour))
const aCourt = async () =>
  (await aResource(club.api.database.db, club.id, { name: `Court ${crypto.randomUUID()}`, hourlyPrice: 0 })).id
const reached = "422 member_limit_reached"
/** The hours of a test: whole weeks apart from those of the others, beginning on a Monday. */
const monday = (week: number): number => {
  const first = new Date(atHour(0).startAt)
  return (((8 - first.getUTCDay()) % 7) + 7 * week) * 24
}

describe("a limit a day", () => {
  test("refuses one more, names the limit and what uses it up, and writes nothing", async () => {
    await limits({ name: "Two a day", per: "day", atMost: 2 })
    const at = monday(1)
    const [first, second] = [await book(at + 9), await book(at + 23)]
    expect([outcome(first), outcome(second), outcome(await book(at + 24))]).toEqual(["201", "201", "201"])
    const { status, body } = await book(at + 12)
    expect([status, body.code, body.detail, body.limit]).toEqual([
      422,
      "member_limit_reached",
      "Two a day: at most 2 bookings a day.",
      { name: "Two a day", per: "day", atMost: 2 },
    ])
    expect(body.usedBy).toEqual(
      [first, second].map(({ body: { id, resourceId, startAt, endAt } }) => ({
        bookingId: id,
        resourceId,
        startAt,
        endAt,
        status: "confirmed",
      })),
    )
    const rows = await club.api.database.db`select from slotbase.bookings where booker_id = ${member.id}`
    expect(rows).toHaveLength(3)
  })

  test("binds no staff and no key, counts what they booked, and forgets what was cancelled", async () => {
    await limits({ name: "One a day", per: "day", atMost: 1 })
    const at = monday(2)
    const forMember = { bookerId: member.id, resourceId: club.freeCourt }
    const mine = await book(at + 9)
    expect(outcome(await club.post(club.staff, "/bookings", offline(club, at + 10, forMember)))).toBe("201")
    const byKey = await club.post(undefined, "/bookings", offline(club, at + 11, forMember))
    expect(outcome(byKey)).toBe("201")
    expect(outcome(await book(at + 12))).toBe(reached)
    await club.post(member, `/bookings/${mine.body.id}/cancel`, { cancellationReason: "rain" })
    expect((await book(at + 12)).body.usedBy).toHaveLength(2)
  })

  test("binds a hold, a hold that waits for its payment, a request and a parent who books for a child", async () => {
    await club.policy({
      memberLimits: [{ name: "One a day", per: "day", atMost: 1 }],
      approvalBookingTypes: ["league"],
    })
    const at = monday(3)
    const held = await club.post(member, "/holds", { resourceId: club.court, ...atHour(at + 9) })
    expect(outcome(held)).toBe("201")
    const more = [
      await book(at + 10),
      await book(at + 10, { resourceId: club.court }),
      await book(at + 10, { bookingType: "league" }),
      await club.post(member, "/holds", { resourceId: club.court, ...atHour(at + 10) }),
    ]
    expect(more.map(outcome)).toEqual(Array(4).fill(reached))
    const day = at + 24
    expect(outcome(await book(day, { bookingType: "league" }))).toBe("201")
    expect(outcome(await book(day + 1))).toBe(reached)
    const forChild = { bookerId: club.child.id }
    expect(outcome(await book(at + 12, forChild, club.parent))).toBe("201")
    expect(outcome(await book(at + 13, forChild, club.parent))).toBe(reached)
    expect(outcome(await book(at + 14, {}, club.child))).toBe(reached)
    expect(outcome(await book(at + 14, {}, club.parent))).toBe("201")
  })

  test("lets a booking move within its day, and not to a day that is full", async () => {
    await limits({ name: "One a day", per: "day", atMost: 1 })
    const at = monday(4)
    const [today, tomorrow] = [await book(at + 9), await book(at + 33)]
    expect(outcome(await move(today.body.id, at + 12))).toBe("200")
    expect(outcome(await move(today.body.id, at + 36))).toBe(reached)
    expect((await move(today.body.id, at + 36)).body.usedBy.map((each: Body) => each.bookingId)).toEqual([
      tomorrow.body.id,
    ])
    expect(outcome(await move(today.body.id, at + 60))).toBe("200")
    expect(outcome(await book(at + 13))).toBe("201")
    // Staff may have made more than the limit. To move one of them inside the day adds nothing.
    const extra = { bookerId: member.id, resourceId: club.freeCourt }
    await club.post(club.staff, "/bookings", offline(club, at + 15, extra))
    const [row] = await club.api.database.db<{ id: string }[]>`
      select id from slotbase.bookings where booker_id = ${member.id} and start_at = ${atHour(at + 13).startAt}`
    expect(outcome(await move(row?.id ?? "", at + 17))).toBe("200")
  })
})

describe("other limits", () => {
  test("a week begins on the weekday that the policy names", async () => {
    const week = { name: "Two a week", per: "week", atMost: 2 }
    const at = monday(6)
    await club.policy({ memberLimits: [week], weekStartsOn: "monday" })
    expect([await book(at), await book(at + 24 * 7 - 1)].map(outcome)).toEqual(["201", "201"])
    expect([await book(at + 80), await book(at - 1), await book(at + 24 * 7)].map(outcome)).toEqual([
      reached,
      "201",
      "201",
    ])
    await club.policy({ memberLimits: [week], weekStartsOn: "sunday" })
    // Sunday before and Monday are in one week now, the Sunday after and its Monday in the next.
    expect([await book(at + 30), await book(at + 24 * 8)].map(outcome)).toEqual([reached, reached])
  })

  test("live bookings are those that are not over yet", async () => {
    await limits({ name: "Two open", per: "live", atMost: 2 })
    const at = monday(9)
    const [first] = [await book(at), await book(at + 24 * 60)]
    expect(outcome(await book(at + 24 * 20))).toBe(reached)
    expect(outcome(await move(first.body.id, at + 24 * 20))).toBe("200")
    await club.post(member, `/bookings/${first.body.id}/cancel`, { cancellationReason: "rain" })
    expect(outcome(await book(at + 24 * 20))).toBe("201")
    expect(outcome(await book(at + 24 * 21))).toBe(reached)
  })

  test("ten courts at one hour are one too many for a limit at one moment; one after the other is not", async () => {
    await limits({ name: "Two at once", per: "moment", atMost: 2 })
    const at = monday(11)
    const both = [
      await book(at),
      await book(at, { resourceId: club.court }),
      await book(at, { resourceId: club.otherCourt }),
    ]
    expect(both.map(outcome)).toEqual(["201", "201", reached])
    expect(outcome(await book(at + 1))).toBe("201")
    const day = at + 24
    // Two that follow each other are one at a time.
    expect([await book(day), await book(day + 1)].map(outcome)).toEqual(["201", "201"])
    const both2 = { resourceId: club.otherCourt, ...hoursFrom(day, 2) }
    expect(outcome(await book(day, both2))).toBe("201")
    expect(outcome(await book(day + 1, { resourceId: club.court }))).toBe(reached)
  })

  test("prime time has a limit of its own, for what touches it", async () => {
    const primeTime = { weekdays: ["monday", "tuesday"], fromTime: "18:00", toTime: "21:00" }
    await limits({ name: "Evenings", per: "week", atMost: 1, primeTime })
    const at = monday(12)
    expect(outcome(await book(at + 20))).toBe("201")
    expect(outcome(await book(at + 24 + 18))).toBe(reached)
    expect(outcome(await book(at + 24 + 17))).toBe("201")
    expect(outcome(await book(at + 24 + 21))).toBe("201")
    expect(outcome(await book(at + 48 + 19))).toBe("201")
    const touching = {
      startAt: atHour(at + 24 + 17).startAt.replace("17:00", "17:30"),
      endAt: atHour(at + 24 + 18).startAt.replace("18:00", "18:30"),
    }
    expect(outcome(await book(0, { resourceId: club.otherCourt, ...touching }))).toBe(reached)
    await limits({ name: "No evenings", per: "day", atMost: 0, primeTime })
    const { body } = await book(at + 24 * 7 + 19)
    expect([body.code, body.detail, body.usedBy]).toEqual([
      "member_limit_reached",
      "No evenings: at most 0 bookings a day.",
      [],
    ])
    expect(outcome(await book(at + 24 * 7 + 21))).toBe("201")
  })

  test("a limit for roles binds those whose highest role it names", async () => {
    await limits(
      { name: "Players", per: "day", atMost: 1, roles: ["player", "parent"] },
      { name: "Coaches", per: "day", atMost: 2, roles: ["coach"] },
    )
    const at = monday(14)
    const coach = await aMember(club.api.database.db, "player", club.id)
    await aRole(club.api.database.db, coach.id, "coach", club.id)
    const by = (person: Person, from: number) =>
      Promise.all([0, 1, 2].map((n) => book(from + n, {}, person))).then((all) => all.map(outcome).sort())
    expect(await by(member, at)).toEqual(["201", reached, reached])
    expect(await by(coach, at + 5)).toEqual(["201", "201", reached])
  })

  test("are shown to members, and refused with the place of the fault", async () => {
    const fine = { name: "A", per: "day", atMost: 1 }
    const prime = { weekdays: ["monday"], fromTime: "18:00", toTime: "21:00" }
    const bad: [Body, string][] = [
      [{ memberLimits: [fine, fine] }, "body.memberLimits.1.name"],
      [{ memberLimits: [{ ...fine, atMost: 101 }] }, "body.memberLimits.0.atMost"],
      [{ memberLimits: [{ ...fine, atMost: -1 }] }, "body.memberLimits.0.atMost"],
      [{ memberLimits: [{ ...fine, per: "month" }] }, "body.memberLimits.0.per"],
      [{ memberLimits: [{ ...fine, roles: [] }] }, "body.memberLimits.0.roles"],
      [{ memberLimits: [{ ...fine, roles: ["staff"] }] }, "body.memberLimits.0.roles.0"],
      [
        { memberLimits: [{ ...fine, primeTime: { ...prime, toTime: "18:00" } }] },
        "body.memberLimits.0.primeTime.toTime",
      ],
      [{ memberLimits: Array.from({ length: 21 }, (_, n) => ({ ...fine, name: `L${n}` })) }, "body.memberLimits"],
      [{ weekStartsOn: "Monday" }, "body.weekStartsOn"],
      [{ holdPauseMinutes: -1 }, "body.holdPauseMinutes"],
    ]
    await limits({ ...fine, primeTime: prime })
    for (const [policy, path] of bad) {
      const { status, body } = await club.policy(policy)
      expect([status, body.errors[0].path]).toEqual([422, path])
    }
    expect((await club.get(member, "/booking-policy")).body.memberLimits).toEqual([{ ...fine, primeTime: prime }])
  })
})

describe("whoever gives a member a booking is bound", () => {
  test("an offer passes by the member for whom it would be one too many, and so does a wish", async () => {
    await limits({ name: "One a day", per: "day", atMost: 1 })
    const at = monday(18)
    const taken = await club.post(club.staff, "/bookings", offline(club, at + 9, { bookerId: club.friend.id }))
    const wish = (by: Person, hour = at + 9) => club.post(by, "/waitlist", { resourceId: club.court, ...atHour(hour) })
    const [first, second] = [await wish(member), await wish(club.player)]
    expect([outcome(first), outcome(second)]).toEqual(["201", "201"])
    expect(outcome(await book(at + 12))).toBe("201")
    await club.post(club.staff, `/bookings/${taken.body.id}/cancel`, { cancellationReason: "rain" })
    const statusOf = async (id: string) => (await club.get(club.staff, `/waitlist/${id}`)).body.status
    expect([await statusOf(first.body.id), await statusOf(second.body.id)]).toEqual(["waiting", "offered"])
    await club.post(club.staff, "/bookings", offline(club, at + 15, { bookerId: club.friend.id }))
    expect(outcome(await wish(member, at + 15))).toBe(reached)
    // The offer counts for its receiver.
    expect(outcome(await book(at + 18, {}, club.player))).toBe(reached)
  })

  test("a series counts what it has made, and not what it could not make", async () => {
    await limits({ name: "Three a week", per: "week", atMost: 3 })
    const at = monday(1)
    const courts = await aCourt()
    await club.post(
      club.staff,
      "/bookings",
      offline(club, at + 24 + 9, { resourceId: courts, bookerId: club.friend.id }),
    )
    const { status, body } = await club.post(member, "/recurring-bookings", {
      resourceId: courts,
      paymentMethod: "online",
      startDate: atHour(at).startAt.slice(0, 10),
      startTime: "09:00",
      durationMinutes: 60,
      rule: "FREQ=DAILY;COUNT=8",
      skipConflicts: true,
    })
    expect(status).toBe(201)
    const day = (n: number) => atHour(at + 24 * n).startAt.slice(0, 10)
    expect(body.occurrences.map(({ startAt }: { startAt: string }) => startAt.slice(0, 10))).toEqual(
      [0, 2, 3, 7].map(day),
    )
    expect(body.skipped.map(({ occursOn, code }: Body) => [occursOn, code])).toEqual([
      [day(1), "slot_taken"],
      [day(4), "member_limit_reached"],
      [day(5), "member_limit_reached"],
      [day(6), "member_limit_reached"],
    ])
  })

  test("a payment that comes late does not bring back a hold beside the booking that took its place", async () => {
    await limits({ name: "One a day", per: "day", atMost: 1 })
    const at = monday(20)
    const lapsed = await Promise.all(
      [at, at + 24].map((hour) => club.post(member, "/holds", { resourceId: club.court, ...atHour(hour + 9) })),
    )
    await club.api.database.db`select slotbase.move_clock('6 minutes')`
    await run(club.api.database.db, (tx) => expireHolds(tx, 100, club.id))
    expect(outcome(await book(at + 10))).toBe("201")
    const retaken = (id: string) =>
      run(club.api.database.db, async (tx) => retakeSlot(tx, await lockBooking(tx, club.id, id)))
    const [today, tomorrow] = lapsed.map(({ body }) => body.id)
    expect([await retaken(today), await retaken(tomorrow)]).toEqual([false, true])
  })
})

describe("a lapsed hold", () => {
  const hold = (hour: number) => club.post(member, "/holds", { resourceId: club.court, ...atHour(hour) })

  test("uses no limit up, whether or not it has been released; what counts on its end releases it", async () => {
    await limits({ name: "One a day", per: "day", atMost: 1 })
    const at = monday(16)
    const { body: lapsed } = await hold(at + 9)
    expect(outcome(await book(at + 10))).toBe(reached)
    await club.api.database.db`select slotbase.move_clock('6 minutes')`
    expect(outcome(await book(at + 10))).toBe("201")
    const [row] = await club.api.database.db<{ status: string }[]>`
      select status from slotbase.bookings where id = ${lapsed.id}`
    expect(row?.status).toBe("expired")
    expect(await run(club.api.database.db, (tx) => expireHolds(tx, 100, club.id))).toBe(0)
  })
})
