// The links that the start prints, and `slotbase links`, which prints them anew when the clock has moved on.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { seedDemo } from "#demo/seed.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { slotbase, slotbaseWith } from "#test/harness/setup/command-line.ts"
import { emptyDatabase, type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { rootKey, type System, startSystem } from "#test/harness/setup/system.ts"

let database: TestDatabase
let system: System
let clubId: string
beforeAll(async () => {
  database = await testDatabase()
  clubId = (await seedDemo(testApp(database.db)))?.facilityId ?? ""
  system = await startSystem({ url: database.url, role: "server" })
})
afterAll(async () => {
  await system.end()
  await database.drop()
})

const links = (env: Record<string, string> = {}) =>
  slotbaseWith({ DATABASE_URL: database.url, PORT: new URL(system.address).port, ...env }, "links")

test("a start on a database with a club prints the club's id, a court, a member and a booking that works", async () => {
  await eventually(() => expect(system.output()).toContain(`  Clubs      ${clubId}  Riverside Tennis Club\n`))
  expect(system.output()).toMatch(/^ {2}A member {3}[0-9a-f-]{36} {2}Mia Keller, mia@riverside\.example$/m)
  expect(system.output()).toContain("  Root key   the one that SLOTBASE_ROOT_KEY was set to\n")
  expect(await book(system.output())).toBe(201)
  expect(await mailboxOf(system.output())).toBe(200)
})

test("links prints a mailbox and a booking that work again after the clock has moved", async () => {
  await database.db`select slotbase.move_clock('40 days')`
  await eventually(async () => expect(await mailboxOf(system.output())).toBe(401))
  const { code, output } = await links()
  expect(code).toBe(0)
  expect(output).toContain(`  Clubs      ${clubId}  Riverside Tennis Club\n`)
  expect(await book(output)).toBe(201)
  expect(await mailboxOf(output)).toBe(200)
})

test("links offers an hour that is still free", async () => {
  for (const _ of "twice") expect(await book((await links()).output)).toBe(201)
})

test("links refuses a database whose schema this version cannot read", async () => {
  const old = await emptyDatabase()
  await old.db.unsafe(`create schema slotbase; create table slotbase.migrations (number integer primary key, name text, checksum text);
    insert into slotbase.migrations values (1, '0001-of-another-history', 'x')`)
  const refused = await slotbase(old.url, "links")
  await old.drop()
  expect(refused.output).toStartWith("The database was made by an earlier SlotBase")
  expect(refused.code).toBe(1)
})

test("links says that no server answers where it looked", async () => {
  const { code, output } = await links({ PORT: "1" })
  expect(code).toBe(0)
  expect(output).toEndWith(
    "No server answers at http://127.0.0.1:1 now. Start it with ./scripts/start; if it runs, set PORT to its port.\n",
  )
})

test.each(["links", "grant-reader"])("%s says what to do with a database that lacks migrations", async (command) => {
  const empty = await emptyDatabase()
  const answer = await slotbaseWith({ DATABASE_URL: empty.url }, command)
  await empty.drop()
  expect(answer.output).toMatch(
    /^The database lacks \d+ migrations: run \.\/scripts\/start, or only \.\/scripts\/slotbase migrate\.\n$/,
  )
  expect(answer.code).toBe(1)
})

test("in production no person is named", async () => {
  const { output } = await links({ SLOTBASE_ENV: "production" })
  expect(output).toContain(`  Clubs      ${clubId}  Riverside Tennis Club\n`)
  expect(output).not.toContain("Mia")
  expect(output).not.toContain("export SLOTBASE")
})

test("a misspelt variable is named at the start of every command", async () => {
  const { code, output } = await links({ SLOTBASE_EGRES_ALLOW: "127.0.0.0/8" })
  expect(code).toBe(0)
  expect(output).toContain(
    "SLOTBASE_EGRES_ALLOW is not a variable of SlotBase and is ignored. Did you mean SLOTBASE_EGRESS_ALLOW?\n",
  )
})

/** Makes the request that was printed; answers its status. */
async function book(printed: string): Promise<number> {
  const body = / -d '(\{.*\})'$/m.exec(printed)?.[1]
  const answer = await fetch(`${system.address}/v1/facilities/${clubId}/bookings`, {
    method: "POST",
    headers: { authorization: `Bearer ${rootKey}`, "content-type": "application/json" },
    body: body ?? "nothing was printed",
  })
  await answer.text()
  return answer.status
}

/** Follows the printed address as a browser does; answers the status of the page. */
async function mailboxOf(printed: string): Promise<number> {
  const address = /^ {2}Mail {7}(\S+)$/m.exec(printed)?.[1] ?? "nothing was printed"
  const moved = await fetch(address, { redirect: "manual" })
  await moved.text()
  const cookie = moved.headers.get("set-cookie")?.split(";")[0]
  if (cookie === undefined) return moved.status
  const page = await fetch(`${system.address}/mailbox`, { headers: { cookie } })
  await page.text()
  return page.status
}
