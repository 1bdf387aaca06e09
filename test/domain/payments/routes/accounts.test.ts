// Billing accounts, fees on them, and automatic payments without a payer present.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { type Charge, charge, waiveCharge } from "#domain/ledger/charges.ts"
import { payAutomatically } from "#domain/payments/automatic.ts"
import { resolvePayments } from "#domain/payments/resolve.ts"
import { automaticRetryDays } from "#domain/payments/retry-policy.ts"
import { transact } from "#events/outbox.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { run, testContext } from "#test/harness/club/club.ts"
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
const accounts = async (token: string) => (await api.call("GET", `${till.at}/billing-accounts`, { token })).body.data
const charged = (more: Partial<Charge>): Charge => ({
  facilityId: its.facilityId,
  userId: its.player.id,
  amount: 500,
  currency: "EUR",
  reason: "no_show_fee",
  referenceType: "booking",
  referenceId: newId(),
  ...more,
})

describe("a family account", () => {
  test("is made by a parent for children with their permission to pay; the children's bookings are paid from it", async () => {
    const parent = await api.person("player", its.facilityId)
    const child = await api.person("player", its.facilityId)
    const family = (memberIds: string[]) =>
      api.call("POST", `${till.at}/billing-accounts`, { body: { type: "family", memberIds }, token: parent.token })
    expect((await family([child.id])).status).toBe(403)
    const link = { childId: child.id, relationship: "father", isPrimary: true, permissions: ["book", "pay"] }
    expect((await api.call("POST", `/v1/users/${parent.id}/children`, { body: link })).status).toBe(201)
    const { status, body } = await family([child.id])
    expect(status).toBe(201)
    expect(body).toMatchObject({
      type: "family",
      ownerId: parent.id,
      memberIds: [parent.id, child.id].sort(),
      balance: 0,
      balances: [],
    })
    expect((await family([child.id])).body).toMatchObject({ status: 409, code: "in_a_family_account" })
    expect(await accounts(parent.token)).toEqual([body])
    expect(await accounts(child.token)).toEqual([body])

    const at = { startAt: "2031-03-04T10:00:00Z", endAt: "2031-03-04T11:00:00Z", resourceId: its.court }
    const held = (await api.call("POST", `${till.at}/holds`, { body: at, token: child.token })).body
    const card = { body: { cardToken: "tok_visa" }, token: parent.token }
    await api.call("POST", `${till.at}/billing-accounts/${body.id}/card`, card)
    const pay = (token: string, referenceId: string = held.id) => {
      const payment = { referenceType: "booking", referenceId, paymentMethod: "saved_card" }
      return api.call("POST", `${till.at}/payments`, { body: payment, token })
    }
    expect((await pay(child.token)).body).toMatchObject({ status: 403, code: "not_allowed" })
    expect((await pay(parent.token)).body).toMatchObject({
      status: "succeeded",
      billingAccountId: body.id,
      payerId: parent.id,
    })

    // The owner of the card pays, for every caller.
    const later = { ...at, startAt: "2031-03-04T11:00:00Z", endAt: "2031-03-04T12:00:00Z" }
    const next = (await api.call("POST", `${till.at}/holds`, { body: later, token: child.token })).body
    expect((await pay(its.staff.token, next.id)).body).toMatchObject({ status: "succeeded", payerId: parent.id })
  })

  test("a card that cannot be kept is refused, and only its owner or staff may save one", async () => {
    await till.pay(await till.hold(), "tok_declined")
    const [{ id }] = await accounts(its.player.token)
    const save = (cardToken: string, token: string) =>
      api.call("POST", `${till.at}/billing-accounts/${id}/card`, { body: { cardToken }, token })
    expect((await save("tok_expired", its.player.token)).body).toMatchObject({
      code: "card_refused",
      errors: [{ path: "body.cardToken", message: "expired_card: The card has expired." }],
    })
    const other = await api.person("player", its.facilityId)
    expect((await save("tok_visa", other.token)).status).toBe(404)
    expect((await save("tok_visa", its.staff.token)).body.card).toBe("visa ···· 4242")
  })

  test("is left by its members, and by a child whose link with the owner has ended", async () => {
    const parent = await api.person("player", its.facilityId)
    const [ben, lea] = [await api.person("player", its.facilityId), await api.person("player", its.facilityId)]
    const other = await api.person("player", its.facilityId)
    for (const child of [ben, lea]) {
      const link = { childId: child.id, relationship: "father", permissions: ["book", "pay"] }
      await api.call("POST", `/v1/users/${parent.id}/children`, { body: link })
    }
    const made = await api.call("POST", `${till.at}/billing-accounts`, {
      body: { type: "family", memberIds: [ben.id, lea.id] },
      token: parent.token,
    })
    const leave = async (userId: string, token: string) => {
      const path = `${till.at}/billing-accounts/${made.body.id}/members/${userId}`
      const { status, body } = await api.call("DELETE", path, { token })
      return [status, body.code ?? body.memberIds]
    }
    expect(await leave(ben.id, other.token)).toEqual([404, "not_found"])
    expect(await leave(ben.id, lea.token)).toEqual([403, "not_allowed"])
    expect(await leave(parent.id, parent.token)).toEqual([409, "owner_stays"])
    expect(await leave(ben.id, ben.token)).toEqual([200, [lea.id, parent.id].sort()])
    expect(await leave(ben.id, parent.token)).toEqual([404, "not_found"])
    expect((await api.call("DELETE", `/v1/users/${parent.id}/children/${lea.id}`)).status).toBeLessThan(300)
    expect((await accounts(parent.token))[0].memberIds).toEqual([parent.id])
    expect(await accounts(lea.token)).toEqual([])
    await run(db(), (tx) => charge(tx, charged({ userId: lea.id })))
    const own = (await accounts(lea.token)).map((each: { type: string; balance: number }) => [each.type, each.balance])
    expect(own).toEqual([["individual", 500]])
    const again = await api.call("POST", `${till.at}/billing-accounts`, {
      body: { type: "family", ownerId: other.id, memberIds: [lea.id] },
    })
    expect(again.status).toBe(201)
  })
})

describe("a fee", () => {
  test("is due once, is listed on the account, and is paid like a price", async () => {
    const bookingId = await till.book()
    const fee = charged({ referenceId: bookingId })
    await run(db(), (tx) => charge(tx, fee))
    await run(db(), (tx) => charge(tx, fee))
    const [account] = await accounts(its.player.token)
    expect(account.balance).toBe(500)
    expect(account.balances).toEqual([{ currency: "EUR", amount: 500 }])
    expect((await till.pay(bookingId)).body).toMatchObject({ amount: price + 500, status: "succeeded" })
    expect((await accounts(its.player.token))[0].balance).toBe(0)
  })

  test("that is waived is no longer due, and its payments are refunded", async () => {
    const [unpaid, paid] = [charged({ referenceId: await till.book() }), charged({ referenceId: await till.book() })]
    for (const fee of [unpaid, paid]) await run(db(), (tx) => charge(tx, fee))
    await till.pay(paid.referenceId)
    for (const fee of [unpaid, paid, unpaid]) await run(db(), (tx) => waiveCharge(tx, fee))
    await lookUpNow(db())
    expect(await resolvePayments(api.app, 10)).toMatchObject({ refunds: 1 })
    const [refunded, ...more] = await eventsAbout(db(), paid.referenceId, "payment.refunded")
    expect(refunded?.data).toMatchObject({ amount: 500, reason: "no show fee waived" })
    expect(more).toEqual([])
    expect((await till.pay(unpaid.referenceId)).body.amount).toBe(price)
    expect((await accounts(its.player.token))[0].balance).toBe(0)
  })
})

describe("an automatic payment", () => {
  const subscription = (more: Partial<Charge> = {}) =>
    charged({ reason: "subscription", referenceType: "subscription", amount: 4900, userId: its.staff.id, ...more })
  const pay = ({ facilityId, referenceId }: Charge) =>
    payAutomatically(api.app, { facilityId, referenceType: "subscription", referenceId }, testContext)
  const saveCard = async (cardToken: string) => {
    const [{ id }] = (await api.call("GET", `${till.at}/billing-accounts?userId=${its.staff.id}`)).body.data
    await api.call("POST", `${till.at}/billing-accounts/${id}/card`, { body: { cardToken } })
  }

  test("fails without a saved card, and names the time of its retry", async () => {
    const due = subscription()
    await run(db(), (tx) => charge(tx, due))
    const payment = await pay(due)
    expect(payment).toMatchObject({ status: "failed", failureCode: "no_saved_card", retryCount: 0 })
    const [failed] = await eventsAbout(db(), due.referenceId, "payment.failed")
    const days = (Date.parse(failed?.data.nextRetryAt as string) - Date.parse(payment?.settledAt ?? "")) / 86_400_000
    expect(days).toBe(1)
  })

  test("is retried with the card saved by then, until no retry is left", async () => {
    const due = subscription()
    await run(db(), (tx) => charge(tx, due))
    await saveCard("tok_declined")
    await pay(due)
    for (const _ of automaticRetryDays) {
      await db()`update slotbase.payments set next_retry_at = slotbase.now()
        where reference_id = ${due.referenceId} and next_retry_at is not null and retried_at is null`
      await resolvePayments(api.app, 10)
    }
    const failures = await eventsAbout(db(), due.referenceId, "payment.failed")
    expect(failures.map(({ data }) => [data.retryCount, data.nextRetryAt !== undefined])).toEqual([
      [0, true],
      [1, true],
      [2, true],
      [3, false],
    ])
    expect(failures.map(({ correlation_id }) => correlation_id)).toEqual(Array(4).fill(testContext.correlationId))
  })

  test("is not retried when the amount was paid meanwhile", async () => {
    const due = subscription()
    await run(db(), (tx) => charge(tx, due))
    await saveCard("tok_declined")
    await pay(due)
    const reference = { referenceType: "subscription", referenceId: due.referenceId, cardToken: "tok_visa" }
    const { body } = await api.call("POST", `${till.at}/payments`, { body: reference, token: its.staff.token })
    expect(body).toMatchObject({ status: "succeeded", amount: 4900, payerId: its.staff.id })
    await db()`update slotbase.payments set next_retry_at = slotbase.now() where reference_id = ${due.referenceId} and next_retry_at is not null`
    expect(await resolvePayments(api.app, 10)).toEqual({ payments: 0, refunds: 0, retries: 0, more: false })
    const [left] = await db()`select count(*) from slotbase.payments
      where reference_id = ${due.referenceId} and next_retry_at is not null and retried_at is null`
    expect(left?.count).toBe(0)
  })

  test("succeeds with a good card; without a due amount the provider is not asked; the next period counts failures anew", async () => {
    const first = subscription({ key: "2026-03" })
    const second = subscription({ key: "2026-04", referenceId: first.referenceId })
    await run(db(), (tx) => charge(tx, first))
    await saveCard("tok_declined")
    expect(await pay(first)).toMatchObject({ status: "failed", retryCount: 0 })
    await saveCard("tok_visa")
    expect(await pay(first)).toMatchObject({
      status: "succeeded",
      amount: 4900,
      retryCount: 1,
      paymentMethod: "saved_card",
    })
    expect(await pay(first)).toBeUndefined()
    await run(db(), (tx) => charge(tx, second))
    await saveCard("tok_declined")
    expect(await pay(second)).toMatchObject({ status: "failed", retryCount: 0 })
    await transact(db(), testContext, (tx) => waiveCharge(tx, second))
  })
})
