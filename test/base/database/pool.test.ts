// Deadlines against backends that are really frozen (SIGSTOP), as a stalled disk or a lost machine would freeze them.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { connect, type Db } from "#base/database/db.ts"
import { QueryTimedOut } from "#base/database/errors.ts"
import type { ConnectOptions } from "#base/database/pool.ts"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
const frozen: number[] = []
const opened: Db[] = []
let swaps: string[] = []

beforeAll(async () => {
  database = await emptyDatabase()
  await database.db`create table written (who text)`
})

afterEach(async () => {
  for (const pid of frozen.splice(0)) process.kill(pid, "SIGCONT")
  await Promise.all(opened.splice(0).map((db) => db.end()))
  await database.db`truncate written`
  swaps = []
})

afterAll(() => database.drop())

test("a query on a frozen backend frees its caller at the deadline, and the next one is answered at once", async () => {
  const db = open({ queryDeadlineMs: 300 })
  await freeze(db, 4)
  const startedAt = performance.now()
  const error = await failure(db`select 1`)
  const freedAfterMs = performance.now() - startedAt
  expect([error._tag, error.what, error.sent]).toEqual(["QueryTimedOut", "query", true])
  expect(freedAfterMs).toBeGreaterThanOrEqual(299)

  expect(await numbers(db)).toEqual([1])
  expect(swaps).toEqual(["no answer to the query within 300 ms; its outcome is unknown"])
})

test("callers beside the frozen ones keep their answers, and one swap serves every waiting caller", async () => {
  const db = open({ queryDeadlineMs: 400 })
  await freeze(db, 2)
  const calls = await Promise.allSettled(Array.from({ length: 12 }, () => db`select 1`))
  const answered = calls.filter((call) => call.status === "fulfilled")
  expect(answered.length).toBeGreaterThan(0)
  expect(answered.length).toBeLessThan(12)
  expect(swaps).toHaveLength(1)
})

test("a transaction that exceeds its deadline frees its caller and never commits afterwards", async () => {
  const db = open({ transactionDeadlineMs: 200 })
  const resume = Promise.withResolvers<void>()
  const late = Promise.withResolvers<unknown>()
  const error = await failure(
    db.begin(async (tx) => {
      await tx`insert into written values ('early')`
      await resume.promise
      late.resolve(await tx`insert into written values ('late')`.catch((refused: unknown) => refused))
    }),
  )
  expect([error.what, error.sent]).toEqual(["transaction", true])
  resume.resolve()
  expect(await late.promise).toBe(error)
  await eventually(async () => expect(await openTransactions()).toBe(0))
  expect([...(await database.db`select who from written`)]).toEqual([])
})

test("a transaction whose statement is frozen ends with that statement's deadline", async () => {
  const db = open({ queryDeadlineMs: 200, transactionDeadlineMs: 10_000 })
  const error = await failure(
    db.begin(async (tx) => {
      await tx`insert into written values ('early')`
      const [backend] = await tx<[{ pid: number }]>`select pg_backend_pid() as pid`
      stop(backend.pid)
      await tx`insert into written values ('frozen')`
    }),
  )
  expect([error.what, error.sent]).toEqual(["query", true])
  expect(await numbers(db)).toEqual([1])
  for (const pid of frozen.splice(0)) process.kill(pid, "SIGCONT")
  await eventually(async () => expect(await openTransactions()).toBe(0))
  expect([...(await database.db`select who from written`)]).toEqual([])
})

test("a query that only waited for a busy connection fails as not sent, and the pool stays", async () => {
  const db = open({ max: 1, queryDeadlineMs: 200, transactionDeadlineMs: 10_000 })
  const entered = Promise.withResolvers<void>()
  const leave = Promise.withResolvers<void>()
  const busy = db.begin(async (tx) => {
    const waiting = failure(db`insert into written values ('waited')`)
    await tx`select 1`
    entered.resolve()
    const error = await waiting
    leave.resolve()
    return error
  })
  await entered.promise
  expect((await busy).sent).toBe(false)
  expect(swaps).toEqual([])
  expect(await numbers(db)).toEqual([1])
  expect([...(await database.db`select who from written`)]).toEqual([])
})

test("calls in flight finish on the old pool after a swap, and then its connections are closed", async () => {
  const db = open({ applicationName: "slotbase swap" })
  const entered = Promise.withResolvers<void>()
  const leave = Promise.withResolvers<void>()
  const inFlight = db.begin(async (tx) => {
    await tx`insert into written values ('in flight')`
    entered.resolve()
    await leave.promise
    return "committed"
  })
  await entered.promise
  db.swap("asked to")
  expect(await numbers(db)).toEqual([1])
  expect(await connections("slotbase swap")).toBe(2)
  leave.resolve()
  expect(await inFlight).toBe("committed")
  await eventually(async () => expect(await connections("slotbase swap")).toBe(1))
  expect([...(await database.db`select who from written`)]).toEqual([{ who: "in flight" }])
  expect(swaps).toEqual(["asked to"])
})

test("the server has its own limits behind the deadlines", async () => {
  const db = open({ queryDeadlineMs: 2_000, transactionDeadlineMs: 3_000 })
  expect([
    ...(await db`
    select current_setting('statement_timeout') as statement,
           current_setting('idle_in_transaction_session_timeout') as idle`),
  ]).toEqual([{ statement: "3s", idle: "4s" }])
})

test("a fragment has no deadline of its own, and is not executed", async () => {
  const db = open({ queryDeadlineMs: 100 })
  const fragment = db`where n > ${1}`
  expect([...(await db`select n from generate_series(1, 3) as n ${fragment}`)]).toEqual([{ n: 2 }, { n: 3 }])
  expect([...(await db`select n from generate_series(1, 3) as n ${fragment} order by n desc`)]).toHaveLength(2)
  expect(swaps).toEqual([])
})

test("a process with a frozen connection ends by itself", async () => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "frozen-client.ts"), database.url], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const output = new Response(child.stdout).text()
  expect(await child.exited).toBe(0)
  stop(Number(await output))
})

function open(options: Partial<ConnectOptions>): Db {
  const onSwap = (reason: string) => void swaps.push(reason)
  const db = connect(database.url, { applicationName: "slotbase test", max: 4, onSwap, ...options })
  opened.push(db)
  return db
}

/** Freezes this many of the pool's backends, after it has opened four. */
async function freeze(db: Db, count: number): Promise<void> {
  const sleeping = Array.from(
    { length: 4 },
    () => db<[{ pid: number }]>`select pg_backend_pid() as pid, pg_sleep(0.05)`,
  )
  const pids = new Set((await Promise.all(sleeping)).map(([backend]) => backend.pid))
  expect(pids.size).toBe(4)
  for (const pid of [...pids].slice(0, count)) stop(pid)
}

function stop(pid: number): void {
  frozen.push(pid)
  process.kill(pid, "SIGSTOP")
}

async function failure(work: Promise<unknown>): Promise<QueryTimedOut> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof QueryTimedOut)) throw error ?? new Error("it did not fail")
  return error
}

async function numbers(db: Db): Promise<number[]> {
  return (await db<{ n: number }[]>`select 1 as n`).map((row) => row.n)
}

async function connections(applicationName: string): Promise<number> {
  const [row] = await database.db<[{ count: number }]>`
    select count(*) as count from pg_stat_activity where application_name = ${applicationName} and datname = current_database()`
  return row.count
}

async function openTransactions(): Promise<number> {
  const [row] = await database.db<[{ count: number }]>`
    select count(*) as count from pg_stat_activity
    where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()`
  return row.count
}
