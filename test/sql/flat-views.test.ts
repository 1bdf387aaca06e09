// What people are told to run costs the same however long the history is. The statements come from the README and the
// docs themselves, so a new one is measured too. Pages are counted, not milliseconds.

import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import type { Db } from "#base/database/db.ts"
import { example } from "#events/example.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { pagesRead } from "#test/harness/pipeline/pages.ts"
import { aWebhook, dispatchAll, recordMany, subscribe } from "#test/harness/pipeline/pipeline.ts"
import { testDatabase } from "#test/harness/setup/database.ts"

/** The statements of the SQL blocks that ask something and need no value of the reader. */
const statements = ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith(".md"))
  .flatMap((name) => [...readFileSync(name, "utf8").matchAll(/```sql\n([\s\S]*?)```/g)].map(([, block = ""]) => block))
  .flatMap((block) => block.replace(/--.*$/gm, "").split(/;\s*(?:\n|$)/))
  .map((statement) => statement.trim())
  .filter((statement) => /^(?:select|with)\b/.test(statement) && !statement.includes(":'"))

test("the statements of the README and the docs read as many pages after 24,000 events as after 8,000", async () => {
  const database = await testDatabase()
  const { db } = database
  await aFacility(db, { id: example.facilityId })
  for (const handler of ["InBatches", "OneByOne"]) await subscribe(db, handler, "booking.confirmed")
  await aWebhook(db, "booking.confirmed")
  expect(statements.length).toBeGreaterThan(8)
  await handled(db, 8_000)
  const before = await pagesOf(db)
  await handled(db, 16_000)
  const after = await pagesOf(db)
  const grown = Object.entries(after).filter(([statement, pages]) => pages > (before[statement] ?? 0) * 1.3 + 40)
  expect(grown.map(([statement, pages]) => ({ statement, before: before[statement], after: pages }))).toEqual([])
  await database.drop()
}, 300_000)

test("the ledger looks at its window, and the whole ledger at every event", async () => {
  const database = await testDatabase()
  const { db } = database
  await aFacility(db, { id: example.facilityId })
  await recordMany(db, 5_010)
  await dispatchAll(db)
  const [counts] = await db`
    select (select count(*) from slotbase.event_ledger) as latest, (select min(position) from slotbase.event_ledger) as first,
           (select count(*) from slotbase.event_ledger_whole) as whole`
  expect({ ...counts }).toEqual({ latest: 5_000, first: 11, whole: 5_010 })
  await database.drop()
}, 120_000)

/** A connection that runs a statement for the first time reads the catalogues too, so the least of three counts. */
async function pagesOf(db: Db): Promise<Record<string, number>> {
  const pages: Record<string, number> = {}
  for (const statement of statements) {
    const times = [await pagesRead(db, statement), await pagesRead(db, statement), await pagesRead(db, statement)]
    pages[statement] = Math.min(...times)
  }
  return pages
}

/** Events whose runs and deliveries have all succeeded, as a busy year leaves them. */
async function handled(db: Db, count: number): Promise<void> {
  const [{ base }] = await db<
    [{ base: number }]
  >`select coalesce(max(position), 0) as base from slotbase.event_positions`
  for (let made = 0; made < count; made += 2_000) {
    await recordMany(db, 2_000)
    await dispatchAll(db)
  }
  for (const handler of ["InBatches", "OneByOne"])
    await db`select slotbase.move_cursor(${handler}, null, max(position) + 1) from slotbase.event_positions`
  await db`
    insert into slotbase.handler_batches
    select 'InBatches', int8multirange(int8range(min(position), max(position) + 1)), count(*), 1, now()
    from slotbase.event_positions where position > ${base} group by position / 100`
  await db`
    insert into slotbase.handler_history (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at)
    select event_id, 'OneByOne', facility_id, position, 'success', 1, 1, now()
    from slotbase.event_positions where position > ${base}`
  await db`
    with gone as (delete from slotbase.delivery_queue returning *), attempts as (
      insert into slotbase.attempt_history (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at, outcome, response_status)
      select event_id, delivery_id, 1, delivery_id, facility_id, webhook_id, 'https://example.com', 'POST', now(), 'delivered', 200 from gone
    )
    insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status, attempts, settled_at)
    select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'delivered', 1, now() from gone`
  await db`vacuum analyze`
}
