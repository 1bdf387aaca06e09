// The handshake of the WebSocket, as bytes on the wire.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { aClub, type Club } from "#test/harness/club/club.ts"
import { handshake } from "#test/harness/outside/raw-socket.ts"
import { type LiveServer, liveServer } from "#test/harness/pipeline/live.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let server: LiveServer
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  server = await liveServer(database.db)
})
afterAll(async () => {
  await server.stop()
  await database.drop()
})

test("slotbase.v1 is chosen whichever protocol is offered first, and the token is never echoed", async () => {
  const offers = [
    ["slotbase.v1", `bearer.${club.player.token}`],
    [`bearer.${club.player.token}`, "slotbase.v1"],
    [`bearer.${club.player.token}`],
  ]
  for (const offered of offers) {
    const socket = await handshake(server.url, offered)
    expect(socket.status).toBe(101)
    expect(socket.headers.get("sec-websocket-protocol")).toBe("slotbase.v1")
    expect([...socket.headers.values()].join(" ")).not.toContain(club.player.token)
    await socket.next("ready")
    socket.end()
  }
})

test("without an offer no protocol is answered", async () => {
  const socket = await handshake(server.url, [])
  expect([socket.status, socket.headers.get("sec-websocket-protocol")]).toEqual([101, null])
  socket.end()
})

test("a plain GET is answered with the request to upgrade", async () => {
  const answer = await fetch(server.url.replace("ws:", "http:"))
  expect(answer.status).toBe(426)
  expect(await answer.json()).toMatchObject({ code: "upgrade_required", status: 426 })
})

test("where origins are named, pages of other sites are refused with 403, and programs without a page are not", async () => {
  const named = await liveServer(database.db, {}, { liveOrigins: ["https://club.example"] })
  const statusOf = async (origin?: string) => {
    const socket = await handshake(named.url, ["slotbase.v1"], undefined, origin)
    socket.end()
    return socket.status
  }
  expect([await statusOf("https://club.example"), await statusOf()]).toEqual([101, 101])
  const others = ["https://club.example.evil.example", "http://club.example", "https://club.example:8443", "null"]
  for (const origin of others) expect([origin, await statusOf(origin)]).toEqual([origin, 403])
  await named.stop()
  const open = await handshake(server.url, ["slotbase.v1"], undefined, "https://any.example")
  expect(open.status).toBe(101)
  open.end()
})
