// Whoever may not hear a channel is refused with a clear code: on every channel, and by both transports.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { aClub, aMember, type Club } from "#test/harness/club/club.ts"
import { aChildLink, aFacility } from "#test/harness/club/factories.ts"
import { LiveClient, type LiveServer, liveServer } from "#test/harness/pipeline/live.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let server: LiveServer
let club: Club
/** Undefined: nobody. */
let tokens: Readonly<Record<string, string | undefined>>

beforeAll(async () => {
  database = await testDatabase()
  const { db } = database
  club = await aClub(db)
  server = await liveServer(db)
  const elsewhere = (await aFacility(db)).id
  const [player, parent, late] = [
    await aMember(db, "player", elsewhere),
    await aMember(db, "player", elsewhere),
    await aMember(db, "facility_owner", club.id),
  ]
  await aChildLink(db, { parent: parent.id, child: club.player.id, permissions: ["pay"] }, { isPrimary: false })
  await db`update slotbase.sessions set expires_at = slotbase.now() - interval '1 second' where user_id = ${late.id}`
  tokens = {
    "a stranger": undefined,
    "a player of another facility": player.token,
    "a parent without permission": parent.token,
    "an expired token": late.token,
    "a token that nobody has": "sbs_nobody-has-this-token-0123456789",
  }
})
afterAll(async () => {
  await server.stop()
  await database.drop()
})

const channels: Readonly<Record<string, (its: Club) => string>> = {
  "user:bookings": (its) => `user:${its.player.id}:bookings`,
  "user:notifications": (its) => `user:${its.player.id}:notifications`,
  "user:feedback": (its) => `user:${its.player.id}:feedback`,
  "facility:availability": (its) => `facility:${its.id}:availability`,
  "facility:bookings": (its) => `facility:${its.id}:bookings`,
  "facility:check-ins": (its) => `facility:${its.id}:check-ins`,
  "resource:availability": (its) => `resource:${its.court}:availability`,
}

/** By WebSocket, and by Server-Sent Events. */
const refusals: readonly (readonly [who: string, byWebSocket: string, byStream: string])[] = [
  ["a stranger", "error forbidden", "403 not_allowed"],
  ["a player of another facility", "error forbidden", "403 not_allowed"],
  ["a parent without permission", "error forbidden", "403 not_allowed"],
  ["an expired token", "closed 4401", "401 not_authenticated"],
  ["a token that nobody has", "closed 4401", "401 not_authenticated"],
]

describe.each(refusals)("%s", (who, byWebSocket, byStream) => {
  test.each(Object.entries(channels))("hears nothing of %s", async (_, nameOf) => {
    const [channel, token] = [nameOf(club), tokens[who]]
    expect(await bySocket(channel, token)).toBe(byWebSocket)
    expect(await throughStream(channel, token)).toBe(byStream)
    expect(server.live.hasSubscribers(channel)).toBe(false)
  })
})

test("whoever says nothing about themself is closed with 4401 at the first frame", async () => {
  const client = await LiveClient.open(server.url, [])
  client.send({ type: "subscribe", channel: `facility:${club.id}:availability` })
  expect(await client.closed).toEqual({ code: 4401, reason: "the first frame must be auth" })
})

async function bySocket(channel: string, token: string | undefined): Promise<string> {
  const client = await LiveClient.open(server.url, token === undefined ? [] : ["slotbase.v1", `bearer.${token}`])
  if (token === undefined) client.send({ type: "guest" })
  client.send({ type: "subscribe", channel })
  const answered = async () => {
    for (;;) {
      const { type, code } = await client.next()
      if (type !== "ready") return `${type} ${code}`
    }
  }
  const closed = client.closed.then(({ code }) => `closed ${code}`)
  const answer = await Promise.race([closed, answered()])
  client.close()
  return answer
}

async function throughStream(channel: string, token: string | undefined): Promise<string> {
  const address = `${server.url.replace("ws:", "http:")}/stream?channels=${channel}`
  const answer = await fetch(address, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
  return `${answer.status} ${((await answer.json()) as { code: string }).code}`
}
