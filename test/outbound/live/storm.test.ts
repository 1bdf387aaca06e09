// Many clients that come and go, and positions with several frames.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Frame } from "#outbound/live/frames.ts"
import { withMore } from "#outbound/live/frames.ts"
import { aClub, type Club } from "#test/harness/club/club.ts"
import { handshake } from "#test/harness/outside/raw-socket.ts"
import { type LiveServer, liveServer } from "#test/harness/pipeline/live.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let server: LiveServer
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  server = await liveServer(database.db, { socketsPerUser: 1_000 })
})
afterAll(async () => {
  await server.stop()
  await database.drop()
})

test("hundreds of sockets and streams that come and go leave no memory behind", async () => {
  const channel = `facility:${club.id}:availability`
  const url = `${server.url.replace("ws:", "http:")}/stream?channels=${channel}`
  const headers = { authorization: `Bearer ${club.player.token}` }
  const come = async (n: number) => {
    if (n % 4 === 0) {
      const leaving = new AbortController()
      await fetch(url, { headers, signal: leaving.signal })
      leaving.abort()
    } else if (n % 4 === 1) (await handshake(server.url, [])).end()
    else {
      const client = await server.connect({ token: club.player.token })
      await client.subscribe(channel)
      client.close()
    }
  }
  const round = async () => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => come(n)))
    await eventually(() => expect(server.live.isEmpty).toBe(true))
  }
  const used = () => {
    Bun.gc(true)
    return process.memoryUsage().heapUsed
  }
  for (let warm = 0; warm < 3; warm++) await round()
  const before = used()
  for (let n = 0; n < 8; n++) await round()
  expect(server.live.hasSubscribers(channel)).toBe(false)
  await eventually(() => expect(used() - before).toBeLessThan(1024 * 1024))
}, 60_000)

test("of several frames of one position on a channel, all but the last say that more follow", () => {
  const frame = (channel: string, position: number, type: Frame["type"] = "notification"): Frame => ({
    ...{ type, channel, position, eventId: club.id },
    payload: {},
  })
  const marked = withMore([frame("a", 1), frame("b", 1), frame("a", 1), frame("a", 2), frame("a", 2, "resync")])
  expect(marked.map(({ channel, position, more = false }) => [channel, position, more])).toEqual([
    ["a", 1, true],
    ["b", 1, false],
    ["a", 1, false],
    ["a", 2, true],
    ["a", 2, false],
  ])
})
