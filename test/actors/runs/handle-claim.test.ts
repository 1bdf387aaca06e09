// The metrics of a claim count each run that ended, and each attempt that failed.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { GiveUp, type OneByOneHandler } from "#actors/handlers/handler.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import type { Db } from "#base/database/db.ts"
import { scrape } from "#events/metrics.ts"
import {
  actorProcess,
  dispatchAll,
  pipelineApp,
  processRow,
  recordMany,
  subscribe,
} from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
afterAll(() => database.drop())

test("a run counts when it has ended, and a retry counts as a failed attempt only", async () => {
  const handler: OneByOneHandler = {
    kind: "transactional",
    name: "CountedHandler",
    events: ["booking.confirmed"],
    handle: async (_, { position }) => {
      if (position === 1) throw new Error("not yet")
      if (position === 2) throw new GiveUp("never")
      return position === 3 ? { skipped: "nothing to do" } : undefined
    },
  }
  await subscribe(db, handler.name, "booking.confirmed")
  await recordMany(db, 5)
  await dispatchAll(db)
  const actor = runHandler(pipelineApp(db), handler, actorProcess(await processRow(db, true)))
  await actor.pass(new AbortController().signal)
  const counts = (await scrape(db)).match(/^events_(processed|failed)_total\{handler="CountedHandler".*$/gm)
  expect(counts?.sort()).toEqual([
    'events_failed_total{handler="CountedHandler"} 2',
    'events_processed_total{handler="CountedHandler",outcome="dead_letter"} 1',
    'events_processed_total{handler="CountedHandler",outcome="skipped"} 1',
    'events_processed_total{handler="CountedHandler",outcome="success"} 2',
  ])
})
