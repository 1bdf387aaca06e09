// The papers of a bill and of its correction: valid electronic invoices, with every booking on a line of its own.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { requireMember } from "#access/caller.ts"
import { monthlyBilling } from "#actors/jobs/monthly-billing.ts"
import { newId } from "#base/ids.ts"
import { cancelBooking } from "#domain/booking/cancel.ts"
import { correctBill } from "#domain/invoices/monthly/correct-bill.ts"
import { pdfFile, xmlFile } from "#domain/invoices/papers/files.ts"
import { findPaper, type PaperRow } from "#domain/invoices/rows.ts"
import { putInvoiceSettings } from "#domain/invoices/seller.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { aDebt, noStop, tickOf } from "#test/harness/club/debts.ts"
import { sellerSettings } from "#test/harness/club/invoices.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { brokenRules, brokenRulesIn, schemaFaults } from "./validators.ts"

let database: TestDatabase
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
})
afterAll(() => database.drop())

test("a bill and the credit note that corrects it keep the schema and the rules of EN 16931, in XML and PDF", async () => {
  const { db } = database
  const iban = { iban: "DE02120300000000202051", bic: "BYLADEM1001" }
  await run(db, (tx) => putInvoiceSettings(tx, club.id, { ...sellerSettings, ...iban }))
  const debt = (day: string, price: number, taxRate: number, status = "completed") =>
    aDebt(db, {
      facilityId: club.id,
      court: club.court,
      booker: club.player.id,
      startAt: `2026-03-${day}T18:00:00Z`,
      price,
      taxRate,
      status,
    })
  await debt("03", 2400, 1900)
  await debt("10", 1070, 700)
  const rain = await debt("17", 1999, 1900, "confirmed")
  await monthlyBilling(testApp(db)).run(tickOf(club.id, "UTC", "2026-04-01", "00:00"), noStop)
  await run(db, (tx) =>
    cancelBooking(tx, requireMember(club.staff.caller, club.id), rain, { cancellationReason: "Rain" }),
  )
  const credit = await run(db, (tx) => correctBill(tx, club.id, rain, newId()))
  const bill = await findPaper(db, club.id, credit?.corrects_id ?? "")
  for (const paper of [bill, credit] as PaperRow[]) {
    const xml = Buffer.from((await xmlFile(db, paper)).content).toString()
    expect(await schemaFaults(xml)).toEqual([])
    expect(await brokenRules(xml)).toEqual([])
    const { content } = await pdfFile(db, paper, "de")
    expect(await brokenRulesIn(content)).toEqual([])
  }
  expect([bill?.gross, bill?.lines.length, credit?.gross, credit?.tax]).toEqual([5469, 3, 1999, 319])
})
