// Fewer connections than a pool asks for mean waiting, not failing: by the limit of a role, of a database, and by none.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { isUnsent, troubleOf } from "#base/database/errors.ts"
import { connectionsPart } from "#base/database/given-connections.ts"
import { openOnce } from "#base/database/open-once.ts"
import { parts } from "#base/parts.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type LimitedDatabase, limitedDatabase } from "#test/harness/setup/limited.ts"

let limited: LimitedDatabase
beforeAll(async () => {
  limited = await limitedDatabase("migrated")
})
beforeEach(async () => {
  parts.forget(connectionsPart)
  await Promise.all([limited.limitRole(-1), limited.limitDatabase(-1)])
})
afterAll(() => limited.drop())

const opened: Db[] = []
function open(max: number, name = "slotbase limited", more = {}): Db {
  const db = connect(limited.url, { max, applicationName: name, ...more })
  opened.push(db)
  return db
}
/** The next test finds all connections free. */
afterEach(async () => {
  await Promise.all(opened.splice(0).map((db) => db.end()))
  await eventually(async () => {
    const [row] = await limited.database.db<[{ count: number }]>`
      select count(*)::integer as count from pg_stat_activity where usename = ${limited.role}`
    expect(row.count).toBe(0)
  })
})

async function connectionsOf(name: string): Promise<number> {
  const [row] = await limited.database.db<[{ count: number }]>`
    select count(*)::integer as count from pg_stat_activity where application_name = ${name}`
  return row.count
}

/** The test itself holds a connection of the database, but none of the role. */
const limits = { limitRole: 4, limitDatabase: 5 }

for (const kind of ["limitRole", "limitDatabase"] as const) {
  test(`sixty transactions over four connections all commit (${kind})`, async () => {
    await limited[kind](limits[kind])
    const db = open(20)
    const work = Array.from({ length: 60 }, (_, nth) =>
      db.begin(async (tx) => (await tx<{ nth: number }[]>`select ${nth}::integer as nth, pg_sleep(0.01)`)[0]?.nth),
    )
    const done = await Promise.all(work)
    const reads = await Promise.all(Array.from({ length: 120 }, (_, nth) => db`select ${nth}::integer as nth`))
    expect(done).toEqual(Array.from({ length: 60 }, (_, nth) => nth))
    expect(reads.map(([row]) => row?.nth as number)).toEqual(Array.from({ length: 120 }, (_, nth) => nth))
    expect(await connectionsOf("slotbase limited")).toBeLessThanOrEqual(4)
    expect(parts.get(connectionsPart)).toEqual({
      part: connectionsPart,
      state: "restarting",
      // Autovacuum or the test itself may hold one more of the database's.
      reason: expect.stringMatching(
        /^PostgreSQL gives fewer connections than were asked for, so work waits for its turn: slotbase limited [34] of 20\. Raise the limit of the role, the database or the server, or set SLOTBASE_DB_POOL\.$/,
      ),
      code: "connections_refused",
      restarts: 0,
    })
    await db.end()
    expect(parts.get(connectionsPart)?.state).toBe("well")
  })
}

test("the pool grows as soon as the limit is raised, and is well then", async () => {
  await limited.limitRole(1)
  const db = open(3)
  const sleep = () => Promise.all(Array.from({ length: 6 }, () => db.begin((tx) => tx`select pg_sleep(0.05)`)))
  await sleep()
  expect(parts.get(connectionsPart)?.state).toBe("restarting")
  await limited.limitRole(-1)
  await eventually(
    async () => {
      await sleep()
      expect(parts.get(connectionsPart)?.state).toBe("well")
      expect(await connectionsOf("slotbase limited")).toBe(3)
    },
    { withinMs: 15_000 },
  )
  await db.end()
})

test("without any connection the work waits until its deadline, and it is known that nothing ran", async () => {
  await limited.limitRole(0)
  const db = open(2, "slotbase limited", { queryDeadlineMs: 2_000, transactionDeadlineMs: 2_000 })
  const [read, written] = [failure(db`select 1`), failure(db.begin((tx) => tx`select 1`))]
  for (const error of await Promise.all([read, written])) {
    expect(error).toMatchObject({ _tag: "QueryTimedOut", sent: false })
    expect([troubleOf(error), isUnsent(error)]).toEqual(["database_busy", true])
  }
  const later = db`select 1 as one`
  await limited.limitRole(-1)
  expect((await later)[0] as object).toEqual({ one: 1 })
  await db.end()
})

test("a pool without any connection gets one from the pool that has most", async () => {
  await limited.limitRole(4)
  const rich = open(4, "slotbase rich")
  await Promise.all(Array.from({ length: 4 }, () => rich.begin((tx) => tx`select pg_sleep(0.05)`)))
  expect(await connectionsOf("slotbase rich")).toBe(4)
  const poor = open(1, "slotbase poor")
  expect(await poor`select 1 as one`).toHaveLength(1)
  expect([await connectionsOf("slotbase rich"), await connectionsOf("slotbase poor")]).toEqual([3, 1])
  await Promise.all([rich.end(), poor.end()])
})

test("the last connection of a pool is not taken", async () => {
  await limited.limitRole(1)
  const one = open(1, "slotbase one")
  await one`select 1`
  const other = open(1, "slotbase other", { queryDeadlineMs: 500 })
  expect(await failure(other`select 1`)).toMatchObject({ _tag: "QueryTimedOut", sent: false })
  expect(await connectionsOf("slotbase one")).toBe(1)
  await Promise.all([one.end(), other.end()])
})

test("listening waits for a connection too", async () => {
  await limited.limitRole(1)
  const busy = open(1, "slotbase busy")
  await busy`select 1`
  const db = open(1)
  const heard = Promise.withResolvers<string>()
  const listening = db.listen("limited", heard.resolve)
  await busy.end()
  await listening
  await limited.database.db.notify("limited", "hello")
  expect(await heard.promise).toBe("hello")
  await db.end()
})

test("a connection for one piece of work, such as a migration, waits too", async () => {
  await limited.limitRole(1)
  const busy = open(1, "slotbase busy")
  await busy`select 1`
  const once = openOnce(limited.url, "slotbase once")
  const asked = once`select 1 as one`
  await eventually(() => expect(asked).toBeInstanceOf(Promise))
  await busy.end()
  expect((await asked)[0] as object).toEqual({ one: 1 })
  await once.end()
})

test("a password that is no longer right is no fault of the statement", async () => {
  const address = new URL(limited.url)
  address.password = "wrong"
  const db = connect(address.href, { applicationName: "slotbase wrong" })
  const error = await failure(db`select 1`)
  expect(error).toMatchObject({ code: "28P01", unsent: true })
  expect(troubleOf(error)).toBe("database_unavailable")
  await db.end()
})

test("a server that refuses every connection is told at once, and nothing ran", async () => {
  const address = new URL(limited.url)
  address.port = "1"
  const db = connect(address.href, { applicationName: "slotbase gone" })
  const error = await failure(db`select 1`)
  expect([troubleOf(error), isUnsent(error)]).toEqual(["database_unavailable", true])
  await db.end()
})
