// Every limit of a socket: silence, sockets, channels, frames, size, and a client that does not read.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { LiveLimits } from "#outbound/live/limits.ts"
import { Strangers } from "#outbound/live/strangers.ts"
import { aClub, aMember, type Club } from "#test/harness/club/club.ts"
import { handshake, masked } from "#test/harness/outside/raw-socket.ts"
import { type LiveServer, liveServer } from "#test/harness/pipeline/live.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

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

test("a socket without a token is closed with 4401", async () => {
  const server = await serve({ authMs: 20 })
  const client = await server.connect()
  expect(await client.closed).toEqual({ code: 4401, reason: "authentication timed out" })
})

test("the sockets of a person are limited, and the next one is closed with 4429", async () => {
  const server = await serve({ socketsPerUser: 2 })
  const clients = [
    await server.connect({ token: club.player.token }),
    await server.connect({ token: club.player.token }),
  ]
  const third = await server.connect()
  third.send({ type: "auth", token: club.player.token })
  expect(await third.closed).toMatchObject({ code: 4429 })
  const other = await server.connect({ token: club.friend.token })
  for (const client of [...clients, other]) client.close()
})

test("the sockets without a token are limited, and the oldest of them gives way with 4429", async () => {
  const server = await serve({ strangers: 2 })
  const silent = [await server.connect(), await server.connect()]
  const honest = await server.connect()
  expect(await silent[0]?.closed).toEqual({ code: 4429, reason: "too many sockets without a token" })
  honest.send({ type: "auth", token: club.player.token })
  await honest.next("ready")
  // The honest one has left the room, so the next one fits.
  const next = await server.connect()
  next.send({ type: "auth", token: club.friend.token })
  await next.next("ready")
  expect(server.sockets()).toBe(3)
  for (const client of [silent[1], honest, next]) client?.close()
})

test("a token in the handshake is looked at first: a room full of strangers keeps no member out", async () => {
  const server = await serve({ strangers: 1, strangersOfAddress: 1 })
  const silent = await server.connect()
  const members = await Promise.all(
    [club.player, club.friend, club.staff].map(({ token }) => server.connect({ token })),
  )
  expect(server.sockets()).toBe(4)
  for (const client of [silent, ...members]) client.close()
})

test("an address has a share of the strangers' room, and its own oldest socket gives way", () => {
  const room = new Strangers<{ share: string; name: string }>({ strangers: 4, strangersOfAddress: 2 })
  const socket = (name: string) => ({ share: name.slice(0, 1), name })
  const [a1, a2, a3, b1, b2, c1] = ["a1", "a2", "a3", "b1", "b2", "c1"].map(socket)
  if (!a1 || !a2 || !a3 || !b1 || !b2 || !c1) throw new Error("six sockets were made")
  expect([b1, a1, a2, a3].map((each) => room.add(each)?.name)).toEqual([undefined, undefined, undefined, "a1"])
  expect([b2, c1].map((each) => room.add(each)?.name)).toEqual([undefined, "b1"])
  for (const each of [a2, a3, a1]) room.remove(each)
  expect([a1, a2].map((each) => room.add(each)?.name)).toEqual([undefined, undefined])
  expect(room.add(a3)?.name).toBe("a1")
})

test("a closed socket frees its place, authenticated or not, and authenticating twice takes one place", async () => {
  const server = await serve({ socketsPerUser: 1, strangers: 1 })
  for (let round = 0; round < 3; round++) {
    const known = await server.connect({ token: club.player.token })
    known.send({ type: "auth", token: club.player.token })
    await known.next("ready")
    const stranger = await server.connect()
    for (const client of [known, stranger]) client.close()
    await Promise.all([known.closed, stranger.closed])
    await eventually(() => expect(server.live.isEmpty).toBe(true))
  }
})

test("the channels of a socket are limited; the next is refused, and the others continue", async () => {
  const server = await serve({ subscriptionsPerSocket: 2 })
  const client = await server.connect({ token: club.staff.token })
  await client.subscribe(`facility:${club.id}:bookings`)
  await client.subscribe(`facility:${club.id}:check-ins`)
  await client.subscribe(`facility:${club.id}:bookings`)
  const third = `facility:${club.id}:availability`
  client.send({ type: "subscribe", channel: third })
  expect(await client.next()).toMatchObject({ type: "error", code: "too_many", channel: third })
  client.send({ type: "unsubscribe", channel: `facility:${club.id}:bookings` })
  await client.next("unsubscribed")
  await client.subscribe(third)
  client.close()
})

test("too many frames close with 4429", async () => {
  const server = await serve({ framesAtOnce: 5, framesPerSecond: 1 })
  const client = await server.connect({ token: club.player.token })
  for (let each = 0; each < 6; each++) client.send({ type: "ping" })
  expect(await client.closed).toEqual({ code: 4429, reason: "too many frames" })
})

const tooBig = { code: 1009, reason: "the frame is too big" }

test("a frame of 4 KiB is read, and a frame with one byte more closes with 1009", async () => {
  const server = await serve({})
  const client = await server.connect({ token: club.player.token })
  client.send("x".repeat(4_096))
  expect(await client.next()).toMatchObject({ type: "error", code: "bad_frame" })
  client.send(new Uint8Array(4_096))
  expect(await client.next()).toMatchObject({ type: "error", code: "bad_frame" })
  client.send("x".repeat(4_097))
  expect(await client.closed).toEqual(tooBig)
  await eventually(() => expect(server.live.isEmpty).toBe(true))
})

test.each([
  ["a text", () => "x".repeat(10_000)],
  ["a text whose letters have two bytes each", () => "ä".repeat(2_049)],
  ["bytes", () => new Uint8Array(10_000)],
  ["a token before the caller is known", () => JSON.stringify({ type: "auth", token: "x".repeat(10_000) })],
  ["the biggest frame that is read to its end", () => "x".repeat(64 * 1_024)],
])("a frame that is too big closes with 1009, when it is %s", async (_, frame) => {
  const server = await serve({})
  const client = await server.connect()
  client.send(frame())
  expect(await client.closed).toEqual(tooBig)
})

test.each([64 * 1_024 + 1, 1_024 * 1_024])("Bun itself closes with 1009 at a frame of %d bytes", async (bytes) => {
  const server = await serve({})
  const client = await server.connect({ token: club.player.token })
  client.send("x".repeat(bytes))
  expect((await client.closed).code).toBe(1009)
  await eventually(() => expect(server.live.isEmpty).toBe(true))
})

test("a message in small parts, and one that announces more than it ever sends, close with 1009 too", async () => {
  const server = await serve({})
  const parts = await handshake(server.url, ["slotbase.v1"])
  const [textAndMore, more, last] = [0x01, 0x00, 0x80]
  for (const first of [textAndMore, more, more, more, last]) parts.write(masked("x".repeat(1_000), first))
  expect(await parts.closeCode()).toBe(1009)
  const announced = await handshake(server.url, ["slotbase.v1"])
  announced.write(masked("x".repeat(100_000)).subarray(0, 100))
  expect(await announced.closeCode()).toBe(1009)
  for (const each of [parts, announced]) each.end()
  await eventually(() => expect(server.live.isEmpty).toBe(true))
})

test("frames behind one that is too big change nothing: all of many sockets see 1009", async () => {
  const server = await serve({})
  const clients = await Promise.all(Array.from({ length: 40 }, () => server.connect()))
  for (const client of clients) for (let n = 0; n < 5; n++) client.send("x".repeat(60_000))
  expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual(clients.map(() => tooBig))
})

test("a client that does not read is closed, never misses a frame in between, and delays no other client", async () => {
  const server = await serve({})
  const channel = `facility:${club.id}:availability`
  const reader = await server.connect({ token: club.player.token })
  await reader.subscribe(channel)
  const slow = await handshake(server.url, ["slotbase.v1", `bearer.${club.friend.token}`])
  slow.send({ type: "subscribe", channel })
  await slow.next("subscribed")
  slow.stopReading()

  const payload = { resourceId: club.court, date: "2026-03-12", slots: "x".repeat(60_000) as never }
  let sent = 0
  await eventually(
    () => {
      for (let each = 0; each < 10; each++) {
        const position = (server.live.position ?? 0) + 1
        const frame = { type: "availability.changed", channel, position, eventId: club.id, payload } as const
        server.live.advance([frame], position)
        sent++
      }
      expect(server.sockets()).toBe(1)
    },
    { withinMs: 10_000 },
  )
  const frames = await reader.drain()
  expect(frames.length).toBe(sent)
  reader.close()
  slow.end()
})

test("closeAll announces the restart to every socket, and refuses new ones with 4009", async () => {
  const server = await serve({})
  const clients = [await server.connect({ token: club.player.token }), await server.connect()]
  server.live.closeAll()
  for (const client of clients) expect(await client.closed).toEqual({ code: 4009, reason: "restarting" })
  const late = await server.connect()
  expect(await late.closed).toMatchObject({ code: 4009 })
})

test("many people at once, each on their own channel, receive only their own frames", async () => {
  const server = await serve({})
  const people = await Promise.all(Array.from({ length: 20 }, () => aMember(database.db, "player", club.id)))
  const clients = await Promise.all(people.map(({ token }) => server.connect({ token })))
  await Promise.all(clients.map((client, n) => client.subscribe(`user:${people[n]?.id}:feedback`)))
  const position = (server.live.position ?? 0) + 1
  const channel = `user:${people[7]?.id}:feedback`
  server.live.advance([{ type: "feedback.new", channel, position, eventId: club.id, payload: {} }], position)
  const heard = await Promise.all(clients.map((client) => client.drain()))
  expect(heard.map((frames) => frames.length)).toEqual(people.map((_, n) => (n === 7 ? 1 : 0)))
  for (const client of clients) client.close()
})

async function serve(limits: Partial<LiveLimits>): Promise<LiveServer> {
  const server = await liveServer(database.db, limits)
  servers.push(server)
  return server
}
