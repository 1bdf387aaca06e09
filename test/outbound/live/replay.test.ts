// Long replays: page by page over the whole log, in order, and never faster than the client reads. The seam to the live
// frames has no hole and no repeat.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { EventSource } from "eventsource"
import { revokeRole } from "#domain/people/roles.ts"
import { record } from "#events/outbox.ts"
import type { LiveLimits } from "#outbound/live/limits.ts"
import { aCheckIn, aClub, aMember, type Club, run } from "#test/harness/club/club.ts"
import { type LiveServer, liveServer, type ServerFrame } from "#test/harness/pipeline/live.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let club: Club
let start: number
/** Behind `start`: so many check-ins, one after the other in the log. */
const missed = 2_600
const servers: LiveServer[] = []
/** Pages of a few events, so that short logs have many. */
const small = { replayEvents: 4, replayBytes: 900 }

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  await club.book(club.court, 1)
  const server = await serve()
  await server.pass()
  start = server.live.position ?? 0
  await checkIns(server, missed)
})
afterAll(async () => {
  for (const server of servers) await server.stop()
  await database.drop()
})

test("whoever missed thousands of events gets all of them, page by page and in order, and goes on live", async () => {
  const server = await serve()
  const client = await server.connect({ token: club.staff.token })
  const channel = `facility:${club.id}:check-ins`
  const subscribed = await client.subscribe(channel, String(start))
  expect(subscribed).toMatchObject({ replayed: 250, position: String(start + 250), more: true })
  await checkIns(server, 3)
  const frames = await client.drain()
  expect(positionsOf(frames)).toEqual(upwards(start + 1, missed + 3))
  const marks = frames.filter(({ type }) => type === "replayed")
  expect(marks.length).toBeGreaterThan(10)
  expect(marks.filter(({ more }) => more !== true)).toHaveLength(1)
  await checkIns(server, 1)
  expect(positionsOf(await client.drain())).toEqual([start + missed + 4])
  client.close()
})

test("a client of many pages under concurrent publishing misses nothing, and gets nothing twice", async () => {
  const server = await serve(small)
  const from = server.live.position ?? 0
  const channel = `facility:${club.id}:check-ins`
  const publish = async () => {
    for (let round = 0; round < 30; round++) await checkIns(server, 5)
  }
  const publishing = publish()
  const clients = await Promise.all([1, 2, 3].map(() => server.connect({ token: club.staff.token })))
  for (const client of clients) client.send({ type: "subscribe", channel, after: String(from) })
  await publishing
  for (const client of clients) {
    expect(positionsOf(await client.drain())).toEqual(upwards(from + 1, 150))
    client.close()
  }
})

test("no page is read before the client has read the one before, and whoever stops reading is closed", async () => {
  const server = await serve({ replayEvents: 100, replayWaitingBytes: 4_096, replayStallMs: 300 })
  const texts: string[] = []
  let waiting = 0
  const { promise: closed, resolve } = Promise.withResolvers<number>()
  const connection = server.live.connect(
    {
      send: (text) => {
        waiting += text.length
        return texts.push(text)
      },
      getBufferedAmount: () => waiting,
      close: resolve,
      subscribe: () => {},
      unsubscribe: () => {},
      cork: (write) => write(),
    },
    { share: "a share", token: club.staff.token },
  )
  const heard = () => texts.filter((text) => text.includes("booking.update")).length
  connection.receive({ type: "subscribe", channel: `facility:${club.id}:check-ins`, after: String(start) })
  await eventually(() => expect(heard()).toBeGreaterThan(10))
  for (let reads = 1; reads < 50; reads++) {
    // At most so much waits, however far behind the client is.
    expect(waiting).toBeLessThan(5_000)
    const before = heard()
    waiting = 0
    connection.drained()
    await eventually(() => expect(heard()).toBeGreaterThan(before))
  }
  expect(heard()).toBeLessThan(1_000)
  expect(await closed).toBe(4008)
  connection.closed()
})

test("a stream tells several channels in the order of the log, and goes on after a cut in the middle", async () => {
  const server = await serve(small)
  const from = server.live.position ?? 0
  for (let round = 0; round < 12; round++) {
    await club.book(club.court, 30 + round)
    await checkIns(server, 3)
  }
  const channels = [`facility:${club.id}:check-ins`, `facility:${club.id}:bookings`]
  const heard: { readonly id: number; readonly channel: string; readonly position: number }[] = []
  const url = `${server.url.replace("ws:", "http:")}/stream?channels=${channels.map((each) => `${each}@${from}`).join(",")}`
  let cuts = 0
  const source = new EventSource(url, {
    fetch: (to, init) =>
      fetch(to, { ...init, headers: { ...init.headers, authorization: `Bearer ${club.staff.token}` } }),
  })
  source.onmessage = ({ data, lastEventId }) => {
    const { channel, position } = JSON.parse(data) as { channel: string; position: string }
    heard.push({ id: Number(lastEventId.split("-")[0]), channel, position: Number(position) })
    if (heard.length === 20 && cuts++ === 0) for (const each of server.streams()) each.close(4009, "restarting")
  }
  const all = 12 * 3
  await eventually(() => expect(heard.filter(({ channel }) => channel === channels[0])).toHaveLength(all), {
    withinMs: 10_000,
  })
  const bookings = heard.filter(({ channel }) => channel === channels[1]).map(({ position }) => position)
  // A booking, and its frame on the second channel, comes before its three check-ins, which are on both.
  expect(bookings).toEqual(upwards(from + 1, 12 * 4))
  const positions = heard.map(({ position }) => position)
  expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  source.close()
}, 20_000)

test("a person's own channel is whole from the beginning of the log, and holds nothing of others", async () => {
  const server = await serve(small)
  const client = await server.connect({ token: club.friend.token })
  const channel = `user:${club.friend.id}:bookings`
  const booked: string[] = []
  const participants = { participants: [{ userId: club.friend.id }] }
  for (let each = 0; each < 9; each++) booked.push((await club.book(club.otherCourt, 60 + each, participants)).id)
  await server.pass()
  expect(await client.subscribe(channel, "0")).toMatchObject({ replayed: 4, more: true })
  const frames = (await client.drain()).filter(({ type }) => type === "booking.update")
  expect(frames.map(({ payload }) => payload.bookingId)).toEqual(booked)
  client.close()
})

test("availability of more days than a page takes comes whole, and each frame once", async () => {
  const server = await serve({ replayDays: 2 })
  const before = String(server.live.position)
  for (let day = 0; day < 7; day++) await club.book(club.court, 100 + day * 24)
  await server.pass()
  const client = await server.connect({ token: club.player.token })
  await client.subscribe(`resource:${club.court}:availability`, before)
  const frames = (await client.drain()).filter(({ type }) => type === "availability.changed")
  const days = frames.map(({ payload }) => payload.date)
  expect(new Set(days).size).toBe(7)
  expect(days).toHaveLength(7)
  client.close()
})

test("a right that ends during a replay ends the replay, and so does an unsubscribe; a newer token does not", async () => {
  const server = await serve({ replayEvents: 4 })
  const channel = `facility:${club.id}:check-ins`
  const staff = await aMember(database.db, "staff", club.id)
  const losing = await server.connect({ token: staff.token })
  await losing.subscribe(channel, String(start))
  await run(database.db, (tx) =>
    revokeRole(tx, club.admin.caller, staff.id, { role: "staff", scopeType: "facility", scopeId: club.id }),
  )
  await server.pass()
  expect(await losing.closed).toMatchObject({ code: 4403 })
  expect(losing.frames.length).toBeLessThan(missed)

  const client = await server.connect({ token: club.staff.token })
  await client.subscribe(channel, String(start))
  client.send({ type: "auth", token: club.staff.token })
  const rest: ServerFrame[] = []
  do rest.push(await client.next())
  while (rest.at(-1)?.type !== "ready")
  client.send({ type: "unsubscribe", channel })
  rest.push(...(await client.drain()))
  expect(rest.at(-1)?.type).toBe("unsubscribed")
  expect(rest.length).toBeLessThan(missed)
  await checkIns(server, 1)
  expect(await client.drain()).toEqual([])
  client.close()
})

async function serve(limits: Partial<LiveLimits> = {}): Promise<LiveServer> {
  const server = await liveServer(database.db, limits)
  servers.push(server)
  return server
}

async function checkIns(server: LiveServer, count: number): Promise<void> {
  await run(database.db, async (tx) => {
    for (let each = 0; each < count; each++) record(tx, aCheckIn(club))
  })
  await server.pass()
}

const positionsOf = (frames: readonly { readonly type: string; readonly position: string }[]) =>
  frames.filter(({ type }) => type === "booking.update").map(({ position }) => Number(position))

const upwards = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n)
