// Discounts over HTTP: who gives them, what they are with tax, what a move and a cancellation make of them.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { type Body, type CoachClub, makeCoachClub, outcome, recordedBy } from "#test/harness/api/coach-api.ts"
import type { Person } from "#test/harness/club/club.ts"
import { aResource } from "#test/harness/club/factories.ts"
import { alwaysOpen, atHour } from "#test/harness/club/hours.ts"
import { makeTill, moneyOf, type Till } from "#test/harness/club/payments.ts"

let club: CoachClub
let till: Till
let otherCourt: string
let hour = 0
beforeAll(async () => {
  club = await makeCoachClub()
  await club.put(club.coach, `/coaches/${club.coach.id}`, { sports: ["tennis"], hourlyRate: 3000 })
  otherCourt = (await aResource(club.db, club.id, { name: "Court 2", hourlyPrice: 1801 })).id
  till = await makeTill(club.api, { facilityId: club.id, court: club.court, player: club.student } as never)
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour += 5
})

const youth = (percent: number) => ({ percent, reason: "Youth" })
const minutes = (from: number, long: number) => {
  const start = Date.parse(atHour(hour).startAt) + from * 60_000
  return { startAt: new Date(start).toISOString(), endAt: new Date(start + long * 60_000).toISOString() }
}
const wanted = (more: Body = {}): Body => ({
  resourceId: club.court,
  ...minutes(0, 60),
  bookerId: club.student.id,
  paymentMethod: "offline",
  discount: youth(20),
  ...more,
})
const book = (by: Person | undefined, more: Body = {}) => club.post(by, "/bookings", wanted(more))
const lesson = (by: Person, more: Body = {}) => {
  const { bookerId, ...rest } = wanted(more)
  const who = { sessionType: "private", students: [club.student.id], bookerId }
  return club.post(by, "/coach-sessions", { ...rest, ...who, ...(by !== club.coach && { coachId: club.coach.id }) })
}
const move = (by: Person, id: string, to: Body) => club.post(by, `/bookings/${id}/reschedule`, to)
const read = async (id: string) => (await club.get(club.student, `/bookings/${id}`)).body
const linesOf = async (id: string) =>
  (await read(id)).priceLines.map(({ kind, label, amount }: Body) => [kind, label, amount])
const taxesOf = async (id: string) =>
  (await read(id)).priceLines.map(({ amount, taxRate, taxAmount, taxIncluded }: Body) => [
    amount,
    taxRate,
    taxAmount,
    taxIncluded,
  ])
const settings = (taxMode: string, taxRates: Body) => club.patch(club.admin, "/settings", { taxMode, taxRates })

describe("a discount", () => {
  test("is a line that the booking, the view and the event's price agree about, and the audit trail names who gave it", async () => {
    const made = await book(club.staff)
    expect([made.status, made.body.status, made.body.priceAmount]).toEqual([201, "confirmed", 1920])
    const { id } = made.body
    expect((await read(id)).priceLines).toEqual([
      {
        kind: "court",
        label: "Court 1",
        amount: 2400,
        taxRate: 0,
        taxAmount: 0,
        taxIncluded: true,
        minutes: 60,
        hourlyPrice: 2400,
      },
      {
        kind: "discount",
        label: "Youth",
        amount: -480,
        taxRate: 0,
        taxAmount: 0,
        taxIncluded: true,
        minutes: 60,
        hourlyPrice: null,
        percent: 20,
      },
    ])
    expect((await read(id)).settlement.dueAmount).toBe(1920)
    const rows = await club.db`
      select line, kind, label, amount, hourly_price, percent from slotbase.booking_price_lines where booking_id = ${id} order by line`
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { line: 1, kind: "court", label: "Court 1", amount: 2400, hourly_price: 2400, percent: null },
      { line: 2, kind: "discount", label: "Youth", amount: -480, hourly_price: null, percent: 20 },
    ])
    expect((await recordedBy(club, made)).map((event) => [event?.type, event?.data.priceAmount])).toEqual([
      ["booking.confirmed", 1920],
    ])
    const { data } = (await club.get(club.admin, `/audit-log?subjectId=${id}`)).body
    expect(data).toMatchObject([
      {
        action: "booking.discounted",
        actorId: club.staff.id,
        after: { discountPercent: 20, price: 1920, currency: "EUR" },
      },
    ])
    expect(data).toHaveLength(1)
  })

  test("is for staff and keys: members and coaches are refused, a bad one has a clear fault, and nothing is written", async () => {
    const before = await club.api.rows()
    const mine = { bookerId: club.student.id, paymentMethod: "online" }
    const outcomes = [
      await book(club.student, mine),
      await book(club.coach, { ...mine, bookerId: club.coach.id }),
      await lesson(club.coach),
    ]
    expect(outcomes.map(outcome)).toEqual(Array(3).fill("403 not_allowed"))
    expect(outcomes[0]?.body.detail).toBe("A discount is given by staff and API keys.")
    for (const [discount, path] of [
      [youth(0), "body.discount.percent"],
      [youth(101), "body.discount.percent"],
      [youth(12.5), "body.discount.percent"],
      [{ percent: 10 }, "body.discount.reason"],
      [{ percent: 10, reason: "" }, "body.discount.reason"],
      [{ percent: 10, reason: "two\nlines" }, "body.discount.reason"],
      [{ percent: 10, reason: "x".repeat(101) }, "body.discount.reason"],
      [{ ...youth(10), amount: 5 }, "body.discount.amount"],
    ] as const) {
      const { status, body } = await book(club.staff, { discount })
      expect([status, body.errors?.[0]?.path]).toEqual([422, path])
    }
    const { paymentMethod: _, ...hold } = wanted()
    const held = await club.post(club.staff, "/holds", hold)
    expect([held.status, held.body.errors?.[0]?.path]).toEqual([422, "body.discount"])
    expect(await club.api.rows()).toEqual(before)
    expect(outcome(await book(undefined))).toBe(201)
  })

  test("of 100 % makes it free: online is confirmed at once, and a dearer place stays free", async () => {
    const { body } = await book(club.staff, { discount: youth(100), paymentMethod: "online" })
    expect(body).toMatchObject({ status: "confirmed", priceAmount: 0 })
    expect((await move(club.student, body.id, minutes(0, 120))).body.priceAmount).toBe(0)
    expect(await linesOf(body.id)).toEqual([
      ["court", "Court 1", 4800],
      ["discount", "Youth", -4800],
    ])
  })

  test("is judged by what is left: less than a card takes is refused before anything is held", async () => {
    expect(outcome(await book(club.staff, { discount: youth(99), paymentMethod: "online" }))).toBe(
      "422 amount_not_chargeable",
    )
    const held = await book(club.staff, { discount: youth(90), paymentMethod: "online" })
    expect(held.body).toMatchObject({ status: "held", priceAmount: 240 })
    expect((await till.pay(held.body.id)).body).toMatchObject({ status: "succeeded", amount: 240 })
    await till.react()
    expect((await read(held.body.id)).status).toBe("confirmed")
  })
})

describe("the tax of a discount", () => {
  test("is negative, with prices that contain the tax and with prices that get it added", async () => {
    await settings("inclusive", { court: 1900 })
    const one = (await book(club.staff, { discount: youth(15) })).body
    expect([one.priceAmount, await taxesOf(one.id)]).toEqual([
      2040,
      [
        [2400, 1900, 383, true],
        [-360, 1900, -57, true],
      ],
    ])
    await settings("exclusive", { court: 810 })
    const two = (await book(club.staff, { resourceId: otherCourt, discount: youth(33) })).body
    expect([two.priceAmount, await taxesOf(two.id)]).toEqual([
      1304,
      [
        [1947, 810, 146, false],
        [-643, 810, -48, false],
      ],
    ])
    await settings("inclusive", {})
  })

  test("has the rate of what it reduces: a lesson has one line for the court and one for the coach", async () => {
    await settings("inclusive", { court: 1900, coaching: 700 })
    const { bookingId } = (await lesson(club.staff, { discount: youth(10) })).body
    expect(await taxesOf(bookingId)).toEqual([
      [2400, 1900, 383, true],
      [3000, 700, 196, true],
      [-240, 1900, -38, true],
      [-300, 700, -20, true],
    ])
    await settings("inclusive", {})
  })
})

describe("a booking with a discount that moves", () => {
  test("keeps the percentage: shorter, longer, to another court, and back", async () => {
    const { id } = (await book(club.staff, { discount: youth(15) })).body
    const prices: number[] = []
    for (const to of [
      minutes(0, 35),
      minutes(0, 90),
      { ...minutes(0, 60), resourceId: otherCourt },
      { ...minutes(0, 60), resourceId: club.court },
    ]) {
      prices.push((await move(club.staff, id, to)).body.priceAmount)
    }
    expect(prices).toEqual([1190, 3060, 1531, 2040])
    expect(await linesOf(id)).toEqual([
      ["court", "Court 1", 2400],
      ["discount", "Youth", -360],
    ])
  })

  test("gives back the difference of the lines after the discount, and a cancellation all that was paid", async () => {
    const { id } = (await book(club.staff, { ...minutes(0, 120), discount: youth(25) })).body
    await till.pay(id)
    expect((await move(club.student, id, minutes(0, 60))).body.priceAmount).toBe(1800)
    expect((await read(id)).settlement).toMatchObject({ paidAmount: 3600, refundedAmount: 1800, dueAmount: 0 })
    const cancelled = await club.post(club.student, `/bookings/${id}/cancel`, { cancellationReason: "rain" })
    expect(cancelled.body.refundAmount).toBe(1800)
    await till.react()
    expect((await read(id)).settlement).toMatchObject({ paidAmount: 3600, refundedAmount: 3600, forfeitedAmount: 0 })
    expect((await moneyOf(club.db, club.id)).lost).toEqual([])
  })

  test("of a lesson: the coach's line and an agreed amount are reduced too", async () => {
    const { bookingId } = (await lesson(club.staff)).body
    await move(club.staff, bookingId, minutes(0, 90))
    expect(await linesOf(bookingId)).toEqual([
      ["court", "Court 1", 3600],
      ["coach", "Mia Keller", 4500],
      ["discount", "Youth", -1620],
    ])
    hour += 2
    const agreed = (await lesson(club.staff, { priceAmount: 5001 })).body.bookingId
    expect(await linesOf(agreed)).toEqual([
      ["agreed", "Agreed price", 5001],
      ["discount", "Youth", -1000],
    ])
    await move(club.staff, agreed, minutes(0, 30))
    expect((await read(agreed)).priceAmount).toBe(2501 - 500)
  })
})

test.each([
  ["KWD", 2500, 33, 25, 1040 - 340, "percentages of dinars end in 0"],
  ["HUF", 200_100, 15, 60, 200_100 - 30_000, "whole forints are given"],
] as const)(
  "in %s a discount can be moved: %d, %d %%, %d minutes is %d, because %s",
  async (currency, hourlyPrice, percent, long, price) => {
    const id = await club.api.facility({ currency, openingHours: alwaysOpen, timezone: "UTC" })
    const at = `/v1/facilities/${id}`
    const player = await club.api.person("player", id)
    const court = (await aResource(club.db, id, { name: "Court", hourlyPrice })).id
    const body = wanted({ resourceId: court, bookerId: player.id, ...minutes(0, long), discount: youth(percent) })
    const made = await club.api.call("POST", `${at}/bookings`, { body })
    expect([made.status, made.body.priceAmount]).toEqual([201, price])
    const moved = await club.api.call("POST", `${at}/bookings/${made.body.id}/reschedule`, {
      body: minutes(0, long * 2),
    })
    expect(
      moved.body.priceLines.every(({ amount }: { amount: number }) => amount % (currency === "KWD" ? 10 : 100) === 0),
    ).toBe(true)
  },
)
