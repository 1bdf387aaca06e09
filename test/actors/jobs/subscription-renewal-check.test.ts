// The job subscription-renewal-check: the life of subscriptions by the clock, and commands at the same moment.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import fc from "fast-check"
import { requireAdmin } from "#access/caller.ts"
import { subscriptionPaymentHandler } from "#actors/handlers/subscription-payment.ts"
import type { Db } from "#base/database/db.ts"
import { jobsUserId } from "#base/ids.ts"
import { changePlan } from "#domain/subscriptions/change-plan.ts"
import { paymentArrived } from "#domain/subscriptions/paid.ts"
import { getSubscription, listInvoices } from "#domain/subscriptions/read.ts"
import { countDueRenewals } from "#domain/subscriptions/renew.ts"
import { cancelSubscription } from "#domain/subscriptions/subscriptions.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { aTinyPlan, eventsOf, handleAll, moveTo, runRenewals, subscribed } from "#test/harness/club/subscriptions.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { holds } from "#test/whole/properties/property.ts"

let database: TestDatabase
let db: Db
let app: ReturnType<typeof testApp>
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  app = testApp(db)
  await aTinyPlan(db)
})
afterAll(() => database.drop())
beforeEach(async () => {
  await db`update slotbase.clock set shift = '0'`
  await db`delete from slotbase.entitlement_counters`
  await db`update slotbase.subscriptions
    set status = 'cancelled', ended_at = slotbase.now(), cancelled_at = slotbase.now(), cancelled_by = ${jobsUserId}
    where status <> 'cancelled'`
  await db`update slotbase.subscription_invoices set status = 'failed', next_retry_at = null where status = 'open'`
  club = await aClub(db)
})

const subscription = () => getSubscription(db, requireAdmin(club.admin.caller, club.id))
const invoices = async (of = club) => (await listInvoices(db, requireAdmin(of.admin.caller, of.id), {})).data
const types = async () => (await eventsOf(db, club.id)).map(({ type }) => type.replace("subscription.", ""))
const daysMs = 86_400_000
const later = (from: string, days: number) => new Date(Date.parse(from) + days * daysMs).toISOString()

const payAll = async (subscriptionId: string, of = club) => {
  const open = (await invoices(of)).filter(({ status }) => status === "open")
  const amount = open.reduce((sum, invoice) => sum + invoice.amount - invoice.paidAmount, 0)
  await run(db, (tx) => paymentArrived(tx, of.id, subscriptionId, amount))
}

describe("credit", () => {
  test("whoever goes up and back before anything is paid stays active, long after the grace period", async () => {
    const { id } = await subscribed(db, club, { planId: "starter" })
    await payAll(id)
    for (const planId of ["academy", "starter"]) {
      await run(db, (tx) => changePlan(tx, requireAdmin(club.admin.caller, club.id), { planId }))
    }
    await moveTo(db, later((await subscription()).currentPeriodStart, 12))
    await runRenewals(app)
    expect(await subscription()).toMatchObject({ status: "active", planId: "starter" })
    expect(await types()).not.toContain("status_changed")
  })

  test("a past-due subscription is active again when its credit covers what is open", async () => {
    const { id, currentPeriodStart } = await subscribed(db, club)
    await runRenewals(app)
    await moveTo(db, later(currentPeriodStart, 4))
    await runRenewals(app)
    expect((await subscription()).status).toBe("past_due")
    await db`update slotbase.subscriptions set credit_balance = 1200 where id = ${id}`
    await moveTo(db, later(currentPeriodStart, 8))
    await runRenewals(app)
    expect(await subscription()).toMatchObject({ status: "active", creditBalance: 200 })
    expect((await invoices())[0]).toMatchObject({ credit: 1000, amount: 0, status: "paid" })
    expect((await eventsOf(db, club.id)).slice(-2)).toMatchObject([
      { type: "subscription.credit_applied", data: { amount: 1000, creditBalance: 200 } },
      { type: "subscription.status_changed", data: { newStatus: "active", reason: "paid" } },
    ])
    expect(await db`select * from slotbase.money_balances where not conserved`).toHaveLength(0)
  })
})

describe("less than a card can be charged with", () => {
  test("is not overdue, and is paid together with the next period", async () => {
    const { id, currentPeriodEnd } = await subscribed(db, club)
    await payAll(id)
    await db`update slotbase.subscriptions set credit_balance = 980 where id = ${id}`
    await moveTo(db, currentPeriodEnd)
    await runRenewals(app)
    expect((await invoices())[0]).toMatchObject({ amount: 20, status: "open" })
    expect(await db`select * from slotbase.payments where facility_id = ${club.id}`).toHaveLength(0)
    await moveTo(db, later(currentPeriodEnd, 12))
    await runRenewals(app)
    expect((await subscription()).status).toBe("active")
    await moveTo(db, (await subscription()).currentPeriodEnd)
    await runRenewals(app)
    const asked = await db<{ amount: number }[]>`select amount from slotbase.payments where facility_id = ${club.id}`
    expect(asked.map(({ amount }) => amount)).toEqual([1020])
  })
})

test("over any changes, payments and days there is never a credit beside an open invoice, and the ledger is even", async () => {
  const plans = ["tiny", "starter", "club", "academy"] as const
  const step = fc.oneof(fc.constantFrom(...plans), fc.constant("pay" as const), fc.integer({ min: 1, max: 12 }))
  await holds(
    fc.array(step, { minLength: 2, maxLength: 8 }),
    async (steps) => {
      await db`update slotbase.clock set shift = '0'`
      club = await aClub(db)
      const { id } = await subscribed(db, club)
      let days = 0
      for (const what of steps) {
        const now = await subscription()
        if (now.status === "cancelled") break
        if (typeof what === "number") {
          days += what
          await moveTo(db, later(new Date().toISOString(), days))
          await runRenewals(app)
        } else if (what === "pay") await payAll(id)
        else if (what !== now.planId && now.status === "active") {
          await run(db, (tx) => changePlan(tx, requireAdmin(club.admin.caller, club.id), { planId: what }))
        }
        const { creditBalance } = await subscription()
        const open = (await invoices()).filter(({ status }) => status === "open")
        expect(creditBalance === 0 || open.length === 0).toBe(true)
        expect(await db`select * from slotbase.money_balances where not conserved`).toHaveLength(0)
      }
    },
    { numRuns: 15, withinMs: 4_000 },
  )
})

describe("renewal", () => {
  test("a subscription of the 31st renews on the last day of each month, at the price after coupon and credit", async () => {
    await moveTo(db, "2028-01-31T15:00:00Z")
    const { id } = await subscribed(db, club)
    await payAll(id)
    expect(await runRenewals(app)).toEqual({ renewed: 0, ended: 0, pastDue: 0, cancelled: 0, asked: 0 })
    await db`update slotbase.subscriptions set credit_balance = 300 where id = ${id}`
    const ends = []
    for (const at of ["2028-02-29T00:30:00Z", "2028-03-31T00:30:00Z", "2028-04-30T00:30:00Z"]) {
      await moveTo(db, at)
      expect(await countDueRenewals(db)).toBe(1)
      expect(await runRenewals(app)).toMatchObject({ renewed: 1, asked: 1 })
      await payAll(id)
      ends.push((await subscription()).currentPeriodEnd)
    }
    expect(ends).toEqual(["2028-03-31T00:00:00.000Z", "2028-04-30T00:00:00.000Z", "2028-05-31T00:00:00.000Z"])
    const renewed = (await eventsOf(db, club.id, "subscription.renewed")).map(({ data }) => data)
    expect(renewed.map(({ amount }) => amount)).toEqual([700, 1000, 1000])
    expect(renewed[0]).toEqual({
      subscriptionId: id,
      facilityId: club.id,
      planId: "tiny",
      previousPeriodEnd: "2028-02-29T00:00:00.000Z",
      newPeriodStart: "2028-02-29T00:00:00.000Z",
      newPeriodEnd: "2028-03-31T00:00:00.000Z",
      amount: 700,
      currency: "EUR",
    })
    expect((await invoices()).map(({ reason, amount, credit, status }) => [reason, amount, credit, status])).toEqual([
      ["renewal", 1000, 0, "paid"],
      ["renewal", 1000, 0, "paid"],
      ["renewal", 700, 300, "paid"],
      ["start", 1000, 0, "paid"],
    ])
  })

  test("a trial ends in a first paid period", async () => {
    const trial = await subscribed(db, club, { planId: "starter", trial: true })
    expect(trial).toMatchObject({ status: "trialing", periodAmount: 0, trialEnd: trial.currentPeriodEnd })
    expect(await invoices()).toEqual([])
    await moveTo(db, trial.trialEnd as string)
    expect(await runRenewals(app)).toMatchObject({ renewed: 1 })
    expect(await subscription()).toMatchObject({
      status: "active",
      periodAmount: 2900,
      currentPeriodStart: trial.trialEnd,
    })
    expect((await invoices()).map(({ reason, amount, status }) => [reason, amount, status])).toEqual([
      ["renewal", 2900, "open"],
    ])
  })

  test("periods that passed while nothing ran are renewed one after the other", async () => {
    const { currentPeriodEnd } = await subscribed(db, club)
    await payAll((await subscription()).id)
    await moveTo(db, later(currentPeriodEnd, 70))
    expect(await runRenewals(app)).toMatchObject({ renewed: 3 })
    expect(Date.parse((await subscription()).currentPeriodEnd)).toBeGreaterThan(Date.parse(later(currentPeriodEnd, 70)))
  })

  test("a subscription that cannot be renewed does not delay the others", async () => {
    const other = await aClub(db)
    const { id, currentPeriodEnd } = await subscribed(db, club, { planId: "academy" })
    await payAll(id)
    await payAll((await subscribed(db, other)).id, other)
    const rename = (from: string, to: string) => db`
      update slotbase.plan_prices set currency = ${to} where plan_id = 'academy' and currency = ${from}`
    await rename("EUR", "XXX")
    await moveTo(db, currentPeriodEnd)
    const error = await failure(runRenewals(app))
    await rename("XXX", "EUR")
    expect(error).toBeInstanceOf(AggregateError)
    expect((error as AggregateError).errors).toHaveLength(1)
    expect((await eventsOf(db, other.id)).map(({ type }) => type)).toEqual([
      "subscription.created",
      "subscription.renewed",
    ])
    expect(await runRenewals(app)).toMatchObject({ renewed: 1 })
  })

  test("a use beyond a limit is warned of again when a month begins", async () => {
    await db`
      insert into slotbase.resources (id, facility_id, name, resource_type)
      select gen_random_uuid(), ${club.id}, 'Lane ' || n, 'lane' from generate_series(1, 3) n`
    const { currentPeriodEnd } = await subscribed(db, club)
    await moveTo(db, currentPeriodEnd)
    await runRenewals(app)
    expect((await eventsOf(db, club.id, "subscription.limit_warning")).map(({ data }) => data.warningLevel)).toEqual([
      "exceeded",
      "exceeded",
    ])
  })
})

describe("the end", () => {
  test("a subscription cancelled at the end of its period ends then, and is not renewed", async () => {
    const { id, currentPeriodEnd } = await subscribed(db, club)
    await payAll(id)
    await run(db, (tx) =>
      cancelSubscription(tx, requireAdmin(club.admin.caller, club.id), { cancelReason: "We close." }),
    )
    await moveTo(db, later(currentPeriodEnd, 1))
    expect(await runRenewals(app)).toEqual({ renewed: 0, ended: 1, pastDue: 0, cancelled: 0, asked: 0 })
    expect(await subscription()).toMatchObject({ status: "cancelled", endedAt: currentPeriodEnd })
    expect((await eventsOf(db, club.id)).slice(1)).toEqual([
      {
        type: "subscription.cancelled",
        data: {
          subscriptionId: id,
          facilityId: club.id,
          cancelledBy: club.admin.id,
          cancelReason: "We close.",
          cancelAtPeriodEnd: true,
          effectiveDate: currentPeriodEnd,
        },
      },
      {
        type: "subscription.status_changed",
        data: {
          subscriptionId: id,
          facilityId: club.id,
          previousStatus: "active",
          newStatus: "cancelled",
          reason: "period_ended",
          effectiveDate: currentPeriodEnd,
        },
      },
    ])
  })

  test("an unpaid invoice: asked for at once, past due after three days, given up after four checks", async () => {
    const { id, createdAt } = await subscribed(db, club)
    expect(await runRenewals(app)).toMatchObject({ asked: 1 })
    expect(await runRenewals(app)).toMatchObject({ asked: 0, pastDue: 0 })
    expect((await eventsOf(db, club.id, "payment."))[0]?.data).toMatchObject({
      amount: 1000,
      failureCode: "no_saved_card",
      referenceType: "subscription",
      referenceId: id,
    })
    const statuses = []
    for (const days of [2.9, 3.1, 6.2, 9.3]) {
      await moveTo(db, later(createdAt, days))
      await runRenewals(app)
      const [invoice] = await invoices()
      statuses.push([(await subscription()).status, invoice?.retryCount])
    }
    expect(statuses).toEqual([
      ["active", 0],
      ["past_due", 1],
      ["past_due", 2],
      ["past_due", 3],
    ])
    await moveTo(db, later(createdAt, 12.4))
    expect(await runRenewals(app)).toMatchObject({ cancelled: 1 })
    expect(await subscription()).toMatchObject({ status: "cancelled", cancelledBy: jobsUserId })
    expect(await types()).toEqual(["created", "status_changed", "cancelled"])
    const [, pastDue, cancelled] = await eventsOf(db, club.id)
    expect(pastDue?.data).toMatchObject({ previousStatus: "active", newStatus: "past_due", reason: "unpaid" })
    expect(cancelled?.data).toEqual({
      subscriptionId: id,
      facilityId: club.id,
      cancelledBy: "system",
      cancelReason: `Unpaid since ${createdAt}`,
      cancelAtPeriodEnd: false,
      effectiveDate: (await subscription()).endedAt,
    })
    expect((await invoices()).map(({ status }) => status)).toEqual(["failed"])
  })

  test("a payment in time brings it back, and the surplus is credited", async () => {
    const { id, createdAt } = await subscribed(db, club)
    await runRenewals(app)
    await moveTo(db, later(createdAt, 4))
    await runRenewals(app)
    expect(
      await failure(run(db, (tx) => changePlan(tx, requireAdmin(club.admin.caller, club.id), { planId: "club" }))),
    ).toMatchObject({
      code: "subscription_past_due",
    })
    await run(db, (tx) => paymentArrived(tx, club.id, id, 400))
    expect(await subscription()).toMatchObject({ status: "past_due", creditBalance: 0 })
    expect((await invoices())[0]).toMatchObject({ status: "open", paidAmount: 400 })
    await run(db, (tx) => paymentArrived(tx, club.id, id, 750))
    expect(await subscription()).toMatchObject({ status: "active", creditBalance: 150 })
    expect((await invoices())[0]).toMatchObject({ status: "paid", paidAmount: 1000, nextRetryAt: null })
    expect((await eventsOf(db, club.id)).at(-1)?.data).toMatchObject({
      previousStatus: "past_due",
      newStatus: "active",
      reason: "paid",
    })
  })

  test("a payment for something else is skipped, and a payment for no subscription is given up", async () => {
    const handler = subscriptionPaymentHandler()
    const data = (referenceType: string) => ({ referenceType, referenceId: club.id, amount: 1 })
    const handle = (referenceType: string) =>
      db.begin((tx) => handler.handle(tx, { facility_id: club.id, data: data(referenceType) } as never))
    expect(await handle("booking")).toEqual({ skipped: "not for a subscription" })
    expect(await failure(handle("subscription"))).toMatchObject({ _tag: "GiveUp" })
    expect(await handleAll(db, handler, club.id)).toEqual([])
  })
})

describe("at the same moment", () => {
  test("two processes renew a subscription once, and ask for its payment once", async () => {
    const { id, currentPeriodEnd } = await subscribed(db, club)
    await payAll(id)
    await moveTo(db, currentPeriodEnd)
    const did = await Promise.all([runRenewals(app), runRenewals(app), runRenewals(app)])
    expect(did.reduce((sum, { renewed = 0 }) => sum + renewed, 0)).toBe(1)
    await runRenewals(app)
    expect(await types()).toEqual(["created", "renewed"])
    expect(await eventsOf(db, club.id, "payment.")).toHaveLength(1)
  })

  test("cancelled while it renews: it is renewed once, and the new period is the cancelled one", async () => {
    for (const atPeriodEnd of [true, false]) {
      club = await aClub(db)
      const { id, currentPeriodEnd } = await subscribed(db, club)
      await payAll(id)
      await moveTo(db, currentPeriodEnd)
      const cancel = run(db, (tx) => cancelSubscription(tx, requireAdmin(club.admin.caller, club.id), { atPeriodEnd }))
      const [cancelled] = await Promise.all([cancel, runRenewals(app), runRenewals(app)])
      await runRenewals(app)
      expect(await types()).toEqual(["created", "renewed", "cancelled"])
      const [, renewed, event] = await eventsOf(db, club.id)
      const end = atPeriodEnd ? renewed?.data.newPeriodEnd : cancelled.endedAt
      expect(event?.data.effectiveDate).toBe(end as string)
      expect(await subscription()).toMatchObject({ status: atPeriodEnd ? "active" : "cancelled" })
    }
  })
})
