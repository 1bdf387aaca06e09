// Subscriptions over HTTP: plans and coupons, beginning, paying and cancelling with their events, and races.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { subscriptionPaymentHandler } from "#actors/handlers/subscription-payment.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { refusalOf } from "#test/harness/api/booking-api.ts"
import { aTinyPlan, eventsOf, handleAll } from "#test/harness/club/subscriptions.ts"

let api: TestApi
let facilityId: string
let owner: { id: string; token: string }

beforeAll(async () => {
  api = await testApi()
  owner = await api.person()
  await aTinyPlan(api.database.db)
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  facilityId = await api.facility({ ownerId: owner.id })
})

const base = () => `/v1/facilities/${facilityId}/subscription`
const get = (path = "", token = owner.token) => api.call("GET", `${base()}${path}`, { token })
const post = (path: string, body: object = {}, token = owner.token) =>
  api.call("POST", `${base()}${path}`, { token, body })
const subscribe = (more: object = {}) => post("", { planId: "club", billingCycle: "monthly", ...more })
const recorded = () => eventsOf(api.database.db, facilityId)
const eventIds = (headers: Headers) => (headers.get("x-slotbase-event-ids") ?? "").split(",").filter(Boolean)

test("anybody sees the plans, with their limits and prices, the smallest first", async () => {
  const { status, body } = await api.call("GET", "/v1/plans", { token: null })
  expect(status).toBe(200)
  expect(body.data.map(({ id }: { id: string }) => id)).toEqual(["tiny", "starter", "club", "academy"])
  expect(body.data[3]).toEqual({
    id: "academy",
    name: "Academy",
    trialDays: 14,
    entitlements: [
      { entitlement: "bookings_per_month", limit: null },
      { entitlement: "active_users", limit: 1000 },
      { entitlement: "monthly_active_users", limit: 1000 },
      { entitlement: "coaches", limit: null },
      { entitlement: "resources", limit: null },
    ],
    prices: [
      { currency: "CHF", monthly: 19900, annual: 199000, taxRate: 0 },
      { currency: "EUR", monthly: 19900, annual: 199000, taxRate: 0 },
      { currency: "GBP", monthly: 17500, annual: 175000, taxRate: 0 },
      { currency: "USD", monthly: 21900, annual: 219000, taxRate: 0 },
    ],
  })
})

describe("rights", () => {
  test("administrators manage it; staff see the use, members and strangers nothing", async () => {
    await subscribe()
    const staff = await api.person("staff", facilityId)
    const player = await api.person("player", facilityId)
    const stranger = await api.person()
    const paths = ["", "/usage", "/invoices", "/upgrade-prompts"]
    const statuses = async (token: string) => Promise.all(paths.map(async (path) => (await get(path, token)).status))
    expect(await statuses(owner.token)).toEqual([200, 200, 200, 200])
    expect(await statuses(staff.token)).toEqual([403, 200, 403, 403])
    expect(await statuses(player.token)).toEqual([403, 403, 403, 403])
    expect(await statuses(stranger.token)).toEqual([404, 404, 404, 404])
    for (const path of ["", "/change-plan", "/cancel", "/resume"]) {
      expect((await post(path, {}, staff.token)).status).toBe(403)
      expect((await post(path, {}, stranger.token)).status).toBe(404)
    }
    const coupon = { code: "FREE", percentOff: 100 }
    expect((await api.call("POST", "/v1/coupons", { token: owner.token, body: coupon })).status).toBe(403)
    expect((await api.call("GET", "/v1/coupons", { token: owner.token })).status).toBe(403)
  })

  test("without a subscription reading, changing and cancelling are refused", async () => {
    const answers = [get(), get("/usage"), post("/change-plan", { planId: "club" }), post("/cancel"), post("/resume")]
    expect((await Promise.all(answers)).map(({ status, body }) => [status, body.code])).toEqual(
      Array(5).fill([404, "not_found"]),
    )
  })
})

describe("beginning", () => {
  test("the first period is due at once, and the event has every field", async () => {
    const { status, body, headers } = await subscribe()
    expect(status).toBe(201)
    const { id, currentPeriodStart, currentPeriodEnd } = body
    expect((await get()).body).toEqual(body)
    expect(body).toMatchObject({
      facilityId,
      planId: "club",
      planName: "Club",
      status: "active",
      currency: "EUR",
      trialEnd: null,
      periodAmount: 9900,
      creditBalance: 0,
      cancelAtPeriodEnd: false,
    })
    const events = await recorded()
    expect(eventIds(headers)).toHaveLength(1)
    expect(events).toEqual([
      {
        type: "subscription.created",
        data: {
          subscriptionId: id,
          facilityId,
          planId: "club",
          planName: "Club",
          billingCycle: "monthly",
          status: "active",
          currentPeriodStart,
          currentPeriodEnd,
        },
      },
    ])
    const { data, next } = (await get("/invoices")).body
    expect(next).toBeNull()
    expect(data).toMatchObject([
      { subscriptionId: id, reason: "start", subtotal: 9900, discount: 0, amount: 9900, status: "open" },
    ])
  })

  test("a trial costs nothing until its end, which is a local midnight, and each facility has only one", async () => {
    const { body } = await subscribe({ trial: true, billingCycle: "annual" })
    expect(body).toMatchObject({ status: "trialing", periodAmount: 0, trialEnd: body.currentPeriodEnd })
    const end = Temporal.Instant.from(body.trialEnd).toZonedDateTimeISO("Europe/Berlin")
    const today = Temporal.Instant.from(body.createdAt).toZonedDateTimeISO("Europe/Berlin").toPlainDate()
    expect([end.toPlainDate().toString(), end.toPlainTime().toString()]).toEqual([
      today.add({ days: 14 }).toString(),
      "00:00:00",
    ])
    expect((await recorded())[0]?.data).toMatchObject({ status: "trialing", trialEnd: body.trialEnd })
    expect((await get("/invoices")).body.data).toEqual([])
    await post("/cancel", { atPeriodEnd: false })
    const refused = await refusalOf(api, () => subscribe({ trial: true }))
    expect(refused).toMatchObject({ status: 409, code: "trial_used" })
    const none = await refusalOf(api, () => subscribe({ planId: "tiny", trial: true }))
    expect(none).toMatchObject({ status: 422, code: "plan_has_no_trial" })
  })

  test("of two at once one begins, and the other gets a conflict", async () => {
    const answers = await Promise.all([subscribe(), subscribe({ planId: "academy" }), subscribe({ trial: true })])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409])
    expect(answers.filter(({ status }) => status === 409).map(({ body }) => body.code)).toEqual([
      "subscription_exists",
      "subscription_exists",
    ])
    expect((await recorded()).map(({ type }) => type)).toEqual(["subscription.created"])
  })

  test("bad input names its faults, and writes nothing", async () => {
    const wrong: [body: object, path: string][] = [
      [{ planId: "club" }, "body.billingCycle"],
      [{ planId: "club", billingCycle: "weekly" }, "body.billingCycle"],
      [{ planId: 7, billingCycle: "monthly" }, "body.planId"],
      [{ planId: "diamond", billingCycle: "monthly" }, "body.planId"],
      [{ planId: "club", billingCycle: "monthly", couponCode: "no such" }, "body.couponCode"],
      [{ planId: "club", billingCycle: "monthly", couponCode: "NONE" }, "body.couponCode"],
      [{ planId: "club", billingCycle: "monthly", seats: 3 }, "body.seats"],
    ]
    for (const [body, path] of wrong) {
      const { status, errors } = await refusalOf(api, () => post("", body))
      expect({ status, path: errors[0].path }).toEqual({ status: 422, path })
    }
    expect((await get()).status).toBe(404)
  })
})

describe("coupons", () => {
  const coupon = (body: object) => api.call("POST", "/v1/coupons", { body })

  test("lower the price of their periods, and are listed in the event", async () => {
    const made = await coupon({ code: "spring26", percentOff: 15, periods: 3, maxRedemptions: 5 })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ code: "SPRING26", percentOff: 15, amountOff: null, redemptions: 0 })
    const { body } = await subscribe({ couponCode: "Spring26" })
    expect(body).toMatchObject({ couponCode: "SPRING26", periodAmount: 8415 })
    expect((await recorded())[0]?.data).toMatchObject({ couponApplied: "SPRING26", discountAmount: 1485 })
    expect((await get("/invoices")).body.data).toMatchObject([{ subtotal: 9900, discount: 1485, amount: 8415 }])
    const listed = (await api.call("GET", "/v1/coupons")).body.data
    expect(listed.find(({ code }: { code: string }) => code === "SPRING26").redemptions).toBe(1)
    expect((await coupon({ code: "SPRING26", percentOff: 1 })).body.code).toBe("coupon_code_taken")
  })

  test("the last redemption goes to one of two facilities, and nobody redeems twice", async () => {
    await coupon({ code: "LASTONE", amountOff: 20000, currency: "EUR", maxRedemptions: 1 })
    const other = await api.facility({ ownerId: owner.id })
    const body = { planId: "club", billingCycle: "monthly", couponCode: "LASTONE" }
    const answers = await Promise.all(
      [facilityId, other].map((id) =>
        api.call("POST", `/v1/facilities/${id}/subscription`, { token: owner.token, body }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 422])
    const [won, lost] = answers[0]?.status === 201 ? answers : answers.toReversed()
    expect(lost?.body.code).toBe("coupon_used_up")
    expect(won?.body.periodAmount).toBe(0)
    const paid = `/v1/facilities/${won?.body.facilityId}/subscription`
    expect((await api.call("GET", `${paid}/invoices`)).body.data).toMatchObject([{ amount: 0, status: "paid" }])
    await api.call("POST", `${paid}/cancel`, { body: { atPeriodEnd: false } })
    expect((await api.call("POST", paid, { body })).body.code).toBe("coupon_used_up")
  })

  test("that have expired, or have another currency, are refused", async () => {
    await coupon({ code: "OVER", percentOff: 10, validUntil: "2020-01-01T00:00:00Z" })
    await coupon({ code: "DOLLARS", amountOff: 500, currency: "USD" })
    const refused = async (couponCode: string) => (await refusalOf(api, () => subscribe({ couponCode }))).code
    expect([await refused("OVER"), await refused("DOLLARS")]).toEqual(["coupon_expired", "coupon_not_for_currency"])
    for (const body of [
      { code: "X" },
      { code: "X", percentOff: 5, amountOff: 5, currency: "EUR" },
      { code: "X", amountOff: 5 },
      { code: "X", percentOff: 5, currency: "EUR" },
      { code: "X", percentOff: 101 },
      { code: "no spaces", percentOff: 5 },
    ]) {
      expect((await coupon(body)).status).toBe(422)
    }
  })
})

describe("cancelling", () => {
  test("at the period's end, taken up again, and at once", async () => {
    const { body } = await subscribe()
    const cancelled = (await post("/cancel", { cancelReason: "Too dear" })).body
    expect(cancelled).toMatchObject({ status: "active", cancelAtPeriodEnd: true, cancelledBy: owner.id, endedAt: null })
    const refused = [post("/cancel"), post("/change-plan", { planId: "academy" })]
    expect((await Promise.all(refused)).map(({ status, body }) => [status, body.code])).toEqual([
      [409, "subscription_ends"],
      [409, "subscription_ends"],
    ])
    expect((await post("/resume")).body).toMatchObject({ cancelAtPeriodEnd: false, cancelledAt: null })
    expect((await post("/resume")).body.code).toBe("subscription_not_cancelled")
    const ended = (await post("/cancel", { atPeriodEnd: false })).body
    expect(ended).toMatchObject({ status: "cancelled", endedAt: ended.cancelledAt })
    expect((await get()).body).toEqual(ended)
    const named = { subscriptionId: body.id, facilityId }
    expect((await recorded()).slice(1)).toEqual([
      {
        type: "subscription.cancelled",
        data: {
          ...named,
          cancelledBy: owner.id,
          cancelReason: "Too dear",
          cancelAtPeriodEnd: true,
          effectiveDate: body.currentPeriodEnd,
        },
      },
      {
        type: "subscription.resumed",
        data: { ...named, resumedBy: owner.id, currentPeriodEnd: body.currentPeriodEnd },
      },
      {
        type: "subscription.cancelled",
        data: { ...named, cancelledBy: owner.id, cancelAtPeriodEnd: false, effectiveDate: ended.endedAt },
      },
    ])
    expect((await subscribe()).status).toBe(201)
  })

  test("is done once for two requests at once", async () => {
    await subscribe()
    const answers = await Promise.all([post("/cancel"), post("/cancel"), post("/cancel")])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409])
    expect((await recorded()).map(({ type }) => type)).toEqual(["subscription.created", "subscription.cancelled"])
  })
})

test("a payment by card pays the open amount", async () => {
  const { body } = await subscribe()
  const payment = { referenceType: "subscription", referenceId: body.id, cardToken: "tok_visa" }
  const paid = await api.call("POST", `/v1/facilities/${facilityId}/payments`, { token: owner.token, body: payment })
  expect([paid.status, paid.body.status, paid.body.amount]).toEqual([201, "succeeded", 9900])
  expect(await handleAll(api.database.db, subscriptionPaymentHandler(), facilityId)).toEqual([undefined])
  expect((await get("/invoices")).body.data).toMatchObject([{ status: "paid", paidAmount: 9900 }])
  const again = await api.call("POST", `/v1/facilities/${facilityId}/payments`, { token: owner.token, body: payment })
  expect([again.status, again.body.code]).toEqual([409, "nothing_due"])
})
