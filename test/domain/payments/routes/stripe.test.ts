// Stripe, played by a local server that speaks its API. Payments and refunds use our ids as keys, and lost answers are
// found. Webhooks arrive signed, late, repeated and out of order.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { resolvePayments } from "#domain/payments/resolve.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { alwaysOpen, atHour } from "#test/harness/club/hours.ts"
import { eventsAbout, lookUpNow, makeTill, moneyOf, price, type Till } from "#test/harness/club/payments.ts"
import { type FakeStripe, startFakeStripe, stripeKey, webhookSecret } from "#test/harness/outside/fake-stripe.ts"

let api: TestApi
let its: Courts
let till: Till
let stripe: FakeStripe

beforeAll(async () => {
  stripe = startFakeStripe()
  api = await testApi({
    stripe: { secretKey: stripeKey, webhookSecret, apiBase: stripe.base },
    egressAllow: ["127.0.0.0/8"],
  })
  its = await makeCourts(api)
  till = await makeTill(api, its)
})
afterAll(async () => {
  expect((await moneyOf(api.database.db, its.facilityId)).lost).toEqual([])
  await stripe.stop()
  await api.database.drop()
})

const typesOf = async (id: string) => (await eventsAbout(api.database.db, id)).map(({ type }) => type)
const intentOf = (paymentId: string) => {
  const intent = [...stripe.intents.values()].find(({ metadata }) => metadata.slotbasePaymentId === paymentId)
  if (!intent) throw new Error("Stripe knows of no such payment")
  return intent
}
const deliver = ({ body, signature }: { body: string; signature: string }) =>
  api.call("POST", "/v1/integrations/stripe/webhook", {
    token: null,
    body,
    headers: { "stripe-signature": signature },
  })

test("a payment is an intent of the same amount under our id, and its event names it", async () => {
  const bookingId = await till.hold()
  const { status, body } = await till.pay(bookingId)
  const intent = intentOf(body.id)
  expect(status).toBe(201)
  expect(body).toMatchObject({
    status: "succeeded",
    provider: "stripe",
    stripePaymentIntentId: intent.id,
    amount: price,
  })
  expect(intent).toMatchObject({ amount: price, currency: "eur", metadata: { slotbaseFacilityId: its.facilityId } })
  const [event] = await eventsAbout(api.database.db, body.id)
  expect(event).toMatchObject({ type: "payment.succeeded", data: { stripePaymentIntentId: intent.id } })
})

test.each([
  ["tok_chargeDeclined", "card_declined", "Your card was declined."],
  ["tok_chargeDeclinedInsufficientFunds", "insufficient_funds", "Your card has insufficient funds."],
  ["tok_unknown", "resource_missing", "No such token."],
])("%s fails with %s", async (card, failureCode, failureReason) => {
  const { status, body } = await till.pay(await till.hold(), card)
  expect(status).toBe(201)
  expect(body).toMatchObject({ status: "failed", failureCode, failureReason })
})

test("a payment whose answer is lost is found at Stripe, and was made once", async () => {
  const bookingId = await till.hold()
  const before = stripe.intents.size
  stripe.loseAnswers = 1
  const { body } = await till.pay(bookingId, "pm_card_visa")
  expect(body.status).toBe("processing")
  await lookUpNow(api.database.db)
  expect(await resolvePayments(api.app, 10)).toEqual({ payments: 1, refunds: 0, retries: 0, more: false })
  expect(stripe.intents.size).toBe(before + 1)
  expect(await typesOf(body.id)).toEqual(["payment.succeeded"])
})

/** Answers that are not of Stripe's form. The first is what a balancer says when nobody is behind it. */
const foreignAnswers: readonly (readonly [status: number, body: string])[] = [
  [503, '{"message":"Service Unavailable"}'],
  [503, "{}"],
  [502, "<html>Bad Gateway</html>"],
  [503, '{"error":"upstream"}'],
  [404, '{"error":{"message":"no route"}}'],
  [402, '{"error":{}}'],
  [403, '{"error":{"message":"forbidden"}}'],
  [200, "{}"],
  [200, "null"],
  [200, "[]"],
  [200, '{"id":"pi_x","object":"charge","status":"succeeded"}'],
  [200, '{"id":"in_x","object":"payment_intent","status":"succeeded"}'],
  [200, '{"id":7,"object":"payment_intent","status":"succeeded"}'],
  [200, '{"id":"pi_other","object":"payment_intent","status":"succeeded","metadata":{}}'],
  [500, '{"id":"pi_x","object":"payment_intent","status":"succeeded"}'],
]

test.each(foreignAnswers)(
  "a payment that is answered %d %s is processing, and looked up by its key",
  async (status, body) => {
    const bookingId = await till.hold()
    const before = stripe.intents.size
    stripe.instead.push({ status, body, carriedOut: true })
    const { body: paid, status: answered } = await till.pay(bookingId, "pm_card_visa")
    expect([answered, paid.status, paid.stripePaymentIntentId]).toEqual([201, "processing", undefined])
    await lookUpNow(api.database.db)
    stripe.instead.push({ status, body, carriedOut: true })
    expect(await resolvePayments(api.app, 10)).toMatchObject({ payments: 0 })
    expect(stripe.intents.size).toBe(before + 1)
    await lookUpNow(api.database.db)
    expect(await resolvePayments(api.app, 10)).toMatchObject({ payments: 1 })
    expect(stripe.intents.size).toBe(before + 1)
    expect(await typesOf(paid.id)).toEqual(["payment.succeeded"])
  },
)

test("a card that is answered in a foreign form leaves the payment processing, and no intent", async () => {
  const bookingId = await till.hold()
  const before = stripe.intents.size
  stripe.instead.push({ status: 503, body: "{}", carriedOut: true, of: "POST /v1/payment_methods" })
  const { body } = await till.pay(bookingId)
  expect([body.status, stripe.intents.size]).toEqual(["processing", before])
  await lookUpNow(api.database.db)
  await resolvePayments(api.app, 10)
  expect(await typesOf(body.id)).toEqual(["payment.succeeded"])
})

test.each(foreignAnswers)("a refund that is answered %d %s is processing, and made once", async (status, body) => {
  const { body: paid } = await till.pay(await till.hold())
  const before = stripe.refunds.size
  stripe.instead.push({ status, body, carriedOut: true })
  const { body: refund, status: answered } = await till.refund(paid.id)
  expect([answered, refund.status]).toEqual([201, "processing"])
  await lookUpNow(api.database.db)
  stripe.instead.push({ status, body, carriedOut: true })
  expect(await resolvePayments(api.app, 10)).toMatchObject({ refunds: 0 })
  await lookUpNow(api.database.db)
  expect(await resolvePayments(api.app, 10)).toMatchObject({ refunds: 1 })
  expect(stripe.refunds.size).toBe(before + 1)
  expect(await typesOf(paid.id)).toEqual(["payment.succeeded", "payment.refunded"])
})

test("a payment that never reached Stripe is resent under the same key", async () => {
  const bookingId = await till.hold()
  stripe.refuse = 1
  const { body } = await till.pay(bookingId, "pm_card_visa")
  expect(body.status).toBe("processing")
  await lookUpNow(api.database.db)
  await resolvePayments(api.app, 10)
  expect(await typesOf(body.id)).toEqual(["payment.succeeded"])
})

test("Stripe's own report settles a payment before its request does, and repetitions and older reports change nothing", async () => {
  const { body } = await till.pay(await till.hold(), "tok_slow")
  expect(body.status).toBe("processing")
  const intent = intentOf(body.id)
  const succeeded = await stripe.event("payment_intent.succeeded", { ...intent, status: "succeeded" })
  expect((await deliver(succeeded)).body).toEqual({ received: true, outcome: "settled" })
  expect((await deliver(succeeded)).body).toEqual({ received: true, outcome: "repeated" })
  const older = { ...intent, status: "requires_payment_method", last_payment_error: { code: "card_declined" } }
  expect((await deliver(await stripe.event("payment_intent.payment_failed", older))).body.outcome).toBe("settled")
  expect((await deliver(await stripe.event("payment_intent.processing", intent))).body.outcome).toBe("settled")
  const events = await eventsAbout(api.database.db, body.id)
  expect(events.map(({ type }) => type)).toEqual(["payment.succeeded"])
  expect((await api.call("GET", `${till.at}/payments/${body.id}`)).body.status).toBe("succeeded")
  const [paid] = await api.database.db`select correlation_id from slotbase.payments where id = ${body.id}`
  expect(events[0]).toMatchObject({ correlation_id: paid?.correlation_id, user_id: its.player.id })
})

test("ten deliveries of one event at once are processed once", async () => {
  const { body } = await till.pay(await till.hold(), "tok_slow")
  const event = await stripe.event("payment_intent.succeeded", { ...intentOf(body.id), status: "succeeded" })
  const answers = await Promise.all(Array.from({ length: 10 }, () => deliver(event)))
  const outcomes = answers.map((answer) => answer.body.outcome).sort()
  expect(outcomes).toEqual([...Array(9).fill("repeated"), "settled"])
  expect(await typesOf(body.id)).toEqual(["payment.succeeded"])
})

test("success after failure counts, because the money was taken", async () => {
  const { body } = await till.pay(await till.hold(), "tok_chargeDeclined")
  const intent = { ...intentOf(body.id), status: "succeeded" }
  await deliver(await stripe.event("payment_intent.succeeded", intent))
  expect(await typesOf(body.id)).toEqual(["payment.failed", "payment.succeeded"])
})

test("a webhook without Stripe's signature, with an old one, or about an unknown object changes nothing", async () => {
  const { body: paid } = await till.pay(await till.hold(), "tok_slow")
  const intent = { ...intentOf(paid.id), status: "succeeded" }
  const { body, signature } = await stripe.event("payment_intent.succeeded", intent)
  for (const forged of ["", "t=1,v1=00", signature.replace(/.$/, (last) => (last === "0" ? "1" : "0"))]) {
    const answer = await deliver({ body, signature: forged })
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 400, code: "bad_signature" })
  }
  expect((await deliver({ body: `${body} `, signature })).status).toBe(400)
  const foreign = await stripe.event("payment_intent.succeeded", { ...intent, id: "pi_other", metadata: {} })
  expect((await deliver(foreign)).body.outcome).toBe("not_ours")
  expect((await deliver(await stripe.event("customer.created", { id: "cus_1" }))).body.outcome).toBe("not_needed")
  expect(await typesOf(paid.id)).toEqual([])
  expect((await deliver({ body, signature })).body.outcome).toBe("settled")
})

test("a signed event that is not of its form is a 422, and comes again", async () => {
  const { body: paid } = await till.pay(await till.hold(), "tok_slow")
  const intent = { ...intentOf(paid.id), status: "succeeded" }
  const { id: _id, ...withoutId } = intent
  for (const object of [withoutId, { ...intent, object: "charge" }, { ...intent, status: null }]) {
    const answer = await deliver(await stripe.event("payment_intent.succeeded", object, "evt_again"))
    expect([answer.status, answer.body.code]).toEqual([422, "unreadable_event"])
  }
  const unnamed = await deliver(await stripe.event("payment_intent.succeeded", intent, "7"))
  expect([unnamed.status, unnamed.body.code]).toEqual([422, "unreadable_event"])
  expect(await typesOf(paid.id)).toEqual([])
  expect((await deliver(await stripe.event("payment_intent.succeeded", intent, "evt_again"))).body.outcome).toBe(
    "settled",
  )
})

test("a refund that is pending at Stripe succeeds when Stripe reports it", async () => {
  const { body: paid } = await till.pay(await till.hold())
  stripe.refundStatus = "pending"
  const { status, body } = await till.refund(paid.id, { amount: 1000 })
  stripe.refundStatus = "succeeded"
  expect(status).toBe(201)
  expect(body).toMatchObject({ status: "processing", amount: 1000 })
  const [refund] = [...stripe.refunds.values()].filter(({ metadata }) => metadata.slotbaseRefundId === body.id)
  await deliver(await stripe.event("refund.updated", { ...refund, status: "succeeded" }))
  const [, refunded] = await eventsAbout(api.database.db, paid.id)
  expect(refunded).toMatchObject({ type: "payment.refunded", data: { refundId: body.id, amount: 1000 } })
})

test("a refund whose answer is lost is found at Stripe, and was made once", async () => {
  const { body: paid } = await till.pay(await till.hold())
  const before = stripe.refunds.size
  stripe.loseAnswers = 1
  const { body } = await till.refund(paid.id)
  expect(body.status).toBe("processing")
  await lookUpNow(api.database.db)
  await resolvePayments(api.app, 10)
  expect(stripe.refunds.size).toBe(before + 1)
  expect((await api.call("GET", `${till.at}/refunds/${body.id}`)).body.status).toBe("succeeded")
})

test("a refund that Stripe refuses gives the reason, and no longer counts on the payment", async () => {
  const { body: paid } = await till.pay(await till.hold())
  stripe.refundStatus = "failed"
  const { body } = await till.refund(paid.id)
  stripe.refundStatus = "succeeded"
  expect(body).toMatchObject({ status: "failed", failureCode: "expired_or_canceled_card" })
  expect((await till.refund(paid.id)).body).toMatchObject({ status: "succeeded", amount: price })
  expect(await typesOf(paid.id)).toEqual(["payment.succeeded", "payment.refund_failed", "payment.refunded"])
})

test("a refund that the card's bank returns days later counts as failed, and can be made again", async () => {
  const { body: paid } = await till.pay(await till.hold())
  const { body } = await till.refund(paid.id)
  expect(body.status).toBe("succeeded")
  const [refund] = [...stripe.refunds.values()].filter(({ metadata }) => metadata.slotbaseRefundId === body.id)
  const failed = { ...refund, status: "failed", failure_reason: "lost_or_stolen_card" }
  for (const type of ["refund.failed", "refund.updated"]) await deliver(await stripe.event(type, failed))
  await deliver(await stripe.event("refund.updated", { ...failed, status: "succeeded" }))
  expect((await api.call("GET", `${till.at}/refunds/${body.id}`)).body).toMatchObject({
    status: "failed",
    failureCode: "lost_or_stolen_card",
  })
  expect((await api.call("GET", `${till.at}/payments/${paid.id}`)).body.refundedAmount).toBe(0)
  const told = await eventsAbout(api.database.db, paid.id, "payment.refund_failed")
  expect(told.map(({ data }) => data)).toMatchObject([
    { refundId: body.id, transactionId: paid.id, amount: price, failureCode: "lost_or_stolen_card" },
  ])
  expect((await till.refund(paid.id)).body).toMatchObject({ status: "succeeded", amount: price })
})

test("a refund made at Stripe is recorded here, once", async () => {
  const { body: paid } = await till.pay(await till.hold())
  const refund = {
    id: "re_by_hand",
    object: "refund",
    status: "succeeded",
    amount: 400,
    payment_intent: intentOf(paid.id).id,
    metadata: {},
  }
  await deliver(await stripe.event("refund.created", refund))
  await deliver(await stripe.event("refund.updated", refund))
  expect((await api.call("GET", `${till.at}/payments/${paid.id}`)).body.refundedAmount).toBe(400)
  expect((await eventsAbout(api.database.db, paid.id)).map(({ type, data }) => [type, data.amount])).toEqual([
    ["payment.succeeded", price],
    ["payment.refunded", 400],
  ])
})

test("a refund made at Stripe counts even when it is reported before its payment", async () => {
  const { body: paid } = await till.pay(await till.hold(), "tok_slow")
  const intent = intentOf(paid.id)
  intent.status = "succeeded"
  const refund = {
    id: "re_early",
    object: "refund",
    status: "succeeded",
    amount: 400,
    payment_intent: intent.id,
    metadata: {},
  }
  await deliver(await stripe.event("refund.created", refund))
  await deliver(await stripe.event("payment_intent.succeeded", intent))
  const { body } = await api.call("GET", `${till.at}/payments/${paid.id}`)
  expect(body).toMatchObject({ status: "succeeded", refundedAmount: 400 })
  expect(await typesOf(paid.id)).toEqual(["payment.succeeded", "payment.refunded"])
})

test("a card is saved at Stripe, and paid with by its owner", async () => {
  const bookingId = await till.hold()
  await till.pay(bookingId, "tok_chargeDeclined")
  const [account] = (await api.call("GET", `${till.at}/billing-accounts`, { token: its.player.token })).body.data
  const card = `${till.at}/billing-accounts/${account.id}/card`
  const saved = await api.call("POST", card, { body: { cardToken: "tok_visa" }, token: its.player.token })
  expect(saved.body).toMatchObject({ id: account.id, card: "visa ···· 4242" })
  const body = { referenceType: "booking", referenceId: bookingId, paymentMethod: "saved_card" }
  const paid = await api.call("POST", `${till.at}/payments`, { body, token: its.player.token })
  expect(paid.body).toMatchObject({ status: "succeeded", paymentMethod: "saved_card" })
})

test("a card whose saving is answered in a foreign form is not saved, and no half of it is kept", async () => {
  await till.pay(await till.hold(), "tok_chargeDeclined")
  const { token } = its.player
  const account = async () => (await api.call("GET", `${till.at}/billing-accounts`, { token })).body.data[0]
  const { id, card } = await account()
  for (const of of ["POST /v1/payment_methods", "POST /v1/customers"])
    for (const [status, body] of foreignAnswers) {
      stripe.instead.push({ status, body, carriedOut: true, of })
      const answer = await api.call("POST", `${till.at}/billing-accounts/${id}/card`, {
        body: { cardToken: "tok_visa" },
        token,
      })
      expect([answer.status, answer.body.code]).toEqual([409, "provider_unavailable"])
    }
  expect((await account()).card).toEqual(card)
})

test("25 minutes in dinars are charged, and a third of them given back, in amounts that Stripe moves", async () => {
  const facilityId = await api.facility({ currency: "KWD", openingHours: alwaysOpen, timezone: "UTC" })
  const at = `/v1/facilities/${facilityId}`
  const player = await api.person("player", facilityId)
  const post = (path: string, body: object, token?: string) =>
    api.call("POST", `${at}${path}`, { body, ...(token && { token }) })
  await api.call("PUT", `${at}/booking-policy`, {
    body: { cancellationPolicy: [{ hoursBefore: 0, refundPercent: 33 }] },
  })
  const court = await post("/resources", { name: "Court", resourceType: "court", hourlyPrice: 2500 })
  const { startAt } = atHour(40)
  const endAt = new Date(Date.parse(startAt) + 25 * 60_000).toISOString()
  const wish = { resourceId: court.body.id, startAt, endAt, paymentMethod: "online" }
  const booking = await post("/bookings", wish, player.token)
  const card = { referenceType: "booking", referenceId: booking.body.id, cardToken: "tok_visa" }
  const paid = await post("/payments", card, player.token)
  expect([booking.body.priceAmount, paid.body.status, intentOf(paid.body.id).amount]).toEqual([1040, "succeeded", 1040])
  const refund = await post(`/payments/${paid.body.id}/refunds`, { reason: "Rain", amount: 825 })
  expect([refund.status, refund.body.code]).toEqual([422, "amount_not_movable"])
  await till.react()
  const cancelled = await post(`/bookings/${booking.body.id}/cancel`, { cancellationReason: "Rain" })
  expect(cancelled.body.refundAmount).toBe(340)
  await till.react()
  expect(stripe.refunds.get([...stripe.refunds.keys()].at(-1) ?? "")).toMatchObject({
    amount: 340,
    status: "succeeded",
  })
  expect((await moneyOf(api.database.db, facilityId)).lost).toEqual([])
})
