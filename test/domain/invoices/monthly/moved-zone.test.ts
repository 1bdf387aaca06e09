// The bills of a club that moves to another zone. Its month begins at another instant there, and no booking falls
// between the two months or stands on two bills.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { monthlyBilling } from "#actors/jobs/monthly-billing.ts"
import type { Db } from "#base/database/db.ts"
import { wallTimeOf } from "#base/local-days.ts"
import { putInvoiceSettings } from "#domain/invoices/seller.ts"
import { charge } from "#domain/ledger/charges.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { aDebt, noStop, tickOf } from "#test/harness/club/debts.ts"
import { sellerSettings } from "#test/harness/club/invoices.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
afterAll(() => database.drop())
beforeEach(async () => {
  club = await aClub(db)
  await run(db, (tx) => putInvoiceSettings(tx, club.id, sellerSettings))
})

const bill = (day: string, timezone: string) =>
  monthlyBilling(testApp(db)).run(tickOf(club.id, timezone, day, "00:00"), noStop)

/** An hour that is owed, of the local time that was agreed in a zone. */
async function agreed(startAt: string, timezone: string): Promise<string> {
  const id = await aDebt(db, { facilityId: club.id, court: club.court, booker: club.player.id, startAt })
  const [start, end] = [0, 3_600_000].map((later) => wallTimeOf(timezone, Date.parse(startAt) + later))
  await db`
    update slotbase.bookings
    set agreed_timezone = ${timezone}, agreed_start = ${start ?? ""}::timestamp, agreed_end = ${end ?? ""}::timestamp
    where id = ${id}`
  return id
}

const billed = async () => {
  const rows = await db<{ period: string; booking_id: string }[]>`
    select b.period::text, x.booking_id from slotbase.bills b
    join slotbase.billed_bookings x on x.invoice_id = b.invoice_id
    where b.facility_id = ${club.id} order by b.period, x.booking_id`
  return rows.map(({ period, booking_id }) => [period, booking_id])
}

test("a club that moves west leaves no hour between two months: what was agreed for the month is on its bill", async () => {
  // The 1st of March in Apia is over before the 1st of March begins in New York.
  const lastOfFebruary = await agreed("2026-02-28T08:00:00Z", "Pacific/Apia")
  const firstOfMarch = await agreed("2026-02-28T20:00:00Z", "Pacific/Apia")
  const march = await agreed("2026-03-20T18:00:00Z", "America/New_York")
  expect(await bill("2026-03-01", "Pacific/Apia")).toEqual({ bills: 1, accounts: 1 })
  await db`update slotbase.facilities set timezone = 'America/New_York' where id = ${club.id}`
  expect(await bill("2026-04-01", "America/New_York")).toEqual({ bills: 1, accounts: 1 })
  expect(await billed()).toEqual([
    ["2026-02-01", lastOfFebruary],
    ...[firstOfMarch, march].toSorted().map((id) => ["2026-03-01", id]),
  ])
  expect(await bill("2026-04-01", "America/New_York")).toEqual({ bills: 0, accounts: 0 })
})

test("a club that moves east bills the hours once that both months have", async () => {
  const both = await agreed("2026-02-28T20:00:00Z", "America/New_York")
  const march = await agreed("2026-03-20T02:00:00Z", "Pacific/Apia")
  expect(await bill("2026-03-01", "America/New_York")).toEqual({ bills: 1, accounts: 1 })
  await db`update slotbase.facilities set timezone = 'Pacific/Apia' where id = ${club.id}`
  expect(await bill("2026-04-01", "Pacific/Apia")).toEqual({ bills: 1, accounts: 1 })
  expect(await billed()).toEqual([
    ["2026-02-01", both],
    ["2026-03-01", march],
  ])
})

test("an hour between the months that has a fee of the month is billed once, with its fee", async () => {
  const id = await agreed("2026-02-28T20:00:00Z", "Pacific/Apia")
  await run(db, (tx) =>
    charge(tx, {
      ...{ facilityId: club.id, userId: club.player.id, amount: 500, currency: "EUR", reason: "no_show_fee" },
      ...{ referenceType: "booking", referenceId: id },
    }),
  )
  await db`update slotbase.charges set created_at = '2026-03-02T10:00:00Z' where reference_id = ${id}`
  await db`update slotbase.facilities set timezone = 'America/New_York' where id = ${club.id}`
  expect(await bill("2026-04-01", "America/New_York")).toEqual({ bills: 1, accounts: 1 })
  const [row] = await db`
    select i.gross from slotbase.bills b join slotbase.invoices i on i.id = b.invoice_id where b.facility_id = ${club.id}`
  expect(row?.gross).toBe(2_900)
})

test("a debt of the last day that appears after the run of its month is still on no bill while the zone stays", async () => {
  await bill("2026-03-01", "Europe/Berlin")
  await db`update slotbase.facilities set timezone = 'Europe/Berlin' where id = ${club.id}`
  await agreed("2026-02-28T20:00:00Z", "Europe/Berlin")
  expect(await bill("2026-04-01", "Europe/Berlin")).toEqual({ bills: 0, accounts: 0 })
})
