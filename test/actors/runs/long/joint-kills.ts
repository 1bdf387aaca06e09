// Processes whose handlers work together are killed at each step of the joint transaction, while one handler fails in
// one way or another. Each effect is made once, and the other handlers lose no attempt.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import type { CrashPoint } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import {
  aGroup,
  anEffect,
  eachOnce,
  emptyJoint,
  jointHandlers,
  prepareJoint,
  queueEvents,
} from "#test/harness/pipeline/joint.ts"
import { dispatchAll, processRow, recordMany, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const [, failing] = jointHandlers
const eventsPerKill = 2

let database: TestDatabase
let db: Db
let events = 0

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await prepareJoint(db)
  await emptyJoint(db)
})
afterAll(() => database.drop())

const oneComes = "not at all, while one more comes"
const kills: readonly (readonly [way: string, point: CrashPoint, nth: number])[] = [
  ["not at all", "runs-claimed", 1],
  ["not at all", "effect-begun", 1],
  ["not at all", "effect-made", 1],
  ["not at all", "joint-part-made", 1],
  ["not at all", "effect-begun", 4],
  ["not at all", "joint-part-made", 3],
  ["not at all", "before-commit", 1],
  ["not at all", "runs-committed", 1],
  // Its settlement claims what came meanwhile.
  [oneComes, "before-commit", 2],
  [oneComes, "runs-committed", 1],
  [oneComes, "runs-claimed", 2],
  [oneComes, "joint-part-made", 4],
  [oneComes, "before-commit", 3],
  [oneComes, "runs-committed", 2],
  ["by throwing", "effect-begun", 3],
  ["by throwing", "joint-part-left", 1],
  ["by throwing", "joint-part-made", 3],
  ["by throwing", "runs-committed", 1],
  ["by throwing", "run-failed", 1],
  ["by throwing", "failure-settled", 1],
  ["at the commit", "before-commit", 1],
  ["at the commit", "runs-committed", 1],
  ["at the commit", "run-failed", 1],
  ["by a deadlock", "joint-part-left", 1],
  ["by a deadlock", "runs-committed", 1],
]

test.each(kills)(
  "where a handler fails %s, a process is killed at %s, passing %i: each effect is made once",
  async (way, point, nth) => {
    const dying = await start(way, point, `${nth}`)
    await queueEvents(db, eventsPerKill)
    events += eventsPerKill + (way === oneComes ? 1 : 0)
    expect(await dying.exited).toBe(137)
    await expireProcesses()
    const heir = await aGroup(
      db,
      await processRow(db, true),
      jointHandlers.map((name) => anEffect(name)),
    )
    await eventually(async () => {
      await db`update slotbase.handler_queue set ready_at = slotbase.now() where ready_at is not null`
      await heir.work()
      expect(await db`select from slotbase.unfinished_runs`).toHaveLength(0)
    })
    await eachOnce(db, events)
    const tried = await db`select handler, status, attempts from slotbase.handler_runs where attempts > 1`
    expect(tried.filter(({ handler }) => handler !== failing)).toHaveLength(0)
    expect(tried.filter(({ attempts }) => attempts > 2)).toHaveLength(0)
  },
  60_000,
)

test("an event that kills each process ends as a dead letter of each handler, and its neighbours lose no attempt", async () => {
  await emptyJoint(db)
  const [before = "", poison = "", after = ""] = await recordMany(db, 3)
  let deaths = 0
  for (;;) {
    const dying = await start("not at all", "effect-begun", "1", poison)
    await dispatchAll(db)
    const ended = await Promise.race([dying.exited, lettersOf(poison)])
    if (ended === jointHandlers.length) dying.kill("SIGKILL")
    await dying.exited
    await expireProcesses()
    if (ended === jointHandlers.length) break
    expect(ended).toBe(137)
    deaths++
  }
  expect(deaths).toBeLessThanOrEqual(mostDeaths)
  const heir = await aGroup(
    db,
    await processRow(db, true),
    jointHandlers.map((name) => anEffect(name)),
  )
  await eventually(async () => {
    await heir.work()
    expect(await db`select from slotbase.unfinished_runs`).toHaveLength(0)
  })
  const runs = await db<{ event_id: string; status: string; attempts: number }[]>`
    select event_id, status, attempts from slotbase.handler_runs`
  const neighbours = runs.filter(({ event_id }) => event_id === before || event_id === after)
  expect(neighbours.map(({ status, attempts }) => [status, attempts])).toEqual(Array(6).fill(["success", 1]))
  expect(runs.filter(({ event_id }) => event_id === poison).map(({ status }) => status)).toEqual(
    Array(3).fill("dead_letter"),
  )
  expect(await unbalanced(db)).toHaveLength(0)
}, 240_000)

/** One of all handlers together, then of each handler one in a batch of its own, and four in quarantine. */
const mostDeaths = 1 + 5 * jointHandlers.length

/** Resolves with the number of handlers when the event is a dead letter of each. */
const lettersOf = (event: string) =>
  eventually(
    async () => {
      const letters = await db`select from slotbase.dead_letters where event_id = ${event}`
      expect(letters).toHaveLength(jointHandlers.length)
      return letters.length
    },
    { withinMs: 60_000 },
  ).catch(() => 0)

/** Starts a process that will die, and waits until it has caught up with the log. */
async function start(...args: readonly string[]) {
  const dying = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../../../harness/pipeline/run-joint.ts"), database.url, ...args],
    { stdout: "pipe", stderr: "inherit" },
  )
  // A process that is killed before it has caught up says nothing.
  for await (const said of dying.stdout) if (new TextDecoder().decode(said).includes("ready")) break
  return dying
}

const expireProcesses = () =>
  db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms' where pid <> 0`
