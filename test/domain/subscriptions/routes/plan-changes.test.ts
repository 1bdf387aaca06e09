// Changing the plan over HTTP: its cost, use beyond the new plan, the rights, and upgrade prompts.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { subscriptionPaymentHandler } from "#actors/handlers/subscription-payment.ts"
import { upgradePromptHandler } from "#actors/handlers/upgrade-prompt.ts"
import { proportionOf } from "#base/money.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { aTinyPlan, eventsOf, handleAll, runRenewals } from "#test/harness/club/subscriptions.ts"

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
const get = (path = "") => api.call("GET", `${base()}${path}`, { token: owner.token })
const post = (path: string, body: object = {}) => api.call("POST", `${base()}${path}`, { token: owner.token, body })
const subscribe = (more: object = {}) => post("", { planId: "club", billingCycle: "monthly", ...more })
/** Pays all that is due, as a person would, and lets the handler settle the invoices. */
async function pay({ body }: { body: { id: string } }): Promise<void> {
  await api.call("POST", `/v1/facilities/${facilityId}/payments`, {
    token: owner.token,
    body: { referenceType: "subscription", referenceId: body.id, cardToken: "tok_visa" },
  })
  await handleAll(api.database.db, subscriptionPaymentHandler(), facilityId)
}
const recorded = () => eventsOf(api.database.db, facilityId)
const court = (name: string) =>
  api.call("POST", `/v1/facilities/${facilityId}/resources`, { body: { name, resourceType: "court" } })

describe("another plan", () => {
  test("the preview shows the later charge, and changes nothing", async () => {
    const { body: before } = await subscribe()
    const preview = await post("/change-plan", { planId: "academy", preview: true })
    expect(preview.body).toMatchObject({ preview: true, changeType: "upgrade", subscription: { planId: "academy" } })
    expect((await get()).body).toEqual(before)
    const { status, body } = await post("/change-plan", { planId: "academy" })
    expect(status).toBe(200)
    const [start, end, at] = [before.currentPeriodStart, before.currentPeriodEnd, body.effectiveDate].map(Date.parse)
    const part = (price: number) => proportionOf(price, Number(end) - Number(at), Number(end) - Number(start))
    const proratedAmount = part(19900) - part(9900)
    expect(body).toMatchObject({
      preview: false,
      charge: part(19900),
      credit: part(9900),
      proratedAmount,
      currency: "EUR",
    })
    expect(Math.abs(preview.body.proratedAmount - proratedAmount)).toBeLessThanOrEqual(1)
    expect(body.subscription).toEqual((await get()).body)
    expect((await recorded()).slice(1)).toEqual([
      {
        type: "subscription.plan_changed",
        data: {
          subscriptionId: before.id,
          facilityId,
          previousPlanId: "club",
          previousPlanName: "Club",
          newPlanId: "academy",
          newPlanName: "Academy",
          changeType: "upgrade",
          effectiveDate: body.effectiveDate,
          proratedAmount,
        },
      },
    ])
    expect((await get("/invoices")).body.data[0]).toMatchObject({ reason: "plan_change", amount: proratedAmount })
  })

  test("a downgrade of a paid period is credited, and the credit pays the next charge", async () => {
    await pay(await subscribe())
    const down = (await post("/change-plan", { planId: "starter" })).body
    expect(down).toMatchObject({ changeType: "downgrade", proratedAmount: down.charge - down.credit })
    expect(down.proratedAmount).toBeLessThan(0)
    expect(down.subscription.creditBalance).toBe(-down.proratedAmount)
    const up = (await post("/change-plan", { planId: "club" })).body
    expect(up.subscription.creditBalance).toBe(Math.max(0, -down.proratedAmount - up.proratedAmount))
    const [invoice] = (await get("/invoices")).body.data
    expect(invoice.amount + invoice.credit).toBe(up.proratedAmount)
  })

  test("up and down again before anything is paid leaves no invoice open, no credit and an even ledger", async () => {
    const { body: before } = await subscribe()
    await pay({ body: before })
    const up = (await post("/change-plan", { planId: "academy" })).body
    expect((await get("/invoices")).body.data[0]).toMatchObject({ status: "open", amount: up.proratedAmount })
    const preview = (await post("/change-plan", { planId: "club", preview: true })).body
    const down = (await post("/change-plan", { planId: "club" })).body
    // A few milliseconds have passed: at most one minor unit is left on either side.
    expect(Math.abs(up.proratedAmount + down.proratedAmount)).toBeLessThanOrEqual(1)
    expect(preview.subscription.creditBalance).toBe(down.subscription.creditBalance)
    const [invoice] = (await get("/invoices")).body.data
    expect(invoice).toMatchObject({
      subtotal: up.proratedAmount,
      credit: Math.min(up.proratedAmount, -down.proratedAmount),
      status: invoice.amount === 0 ? "paid" : "open",
    })
    expect((await recorded()).slice(-2)).toMatchObject([
      { type: "subscription.plan_changed", data: { newPlanId: "club" } },
      { type: "subscription.credit_applied", data: { amount: invoice.credit, currency: "EUR" } },
    ])
    const account = (await api.call("GET", `/v1/facilities/${facilityId}/billing-accounts`, { token: owner.token }))
      .body
    expect(account.data[0].balance).toBe(invoice.amount)
    expect(await api.database.db`select * from slotbase.money_balances where not conserved`).toHaveLength(0)
  })

  test("up and down again without a card is active twelve days later, with nothing open and nothing asked for", async () => {
    const { db } = api.database
    await pay(await subscribe())
    await post("/change-plan", { planId: "academy" })
    await post("/change-plan", { planId: "club" })
    const { shift } = (await db<[{ shift: string }]>`select shift::text from slotbase.clock`)[0]
    await db`select slotbase.move_clock('12 days')`
    await runRenewals(api.app)
    const { body: after } = await get()
    const { data: invoices } = (await get("/invoices")).body
    await db`update slotbase.clock set shift = ${shift}::interval`
    const open = invoices.filter(({ status }: { status: string }) => status === "open")
    // A few milliseconds lie between the two changes: at most one minor unit is left on either side.
    for (const { amount } of open) expect(amount).toBe(1)
    expect(after).toMatchObject({ status: "active", planId: "club" })
    expect(after.creditBalance).toBeLessThanOrEqual(1)
    expect((await recorded()).map(({ type }) => type)).not.toContain("subscription.status_changed")
  })

  test("the credit of an ended subscription goes to the next one", async () => {
    await pay(await subscribe())
    const down = (await post("/change-plan", { planId: "starter" })).body
    const credit = down.subscription.creditBalance
    await post("/cancel", { atPeriodEnd: false })
    expect((await subscribe({ planId: "starter" })).body.creditBalance).toBe(credit - 2900)
    expect((await get("/invoices")).body.data[0]).toMatchObject({ credit: 2900, amount: 0, status: "paid" })
  })

  test("a debt in another currency than the facility's is no part of its balance, and stands beside it", async () => {
    facilityId = await api.facility({ ownerId: owner.id, currency: "JPY" })
    await subscribe()
    const { body } = await api.call("GET", `/v1/facilities/${facilityId}/billing-accounts`, { token: owner.token })
    expect(body.data[0]).toMatchObject({ balance: 0, balances: [{ currency: "EUR", amount: 9900 }] })
  })

  test("an invoice explains its tax line by line, at the rate of its day, and a credit lowers it", async () => {
    const { db } = api.database
    await db`update slotbase.plan_prices set tax_rate = 1900 where currency = 'EUR'`
    await api.call("POST", "/v1/coupons", { body: { code: "TAXED15", percentOff: 15 } })
    await subscribe({ couponCode: "TAXED15" })
    await db`update slotbase.plan_prices set tax_rate = 0`
    const before = (await get("/invoices")).body.data[0]
    expect(before).toMatchObject({
      amount: 8415,
      taxRate: 1900,
      taxAmount: 1344,
      lines: [
        { kind: "plan", amount: 9900, taxRate: 1900, taxAmount: 1581 },
        { kind: "discount", amount: -1485, taxRate: 1900, taxAmount: -237 },
      ],
    })
    const { proratedAmount } = (await post("/change-plan", { planId: "starter" })).body
    const after = (await get("/invoices")).body.data[0]
    expect(after).toMatchObject({ amount: 8415 + proratedAmount, taxRate: 1900, status: "open" })
    expect(after.lines[2]).toMatchObject({ kind: "credit", amount: proratedAmount })
    const sum = (field: "amount" | "taxAmount") =>
      after.lines.reduce((total: number, line: Record<"amount" | "taxAmount", number>) => total + line[field], 0)
    expect([sum("amount"), sum("taxAmount")]).toEqual([after.amount, after.taxAmount])
    const [charge] = await db`
      select amount, tax_rate, tax_amount from slotbase.charges where facility_id = ${facilityId} and waived_at is null`
    expect({ ...charge }).toEqual({ amount: after.amount, tax_rate: 1900, tax_amount: after.taxAmount })
  })

  test("another cycle begins a new period", async () => {
    await subscribe()
    const { body } = await post("/change-plan", { planId: "club", billingCycle: "annual" })
    expect(body).toMatchObject({ changeType: "upgrade", charge: 99000 })
    expect(body.subscription).toMatchObject({ billingCycle: "annual", currentPeriodStart: body.effectiveDate })
  })

  test("of two equal changes at once one happens, and the other gets a conflict", async () => {
    await subscribe()
    const answers = await Promise.all(Array.from({ length: 4 }, () => post("/change-plan", { planId: "academy" })))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409])
    expect(answers.find(({ status }) => status === 409)?.body.code).toBe("plan_unchanged")
    expect((await recorded()).map(({ type }) => type)).toEqual(["subscription.created", "subscription.plan_changed"])
    expect((await get("/invoices")).body.data).toHaveLength(2)
  })

  test("a smaller plan lists the use beyond it, warns of it, and allows no more", async () => {
    await subscribe()
    for (const name of ["1", "2", "3", "4", "5"]) await court(name)
    const { body } = await post("/change-plan", { planId: "tiny" })
    const over = { entitlement: "resources", used: 5, limit: 4, percent: 125, level: "exceeded" }
    expect(body.overLimits).toEqual([over])
    expect((await get("/usage")).body.entitlements.at(-1)).toEqual(over)
    expect((await recorded()).at(-1)).toEqual({
      type: "subscription.limit_warning",
      data: {
        subscriptionId: body.subscription.id,
        facilityId,
        entitlementType: "resources",
        currentUsage: 5,
        limit: 4,
        percentUsed: 125,
        warningLevel: "exceeded",
        recommendedAction: "Move to the Club plan for 12 resources.",
      },
    })
    const refused = await court("6")
    expect([refused.status, refused.body.code, refused.body.detail]).toEqual([
      422,
      "limit_reached",
      "The Tiny plan includes 4 resources, and all of them are in use. Move to the Club plan for 12 resources.",
    ])
  })
})

test("of many requests at once one gets the last entitlement", async () => {
  await subscribe({ planId: "tiny" })
  for (const name of ["1", "2", "3"]) await court(name)
  const answers = await Promise.all(["4", "5", "6", "7"].map(court))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 422, 422, 422])
  expect((await get("/usage")).body.entitlements.at(-1)).toMatchObject({ used: 4, level: "at_limit" })
  expect((await recorded()).map(({ data }) => data.warningLevel).filter(Boolean)).toEqual(["at_limit"])
})

test("a warning becomes one prompt; a higher level replaces it, and dismissal or a plan change removes it", async () => {
  await subscribe({ planId: "starter" })
  for (const name of ["1", "2", "3"]) await court(name)
  const handler = upgradePromptHandler()
  const handle = () => handleAll(api.database.db, handler, facilityId)
  expect(await handle()).toEqual([undefined])
  expect(await handle()).toEqual([{ skipped: "it is shown already, or a newer one is" }])
  const { data } = (await get("/upgrade-prompts")).body
  expect(data).toMatchObject([
    {
      entitlement: "resources",
      level: "at_limit",
      recommendedPlanId: "club",
      message: "Move to the Club plan for 12 resources.",
      dismissedAt: null,
    },
  ])
  const dismissed = await post(`/upgrade-prompts/${data[0].id}/dismiss`)
  expect(dismissed.body).toMatchObject({ id: data[0].id, dismissedBy: owner.id })
  expect((await post(`/upgrade-prompts/${data[0].id}/dismiss`)).body).toEqual(dismissed.body)
  expect((await get("/upgrade-prompts")).body.data).toEqual([])
  expect((await get("/upgrade-prompts?dismissed=true")).body.data).toEqual([dismissed.body])
  expect((await post("/upgrade-prompts/nothing/dismiss")).status).toBe(404)
  await post("/change-plan", { planId: "club" })
  expect(await handle()).toEqual([{ skipped: "the plan has changed since" }])
})
