// Handlers together: one transaction for all, and the ways in which one leaves it without harm to the others.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { GiveUp, type OneByOneHandler, TryLater } from "#actors/handlers/handler.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { causedBy } from "#events/caused-by.ts"
import { record, setEventContext } from "#events/outbox.ts"
import {
  afterEachCommit,
  aGroup,
  anEffect,
  eachOnce,
  emptyJoint,
  jointHandlers,
  prepareJoint,
  queueEvents,
} from "#test/harness/pipeline/joint.ts"
import {
  actorProcess,
  endProcess,
  failure,
  pipelineApp,
  processRow,
  runsOf,
  sample,
  unbalanced,
} from "#test/harness/pipeline/pipeline.ts"
import { drain, statusCounts } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const names = jointHandlers
const [first, middle, last] = names
const never = new AbortController().signal

let database: TestDatabase
let db: Db
let owner: number
let olderOwner: number

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await prepareJoint(db)
})
beforeEach(async () => {
  await emptyJoint(db)
  owner = await processRow(db, true)
  olderOwner = await processRow(db, true)
})
afterAll(() => database.drop())

describe("together", () => {
  test("the effects of all handlers commit in one transaction, with one settlement", async () => {
    const { joint } = await theGroup()
    await queueEvents(db, 3)
    await joint.pass(never)
    expect(await transactionsOfEffects()).toBe(1)
    expect(await settledTogether()).toEqual(3)
    await eachOnce(db, 3)
  })

  test("a run that was skipped has its reason, and the others their success", async () => {
    const { joint } = await theGroup({ [middle]: async () => "closed" })
    await queueEvents(db, 2)
    await joint.pass(never)
    expect(await transactionsOfEffects()).toBe(1)
    expect(await runsOf(db, middle)).toMatchObject([{ status: "skipped", reason: "closed" }, { status: "skipped" }])
    expect(await statusCounts(db, last)).toEqual({ success: 2 })
    expect(await unbalanced(db)).toHaveLength(0)
  })

  test("an event that a handler records commits with the effects of all", async () => {
    const { joint } = await theGroup({
      [middle]: async (tx, event) => {
        setEventContext(tx, causedBy(event, "development"))
        record(tx, sample("booking.cancelled"))
      },
    })
    await queueEvents(db, 1)
    await joint.pass(never)
    const [row] = await db`
      select (select count(distinct xmin::text) from slotbase.events where type = 'booking.cancelled') as events,
             (select xmin::text from slotbase.events where type = 'booking.cancelled') = (select min(xmin::text) from effects) as same`
    expect(row).toEqual({ events: 1, same: true })
  })
})

describe("one handler that fails leaves, and costs the others no attempt", () => {
  const failures: [string, () => Parameters<typeof theGroup>[0]][] = [
    [
      "throws",
      () => ({
        [middle]: async () => {
          throw new Error("broken")
        },
      }),
    ],
    ["is refused by a constraint", () => ({ [middle]: (tx) => tx`insert into slots (name) values ('A')` })],
    [
      "asks for patience",
      () => ({
        [middle]: async () => {
          throw new TryLater("not yet", 60_000)
        },
      }),
    ],
  ]
  test.each(failures)("when it %s", async (_, more) => {
    const group = await theGroup(more())
    await queueEvents(db, 2)
    await group.joint.pass(never)
    expect(await transactionsOfEffects()).toBe(1)
    expect(await settledTogether()).toBe(2)
    await group.work()
    expect(await statusCounts(db, middle)).toEqual({ retrying: 2 })
    expect((await runsOf(db, middle)).map(({ attempts }) => attempts)).toEqual([1, 1])
    for (const name of [first, last]) expect(await runsOf(db, name)).toMatchObject(Array(2).fill(firstSuccess))
    expect(await unbalanced(db)).toHaveLength(0)
  })

  test("when it gives up, the run is a dead letter", async () => {
    const group = await theGroup({
      [middle]: async () => {
        throw new GiveUp("never")
      },
    })
    await queueEvents(db, 1)
    await group.work()
    expect(await statusCounts(db, middle)).toEqual({ dead_letter: 1 })
    for (const name of [first, last]) expect(await runsOf(db, name)).toMatchObject([firstSuccess])
  })

  test("when it violates a constraint at the commit, which names no handler, all work by themselves", async () => {
    const group = await theGroup({ [middle]: (tx) => tx`insert into unique_later values (1), (1)` })
    await queueEvents(db, 2)
    await group.work()
    expect(await statusCounts(db, middle)).toEqual({ retrying: 2 })
    for (const name of [first, last]) expect(await runsOf(db, name)).toMatchObject(Array(2).fill(firstSuccess))
    expect((await runsOf(db, middle)).map(({ attempts }) => attempts)).toEqual([1, 1])
    expect(await unbalanced(db)).toHaveLength(0)
  })

  test("when it loses a deadlock to a session of its own choice", async () => {
    const held = Promise.withResolvers<void>()
    const locked = Promise.withResolvers<void>()
    const rival = db.begin(async (tx) => {
      await tx`set local deadlock_timeout = '1min'`
      await tx`update slots set taken = taken + 1 where name = 'A'`
      locked.resolve()
      await held.promise
      await tx`update slots set taken = taken + 1 where name = 'B'`
    })
    await locked.promise
    const group = await theGroup({
      [first]: async (tx) => {
        await tx`set local deadlock_timeout = '20ms'`
        await tx`update slots set taken = taken + 1 where name = 'B'`
      },
      [middle]: async (tx) => {
        held.resolve()
        await tx`update slots set taken = taken + 1 where name = 'A'`
      },
    })
    await queueEvents(db, 1)
    await group.work()
    await rival
    await group.work()
    await eachOnce(db, 1)
    for (const name of names) expect(await runsOf(db, name)).toMatchObject([firstSuccess])
  })

  test("two failing handlers do not take the others with them", async () => {
    const broken = async () => {
      throw new Error("broken")
    }
    const group = await theGroup({ [first]: broken, [middle]: broken })
    await queueEvents(db, 2)
    await group.work()
    for (const name of [first, middle]) expect(await statusCounts(db, name)).toEqual({ retrying: 2 })
    expect(await runsOf(db, last)).toMatchObject(Array(2).fill(firstSuccess))
  })

  test("a connection that is lost in the middle counts as nothing", async () => {
    let lost = 0
    const group = await theGroup({
      [middle]: async (tx) => {
        if (lost++ === 0) await tx`select pg_terminate_backend(pg_backend_pid())`
      },
    })
    await queueEvents(db, 2)
    expect(await failure(group.joint.pass(never))).toBeInstanceOf(Error)
    await group.work()
    await eachOnce(db, 2)
    for (const name of names) expect(await runsOf(db, name)).toMatchObject(Array(2).fill(firstSuccess))
  })

  test("a commit whose answer is lost is not made again", async () => {
    const group = await aGroup(losingAnswers(db), owner, handlersOf({}))
    await queueEvents(db, 2)
    expect(await failure(group.joint.pass(never))).toMatchObject({ code: "CONNECTION_CLOSED" })
    expect(await settledTogether()).toBe(2)
    await group.work()
    await eachOnce(db, 2)
  })
})

test("a process that stops returns what a handler took along, without using up an attempt", async () => {
  const stopping = new AbortController()
  const group = await theGroup({
    [middle]: async () => {
      stopping.abort()
      throw new Error("broken")
    },
  })
  await queueEvents(db, 1)
  await group.joint.pass(stopping.signal)
  for (const actor of group.alone) await actor.drain?.()
  expect(await db`select handler, attempts, lost from slotbase.handler_queue order by handler`).toMatchObject(
    [first, last, middle].sort().map((handler) => ({ handler, attempts: 0, lost: 0 })),
  )
  expect(await db`select from slotbase.handler_claims where positions <> '{}'`).toHaveLength(0)
})

test("a handler that takes fewer events in a transaction takes larger claims along", async () => {
  const handlers = handlersOf({})
  const batches: number[] = []
  const group = await aGroup(db, owner, [
    ...handlers.filter(({ name }) => name !== middle),
    {
      kind: "transactional",
      name: middle,
      events: ["booking.confirmed"],
      atMost: 1,
      handleAll: async (tx, events) => {
        batches.push(events.length)
        await tx`insert into effects select ${middle}, unnest(${events.map((event) => event.position)}::bigint[])`
        return undefined
      },
    },
  ])
  await queueEvents(db, 1)
  await group.joint.pass(never)
  expect(await settledTogether()).toBe(1)
  await queueEvents(db, 3)
  await group.work()
  expect(batches).toEqual([1, 1, 1, 1])
  await eachOnce(db, 4)
})

test("an older program, whose handlers claim by themselves, shares the work with a process whose handlers work together", async () => {
  const { joint, work } = await theGroup()
  const older = handlersOf({}).map((handler) => runHandler(pipelineApp(db), handler, actorProcess(olderOwner)))
  for (let round = 0; round < 10; round++) {
    await queueEvents(db, 2)
    await Promise.all([joint.pass(never), ...older.map((actor) => actor.pass(never))])
  }
  await work()
  await eachOnce(db, 20)
  for (const name of names) expect(await runsOf(db, name)).toMatchObject(Array(20).fill(firstSuccess))
})

test("an older program rescues the runs of a process that died with a joint claim", async () => {
  const { joint } = await theGroup({
    [last]: async () => {
      await endProcess(db, owner)
      throw Object.assign(new Error("the process dies"), { code: "CONNECTION_CLOSED" })
    },
  })
  await queueEvents(db, 2)
  expect(await failure(joint.pass(never))).toBeInstanceOf(Error)
  for (const handler of handlersOf({})) await drain(runHandler(pipelineApp(db), handler, actorProcess(olderOwner)))
  await eachOnce(db, 2)
  for (const name of names) expect(await runsOf(db, name)).toMatchObject(Array(2).fill(firstSuccess))
})

const firstSuccess = { status: "success", attempts: 1 }

type More = Partial<Record<string, (tx: Tx, event: Parameters<OneByOneHandler["handle"]>[1]) => Promise<unknown>>>

const handlersOf = (more: More) => names.map((name) => anEffect(name, more[name]))

/** The three handlers, with what each does before its effect. They have caught up. */
const theGroup = (more: More = {}) => aGroup(db, owner, handlersOf(more))

/** A connection that is lost after each commit, before the answer. */
const losingAnswers = (on: Db): Db =>
  afterEachCommit(on, () => {
    throw Object.assign(new Error("the answer is lost"), { code: "CONNECTION_CLOSED" })
  })

async function transactionsOfEffects(): Promise<number> {
  const [row] = await db<[{ count: number }]>`select count(distinct xmin::text) from effects`
  return row.count
}

async function settledTogether(): Promise<number> {
  const [row] = await db<[{ count: number }]>`select count(*) from slotbase.joint_history`
  return row.count
}
