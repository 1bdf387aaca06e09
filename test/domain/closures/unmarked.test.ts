// A booking and a closure of the same moment may not see each other: the booking is not marked, and nobody loses money.
// A payment of a hold in closed time does not begin.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { aBookingClub, type Body, type BookingClub, offline, online, outcome } from "#test/harness/club/booking-club.ts"
import { atMinuteOf } from "#test/harness/club/bookings.ts"
import { atHour } from "#test/harness/club/hours.ts"

let club: BookingClub
let hour = 0

beforeAll(async () => {
  club = await aBookingClub()
  await atMinuteOf(db(), 0, 0, () =>
    club.policy({ rescheduleHoursBefore: 2, cancellationPolicy: [{ hoursBefore: 1, refundPercent: 50 }] }),
  )
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour += 4
})

const db = () => club.api.database.db
const atMinute = <T>(minutes: number, work: () => Promise<T>) => atMinuteOf(db(), hour, minutes, work)
const paid = async (at = hour) => {
  const { body } = await club.post(club.staff, "/bookings", offline(club, at))
  expect(outcome(await club.pay(body.id, 2400))).toBe("201")
  return body.id as string
}
const close = () => club.post(undefined, "/closures", { ...atHour(hour), reason: "The roof leaks" })
/** A paid booking in closed time that is not marked. */
const unmarked = async () => {
  const id = await paid()
  await close()
  await db()`update slotbase.bookings set struck_at = null, struck_reason = null, struck_told_at = null where id = ${id}`
  return id
}
const cancel = (by: BookingClub["player"], id: string, more: Body = {}) =>
  club.post(by, `/bookings/${id}/cancel`, { cancellationReason: "closed", ...more })
const move = (id: string, to: Body) => club.post(club.player, `/bookings/${id}/reschedule`, to)
const settlementOf = async (id: string) => (await club.get(club.staff, `/bookings/${id}`)).body.settlement

test("an unmarked booking in closed time is cancelled without loss, also after its start; an open one by the policy", async () => {
  const [id, open] = [await unmarked(), await paid(hour + 1)]
  const quote = await atMinute(-30, () => cancel(club.player, id, { dryRun: true }))
  expect(quote.body).toMatchObject({ refundPercent: 100, refundAmount: 2400 })
  expect(quote.body.lines[0]).toEqual({ rule: "the facility is closed then", refundPercent: 100, applies: true })
  const decided = await atMinute(-30, () => cancel(club.staff, id, { dryRun: true, refundPercent: 40 }))
  expect(decided.body).toMatchObject({ refundPercent: 40, refundAmount: 960 })
  const late = await atMinute(20, () => cancel(club.player, id))
  expect(late.body).toMatchObject({ status: "cancelled", refundPercent: 100, refundAmount: 2400 })
  expect(await settlementOf(id)).toMatchObject({ refundedAmount: 2400, forfeitedAmount: 0 })

  expect(outcome(await atMinute(80, () => cancel(club.player, open)))).toBe("409 booking_started")
  const byPolicy = await atMinute(30, () => cancel(club.player, open))
  expect(byPolicy.body).toMatchObject({ status: "cancelled", refundPercent: 0, refundAmount: 0 })
})

test("an unmarked booking in closed time is moved without loss, also after its start; an open one in time alone", async () => {
  const [id, open] = [await unmarked(), await paid(hour + 1)]
  const shorter = { startAt: atHour(hour + 2).startAt, endAt: atHour(hour + 2.5).startAt }
  const moved = await atMinute(20, () => move(id, shorter))
  expect([outcome(moved), moved.body.priceAmount]).toEqual(["200", 1200])
  expect(moved.body.cancellationPolicy).toEqual([{ hoursBefore: 1, refundPercent: 50 }])
  expect(await settlementOf(id)).toMatchObject({ refundedAmount: 1200, forfeitedAmount: 0 })
  expect(outcome(await atMinute(20, () => move(open, atHour(hour + 3))))).toBe("409 too_late_to_reschedule")
  expect(outcome(await atMinute(80, () => move(open, atHour(hour + 3))))).toBe("409 booking_started")
})

test("no payment begins for a hold in closed time, by card or at the desk, and nothing is written", async () => {
  const { paymentMethod: _, ...wish } = online(club, hour)
  const hold = (await club.post(club.player, "/holds", wish)).body
  await close()
  const before = await club.api.rows()
  const card = { referenceType: "booking", referenceId: hold.id, cardToken: "tok_visa" }
  const answers = [await club.post(club.player, "/payments", card), await club.pay(hold.id, 2400)]
  for (const answer of answers) {
    expect([outcome(answer), answer.body.detail]).toEqual([
      "422 facility_closed",
      "The facility is closed then: The roof leaks.",
    ])
  }
  expect(await club.api.rows()).toEqual(before)
})
