// InvoiceHandler: papers of payments and refunds, made over HTTP. Numbers have no gap and no double, whatever order the
// events come in, however often, and wherever a transaction ends.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { invoiceHandler } from "#actors/handlers/invoice.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { prepareActor } from "#actors/runtime/actor.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { issuePaper } from "#domain/invoices/issue.ts"
import { accountIdOf } from "#domain/ledger/accounts.ts"
import { charge } from "#domain/ledger/charges.ts"
import { findRefund } from "#domain/ledger/refund-rows.ts"
import { settleAlone } from "#domain/payments/send-refund.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { run } from "#test/harness/club/club.ts"
import { makeTill, type Till } from "#test/harness/club/payments.ts"
import { actorProcess, dispatchAll, processRow } from "#test/harness/pipeline/pipeline.ts"

let api: TestApi
let its: Courts
let till: Till
const handler = invoiceHandler()
/** Papers are numbered by the year of the clock. */
const year = new Date().getFullYear()

beforeAll(async () => {
  api = await testApi()
  await aClub()
})
afterAll(() => api.database.drop())

async function aClub(settings: object = {}): Promise<void> {
  its = await makeCourts(api)
  till = await makeTill(api, its, [handler])
  const changed = await api.call("PATCH", `/v1/facilities/${its.facilityId}/settings`, {
    body: { taxRates: { court: 1900 }, ...settings },
  })
  expect(changed.status).toBe(200)
}

interface Listed {
  readonly number: string
  readonly kind: string
  readonly net: number
  readonly tax: number
  readonly gross: number
  readonly corrects: string | null
}
const papers = async (): Promise<Listed[]> =>
  (
    await api.database.db<Listed[]>`
      select number, kind, net, tax, gross, corrects from slotbase.invoice_list
      where facility_id = ${its.facilityId} order by number`
  ).map((row) => ({ ...row }))

const disagreeing = async () =>
  (await api.database.db`select * from slotbase.invoice_check where facility_id = ${its.facilityId} and not agrees`)
    .length

const eventsOf = (...types: string[]) => api.database.db<HandledEvent[]>`
  select e.*, 0 as position from slotbase.events e
  where facility_id = ${its.facilityId} and type = any (${types}) order by id`

const numbered = (count: number) =>
  Array.from({ length: count }, (_, i) => `INV-${year}-${String(i + 1).padStart(5, "0")}`)

test("a paid booking has an invoice with its agreed lines and tax, and a refund a credit note", async () => {
  await aClub()
  const payment = (await till.pay(await till.hold())).body
  await till.react()
  expect(await papers()).toEqual([
    { number: `INV-${year}-00001`, kind: "invoice", net: 2017, tax: 383, gross: 2400, corrects: null },
  ])
  await till.refund(payment.id, { amount: 1001 })
  await till.refund(payment.id, { amount: 700 })
  await till.refund(payment.id)
  await till.react()
  expect(await papers()).toEqual([
    { number: `INV-${year}-00001`, kind: "invoice", net: 2017, tax: 383, gross: 2400, corrects: null },
    {
      number: `INV-${year}-00002`,
      kind: "credit_note",
      net: -841,
      tax: -160,
      gross: -1001,
      corrects: `INV-${year}-00001`,
    },
    {
      number: `INV-${year}-00003`,
      kind: "credit_note",
      net: -588,
      tax: -112,
      gross: -700,
      corrects: `INV-${year}-00001`,
    },
    {
      number: `INV-${year}-00004`,
      kind: "credit_note",
      net: -588,
      tax: -111,
      gross: -699,
      corrects: `INV-${year}-00001`,
    },
  ])
  expect(await disagreeing()).toBe(0)
})

test("events in any order, and each of them twice, lead to one paper for each cause", async () => {
  await aClub()
  const payment = (await till.pay(await till.hold())).body
  await till.refund(payment.id, { amount: 600 })
  const events = await eventsOf("payment.succeeded", "payment.refunded")
  const reversed = [...events].reverse()
  await api.database.db.begin((tx) => handler.handleAll(tx, reversed))
  const issued = await papers()
  expect(issued.map(({ number, kind, gross }) => [number, kind, gross])).toEqual([
    [`INV-${year}-00001`, "invoice", 2400],
    [`INV-${year}-00002`, "credit_note", -600],
  ])
  await api.database.db.begin((tx) => handler.handleAll(tx, events))
  expect(await papers()).toEqual(issued)
})

test("money at the desk has its paper: for a booking its lines, for nothing in particular a receipt", async () => {
  await aClub()
  const bookingId = await till.book()
  const desk = (body: object) => api.call("POST", `${till.at}/offline-payments`, { body })
  await desk({ bookingId, amount: 1000, paymentMethod: "cash" })
  await desk({ bookingId, amount: 1400, paymentMethod: "cash" })
  await desk({ payerName: "Walk-in Wanda", amount: 500, paymentMethod: "cash" })
  await till.react()
  expect((await papers()).map(({ tax, gross }) => [tax, gross])).toEqual([
    [160, 1000],
    [223, 1400],
    [0, 500],
  ])
  const rows = await api.database.db<{ missing: string[]; name: string }[]>`
    select missing, buyer ->> 'name' as name from slotbase.invoices where facility_id = ${its.facilityId} order by counter`
  expect(rows[2]).toEqual({ missing: ["seller", "goods"], name: "Walk-in Wanda" })
  expect(await disagreeing()).toBe(0)
})

test("a refund that the bank sends back is invoiced again, also when its events come in another order", async () => {
  await aClub()
  const payment = (await till.pay(await till.hold())).body
  const refund = (await till.refund(payment.id, { amount: 900 })).body
  const row = await findRefund(api.database.db, its.facilityId, refund.id)
  if (!row) throw new Error("no refund")
  await settleAlone(api.app, row, { status: "failed", code: "expired_card", reason: "The card has expired." })
  const events = await eventsOf("payment.succeeded", "payment.refunded", "payment.refund_failed")
  await api.database.db.begin((tx) => handler.handleAll(tx, [...events].reverse()))
  expect((await papers()).map(({ kind, tax, gross, corrects }) => [kind, tax, gross, corrects])).toEqual([
    ["invoice", 383, 2400, null],
    ["credit_note", -144, -900, `INV-${year}-00001`],
    ["invoice", 144, 900, `INV-${year}-00002`],
  ])
  await till.react()
  expect((await papers()).length).toBe(3)
  expect(await disagreeing()).toBe(0)
})

test("a subscription is the platform's paper, in numbers of its own", async () => {
  await aClub()
  const { body } = await api.call("POST", `${till.at}/subscription`, {
    body: { planId: "club", billingCycle: "monthly" },
  })
  const payment = { referenceType: "subscription", referenceId: body.id, cardToken: "tok_visa" }
  const paid = await api.call("POST", `${till.at}/payments`, { body: payment })
  await till.react()
  const rows = await api.database.db<{ seller_id: string; number: string; gross: number; kind: string }[]>`
    select seller_id, number, gross, lines -> 0 ->> 'kind' as kind from slotbase.invoices where facility_id = ${its.facilityId}`
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { seller_id: platformFacilityId, number: numbered(1)[0] ?? "", gross: paid.body.amount, kind: "subscription" },
  ])
  expect(await disagreeing()).toBe(0)
})

test("a bill that is paid later has one invoice, and its refund a credit note for it", async () => {
  await aClub()
  const { db } = api.database
  const bill = newId()
  const invoiceId = await run(db, async (tx) => {
    const billingAccountId = await accountIdOf(tx, its.facilityId, its.player.id)
    const id = await issuePaper(tx, {
      facilityId: its.facilityId,
      sellerId: its.facilityId,
      kind: "invoice",
      sourceType: "bill",
      sourceId: bill,
      billingAccountId,
      payerId: its.player.id,
      debtorId: its.player.id,
      referenceType: null,
      referenceId: null,
      currency: "EUR",
      lines: [{ key: "month", kind: "other", label: "March", amount: 5000, taxRate: 1900, taxAmount: 798 }],
      supplied: { from: "2026-03-01", to: "2026-03-31" },
      settled: { dueInDays: 14 },
    })
    await charge(tx, {
      facilityId: its.facilityId,
      userId: its.player.id,
      amount: 5000,
      currency: "EUR",
      reason: "invoice",
      referenceType: "invoice",
      referenceId: id,
      taxRate: 1900,
    })
    return id
  })
  const body = { referenceType: "invoice", referenceId: invoiceId, cardToken: "tok_visa" }
  const payment = (await api.call("POST", `${till.at}/payments`, { body })).body
  expect(payment.status).toBe("succeeded")
  await till.react()
  await till.refund(payment.id, { amount: 2000 })
  await till.react()
  expect((await papers()).map(({ kind, tax, gross, corrects }) => [kind, tax, gross, corrects])).toEqual([
    ["invoice", 798, 5000, null],
    ["credit_note", -319, -2000, `INV-${year}-00001`],
  ])
  expect(await till.runs("InvoiceHandler")).toContainEqual({
    status: "skipped",
    reason: "it pays an issued invoice",
    error: null,
  })
})

describe("numbers", () => {
  test("16 payments at once, issued by four processes, have the numbers 1 to 16", async () => {
    await aClub()
    const bookings: string[] = []
    for (let i = 0; i < 16; i++) bookings.push(await till.book())
    const paid = await Promise.all(bookings.map((id) => till.pay(id)))
    expect(paid.map(({ body }) => body.status)).toEqual(bookings.map(() => "succeeded"))
    const db = api.database.db
    const running = await Promise.all(
      Array.from({ length: 4 }, async () =>
        prepareActor(
          runHandler(api.app, handler, actorProcess(await processRow(db, true))),
          new AbortController().signal,
        ),
      ),
    )
    await dispatchAll(db)
    await Promise.all(running.map((each) => each.passNow()))
    await till.react()
    expect((await papers()).map(({ number }) => number)).toEqual(numbered(16))
    expect(await disagreeing()).toBe(0)
  })

  test("a transaction that ends after any of its statements leaves no paper and no gap", async () => {
    await aClub()
    const payment = (await till.pay(await till.hold())).body
    await till.refund(payment.id, { amount: 800 })
    const events = await eventsOf("payment.succeeded", "payment.refunded")
    let statements = 0
    for (let ended = false; !ended; statements++) {
      const before = await papers()
      ended = await endsAfter(statements, events)
      if (!ended) expect(await papers()).toEqual(before)
    }
    expect(statements).toBeGreaterThan(20)
    expect((await papers()).map(({ number, gross }) => [number, gross])).toEqual([
      [`INV-${year}-00001`, 2400],
      [`INV-${year}-00002`, -800],
    ])
  })

  /** Runs the events in a transaction that ends when the handler asks for one statement more. True: it was done. */
  async function endsAfter(allowed: number, events: readonly HandledEvent[]): Promise<boolean> {
    let left = allowed
    const work = api.database.db.begin(async (tx) => {
      const counted = new Proxy(tx, {
        apply: (target, self, given) => {
          const isStatement = Array.isArray(given[0]) && "raw" in given[0]
          if (isStatement && left-- <= 0) throw new Error("killed")
          return Reflect.apply(target as never, self, given)
        },
      })
      await handler.handleAll(counted as Tx, events)
      // Between the effects and their settlement.
      if (left <= 0) throw new Error("killed")
    })
    return work.then(
      () => true,
      (error: Error) => {
        expect(error.message).toBe("killed")
        return false
      },
    )
  }

  test("a new year begins at 1, continuous numbers never do, and neither counter disturbs the other", async () => {
    await aClub()
    const settings = (more: object) =>
      api.call("PUT", `${till.at}/invoice-settings`, {
        body: { legalName: "Club", street: "Weg 1", postcode: "10115", city: "Berlin", country: "DE", ...more },
      })
    const payOne = async () => {
      await api.call("POST", `${till.at}/offline-payments`, {
        body: { payerName: "W", amount: 100, paymentMethod: "cash" },
      })
      await till.react()
    }
    await payOne()
    expect((await settings({ numbering: "continuous", numberPrefix: "RE" })).status).toBe(200)
    await payOne()
    await payOne()
    await api.database.db`select slotbase.move_clock('1 year')`
    expect((await settings({})).status).toBe(200)
    await payOne()
    await settings({ numbering: "continuous", numberPrefix: "RE" })
    await payOne()
    await api.database.db`select slotbase.move_clock('-1 year')`
    const rows = await api.database.db<{ number: string }[]>`
      select number from slotbase.invoices where facility_id = ${its.facilityId} order by id`
    expect(rows.map(({ number }) => number)).toEqual([
      `INV-${year}-00001`,
      "RE-000001",
      "RE-000002",
      `INV-${year + 1}-00001`,
      "RE-000003",
    ])
  })
})
