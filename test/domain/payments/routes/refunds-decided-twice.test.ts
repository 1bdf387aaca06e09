// Money with two deciders, for example:
//
// - the platform's staff and the club's staff
// - a cancellation and a later payment
// - a refused refund and its repetition
// - a hold that is paid at the desk
// - a refunded period and the next one

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { refundHandler } from "#actors/handlers/refund.ts"
import { subscriptionPaymentHandler } from "#actors/handlers/subscription-payment.ts"
import { localPayments } from "#actors/jobs/local-payments.ts"
import { newId } from "#base/ids.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { run } from "#test/harness/club/club.ts"
import { eventsAbout, makeTill, moneyOf, price, type Till } from "#test/harness/club/payments.ts"
import { handleAll, moveTo, runRenewals } from "#test/harness/club/subscriptions.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"

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
const refundsOf = async (bookingId: string): Promise<[number, string][]> => {
  const { data } = (await api.call("GET", `${till.at}/refunds?referenceId=${bookingId}`)).body
  return data.map(({ amount, status }: { amount: number; status: string }) => [amount, status])
}
/** The provider confirms its pending payments; no handler has acted on them yet. */
const confirmedByProvider = async () => {
  await db()`update slotbase.local_provider_payments set confirms_at = slotbase.now() where status = 'processing'`
  await localPayments(api.app).pass(new AbortController().signal)
}
const killHold = async (bookingId: string) => {
  await db()`
    update slotbase.bookings set hold_expires_at = slotbase.now() - interval '1 second' where id = ${bookingId} and status = 'held'`
  await run(db(), (tx) => expireHolds(tx, 100))
}
/** RefundHandler handles the single event of this type about a booking. */
const handleRefund = async (bookingId: string, type: string) => {
  const [known] = await eventsAbout(db(), bookingId, type)
  const [event] = await db()<HandledEvent[]>`
    select e.*, p.position from slotbase.events e join slotbase.event_positions p on p.event_id = e.id
    where e.id = ${known?.id ?? newId()}`
  if (!event) throw new Error(`no ${type}`)
  const tools = { db: db(), idempotencyKey: newId(), signal: new AbortController().signal }
  return refundHandler(api.app).handle(event, tools)
}

test("a payment after a cancellation is refunded in full, beside the cancellation's own part, in both orders of handlers", async () => {
  const bookingId = await till.book()
  await till.pay(bookingId, "tok_visa", { amount: 1600 })
  await till.pay(bookingId, "tok_processing", { amount: 800 })
  await till.cancel(bookingId, { refundPercent: 50 })
  await confirmedByProvider()
  await dispatchAll(db())
  await handleRefund(bookingId, "booking.cancelled")
  await till.react()
  expect(await refundsOf(bookingId)).toEqual([
    [800, "succeeded"],
    [800, "succeeded"],
  ])
  const { data } = (await api.call("GET", `${till.at}/payments?referenceId=${bookingId}`)).body
  expect(
    data.map((payment: { amount: number; refundedAmount: number }) => [payment.amount, payment.refundedAmount]),
  ).toEqual([
    [800, 800],
    [1600, 800],
  ])
})

test("a void payment whose refund was refused is refunded once when its dead letter is reprocessed", async () => {
  const bookingId = await till.hold()
  const { body } = await till.pay(bookingId, "tok_processing")
  await api.call("DELETE", `${till.at}/holds/${bookingId}`, { token: its.player.token })
  await confirmedByProvider()
  // The provider has made a refund that SlotBase does not know.
  await db()`insert into slotbase.local_provider_refunds (key, payment_key, amount) values (${newId()}, ${body.id}, 1)`
  await till.react()
  expect(await refundsOf(bookingId)).toEqual([[price, "failed"]])
  expect((await till.runs("RefundHandler")).at(-1)?.status).toBe("dead_letter")
  await db()`delete from slotbase.local_provider_refunds where payment_key = ${body.id}`
  for (let i = 0; i < 2; i++) await handleRefund(bookingId, "booking.payment_voided")
  expect(await refundsOf(bookingId)).toEqual([
    [price, "succeeded"],
    [price, "failed"],
  ])
})

test("a hold that is paid at the desk becomes a booking at once, so that its money is never left with an expired hold", async () => {
  const bookingId = await till.hold()
  const { status, headers } = await api.call("POST", `${till.at}/offline-payments`, {
    body: { bookingId, amount: price, paymentMethod: "cash" },
    token: its.staff.token,
  })
  expect(status).toBe(201)
  expect(headers.get("x-slotbase-event-ids")?.split(",")).toHaveLength(2)
  const [confirmed] = await eventsAbout(db(), bookingId, "booking.confirmed")
  expect(confirmed?.data).toMatchObject({ bookingId, paymentMethod: "offline" })
  await killHold(bookingId)
  expect(await till.statusOf(bookingId)).toBe("confirmed")
})

test("an expired hold is not taken again for a payment that staff have refunded meanwhile", async () => {
  const bookingId = await till.hold()
  const { body } = await till.pay(bookingId, "tok_processing")
  await killHold(bookingId)
  await confirmedByProvider()
  expect((await till.refund(body.id)).status).toBe(201)
  await till.react()
  expect(await till.statusOf(bookingId)).toBe("expired")
  expect(await refundsOf(bookingId)).toEqual([[price, "succeeded"]])
})

test("moving a booking first does not improve a member's refund, and does not bind staff", async () => {
  const cancellationPolicy = [{ hoursBefore: 24, refundPercent: 100 }]
  const policy = (body: object) => api.call("PUT", `${till.at}/booking-policy`, { body })
  expect((await policy({ cancellationPolicy })).status).toBe(200)
  const court = { name: "Court beside the others", resourceType: "court", hourlyPrice: price }
  const { body: free } = await api.call("POST", `${till.at}/resources`, { body: court })
  const hourMs = 3_600_000
  const soon = Math.ceil(Date.now() / hourMs) * hourMs + 5 * hourMs
  const slot = (start: number, minutes: number) => ({
    startAt: new Date(start).toISOString(),
    endAt: new Date(start + minutes * 60_000).toISOString(),
  })
  for (const [days, token, refunds] of [
    [40, its.player.token, [0, 0]],
    [50, its.staff.token, [price / 2, price / 2]],
  ] as const) {
    const { body: booking } = await api.call("POST", `${till.at}/bookings`, {
      body: { resourceId: free.id, ...slot(soon, 60), paymentMethod: "online" },
      token: its.player.token,
    })
    await till.pay(booking.id)
    await till.react()
    const to = slot(soon + days * 24 * hourMs, 30)
    const moved = await api.call("POST", `${till.at}/bookings/${booking.id}/reschedule`, { body: to, token })
    expect(moved.status).toBe(200)
    const [event] = await eventsAbout(db(), booking.id, "booking.rescheduled")
    const cancelled = await api.call("POST", `${till.at}/bookings/${booking.id}/cancel`, {
      body: { cancellationReason: "Rain" },
      token: its.player.token,
    })
    expect([event?.data.refundAmount, cancelled.body.refundAmount]).toEqual([...refunds])
  }
  expect((await policy({})).status).toBe(200)
})

test("a slot taken again for a late payment counts in the month's bookings, and is not taken when none is left", async () => {
  const wish = { planId: "starter", billingCycle: "monthly" }
  await api.call("POST", `${till.at}/subscription`, { body: wish })
  const used = async () => {
    const [row] = await db()<{ used: number }[]>`
      select (c.used - (select coalesce(sum(r.amount), 0) from slotbase.entitlement_returns r
                        where r.facility_id = c.facility_id and r.entitlement = c.entitlement))::integer as used
      from slotbase.entitlement_counters c where c.facility_id = ${its.facilityId} and c.entitlement = 'bookings_per_month'`
    return row?.used
  }
  const allow = (bookings: number) => db()`
    update slotbase.entitlement_counters set allowed = ${bookings}
    where facility_id = ${its.facilityId} and entitlement = 'bookings_per_month'`
  for (const [left, status, counted] of [
    [1, "confirmed", 1],
    [0, "expired", 0],
  ] as const) {
    const before = (await used()) ?? 0
    await allow(before + 1)
    const bookingId = await till.hold()
    await till.pay(bookingId, "tok_processing")
    await killHold(bookingId)
    expect(await used()).toBe(before)
    await allow(before + left)
    await confirmedByProvider()
    await till.react()
    expect(await till.statusOf(bookingId)).toBe(status)
    expect(await used()).toBe(before + counted)
    expect(await refundsOf(bookingId)).toEqual(status === "expired" ? [[price, "succeeded"]] : [])
  }
  await api.call("POST", `${till.at}/subscription/cancel`, { body: { atPeriodEnd: false } })
})

test("only the platform refunds a subscription's payment, and the next renewal does not charge it again", async () => {
  const wish = { planId: "starter", billingCycle: "monthly" }
  const { body: subscription } = await api.call("POST", `${till.at}/subscription`, { body: wish })
  const { body: paid } = await api.call("POST", `${till.at}/payments`, {
    body: { referenceType: "subscription", referenceId: subscription.id, cardToken: "tok_visa" },
  })
  await handleAll(db(), subscriptionPaymentHandler(), its.facilityId)
  const owner = await api.person("facility_owner", its.facilityId)
  for (const { token } of [its.staff, owner]) expect((await till.refund(paid.id, {}, { token })).status).toBe(403)
  expect((await till.refund(paid.id)).body).toMatchObject({ status: "succeeded", amount: paid.amount })

  await api.call("POST", `${till.at}/billing-accounts/${paid.billingAccountId}/card`, {
    body: { cardToken: "tok_visa" },
  })
  await moveTo(db(), new Date(Date.parse(subscription.currentPeriodEnd) + 1000).toISOString())
  expect(await runRenewals(api.app)).toMatchObject({ renewed: 1 })
  const { data } = (await api.call("GET", `${till.at}/payments?referenceId=${subscription.id}`)).body
  expect(data.map(({ amount, status }: { amount: number; status: string }) => [amount, status])).toEqual([
    [paid.amount, "succeeded"],
    [paid.amount, "succeeded"],
  ])
})
