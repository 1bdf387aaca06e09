// Payments by card over HTTP, with the built-in provider: each test card, the rights, and the amounts. They also cover
// a crash between the two halves of a payment, and races.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { authenticate, requireMember } from "#access/caller.ts"
import { localPayments } from "#actors/jobs/local-payments.ts"
import { newId } from "#base/ids.ts"
import { askedPayment, beginPayment } from "#domain/payments/begin.ts"
import { runPaymentHooks } from "#domain/payments/hooks.ts"
import { localProvider } from "#domain/payments/providers/local.ts"
import { giveUpAfterMs, resendWithinMs, resolvePayment, resolvePayments } from "#domain/payments/resolve.ts"
import { transact } from "#events/outbox.ts"
import type { AnyHook } from "#hooks/create-hooks.ts"
import { createHooks } from "#hooks/create-hooks.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { testContext } from "#test/harness/club/club.ts"
import { eventsAbout, lookUpNow, makeTill, moneyOf, price, type Till } from "#test/harness/club/payments.ts"

let api: TestApi
let its: Courts
let till: Till

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
  till = await makeTill(api, its)
})
afterAll(async () => {
  expect((await moneyOf(api.database.db, its.facilityId)).lost).toEqual([])
  await api.database.drop()
})

const db = () => api.database.db
const chargesAt = async (key: string) =>
  (await db()`select from slotbase.local_provider_payments where key = ${key}`).length
const read = async (paymentId: string) => (await api.call("GET", `${till.at}/payments/${paymentId}`)).body
const paymentRows = async () => Number((await db()`select count(*) from slotbase.payments`)[0]?.count)
const problemOf = async (call: ReturnType<TestApi["call"]>) => {
  const { status, body } = await call
  return { status, code: body.code, errors: body.errors }
}

describe("cards", () => {
  test("a good card pays the due amount, and the event has every field", async () => {
    const bookingId = await till.hold()
    const correlation = newId()
    const answer = await till.pay(bookingId, "tok_visa", {}, { headers: { "x-correlation-id": correlation } })
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({ status: "succeeded", amount: price, currency: "EUR", payerId: its.player.id })
    const [event, ...more] = await eventsAbout(db(), answer.body.id)
    expect(more).toEqual([])
    expect(answer.headers.get("x-slotbase-event-ids")).toBe(event?.id ?? "")
    expect(event).toEqual({
      id: event?.id ?? "",
      type: "payment.succeeded",
      facility_id: its.facilityId,
      user_id: its.player.id,
      correlation_id: correlation,
      causation_id: null,
      data: {
        transactionId: answer.body.id,
        facilityId: its.facilityId,
        billingAccountId: answer.body.billingAccountId,
        payerId: its.player.id,
        amount: price,
        currency: "EUR",
        paymentMethod: "card",
        referenceType: "booking",
        referenceId: bookingId,
      },
    })
    expect(await read(answer.body.id)).toEqual(answer.body)
  })

  test.each([
    ["tok_declined", "card_declined", "The card was declined."],
    ["tok_insufficient_funds", "insufficient_funds", "The card has insufficient funds."],
    ["tok_expired", "expired_card", "The card has expired."],
    ["tok_of_nobody", "unknown_card_token", "There is no such card."],
  ])("%s fails with %s, may be tried again at once, and is not retried automatically", async (card, code, reason) => {
    const bookingId = await till.hold()
    const { status, body } = await till.pay(bookingId, card)
    expect(status).toBe(201)
    expect(body).toMatchObject({ status: "failed", failureCode: code, failureReason: reason, nextRetryAt: null })
    const again = await till.pay(bookingId, card)
    const [first, second] = await eventsAbout(db(), bookingId, "payment.failed")
    expect(first?.data).toEqual({
      transactionId: body.id,
      facilityId: its.facilityId,
      billingAccountId: body.billingAccountId,
      payerId: its.player.id,
      amount: price,
      currency: "EUR",
      failureReason: reason,
      failureCode: code,
      referenceType: "booking",
      referenceId: bookingId,
      retryCount: 0,
    })
    expect(second?.data).toMatchObject({ transactionId: again.body.id, retryCount: 1 })
    expect((await till.pay(bookingId, "tok_mastercard")).body).toMatchObject({ status: "succeeded", retryCount: 2 })
  })

  test("tok_processing succeeds later, by the provider's report, in the correlation of its request", async () => {
    const bookingId = await till.hold()
    const correlation = newId()
    const { body } = await till.pay(bookingId, "tok_processing", {}, { headers: { "x-correlation-id": correlation } })
    expect(body).toMatchObject({ status: "processing", settledAt: null })
    await localPayments(api.app).pass(new AbortController().signal)
    expect((await read(body.id)).status).toBe("processing")
    await db()`update slotbase.local_provider_payments set confirms_at = slotbase.now() where key = ${body.id}`
    await localPayments(api.app).pass(new AbortController().signal)
    const [event] = await eventsAbout(db(), body.id)
    expect(event).toMatchObject({ type: "payment.succeeded", correlation_id: correlation, user_id: its.player.id })
    await till.react()
    expect(await till.statusOf(bookingId)).toBe("confirmed")
  })

  test("tok_timeout is charged although its answer is lost; the job finds the charge, and nothing is charged twice", async () => {
    const bookingId = await till.hold()
    const { status, body } = await till.pay(bookingId, "tok_timeout")
    expect({ status, state: body.status }).toEqual({ status: 201, state: "processing" })
    expect(await problemOf(till.pay(bookingId))).toMatchObject({ status: 409, code: "payment_under_way" })
    await lookUpNow(db())
    expect(await resolvePayments(api.app, 10)).toEqual({ payments: 1, refunds: 0, retries: 0, more: false })
    expect((await eventsAbout(db(), body.id)).map(({ type }) => type)).toEqual(["payment.succeeded"])
    expect(await problemOf(till.pay(bookingId))).toMatchObject({ status: 409, code: "nothing_due" })
  })
})

describe("a hold that is paid", () => {
  test("becomes a booking, caused by the payment and in its correlation", async () => {
    const bookingId = await till.hold()
    const { body } = await till.pay(bookingId)
    await till.react()
    const [paid] = await eventsAbout(db(), body.id)
    const [confirmed] = await eventsAbout(db(), bookingId, "booking.confirmed")
    expect(confirmed).toMatchObject({ causation_id: paid?.id ?? "", correlation_id: paid?.correlation_id ?? "" })
    expect(confirmed?.data).toMatchObject({ bookingId, paymentMethod: "online", priceAmount: price })
  })

  test("is paid once under one Idempotency-Key, and a repetition answers the current state", async () => {
    const bookingId = await till.hold()
    const headers = { "idempotency-key": newId() }
    const first = await till.pay(bookingId, "tok_timeout", {}, { headers })
    const again = await till.pay(bookingId, "tok_timeout", {}, { headers })
    expect([first.status, again.status]).toEqual([201, 201])
    expect([first.body.status, again.body.status]).toEqual(["processing", "succeeded"])
    expect(again.body.id).toBe(first.body.id)
    expect(await chargesAt(first.body.id)).toBe(1)
  })

  test("of two payments at once one succeeds, and the other gets a conflict", async () => {
    const bookingId = await till.hold()
    const staff = { token: its.staff.token }
    const answers = await Promise.all([
      till.pay(bookingId),
      till.pay(bookingId, "tok_visa", {}, staff),
      till.pay(bookingId),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
    for (const { body } of answers.filter(({ status }) => status === 409)) {
      expect(["payment_under_way", "nothing_due"]).toContain(body.code)
    }
    expect(await eventsAbout(db(), bookingId, "payment.succeeded")).toHaveLength(1)
  })
})

describe("a crash between the two halves", () => {
  /** Runs the first half alone. */
  const begun = async (bookingId: string, cardToken = "tok_visa") => {
    const caller = await authenticate(db(), its.player.token)
    const wanted = { referenceType: "booking", referenceId: bookingId, cardToken } as const
    const asked = await askedPayment(db(), requireMember(caller, its.facilityId), wanted)
    const hooked = await runPaymentHooks(undefined, asked, { facilityId: its.facilityId, caller })
    const { result } = await transact(db(), testContext, (tx) => beginPayment(tx, api.app, caller, hooked, cardToken))
    return result
  }

  test("before the provider was asked: it is asked under the same key", async () => {
    const payment = await begun(await till.hold())
    expect(await chargesAt(payment.id)).toBe(0)
    expect(await resolvePayment(api.app, payment, resendWithinMs - 1)).toBe(true)
    expect(await read(payment.id)).toMatchObject({ status: "succeeded" })
  })

  test("after the provider was asked: its charge is looked up, and nothing is charged again", async () => {
    const payment = await begun(await till.hold(), "tok_insufficient_funds")
    const { id: key, facility_id: facilityId, amount, currency } = payment
    const card = { kind: "token", token: "tok_insufficient_funds" } as const
    await localProvider(db()).charge({ key, facilityId, amount, currency, card, description: "" })
    expect(await resolvePayment(api.app, payment, giveUpAfterMs + 1)).toBe(true)
    expect(await read(key)).toMatchObject({ status: "failed", failureCode: "insufficient_funds" })
    const [event] = await eventsAbout(db(), key)
    expect(event).toMatchObject({ correlation_id: testContext.correlationId, user_id: its.player.id })
    expect(await chargesAt(key)).toBe(1)
  })

  test("found too late: the payment is no longer charged, and fails once the provider certainly has no charge", async () => {
    const payment = await begun(await till.hold())
    expect(await resolvePayment(api.app, payment, resendWithinMs)).toBe(false)
    expect(await resolvePayment(api.app, payment, giveUpAfterMs)).toBe(true)
    expect(await read(payment.id)).toMatchObject({ status: "failed", failureCode: "never_sent" })
    expect(await chargesAt(payment.id)).toBe(0)
  })

  test("resolved by two processes at once: one outcome, one event", async () => {
    const payment = await begun(await till.hold(), "tok_mastercard")
    await Promise.all([1, 2, 3].map(() => resolvePayment(api.app, payment, 0)))
    expect(await eventsAbout(db(), payment.id)).toHaveLength(1)
    expect(await chargesAt(payment.id)).toBe(1)
  })
})

describe("rights", () => {
  test("a parent with the permission, in their own name; a parent without it is refused, and a stranger to the booking gets a 404", async () => {
    const linked = async (permissions: string[]) => {
      const parent = await api.person("player", its.facilityId)
      const body = { childId: its.player.id, relationship: "mother", isPrimary: false, permissions }
      expect((await api.call("POST", `/v1/users/${parent.id}/children`, { body })).status).toBe(201)
      return parent
    }
    const [payer, booker] = [await linked(["pay"]), await linked(["book"])]
    const other = await api.person("player", its.facilityId)
    const bookingId = await till.hold()
    const refused = await problemOf(till.pay(bookingId, "tok_visa", {}, { token: booker.token }))
    expect(refused).toMatchObject({ status: 403, code: "not_allowed" })
    expect((await till.pay(bookingId, "tok_visa", {}, { token: other.token })).status).toBe(404)
    const { body } = await till.pay(bookingId, "tok_visa", {}, { token: payer.token })
    expect(body).toMatchObject({ status: "succeeded", payerId: payer.id })
    const seen = async (token: string) => (await api.call("GET", `${till.at}/payments/${body.id}`, { token })).status
    expect([await seen(payer.token), await seen(its.player.token), await seen(other.token)]).toEqual([200, 200, 404])
    const mine = await api.call("GET", `${till.at}/payments?referenceId=${bookingId}`, { token: other.token })
    expect(mine.body).toEqual({ data: [], next: null })
  })

  test("staff pay in the name of the debtor", async () => {
    const { body } = await till.pay(await till.hold(), "tok_visa", {}, { token: its.staff.token })
    expect(body).toMatchObject({ payerId: its.player.id })
    expect((await eventsAbout(db(), body.id))[0]?.user_id).toBe(its.staff.id)
  })
})

describe("how much", () => {
  test("never more than is due, in parts except for a hold, and nothing when no payment is due", async () => {
    const booking = await till.book()
    const tooMuch = await problemOf(till.pay(booking, "tok_visa", { amount: price + 1 }))
    expect(tooMuch).toEqual({
      status: 422,
      code: "more_than_is_due",
      errors: [{ path: "body.amount", message: `is more than ${price}` }],
    })
    expect((await till.pay(booking, "tok_visa", { amount: 1000 })).body.status).toBe("succeeded")
    expect((await till.pay(booking)).body).toMatchObject({ status: "succeeded", amount: price - 1000 })
    expect(await problemOf(till.pay(booking))).toMatchObject({ status: 409, code: "nothing_due" })
    const hold = await till.hold()
    expect(await problemOf(till.pay(hold, "tok_visa", { amount: 1 }))).toMatchObject({ code: "hold_is_paid_whole" })
    await db()`update slotbase.bookings set hold_expires_at = slotbase.now() where id = ${hold}`
    expect(await problemOf(till.pay(hold))).toMatchObject({ status: 409, code: "hold_expired" })
    const cancelled = await till.book()
    await till.cancel(cancelled)
    expect(await problemOf(till.pay(cancelled))).toMatchObject({ status: 409, code: "booking_not_payable" })
    expect((await till.pay(newId())).status).toBe(404)
    const nothing = { referenceType: "invoice", referenceId: newId() }
    expect((await till.pay(booking, "tok_visa", nothing)).status).toBe(404)
  })

  test.each([
    [{ cardToken: undefined }, "body.cardToken", "Missing key"],
    [{ paymentMethod: "saved_card" }, "body.cardToken", "does not go with a saved card"],
    [{ cardToken: "4242424242424242" }, "body.cardToken", "Expected a token such as tok_visa"],
    [{ amount: 0 }, "body.amount", "Expected a value greater than or equal to 1"],
    [{ amount: 1.5 }, "body.amount", "Expected an integer"],
    [{ referenceType: "kiosk" }, "body.referenceType", 'Expected "booking" | "subscription" | "invoice"'],
  ])("%p is refused by its place, and nothing is written", async (more, path, message) => {
    const before = await paymentRows()
    const { status, errors } = await problemOf(till.pay(newId(), "tok_visa", more))
    expect({ status, errors }).toEqual({ status: 422, errors: [{ path, message }] })
    expect(await paymentRows()).toBe(before)
  })
})

describe("before:payment.process", () => {
  const withHook = async (run: (payment: object) => unknown, work: () => Promise<void>) => {
    const hook = { point: "before:payment.process", name: "fraud-check", run } as unknown as AnyHook
    Object.assign(api.app, { hooks: createHooks([hook]) })
    await work().finally(() => Object.assign(api.app, { hooks: [] }))
  }

  test("sees the payment and may block it: nothing is written, and the provider is not asked", async () => {
    const [bookingId, before] = [await till.hold(), await paymentRows()]
    const seen: object[] = []
    const block = (payment: object) => {
      seen.push(payment)
      return { block: "Pay at the desk, please." }
    }
    await withHook(block, async () => {
      const { status, body } = await till.pay(bookingId)
      expect(status).toBe(422)
      expect(body).toMatchObject({ code: "blocked_by_hook", detail: "Pay at the desk, please.", hook: "fraud-check" })
    })
    expect(await paymentRows()).toBe(before)
    expect(seen).toEqual([
      {
        facilityId: its.facilityId,
        referenceType: "booking",
        referenceId: bookingId,
        payerId: its.player.id,
        amount: price,
        currency: "EUR",
        paymentMethod: "card",
      },
    ])
  })

  test("may not modify it: the request fails closed", async () => {
    const bookingId = await till.hold()
    await withHook(
      (payment) => ({ modify: { ...payment, amount: 1 } }),
      async () => expect(await problemOf(till.pay(bookingId))).toMatchObject({ status: 422, code: "blocked_by_hook" }),
    )
    expect(await eventsAbout(db(), bookingId, "payment.succeeded")).toEqual([])
  })
})

test("the list is read newest first, page by page, with its filters", async () => {
  const all = (await api.call("GET", `${till.at}/payments?status=failed&limit=200`)).body.data
  const first = (await api.call("GET", `${till.at}/payments?status=failed&limit=3`)).body
  const rest = (await api.call("GET", `${till.at}/payments?status=failed&limit=200&after=${first.next}`)).body
  expect([...first.data, ...rest.data]).toEqual(all)
  expect(all.map(({ id }: { id: string }) => id)).toEqual(
    all
      .map(({ id }: { id: string }) => id)
      .sort()
      .reverse(),
  )
  const { billingAccountId, referenceId } = all[0]
  const narrow = `payerId=${its.player.id}&billingAccountId=${billingAccountId}&referenceType=booking&referenceId=${referenceId}`
  const found = (
    await api.call("GET", `${till.at}/payments?${narrow}&from=2020-01-01T00:00:00Z&to=2199-01-01T00:00:00Z`)
  ).body
  expect(found.data).toContainEqual(all[0])
})
