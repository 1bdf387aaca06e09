// Why the driver is patched. Each test of this file fails with the stock postgres 3.4.9, in one of these cases:
//
// - A transaction's connection is lost between two statements.
// - The server answers a commit with a rollback.
// - A value cannot be sent while other queries are in flight.
//
// The failures were changes lost or made outside their transaction, false successes, and answers that never came.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import postgres from "postgres"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let sql: postgres.Sql

beforeAll(async () => {
  database = await emptyDatabase()
  // One connection, so the next caller gets the connection that replaces the lost one.
  sql = postgres(database.url, { max: 1, onnotice: () => {}, backoff: () => 0.05 })
  await database.db`create table lost (who text, at timestamptz default clock_timestamp())`
})

beforeEach(async () => {
  await database.db`truncate lost`
})

afterAll(async () => {
  await sql.end({ timeout: 0 })
  await database.drop()
})

test("a statement after the loss is refused, and nothing is written", async () => {
  const resume = Promise.withResolvers<void>()
  const late = Promise.withResolvers<string>()
  const transaction = outcome(
    sql.begin(async (tx) => {
      await tx`insert into lost (who) values ('booking')`
      await kill(await backendOf(tx))
      await resume.promise
      late.resolve(await outcome(tx`insert into lost (who) values ('event')`))
    }),
  )
  // With one connection, this query is answered only after the lost connection has been replaced.
  await outcome(sql`select 1`)
  resume.resolve()
  expect(await transaction).toBe("CONNECTION_CLOSED")
  expect(await late.promise).toBe("CONNECTION_CLOSED")
  expect(await written()).toEqual([])
})

test("the rollback after the loss does not touch the transaction that has the connection now", async () => {
  const killed = Promise.withResolvers<void>()
  const fail = Promise.withResolvers<void>()
  const lost = outcome(
    sql.begin(async (tx) => {
      await kill(await backendOf(tx))
      killed.resolve()
      await fail.promise
      throw new Error("late failure")
    }),
  )
  await killed.promise
  await outcome(sql`select 1`)
  const healthy = outcome(
    sql.begin(async (tx) => {
      await tx`insert into lost (who) values ('first half')`
      fail.resolve()
      await turn()
      await tx`insert into lost (who) values ('second half')`
    }),
  )
  expect(await lost).toBe("CONNECTION_CLOSED")
  expect(await healthy).toBe("done")
  expect(await written()).toEqual(["first half", "second half"])
})

test("a reserved connection answers after the loss, and so does the pool", async () => {
  const reserved = await sql.reserve()
  const backend = await backendOf(reserved)
  await reserved`begin`
  await kill(backend)
  expect(await outcome(reserved`select 1`)).toBe("CONNECTION_CLOSED")
  reserved.release()
  expect(await outcome(sql`select 1`)).toBe("done")
})

test("a commit that the server answers with a rollback is not a success", async () => {
  await sql`select 1`
  const transaction = sql.begin(async (tx) => {
    await tx`insert into lost (who) values ('booking')`
    // Started and not awaited: its failure arrives after COMMIT has been sent.
    void tx`select 1 / 0`.catch(() => {})
    return "committed"
  })
  expect(await outcome(transaction)).toBe("22012")
  expect(await written()).toEqual([])
})

test("a value that cannot be sent fails its own query, and other queries keep their own answers", async () => {
  await sql`select 1`
  const [before, wrong, after] = await Promise.allSettled([
    sql`select 'before' as who`,
    sql`select ${undefined as unknown as string} as who`,
    sql`select 'after' as who`,
  ])
  expect([before, after].map((each) => each.status === "fulfilled" && each.value[0]?.who)).toEqual(["before", "after"])
  expect(wrong.status === "rejected" && wrong.reason.code).toBe("UNDEFINED_VALUE")
})

test("an error names the line of its statement in this file", async () => {
  const error = await database.db`select 1 / 0`.catch((error: Error) => error)
  expect((error as Error).stack).toContain("lost-connection.test.ts")
})

async function backendOf(on: postgres.ISql): Promise<number> {
  const [backend] = await on<[{ pid: number }]>`select pg_backend_pid() as pid`
  return backend.pid
}

/** Ends the backend, and waits until the server has released it. */
async function kill(pid: number): Promise<void> {
  await database.db`select pg_terminate_backend(${pid}, 5000)`
}

/** "done", or the code or message of the error. */
function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: Error & { code?: string }) => error.code ?? error.message,
  )
}

/** Lets all pending work run, sockets included. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}

async function written(): Promise<string[]> {
  return (await database.db<{ who: string }[]>`select who from lost order by at`).map((row) => row.who)
}
