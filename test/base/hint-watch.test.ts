// The connection that hears of other processes: whatever becomes of it, hints arrive again within ten seconds.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { hintsPart, superviseHints } from "#base/hint-watch.ts"
import { onHint } from "#base/hints.ts"
import { parts } from "#base/parts.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db
let stop: () => Promise<void>
const withinMs = 10_000

beforeAll(async () => {
  database = await testDatabase()
})
afterEach(async () => {
  await stop()
  await db.end()
})
afterAll(() => database.drop())

test("a connection that was terminated is opened again", async () => {
  await start("hint watch terminated")
  const before = await backend("hint watch terminated listen")
  await database.db`select pg_terminate_backend(${before})`
  await eventually(async () => expect(await backend("hint watch terminated listen")).not.toBe(before), { withinMs })
  await hears()
}, 20_000)

test("a connection whose backend is stopped is replaced, and the process stays ready meanwhile", async () => {
  await start("hint watch stopped")
  const before = await backend("hint watch stopped listen")
  process.kill(before, "SIGSTOP")
  try {
    await eventually(() => expect(parts.get(hintsPart)).toMatchObject({ state: "well", restarts: 1 }), { withinMs })
    await hears()
  } finally {
    process.kill(before, "SIGCONT")
  }
}, 20_000)

async function start(applicationName: string): Promise<void> {
  db = connect(database.url, { max: 1, applicationName })
  stop = await superviseHints(db)
  await hears()
}

/** A hint of another process arrives. */
async function hears(): Promise<void> {
  let heard = 0
  const end = onHint("log", () => heard++)
  await eventually(
    async () => {
      await database.db.notify("slotbase_hint", "another-process log")
      expect(heard).toBeGreaterThan(0)
    },
    { withinMs },
  )
  end()
}

async function backend(name: string): Promise<number> {
  const [row] = await database.db<[{ pid: number }?]>`
    select pid from pg_stat_activity where datname = current_database() and application_name = ${name}`
  if (row === undefined) throw new Error(`no backend is named ${name}`)
  return row.pid
}
