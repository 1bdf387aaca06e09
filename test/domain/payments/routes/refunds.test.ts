// Refunds by staff, for a cancelled booking and for a late payment; and money at the desk.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { refundHandler } from "#actors/handlers/refund.ts"
import { localPayments } from "#actors/jobs/local-payments.ts"
import { newId } from "#base/ids.ts"
import { localDateOf } from "#base/local-days.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { resolvePayments } from "#domain/payments/resolve.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { run } from "#test/harness/club/club.ts"
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
/** An event as a handler receives it. */
const handled = async (id: string): Promise<HandledEvent> => {
  const [event] = await db()<HandledEvent[]>`
    select e.*, p.position from slotbase.events e join slotbase.event_positions p on p.event_id = e.id where e.id = ${id}`
  if (!event) throw new Error("no such event")
  return event
}
const offline = (body: object, options: object = {}) =>
  api.call("POST", `${till.at}/offline-payments`, { body, ...options })
const refundsOf = async (
  bookingId: string,
): Promise<{ amount: number; status: string; reason: string; id: string }[]> =>
  (await api.call("GET", `${till.at}/refunds?referenceId=${bookingId}`)).body.data
const amounts = async (bookingId: string) => (await refundsOf(bookingId)).map(({ amount, status }) => [amount, status])

/** Finishes all pending work at the provider, and lets every handler act on it. */
const settleAll = async () => {
  await db()`update slotbase.local_provider_payments set confirms_at = slotbase.now() where status = 'processing'`
  await localPayments(api.app).pass(new AbortController().signal)
  await lookUpNow(db())
  await resolvePayments(api.app, 50)
  await till.react()
}

describe("by staff", () => {
  test("in parts and then the rest, each with its event, and never more than was paid", async () => {
    const bookingId = await till.hold()
    const { body: paid } = await till.pay(bookingId)
    const { status, body } = await till.refund(paid.id, { amount: 1000 }, { token: its.staff.token })
    expect(status).toBe(201)
    expect(body).toMatchObject({ status: "succeeded", amount: 1000, paymentId: paid.id, refundedBy: its.staff.id })
    const [event] = await eventsAbout(db(), paid.id, "payment.refunded")
    expect(event).toMatchObject({
      user_id: its.staff.id,
      data: {
        refundId: body.id,
        transactionId: paid.id,
        facilityId: its.facilityId,
        amount: 1000,
        currency: "EUR",
        reason: "Rain",
        refundedBy: its.staff.id,
        referenceType: "booking",
        referenceId: bookingId,
      },
    })
    const tooMuch = await till.refund(paid.id, { amount: price })
    expect(tooMuch.status).toBe(422)
    expect(tooMuch.body).toMatchObject({
      code: "more_than_was_paid",
      errors: [{ path: "body.amount", message: `is more than ${price - 1000}` }],
    })
    expect((await till.refund(paid.id)).body).toMatchObject({ status: "succeeded", amount: price - 1000 })
    expect((await till.refund(paid.id)).body).toMatchObject({ code: "already_refunded" })
    const { body: failed } = await till.pay(await till.hold(), "tok_declined")
    expect((await till.refund(failed.id)).body).toMatchObject({ status: 409, code: "payment_not_succeeded" })
    expect((await till.refund(paid.id, {}, { token: its.player.token })).status).toBe(403)
    expect((await till.refund(newId())).status).toBe(404)
  })

  test("of ten full refunds at once one is made, and nine get a conflict", async () => {
    const { body: paid } = await till.pay(await till.hold())
    const answers = await Promise.all(Array.from({ length: 10 }, () => till.refund(paid.id)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.code === "already_refunded")).toHaveLength(9)
    expect(await eventsAbout(db(), paid.id, "payment.refunded")).toHaveLength(1)
  })
})

describe("for a cancelled booking", () => {
  test("the amount in its event is refunded, caused by it: newest payments first, the desk's marked as owed, never twice", async () => {
    const bookingId = await till.book()
    await offline({ bookingId, amount: 500, paymentMethod: "cash" })
    await till.pay(bookingId, "tok_visa", { amount: 900 })
    await till.pay(bookingId, "tok_mastercard", { amount: 1000 })
    await till.cancel(bookingId)
    await till.react()
    const [cancelled] = await eventsAbout(db(), bookingId, "booking.cancelled")
    expect(cancelled?.data).toMatchObject({ refundAmount: 2400, refundStatus: "pending" })
    const [owed, ...given] = (await refundsOf(bookingId)).toReversed().toSorted((a, b) => a.amount - b.amount)
    expect(given.map(({ amount, status }) => [amount, status])).toEqual([
      [900, "succeeded"],
      [1000, "succeeded"],
    ])
    expect(owed).toMatchObject({ amount: 500, status: "owed", reason: "Rain" })
    const events = await eventsAbout(db(), bookingId, "payment.refunded")
    expect(events.map(({ causation_id, data }) => [causation_id, data.amount])).toEqual([
      [cancelled?.id ?? "", 1000],
      [cancelled?.id ?? "", 900],
    ])
    // The whole run again, twice at once.
    const again = { db: db(), idempotencyKey: "again", signal: new AbortController().signal }
    const event = await handled(cancelled?.id ?? "")
    await Promise.all([1, 2].map(() => refundHandler(api.app).handle(event, again)))
    expect(await refundsOf(bookingId)).toHaveLength(3)

    const handBack = () => api.call("POST", `${till.at}/refunds/${owed?.id}/hand-back`, { token: its.staff.token })
    const answers = await Promise.all([handBack(), handBack()])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    const handed = (await eventsAbout(db(), bookingId, "payment.refunded")).at(-1)
    expect(handed).toMatchObject({
      causation_id: null,
      user_id: its.staff.id,
      data: { amount: 500, refundId: owed?.id },
    })
  })

  test("a part of it takes the newest payment, then a part of the one before", async () => {
    const bookingId = await till.book()
    await till.pay(bookingId, "tok_visa", { amount: 1600 })
    await till.pay(bookingId, "tok_visa", { amount: 800 })
    await till.cancel(bookingId, { refundPercent: 50 })
    await till.react()
    expect((await amounts(bookingId)).toSorted()).toEqual([
      [400, "succeeded"],
      [800, "succeeded"],
    ])
  })

  test("an earlier payment is decided by the cancellation, however late the payment's own handler runs", async () => {
    const bookingId = await till.book()
    await till.pay(bookingId)
    await till.cancel(bookingId, { refundPercent: 0 })
    await till.react()
    expect(await refundsOf(bookingId)).toEqual([])
    const [last] = (await till.runs("BookingConfirmationHandler")).slice(-1)
    expect(last).toMatchObject({ status: "skipped", reason: "its cancellation decided about it" })
  })

  test("a payment that is settled afterwards is refunded in full", async () => {
    const bookingId = await till.book()
    await till.pay(bookingId, "tok_processing")
    await till.cancel(bookingId, { refundPercent: 0 })
    await db()`update slotbase.local_provider_payments set confirms_at = slotbase.now() where status = 'processing'`
    await localPayments(api.app).pass(new AbortController().signal)
    await till.react()
    const [voided] = await eventsAbout(db(), bookingId, "booking.payment_voided")
    expect(voided?.data).toMatchObject({ reason: "cancelled", amount: price })
    expect(await amounts(bookingId)).toEqual([[price, "succeeded"]])
  })

  test("paid and cancelled at once: in both orders all is refunded", async () => {
    for (const card of ["tok_visa", "tok_timeout", "tok_visa", "tok_processing"]) {
      const bookingId = await till.book()
      await Promise.all([till.pay(bookingId, card), till.cancel(bookingId)])
      await settleAll()
      const { data } = (await api.call("GET", `${till.at}/payments?referenceId=${bookingId}&status=succeeded`)).body
      expect(data.map((payment: { refundedAmount: number }) => payment.refundedAmount)).toEqual(data.map(() => price))
    }
  })

  test("without a payment there is no refund", async () => {
    const bookingId = await till.book()
    await till.cancel(bookingId)
    await till.react()
    const [last] = (await till.runs("RefundHandler")).slice(-1)
    expect(last).toEqual({ status: "skipped", reason: "nothing is to be given back", error: null })
  })
})

describe("a payment that comes too late", () => {
  /** Holds a slot and pays with a slow card; then the hold expires. */
  const paidTooLate = async () => {
    const bookingId = await till.hold()
    const { body } = await till.pay(bookingId, "tok_processing")
    return { bookingId, paymentId: body.id as string }
  }
  const confirmedByProvider = async () => {
    await db()`update slotbase.local_provider_payments set confirms_at = slotbase.now() where status = 'processing'`
    await localPayments(api.app).pass(new AbortController().signal)
    await till.react()
  }
  const kill = (bookingId: string) => db()`
    update slotbase.bookings set hold_expires_at = slotbase.now() - interval '1 second' where id = ${bookingId}`
  const slotOf = async (bookingId: string) => {
    const { startAt, endAt } = (await api.call("GET", `${till.at}/bookings/${bookingId}`)).body
    return { startAt, endAt, resourceId: its.court }
  }

  test("for a live hold still confirms it", async () => {
    const { bookingId } = await paidTooLate()
    await confirmedByProvider()
    expect(await till.statusOf(bookingId)).toBe("confirmed")
  })

  test("for an expired hold with a free slot takes the slot again and confirms the booking", async () => {
    const { bookingId, paymentId } = await paidTooLate()
    await kill(bookingId)
    await run(db(), (tx) => expireHolds(tx, 100))
    await confirmedByProvider()
    expect(await till.statusOf(bookingId)).toBe("confirmed")
    expect(await eventsAbout(db(), paymentId, "payment.refunded")).toEqual([])
  })

  test("for an expired hold with a taken slot is void: it is refunded in full, and the payer gets free times", async () => {
    const { bookingId, paymentId } = await paidTooLate()
    await kill(bookingId)
    const slot = await slotOf(bookingId)
    const taken = await api.call("POST", `${till.at}/bookings`, {
      body: { ...slot, bookerId: its.staff.id, paymentMethod: "offline" },
    })
    expect(taken.status).toBe(201)
    await confirmedByProvider()
    const [paid] = await eventsAbout(db(), paymentId, "payment.succeeded")
    const [voided] = await eventsAbout(db(), bookingId, "booking.payment_voided")
    expect(voided).toMatchObject({
      causation_id: paid?.id,
      correlation_id: paid?.correlation_id,
      data: {
        bookingId,
        facilityId: its.facilityId,
        resourceId: its.court,
        transactionId: paymentId,
        payerId: its.player.id,
        bookerId: its.player.id,
        startAt: slot.startAt,
        endAt: slot.endAt,
        amount: price,
        currency: "EUR",
        reason: "slot_taken",
      },
    })
    expect(voided?.data.alternatives).toHaveLength(3)
    const [refunded] = await eventsAbout(db(), paymentId, "payment.refunded")
    expect(refunded?.data).toMatchObject({ amount: price, referenceId: bookingId })
    expect(await till.statusOf(bookingId)).toBe("expired")
  })

  test("races with another booking of the expired hold's slot: one gets it, and money and slot agree", async () => {
    for (let round = 0; round < 4; round++) {
      const { bookingId } = await paidTooLate()
      await kill(bookingId)
      const body = { ...(await slotOf(bookingId)), bookerId: its.staff.id, paymentMethod: "offline" }
      const [rival] = await Promise.all([api.call("POST", `${till.at}/bookings`, { body }), confirmedByProvider()])
      await settleAll()
      const kept = (await till.statusOf(bookingId)) === "confirmed"
      expect(rival.status).toBe(kept ? 409 : 201)
      expect(await amounts(bookingId)).toEqual(kept ? [] : [[price, "succeeded"]])
    }
  })

  test("for an expired hold is void too after the start, without claiming that the slot was taken", async () => {
    const { bookingId } = await paidTooLate()
    await kill(bookingId)
    await run(db(), (tx) => expireHolds(tx, 100))
    await db()`
      update slotbase.bookings set start_at = slotbase.now() - interval '1 minute', end_at = slotbase.now() + interval '1 minute'
      where id = ${bookingId}`
    await confirmedByProvider()
    const [voided] = await eventsAbout(db(), bookingId, "booking.payment_voided")
    expect(voided?.data).toMatchObject({ reason: "not_available", amount: price })
  })

  test("for a released hold is void too", async () => {
    const { bookingId } = await paidTooLate()
    await api.call("DELETE", `${till.at}/holds/${bookingId}`, { token: its.player.token })
    await confirmedByProvider()
    const [voided] = await eventsAbout(db(), bookingId, "booking.payment_voided")
    expect(voided?.data).toMatchObject({ reason: "released", amount: price })
    expect(await amounts(bookingId)).toEqual([[price, "succeeded"]])
  })

  test("for a booking that another payment has paid meanwhile is refunded", async () => {
    const bookingId = await till.book()
    await till.pay(bookingId, "tok_processing")
    await db()`update slotbase.payments set status = 'failed', failure_code = 'x', failure_reason = 'x', settled_at = slotbase.now(),
      sealed_card = null where reference_id = ${bookingId}`
    await till.pay(bookingId)
    await confirmedByProvider()
    await lookUpNow(db())
    await resolvePayments(api.app, 10)
    expect(await amounts(bookingId)).toEqual([[price, "succeeded"]])
    expect((await eventsAbout(db(), bookingId, "payment.refunded"))[0]?.data.reason).toBe("Paid more than was due")
  })
})

describe("at the desk", () => {
  test.each(["cash", "check", "bank_transfer", "venmo", "zelle", "other"])("%s is recorded", async (paymentMethod) => {
    const { status, body } = await offline({ payerName: "Clara Keller", amount: 700, paymentMethod })
    expect(status).toBe(201)
    expect(body).toMatchObject({ paymentMethod, payerName: "Clara Keller", amount: 700, bookingId: null })
  })

  test("for a booking counts towards the due amount, and its event has every field", async () => {
    const bookingId = await till.book()
    const { body } = await offline(
      {
        bookingId,
        amount: 1400,
        paymentMethod: "bank_transfer",
        referenceNumber: "RF18 5390",
        paymentDate: "2026-03-10",
      },
      { token: its.staff.token },
    )
    const [event] = await eventsAbout(db(), body.id)
    expect(event).toMatchObject({
      type: "offline_payment.recorded",
      user_id: its.staff.id,
      data: {
        offlinePaymentId: body.id,
        facilityId: its.facilityId,
        billingAccountId: body.billingAccountId,
        amount: 1400,
        currency: "EUR",
        paymentMethod: "bank_transfer",
        referenceNumber: "RF18 5390",
        payerName: "Mia Keller",
        recordedBy: its.staff.id,
        paymentDate: "2026-03-10",
        bookingId,
      },
    })
    expect((await offline({ bookingId, amount: 1001, paymentMethod: "cash" })).body.code).toBe("more_than_is_due")
    expect((await till.pay(bookingId)).body).toMatchObject({ status: "succeeded", amount: 1000 })
    const list = await api.call("GET", `${till.at}/offline-payments?bookingId=${bookingId}`)
    expect(list.body.data).toEqual([(await api.call("GET", `${till.at}/offline-payments/${body.id}`)).body])
  })

  test("is refused without a payer, in the future, for an unknown account, and from members", async () => {
    const cash = { amount: 100, paymentMethod: "cash" }
    const faults = async (body: object) => (await offline(body)).body
    expect(await faults(cash)).toMatchObject({ code: "invalid_input", errors: [{ path: "body.payerName" }] })
    const tomorrow = localDateOf("UTC", Date.now() + 2 * 86_400_000)
    expect(await faults({ ...cash, payerName: "Mia", paymentDate: tomorrow })).toMatchObject({
      code: "paid_in_the_future",
    })
    expect(await faults({ ...cash, payerName: "Mia", paymentDate: "2026-02-30" })).toMatchObject({ status: 422 })
    expect(await faults({ ...cash, billingAccountId: newId() })).toMatchObject({
      errors: [{ path: "body.billingAccountId", message: "names no billing account of the facility" }],
    })
    expect((await offline({ ...cash, payerName: "Mia" }, { token: its.player.token })).status).toBe(403)
  })
})
