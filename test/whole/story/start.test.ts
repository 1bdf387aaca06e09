/**
 * Starting and stopping, as an operator sees it: an impossible start ends with one clear sentence, and a stop is clean.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { chmod, mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { embeddedUrl } from "#base/database/embedded/start.ts"
import { clientOf, makeClub } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { settled } from "#test/harness/promises/promises.ts"
import { emptyDatabase, type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { freePort, spawnSystem, startSystem } from "#test/harness/setup/system.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

/** Starts a program that must refuse to start; returns its exit code and its output. */
async function refused(url: string, env: Record<string, string> = {}) {
  const system = spawnSystem({ url, env })
  const code = await system.exited
  return { code, said: system.output().trim().split("\n") }
}

describe("an impossible start gives the reason in one sentence", () => {
  test("a busy port", async () => {
    const port = await freePort()
    const other = Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response() })
    const { code, said } = await refused(database.url, { PORT: String(port) })
    await other.stop(true)
    expect(said).toEqual([
      `Port ${port} on 127.0.0.1 is in use: stop what listens there, or set PORT to another, such as PORT=${port + 1}.`,
    ])
    expect(code).toBe(2)
  })

  test("a database that does not answer", async () => {
    const port = await freePort()
    const { code, said } = await refused(`postgres://nobody@127.0.0.1:${port}/gone`, { PORT: "0" })
    expect(said).toEqual([
      `The database gone on 127.0.0.1:${port} does not answer (ECONNREFUSED). Start it, or correct DATABASE_URL; without DATABASE_URL an embedded one is used.`,
    ])
    expect(code).toBe(2)
  })

  test("a database that refuses the connection", async () => {
    const address = new URL(database.url)
    address.pathname = "/nowhere"
    const { code, said } = await refused(address.href, { PORT: "0" })
    expect(said).toEqual([
      `The database nowhere on ${address.host} refuses the connection (database "nowhere" does not exist). Start it, or correct DATABASE_URL; without DATABASE_URL an embedded one is used.`,
    ])
    expect(code).toBe(2)
  })

  test("a malformed database address, without showing its password", async () => {
    const { code, said } = await refused("postgres://somebody:sec/ret@host:port/slotbase", { PORT: "0" })
    expect(said).toEqual([
      "DATABASE_URL cannot be read: write it like postgres://user:password@host:5432/slotbase, with every special character of the password percent-encoded.",
    ])
    expect(code).toBe(2)
  })

  test("a database that is newer than the program", async () => {
    const newer = await emptyDatabase()
    await newer.db.unsafe(`create schema slotbase; create table slotbase.migrations (number integer primary key, name text, checksum text);
      insert into slotbase.migrations values (999, '0999-from-the-future', 'x')`)
    const { code, said } = await refused(newer.url, { PORT: "0" })
    await newer.drop()
    expect(said).toHaveLength(1)
    expect(said[0]).toStartWith("The database is newer than this program: it has seen 0999-from-the-future")
    expect(code).toBe(2)
  })

  test("a database with the schema history of an earlier version", async () => {
    const earlier = await emptyDatabase()
    await earlier.db.unsafe(`create schema slotbase; create table slotbase.migrations (number integer primary key, name text, checksum text);
      insert into slotbase.migrations values (1, '0001-foundation', 'x'), (2, '0002-people-and-facilities', 'y')`)
    const { code, said } = await refused(earlier.url, { PORT: "0" })
    await earlier.drop()
    expect(said).toEqual([
      "The database was made by an earlier SlotBase, whose schema this version cannot continue; nothing was changed: name an empty one by SLOTBASE_DATA_DIR or DATABASE_URL.",
    ])
    expect(code).toBe(2)
  })

  test("a data directory that cannot be used", async () => {
    const { code, said } = await refused("", {
      PORT: "0",
      SLOTBASE_DATA_DIR: "/dev/null/data",
      SLOTBASE_SECRET_KEY: "",
    })
    expect(said).toEqual([
      "The data directory /dev/null/data cannot be used (ENOTDIR); set SLOTBASE_DATA_DIR to a folder of your own that can be written.",
    ])
    expect(code).toBe(2)
  })

  test("a misspelt variable, which is named first", async () => {
    const { said } = await refused(database.url, { SLOTBASE_ROEL: "server", SLOTBASE_ROLE: "everything" })
    expect(said).toEqual([
      "SLOTBASE_ROEL is not a variable of SlotBase and is ignored. Did you mean SLOTBASE_ROLE?",
      `SLOTBASE_ROLE is "everything"; set it to one of: all, server, actors.`,
    ])
  })

  test("a role that does not exist", async () => {
    const { code, said } = await refused(database.url, { SLOTBASE_ROLE: "everything" })
    expect(said).toEqual([`SLOTBASE_ROLE is "everything"; set it to one of: all, server, actors.`])
    expect(code).toBe(2)
  })

  test("a sender without an address, where mail is sent", async () => {
    const { code, said } = await refused(database.url, {
      PORT: "0",
      SLOTBASE_ROLE: "actors",
      SLOTBASE_MAIL_FROM: "My Club",
    })
    expect(said).toEqual(['SLOTBASE_MAIL_FROM must hold an address, such as "My Club <mail@example.com>".'])
    expect(code).toBe(2)
  })
})

test("a process without actors sends no mail, and starts with a sender without an address", async () => {
  const server = await startSystem({ url: database.url, role: "server", env: { SLOTBASE_MAIL_FROM: "My Club" } })
  expect(await server.end()).toBe(0)
})

/** The jobs of the table in docs/scheduled-jobs.md. */
const scheduledJobs = [
  "hold-expiration",
  "no-show-detection",
  "booking-reminder-check",
  "waitlist-offers",
  "payment-resolution",
  "webhook-retry",
  "subscription-renewal-check",
  "capacity-check",
  "recurring-extension",
  "upload-cleanup",
  "webhook-health",
  "platform-health",
  "housekeeping",
  "retention",
]

test(
  "SIGTERM lets work in progress end, uses up no attempt, and a second start continues",
  async () => {
    const held = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    const receiver = startReceiver(async () => {
      arrived.resolve()
      await held.promise
      return new Response("ok")
    })
    const first = await startSystem({ url: database.url })
    const client = clientOf(first.address)
    const club = await makeClub(client, { courts: 1 })
    await client.post(`${club.at}/webhooks`, {
      name: "slow",
      url: receiver.url,
      authType: "none",
      events: ["booking.confirmed"],
    })
    const slot = { resourceId: club.resourceIds[0], bookerId: club.bookerId, paymentMethod: "waived", ...atHour(1) }
    expect((await client.post(`${club.at}/bookings`, slot)).status).toBe(201)
    await arrived.promise
    const ending = first.end("SIGTERM")
    held.resolve()
    expect(await ending).toBe(0)

    const second = await startSystem({ url: database.url })
    await settled(database.db, 10_000)
    const attempts = await database.db<{ outcome: string }[]>`select outcome from slotbase.webhook_attempts`
    expect([...attempts]).toEqual([{ outcome: "delivered" }])
    const runs = await database.db<{ attempts: number }[]>`select distinct attempts from slotbase.handler_runs`
    expect([...runs]).toEqual([{ attempts: 1 }])
    const scheduled = await database.db<{ name: string }[]>`select name from slotbase.jobs where not ended`
    expect(scheduled.map(({ name }) => name)).toEqual(expect.arrayContaining([...scheduledJobs]))
    expect(await second.end("SIGINT")).toBe(0)
    await receiver.stop()
  },
  { timeout: 60_000 },
)

test(
  "SIGTERM in the middle of the start ends the embedded database too",
  async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "slotbase-start-"))
    await chmod(dataDir, 0o755)
    const system = spawnSystem({ url: "", env: { PORT: "0", SLOTBASE_DATA_DIR: dataDir } })
    await eventually(() => stat(join(dataDir, "postgres", "postmaster.pid")), { withinMs: 20_000 })
    expect(await system.end("SIGTERM")).toBe(0)
    expect(await embeddedUrl(dataDir)).toBeUndefined()
    await rm(dataDir, { recursive: true })
  },
  { timeout: 60_000 },
)
