// A handler that holds up the transaction of all: the effects of the others come within a bound, and its own later.

import { afterAll, beforeAll, beforeEach, expect, spyOn, test } from "bun:test"
import { runHandlers } from "#actors/runs/run-handlers.ts"
import { runActors } from "#actors/runtime/tree.ts"
import type { Db } from "#base/database/db.ts"
import {
  aGroup,
  aLockHeld,
  anEffect,
  eachOnce,
  emptyJoint,
  holdUps,
  jointHandlers,
  prepareJoint,
  queueEvents,
} from "#test/harness/pipeline/joint.ts"
import { actorProcess, pipelineApp, processRow, runsOf } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const [first, middle, last] = jointHandlers
const never = new AbortController().signal
/** What a handler that holds the others up may cost them, milliseconds: see docs/guarantees.md. */
const boundMs = 1_000

let database: TestDatabase
let db: Db
let owner: number

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await prepareJoint(db)
})
beforeEach(async () => {
  await emptyJoint(db)
  owner = await processRow(db, true)
})
afterAll(() => database.drop())

test.each(Object.entries(holdUps))("a handler that %s costs the others no more than the bound", async (_, holdUp) => {
  let events = 0
  // It is quick until all handlers work together.
  const handlers = jointHandlers.map((name) =>
    anEffect(name, async (tx) => (name === middle && events > 1 ? await holdUp(tx).then(() => undefined) : undefined)),
  )
  const tree = runActors(
    runHandlers(pipelineApp(db), handlers, actorProcess(owner)).map((actor) => ({ ...actor, pollEveryMs: 50 })),
    () => {},
  )
  const queueOne = async () => {
    events++
    await queueEvents(db, 1)
  }
  try {
    await queueOne()
    await eventually(() => eachOnce(db, 1))
    const lock = await aLockHeld(db)
    await queueOne()
    const dispatchedAt = performance.now()
    await eventually(async () => {
      const [made] = await db`select count(*) from effects where handler <> ${middle} and position = 2`
      expect(made).toEqual({ count: 2 })
    })
    expect(performance.now() - dispatchedAt).toBeLessThan(boundMs)
    await lock.ended
    await eventually(() => eachOnce(db, 2))
    for (const name of [first, middle, last])
      expect(await runsOf(db, name)).toMatchObject(Array(2).fill({ status: "success", attempts: 1 }))
  } finally {
    await tree.stop()
    await tree.drain()
  }
})

test("it does so once in ten seconds at most, and comes back when it has caught up", async () => {
  let begun = 0
  const handlers = jointHandlers.map((name) =>
    anEffect(name, async (tx) => {
      if (name === middle && ++begun === 1) await holdUps.sleeps?.(tx)
    }),
  )
  const group = await aGroup(db, owner, handlers)
  await queueEvents(db, 1)
  await group.work()
  expect(begun).toBe(2)
  await queueEvents(db, 1)
  await group.joint.pass(never)
  expect(begun).toBe(2)
  await group.work()
  const now = performance.now
  const later = spyOn(performance, "now").mockImplementation(() => now.call(performance) + 10_000)
  await group.work()
  await queueEvents(db, 1)
  await group.joint.pass(never)
  later.mockRestore()
  expect(begun).toBe(4)
  await eachOnce(db, 3)
})
