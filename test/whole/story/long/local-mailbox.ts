// The local mailbox is for development: with an SMTP server the program loads none of its libraries.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { clientOf, makeClub } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { smtpReceiver } from "#test/harness/outside/smtp.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type System, startSystem } from "#test/harness/setup/system.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const preload = join(import.meta.dir, "../../../harness/setup/seen-modules.ts")
const start = (env: Record<string, string>) =>
  startSystem({ url: database.url, env: { ...env, BUN_OPTIONS: `--preload=${preload}` } })

/** Books; the booker gets a mail of it. */
async function book({ address }: System): Promise<void> {
  const client = clientOf(address)
  const { at, resourceIds, bookerId } = await makeClub(client, { courts: 1 })
  const body = { resourceId: resourceIds[0], bookerId, ...atHour(1), paymentMethod: "offline" }
  expect((await client.post(`${at}/bookings`, body)).status).toBe(201)
}
const loaded = (system: System) => system.output().match(/^loaded .+$/gm) ?? []

test("in production a mail goes over the SMTP server, and no library of the mailbox is loaded", async () => {
  const receiver = await smtpReceiver()
  const system = await start({ SLOTBASE_ENV: "production", SMTP_URL: receiver.url })
  await book(system)
  await eventually(() => expect(receiver.mails).not.toEqual([]))
  expect(loaded(system)).toEqual([])
  expect(await system.end()).toBe(0)
  await receiver.close()
})

test("in development the first mail loads the mailbox's server and its parser", async () => {
  const system = await start({})
  await book(system)
  await eventually(async () => expect(await database.db`select 1 from slotbase.mailbox`).not.toEqual([]))
  expect(loaded(system)).toEqual(["loaded mailparser", "loaded smtp-server"])
  expect(await system.end()).toBe(0)
})
