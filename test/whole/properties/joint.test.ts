// Handlers together, in random interleavings: processes of this program and of an older one, which claims for each
// handler by itself. Handlers fail, skip, or have their transaction refused at the commit. Processes die at a random
// point of a transaction, and others take their runs over. In the end each run has its one end, with its own attempts.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import type { HandledEvent, OneByOneHandler } from "#actors/handlers/handler.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { runHandlers } from "#actors/runs/run-handlers.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import type { Db } from "#base/database/db.ts"
import { emptyJoint, jointHandlers, prepareJoint, queueEvents } from "#test/harness/pipeline/joint.ts"
import { actorProcess, endProcess, pipelineApp, processRow, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { holds, timeoutOf } from "./property.ts"

const processes = 3
const withinMs = 8_000
/** A third death with the same run would be one in quarantine, which counts as an attempt. */
const mostDeaths = 2
const never = new AbortController().signal

/** What a handler does with an event: by the event's position, so it is the same in every process. */
const fate = fc.constantFrom("success", "success", "success", "skip", "throw once", "refuse at the commit once")
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: fc.constant("queue" as const), count: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constant("work" as const),
      by: fc.uniqueArray(fc.nat(processes - 1), { minLength: 1 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant("die" as const), by: fc.nat(processes - 1), after: fc.nat(30) }),
  },
)
const course = fc.record({
  fates: fc.array(fc.tuple(fate, fate, fate), { minLength: 20, maxLength: 20 }),
  steps: fc.array(step, { minLength: 3, maxLength: 25 }),
  /** The last process is of the older program. */
  older: fc.boolean(),
})
type Course = typeof course extends fc.Arbitrary<infer T> ? T : never

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await prepareJoint(db)
})
afterAll(() => database.drop())

test(
  "each run ends once, with the attempts that were its own, whoever worked on it",
  () => holds(course, follow, { numRuns: 12, withinMs }),
  timeoutOf(withinMs),
)

async function follow({ fates, steps, older }: Course): Promise<void> {
  await emptyJoint(db)
  /** The runs whose first attempt has failed. */
  const failed = new Set<string>()
  const begin = () =>
    Promise.all(Array.from({ length: processes }, (_, nth) => aProcess(older && nth === processes - 1)))
  const fateOf = (handler: string, position: number) =>
    fates[position % fates.length]?.[jointHandlers.indexOf(handler as (typeof jointHandlers)[number])] ?? "success"

  async function aProcess(isOlder: boolean): Promise<Process> {
    const owner = await processRow(db, true)
    const dying = { after: Number.POSITIVE_INFINITY }
    const handlers = jointHandlers.map((name) => aHandler(name, dying))
    const self = actorProcess(owner)
    const actors = isOlder
      ? handlers.map((handler) => runHandler(pipelineApp(db), handler, self))
      : runHandlers(pipelineApp(db), handlers, self)
    return { owner, dying, actors, isOlder }
  }

  const aHandler = (name: string, dying: { after: number }): OneByOneHandler => ({
    kind: "transactional",
    name,
    events: ["booking.confirmed"],
    async handle(tx, event: HandledEvent) {
      if (dying.after-- <= 0) throw Object.assign(new Error("the process dies"), { code: "CONNECTION_CLOSED" })
      await tx`insert into effects (handler, position) values (${name}, ${event.position})`
      const what = fateOf(name, event.position)
      const key = `${name} ${event.position}`
      if (what === "skip") return { skipped: "not for me" }
      const [{ tried }] = await db<[{ tried: boolean }]>`
        select exists (select from slotbase.handler_queue
                       where handler = ${name} and position = ${event.position} and attempts > 0) as tried`
      if (tried) return undefined
      if (what === "throw once") {
        failed.add(key)
        throw new Error("broken")
      }
      if (what === "refuse at the commit once") {
        failed.add(key)
        await tx`insert into unique_later values (1), (1)`
      }
      return undefined
    },
  })

  const all = [...(await begin())]
  let [events, deaths] = [0, 0]
  for (const one of steps) {
    if (one.what === "queue") {
      await queueEvents(db, one.count)
      events += one.count
    } else if (one.what === "work") {
      await Promise.all(one.by.map((nth) => work(all[nth] as Process)))
    } else if (++deaths <= mostDeaths) {
      const process = all[one.by] as Process
      process.dying.after = one.after
      await work(process)
      await endProcess(db, process.owner)
      all[one.by] = await aProcess(process.isOlder)
    }
  }
  for (let round = 0; round < 20; round++) {
    await db`update slotbase.handler_queue set ready_at = slotbase.now() where ready_at is not null`
    // The old ones of each pair may hold what they did not settle, and look for others only once a second.
    for (const process of await begin()) await work(process)
    for (const process of all) await work(process)
    if ((await db`select from slotbase.unfinished_runs limit 1`).count === 0) break
  }
  await judge(events, failed, fateOf)
}

interface Process {
  readonly owner: number
  readonly dying: { after: number }
  readonly actors: readonly Actor[]
  readonly isOlder: boolean
}

/** All its actors at once, until none has more. A pass may fail; its work goes on in the next one. */
async function work({ actors }: Process): Promise<void> {
  await Promise.all(
    actors.map(async (actor) => {
      for (let passes = 0; passes < 50; passes++) {
        const pass = await actor.pass(never).catch(() => ({ more: true }))
        if (!pass.more) return
      }
    }),
  )
}

async function judge(
  events: number,
  failed: ReadonlySet<string>,
  fateOf: (handler: string, position: number) => string,
): Promise<void> {
  expect(await db`select * from slotbase.unfinished_runs`).toHaveLength(0)
  expect(await unbalanced(db)).toHaveLength(0)
  const runs = await db<{ handler: string; position: number; status: string; attempts: number }[]>`
    select handler, position, status, attempts from slotbase.handler_runs`
  expect(runs.length).toBe(jointHandlers.length * events)
  const wrong = runs.filter(({ handler, position, status, attempts }) => {
    const skips = fateOf(handler, position) === "skip"
    const tries = failed.has(`${handler} ${position}`) ? 2 : 1
    return status !== (skips ? "skipped" : "success") || attempts !== tries
  })
  expect(wrong).toEqual([])
  const [made] = await db`select count(*) as effects from effects`
  expect(made?.effects).toBe(jointHandlers.length * events)
}
