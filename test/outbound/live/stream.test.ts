// The frames of channels by Server-Sent Events, read with two public clients: `eventsource` and `eventsource-client`.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { Elysia } from "elysia"
import { EventSource } from "eventsource"
import { createEventSource } from "eventsource-client"
import { startPhase } from "#base/start-phase.ts"
import { record } from "#events/outbox.ts"
import { untilStarted } from "#http/until-started.ts"
import { aCheckIn, aClub, type Club, run } from "#test/harness/club/club.ts"
import { type LiveServer, liveServer } from "#test/harness/pipeline/live.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let server: LiveServer
let club: Club
let hour = 0
const ends: (() => void)[] = []

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  server = await liveServer(database.db)
})
afterEach(() => {
  for (const end of ends.splice(0)) end()
})
afterAll(async () => {
  await server.stop()
  await database.drop()
})

test("an event source hears what a socket hears, with the place as id", async () => {
  const channels = [`facility:${club.id}:bookings`, `resource:${club.court}:availability`]
  const socket = await server.connect({ token: club.staff.token })
  for (const channel of channels) await socket.subscribe(channel)
  const source = open(channels, club.staff.token)
  await eventually(() => expect(source.places).toHaveLength(1))
  await club.book(club.court, hour++)
  await server.pass()
  await eventually(() => expect(source.frames).toHaveLength(2))
  expect(source.frames.map(({ frame }) => frame)).toEqual(
    (await socket.drain()).toSorted(byChannel(source.frames)) as never,
  )
  const { position, epoch } = server.place()
  expect(source.frames.map(({ id }) => id)).toEqual([source.places[0] ?? "", `${position}-${epoch}`])
  socket.close()
})

test("a stream that ends in the middle goes on behind its last id, without a hole and without a repeat", async () => {
  const channel = `facility:${club.id}:check-ins`
  const source = open([channel], club.staff.token)
  await eventually(() => expect(source.places).toHaveLength(1))
  const from = server.live.position ?? 0
  for (let round = 0; round < 2; round++) {
    await checkIns(5)
    await eventually(() => expect(source.frames).toHaveLength((round + 1) * 5))
    // What is recorded while nobody listens comes with the reconnection.
    for (const connection of server.streams()) connection.close(4009, "restarting")
  }
  expect(source.frames.map(({ frame }) => Number(frame.position))).toEqual(
    Array.from({ length: 10 }, (_, n) => from + 1 + n),
  )
}, 20_000)

test("eventsource-client comes back too, with its last id", async () => {
  const channel = `facility:${club.id}:check-ins`
  const heard: string[] = []
  const ids: (string | undefined)[] = []
  const client = createEventSource({
    url: streamUrl([channel]),
    headers: { authorization: `Bearer ${club.staff.token}` },
    onMessage: ({ event, data, id }) => {
      if (event === undefined) heard.push((JSON.parse(data) as { position: string }).position)
      ids.push(id)
    },
  })
  ends.push(() => client.close())
  await eventually(() => expect(ids.filter((id) => id !== undefined)).toHaveLength(1))
  const from = server.live.position ?? 0
  await checkIns(2)
  await eventually(() => expect(heard).toHaveLength(2))
  for (const connection of server.streams()) connection.close(4009, "restarting")
  await checkIns(2)
  await eventually(() => expect(heard).toHaveLength(4), { withinMs: 10_000 })
  expect(heard.map(Number)).toEqual([1, 2, 3, 4].map((n) => from + n))
}, 20_000)

test("a process that starts answers 200 and lets the clients come back; a 503 would end them", async () => {
  const starting = new Elysia()
    .use(untilStarted())
    .get("/v1/live/stream", () => new Response("data: hello\n\n", { headers: { "content-type": "text/event-stream" } }))
  starting.listen({ port: 0, hostname: "127.0.0.1" })
  startPhase.begin("The process is still starting.")
  try {
    const url = `http://127.0.0.1:${starting.server?.port}/v1/live/stream`
    const said: string[] = []
    const source = new EventSource(url)
    ends.push(() => source.close())
    source.onmessage = ({ data }) => said.push(data)
    const client = createEventSource({ url, onMessage: ({ data }) => void said.push(data) })
    ends.push(() => client.close())
    await eventually(() => expect([source.readyState, client.readyState]).toEqual([EventSource.OPEN, "open"]))
    startPhase.over()
    await eventually(() => expect(new Set(said)).toEqual(new Set(["hello"])), { withinMs: 5_000 })
    expect(source.readyState).not.toBe(EventSource.CLOSED)
  } finally {
    startPhase.over()
    await starting.stop(true)
  }
}, 10_000)

test("a wrong token is a 401, no allowed channel a 403, and both end an event source for good", async () => {
  const status = async (channels: string[], token?: string) => {
    const answer = await fetch(
      streamUrl(channels),
      token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
    )
    await answer.body?.cancel()
    return answer.status
  }
  const bookings = `facility:${club.id}:bookings`
  expect(await status([bookings], "sbs_wrong")).toBe(401)
  expect(await status([bookings], club.player.token)).toBe(403)
  expect(await status([bookings])).toBe(403)
  expect(await status(["", ""], club.player.token)).toBe(422)
  const source = open([bookings], club.player.token)
  await eventually(() => expect(source.source.readyState).toBe(EventSource.CLOSED))
  await eventually(() => expect(server.live.isEmpty).toBe(true))
})

test("while the database does not answer, a stream is not refused, so that the client comes back", async () => {
  const { live } = server
  const replaying = live.replaying.bind(live)
  live.replaying = () => Promise.reject(new Error("the database is away"))
  const channel = `facility:${club.id}:availability@0-${live.epoch}`
  try {
    const answer = await fetch(streamUrl([channel]), { headers: { authorization: `Bearer ${club.player.token}` } })
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringMatching(/^retry: \d+\n\n$/)])
  } finally {
    live.replaying = replaying
  }
  await eventually(() => expect(live.isEmpty).toBe(true))
})

test("a refused channel beside an allowed one is told in the stream", async () => {
  const [allowed, refused] = [`facility:${club.id}:availability`, `facility:${club.id}:bookings`]
  const source = open([allowed, refused], club.player.token)
  await eventually(() => expect(source.places).toHaveLength(1))
  expect(source.errors).toEqual([
    { type: "error", code: "forbidden", channel: refused, message: "You may not listen to this channel." },
  ])
})

test("a client that has left is forgotten, and one that does not read is cut off", async () => {
  const channel = `facility:${club.id}:availability`
  const leaving = new AbortController()
  const headers = { authorization: `Bearer ${club.player.token}` }
  const left = await fetch(streamUrl([channel]), { headers, signal: leaving.signal })
  expect(left.status).toBe(200)
  expect(server.live.hasSubscribers(channel)).toBe(true)
  leaving.abort()
  await eventually(() => expect(server.live.isEmpty).toBe(true))
  expect(server.live.hasSubscribers(channel)).toBe(false)

  const slow = await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(streamUrl([])).port),
    socket: { data: (socket) => void socket.pause() },
  })
  slow.write(
    `GET /v1/live/stream?channels=${channel} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${club.player.token}\r\n\r\n`,
  )
  await eventually(() => expect(server.live.hasSubscribers(channel)).toBe(true))
  const payload = { resourceId: club.court, date: "2026-03-12", slots: "x".repeat(60_000) as never }
  await eventually(
    () => {
      for (let each = 0; each < 10; each++) {
        const position = (server.live.position ?? 0) + 1
        server.live.advance([{ type: "availability.changed", channel, position, eventId: club.id, payload }], position)
      }
      expect(server.live.isEmpty).toBe(true)
    },
    { withinMs: 10_000 },
  )
  await eventually(() => expect(server.requests()).toBe(0), { withinMs: 20_000 })
  slow.terminate()
})

interface HeardFrame {
  readonly channel: string
  readonly position: string
}

function open(channels: readonly string[], token: string) {
  const source = new EventSource(streamUrl(channels), {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
  })
  ends.push(() => source.close())
  const frames: { readonly id: string; readonly frame: HeardFrame }[] = []
  const places: string[] = []
  const errors: unknown[] = []
  source.onmessage = ({ data, lastEventId }) => frames.push({ id: lastEventId, frame: JSON.parse(data) as HeardFrame })
  source.addEventListener("position", ({ lastEventId }) => places.push(lastEventId))
  source.addEventListener("error", (event) => {
    if ("data" in event) errors.push(JSON.parse(String(event.data)))
  })
  return { source, frames, places, errors }
}

const byChannel = (frames: readonly { readonly frame: HeardFrame }[]) => (a: HeardFrame, b: HeardFrame) =>
  frames.findIndex(({ frame }) => frame.channel === a.channel) -
  frames.findIndex(({ frame }) => frame.channel === b.channel)

const streamUrl = (channels: readonly string[]) =>
  `${server.url.replace("ws:", "http:")}/stream?channels=${channels.join(",")}`

async function checkIns(count: number): Promise<void> {
  await run(database.db, async (tx) => {
    for (let each = 0; each < count; each++) record(tx, aCheckIn(club))
  })
  await server.pass()
}
