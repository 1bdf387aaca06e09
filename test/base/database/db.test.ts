// The connection as the rest of the program uses it: types of values, errors, listening, and compile-time refusals.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type postgres from "postgres"
import { connect, type Db, type Queryable } from "#base/database/db.ts"
import { isConnectionLost } from "#base/database/errors.ts"
import type { Tx } from "#base/database/transaction.ts"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await emptyDatabase()
  db = database.db
})

afterAll(() => database.drop())

test("bigint is a number, numeric text, timestamptz a Date, and arrays of them likewise", async () => {
  const [row] = await db`
    select 9007199254740991::bigint as big, array[1, null, 3]::bigint[] as bigs, array['a', null, 'NULL'] as texts, count(*) as count,
           12.50::numeric as price, array[12.50]::numeric[] as prices,
           timestamptz '2026-03-01 10:00+02' as at, array[timestamptz '2026-03-01 10:00+02'] as ats,
           '{"a":[1]}'::jsonb as document, null as nothing
    from generate_series(1, 3)`
  expect(row).toEqual({
    big: Number.MAX_SAFE_INTEGER,
    bigs: [1, null, 3],
    texts: ["a", null, "NULL"],
    count: 3,
    price: "12.50",
    prices: ["12.50"],
    at: new Date("2026-03-01T08:00:00Z"),
    ats: [new Date("2026-03-01T08:00:00Z")],
    document: { a: [1] },
    nothing: null,
  })
})

test("a bigint beyond 2^53 is an error, never a wrong number, and the connection goes on", async () => {
  expect(await failure(db`select 9007199254740993::bigint as big`)).toEqual(
    new RangeError("the bigint 9007199254740993 is beyond 2^53"),
  )
  expect([...(await db`select ${2 ** 40}::bigint as big`)]).toEqual([{ big: 2 ** 40 }])
})

test("arrays, json, identifiers and lists of rows are sent correctly, also right after a swap", async () => {
  await db`create table sent (id bigint, tags text[], document jsonb, at timestamptz)`
  const rows = [1, 2].map((id) => ({ id, tags: ["a", "b"], document: db.json({ id }), at: new Date(id) }))
  await db`insert into sent ${db(rows, "id", "tags", "document", "at")}`
  db.swap("test")
  expect([...(await db`select ${db("id")} from sent where id = any(${db.array([2, 3])}::bigint[])`)]).toEqual([
    { id: 2 },
  ])
  expect([...(await db`select id from sent where id in ${db([1, 7])}`)]).toEqual([{ id: 1 }])
  const text = "select document from sent where id = $1"
  expect([...(await db.unsafe<{ document: unknown }[]>(text, [2]))]).toEqual([{ document: { id: 2 } }])
})

test("undefined is an error, not null", async () => {
  expect(await failure(db`select ${undefined as unknown as string}`)).toMatchObject({ code: "UNDEFINED_VALUE" })
})

test("an error carries its code and its constraint, and prints no parameters", async () => {
  await db`create table named (id int constraint named_once unique)`
  await db`insert into named values (${4711})`
  const error = await failure(db`insert into named values (${4711})`)
  expect(error).toMatchObject({ code: "23505", constraint_name: "named_once" })
  expect(isConnectionLost(error)).toBe(false)
  const syntax = await failure(db`select ${"sEcret"}::text and`)
  expect(Bun.inspect(syntax) + JSON.stringify(syntax)).not.toContain("sEcret")
})

test("a lost connection and a refused connection are recognized", async () => {
  const lost = db.begin(async (tx) => {
    const [backend] = await tx<[{ pid: number }]>`select pg_backend_pid() as pid`
    await db`select pg_terminate_backend(${backend.pid}, 5000)`
    await tx`select 1`
  })
  expect(isConnectionLost(await failure(lost))).toBe(true)
  const nowhere = connect("postgres://nobody@127.0.0.1:1/none", { applicationName: "slotbase test" })
  expect(isConnectionLost(await failure(nowhere`select 1`))).toBe(true)
  await nowhere.end()
  expect(isConnectionLost(await failure(nowhere`select 1`))).toBe(true)
})

test("listening survives a swap and a lost connection", async () => {
  const heard: string[] = []
  let listening = 0
  await db.listen(
    "news",
    (payload) => heard.push(payload),
    () => void listening++,
  )
  await db.notify("news", "one")
  db.swap("test")
  await db.notify("news", "two")
  await eventually(() => expect(heard).toEqual(["one", "two"]))
  await db`
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and application_name = 'slotbase test listen'`
  await eventually(() => expect(listening).toBe(2))
  await db.notify("news", "three")
  await eventually(() => expect(heard).toEqual(["one", "two", "three"]))
})

test("a pool is no transaction for the compiler, and both can read", async () => {
  const refused: [Assignable<Db, Tx>, Assignable<postgres.Sql, Tx>, Assignable<postgres.TransactionSql, Tx>] = [
    false,
    false,
    false,
  ]
  const allowed: [Assignable<Db, Queryable>, Assignable<Tx, Queryable>] = [true, true]
  expect([refused, allowed]).toEqual([
    [false, false, false],
    [true, true],
  ])
  expect([await read(db), await db.begin(read)]).toEqual([1, 1])
})

type Assignable<From, To> = [From] extends [To] ? true : false

async function read(from: Queryable): Promise<number | undefined> {
  const [row] = await from<{ n: number }[]>`select n from generate_series(1, 2) as n ${from`where n = ${1}`}`
  return row?.n
}

function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "it did not fail",
    (error: unknown) => error,
  )
}

test("one statement after another goes to the backend that answered last, whose memory is warm", async () => {
  const backend = async () => (await db<[{ pid: number }]>`select pg_backend_pid() as pid`)[0].pid
  const all = await Promise.all(
    Array.from({ length: 4 }, () => db<{ pid: number }[]>`select pg_backend_pid() as pid, pg_sleep(0.05)`),
  )
  expect(new Set(all.flat().map(({ pid }) => pid)).size).toBe(4)

  const [first, ...others] = [await backend(), await backend(), await backend(), await backend()]
  expect(others).toEqual([first, first, first])
  // A transaction too, and what comes after it.
  const within = await db.begin(async (tx) => (await tx<[{ pid: number }]>`select pg_backend_pid() as pid`)[0].pid)
  expect([within, await backend()]).toEqual([first, first])
})
