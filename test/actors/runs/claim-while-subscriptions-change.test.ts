// Claims beside dispatches that take up a change of subscriptions: a claim takes exactly the events that the handler is
// subscribed to at each position.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { claimFreshRuns } from "#actors/runs/claim.ts"
import { connect, type Db } from "#base/database/db.ts"
import type { EventType } from "#events/catalogue.ts"
import { dispatchAll, processRow, recordMany, subscribe } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const handler = "AnalyticsHandler"
const types: readonly [EventType, EventType] = ["booking.confirmed", "booking.cancelled"]
/** With the subscriptions and the log read one after the other, about one in a hundred went wrong. */
const changes = 300

let database: TestDatabase
let db: Db
let claimer: Db
let owner: number

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  claimer = connect(database.url, { max: 1, applicationName: "slotbase test claimer" })
  owner = await processRow(db, true)
})
afterAll(async () => {
  await claimer.end()
  await database.drop()
})

test("no event of an ended subscription is claimed, and none of a new subscription is passed over", async () => {
  await subscribe(db, handler, types[0])
  await recordMany(db, 2, types[0])
  await dispatchAll(db)
  const claimed: number[] = []
  const claim = async () => {
    const { runs, lease } = await claimFreshRuns(claimer, handler, owner, 0, 100)
    claimed.push(...runs.map(({ position }) => position))
    if (runs.length > 0) await db`delete from slotbase.handler_claims where lease = ${lease}`
  }
  await claim()

  for (let nth = 1; nth <= changes; nth++) {
    await db`update slotbase.handlers set ended = true where not ended`
    await subscribe(db, handler, types[nth % 2] as EventType)
    for (const type of types) await recordMany(db, 1, type)
    await Promise.all([claim(), db`select slotbase.dispatch(10)`, claim(), claim()])
  }
  await dispatchAll(db)
  await claim()

  const subscribed = await db<{ position: number }[]>`
    select p.position from slotbase.event_positions p
    join slotbase.handlers h on h.event_type = p.type and p.position >= h.from_position
      and (h.until_position is null or p.position < h.until_position)
    order by p.position`
  expect(subscribed.length).toBe(2 + changes)
  expect(claimed.toSorted((a, b) => a - b)).toEqual(subscribed.map(({ position }) => position))
})
