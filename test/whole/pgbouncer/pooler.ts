// PgBouncer before the database: what it pools is found by asking, and each way of pooling works or says what it needs.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { parseConfig } from "#base/config.ts"
import { connect } from "#base/database/db.ts"
import { openDatabase } from "#base/database/open.ts"
import { missingSettings, poolingOf } from "#base/database/pooler.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { type PgBouncer, startPgBouncer } from "#test/harness/setup/pgbouncer.ts"

let database: TestDatabase
let running: PgBouncer[] = []
beforeAll(async () => {
  database = await testDatabase()
})
afterEach(async () => {
  await Promise.all(running.map(({ stop }) => stop()))
  running = []
})
afterAll(() => database.drop())

async function bouncer(...settings: string[]): Promise<string> {
  const started = await startPgBouncer(database.url, settings)
  running.push(started)
  return started.url
}

const messageOf = (error: unknown) => (error as Error).message

const configOf = (url: string, more: Record<string, string> = {}) =>
  parseConfig({ DATABASE_URL: url, SLOTBASE_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"), ...more })

for (const mode of ["session", "transaction", "statement"] as const)
  test(`a pooler of ${mode}s is recognised`, async () => {
    expect(await poolingOf(await bouncer(`pool_mode = ${mode}`))).toBe(mode)
    // In turns, and with a single connection, each client meets the others' processes differently.
    expect(await poolingOf(await bouncer(`pool_mode = ${mode}`, "server_round_robin = 1"))).toBe(mode)
    expect(await poolingOf(await bouncer(`pool_mode = ${mode}`, "default_pool_size = 1"))).toBe(mode)
  })

test("PostgreSQL itself is no pooler", async () => {
  expect(await poolingOf(database.url)).toBe("none")
  expect(await openDatabase(configOf(database.url), () => {})).toMatchObject({ pooling: "none", url: database.url })
})

test("a pooler of transactions needs an address for notifications, which is checked", async () => {
  const url = await bouncer("pool_mode = transaction")
  const refusal = (more: Record<string, string>) => failure(openDatabase(configOf(url, more), () => {})).then(messageOf)
  expect(await refusal({})).toBe(
    "PgBouncer pools transactions, and notifications do not pass it: set SLOTBASE_LISTEN_URL to the address of PostgreSQL itself.",
  )
  expect(await refusal({ SLOTBASE_LISTEN_URL: url })).toBe(
    "SLOTBASE_LISTEN_URL leads to a pooler, which keeps notifications back: set it to the address of PostgreSQL itself.",
  )
  const other = new URL(database.url)
  other.pathname = "/postgres"
  expect(await refusal({ SLOTBASE_LISTEN_URL: other.href })).toBe(
    "SLOTBASE_LISTEN_URL leads to another database than DATABASE_URL: correct one of the two.",
  )
  const opened = await openDatabase(configOf(url, { SLOTBASE_LISTEN_URL: database.url }), () => {})
  expect(opened).toMatchObject({
    pooling: "transaction",
    url: `${url}?pgbouncer=transaction`,
    sessionUrl: database.url,
  })
  expect(opened.advice).toContain("alter role slotbase set statement_timeout = '11s'")
})

test("a pooler of statements is refused", async () => {
  const url = await bouncer("pool_mode = statement")
  expect(messageOf(await failure(openDatabase(configOf(url), () => {})))).toBe(
    "PgBouncer pools statements, and SlotBase needs transactions: set its pool_mode to transaction.",
  )
})

test("what PgBouncer does not pass on is named, until the role has it", async () => {
  for (const settings of [
    [],
    ["ignore_startup_parameters = statement_timeout,idle_in_transaction_session_timeout,enable_seqscan,jit"],
  ]) {
    const url = await bouncer("pool_mode = session", ...settings)
    const { advice, pooling } = await openDatabase(configOf(url), () => {})
    expect(pooling).toBe("session")
    expect(advice).toBe(
      "PgBouncer passes no settings on, so the role must have them: alter role slotbase set enable_seqscan = 'off'; alter role slotbase set idle_in_transaction_session_timeout = '16s'; alter role slotbase set jit = 'off'; alter role slotbase set statement_timeout = '11s'.",
    )
  }
  const name = new URL(database.url).pathname.slice(1)
  const url = await bouncer("pool_mode = session")
  for (const setting of [
    "statement_timeout = '11s'",
    "idle_in_transaction_session_timeout = '16s'",
    "enable_seqscan = off",
    "jit = off",
  ])
    await database.db.unsafe(`alter role slotbase in database "${name}" set ${setting}`)
  expect(await missingSettings(`${url}?pgbouncer=session`)).toBeUndefined()
  await database.db.unsafe(`alter role slotbase in database "${name}" reset all`)
})

test("over three connections of a pooler of transactions a hundred transactions with parameters all commit", async () => {
  const url = await bouncer("pool_mode = transaction", "default_pool_size = 3")
  const db = connect(`${url}?pgbouncer=transaction`, { max: 20, applicationName: "slotbase pooled" })
  await database.db`create table if not exists public.pooled (nth integer primary key, doc jsonb)`
  await Promise.all(
    Array.from({ length: 100 }, (_, nth) =>
      db.begin(async (tx) => {
        await tx`insert into public.pooled (nth, doc) values (${nth}, ${tx.json({ nth })})`
        await tx.savepoint(
          (inner) => inner`update public.pooled set doc = doc || ${tx.json({ twice: 2 * nth })} where nth = ${nth}`,
        )
        return tx`select ${[nth]}::integer[] as list`
      }),
    ),
  )
  const reads = await Promise.all(
    Array.from({ length: 200 }, (_, nth) => db`select nth, doc from public.pooled where nth = ${nth % 100}`),
  )
  expect(reads.map(([row]) => row as unknown)).toEqual(
    Array.from({ length: 200 }, (_, each) => ({ nth: each % 100, doc: { nth: each % 100, twice: 2 * (each % 100) } })),
  )
  await database.db`drop table public.pooled`
  await db.end()
})

test("a statement with parameters behind one without is answered by a pooler of transactions", async () => {
  const url = await bouncer("pool_mode = transaction", "default_pool_size = 3")
  const db = connect(`${url}?pgbouncer=transaction`, { max: 2, applicationName: "slotbase pooled" })
  const done = await Promise.all(
    Array.from({ length: 60 }, async (_, nth) => {
      const [row] = nth % 2 === 0 ? await db`select 0 as nth` : await db`select ${nth}::integer as nth`
      return row?.nth as number
    }),
  )
  expect(done).toEqual(Array.from({ length: 60 }, (_, nth) => (nth % 2 === 0 ? 0 : nth)))
  await db.end()
})

test("clients beyond max_client_conn wait for one of the others", async () => {
  const url = await bouncer("pool_mode = transaction", "max_client_conn = 3")
  const db = connect(`${url}?pgbouncer=transaction`, { max: 10, applicationName: "slotbase pooled" })
  const done = await Promise.all(
    Array.from({ length: 30 }, (_, nth) =>
      db.begin(async (tx) => (await tx<{ nth: number }[]>`select ${nth}::integer as nth`)[0]?.nth),
    ),
  )
  expect(done).toEqual(Array.from({ length: 30 }, (_, nth) => nth))
  await db.end()
})

test("sessions beyond the pool of a pooler of sessions wait for one of the others", async () => {
  const url = await bouncer("pool_mode = session", "default_pool_size = 2")
  const db = connect(`${url}?pgbouncer=session`, { max: 6, applicationName: "slotbase pooled", queryDeadlineMs: 6_000 })
  await db`select 1`
  const done = await Promise.all(
    Array.from({ length: 20 }, (_, nth) =>
      db.begin(async (tx) => (await tx<{ nth: number }[]>`select ${nth}::integer as nth`)[0]?.nth),
    ),
  )
  expect(done).toEqual(Array.from({ length: 20 }, (_, nth) => nth))
  await db.end()
})
