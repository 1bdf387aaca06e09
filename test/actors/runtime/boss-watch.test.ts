// The watcher of pg-boss: whatever becomes of its connections, its tables or its loops, it works again, or the process
// is told to end.

import { afterAll, afterEach, beforeAll, expect, jest, test } from "bun:test"
import { type Actor, prepareActor } from "#actors/runtime/actor.ts"
import { type Boss, type OnStatement, startBoss } from "#actors/runtime/boss.ts"
import { bossPart, superviseBoss, type WatchedBoss } from "#actors/runtime/boss-watch.ts"
import { parts } from "#base/parts.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const withinMs = 12_000
let database: TestDatabase
let watched: WatchedBoss | undefined
let opened: Boss[] = []
let passes = 0

beforeAll(async () => {
  database = await testDatabase()
})
afterEach(async () => {
  await watched?.stop(1_000)
  watched = undefined
})
afterAll(() => database.drop())

test("connections that were terminated, and a schema that was dropped, are made again", async () => {
  await start()
  await database.db`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'slotbase pg-boss'`
  await passesAgain()
  expect(parts.get(bossPart)).toMatchObject({ state: "well", restarts: 0 })

  await database.db`drop schema pgboss cascade`
  await eventually(() => expect(parts.get(bossPart)).toMatchObject({ state: "well", restarts: 1 }), { withinMs })
  await passesAgain()
  const [schedule] = await database.db`select name, cron from pgboss.schedule`
  expect(schedule as object).toEqual({ name: "watched", cron: "17 * * * *" })
}, 40_000)

test("a pg-boss that asks for nothing any more is started anew", async () => {
  await start()
  // Its loops end as they would after a defect: without a word.
  await opened[0]?.stop(1)
  await eventually(() => expect(parts.get(bossPart)).toMatchObject({ state: "well", restarts: 1 }), { withinMs })
  await passesAgain()
}, 40_000)

test("a pg-boss that no start heals is given up", async () => {
  let starts = 0
  jest.useFakeTimers()
  const boss: Boss = {
    serve: async () => {},
    stop: async () => {},
    abandon: async () => {
      starts++
    },
  }
  let tell = (_: Error) => {}
  let statement: OnStatement = () => {}
  const reports: string[] = []
  watched = await superviseBoss(
    async (onError, onStatement) => {
      tell = onError
      statement = onStatement
      return boss
    },
    (cause) => reports.push(cause),
    { lookEveryMs: 5, silentAtMostMs: 1_000_000, erringAtMostMs: 0, pauseMs: 1_000 },
  )
  let reason: Error | undefined
  void watched.failed.then((error) => {
    reason = error
  })
  while (reason === undefined) {
    statement(1)
    statement(-1)
    tell(new Error("no such table"))
    jest.advanceTimersByTime(5)
    await undefined
  }
  jest.useRealTimers()
  expect(reason.message).toBe("pg-boss fails again and again, and 5 starts did not help.")
  expect(starts).toBe(5)
  expect(parts.get(bossPart)).toMatchObject({ state: "ill", reason: "pg-boss does not heal." })
}, 20_000)

test("errors of a database that is away are one line, and no fault of pg-boss", async () => {
  let tell = (_: Error) => {}
  let starts = 0
  jest.useFakeTimers()
  const reports: string[] = []
  watched = await superviseBoss(
    async (onError) => {
      tell = onError
      return { serve: async () => {}, stop: async () => {}, abandon: async () => void starts++ }
    },
    (cause) => reports.push(cause),
    { lookEveryMs: 10, silentAtMostMs: 1_000_000, erringAtMostMs: 0, pauseMs: 1_000_000 },
  )
  // pg-boss tells of its errors in plain objects.
  const away = { message: "the database system is starting up", code: "57P03" } as unknown as Error
  for (let times = 0; times < 20; times++) {
    tell(away)
    jest.advanceTimersByTime(10)
  }
  jest.useRealTimers()
  expect(reports).toEqual(["the database system is starting up"])
  expect([parts.get(bossPart)?.state, starts]).toEqual(["well", 0])
})

async function start(): Promise<void> {
  opened = []
  watched = await superviseBoss(
    async (onError, onStatement) => {
      const boss = await startBoss(database.url, onError, onStatement)
      opened.push(boss)
      return boss
    },
    () => {},
    { lookEveryMs: 200, silentAtMostMs: 3_000, erringAtMostMs: 1_000, pauseMs: 3_000 },
  )
  await watched.serve([prepareActor(actor, new AbortController().signal)])
  await passesAgain()
}

const actor: Actor = {
  name: "watched",
  description: "counts",
  cron: "17 * * * *",
  deadlineMs: 10_000,
  pass: async () => {
    passes++
    return { more: false }
  },
}

/** A job that is sent now is done. */
async function passesAgain(): Promise<void> {
  const before = passes
  await eventually(
    async () => {
      await database.db`
        insert into pgboss.job (name, policy) select 'watched', 'short'
        where not exists (select from pgboss.job where name = 'watched' and state < 'active')`
      expect(passes).toBeGreaterThan(before)
    },
    { withinMs },
  )
}
