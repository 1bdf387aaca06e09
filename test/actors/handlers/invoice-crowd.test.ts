// Many payments of one seller at once, in several processes of which some are killed. The numbers have no gap and none
// comes twice, nobody waits for a whole claim, and no run has failed.

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
import { paperQuestions } from "#test/harness/promises/broken-papers.ts"
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

const cash = () =>
  api.call("POST", `${till.at}/offline-payments`, {
    body: { payerName: "Walk-in", amount: 700, paymentMethod: "cash" },
  })

test("a claim of 40 payments locks the seller's counter for ten papers at a time", async () => {
  const { db } = api.database
  for (let nth = 0; nth < 40; nth++) expect((await cash()).status).toBe(201)
  await dispatchAll(db)
  const running = prepareActor(
    runHandler(api.app, invoiceHandler(), actorProcess(await processRow(db, true))),
    new AbortController().signal,
  )
  await running.passNow()
  const rows = await db`select count(*) as papers from slotbase.invoices group by xmin::text`
  expect(rows.map(({ papers }) => papers)).toEqual([10, 10, 10, 10])
})

const points: readonly (readonly [CrashPoint, number])[] = [
  ["runs-claimed", 1],
  ["effect-begun", 3],
  ["effect-made", 2],
  ["runs-committed", 1],
]

test("16 payments at once, and refunds, while four processes issue papers and are killed, round after round", async () => {
  const { db } = api.database
  for (let round = 0; round < 3; round++) {
    const processes = points.map(([point, nth], kind) =>
      start(kind % 2 === round % 2 ? ["at", point, String(nth)] : ["after", String(300 + 150 * nth)]),
    )
    const holds = []
    for (let nth = 0; nth < 16; nth++) holds.push(await till.hold())
    const paid = await Promise.all(holds.map((id) => till.pay(id)))
    expect(paid.map(({ body }) => body.status)).toEqual(holds.map(() => "succeeded"))
    await dispatchAll(db)
    await Promise.all([
      ...paid.slice(0, 8).map(({ body }) => till.refund(body.id, { amount: 800 + round })),
      ...Array.from({ length: 8 }, cash),
    ])
    await dispatchAll(db)
    // A process that finds nothing to do does not come to its point.
    const haveEnded = () => expect(processes.every(({ signalCode }) => signalCode !== null)).toBe(true)
    await eventually(haveEnded, { withinMs: longestMs }).catch(() => {})
    for (const each of processes) each.kill("SIGKILL")
    await Promise.all(processes.map((each) => each.exited))
    await db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms' where pid <> 0`
  }
  const heir = prepareActor(
    runHandler(api.app, invoiceHandler(), actorProcess(await processRow(db, true))),
    new AbortController().signal,
  )
  await eventually(
    async () => {
      await heir.passNow()
      expect(await db`select from slotbase.invoice_check where not agrees`).toHaveLength(0)
    },
    { withinMs: 30_000 },
  )
  for (const { what, rows } of paperQuestions(db, 0)) expect([what, ...(await rows)]).toEqual([what])
  const [row] =
    await db`select count(*) as papers, max(counter) as last from slotbase.invoices where facility_id = ${its.facilityId}`
  expect({ ...row }).toEqual({ papers: 40 + 3 * 32, last: 40 + 3 * 32 })
  // A run whose process was killed again and again has used up attempts. Waiting for the counter uses up none.
  const errors = await db`
    select distinct e.value -> 'error' ->> 'code' as code from slotbase.handler_history h cross join jsonb_array_elements(h.errors) e
    where h.handler = 'InvoiceHandler'`
  expect(errors.map(({ code }) => code).filter((code) => code !== "unknown_outcome")).toEqual([])
}, 120_000)

const longestMs = 4_000

const start = (kill: readonly string[]) =>
  Bun.spawn(
    [process.execPath, join(import.meta.dir, "../../harness/pipeline/run-invoices.ts"), api.database.url, ...kill],
    { stdout: "inherit", stderr: "inherit" },
  )
