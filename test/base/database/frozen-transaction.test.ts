// A process that is frozen inside a transaction holds its locks until the server's idle limit ends the transaction.
// After a statement is described and before it is executed, the server applies no limit unless a Sync comes in between.
// The stock driver sends a Flush there. With it, such a backend held its row locks for as long as its process was
// frozen.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { startCuttingProxy } from "#test/harness/outside/cutting-proxy.ts"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase

beforeAll(async () => {
  database = await emptyDatabase()
  await database.db`create table counted (count integer)`
  await database.db`insert into counted values (0)`
})

afterAll(() => database.drop())

test("wherever in a transaction its process freezes, the server's idle limit releases its locks", async () => {
  const whole = await startCuttingProxy(database.url)
  const db = open(whole)
  await ready(db)
  const before = whole.messages().length
  await count(db)
  await db.end()
  whole.stop()
  const messages = whole.messages()

  for (let silentAfter = before + 1; silentAfter < messages.length; silentAfter++) await countAndFreeze(silentAfter)
  const ofCommit = messages.length - 1 - messages.lastIndexOf("Z", messages.length - 2)
  // A process that freezes before the whole answer to its commit has arrived has committed all the same.
  expect(await counted()).toBe(1 + ofCommit - 1)
}, 60_000)

test("a statement that cannot be described, bound or run fails its transaction, and the next one has its own answer", async () => {
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const statements: readonly ((tx: Tx) => Promise<unknown>)[] = [
    (tx) => tx`select ${1}::integer from missing`,
    (tx) => tx`select ${tx.json(circular as never)}`,
    (tx) => tx`select ${"no number"}::text::integer`,
  ]
  const db = open(database)
  const answers: unknown[] = []
  for (const statement of statements) {
    answers.push(await db.begin(statement).catch((error) => error.code ?? error.name))
    answers.push(...(await db.begin((tx) => tx`select ${answers.length}::integer as nth`)))
  }
  await db.end()
  expect(answers).toEqual(["42P01", { nth: 1 }, "TypeError", { nth: 3 }, "22P02", { nth: 5 }])
})

const idleLimitMs = 100
const letGoWithinMs = 2_000

async function countAndFreeze(silentAfter: number): Promise<void> {
  const proxy = await startCuttingProxy(database.url, { after: silentAfter, freezes: true })
  const db = open(proxy)
  try {
    await ready(db)
    const silent = count(db).catch(() => {})
    await eventually(() => expect(proxy.messages()).toHaveLength(silentAfter))
    await eventually(async () => expect({ silentAfter, held: await held() }).toEqual({ silentAfter, held: [] }), {
      withinMs: letGoWithinMs,
    })
    await db.end({ timeoutMs: 0 })
    await silent
  } finally {
    proxy.stop()
    await db.end({ timeoutMs: 0 })
  }
}

const open = (through: { url: string }) => connect(through.url, { applicationName: "slotbase frozen", max: 1 })

/** Resolves once the driver has asked for the types. */
const ready = (db: Db) => db`select`

/** Two statements that are new to the connection, each with a parameter, so both are described first. */
const count = (db: Db) =>
  db.begin(async (tx) => {
    tx`select set_config('idle_in_transaction_session_timeout', ${`${idleLimitMs}ms`}, true)`.catch(() => {})
    await tx`update counted set count = count + ${1}`
    await tx`select ${"more"}::text`
  })

const counted = async () => (await database.db<[{ count: number }]>`select count from counted`)[0].count

/** The sessions of the frozen process that hold a lock. */
const held = async () => [
  ...(await database.db`
    select a.state, a.wait_event, a.query from pg_stat_activity a
    where a.application_name = 'slotbase frozen'
      and exists (select from pg_locks l where l.pid = a.pid and l.relation is not null)`),
]
