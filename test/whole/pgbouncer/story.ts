// The whole program behind PgBouncer: bookings, events and webhooks, and doctor knows what is pooled.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { clientOf, makeClub } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { settled } from "#test/harness/promises/promises.ts"
import { slotbaseWith } from "#test/harness/setup/command-line.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type PgBouncer, startPgBouncer } from "#test/harness/setup/pgbouncer.ts"
import { spawnSystem, startSystem } from "#test/harness/setup/system.ts"

let database: TestDatabase
let bouncer: PgBouncer | undefined
beforeAll(async () => {
  database = await testDatabase()
})
afterEach(() => bouncer?.stop())
afterAll(() => database.drop())

const modes = [
  { mode: "transaction", listen: true, says: "PgBouncer pools transactions; notifications come from" },
  { mode: "session", listen: false, says: "PgBouncer pools sessions" },
] as const

for (const { mode, listen, says } of modes)
  test(
    `by a pool of ${mode}s sixty bookings reach a webhook, by hints`,
    async () => {
      bouncer = await startPgBouncer(database.url, [`pool_mode = ${mode}`, "default_pool_size = 40"])
      const env: Record<string, string> = listen ? { SLOTBASE_LISTEN_URL: database.url } : {}
      const receiver = startReceiver()
      const server = await startSystem({ url: bouncer.url, role: "server", env })
      const actors = await startSystem({ url: bouncer.url, role: "actors", env })
      const client = clientOf(server.address)
      const club = await makeClub(client, { courts: 4 })
      await client.post(`${club.at}/webhooks`, {
        name: "all",
        url: receiver.url,
        authType: "none",
        events: ["booking.confirmed"],
      })
      const bookings = await Promise.all(
        Array.from({ length: 60 }, (_, nth) =>
          client.post(`${club.at}/bookings`, {
            resourceId: club.resourceIds[nth % 4],
            bookerId: club.bookerId,
            paymentMethod: "waived",
            ...atHour(Math.floor(nth / 4)),
          }),
        ),
      )
      expect(bookings.map(({ status }) => status)).toEqual(bookings.map(() => 201))
      await eventually(
        () => expect(new Set(receiver.received.map(({ headers }) => headers.get("x-slotbase-event-id"))).size).toBe(60),
        { withinMs: 20_000 },
      )
      await settled(database.db, 20_000)
      const doctor = await slotbaseWith(
        { DATABASE_URL: bouncer.url, PORT: new URL(server.address).port, ...env },
        "doctor",
      )
      expect(doctor.output).toContain(says)
      for (const system of [server, actors]) {
        expect(system.output()).toContain("PgBouncer passes no settings on, so the role must have them: alter role")
        expect(system.output()).not.toContain("part restarting")
        expect(await system.end()).toBe(0)
      }
      await receiver.stop()
    },
    { timeout: 120_000 },
  )

test(
  "without an address for notifications a pool of transactions is refused in one sentence",
  async () => {
    bouncer = await startPgBouncer(database.url, ["pool_mode = transaction"])
    const system = spawnSystem({ url: bouncer.url, env: { PORT: "0" } })
    expect(await system.exited).toBe(2)
    expect(system.output().trim()).toBe(
      "PgBouncer pools transactions, and notifications do not pass it: set SLOTBASE_LISTEN_URL to the address of PostgreSQL itself.",
    )
  },
  { timeout: 60_000 },
)
