// Following the log: from its end, without a gap, in every process, and without work while there are no sockets.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { broadcastOnce } from "#actors/live/broadcaster.ts"
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
  expect(await broadcastOnce(db, live)).toEqual({ more: false })
  expect(live.position).toBe(3)
  await checkIns(2)
  expect(await broadcastOnce(db, live)).toEqual({ more: false })
  expect(live.position).toBe(5)
  live.closeAll()
})

test("every server process publishes to its own clients", async () => {
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

test("a backlog is published in batches, in order and without a gap", async () => {
  const { db } = database
  const server = await serve()
  const client = await server.connect({ token: club.staff.token })
  await client.subscribe(`facility:${club.id}:check-ins`)
  const start = server.live.position ?? 0
  await checkIns(1_200)
  expect(await broadcastOnce(db, server.live)).toEqual({ more: true })
  expect(server.live.position).toBe(start + 500)
  expect(await broadcastOnce(db, server.live)).toEqual({ more: true })
  expect(await broadcastOnce(db, server.live)).toEqual({ more: false })
  const positions = (await client.drain()).map(({ position }) => Number(position))
  expect(positions).toEqual(Array.from({ length: 1_200 }, (_, index) => start + 1 + index))
  client.close()
})

test("when retention was quicker than a process, its sockets are asked to resync", async () => {
  const { db } = database
  const server = await serve()
  const client = await server.connect({ token: club.staff.token })
  const channel = `facility:${club.id}:check-ins`
  await client.subscribe(channel)
  const start = server.live.position ?? 0
  await checkIns(4)
  await db`delete from slotbase.event_positions where position <= ${start + 2}`
  await server.pass()
  expect(await client.drain()).toEqual([{ type: "resync", channel, ...server.place(start + 4) }] as never)
  client.close()
})

test("a pass that fails is done again from where the process stood", async () => {
  const server = await serve()
  const client = await server.connect({ token: club.staff.token })
  await client.subscribe(`facility:${club.id}:check-ins`)
  await checkIns(1)
  const nowhere = connect("postgres://nobody@127.0.0.1:1/nothing", { applicationName: "slotbase test" })
  await expect(broadcastOnce(nowhere, server.live)).rejects.toThrow()
  await nowhere.end()
  await server.pass()
  expect(await client.drain()).toHaveLength(1)
  client.close()
})

test("a pass that fails after it has published the events does not publish them again", async () => {
  const { db } = database
  const server = await serve()
  const client = await server.connect({ token: club.staff.token })
  await client.subscribe(`facility:${club.id}:bookings`)
  await client.subscribe(`facility:${club.id}:availability`)
  await club.book(club.court, 40)
  await dispatchAll(db)
  await expect(broadcastOnce(withTheLogAlone(db), server.live)).rejects.toThrow("the database is away")
  expect((await client.drain()).map(({ type }) => type)).toEqual(["booking.update"])
  await server.pass()
  expect((await client.drain()).map(({ type }) => type)).toEqual(["availability.changed"])
  client.close()
})

test("slots requested while other slots are read are published in the order of the log", async () => {
  const { db } = database
  const start = (await serve()).live.position ?? 0
  await club.book(club.court, 50)
  await club.book(club.otherCourt, 50)
  await dispatchAll(db)
  const published: number[] = []
  let wantsTheFirst = false
  const live = {
    position: start,
    isEmpty: false,
    advanceEvents: () => {},
    advance: (frames: readonly Frame[]) => void published.push(...frames.map(({ position }) => position)),
    hasSubscribers: (channel: string) => {
      // From the next pass on: it comes after the slots of the second booking have been read.
      queueMicrotask(() => {
        wantsTheFirst = true
      })
      return channel.includes(club.otherCourt) || (wantsTheFirst && channel.includes(club.court))
    },
  }
  await broadcastOnce(db, live as unknown as Live)
  expect(published).toEqual(published.toSorted((a, b) => a - b))
  expect(new Set(published)).toEqual(new Set([start + 1, start + 2]))
})

test("two passes at once, as after one that was given up, publish everything once and in order", async () => {
  const { db } = database
  const server = await serve()
  const client = await server.connect({ token: club.staff.token })
  await client.subscribe(`facility:${club.id}:check-ins`)
  await client.subscribe(`facility:${club.id}:availability`)
  const start = server.live.position ?? 0
  await checkIns(30)
  await club.book(club.court, 1)
  await dispatchAll(db)
  await Promise.all([broadcastOnce(db, server.live), broadcastOnce(db, server.live), broadcastOnce(db, server.live)])
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
