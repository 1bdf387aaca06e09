// Processes that issue invoices are killed, at each crash point of a run and at any moment. Every payment and refund
// has one paper, and the numbers have no gap.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { invoiceHandler } from "#actors/handlers/invoice.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { prepareActor } from "#actors/runtime/actor.ts"
import type { CrashPoint } from "#base/crash-points.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { makeTill, type Till } from "#test/harness/club/payments.ts"
import { actorProcess, dispatchAll, processRow } from "#test/harness/pipeline/pipeline.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let api: TestApi
let its: Courts
let till: Till

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
  till = await makeTill(api, its, [invoiceHandler()])
})
afterAll(() => api.database.drop())

const atPoints: readonly (readonly [CrashPoint, number])[] = [
  ["runs-claimed", 1],
  ["effect-begun", 2],
  ["effect-made", 1],
  ["effect-made", 3],
  ["runs-committed", 1],
]
/** Milliseconds after its first pass began. */
const atMoments = [2, 10, 25, 60]

test("killed at every point and at any moment", async () => {
  const kills = [
    ...atPoints.map(([point, nth]) => ["at", point, String(nth)]),
    ...atMoments.map((ms) => ["after", String(ms)]),
  ]
  for (const kill of kills) {
    await someMoney()
    expect(await start(kill).exited).toBe(137)
    await died()
  }
  const { db } = api.database
  const heir = prepareActor(
    runHandler(api.app, invoiceHandler(), actorProcess(await processRow(db, true))),
    new AbortController().signal,
  )
  await eventually(
    async () => {
      await heir.passNow()
      expect(await db`select from slotbase.invoice_check where not agrees`).toHaveLength(0)
    },
    { withinMs: 20_000 },
  )
  const rows = await db<{ counter: number }[]>`
    select counter from slotbase.invoices where facility_id = ${its.facilityId} order by counter`
  const money = await db`
    select from slotbase.payment_ledger where facility_id = ${its.facilityId} and account in ('provider', 'till')`
  expect(money.length).toBe(4 * kills.length)
  expect(rows.map(({ counter }) => counter)).toEqual(Array.from(money, (_, i) => i + 1))
}, 120_000)

/** Two payments at the desk, a card payment and a refund of it, dispatched. */
async function someMoney(): Promise<void> {
  for (const amount of [700, 900]) {
    const body = { payerName: "Walk-in", amount, paymentMethod: "cash" }
    await api.call("POST", `${till.at}/offline-payments`, { body })
  }
  const payment = (await till.pay(await till.hold())).body
  await till.refund(payment.id, { amount: 800 })
  await dispatchAll(api.database.db)
}

const start = (kill: readonly string[]) =>
  Bun.spawn(
    [process.execPath, join(import.meta.dir, "../../harness/pipeline/run-invoices.ts"), api.database.url, ...kill],
    { stdout: "inherit", stderr: "inherit" },
  )

/** The killed process counts as dead at once, so that others take over its runs. */
const died = () => api.database.db`
  update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms' where pid <> 0`
