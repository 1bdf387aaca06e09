// Computed amounts are rounded to what can be moved of their currency. Others are refused with a reason.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { ourAmount, stripeAmount } from "#domain/payments/providers/stripe-client.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { alwaysOpen, atHour } from "#test/harness/club/hours.ts"
import { moneyOf } from "#test/harness/club/payments.ts"

let api: TestApi
let player: { id: string; token: string }
let hour = 0

beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())

/** A club with a court in a currency, and a player. */
async function clubIn(currency: string, hourlyPrice: number) {
  const id = await api.facility({ currency, openingHours: alwaysOpen, timezone: "UTC" })
  player = await api.person("player", id)
  const call = (method: string, path: string, body?: object, token?: string) =>
    api.call(method, `/v1/facilities/${id}${path}`, { ...(body && { body }), ...(token && { token }) })
  const made = await call("POST", "/resources", { name: "Court", resourceType: "court", hourlyPrice })
  /** So many minutes of the next hour, by the player. */
  const book = (minutes: number, more: object = {}) => {
    const { startAt } = atHour(++hour)
    const endAt = new Date(Date.parse(startAt) + minutes * 60_000).toISOString()
    const wish = { resourceId: made.body.id, startAt, endAt, paymentMethod: "online", ...more }
    return call("POST", "/bookings", wish, player.token)
  }
  const pay = (bookingId: string) =>
    call("POST", "/payments", { referenceType: "booking", referenceId: bookingId, cardToken: "tok_visa" }, player.token)
  return { id, court: made.body.id as string, call, book, pay }
}

const fault = ({ status, body }: { status: number; body: { code: string; detail: string } }) => [
  status,
  body.code,
  body.detail,
]

describe("Kuwaiti dinars, whose last decimal is 0", () => {
  test("25 minutes are priced so that a card can be charged, and slots show such prices", async () => {
    const club = await clubIn("KWD", 2500)
    const { status, body } = await club.book(25)
    expect([status, body.priceAmount, body.priceCurrency]).toEqual([201, 1040, "KWD"])
    expect((await club.pay(body.id)).body).toMatchObject({ status: "succeeded", amount: 1040 })
    await club.call("PATCH", "/settings", { slotMinutes: 25 })
    const day = atHour(1).startAt.slice(0, 10)
    const slots = (await club.call("GET", `/availability?date=${day}`)).body
    expect(JSON.stringify(slots)).toContain('"priceAmount":1040')
  })

  test("a third of a payment is given back in whole steps, all of it always, and another amount is refused", async () => {
    const club = await clubIn("KWD", 2500)
    await club.call("PUT", "/booking-policy", { cancellationPolicy: [{ hoursBefore: 0, refundPercent: 33 }] })
    const offline = { resourceId: club.court, ...atHour(++hour), bookerId: player.id, paymentMethod: "offline" }
    const { body } = await club.call("POST", "/bookings", offline)
    const paid = (await club.pay(body.id)).body
    const refund = (amount: number) => club.call("POST", `/payments/${paid.id}/refunds`, { reason: "Rain", amount })
    expect(fault(await refund(825))).toEqual([
      422,
      "amount_not_movable",
      "Amounts in KWD are multiples of 10 minor units.",
    ])
    const dry = await club.call("POST", `/bookings/${body.id}/cancel`, { cancellationReason: "Rain", dryRun: true })
    expect(dry.body).toMatchObject({ refundAmount: 830 })
    expect((await refund(830)).status).toBe(201)
    expect((await moneyOf(api.database.db, club.id)).lost).toEqual([])
  })

  test("prices, fees and rates that nobody can move are refused, and nothing is written", async () => {
    const club = await clubIn("KWD", 2500)
    const coach = await api.person("coach", club.id)
    const before = await api.rows()
    for (const [method, path, body] of [
      ["POST", "/resources", { name: "Hall", resourceType: "court", hourlyPrice: 2505 }],
      ["PATCH", `/resources/${club.court}`, { hourlyPrice: 2505 }],
      ["POST", "/price-rules", { name: "Evening", hourlyPrice: 1001 }],
      ["PUT", "/booking-policy", { noShowFee: 999 }],
      ["PUT", `/coaches/${coach.id}`, { sports: [], bio: "", hourlyRate: 1005 }],
      ["POST", "/offline-payments", { amount: 1005, paymentMethod: "cash", payerName: "Guest" }],
    ] as const) {
      const answer = await club.call(method, path, body)
      expect([path, answer.status, answer.body.code]).toEqual([path, 422, "amount_not_movable"])
    }
    expect(await api.rows()).toEqual(before)
  })
})

describe("the least amount of a card", () => {
  test("a price below it is refused before anything is held, and taken at the desk", async () => {
    const club = await clubIn("EUR", 240)
    const { body: before } = await club.call("GET", "/bookings")
    expect(fault(await club.book(5))).toEqual([
      422,
      "amount_not_chargeable",
      "A card cannot be charged with 20 minor units of EUR: it takes at least 50 minor units of EUR. Pay at the desk.",
    ])
    const { startAt } = atHour(++hour)
    const endAt = new Date(Date.parse(startAt) + 5 * 60_000).toISOString()
    const hold = await club.call("POST", "/holds", { resourceId: club.court, startAt, endAt }, player.token)
    expect(hold.body.code).toBe("amount_not_chargeable")
    expect((await club.call("GET", "/bookings")).body).toEqual(before)
    const desk = { resourceId: club.court, startAt, endAt, bookerId: player.id, paymentMethod: "offline" }
    const made = await club.call("POST", "/bookings", desk)
    expect([made.status, made.body.priceAmount]).toEqual([201, 20])
    expect((await club.pay(made.body.id)).body.code).toBe("amount_not_chargeable")
    const cash = { bookingId: made.body.id, amount: 20, paymentMethod: "cash" }
    expect((await club.call("POST", "/offline-payments", cash)).status).toBe(201)
  })
})

test("Stripe counts in units of its own: hundredths of krónur and shillings, whole ariary, as sent and as heard", () => {
  expect(stripeAmount(5, "ISK")).toBe(500)
  expect(stripeAmount(5, "UGX")).toBe(500)
  expect(stripeAmount(500, "JPY")).toBe(500)
  expect(stripeAmount(50_000, "MGA")).toBe(500)
  expect(stripeAmount(50_050, "MGA")).toBeUndefined()
  expect(stripeAmount(1042, "KWD")).toBeUndefined()
  for (const [amount, currency] of [
    [5, "ISK"],
    [50_000, "MGA"],
    [1040, "KWD"],
  ] as const) {
    expect(ourAmount(stripeAmount(amount, currency) ?? 0, currency)).toBe(amount)
  }
})

describe("a no-show fee", () => {
  test("gets the tax that is added to prices, and its charge keeps the rate", async () => {
    const club = await clubIn("CHF", 3000)
    await club.call("PATCH", "/settings", { taxMode: "exclusive", taxRates: { fee: 810 } })
    await club.call("PUT", "/booking-policy", { noShowFee: 2500 })
    const db = api.database.db
    const { body } = await club.call("POST", "/bookings", {
      resourceId: club.court,
      ...atHour(++hour),
      bookerId: player.id,
      paymentMethod: "offline",
    })
    await db`select slotbase.move_clock(${body.startAt}::timestamptz + interval '50 minutes' - slotbase.now())`
    const missed = await club.call("POST", `/bookings/${body.id}/no-show`)
    expect([missed.status, missed.body.code]).toEqual([200, undefined])
    await club.call("PATCH", "/settings", { taxRates: { fee: 2000 } })
    const [charge] = await db`select amount, tax_rate, tax_amount from slotbase.charges where reference_id = ${body.id}`
    expect({ ...charge }).toEqual({ amount: 2703, tax_rate: 810, tax_amount: 203 })
    await db`update slotbase.clock set shift = '0'`
    expect((await moneyOf(db, club.id)).lost).toEqual([])
  })
})
