// Money is conserved: several clients pay, refund, cancel, charge and waive at once, with cards of every kind. The
// ledger's entries sum to zero, its accounts agree with the commands, and the ledger agrees with the provider's books.
// Each movement of money has its invoice or credit note.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { invoiceHandler } from "#actors/handlers/invoice.ts"
import { localPayments } from "#actors/jobs/local-payments.ts"
import { type Charge, charge, waiveCharge } from "#domain/ledger/charges.ts"
import { testCards } from "#domain/payments/providers/local.ts"
import { resolvePayments } from "#domain/payments/resolve.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { run } from "#test/harness/club/club.ts"
import { lookUpNow, makeTill, moneyOf, price, type Till } from "#test/harness/club/payments.ts"
import { holds, timeoutOf } from "./property.ts"

const withinMs = 3_000
const bookings = 2
/** The number of concurrent commands. */
const clients = 3

let api: TestApi
let its: Courts
let till: Till

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
  till = await makeTill(api, its, [invoiceHandler()])
  await api.call("PATCH", `${till.at}/settings`, { body: { taxRates: { court: 1900, fee: 700 } } })
})
afterAll(() => api.database.drop())

const booking = fc.nat(bookings - 1)
const amount = fc.integer({ min: 1, max: price })
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("pay"), booking, amount, card: fc.constantFrom(...Object.keys(testCards)) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("refund"), booking, amount, nth: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("desk"), booking, amount }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("charge"), booking, amount }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("waive"), booking, amount }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel"), booking, percent: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("resolve") }) },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

test(
  "under any concurrent commands",
  async () => {
    await holds(
      fc.array(command, { minLength: 6, maxLength: 18 }),
      async (commands) => {
        const ids = await Promise.all(Array.from({ length: bookings }, () => till.book()))
        for (let from = 0; from < commands.length; from += clients) {
          await Promise.all(commands.slice(from, from + clients).map((each) => carryOut(each, ids)))
        }
        await settleAll()
        await check()
      },
      { numRuns: 8, withinMs },
    )
  },
  timeoutOf(withinMs),
)

async function carryOut(each: Command, ids: readonly string[]): Promise<void> {
  const id = ids["booking" in each ? each.booking : 0] ?? ""
  if ("card" in each) return wellAnswered(till.pay(id, each.card, { amount: each.amount }))
  if ("nth" in each) return refund(id, each.nth, each.amount)
  if ("percent" in each) return wellAnswered(till.cancel(id, { refundPercent: each.percent }))
  if (!("amount" in each)) return settleAll()
  if (each.do === "desk") {
    const body = { bookingId: id, amount: each.amount, paymentMethod: "cash" }
    return wellAnswered(api.call("POST", `${till.at}/offline-payments`, { body }))
  }
  const fee: Charge = {
    facilityId: its.facilityId,
    userId: its.player.id,
    amount: each.amount,
    currency: "EUR",
    reason: "no_show_fee",
    referenceType: "booking",
    referenceId: id,
  }
  await run(api.database.db, (tx) => (each.do === "charge" ? charge(tx, fee) : waiveCharge(tx, fee)))
}

async function refund(bookingId: string, nth: number, minorUnits: number): Promise<void> {
  const { data } = (await api.call("GET", `${till.at}/payments?referenceId=${bookingId}&status=succeeded`)).body
  const payment = data[nth % Math.max(1, data.length)]
  if (payment) await wellAnswered(till.refund(payment.id, { amount: minorUnits }))
}

/** Succeeds, or is refused for a reason; never a server error. */
async function wellAnswered(call: ReturnType<TestApi["call"]>): Promise<void> {
  const { status, body } = await call
  expect({ status, body, isFine: [200, 201, 409, 422].includes(status) }).toEqual({ status, body, isFine: true })
}

/** Finishes all pending work. */
async function settleAll(): Promise<void> {
  const { db } = api.database
  await db`update slotbase.local_provider_payments set confirms_at = slotbase.now() where status = 'processing'`
  await localPayments(api.app).pass(new AbortController().signal)
  await till.react()
  await lookUpNow(db)
  await resolvePayments(api.app, 100)
}

async function check(): Promise<void> {
  const { db } = api.database
  const { lost, balances } = await moneyOf(db, its.facilityId)
  expect(lost).toEqual([])
  const [books] = await db<{ amount: number; unsettled: number; beyond: number }[]>`
    select (select coalesce(sum(amount), 0)::bigint from slotbase.local_provider_payments where status = 'succeeded')
             - (select coalesce(sum(amount), 0)::bigint from slotbase.local_provider_refunds) as amount,
           (select count(*) from slotbase.payments where status = 'processing')
             + (select count(*) from slotbase.refunds where status = 'processing') as unsettled,
           (select count(*) from slotbase.payments p
            where p.refunded_amount <> (select coalesce(sum(r.amount), 0) from slotbase.refunds r
                                        where r.payment_id = p.id and r.status <> 'failed')) as beyond`
  expect({ ...books }).toEqual({ amount: balances.provider ?? 0, unsettled: 0, beyond: 0 })
  await checkPapers()
}

/** Each movement of money has its paper, numbers have no gap, and nothing is credited that was not invoiced. */
async function checkPapers(): Promise<void> {
  const { db } = api.database
  await till.react()
  const [papers] = await db<{ disagreeing: number; gaps: number; overdrawn: number; money: number; papers: number }[]>`
    select (select count(*) from slotbase.invoice_check where not agrees) as disagreeing,
           (select coalesce(max(counter) - count(*), 0)::bigint from slotbase.invoices where facility_id = ${its.facilityId}) as gaps,
           (select count(*) from (
              select from slotbase.invoices i cross join lateral jsonb_array_elements(i.lines) l
              group by i.root_id, l ->> 'key'
              having sum(case when i.kind = 'invoice' then 1 else -1 end * (l ->> 'amount')::bigint) < 0
                  or sum(case when i.kind = 'invoice' then 1 else -1 end * (l ->> 'taxAmount')::bigint) < 0) o) as overdrawn,
           (select coalesce(sum(amount), 0)::bigint from slotbase.payment_ledger
            where facility_id = ${its.facilityId} and account in ('provider', 'till')) as money,
           (select coalesce(sum(gross), 0)::bigint from slotbase.invoice_list where facility_id = ${its.facilityId}) as papers`
  expect({ ...papers, money: 0, papers: 0 }).toEqual({ disagreeing: 0, gaps: 0, overdrawn: 0, money: 0, papers: 0 })
  expect(papers?.papers).toBe(papers?.money as number)
}
