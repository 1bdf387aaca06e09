/** A whole process that PostgreSQL gives few connections: it works on them, says so, or says how many it needs. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { migrate } from "#base/database/migrate.ts"
import { clientOf, makeClub } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { slotbaseWith } from "#test/harness/setup/command-line.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type LimitedDatabase, limitedDatabase } from "#test/harness/setup/limited.ts"
import { spawnSystem, startSystem } from "#test/harness/setup/system.ts"

let limited: LimitedDatabase
beforeAll(async () => {
  limited = await limitedDatabase("empty")
  await migrate(limited.url)
}, 60_000)
afterAll(() => limited.drop())

test(
  "with the fewest connections that it needs, it starts, books and delivers, and /readyz and doctor say so",
  async () => {
    await limited.limitRole(6)
    const receiver = startReceiver()
    const system = await startSystem({ url: limited.url })
    const client = clientOf(system.address)
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
    const reads = await Promise.all(Array.from({ length: 120 }, () => client.get(`${club.at}/bookings`)))
    expect(reads.map(({ status }) => status)).toEqual(reads.map(() => 200))
    await eventually(
      () => expect(new Set(receiver.received.map(({ headers }) => headers.get("x-slotbase-event-id"))).size).toBe(60),
      { withinMs: 15_000 },
    )
    const ready = await client.get<{ status: string; parts: { part: string; state: string; reason?: string }[] }>(
      "/readyz",
    )
    const part = ready.body.parts.find((each) => each.part === "database connections")
    expect([ready.status, part?.state]).toEqual([200, "restarting"])
    expect(part?.reason).toContain("PostgreSQL gives fewer connections than were asked for")
    const port = new URL(system.address).port
    // The process takes what it needs of the new limit, and leaves room for the doctor.
    await limited.limitRole(30)
    const doctor = await slotbaseWith({ DATABASE_URL: limited.url, PORT: port }, "doctor")
    expect(doctor.output).toContain(
      "FAIL  connections    PostgreSQL allows 30 connections, and a process asks for 33: its work waits for its turn. Raise the limit of the role, or set SLOTBASE_DB_POOL",
    )
    expect(system.output()).toContain("part restarting")
    expect(system.output()).not.toContain("    at ")
    expect(await system.end()).toBe(0)
    await receiver.stop()
  },
  { timeout: 90_000 },
)

test(
  "a pool of a stated size opens no more connections",
  async () => {
    await limited.limitRole(-1)
    const system = await startSystem({ url: limited.url, role: "server", env: { SLOTBASE_DB_POOL: "2" } })
    const client = clientOf(system.address)
    await Promise.all(Array.from({ length: 30 }, () => client.get("/v1/organizations")))
    const [row] = await limited.database.db<[{ count: number }]>`
    select count(*)::integer as count from pg_stat_activity where application_name = 'slotbase server'
      and usename = ${limited.role}`
    expect(row.count).toBe(2)
    expect(await system.end()).toBe(0)
  },
  { timeout: 60_000 },
)

test(
  "with too few it ends, and says in one sentence how many it needs",
  async () => {
    await limited.limitRole(3)
    const system = spawnSystem({ url: limited.url, env: { PORT: "0", SLOTBASE_LOG_LEVEL: "error" } })
    expect(await system.exited).toBe(2)
    expect(system.output().trim().split("\n")).toEqual([
      "PostgreSQL gives this process only 3 connections, and it needs 6 at least: raise the limit of the role, the database or the server, or end other sessions.",
    ])
    await limited.limitRole(0)
    const none = spawnSystem({ url: limited.url, env: { PORT: "0", SLOTBASE_LOG_LEVEL: "error" } })
    expect(await none.exited).toBe(2)
    expect(none.output().trim().split("\n")).toEqual([
      `The database ${new URL(limited.url).pathname.slice(1)} on ${new URL(limited.url).host} has no connection for one more session (too many connections for role "${limited.role}"); a process needs 6 at least. Start it, or correct DATABASE_URL; without DATABASE_URL an embedded one is used.`,
    ])
  },
  { timeout: 90_000 },
)
