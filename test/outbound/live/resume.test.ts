// Resuming from a position: no frame is missed, no partial replay is sent, and a client that missed too much gets a
// resync.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { broadcastOnce } from "#actors/live/broadcaster.ts"
import { record } from "#events/outbox.ts"
import { aCheckIn, aClub, type Club, run } from "#test/harness/club/club.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"
import { type LiveClient, type LiveServer, liveServer } from "#test/harness/pipeline/live.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let server: LiveServer
let club: Club
let hour = 0

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  server = await liveServer(database.db)
  // A client needs a position to resume from.
  await bookings(1)
  await server.pass()
})
afterAll(async () => {
  await server.stop()
  await database.drop()
})

test("frames that were missed come after subscribed, in order, each with its position", async () => {
  const channel = `user:${club.player.id}:bookings`
  const before = String(server.live.position)
  const [first, second] = await bookings(2)
  await club.cancel(first ?? "")
  await server.pass()

  const client = await server.connect({ token: club.player.token })
  const subscribed = await client.subscribe(channel, before)
  expect(subscribed).toMatchObject({ position: String(server.live.position), replayed: 3 })
  const frames = await client.drain()
  expect(frames.map(({ payload }) => [payload.bookingId, payload.status])).toEqual([
    [first, "confirmed"],
    [second, "confirmed"],
    [first, "cancelled"],
  ])
  const positions = frames.map(({ position }) => Number(position))
  expect(positions).toEqual([Number(before) + 1, Number(before) + 2, Number(before) + 3])
  client.close()
})

test("without a position, and with the last one, nothing is replayed", async () => {
  const client = await server.connect({ token: club.player.token })
  const channel = `user:${club.player.id}:bookings`
  expect(await client.subscribe(channel)).toMatchObject({ replayed: 0, position: String(server.live.position) })
  expect(await client.subscribe(channel, String(server.live.position))).toMatchObject({ replayed: 0 })
  expect(await client.drain()).toEqual([])
  client.close()
})

test("missed availability comes with the present slots, once per day and resource", async () => {
  const before = String(server.live.position)
  const at = hour
  const [first] = await bookings(3)
  await club.cancel(first ?? "")
  await server.pass()
  const client = await server.connect({ token: club.player.token })
  const days = new Set([0, 1, 2].map((each) => dayOf(at + each)))
  expect(await client.subscribe(`resource:${club.court}:availability`, before)).toMatchObject({ replayed: days.size })
  const frames = await client.drain()
  expect(frames.map(({ payload }) => payload.date).sort()).toEqual([...days].sort())
  const slots = frames.flatMap(({ payload }) => payload.slots as { startAt: string; status: string }[])
  const statuses = [0, 1, 2].map((each) => slots.find((slot) => slot.startAt === atHour(at + each).startAt)?.status)
  expect(statuses).toEqual(["free", "booked", "booked"])
  client.close()
})

test("a channel's replay holds nothing of other channels", async () => {
  const before = String(server.live.position)
  await bookings(1)
  await server.pass()
  const client = await server.connect({ token: club.staff.token })
  expect(await client.subscribe(`resource:${club.otherCourt}:availability`, before)).toMatchObject({ replayed: 0 })
  expect(await client.subscribe(`facility:${club.id}:check-ins`, before)).toMatchObject({ replayed: 0 })
  expect(await client.subscribe(`user:${club.staff.id}:bookings`, before)).toMatchObject({ replayed: 0 })
  expect(await client.subscribe(`facility:${club.id}:bookings`, before)).toMatchObject({ replayed: 1 })
  client.close()
})

test("a position that is older than the log, or of another log, is answered with resync, and the channel stays open", async () => {
  const client = await server.connect({ token: club.staff.token })
  const channel = `facility:${club.id}:bookings`
  const here = server.live.position ?? 0
  await client.subscribe(channel, String(here + 1_000))
  expect(await client.next()).toEqual({ type: "resync", channel, ...server.place(here) } as never)

  await database.db`delete from slotbase.event_positions where position = 1`
  expect(await client.subscribe(channel, "0")).toMatchObject({ replayed: 0 })
  expect(await client.next()).toMatchObject({ type: "resync", channel })
  expect(await client.subscribe(channel, "1")).toMatchObject({ replayed: expect.any(Number) })
  expect((await client.drain()).some(({ type }) => type === "resync")).toBe(false)

  await bookings(1)
  await server.pass()
  expect((await client.drain()).map(({ type }) => type)).toEqual(["booking.update"])
  client.close()
})

test("a client whose replay is under way while the log is lost gets a resync", async () => {
  const { live } = server
  const before = String(live.position)
  await bookings(1)
  await server.pass()
  const client = await server.connect({ token: club.staff.token })
  const channel = `facility:${club.id}:bookings`
  const replaying = live.replaying.bind(live)
  live.replaying = async (read) => {
    const missed = await replaying(read)
    live.resyncAll(live.position ?? 0)
    return missed
  }
  try {
    expect(await client.subscribe(channel, before)).toMatchObject({ replayed: 0 })
    expect(await client.next()).toMatchObject({ type: "resync", channel })
  } finally {
    live.replaying = replaying
  }
  client.close()
})

test("opening hours that changed in between cause a resync of availability", async () => {
  const before = String(server.live.position)
  await run(database.db, async (tx) => {
    const data = { facilityId: club.id, changedSettings: ["openingHours"], changedBy: club.admin.id }
    record(tx, { type: "facility.settings_updated", facilityId: club.id, data })
  })
  await server.pass()
  const client = await server.connect({ token: club.player.token })
  await client.subscribe(`facility:${club.id}:availability`, before)
  expect((await client.drain()).map(({ type }) => type)).toEqual(["resync"])
  client.close()
})

test("a socket that subscribes in the middle of a batch receives the batch once", async () => {
  const channel = `facility:${club.id}:availability`
  const watcher = await server.connect({ token: club.player.token })
  await bookings(1)
  await dispatchAll(database.db)
  const [subscribed] = await Promise.all([watcher.subscribe(channel), broadcastOnce(database.db, server.live)])
  const frames = await watcher.drain()
  const told = frames.length + (Number(subscribed.position) >= (server.live.position ?? 0) ? 1 : 0)
  expect(told).toBe(1)
  watcher.close()
})

test("clients that come and go under concurrent publishing miss nothing and keep the order", async () => {
  const channel = `facility:${club.id}:check-ins`
  const start = server.live.position ?? 0
  const rounds = 40
  let publishing = true
  const publish = async () => {
    for (let round = 0; round < rounds; round++) {
      await run(database.db, async (tx) => {
        for (let each = 0; each < 5; each++) record(tx, aCheckIn(club))
      })
      await server.pass()
    }
    publishing = false
  }
  const follow = async (): Promise<number[]> => {
    const seen: number[] = []
    let last = String(start)
    while (publishing || Number(last) < (server.live.position ?? 0)) {
      const client: LiveClient = await server.connect({ token: club.staff.token })
      await client.subscribe(channel, last)
      const frames = await client.drain()
      client.close()
      for (const { position } of frames) {
        seen.push(Number(position))
        last = position
      }
    }
    return seen
  }
  const [, ...seen] = await Promise.all([publish(), follow(), follow(), follow()])
  const all = Array.from({ length: rounds * 5 }, (_, index) => start + 1 + index)
  for (const each of seen) expect(each).toEqual(all)
})

/** Books the next hours on the first court; returns the ids. */
async function bookings(count: number): Promise<string[]> {
  const ids: string[] = []
  for (let each = 0; each < count; each++) ids.push((await club.book(club.court, hour++)).id)
  return ids
}
