// Bookings that wait for a payment or for approval by staff, and bookings by parents for their children.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { holdExpiration } from "#actors/jobs/hold-expiration.ts"
import { confirmPaidHold } from "#domain/booking/confirm.ts"
import { lockBooking } from "#domain/booking/find.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { retakeSlot } from "#domain/booking/retake-slot.ts"
import {
  aBookingClub,
  type BookingClub,
  occupants,
  offline,
  online,
  outcome,
  storyOf,
  tally,
} from "#test/harness/club/booking-club.ts"
import { atMinuteOf } from "#test/harness/club/bookings.ts"
import { run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"

let club: BookingClub
let hour = 0

beforeAll(async () => {
  club = await aBookingClub()
  await club.policy({ approvalBookingTypes: ["tournament"], approvalResourceIds: [club.otherCourt] })
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour++
})

const db = () => club.api.database.db
const place = (booking: { id: string; resourceId: string }, bookerId = club.player.id) => ({
  bookingId: booking.id,
  facilityId: club.id,
  resourceId: booking.resourceId,
  bookerId,
  ...atHour(hour),
})
const ask = async (more: object = {}) =>
  (
    await club.post(
      club.player,
      "/bookings",
      online(club, hour, { resourceId: club.freeCourt, bookingType: "tournament", ...more }),
    )
  ).body
const approve = (id: string) => club.post(club.staff, `/bookings/${id}/approve`)
const pass = () => holdExpiration(club.api.app).pass(new AbortController().signal)
const reject = (id: string, rejectionReason = "League day") =>
  club.post(club.staff, `/bookings/${id}/reject`, { rejectionReason })

describe("paid online", () => {
  test("a member's booking is held until it is paid; confirming it unpaid is refused, with the missing amount", async () => {
    const { status, body } = await club.post(club.player, "/bookings", online(club, hour))
    expect(status).toBe(201)
    expect(body).toMatchObject({ status: "held", paymentMethod: "online", bookerId: club.player.id, priceAmount: 2400 })
    expect((await storyOf(club, body.id)).last).toEqual({
      holdId: body.holdId,
      bookingId: body.id,
      facilityId: club.id,
      resourceId: club.court,
      userId: club.player.id,
      ...atHour(hour),
      expiresAt: body.expiresAt,
      priceAmount: 2400,
      priceCurrency: "EUR",
    })
    const early = await club.post(club.player, `/bookings/${body.id}/confirm`, { paymentMethod: "online" })
    expect(outcome(early)).toBe("409 booking_not_paid")
    expect(early.body.detail).toStartWith("It costs 2400 EUR (minor units), which are not paid")
    expect(outcome(await club.pay(body.id, 2400))).toBe("201")
    const paid = await club.get(club.player, `/bookings/${body.id}`)
    expect(paid.body).toMatchObject({ status: "confirmed", paymentMethod: "offline" })
    expect((await storyOf(club, body.id)).last).toMatchObject({ bookingId: body.id, paymentMethod: "offline" })
  })

  test("a free booking is confirmed at once", async () => {
    const { status, body } = await club.post(
      club.player,
      "/bookings",
      online(club, hour, { resourceId: club.freeCourt }),
    )
    expect([status, body.status, body.paymentMethod]).toEqual([201, "confirmed", "online"])
    expect((await storyOf(club, body.id)).types).toEqual(["booking.confirmed"])
  })

  test("a payment confirms its hold, also an expired one whose slot is still free, but not a slot that is taken", async () => {
    const pay = (id: string) =>
      run(db(), async (tx) => {
        const hold = await lockBooking(tx, club.id, id)
        if (hold.status === "expired" && !(await retakeSlot(tx, hold))) return "lost"
        return (await confirmPaidHold(tx, hold)).status
      })
    const held = async () => (await club.post(club.player, "/bookings", online(club, hour))).body.id
    const die = (id: string) => db()`update slotbase.bookings set hold_expires_at = slotbase.now() where id = ${id}`

    const dead = await held()
    await die(dead)
    expect(await pay(dead)).toBe("confirmed")
    hour++
    const released = await held()
    await die(released)
    await run(db(), (tx) => expireHolds(tx, 100, club.id))
    expect(await pay(released)).toBe("confirmed")
    expect((await storyOf(club, released)).types).toEqual([
      "booking.hold.created",
      "booking.hold.released",
      "booking.confirmed",
    ])
    expect(await occupants(club, club.court, hour)).toEqual([released])
    hour++
    const lost = await held()
    await die(lost)
    await club.post(club.staff, "/bookings", offline(club, hour))
    expect(await pay(lost)).toBe("lost")
    const confirming = run(db(), async (tx) => confirmPaidHold(tx, await lockBooking(tx, club.id, lost)))
    expect(await failure(confirming)).toMatchObject({ _tag: "WrongState", code: "hold_expired" })
  })

  test("a payment races with the expiry of its hold and with other bookings: the slot has one owner", async () => {
    for (let round = 0; round < 6; round++) {
      hour++
      const { id } = (await club.post(club.player, "/bookings", online(club, hour))).body
      await db()`update slotbase.bookings set hold_expires_at = slotbase.now() + ${round % 2} * interval '3 ms' where id = ${id}`
      const [paid, taken] = await Promise.all([
        run(db(), async (tx) => {
          const hold = await lockBooking(tx, club.id, id)
          return hold.status === "held" || (await retakeSlot(tx, hold))
            ? (await confirmPaidHold(tx, hold)).status
            : "lost"
        }),
        club.post(club.staff, "/bookings", offline(club, hour)).then(outcome),
        run(db(), (tx) => expireHolds(tx, 100, club.id)),
      ])
      const owners = await occupants(club, club.court, hour)
      expect(owners).toHaveLength(1)
      expect([paid, taken]).toEqual(owners[0] === id ? ["confirmed", "409 slot_taken"] : ["lost", "201"])
    }
  })
})

describe("approval", () => {
  test("a request is pending and occupies; approved, it is confirmed, and each step is an event", async () => {
    const booking = await ask({ participants: [{ userId: club.friend.id, role: "partner" }] })
    expect(booking).toMatchObject({ status: "pending", paymentMethod: "online", approvedAt: null })
    expect((await storyOf(club, booking.id)).last).toEqual({
      ...place(booking),
      resourceName: "Free court",
      bookerName: "Mia Keller",
      bookingType: "tournament",
      timezone: "UTC",
      priceAmount: 0,
      priceCurrency: "EUR",
      requestedAt: booking.createdAt,
    })
    const rival = offline(club, hour, { resourceId: club.freeCourt })
    expect(outcome(await club.post(club.staff, "/bookings", rival))).toBe("409 slot_taken")
    const day = await club.get(
      club.player,
      `/availability?date=${atHour(hour).startAt.slice(0, 10)}&resourceId=${club.freeCourt}`,
    )
    const slot = day.body.slots.find(({ startAt }: { startAt: string }) => startAt === atHour(hour).startAt)
    expect(slot.status).toBe("held")

    const { status, body } = await approve(booking.id)
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: "confirmed", approvedBy: club.staff.id, approvedAt: body.confirmedAt })
    const { types, all } = await storyOf(club, booking.id)
    expect(types).toEqual(["booking.approval.requested", "booking.approval.granted", "booking.confirmed"])
    expect(all[1]).toEqual({ ...place(booking), approvedBy: club.staff.id, approvedAt: body.approvedAt })
    expect(all[2]).toMatchObject({ bookingId: booking.id, paymentMethod: "online", bookingType: "tournament" })
  })

  test("an approved request with a price is held for a day, and never beyond its start", async () => {
    const { id } = await ask({ resourceId: club.otherCourt, bookingType: "open_play" })
    const { body } = await approve(id)
    expect(body.status).toBe("held")
    const dayLater = Date.parse(body.approvedAt) + 24 * 3_600_000
    expect(Date.parse(body.expiresAt)).toBe(Math.min(dayLater, Date.parse(atHour(hour).startAt)))
    expect((await storyOf(club, id)).types.slice(1)).toEqual(["booking.approval.granted", "booking.hold.created"])
    await club.pay(id, 2400)
    expect((await storyOf(club, id)).types.slice(3)).toEqual(["booking.confirmed"])
  })

  test("rejected: the slot is free, the booker gets the reason, and no payment was due before", async () => {
    const booking = await ask({ resourceId: club.otherCourt })
    expect(outcome(await club.pay(booking.id, 1000))).toBe("409 booking_not_payable")
    const { body } = await reject(booking.id)
    expect(body).toMatchObject({ status: "cancelled", cancelledBy: club.staff.id, cancellationReason: "League day" })
    const { types, all } = await storyOf(club, booking.id)
    expect(types).toEqual(["booking.approval.requested", "booking.approval.rejected", "booking.cancelled"])
    expect(all[1]).toEqual({
      ...place(booking),
      rejectedBy: club.staff.id,
      rejectedAt: body.cancelledAt,
      rejectionReason: "League day",
    })
    expect(all[2]).toMatchObject({ refundAmount: 0, refundStatus: "none", cancellationReason: "League day" })
    expect(await occupants(club, club.otherCourt, hour)).toEqual([])
  })

  test("staff need none; a hold cannot replace a request; the booker may withdraw it; a past request has expired", async () => {
    const own = await club.post(club.staff, "/bookings", offline(club, hour, { resourceId: club.otherCourt }))
    expect(own.body.status).toBe("confirmed")
    hour++
    const { paymentMethod, ...wish } = online(club, hour, { resourceId: club.otherCourt })
    expect(outcome(await club.post(club.player, "/holds", wish))).toBe("422 approval_required")
    const { id } = await ask()
    const withdrawn = await club.post(club.player, `/bookings/${id}/cancel`, { cancellationReason: "ill" })
    expect(withdrawn.body).toMatchObject({ status: "cancelled", refundPercent: 100 })
    expect(outcome(await approve(id))).toBe("409 booking_not_pending")
    const late = await ask()
    await atMinuteOf(db(), hour, 0, async () => {
      expect(outcome(await approve(late.id))).toBe("409 booking_started")
      expect(outcome(await reject(late.id))).toBe("409 booking_started")
    })
  })

  test("about which nobody decides expires at its start: by time at once, with its event by the job, and its slot is free", async () => {
    const booking = await ask()
    const wait = { paymentMethod: "offline", bookerId: club.friend.id }
    const { paymentMethod: _, ...wish } = online(club, hour, { resourceId: club.freeCourt, ...wait })
    const part = { ...wish, startAt: new Date(Date.parse(String(wish.startAt)) + 30 * 60_000).toISOString() }
    const waiting = await club.post(club.staff, "/waitlist", part)
    await atMinuteOf(db(), hour, -1, async () => {
      // The requests of the tests before.
      await pass()
      expect((await pass()).did).toEqual({ expired: 0 })
    })
    await atMinuteOf(db(), hour, 0, async () => {
      const read = async () => (await club.get(club.player, `/bookings/${booking.id}`)).body.status
      expect(await read()).toBe("expired")
      expect(
        outcome(await club.post(club.player, `/bookings/${booking.id}/confirm`, { paymentMethod: "online" })),
      ).toBe("409 booking_not_held")
      const passes = await Promise.all([pass(), pass(), pass()])
      expect(passes.map(({ did }) => did?.requests ?? 0).sort()).toEqual([0, 0, 1])
      expect(await read()).toBe("expired")
      const { types, last } = await storyOf(club, booking.id)
      expect(types).toEqual(["booking.approval.requested", "booking.approval.expired"])
      expect(last).toEqual({ ...place(booking), expiredAt: expect.any(String), refundAmount: 0 })
      const offered = (await club.get(club.friend, `/waitlist/${waiting.body.id}`)).body
      expect([offered.status, offered.offer?.resourceId]).toEqual(["offered", club.freeCourt])
    })
  })

  test("of many decisions at once one counts, and the others get a conflict", async () => {
    const { id } = await ask()
    const decisions = await Promise.all(
      Array.from({ length: 8 }, (_, n) => (n % 2 ? approve(id) : reject(id)).then(outcome)),
    )
    expect(tally(decisions)).toEqual({ "200": 1, "409 booking_not_pending": 7 })
    const { types } = await storyOf(club, id)
    expect(types).toHaveLength(3)
    expect(await occupants(club, club.freeCourt, hour)).toEqual(types[2] === "booking.confirmed" ? [id] : [])
  })
})

describe("parents", () => {
  const forChild = (child: string, more: object = {}) =>
    online(club, hour, { bookerId: child, resourceId: club.freeCourt, ...more })

  test("book, see, move and cancel for a child with their permission, and may play with the child", async () => {
    const { status, body } = await club.post(club.parent, "/bookings", forChild(club.child.id))
    expect([status, body.status, body.bookerId]).toEqual([201, "confirmed", club.child.id])
    expect((await club.get(club.parent, `/bookings/${body.id}`)).body).toMatchObject(body)
    const to = atHour(++hour)
    expect((await club.post(club.parent, `/bookings/${body.id}/reschedule`, { ...to })).body).toMatchObject(to)
    const cancelled = await club.post(club.parent, `/bookings/${body.id}/cancel`, { cancellationReason: "ill" })
    expect(cancelled.body).toMatchObject({ status: "cancelled", cancelledBy: club.parent.id })
    const beside = forChild(club.parent.id, { participants: [{ userId: club.child.id }] })
    expect((await club.post(club.parent, "/bookings", beside)).body.participants).toEqual([
      { userId: club.child.id, name: "Mia Keller", role: "player" },
    ])
    const list = await club.get(club.parent, `/bookings?bookerId=${club.child.id}`)
    expect(list.body.data.map(({ id }: { id: string }) => id)).toEqual([body.id])
    expect((await club.get(club.parent, "/bookings")).body.data).toHaveLength(2)
  })

  test("without the permission they see the child and may not book; a stranger's child is a 404", async () => {
    expect(outcome(await club.post(club.parent, "/bookings", forChild(club.watchedChild.id)))).toBe("403 not_allowed")
    const { id } = (await club.post(club.watchedChild, "/bookings", forChild(club.watchedChild.id))).body
    expect(outcome(await club.get(club.parent, `/bookings/${id}`))).toBe("200")
    expect(outcome(await club.get(club.parent, `/bookings?bookerId=${club.watchedChild.id}`))).toBe("200")
    const cancel = { cancellationReason: "x" }
    expect(outcome(await club.post(club.parent, `/bookings/${id}/cancel`, cancel))).toBe("403 not_allowed")
    expect(outcome(await club.post(club.friend, `/bookings/${id}/cancel`, cancel))).toBe("404 not_found")
    expect(outcome(await club.get(club.friend, `/bookings?bookerId=${club.child.id}`))).toBe("403 not_allowed")
  })
})
