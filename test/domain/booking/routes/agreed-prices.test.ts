// What a booking's price consists of, over HTTP: lessons and court time that are moved, and tax that is kept. Money is
// forfeited once, also where refunds race with moves and a cancellation.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { type Body, type CoachClub, makeCoachClub, outcome } from "#test/harness/api/coach-api.ts"
import type { Person } from "#test/harness/club/club.ts"
import { aResource } from "#test/harness/club/factories.ts"
import { atHour, dayOf, hoursFrom } from "#test/harness/club/hours.ts"
import { makeTill, moneyOf, type Till } from "#test/harness/club/payments.ts"

let club: CoachClub
let till: Till
let otherCourt: string
let hour = 0
beforeAll(async () => {
  club = await makeCoachClub()
  await club.put(club.coach, `/coaches/${club.coach.id}`, { sports: ["tennis"], hourlyRate: 3000 })
  otherCourt = (await aResource(club.db, club.id, { name: "Court 2", hourlyPrice: 1800 })).id
  till = await makeTill(club.api, { facilityId: club.id, court: club.court, player: club.student } as never)
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour += 10
})

const policy = (cancellationPolicy: readonly Body[]) => club.put(club.admin, "/booking-policy", { cancellationPolicy })
const half = [{ hoursBefore: 0, refundPercent: 50 }]
const move = (by: Person, id: string, to: Body) => club.post(by, `/bookings/${id}/reschedule`, to)
const cancel = (by: Person, id: string, more: Body = {}) =>
  club.post(by, `/bookings/${id}/cancel`, { cancellationReason: "rain", ...more })
const read = async (id: string) => (await club.get(club.student, `/bookings/${id}`)).body
const linesOf = async (id: string) =>
  (await read(id)).priceLines.map(({ kind, label, amount, minutes }: Body) => [kind, label, amount, minutes])
/** So many minutes of the court from this test's hour on. */
const minutes = (from: number, long: number) => {
  const start = Date.parse(atHour(hour).startAt) + from * 60_000
  return { startAt: new Date(start).toISOString(), endAt: new Date(start + long * 60_000).toISOString() }
}
const lesson = async (more: Body = {}) => {
  const { body } = await club.post(club.staff, "/coach-sessions", {
    resourceId: club.court,
    ...atHour(hour),
    sessionType: "private",
    coachId: club.coach.id,
    students: [club.student.id],
    bookerId: club.student.id,
    paymentMethod: "online",
    ...more,
  })
  return body.bookingId as string
}
const paidLesson = async (more: Body = {}) => {
  const id = await lesson(more)
  await till.pay(id)
  await till.react()
  return id
}
/** A booking of the court for the student, paid by card. */
const paid = async (long = 120, from = 0) => {
  const time = minutes(from, long)
  const booking = { resourceId: club.court, bookerId: club.student.id, paymentMethod: "offline", ...time }
  const { id } = (await club.post(club.staff, "/bookings", booking)).body
  expect((await till.pay(id)).status).toBe(201)
  return id as string
}
/** The sum of all refunds. */
const back = async (id: string): Promise<number> => {
  await till.react()
  const { data } = (await club.get(club.staff, `/refunds?referenceId=${id}&limit=200`)).body
  return data.reduce((sum: number, { amount }: { amount: number }) => sum + amount, 0)
}
const paymentOf = async (id: string): Promise<string> =>
  (await club.get(club.staff, `/payments?referenceId=${id}&status=succeeded`)).body.data[0].id
const even = async () => expect((await moneyOf(club.db, club.id)).lost).toEqual([])

describe("a lesson that moves", () => {
  test("costs the court and the coach as before, by an hour and by five minutes, and nothing is given back", async () => {
    const id = await paidLesson()
    for (const to of [atHour(hour + 1), minutes(65, 60)]) {
      expect((await move(club.student, id, to)).body).toMatchObject({ ...to, priceAmount: 5400 })
    }
    expect(await linesOf(id)).toEqual([
      ["court", "Court 1", 2400, 60],
      ["coach", "Mia Keller", 3000, 60],
    ])
    expect((await read(id)).settlement).toEqual({
      paidAmount: 5400,
      refundedAmount: 0,
      forfeitedAmount: 0,
      dueAmount: 0,
    })
    expect(await back(id)).toBe(0)
  })

  test("keeps the coach's rate at which it was agreed, also for another length; another court has its own price", async () => {
    const id = await lesson({ paymentMethod: "offline" })
    await club.put(club.coach, `/coaches/${club.coach.id}`, { sports: ["tennis"], hourlyRate: 9000 })
    await move(club.staff, id, { ...minutes(0, 90), resourceId: otherCourt })
    await club.put(club.coach, `/coaches/${club.coach.id}`, { sports: ["tennis"], hourlyRate: 3000 })
    expect(await linesOf(id)).toEqual([
      ["court", "Court 2", 2700, 90],
      ["coach", "Mia Keller", 4500, 90],
    ])
  })

  test("keeps an agreed amount for the same length; for others it changes in proportion and comes back exactly", async () => {
    const id = await lesson({ paymentMethod: "offline", priceAmount: 5001 })
    const prices: number[] = []
    for (const [from, long] of [
      [120, 60],
      [120, 50],
      [120, 35],
      [120, 60],
    ] as const) {
      prices.push((await move(club.staff, id, minutes(from, long))).body.priceAmount)
    }
    expect(prices).toEqual([5001, 4168, 2917, 5001])
    expect(await linesOf(id)).toEqual([["agreed", "Agreed price", 5001, 60]])
  })
})

describe("court time that stays", () => {
  const rule = { name: "Dearer", hourlyPrice: 6000 }

  test("keeps the price at which it was booked; other time has the present price", async () => {
    const id = await paid()
    const { body } = await club.post(club.admin, "/price-rules", { ...rule, resourceId: club.court })
    const later = await move(club.staff, id, minutes(30, 120))
    expect(later.body.priceAmount).toBe(3600 + 3000)
    expect(await linesOf(id)).toEqual([
      ["court", "Court 1", 3600, 90],
      ["court", "Court 1, Dearer", 3000, 30],
    ])
    expect((await move(club.staff, id, minutes(60, 60))).body.priceAmount).toBe(2400)
    await club.api.call("DELETE", `/v1/facilities/${club.id}/price-rules/${body.id}`)
  })

  test("is listed by a view, whose amounts sum to the price", async () => {
    const id = await paid()
    const rows = await club.db`
      select line, kind, label, amount, currency, minutes, hourly_price from slotbase.booking_price_lines where booking_id = ${id}`
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { line: 1, kind: "court", label: "Court 1", amount: 4800, currency: "EUR", minutes: 120, hourly_price: 2400 },
    ])
    const change = club.db`update slotbase.bookings set price_amount = 4799 where id = ${id}`
    expect(change).rejects.toThrow("price_is_the_sum_of_its_lines")
  })

  test("that was booked before lines were kept is one line, and has the present price when it moves", async () => {
    const id = await paid()
    await club.db`update slotbase.bookings set price_amount = 4000, price_lines = null where id = ${id}`
    expect(await linesOf(id)).toEqual([["court", "Price", 4000, 120]])
    const [row] = await club.db`select kind, label, amount from slotbase.booking_price_lines where booking_id = ${id}`
    expect({ ...row }).toEqual({ kind: "court", label: "Price", amount: 4000 })
    expect((await move(club.staff, id, minutes(30, 60))).body.priceAmount).toBe(2400)
  })

  test("keeps its tax rate when the facility's rate changes, and other time has the present rate", async () => {
    const settings = (taxMode: string, court: number) =>
      club.patch(club.admin, "/settings", { taxMode, taxRates: { court, coaching: 700 } })
    await settings("exclusive", 1900)
    const day = `/availability?date=${dayOf(hour)}&resourceId=${club.court}`
    const slot = (await club.get(club.student, day)).body.slots.find(
      ({ startAt }: Body) => startAt === atHour(hour).startAt,
    )
    expect(slot.priceAmount).toBe(2856)
    const id = await lesson({ paymentMethod: "offline" })
    const taxes = async () =>
      (await read(id)).priceLines.map((line: Body) => [line.amount, line.taxRate, line.taxAmount, line.taxIncluded])
    expect(await taxes()).toEqual([
      [2856, 1900, 456, false],
      [3210, 700, 210, false],
    ])
    await settings("inclusive", 2000)
    expect((await move(club.staff, id, minutes(30, 60))).body.priceAmount).toBe(1428 + 1200 + 3210)
    expect(await taxes()).toEqual([
      [1428, 1900, 228, false],
      [1200, 2000, 200, true],
      [3210, 700, 210, false],
    ])
    await club.patch(club.admin, "/settings", { taxMode: "inclusive", taxRates: {} })
  })
})

describe("forfeited money", () => {
  test("is settled once: shortened and cancelled gives back what cancelling at once gives", async () => {
    await policy(half)
    const [moved, control] = [await paid(), await paid(120, 180)]
    const shorter = await move(club.student, moved, minutes(0, 60))
    expect(shorter.body.priceAmount).toBe(2400)
    expect((await cancel(club.student, moved, { dryRun: true })).body).toMatchObject({
      paidAmount: 3600,
      forfeitedAmount: 1200,
      refundAmount: 1200,
    })
    expect((await cancel(club.student, moved)).body).toMatchObject({ refundAmount: 1200 })
    expect((await cancel(club.student, control)).body).toMatchObject({ refundAmount: 2400 })
    expect([await back(moved), await back(control)]).toEqual([2400, 2400])
    for (const id of [moved, control]) {
      expect((await read(id)).settlement).toEqual({
        paidAmount: 4800,
        refundedAmount: 2400,
        forfeitedAmount: 2400,
        dueAmount: 0,
      })
    }
    await even()
  })

  test("grows by no more than its share in many small moves", async () => {
    await policy([{ hoursBefore: 0, refundPercent: 10 }])
    const id = await paid()
    for (let long = 117; long >= 9; long -= 3) await move(club.student, id, minutes(0, long))
    await cancel(club.student, id)
    const given = await back(id)
    expect(given).toBeGreaterThan(440)
    expect(given).toBeLessThanOrEqual(480)
    await even()
  })

  test("pays for nothing: a booking that is made longer again is due, and no later payment gives it back", async () => {
    await policy(half)
    const id = await paid()
    await move(club.student, id, minutes(0, 60))
    await move(club.staff, id, minutes(0, 120))
    expect((await read(id)).settlement).toMatchObject({ forfeitedAmount: 1200, dueAmount: 2400 })
    await till.pay(id)
    await till.react()
    expect(await back(id)).toBe(1200)
    expect((await read(id)).settlement).toEqual({
      paidAmount: 7200,
      refundedAmount: 1200,
      forfeitedAmount: 1200,
      dueAmount: 0,
    })
  })

  test("stays with the club when staff give all back, or the club closes: both return what is left", async () => {
    await policy(half)
    const [byStaff, closed] = [await paid(), await paid(60, 180)]
    await move(club.student, byStaff, minutes(0, 60))
    expect((await cancel(club.staff, byStaff, { refundPercent: 100 })).body.refundAmount).toBe(2400)
    await move(club.student, closed, minutes(180, 30))
    const closure = { reason: "The roof leaks", ...hoursFrom(hour + 3, 1), cancelBookings: true }
    expect((await club.post(club.admin, "/closures", closure)).status).toBe(201)
    expect([await back(byStaff), await back(closed)]).toEqual([3600, 1800])
    await even()
  })

  test("what staff gave back counts as given back, before a move and before a cancellation", async () => {
    await policy(half)
    const [before, after] = [await paid(), await paid(120, 180)]
    await till.refund(await paymentOf(before), { amount: 1000 })
    await move(club.student, before, minutes(0, 60))
    await move(club.student, after, minutes(180, 60))
    await till.refund(await paymentOf(after), { amount: 1000 })
    for (const id of [before, after]) await cancel(club.student, id)
    expect([await back(before), await back(after)]).toEqual([2400, 2400])
  })

  test("what was given back and paid again counts as paid", async () => {
    await policy(half)
    const id = await paid()
    await till.refund(await paymentOf(id))
    await till.pay(id)
    expect((await cancel(club.student, id)).body.refundAmount).toBe(2400)
  })
})

test("64 refunds against moves and a cancellation of one booking: exact sums, and no deadlock", async () => {
  await policy(half)
  const id = await paid()
  const payment = await paymentOf(id)
  let worst = 0
  const timed = async <T>(work: () => Promise<T>) => {
    const began = performance.now()
    const answer = await work()
    worst = Math.max(worst, performance.now() - began)
    return answer
  }
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, n) =>
      timed(() => {
        if (n % 16 === 5) return move(club.student, id, minutes(0, 110 - n))
        if (n === 40) return cancel(club.student, id)
        return till.refund(payment, { amount: 10 })
      }),
    ),
  )
  console.log(`64 clients refund, move and cancel one booking: worst wait ${Math.round(worst)} ms`)
  const refused = new Set(answers.map(outcome).filter((each) => typeof each === "string"))
  refused.delete("409 booking_not_confirmed")
  expect([...refused]).toEqual([])
  const byStaff = answers.filter(({ status, body }) => status === 201 && body.amount === 10).length * 10
  expect(byStaff).toBe(590)
  const { settlement, refundAmount, status } = await read(id)
  expect(status).toBe("cancelled")
  const total = await back(id)
  // Every cent is with the booker or with the club.
  expect(settlement).toEqual({ paidAmount: 4800, refundedAmount: total, forfeitedAmount: 4800 - total, dueAmount: 0 })
  const [moves] = await club.db<[{ sum: number }]>`
    select coalesce(sum((data ->> 'refundAmount')::bigint), 0)::bigint as sum from slotbase.events
    where aggregate_id = ${id} and type = 'booking.rescheduled'`
  expect(total).toBe(byStaff + moves.sum + refundAmount)
  await even()
})
