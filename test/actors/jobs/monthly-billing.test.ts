// monthly-billing: one invoice for each account over what a local month left unpaid, once, whatever happens beside it.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { requireMember, requireStaff } from "#access/caller.ts"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { invoiceHandler } from "#actors/handlers/invoice.ts"
import { monthlyBilling } from "#actors/jobs/monthly-billing.ts"
import { billingPoints } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { markNoShow, waiveNoShow } from "#domain/booking/attendance/no-shows.ts"
import { cancelBooking } from "#domain/booking/cancel.ts"
import { putInvoiceSettings } from "#domain/invoices/seller.ts"
import { charge } from "#domain/ledger/charges.ts"
import { recordOfflinePayment } from "#domain/payments/offline.ts"
import { handBack } from "#domain/payments/refunds.ts"
import { aClub, aMember, type Club, run } from "#test/harness/club/club.ts"
import { aDebt, type DebtGiven, noStop, tickOf } from "#test/harness/club/debts.ts"
import { aChildLink } from "#test/harness/club/factories.ts"
import { sellerSettings } from "#test/harness/club/invoices.ts"
import { eventsOf } from "#test/harness/club/subscriptions.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let club: Club
let app: ReturnType<typeof testApp>
const handler = invoiceHandler()

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  app = testApp(db)
})
afterAll(() => database.drop())
beforeEach(async () => {
  club = await aClub(db)
  await run(db, (tx) => putInvoiceSettings(tx, club.id, sellerSettings))
})

const bill = (day = "2026-04-01", timezone = "UTC") =>
  monthlyBilling(app).run(tickOf(club.id, timezone, day, "00:00"), noStop)
const debt = (startAt: string, more: Partial<DebtGiven> = {}) =>
  aDebt(db, { facilityId: club.id, court: club.court, booker: club.player.id, startAt, ...more })
const fee = (bookingId: string, amount = 500) =>
  run(db, (tx) =>
    charge(tx, {
      facilityId: club.id,
      userId: club.player.id,
      amount,
      currency: "EUR",
      reason: "no_show_fee",
      referenceType: "booking",
      referenceId: bookingId,
    }),
  )
const pay = (bookingId: string, amount: number) =>
  run(db, (tx) =>
    recordOfflinePayment(tx, requireStaff(club.staff.caller, club.id), { bookingId, amount, paymentMethod: "cash" }),
  )

/** Does something by the database's clock of an earlier instant. */
async function at<T>(instant: string, work: () => Promise<T>): Promise<T> {
  await db`update slotbase.clock set shift = ${instant}::timestamptz - clock_timestamp()`
  const result = await work()
  await db`update slotbase.clock set shift = '0'`
  return result
}

interface Paper {
  readonly number: string
  readonly kind: string
  readonly source: string
  readonly gross: number
  readonly tax: number
  readonly due: string | null
}
const papers = async (facilityId = club.id): Promise<Paper[]> =>
  (
    await db<Paper[]>`
      select number, kind, source_type as source, gross, tax, due_on::text as due from slotbase.invoices
      where facility_id = ${facilityId} order by counter`
  ).map((row) => ({ ...row }))
const short = async () => (await papers()).map(({ source, kind, gross, tax }) => [source, kind, gross, tax])
const disagreeing = async () =>
  (await db`select from slotbase.invoice_check where facility_id = ${club.id} and not agrees`).length

/** InvoiceHandler handles everything that was recorded, in the order of recording. */
async function react(): Promise<void> {
  const events = await db<HandledEvent[]>`
    select e.*, 0 as position from slotbase.events e
    where facility_id = ${club.id} and type = any (${[...handler.events]}) order by id`
  await db.begin((tx) => handler.handleAll(tx, events))
}

test("an account has one invoice over its month, with the agreed lines and taxes, and what was paid left out", async () => {
  await debt("2026-03-03T18:00:00Z")
  await debt("2026-03-10T18:00:00Z", { price: 1070, taxRate: 700 })
  const part = await debt("2026-03-17T18:00:00Z")
  await pay(part, 1000)
  const missed = await debt("2026-03-24T18:00:00Z", { paymentMethod: "waived", status: "no_show" })
  await at("2026-03-24T20:00:00Z", () => fee(missed))
  const paid = await debt("2026-03-25T18:00:00Z")
  await pay(paid, 2400)
  await debt("2026-03-26T18:00:00Z", { status: "cancelled" })
  await debt("2026-02-28T18:00:00Z")
  await debt("2026-04-01T00:00:00Z")
  expect(await bill()).toEqual({ bills: 1, accounts: 1 })
  expect(await bill()).toEqual({ bills: 0, accounts: 0 })
  const year = new Date().getFullYear()
  const [paper] = await db`
    select number, net, tax, gross, taxes, supplied_from::text, supplied_to::text, due_on - issued_on as days,
           array(select jsonb_array_elements(lines) ->> 'amount') as amounts, missing, payer_id, debtor_id
    from slotbase.invoices where facility_id = ${club.id}`
  expect({ ...paper }).toEqual({
    number: `INV-${year}-00001`,
    // 2400 and 1400 of 2400 at 19 %, 1070 at 7 %, the fee without tax.
    gross: 5370,
    net: 4694,
    tax: 676,
    taxes: [
      { taxRate: 1900, net: 3194, tax: 606, gross: 3800 },
      { taxRate: 700, net: 1000, tax: 70, gross: 1070 },
      { taxRate: 0, net: 500, tax: 0, gross: 500 },
    ],
    supplied_from: "2026-03-03",
    supplied_to: "2026-03-24",
    days: 14,
    amounts: ["2400", "1070", "1400", "500"],
    missing: [],
    payer_id: club.player.id,
    debtor_id: club.player.id,
  })
  const [event] = await eventsOf(db, club.id, "invoice.issued")
  expect(event?.data).toMatchObject({
    number: `INV-${year}-00001`,
    payerId: club.player.id,
    parentIds: [],
    periodStart: "2026-03-01",
    periodEnd: "2026-03-31",
    bookings: 4,
    amount: 5370,
    currency: "EUR",
  })
  // The papers of the desk payments come later, and the lines of the whole add up.
  await react()
  expect(await short()).toEqual([
    ["bill", "invoice", 5370, 676],
    ["offline_payment", "invoice", 1000, 160],
    ["offline_payment", "invoice", 2400, 383],
  ])
  expect(await disagreeing()).toBe(0)
})

test("a family has one invoice over the bookings of all, and the parents of a child are asked", async () => {
  const mother = await aMember(db, "player", club.id)
  await aChildLink(db, { parent: mother.id, child: club.friend.id, permissions: ["pay"] })
  const family = newId()
  await db`
    insert into slotbase.billing_accounts (id, facility_id, type, owner_id, name)
    values (${family}, ${club.id}, 'family', ${mother.id}, 'Keller')`
  await db`
    insert into slotbase.billing_account_members (billing_account_id, facility_id, user_id)
    select ${family}, ${club.id}, u from unnest(${[mother.id, club.player.id]}::uuid[]) u`
  await debt("2026-03-03T18:00:00Z")
  await debt("2026-03-04T18:00:00Z", { booker: mother.id })
  await debt("2026-03-05T18:00:00Z", { booker: club.friend.id })
  expect(await bill()).toEqual({ bills: 2, accounts: 2 })
  const issued = (await eventsOf(db, club.id, "invoice.issued")).map(({ data }) => data)
  expect(issued.map((data) => [data.billingAccountId === family, data.amount, data.payerId, data.parentIds])).toEqual(
    expect.arrayContaining([
      [true, 4800, mother.id, []],
      [false, 2400, undefined, [mother.id]],
    ]),
  )
})

test("two currencies of one account are two invoices", async () => {
  await debt("2026-03-03T18:00:00Z")
  const other = await debt("2026-03-04T18:00:00Z")
  await db`update slotbase.bookings set price_currency = 'CHF' where id = ${other}`
  expect(await bill()).toEqual({ bills: 2, accounts: 1 })
  expect(await bill()).toEqual({ bills: 0, accounts: 0 })
})

describe("after the bill", () => {
  test("a payment of a billed booking has no paper of its own, and its refund credits the bill", async () => {
    const id = await debt("2026-03-03T18:00:00Z", { status: "confirmed" })
    await debt("2026-03-04T18:00:00Z")
    await bill()
    await pay(id, 2400)
    await react()
    expect(await short()).toEqual([["bill", "invoice", 4800, 766]])
    expect(await disagreeing()).toBe(0)
    await run(db, (tx) =>
      cancelBooking(tx, requireMember(club.staff.caller, club.id), id, { cancellationReason: "", refundPercent: 50 }),
    )
    const [refund] = await db<{ id: string }[]>`select id from slotbase.refunds where facility_id = ${club.id}`
    await run(db, (tx) => handBack(tx, requireStaff(club.staff.caller, club.id), refund?.id ?? ""))
    await react()
    await react()
    const [credit] = await db`
      select i.gross, c.source_type as corrects, i.reference_id from slotbase.invoices i
      join slotbase.invoices c on c.id = i.corrects_id where i.facility_id = ${club.id}`
    expect({ ...credit }).toEqual({ gross: 1200, corrects: "bill", reference_id: id })
    expect((await papers()).length).toBe(2)
    expect(await disagreeing()).toBe(0)
  })

  test("a booking that is cancelled before it is paid is taken off the bill by a credit note, once", async () => {
    const id = await debt("2026-03-03T18:00:00Z", { status: "confirmed" })
    await debt("2026-03-04T18:00:00Z")
    await bill()
    await run(db, (tx) => cancelBooking(tx, requireMember(club.staff.caller, club.id), id, { cancellationReason: "" }))
    await react()
    await react()
    expect(await short()).toEqual([
      ["bill", "invoice", 4800, 766],
      ["bill_correction", "credit_note", 2400, 383],
    ])
  })

  test("a waived fee is taken off with its own tax, and the rest of the bill stays", async () => {
    const id = await debt("2026-03-03T18:00:00Z", { status: "confirmed" })
    await db`insert into slotbase.booking_policies (facility_id, no_show_fee) values (${club.id}, 500)`
    await at("2026-03-03T19:00:00Z", () =>
      run(db, (tx) => markNoShow(tx, requireMember(club.staff.caller, club.id), id)),
    )
    await bill()
    await run(db, (tx) => waiveNoShow(tx, requireMember(club.staff.caller, club.id), id, { reason: "Ill" }))
    await react()
    expect(await short()).toEqual([
      ["bill", "invoice", 2900, 383],
      ["bill_correction", "credit_note", 500, 0],
    ])
    await pay(id, 2400)
    await react()
    expect((await papers()).length).toBe(2)
    expect(await disagreeing()).toBe(0)
  })

  test("a fee of the next month is on the next bill, without what the first one has", async () => {
    const id = await debt("2026-03-31T18:00:00Z")
    await bill()
    await at("2026-04-02T20:00:00Z", () => fee(id))
    expect(await bill("2026-05-01")).toEqual({ bills: 1, accounts: 1 })
    expect(await short()).toEqual([
      ["bill", "invoice", 2400, 383],
      ["bill", "invoice", 500, 0],
    ])
    await pay(id, 2900)
    await react()
    expect((await papers()).length).toBe(2)
    expect(await disagreeing()).toBe(0)
    const settled =
      await db`select amount from slotbase.bill_settlements where facility_id = ${club.id} order by amount`
    expect(settled.map(({ amount }) => amount)).toEqual([500, 2400])
  })
})

describe("months are those of the facility", () => {
  test("with the clocks changing, and far from UTC in both directions", async () => {
    for (const [timezone, inside, outside] of [
      // March 2026 in Berlin begins at 23:00 UTC and ends at 22:00 UTC: the clocks go forward on the 29th.
      [
        "Europe/Berlin",
        ["2026-02-28T23:00:00Z", "2026-03-31T21:59:00Z"],
        ["2026-02-28T22:59:00Z", "2026-03-31T22:00:00Z"],
      ],
      [
        "Pacific/Kiritimati",
        ["2026-02-28T10:00:00Z", "2026-03-31T09:59:00Z"],
        ["2026-02-28T09:59:00Z", "2026-03-31T10:00:00Z"],
      ],
      [
        "Pacific/Pago_Pago",
        ["2026-03-01T11:00:00Z", "2026-04-01T10:59:00Z"],
        ["2026-03-01T10:59:00Z", "2026-04-01T11:00:00Z"],
      ],
    ] as const) {
      club = await aClub(db)
      await db`update slotbase.facilities set timezone = ${timezone} where id = ${club.id}`
      await run(db, (tx) => putInvoiceSettings(tx, club.id, sellerSettings))
      for (const at of inside) await debt(at, { price: 1000 })
      for (const at of outside) await debt(at, { price: 7 })
      expect(await bill("2026-04-01", timezone)).toEqual({ bills: 1, accounts: 1 })
      expect((await papers()).map(({ gross }) => gross)).toEqual([2000])
    }
  })
})

describe("whatever happens", () => {
  const people = 6
  async function manyAccounts(): Promise<void> {
    for (let i = 0; i < people; i++) {
      const { id } = await aMember(db, "player", club.id)
      await debt("2026-03-03T18:00:00Z", { booker: id, price: 1000 + i })
    }
  }
  const numbers = async () => (await papers()).map(({ number }) => Number(number.slice(-5)))

  test("killed at each point at each account, it goes on without a gap and without a double", async () => {
    await manyAccounts()
    for (const point of billingPoints) {
      for (const nth of ["1", "2"]) {
        const program = join(import.meta.dir, "../../harness/pipeline/run-billing.ts")
        const died = Bun.spawn([process.execPath, program, database.url, club.id, "2026-04-01", point, nth])
        expect(await died.exited).toBe(137)
      }
    }
    await bill()
    expect(await numbers()).toEqual([1, 2, 3, 4, 5, 6])
    const grosses = (await papers()).map(({ gross }) => gross).sort()
    expect(grosses).toEqual([1000, 1001, 1002, 1003, 1004, 1005])
    expect(await eventsOf(db, club.id, "invoice.issued")).toHaveLength(people)
  }, 60_000)

  test("beside 16 payments, and twice at once, nothing is on two papers and no number is missing", async () => {
    await manyAccounts()
    const ids: string[] = []
    for (let i = 0; i < 16; i++) ids.push(await debt(`2026-03-${String(i + 1).padStart(2, "0")}T10:00:00Z`))
    await Promise.all([bill(), ...ids.map((id) => pay(id, 2400)), bill(), react()])
    await react()
    await bill()
    const issued = await papers()
    expect(issued.map(({ number }) => Number(number.slice(-5)))).toEqual(issued.map((_, nth) => nth + 1))
    expect(await disagreeing()).toBe(0)
    const sold = await db<{ amount: number }[]>`
      select sum((l ->> 'amount')::bigint)::bigint as amount
      from slotbase.invoices i cross join lateral jsonb_array_elements(i.lines) l
      where i.facility_id = ${club.id} and (i.reference_id is not null or starts_with(l ->> 'key', '0'))
      group by coalesce(i.reference_id::text, substr(l ->> 'key', 1, 36))`
    expect(sold.map(({ amount }) => amount).sort()).toEqual([
      1000,
      1001,
      1002,
      1003,
      1004,
      1005,
      ...ids.map(() => 2400),
    ])
  }, 60_000)

  test("an account that fails is reported, and stops no other", async () => {
    await run(db, (tx) => putInvoiceSettings(tx, club.id, { ...sellerSettings, exemptionReason: null }))
    await debt("2026-03-03T18:00:00Z", { taxRate: 0 })
    await debt("2026-03-03T18:00:00Z", { booker: club.friend.id, court: club.otherCourt })
    const error = await failure(bill())
    expect((error as Error).message).toBe(
      "1 bills issued, 1 accounts failed: RuleBroken: The invoice settings lack what an invoice needs: exemptionReason.",
    )
    expect(await numbers()).toEqual([1])
    await run(db, (tx) => putInvoiceSettings(tx, club.id, sellerSettings))
    expect(await bill()).toEqual({ bills: 1, accounts: 1 })
    expect(await numbers()).toEqual([1, 2])
  })

  test("a bill that was not mended within its month is issued by the run of the next one, once", async () => {
    await run(db, (tx) => putInvoiceSettings(tx, club.id, { ...sellerSettings, exemptionReason: null }))
    await debt("2026-03-03T18:00:00Z", { taxRate: 0 })
    await failure(bill())
    const unissued = () => db<{ month: string; error: string }[]>`
      select month::text, error from slotbase.unissued_bills where facility_id = ${club.id}`
    const error = "RuleBroken: The invoice settings lack what an invoice needs: exemptionReason."
    expect((await unissued()).map((row) => ({ ...row }))).toEqual([{ month: "2026-03-01", error }])
    expect(((await failure(bill("2026-05-01"))) as Error).message).toBe(`0 bills issued, 1 accounts failed: ${error}`)
    await run(db, (tx) => putInvoiceSettings(tx, club.id, sellerSettings))
    await debt("2026-05-05T18:00:00Z")
    expect(await bill("2026-06-01")).toEqual({ bills: 2, accounts: 2 })
    expect(await unissued()).toHaveLength(0)
    const periods = await db`select period::text from slotbase.bills where facility_id = ${club.id} order by period`
    expect(periods.map(({ period }) => period)).toEqual(["2026-03-01", "2026-05-01"])
    expect(await bill("2026-06-01")).toEqual({ bills: 0, accounts: 0 })
  })

  test("a facility that has not said who sells bills nobody", async () => {
    club = await aClub(db)
    await debt("2026-03-03T18:00:00Z")
    expect(await bill()).toEqual({ bills: 0, accounts: 0, unset: 1 })
  })

  test("a facility that there is not is an error", async () => {
    const gone = newId()
    const error = await failure(monthlyBilling(app).run(tickOf(gone, "UTC", "2026-04-01"), noStop))
    expect(error).toMatchObject({ _tag: "NotFound" })
  })
})
