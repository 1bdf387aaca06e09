// Bookings are paid, moved, shortened, lengthened, refunded by staff, closed away and cancelled, in any order. Nobody
// gets more back than by the best single step. Each unit that was paid is settled once, and the books are even.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { resolvePayments } from "#domain/payments/resolve.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { atHour, hoursFrom } from "#test/harness/club/hours.ts"
import { lookUpNow, makeTill, moneyOf, type Till } from "#test/harness/club/payments.ts"
import { holds, timeoutOf } from "./property.ts"

const withinMs = 4_000
/** Longer than any booking of a run. */
const hoursOfRun = 6

let api: TestApi
let its: Courts
let till: Till
let hour = 0

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
  till = await makeTill(api, its)
})
afterAll(() => api.database.drop())

const move = (by: "player" | "staff") =>
  fc.record({
    do: fc.constant("move" as const),
    by: fc.constant(by),
    from: fc.nat(120),
    long: fc.integer({ min: 5, max: 180 }),
  })
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pay" as const), part: fc.integer({ min: 1, max: 100 }) }) },
  { weight: 5, arbitrary: move("player") },
  { weight: 1, arbitrary: move("staff") },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("refund" as const), amount: fc.integer({ min: 1, max: 3000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("react" as const) }) },
)
const end = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: "cancel" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("override" as const), percent: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.constant({ do: "close" as const }) },
)
type Step =
  | (typeof step extends fc.Arbitrary<infer T> ? T : never)
  | (typeof end extends fc.Arbitrary<infer T> ? T : never)

test(
  "each unit is settled once, and no sequence of steps beats the best single one",
  () =>
    holds(
      fc.record({ percent: fc.nat(100), steps: fc.array(step, { minLength: 2, maxLength: 9 }), end }),
      async ({ percent, steps, end }) => {
        const policy = { cancellationPolicy: [{ hoursBefore: 0, refundPercent: percent }] }
        await api.call("PUT", `${till.at}/booking-policy`, { body: policy })
        hour += hoursOfRun
        const body = { resourceId: its.court, ...hoursFrom(hour, 2), bookerId: its.player.id, paymentMethod: "offline" }
        const { id } = (await api.call("POST", `${till.at}/bookings`, { body })).body
        await till.pay(id)
        let known = { ...(await read(id)), goodwill: 0, paidAgain: 0, byStaff: 0 }
        for (const each of [...steps, end]) {
          await carryOut(each, id)
          known = judged(each, percent, known, await read(id))
        }
        await till.react()
        await lookUpNow(api.database.db)
        await resolvePayments(api.app, 100)
        await check(id)
      },
      { numRuns: 25, withinMs },
    ),
  timeoutOf(withinMs),
)

interface Money {
  readonly price: number
  readonly paid: number
  readonly refunded: number
  /** Paid, and neither refunded nor forfeited. */
  readonly live: number
}

interface Known extends Money {
  /** Refunded by staff, and neither paid again nor used up by a change. */
  readonly goodwill: number
  readonly paidAgain: number
  /** What staff gave back whole, by moving the booking. */
  readonly byStaff: number
}

/** After a step of the booker: all that the booker got is at most the policy's share of all that was paid. */
function judged(each: Step, percent: number, before: Known, after: Money): Known {
  const given = after.refunded - before.refunded
  const payment = after.paid - before.paid
  const again = Math.min(payment, before.goodwill)
  const added = each.do === "refund" ? given : 0
  const goodwill = Math.min(before.goodwill - again + added, Math.max(0, after.price - after.live))
  const byStaff = each.do === "move" && each.by === "staff" ? given + before.goodwill - goodwill : 0
  const known: Known = {
    ...after,
    goodwill,
    paidAgain: before.paidAgain + again,
    byStaff: before.byStaff + byStaff,
  }
  const isBookers = each.do === "cancel" || (each.do === "move" && each.by === "player")
  const apart = known.paidAgain + known.byStaff
  if (isBookers && given > 0) {
    expect(after.refunded - apart).toBeLessThanOrEqual(Math.floor(((after.paid - apart) * percent + 50) / 100))
  }
  return known
}

async function read(id: string): Promise<Money> {
  const { settlement, priceAmount, priceLines } = (await api.call("GET", `${till.at}/bookings/${id}`)).body
  const { paidAmount, refundedAmount, forfeitedAmount } = settlement
  expect(priceLines.reduce((sum: number, line: { amount: number }) => sum + line.amount, 0)).toBe(priceAmount)
  const live = paidAmount - refundedAmount - forfeitedAmount
  expect(live).toBeGreaterThanOrEqual(0)
  return { price: priceAmount, paid: paidAmount, refunded: refundedAmount, live }
}

async function carryOut(each: Step, id: string): Promise<void> {
  switch (each.do) {
    case "pay": {
      const { dueAmount } = (await api.call("GET", `${till.at}/bookings/${id}`)).body.settlement
      const amount = Math.ceil((dueAmount * each.part) / 100)
      return amount === 0 ? undefined : wellAnswered(till.pay(id, "tok_visa", { amount }))
    }
    case "move": {
      const start = Date.parse(atHour(hour).startAt) + each.from * 60_000
      const body = {
        startAt: new Date(start).toISOString(),
        endAt: new Date(start + each.long * 60_000).toISOString(),
      }
      const { token } = its[each.by]
      return wellAnswered(api.call("POST", `${till.at}/bookings/${id}/reschedule`, { body, token }))
    }
    case "refund": {
      const { data } = (await api.call("GET", `${till.at}/payments?referenceId=${id}&status=succeeded`)).body
      return wellAnswered(till.refund(data[0].id, { amount: each.amount }))
    }
    case "react":
      return till.react()
    case "cancel": {
      const body = { cancellationReason: "Rain" }
      return wellAnswered(api.call("POST", `${till.at}/bookings/${id}/cancel`, { body, token: its.player.token }))
    }
    case "override":
      return wellAnswered(till.cancel(id, { refundPercent: each.percent }))
    case "close": {
      const body = { reason: "The roof leaks", ...hoursFrom(hour, hoursOfRun), cancelBookings: true }
      return wellAnswered(api.call("POST", `${till.at}/closures`, { body }))
    }
  }
}

/** Succeeds, or is refused for a reason; never a server error. */
async function wellAnswered(call: ReturnType<TestApi["call"]>): Promise<void> {
  const { status, body } = await call
  expect({ status, body, isFine: [200, 201, 409, 422].includes(status) }).toEqual({ status, body, isFine: true })
}

/** Once it is cancelled, everything that was paid was either given back or forfeited. */
async function check(id: string): Promise<void> {
  const { status, settlement } = (await api.call("GET", `${till.at}/bookings/${id}`)).body
  expect(status).toBe("cancelled")
  expect(settlement.refundedAmount + settlement.forfeitedAmount).toBe(settlement.paidAmount)
  const { data } = (await api.call("GET", `${till.at}/refunds?referenceId=${id}&status=succeeded&limit=200`)).body
  expect(data.reduce((sum: number, { amount }: { amount: number }) => sum + amount, 0)).toBe(settlement.refundedAmount)
  expect((await moneyOf(api.database.db, its.facilityId)).lost).toEqual([])
}
