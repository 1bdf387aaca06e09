// pg-boss on our driver: it starts, keeps its schedules, runs a pass per job, retries one that crashes, and stops.

import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import { type Actor, prepareActor } from "#actors/runtime/actor.ts"
import { type Boss, startBoss } from "#actors/runtime/boss.ts"
import type { Db } from "#base/database/db.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db
let told: ReturnType<typeof spyOn<Console, "error">>

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  told = spyOn(console, "error").mockImplementation(() => {})
})

afterAll(async () => {
  told.mockRestore()
  await database.drop()
})

test("an actor has a queue and a schedule of its own name, and is called once at the start", async () => {
  let passes = 0
  const { boss, errors } = await serve("housekeeping", async () => {
    passes += 1
    return { more: false }
  })
  await eventually(async () => expect(await states("housekeeping")).toEqual(["completed"]))
  expect(passes).toBe(1)
  const schedules = await db`select name, cron, timezone from pgboss.schedule where name = 'housekeeping'`
  expect([...schedules] as object[]).toEqual([{ name: "housekeeping", cron: "17 * * * *", timezone: "UTC" }])
  const [queue] = await db`
    select policy, retry_limit, retry_delay, dead_letter from pgboss.queue where name = 'housekeeping'`
  expect(queue as object).toEqual({ policy: "short", retry_limit: 2, retry_delay: 5, dead_letter: "dead-passes" })
  await boss.stop(2_000)
  expect(errors).toEqual([])
}, 20_000)

test("after any number of missed ticks, one job waits", async () => {
  const { boss } = await serve("hold-expiration", async () => ({ more: false }))
  await eventually(async () => expect(await states("hold-expiration")).toEqual(["completed"]))
  await boss.stop(2_000)
  const again = await serve("hold-expiration", async () => ({ more: false }), { times: 3 })
  await again.boss.stop(2_000)
  const waiting = (await states("hold-expiration")).filter((state) => state === "created")
  expect(waiting.length).toBeLessThanOrEqual(1)
}, 20_000)

test("a pass that crashes is retried, and in the end is noted with its error, told once, and recovers with the next", async () => {
  let passes = 0
  let isBroken = true
  const { boss } = await serve("dispatcher", async () => {
    passes += 1
    if (isBroken) throw new Error("no such table")
    return { more: false }
  })
  for (let attempt = 1; attempt <= 3; attempt++) {
    await eventually(() => expect(passes).toBe(attempt))
    await eventually(async () => expect((await states("dispatcher"))[0]).toBe(attempt < 3 ? "retry" : "failed"))
    // The retry is due now, and not in five seconds.
    await db`update pgboss.job set start_after = now() where name = 'dispatcher' and state = 'retry'`
  }
  await eventually(async () => expect(await states("dead-passes")).toEqual(["completed"]))
  const [dead] = await db`
    select output ->> 'message' as message from pgboss.job where name = 'dispatcher' and state = 'failed'`
  expect(dead?.message).toContain("no such table")
  const open = () => db`select actor, error from slotbase.dead_passes where recovered_at is null`
  expect([...(await open())] as object[]).toEqual([{ actor: "dispatcher", error: "no such table" }])
  expect(told.mock.calls.map(([line]) => JSON.parse(line)).filter(({ message }) => message === "dead pass")).toEqual([
    expect.objectContaining({ level: "error", actor: "dispatcher", error: "no such table" }),
  ])
  expect((await db`select slotbase.recover_dead_passes() as count`)[0]?.count).toBe(0)
  isBroken = false
  await db`insert into pgboss.job (name, policy) values ('dispatcher', 'short')`
  await eventually(async () => expect((await db`select slotbase.recover_dead_passes() as count`)[0]?.count).toBe(1))
  expect(await open()).toHaveLength(0)
  await boss.stop(2_000)
}, 30_000)

test("a stop waits for the pass under way, and then leaves nothing behind", async () => {
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const steps: string[] = []
  const { boss } = await serve("late", async () => {
    begun.resolve()
    await end.promise
    steps.push("settled")
    return { more: false }
  })
  await begun.promise
  const stopped = boss.stop(5_000).then(() => steps.push("stopped"))
  end.resolve()
  await stopped
  expect(steps).toEqual(["settled", "stopped"])
  expect(await states("late")).toEqual(["completed"])
}, 20_000)

test("a tick of the cron is one pass in two processes together", async () => {
  let passes = 0
  const pass = async () => {
    passes += 1
    return { more: false }
  }
  const both = [
    await serve("ticking", pass, { cron: "* * * * *" }),
    await serve("ticking", pass, { cron: "* * * * *" }),
  ]
  const ticks = () => db<{ slot: Date }[]>`
    select singleton_on as slot from pgboss.job
    where name = '__pgboss__send-it' and data ->> 'name' = 'ticking' and state = 'completed'`
  await eventually(async () => expect(await ticks()).not.toHaveLength(0), { withinMs: 15_000 })
  for (let looks = 0; looks < 2; looks++) await nextLook()
  await eventually(async () => expect(new Set(await states("ticking"))).toEqual(new Set(["completed"])))
  const slots = (await ticks()).map(({ slot }) => slot.getTime())
  expect(new Set(slots).size).toBe(slots.length)
  const jobs = await states("ticking")
  expect(passes).toBe(jobs.length)
  // Beside the ticks, the processes have sent a job at their start, which may be one for both.
  expect([slots.length + 1, slots.length + 2]).toContain(jobs.length)
  await Promise.all(both.map(({ boss }) => boss.stop(2_000)))
}, 60_000)

/** Waits until a process has looked for ticks once more. */
async function nextLook(): Promise<void> {
  const look = async () => (await db<[{ at: string }]>`select cron_on::text as at from pgboss.version`)[0].at
  const before = await look()
  await eventually(async () => expect(await look()).not.toBe(before), { withinMs: 15_000 })
}

async function serve(
  name: string,
  pass: Actor["pass"],
  { times = 1, cron = "17 * * * *" } = {},
): Promise<{ boss: Boss; errors: string[] }> {
  const errors: string[] = []
  const boss = await startBoss(database.url, (error) => errors.push(error.message))
  const running = prepareActor(
    { name, description: name, cron, deadlineMs: 60_000, pass },
    new AbortController().signal,
  )
  for (let time = 0; time < times; time++) await boss.serve([running])
  return { boss, errors }
}

async function states(queue: string): Promise<string[]> {
  const rows = await db<{ state: string }[]>`select state from pgboss.job where name = ${queue} order by created_on, id`
  return rows.map((row) => row.state)
}
