// The troubles of a database and of its disk: each SQLSTATE has its cause, and a lasting trouble ends by itself.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { QueryTimedOut, troubleOf, type troubles } from "#base/database/errors.ts"
import { noteTrouble, tryWrite, watchWrites, writesPart } from "#base/database/trouble.ts"
import { notReady } from "#base/health.ts"
import { parts } from "#base/parts.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
beforeEach(() => parts.forget(writesPart))
afterAll(() => database.drop())

const states: readonly [code: string, trouble: keyof typeof troubles | undefined][] = [
  ["53100", "storage_full"],
  ["53200", "database_overloaded"],
  ["53300", "database_overloaded"],
  ["53400", "database_overloaded"],
  ["25006", "database_read_only"],
  ["57P01", "database_unavailable"],
  ["57P02", "database_unavailable"],
  ["57P03", "database_unavailable"],
  ["57P05", "database_unavailable"],
  ["57014", "database_unavailable"],
  ["08006", "database_unavailable"],
  ["58000", "storage_failed"],
  ["58030", "storage_failed"],
  ["58P01", "storage_failed"],
  ["23505", undefined],
  ["42501", undefined],
  ["42P01", undefined],
]

test("each SQLSTATE of a database in trouble has its cause, as PostgreSQL itself raises it", async () => {
  for (const [code, trouble] of states) {
    const raised = database.db.unsafe(`do $$ begin raise exception using errcode = '${code}' ; end $$`)
    const error = await failure(raised)
    expect([code, troubleOf(error)]).toEqual([code, trouble])
    // pg-boss tells of its errors in plain objects.
    expect(troubleOf({ ...(error as object), message: "" })).toBe(trouble)
  }
})

test("a read-only file system, a missed deadline and a lost connection have their causes too", () => {
  const refused = Object.assign(new Error('could not open file "base/1": Read-only file system'), { code: "42501" })
  expect(troubleOf(refused)).toBe("database_read_only")
  expect(troubleOf(new QueryTimedOut("query", 1, true))).toBe("database_unavailable")
  expect(troubleOf(Object.assign(new Error(), { code: "ECONNREFUSED" }))).toBe("database_unavailable")
  expect(troubleOf(new Error("text"))).toBeUndefined()
  expect(troubleOf(undefined)).toBeUndefined()
})

test("only a lasting trouble makes the process unready", async () => {
  expect([noteTrouble(undefined), noteTrouble("database_unavailable"), noteTrouble("database_overloaded")]).toEqual([
    false,
    false,
    false,
  ])
  expect(await notReady(database.db)).toEqual([])
  expect(noteTrouble("storage_full")).toBe(true)
  expect(await notReady(database.db)).toEqual(["The disk of the database is full."])
})

test("a read-only database is noted, and the process is ready again when a write succeeds", async () => {
  const name = new URL(database.url).pathname.slice(1)
  await database.db.unsafe(`alter database "${name}" set default_transaction_read_only = on`)
  const db = connect(database.url, { max: 2, applicationName: "slotbase read-only test" })
  const stop = watchWrites(db)
  try {
    const error = await failure(tryWrite(db))
    expect(error).toMatchObject({ code: "25006" })
    expect(noteTrouble(troubleOf(error))).toBe(true)
    expect(await notReady(db)).toEqual(["The database is read-only."])
    await database.db.unsafe(
      `set default_transaction_read_only = off; alter database "${name}" reset default_transaction_read_only`,
    )
    await eventually(async () => expect(await notReady(db)).toEqual([]), { withinMs: 5_000 })
    expect(parts.get(writesPart)).toEqual({ part: writesPart, state: "well", restarts: 0 })
  } finally {
    stop()
    await db.end()
  }
})

test("a database that does not allow the trial does not keep the process unready", async () => {
  const denied = Object.assign(new Error("permission denied to create temporary tables"), { code: "42501" })
  const stop = watchWrites({ begin: () => Promise.reject(denied) } as unknown as Db)
  noteTrouble("storage_full")
  await eventually(() => expect(parts.get(writesPart)?.state).toBe("well"), { withinMs: 5_000 })
  stop()
})

test("the tried write leaves nothing behind", async () => {
  await tryWrite(database.db)
  const [row] =
    await database.db`select count(*)::integer as tables from pg_class where relname = 'slotbase_write_trial'`
  expect(row as object).toEqual({ tables: 0 })
})
