// Following the log: from where it stood, all of it, for every process, and without work for nobody.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { broadcast } from "#actors/live/broadcaster.ts"
import { connect, type Db } from "#base/database/db.ts"
import { record } from "#events/outbox.ts"
import type { Frame } from "#outbound/live/frames.ts"
import { Live } from "#outbound/live/live.ts"
import { aCheckIn, aClub, type Club, run } from "#test/harness/club/club.ts"
import { type LiveServer, liveServer } from "#test/harness/pipeline/live.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let club: Club
const servers: LiveServer[] = []

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
})
afterAll(async () => {
  for (const server of servers) await server.stop()
  await database.drop()
})

test("the first pass notes the end of the log; without sockets later ones only follow it", async () => {
  const { db } = database
  await checkIns(3)
  const live = new Live(db)
  expect(live.position).toBeUndefined()
  expect(await broadcast(db, live)).toEqual({ more: false })
  expect(live.position).toBe(3)
  await checkIns(2)
  expect(await broadcast(db, live)).toEqual({ more: false })
  expect(live.position).toBe(5)
  live.closeAll()
})

test("every server process tells its own clients", async () => {
  const servers = [await serve(), await serve()]
  const clients = await Promise.all(servers.map((server) => server.connect({ token: club.staff.token })))
  const channel = `facility:${club.id}:check-ins`
  for (const client of clients) await client.subscribe(channel)
  await checkIns(2)
  for (const server of servers) await server.pass()
  const heard = await Promise.all(clients.map((client) => client.drain()))
  expect(heard[0]?.map(({ position }) => position)).toEqual(["6", "7"])
  expect(heard[1]).toEqual(heard[0] ?? [])
  for (const client of clients) client.close()
})

test("a backlog is told in batches, in order and without a gap", async () => {
  const { db } = database
  const server = await serve()
  const client = await server.connect({ token: club.staff.token })
  await client.subscribe(`facility:${club.id}:check-ins`)
  const start = server.live.position ?? 0
  await checkIns(1_200)
  expect(await broadcast(db, server.live)).toEqual({ more: true })
  expect(server.live.position).toBe(start + 500)
  expect(await broadcast(db, server.live)).toEqual({ more: true })
  expect(await broadcast(db, server.live)).toEqual({ more: false })
  const positions = (await client.drain()).map(({ position }) => Number(position))
  expect(positions).toEqual(Array.from({ length: 1_200 }, (_, index) => start + 1 + index))
  client.close()
})

test("when retention was quicker than a process, its sockets are told to refetch", async () => {
  const { db } = database
  const server = await serve()
  const client = await server.connect({ token: club.staff.token })
  const channel = `facility:${club.id}:check-ins`
  await client.subscribe(channel)
  const start = server.live.position ?? 0
  await checkIns(4)
  await db`delete from slotbase.event_positions where position <= ${start + 2}`
  await server.pass()
  expect(await client.drain()).toEqual([{ type: "resync", channel, position: String(start + 4) }] as never)
  client.close()
})

test("a pass that fails is done again from where the process stood", async () => {
  const server = await serve()
  const client = await server.connect({ token: club.staff.token })
  await client.subscribe(`facility:${club.id}:check-ins`)
  await checkIns(1)
  const nowhere = connect("postgres://nobody@127.0.0.1:1/nothing", { applicationName: "slotbase test" })
  await expect(broadcast(nowhere, server.live)).rejects.toThrow()
  await nowhere.end()
  await server.pass()
  expect(await client.drain()).toHaveLength(1)
  client.close()
})

test("a pass that fails after it has told the events tells them no second time", async () => {
  const { db } = database
  const server = await serve()
  const client = await server.connect({ token: club.staff.token })
  await client.subscribe(`facility:${club.id}:bookings`)
  await client.subscribe(`facility:${club.id}:availability`)
  await club.book(club.court, 40)
  await dispatchAll(db)
  await expect(broadcast(withTheLogAlone(db), server.live)).rejects.toThrow("the database is away")
  expect((await client.drain()).map(({ type }) => type)).toEqual(["booking.update"])
  await server.pass()
  expect((await client.drain()).map(({ type }) => type)).toEqual(["availability.changed"])
  client.close()
})

test("slots that somebody asks for while others are read are told in the order of the log", async () => {
  const { db } = database
  const start = (await serve()).live.position ?? 0
  await club.book(club.court, 50)
  await club.book(club.otherCourt, 50)
  await dispatchAll(db)
  const told: number[] = []
  let askedForTheFirst = false
  const live = {
    position: start,
    isEmpty: false,
    advanceEvents: () => {},
    advance: (frames: readonly Frame[]) => void told.push(...frames.map(({ position }) => position)),
    hears: (channel: string) => {
      // From the next look on, which comes when the slots of the second booking have been read.
      queueMicrotask(() => {
        askedForTheFirst = true
      })
      return channel.includes(club.otherCourt) || (askedForTheFirst && channel.includes(club.court))
    },
  }
  await broadcast(db, live as unknown as Live)
  expect(told).toEqual(told.toSorted((a, b) => a - b))
  expect(new Set(told)).toEqual(new Set([start + 1, start + 2]))
})

test("two passes at once, as after one that was given up, tell everything once and in order", async () => {
  const { db } = database
  const server = await serve()
  const client = await server.connect({ token: club.staff.token })
  await client.subscribe(`facility:${club.id}:check-ins`)
  await client.subscribe(`facility:${club.id}:availability`)
  const start = server.live.position ?? 0
  await checkIns(30)
  await club.book(club.court, 1)
  await dispatchAll(db)
  await Promise.all([broadcast(db, server.live), broadcast(db, server.live), broadcast(db, server.live)])
  const positions = (await client.drain()).map(({ position }) => Number(position))
  expect(positions).toEqual(Array.from({ length: 31 }, (_, index) => start + 1 + index))
  client.close()
})

/** The database, which answers what is asked about the log, and is away then. */
const withTheLogAlone = (db: Db): Db =>
  new Proxy(db, {
    apply: (target, self, given) => {
      const text = String(given[0])
      if (text.includes("slotbase.") && !text.includes("slotbase.event_positions"))
        throw new Error("the database is away")
      return Reflect.apply(target, self, given)
    },
  })

async function serve(): Promise<LiveServer> {
  const server = await liveServer(database.db)
  servers.push(server)
  return server
}

async function checkIns(count: number): Promise<void> {
  await run(database.db, async (tx) => {
    for (let each = 0; each < count; each++) record(tx, aCheckIn(club))
  })
  await dispatchAll(database.db)
}
