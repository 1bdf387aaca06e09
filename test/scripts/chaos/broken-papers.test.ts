// The questions about papers find what breaks them: each test plants one lie into the tables, and the lie is named.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { invoiceHandler } from "#actors/handlers/invoice.ts"
import type { Tx } from "#base/database/transaction.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { makeCourts } from "#test/harness/api/booking-api.ts"
import { makeTill } from "#test/harness/club/payments.ts"
import { paperQuestions } from "#test/harness/promises/broken-papers.ts"

let api: TestApi

beforeAll(async () => {
  api = await testApi()
  const till = await makeTill(api, await makeCourts(api), [invoiceHandler()])
  const { body } = await till.pay(await till.hold())
  await till.refund(body.id, { amount: 800 })
  const cash = { payerName: "Walk-in", amount: 700, paymentMethod: "cash" }
  await api.call("POST", `${till.at}/offline-payments`, { body: cash })
  await till.react()
})
afterAll(() => api.database.drop())

class Undone extends Error {}

/** What is found after a lie; the lie is rolled back. */
async function foundAfter(lie: (tx: Tx) => Promise<unknown>): Promise<string[]> {
  const found: string[] = []
  await api.database.db
    .begin(async (tx) => {
      await tx`alter table slotbase.invoices disable trigger all`
      await lie(tx)
      for (const { what, rows } of paperQuestions(tx, 0)) if ((await rows).length > 0) found.push(what)
      throw new Undone()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error
    })
  return found
}

const wrong = "a payment or refund that does not have exactly one paper of its amount"
const gap = "a seller whose numbers are not dense"
const counter = "a counter that is not at the last number of its seller"

test("three papers in order break nothing", async () => {
  const [row] = await api.database.db`select count(*) as papers from slotbase.invoices`
  expect(row?.papers).toBe(3)
  expect(await foundAfter(async () => {})).toEqual([])
})

test.each([
  ["a paper is lost", (tx: Tx) => tx`delete from slotbase.invoices where counter = 2`, [wrong, gap]],
  ["the last paper is lost", (tx: Tx) => tx`delete from slotbase.invoices where counter = 3`, [wrong, counter]],
  [
    "a number was left out",
    (tx: Tx) => tx`update slotbase.invoices set counter = 4, number = 'INV-4' where counter = 3`,
    [gap, counter],
  ],
  [
    "a paper is for another payment",
    (tx: Tx) => tx`update slotbase.invoices set source_id = gen_random_uuid() where counter = 3`,
    [wrong],
  ],
  [
    "an announced amount is not that of its paper",
    async (tx: Tx) => {
      await tx`alter table slotbase.events disable trigger all`
      await tx`update slotbase.events set data = data || '{"amount": 1}' where type = 'payment.refunded'`
    },
    [wrong],
  ],
  ["the counter was turned", (tx: Tx) => tx`update slotbase.invoice_counters set of_year = of_year + 1`, [counter]],
] as const)("found: %s", async (_, lie, found) => {
  expect(await foundAfter(lie as (tx: Tx) => Promise<unknown>)).toEqual([...found])
})
