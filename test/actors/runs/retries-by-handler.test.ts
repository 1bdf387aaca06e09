// The retries of every handler, as RETRY_CONFIG has them: the exact instant of each attempt, seen with a clock that
// stands still. Handlers have no jitter. Then the dead letter says what to do, and its reprocessing works.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Handler } from "#actors/handlers/handler.ts"
import { handlersOf, mirrorHandlers } from "#actors/handlers/index.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { operator } from "#cli/operator.ts"
import { record } from "#events/outbox.ts"
import type { ExtensionHandler } from "#hooks/extension.ts"
import { listDeadLetters, reprocess } from "#operations/dead-letters/dead-letters.ts"
import { run } from "#test/harness/club/club.ts"
import { dispatchAll, pipelineApp, processRow, runsOf, sample } from "#test/harness/pipeline/pipeline.ts"
import { actorOf } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let owner: number
let handlers: readonly Handler[]

const own: ExtensionHandler = {
  name: "GateHandler",
  events: ["booking.confirmed"],
  retry: { maxRetries: 4, delayMs: 500, maxDelayMs: 3_000, backoffMultiplier: 3 },
  handle: async () => {},
}
const never: ExtensionHandler = { ...own, name: "OnceHandler", retry: { maxRetries: 0 } }
const lamp = { point: "after:booking.confirmed", name: "lamp", run: async () => {} } as const

/** Seconds from the first attempt. A handler that is not named has the defaults: 3 retries after 1, 2 and 4 s. */
const defaults = [0, 1, 3, 7]
const instants: Readonly<Record<string, readonly number[]>> = {
  NotificationHandler: [0, 1, 3, 7, 15, 31],
  GateHandler: [0, 0.5, 2, 5, 8],
  OnceHandler: [0],
}

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  handlers = handlersOf({ ...pipelineApp(db), hooks: [lamp], ownHandlers: [own, never] })
  owner = await processRow(db, true)
  // A clock that stands still, and moves only by its shift.
  await db.begin(async (tx) => {
    const [clock] = await tx<[{ now: string }]>`select date_trunc('second', clock_timestamp())::text as now`
    await tx.unsafe(
      `create or replace function slotbase.now() returns timestamptz language sql volatile as $$ select '${clock.now}'::timestamptz + shift from slotbase.clock $$`,
    )
  })
})
afterAll(() => database.drop())

const names = handlersOf({ ...pipelineApp({} as Db), hooks: [lamp], ownHandlers: [own, never] }).map(({ name }) => name)
const nowMs = async () => {
  const [row] = await db<[{ ms: number }]>`select round(extract(epoch from slotbase.now()) * 1000)::float8 as ms`
  return row.ms
}
const moveMs = (ms: number) => db`select slotbase.move_clock(${ms} * interval '1 ms')`

/** The handler with other work. */
const working = ({ kind, name, events, retry }: Handler, work: () => void): Handler =>
  ({
    ...{ kind, name, events, ...(retry && { retry }) },
    handle: async () => work(),
  }) as unknown as Handler

describe.each(names)("%s", (name) => {
  test("is tried at these instants, and then is a dead letter that says what to do, and can be reprocessed", async () => {
    const handler = handlers.find((each) => each.name === name) as Handler
    await mirrorHandlers(db, [handler])
    const [type = "booking.confirmed"] = handler.events
    await run(db, async (tx) =>
      record(tx, sample(type, "bookingId" in sample(type).data ? { bookingId: newId() } : {})),
    )
    await dispatchAll(db)
    const attempts: number[] = []
    const pass = async (work: () => void) => {
      await actorOf(db, owner, working(handler, work)).pass(new AbortController().signal)
    }
    const first = await nowMs()
    const fail = () => {
      attempts.push(0)
      throw new Error("the far end is away")
    }
    const expected = instants[name] ?? defaults
    for (const [nth, at] of expected.entries()) {
      const early = first + at * 1_000 - (await nowMs()) - 1
      if (nth > 0) {
        await moveMs(early)
        await pass(fail)
        expect(attempts).toHaveLength(nth)
        await moveMs(1)
      }
      await pass(fail)
      expect(attempts).toHaveLength(nth + 1)
      expect(await nowMs()).toBe(first + at * 1_000)
    }
    const [dead] = (await runsOf(db, name)).toReversed()
    expect(dead).toMatchObject({ status: "dead_letter", attempts: expected.length, error: "the far end is away" })
    const { data } = await listDeadLetters(db, { handler: name, resolved: false, limit: 10 })
    expect(data).toHaveLength(1)
    const [letter] = data
    expect(letter?.errors.map(({ nextRetryAt }) => nextRetryAt && (Date.parse(nextRetryAt) - first) / 1_000)).toEqual([
      ...expected.slice(1),
      undefined,
    ] as never)
    expect(letter?.action).toContain("reprocess")
    await run(db, (tx) => reprocess(tx, operator, letter?.id ?? ""))
    await pass(() => {})
    expect((await runsOf(db, name)).toReversed()[0]).toMatchObject({ status: "success" })
  })
})
