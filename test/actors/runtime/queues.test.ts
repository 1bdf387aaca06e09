// The queues and schedules of pg-boss follow the program: an existing database gets the options of a new one.

import { afterEach, beforeEach, expect, spyOn, test } from "bun:test"
import { type Actor, prepareActor } from "#actors/runtime/actor.ts"
import { startBoss } from "#actors/runtime/boss.ts"
import type { Db } from "#base/database/db.ts"
import { processRow } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let told: ReturnType<typeof spyOn<Console, "error">>

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  told = spyOn(console, "error").mockImplementation(() => {})
})

afterEach(async () => {
  told.mockRestore()
  await database.drop()
})

/** The log lines of these messages. */
const said = (...messages: string[]): object[] =>
  told.mock.calls.map(([line]) => JSON.parse(line)).filter(({ message }) => messages.includes(message))

test("a queue of an older program gets the options of this one", async () => {
  await start(["housekeeping", "dispatcher"])
  const made = await queues()
  await db`update pgboss.queue set retry_limit = 9, retry_delay = 60, retry_backoff = true, retry_delay_max = 7,
             expire_seconds = 3, retention_seconds = 60, deletion_seconds = 60, dead_letter = null, heartbeat_seconds = 30
           where name = 'housekeeping'`
  await db`update pgboss.queue set retention_seconds = 60, retry_limit = 0 where name = 'dead-passes'`
  expect(await queues()).not.toEqual(made)
  await start(["housekeeping", "dispatcher"])
  expect(await queues()).toEqual(made)
}, 60_000)

test("a queue whose policy has changed is made anew, because pg-boss changes no policy", async () => {
  await start(["housekeeping"])
  const made = await queues()
  await db`update pgboss.queue set policy = 'standard' where name = 'housekeeping'`
  await start(["housekeeping"])
  expect(await queues()).toEqual(made)
  expect(said("queue made anew")).toEqual([expect.objectContaining({ queue: "housekeeping", policy: "short" })])
}, 60_000)

test("the queue of dead passes keeps its policy when it cannot be made anew, and still gets its options", async () => {
  await start(["housekeeping"])
  const made = await queues()
  await db`update pgboss.queue set policy = 'short', retry_limit = 0 where name = 'dead-passes'`
  await start(["housekeeping"])
  expect(await queues()).toEqual(
    made.map((queue) => (queue.name === "dead-passes" ? { ...queue, policy: "short" } : queue)),
  )
  expect(said("queue not deleted")).toHaveLength(1)
}, 60_000)

test("the schedule and the queue of an actor that is no more are removed, and those of pg-boss stay", async () => {
  await start(["housekeeping", "forgotten-job"])
  const before = await db`select name from pgboss.queue where name like '\\_\\_pgboss%'`
  await start(["housekeeping"])
  expect((await queues()).map(({ name }) => name)).toEqual(["dead-passes", "housekeeping"])
  const schedules = await db`select name from pgboss.schedule`
  expect(schedules.map(({ name }) => name)).toEqual(["housekeeping"])
  expect(await db`select name from pgboss.queue where name like '\\_\\_pgboss%'`).toHaveLength(before.length)
  expect(said("schedule removed", "queue removed")).toEqual([
    expect.objectContaining({ message: "schedule removed", queue: "forgotten-job" }),
    expect.objectContaining({ message: "queue removed", queue: "forgotten-job" }),
  ])
}, 60_000)

test("while a process of another version lives, its queues and schedules stay", async () => {
  await start(["housekeeping", "job-of-the-other-version"])
  const other = await processRow(db, true)
  await start(["housekeeping"])
  const names = ["dead-passes", "housekeeping", "job-of-the-other-version"]
  expect((await queues()).map(({ name }) => name)).toEqual(names)
  expect(await db`select name from pgboss.schedule order by name`).toHaveLength(2)
  await db`update slotbase.processes set alive_until = clock_timestamp() where id = ${other}`
  await start(["housekeeping"])
  expect((await queues()).map(({ name }) => name)).toEqual(names.slice(0, 2))
}, 60_000)

interface Queue {
  readonly name: string
  readonly policy: string
}

const queues = async (): Promise<Queue[]> =>
  (
    await db<Queue[]>`
      select name, policy, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds, retention_seconds,
             deletion_seconds, dead_letter, heartbeat_seconds, notify
      from pgboss.queue where name not like '\\_\\_pgboss%' order by name`
  ).map((row) => ({ ...row }))

/** Starts a program with these actors, and stops it. */
async function start(names: readonly string[]): Promise<void> {
  const boss = await startBoss(database.url, () => {})
  const pass: Actor["pass"] = async () => ({ more: false })
  const actors = names.map((name): Actor => ({ name, description: name, cron: "17 * * * *", deadlineMs: 60_000, pass }))
  await boss.serve(actors.map((actor) => prepareActor(actor, new AbortController().signal)))
  await boss.stop(2_000)
}
