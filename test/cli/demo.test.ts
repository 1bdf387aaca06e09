// The demo's way back: the clock that it moved shows the real time again. The README's test plays the demo itself.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { slotbaseWith } from "#test/harness/setup/command-line.ts"
import { emptyDatabase, type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { freePort } from "#test/harness/setup/system.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const demo = (args: readonly string[], env: Record<string, string> = {}) =>
  slotbaseWith({ DATABASE_URL: database.url, ...env }, "demo", ...args)

const shift = async () => {
  const [row] = await database.db<[{ shift: string }]>`select shift::text from slotbase.clock`
  return row.shift
}

test("demo --back undoes the moves of two demos", async () => {
  await database.db`select slotbase.move_clock('33 days 04:05:06.7')`
  await database.db`select slotbase.move_clock('32 days')`
  expect(await demo(["--back"])).toEqual({
    code: 0,
    output:
      "The clock of this database was 65 days ahead. It shows the real time again.\n" +
      "The printed links have changed. Print them anew:\n  ./scripts/slotbase links\n",
  })
  expect(await shift()).toBe("00:00:00")
  const [moved] = await database.db`
    select before, after, actor_kind, database_user = session_user as is_session, user_agent
    from slotbase.audit_log where action = 'clock.changed' and user_agent like 'slotbase demo --back%'`
  expect({ ...moved }).toEqual({
    before: { shift: "65 days 04:05:06.7" },
    after: { shift: "00:00:00" },
    actor_kind: "database",
    is_session: true,
    user_agent: expect.stringMatching(/^slotbase demo --back, by uid \d+ on /),
  })
})

test("demo --back says that the clock already shows the real time", async () => {
  expect(await demo(["--back"])).toEqual({ code: 0, output: "The clock of this database shows the real time.\n" })
})

test("outside development the clock is not moved back", async () => {
  await database.db`select slotbase.move_clock('1 day')`
  expect(await demo(["--back"], { SLOTBASE_ENV: "production" })).toEqual({
    code: 1,
    output: 'The demo moves the clock of the database, and SLOTBASE_ENV is "production".\n',
  })
  expect(await shift()).toBe("1 day")
})

test("a database without the schema is named with the command to type", async () => {
  const empty = await emptyDatabase()
  const { code, output } = await slotbaseWith({ DATABASE_URL: empty.url }, "demo", "--back")
  await empty.drop()
  expect({ code, output }).toEqual({
    code: 1,
    output: expect.stringMatching(
      /^The database lacks \d+ migrations: run \.\/scripts\/start, or only \.\/scripts\/slotbase migrate\.\n$/,
    ),
  })
})

test("a demo that finds no server and can start none says so in one sentence", async () => {
  const port = await freePort()
  const other = Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response("", { status: 404 }) })
  const { code, output } = await demo(["--fast"], { PORT: String(port) })
  await other.stop(true)
  expect(code).toBe(1)
  expect(output).not.toContain("    at ")
  expect(output).toContain(
    "No server could be started for the demo. If SlotBase already runs, set PORT to its port, such as PORT=3001.\n",
  )
})
