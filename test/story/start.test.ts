/** Starting and stopping, as a person sees it: what cannot work ends in one clear sentence, and a stop is clean. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { clientOf, hour, makeClub } from "../harness/client.ts"
import { emptyDatabase, type TestDatabase, testDatabase } from "../harness/database.ts"
import { settled } from "../harness/promises.ts"
import { startReceiver } from "../harness/receiver.ts"
import { freePort, spawnSystem, startSystem } from "../harness/system.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

/** Starts what must not start; answers its exit code and what it said. */
async function refused(url: string, env: Record<string, string> = {}) {
  const system = spawnSystem({ url, env })
  const code = await system.exited
  return { code, said: system.output().trim().split("\n") }
}

describe("a start that cannot work says why in one sentence", () => {
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

  test("a role that does not exist", async () => {
    const { code, said } = await refused(database.url, { SLOTBASE_ROLE: "everything" })
    expect(said).toEqual([`SLOTBASE_ROLE is "everything"; set it to one of: all, server, actors.`])
    expect(code).toBe(2)
  })
})

test(
  "SIGTERM lets what is under way end, burns no attempt, and a second start goes on",
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
    const slot = { resourceId: club.resourceIds[0], bookerId: club.bookerId, paymentMethod: "waived", ...hour(1) }
    expect((await client.post(`${club.at}/bookings`, slot)).status).toBe(201)
    await arrived.promise
    const ending = first.end("SIGTERM")
    held.resolve()
    expect(await ending).toBe(0)

    const second = await startSystem({ url: database.url })
    await settled(database.db, 10_000)
    const attempts = await database.db<{ outcome: string }[]>`select outcome from slotbase.webhook_attempts`
    expect([...attempts]).toEqual([{ outcome: "delivered" }])
    const runs = await database.db<{ attempts: number }[]>`select distinct attempts from slotbase.handler_history`
    expect([...runs]).toEqual([{ attempts: 1 }])
    expect(await second.end("SIGINT")).toBe(0)
    await receiver.stop()
  },
  { timeout: 60_000 },
)
