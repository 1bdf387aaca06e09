// Moving and cancelling bookings: times, prices, refunds, and races for the same time.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { confirmPaidHold } from "#domain/booking/confirm.ts"
import { lockBooking } from "#domain/booking/find.ts"
import {
  aBookingClub,
  type Body,
  type BookingClub,
  occupants,
  offline,
  online,
  outcome,
  storyOf,
  tally,
} from "#test/harness/club/booking-club.ts"
import { atMinuteOf } from "#test/harness/club/bookings.ts"
import { type Person, run } from "#test/harness/club/club.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"

let club: BookingClub
/** Counts up by three, so that each test has some hours of its own. */
let hour = 0

beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour += 3
})

const book = async (more: Body = {}, at = hour) =>
  (await club.post(club.staff, "/bookings", offline(club, at, more))).body
const move = (by: Person, id: string, to: Body) => club.post(by, `/bookings/${id}/reschedule`, to)
const cancel = (by: Person, id: string, more: Body = {}) =>
  club.post(by, `/bookings/${id}/cancel`, { cancellationReason: "rain", ...more })
const paid = async (more: Body = {}) => {
  const booking = await book(more)
  await club.pay(booking.id, booking.priceAmount)
  return booking
}

describe("a move", () => {
  test("keeps the booking's id, frees the old time, takes the new one, and the event names both", async () => {
    const booking = await book({ participants: [{ userId: club.friend.id }], bookingType: "league" })
    const to = { startAt: atHour(hour + 1).startAt, endAt: atHour(hour + 2).endAt, resourceId: club.otherCourt }
    const { status, body } = await move(club.player, booking.id, to)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...to,
      id: booking.id,
      status: "confirmed",
      resourceName: "Court 2",
      priceAmount: 4800,
      participants: booking.participants,
      rescheduledAt: body.updatedAt,
    })
    expect(await storyOf(club, booking.id)).toMatchObject({
      types: ["booking.confirmed", "booking.rescheduled"],
      last: {
        bookingId: booking.id,
        facilityId: club.id,
        resourceId: club.otherCourt,
        resourceName: "Court 2",
        bookerId: club.player.id,
        startAt: to.startAt,
        endAt: to.endAt,
        previousResourceId: club.court,
        previousStartAt: booking.startAt,
        previousEndAt: booking.endAt,
        timezone: "UTC",
        status: "confirmed",
        priceAmount: 4800,
        previousPriceAmount: 2400,
        priceCurrency: "EUR",
        refundAmount: 0,
        refundStatus: "none",
        rescheduledBy: club.player.id,
        rescheduledAt: body.rescheduledAt,
      },
    })
    expect(await occupants(club, club.court, hour)).toEqual([])
    expect(await occupants(club, club.otherCourt, hour + 2)).toEqual([booking.id])
    expect((await club.get(club.player, `/bookings/${booking.id}`)).body).toMatchObject(body)
  })

  test("by half an hour overlaps its old time without a conflict", async () => {
    const booking = await book()
    const later = (at: string) => new Date(Date.parse(at) + 30 * 60_000).toISOString()
    const { body } = await move(club.player, booking.id, {
      startAt: later(booking.startAt),
      endAt: later(booking.endAt),
    })
    expect(body).toMatchObject({ startAt: later(booking.startAt), priceAmount: 2400 })
  })

  test("to a taken time is refused with free times, and the booking keeps its time", async () => {
    const booking = await book()
    await book({}, hour + 1)
    const { status, body } = await move(club.player, booking.id, atHour(hour + 1))
    expect([status, body.code]).toEqual([409, "slot_taken"])
    expect(body.conflicts).toEqual([{ ...atHour(hour + 1), status: "confirmed" }])
    expect(body.alternatives).toHaveLength(3)
    expect((await club.get(club.player, `/bookings/${booking.id}`)).body).toMatchObject(booking)
    expect(await occupants(club, club.court, hour)).toEqual([booking.id])
  })

  test("keeps the rules: hours, past, window, its own time; staff are not bound by the window", async () => {
    await club.policy({ rescheduleHoursBefore: 2, leadTimeMinutes: 60, approvalResourceIds: [club.otherCourt] })
    const booking = await book()
    const tries: [Body, string][] = [
      [{ ...atHour(hour) }, "422 same_time"],
      [{ startAt: "2026-01-01T10:00:00Z", endAt: "2026-01-01T11:00:00Z" }, "422 starts_in_the_past"],
      [{ ...atHour(hour + 1), resourceId: club.id }, "404 not_found"],
      [{ ...atHour(hour + 1), resourceId: club.otherCourt }, "422 approval_required"],
    ]
    for (const [to, expected] of tries) expect(outcome(await move(club.player, booking.id, to))).toBe(expected)
    await atMinuteOf(club.api.database.db, hour, -119, async () => {
      expect(outcome(await move(club.player, booking.id, atHour(hour + 1)))).toBe("409 too_late_to_reschedule")
      expect(outcome(await move(club.staff, booking.id, atHour(hour + 1)))).toBe("200")
    })
    await atMinuteOf(club.api.database.db, hour + 1, 0, async () => {
      expect(outcome(await move(club.player, booking.id, atHour(hour + 2)))).toBe("409 booking_started")
    })
    await club.policy({})
  })

  test("to a cheaper time refunds the difference; to a dearer one only staff may move an online payment", async () => {
    const booking = await paid({ endAt: atHour(hour + 1).endAt })
    const { last } = await move(club.player, booking.id, atHour(hour)).then(() => storyOf(club, booking.id))
    expect(last).toMatchObject({
      priceAmount: 2400,
      previousPriceAmount: 4800,
      refundAmount: 2400,
      refundStatus: "pending",
    })

    const { id } = (await club.post(club.player, "/bookings", online(club, hour + 1))).body
    await run(club.api.database.db, async (tx) => confirmPaidHold(tx, await lockBooking(tx, club.id, id)))
    const longer = { startAt: atHour(hour + 1).startAt, endAt: atHour(hour + 2).endAt }
    expect(outcome(await move(club.player, id, longer))).toBe("422 costs_more")
    expect((await move(club.staff, id, longer)).body).toMatchObject({ ...longer, priceAmount: 4800 })
  })

  test("an hour that staff gave away stays an hour: only staff move it to a dearer time", async () => {
    const { id } = (await club.post(club.staff, "/bookings", offline(club, hour, { paymentMethod: "waived" }))).body
    const longer = { startAt: atHour(hour).startAt, endAt: atHour(hour + 2).endAt }
    expect(outcome(await move(club.player, id, longer))).toBe("422 costs_more")
    expect((await move(club.player, id, atHour(hour + 1))).body).toMatchObject({ priceAmount: 2400 })
    expect((await move(club.staff, id, longer)).body).toMatchObject({ ...longer, priceAmount: 7200 })
  })

  test("races with a new booking for the old time: the time always has one owner", async () => {
    for (let round = 0; round < 5; round++) {
      hour += 3
      const booking = await book()
      const [moved, made] = await Promise.all([
        move(club.player, booking.id, atHour(hour + 1)).then(outcome),
        club.post(club.staff, "/bookings", offline(club, hour)).then(outcome),
      ])
      expect(moved).toBe("200")
      expect(["201", "409 slot_taken"]).toContain(made)
      expect(await occupants(club, club.court, hour)).toHaveLength(made === "201" ? 1 : 0)
      expect(await occupants(club, club.court, hour + 1)).toEqual([booking.id])
    }
  })

  test("two that swap places, and two that want one time, never deadlock", async () => {
    const [one, two] = [await book(), await book({}, hour + 1)]
    for (let round = 0; round < 8; round++) {
      const swap = await Promise.all([
        move(club.player, one.id, atHour(hour + 1)).then(outcome),
        move(club.player, two.id, atHour(hour)).then(outcome),
      ])
      expect(swap).toEqual(["409 slot_taken", "409 slot_taken"])
    }
    const race = await Promise.all([one, two].map(({ id }) => move(club.player, id, atHour(hour + 2)).then(outcome)))
    expect(tally(race)).toEqual({ "200": 1, "409 slot_taken": 1 })
  })

  test("changes both days of the availability that people have seen", async () => {
    const booking = await book({}, 23)
    const look = async (day: number) =>
      (await club.get(club.player, `/availability?date=${dayOf(day)}&resourceId=${club.court}`)).body.slots
    expect((await look(23))[23].status).toBe("booked")
    await move(club.player, booking.id, atHour(24 * 9))
    expect((await look(23))[23].status).toBe("free")
    expect((await look(24 * 9))[0].status).toBe("booked")
  })
})

describe("a cancellation", () => {
  const policy = [
    { hoursBefore: 24, refundPercent: 100 },
    { hoursBefore: 1, refundPercent: 50 },
  ]

  test("refunds by the policy that the booking was made under, and the quote beforehand gives the reason and writes nothing", async () => {
    await club.policy({ cancellationPolicy: policy })
    const booking = await paid()
    expect(booking.cancellationPolicy).toEqual(policy)
    await club.policy({ cancellationPolicy: [{ hoursBefore: 0, refundPercent: 0 }] })
    await atMinuteOf(club.api.database.db, hour, -120, async () => {
      const dry = await cancel(club.player, booking.id, { dryRun: true })
      expect(dry.body).toEqual({
        bookingId: booking.id,
        paidAmount: 2400,
        forfeitedAmount: 0,
        currency: "EUR",
        refundPercent: 50,
        refundAmount: 1200,
        refundStatus: "pending",
        lines: [
          { rule: "at least 24 hours before the start", refundPercent: 100, applies: false },
          { rule: "at least 1 hours before the start", refundPercent: 50, applies: true },
          { rule: "later than any rule allows", refundPercent: 0, applies: false },
        ],
      })
      expect(dry.headers.get("x-slotbase-event-ids")).toBeNull()
      const asked = await club.post(club.player, `/bookings/${booking.id}/cancel?dryRun=true`, {})
      expect(asked.body).toEqual(dry.body)
      expect((await club.get(club.player, `/bookings/${booking.id}`)).body.status).toBe("confirmed")
      expect(outcome(await cancel(club.player, booking.id, { refundPercent: 100 }))).toBe("403 not_allowed")
      expect((await cancel(club.player, booking.id)).body).toMatchObject({ refundPercent: 50, refundAmount: 1200 })
    })
    expect((await storyOf(club, booking.id)).last).toEqual({
      bookingId: booking.id,
      facilityId: club.id,
      resourceId: club.court,
      bookerId: club.player.id,
      ...atHour(hour),
      cancelledBy: club.player.id,
      cancellationReason: "rain",
      refundAmount: 1200,
      refundStatus: "pending",
      wasNoShow: false,
    })
  })

  test("staff may decide otherwise; an unpaid amount is not refunded", async () => {
    const booking = await paid()
    expect((await cancel(club.staff, booking.id, { refundPercent: 100 })).body.refundAmount).toBe(2400)
    const unpaid = await book()
    expect((await cancel(club.staff, unpaid.id, { refundPercent: 100 })).body.refundAmount).toBe(0)
    expect((await storyOf(club, unpaid.id)).last).toMatchObject({ refundAmount: 0, refundStatus: "none" })
    await club.policy({})
  })

  test("races with a check-in: one of the two happens, and the other gets a conflict", async () => {
    for (let round = 0; round < 5; round++) {
      hour += 3
      const { id } = await book()
      await atMinuteOf(club.api.database.db, hour, -5, async () => {
        const both = await Promise.all([
          cancel(club.player, id).then(outcome),
          club.post(club.staff, `/bookings/${id}/check-in`).then(outcome),
        ])
        expect(tally(both)).toEqual({ "200": 1, "409 booking_not_confirmed": 1 })
        expect(await occupants(club, club.court, hour)).toHaveLength(both[0] === "200" ? 0 : 1)
      })
    }
  })
})
