// The whole pipeline against a model: commands, dispatches, failures, retries, pauses, crashes and reprocessing in any
// order. P2, P5 and P7 hold after each command and at the end, when no work is left:
//
// - Every event has exactly one run per handler and one delivery per webhook that was subscribed at its position.
// - Every run and delivery that failed for good is a dead letter with all its errors.
// - The log is dense and in the order of recording.

import { afterAll, beforeAll, test } from "bun:test"
import fc from "fast-check"
import { connect, type Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { mirrorEventTypes } from "#events/mirror.ts"
import { aFacility, aResource } from "#test/harness/club/factories.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { reprocessAll } from "./pipeline/again.ts"
import { type MovableTime, movableTime } from "./pipeline/clock.ts"
import { commands } from "./pipeline/commands.ts"
import { finalDifferences } from "./pipeline/finally.ts"
import { eventTypes, Model } from "./pipeline/model.ts"
import { type ScriptedReceiver, scriptedReceiver } from "./pipeline/receiver.ts"
import { makeWebhook, subscribeHandlers } from "./pipeline/subscriptions.ts"
import { type Facility, World } from "./pipeline/world.ts"
import { holds, timeoutOf } from "./property.ts"

const withinMs = 12_000
const maxCommands = 40

let database: TestDatabase
/** With enough connections for every session that pauses inside a transaction. */
let db: Db
let receiver: ScriptedReceiver
let time: MovableTime

beforeAll(async () => {
  database = await testDatabase()
  db = connect(database.url, { max: 40, applicationName: "slotbase test pipeline" })
  await db`create table effects (handler text not null, position bigint not null)`
  await mirrorEventTypes(db, "development")
  receiver = scriptedReceiver()
  time = movableTime()
})
afterAll(async () => {
  time.restore()
  await receiver.stop()
  await db.end()
  await database.drop()
})

test(
  "under commands in any order no work is lost or doubled, and the order is kept",
  () => holds(fc.commands(commands, { maxCommands, size: "max" }), kept, { numRuns: 25, withinMs }),
  timeoutOf(withinMs),
)

async function kept(chosen: Iterable<fc.AsyncCommand<Model, World>>): Promise<void> {
  const world = await aWorld()
  try {
    await fc.asyncModelRun(async () => ({ model: world.model, real: world }), chosen)
    await world.drain()
    await expectFinished(world)
    await reprocessAll(world)
    await world.drain()
    await expectFinished(world)
  } finally {
    await world.end()
  }
}

async function expectFinished(world: World): Promise<void> {
  const found = [...finalDifferences(world.model, await world.check())]
  if (found.length > 0) throw new Error(found.join("\n"))
}

/**
 * Two processes and two new facilities, each with a webhook and every handler subscribed. All cases share one database:
 * the log of a case begins where the last one ended.
 */
async function aWorld(): Promise<World> {
  const [row] = await db<[{ base: number }]>`
    select coalesce(max(position), 0) as base from slotbase.event_positions`
  const facilities = [await aFacilityWithCourts(), await aFacilityWithCourts()]
  const model = new Model(row.base)
  receiver.model = model
  const world = new World({ db, time, receiver, facilities }, model)
  await world.start()
  await world.start()
  const every = [...eventTypes]
  await subscribeHandlers(world, {
    AnalyticsHandler: every,
    CacheInvalidationHandler: every,
    NotificationHandler: every,
    PaymentHandler: every,
  })
  for (const at of [0, 1]) await makeWebhook(world, at, { types: every, filter: "none" }, 1, false)
  return world
}

async function aFacilityWithCourts(): Promise<Facility> {
  const { id } = await aFacility(db)
  const [court, other] = [await aResource(db, id), await aResource(db, id, { name: "Court 2" })]
  return { id, courts: [court.id, other.id], bookings: Array.from({ length: 3 }, newId) }
}
