// A settlement of several handlers that comes late: it claims what came meanwhile, in its own transaction, or nothing.

import { afterAll, beforeAll, beforeEach, expect, spyOn, test } from "bun:test"
import { TryLater } from "#actors/handlers/handler.ts"
import type { Db } from "#base/database/db.ts"
import {
  aGroup,
  anEffect,
  around,
  eachOnce,
  emptyJoint,
  jointHandlers,
  oneComes,
  prepareJoint,
  queueEvents,
} from "#test/harness/pipeline/joint.ts"
import { failure, processRow, runsOf, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { statusCounts } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const [first, middle, last] = jointHandlers
const never = new AbortController().signal
const firstSuccess = { status: "success", attempts: 1 }

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

test("what came meanwhile is claimed by the settlement, so the next effects need no other claim", async () => {
  const { counted, claims } = countingClaims()
  const { joint } = await aGroup(around(counted, oneComes(db)), owner, handlersOf())
  await queueEvents(db, 2)
  await joint.pass(never)
  expect(await transactionsOfEffects()).toBe(2)
  expect(claims()).toBe(1)
  await eachOnce(db, 3)
})

test("a settlement that comes early claims nothing: the next claim is for what has gathered until then", async () => {
  const { joint } = await theGroup()
  const now = spyOn(performance, "now").mockReturnValue(performance.now())
  await queueEvents(db, 1)
  await joint.pass(never)
  now.mockRestore()
  expect(await settledTogether()).toBe(1)
  await joint.pass(never)
  await eachOnce(db, 2)
})

test("nothing is claimed when the commit is refused", async () => {
  const group = await theGroup({
    [middle]: async (tx, event) => {
      if (event.position === 1) await tx`insert into unique_later values (1), (1)`
    },
  })
  await queueEvents(db, 1)
  await group.joint.pass(never)
  const claims = await db`select handler, positions from slotbase.handler_claims order by handler`
  expect(claims).toMatchObject([first, last, middle].sort().map((handler) => ({ handler, positions: [1] })))
  expect(await db`select from slotbase.handler_cursors where next <> 2`).toHaveLength(0)
  await group.work()
  expect(await statusCounts(db, middle)).toEqual({ retrying: 1, success: 1 })
  for (const name of [first, last]) expect(await runsOf(db, name)).toMatchObject(Array(2).fill(firstSuccess))
  expect(await unbalanced(db)).toHaveLength(0)
})

test("nothing is claimed for a handler that has left", async () => {
  const group = await theGroup({
    [middle]: async () => {
      throw new TryLater("not yet", 60_000)
    },
  })
  await queueEvents(db, 1)
  await group.joint.pass(never)
  expect(await statusCounts(db, first)).toEqual({ success: 2 })
  expect(await statusCounts(db, middle)).toEqual({ running: 1, pending: 1 })
})

test("nothing is claimed when the process stops", async () => {
  const stopping = new AbortController()
  const { joint } = await theGroup({ [middle]: async () => stopping.abort() })
  await queueEvents(db, 1)
  await joint.pass(stopping.signal)
  expect(await settledTogether()).toBe(1)
  expect(await db`select from slotbase.handler_claims`).toHaveLength(0)
})

test("what was claimed is returned when the process stops just then", async () => {
  const stopping = new AbortController()
  const group = await aGroup(
    around(db, oneComes(db), () => stopping.abort()),
    owner,
    handlersOf(),
  )
  await queueEvents(db, 1)
  await group.joint.pass(stopping.signal)
  for (const actor of group.alone) await actor.drain?.()
  expect(await db`select attempts, lost from slotbase.handler_queue where position = 2`).toMatchObject(
    Array(3).fill({ attempts: 0, lost: 0 }),
  )
  expect(await db`select from slotbase.handler_claims where positions <> '{}'`).toHaveLength(0)
})

test("the settlement waits for nobody who claims for one of the handlers", async () => {
  const [locked, free] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const comes = oneComes(db)
  let claiming: Promise<unknown> | undefined
  const before = async () => {
    await comes()
    claiming ??= db.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(hashtext('slotbase claim'), hashtext(${middle}))`
      locked.resolve()
      await free.promise
    })
    await locked.promise
  }
  const { joint, work } = await aGroup(around(db, before), owner, handlersOf())
  await queueEvents(db, 1)
  await joint.pass(never)
  free.resolve()
  await claiming
  expect(await settledTogether()).toBe(1)
  await work()
  await eachOnce(db, 2)
})

test("what was claimed is handled once when the answer to the commit is lost", async () => {
  const lost = around(db, oneComes(db), () => {
    throw Object.assign(new Error("the answer is lost"), { code: "CONNECTION_CLOSED" })
  })
  const group = await aGroup(lost, owner, handlersOf())
  await queueEvents(db, 1)
  expect(await failure(group.joint.pass(never))).toMatchObject({ code: "CONNECTION_CLOSED" })
  expect(await statusCounts(db, last)).toEqual({ success: 1, running: 1 })
  const heir = await aGroup(db, owner, handlersOf())
  await heir.work()
  await eachOnce(db, 2)
  for (const name of jointHandlers) expect(await runsOf(db, name)).toMatchObject(Array(2).fill(firstSuccess))
})

test("a pass goes on for a quarter of a second: then retries and returned runs have their turn", async () => {
  const { joint } = await aGroup(around(db, oneComes(db, 100)), owner, handlersOf())
  await queueEvents(db, 1)
  const pass = await joint.pass(never)
  expect(pass.more).toBe(false)
  const settled = await settledTogether()
  expect(settled).toBeGreaterThan(1)
  expect(settled).toBeLessThan(20)
  expect(await statusCounts(db, middle)).toEqual({ success: settled, pending: 1 })
})

type More = Partial<Record<string, Parameters<typeof anEffect>[1]>>

const handlersOf = (more: More = {}) => jointHandlers.map((name) => anEffect(name, more[name]))

/**
 * The three handlers, with what each does before its effect. They have caught up. One more event comes between their
 * claim and its transaction.
 */
const theGroup = (more: More = {}) => aGroup(around(db, oneComes(db)), owner, handlersOf(more))

/** Counts the claims that are statements of their own. */
function countingClaims() {
  let claims = 0
  const counted = new Proxy(db, {
    apply: (target, self, [text, ...values]) => {
      if (Array.isArray(text) && text.join("").includes("slotbase.claim_joint(")) claims++
      return Reflect.apply(target, self, [text, ...values])
    },
  })
  return { counted, claims: () => claims }
}

async function transactionsOfEffects(): Promise<number> {
  const [row] = await db<[{ count: number }]>`select count(distinct xmin::text) from effects`
  return row.count
}

async function settledTogether(): Promise<number> {
  const [row] = await db<[{ count: number }]>`select count(*) from slotbase.joint_history`
  return row.count
}
