// Access to channels: each role at each channel, and access that ends while the socket is open.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { endSession } from "#access/sessions.ts"
import { newId } from "#base/ids.ts"
import { hashToken, newToken } from "#base/secrets.ts"
import { removeChild } from "#domain/people/children/children.ts"
import { revokeRole } from "#domain/people/roles.ts"
import { aClub, aMember, type Club, type Person, run } from "#test/harness/club/club.ts"
import { aChildLink, aFacility, aPerson, aResource } from "#test/harness/club/factories.ts"
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

test("each channel is open to its audience, and forbidden to all others", async () => {
  const { db } = database
  const elsewhere = await aMember(db, "facility_owner", (await aFacility(db)).id)
  const people: Record<string, Person | { id: string; token: string }> = {
    owner: await aMember(db, "facility_owner", club.id),
    admin: club.admin,
    staff: club.staff,
    coach: await aMember(db, "coach", club.id),
    player: club.player,
    parent: await aMember(db, "parent", club.id),
    mother: await aParent(["book", "pay"]),
    father: await aParent(["view_feedback"]),
    elsewhere,
    platform: { id: newId(), token: await aPlatformKey() },
  }
  const channels: Record<string, readonly string[]> = {
    [`user:${club.player.id}:bookings`]: ["player", "mother"],
    [`user:${club.player.id}:notifications`]: ["player"],
    [`user:${club.player.id}:feedback`]: ["player", "father"],
    [`facility:${club.id}:availability`]: ["owner", "admin", "staff", "coach", "player", "parent", "platform"],
    [`facility:${club.id}:bookings`]: ["owner", "admin", "staff", "platform"],
    [`facility:${club.id}:check-ins`]: ["owner", "admin", "staff", "platform"],
    [`resource:${club.court}:availability`]: ["owner", "admin", "staff", "coach", "player", "parent", "platform"],
    [`resource:${newId()}:availability`]: [],
    [`facility:${newId()}:availability`]: ["platform"],
  }
  const found: Record<string, string[]> = Object.fromEntries(Object.keys(channels).map((channel) => [channel, []]))
  for (const [name, { token }] of Object.entries(people)) {
    const client = await server.connect({ token })
    for (const channel of Object.keys(channels)) {
      client.send({ type: "subscribe", channel })
      const answer = await client.next()
      if (answer.type === "subscribed") found[channel]?.push(name)
      else {
        const message = "You may not listen to this channel."
        expect(answer).toEqual({ type: "error", code: "forbidden", channel, message } as never)
      }
    }
    client.close()
  }
  expect(found as Record<string, readonly string[]>).toEqual(channels)
})

test("a role that is taken away closes the socket with 4403, and it receives no more frames", async () => {
  const staff = await aMember(database.db, "staff", club.id)
  const client = await server.connect({ token: staff.token })
  await client.subscribe(`facility:${club.id}:bookings`)
  expect(await server.live.recheck({ all: true })).toMatchObject({ closed: 0 })
  await database.db`delete from slotbase.role_grants where user_id = ${staff.id}`
  expect(await server.live.recheck({ all: true })).toMatchObject({ closed: 1 })
  expect(await client.closed).toEqual({ code: 4403, reason: `no longer allowed: facility:${club.id}:bookings` })
  expect(server.live.hasSubscribers(`facility:${club.id}:bookings`)).toBe(false)
})

test("a lost role does not close a socket whose channels need no role", async () => {
  const player = await aMember(database.db, "player", club.id)
  const client = await server.connect({ token: player.token })
  await client.subscribe(`user:${player.id}:bookings`)
  await database.db`delete from slotbase.role_grants where user_id = ${player.id}`
  expect(await server.live.recheck({ all: true })).toMatchObject({ closed: 0 })
  client.send({ type: "subscribe", channel: `facility:${club.id}:availability` })
  expect(await client.next()).toMatchObject({ type: "error", code: "forbidden" })
  client.close()
})

test("signing out and a revoked key close with 4401", async () => {
  const { db } = database
  const signedOut = await aMember(db, "player", club.id)
  const key = await aKey()
  const clients = [await server.connect({ token: signedOut.token }), await server.connect({ token: key })]
  await db`delete from slotbase.sessions where user_id = ${signedOut.id}`
  await db`update slotbase.api_keys set revoked_at = slotbase.now() where key_hash = ${hashToken(key)}`
  expect(await server.live.recheck({ all: true })).toMatchObject({ closed: 2 })
  for (const client of clients)
    expect(await client.closed).toEqual({ code: 4401, reason: "the token is no longer valid" })
})

test("a token that expires closes with 4401, by itself and at its time", async () => {
  const person = await aMember(database.db, "player", club.id)
  await database.db`update slotbase.sessions set expires_at = slotbase.now() + interval '1 second' where user_id = ${person.id}`
  const client = await server.connect({ token: person.token })
  expect(await client.closed).toEqual({ code: 4401, reason: "the token is no longer valid" })
})

test("a newer token takes the place of one that expires", async () => {
  const person = await aMember(database.db, "player", club.id)
  const newer = await aMemberAgain(person.id)
  const client = await server.connect({ token: person.token })
  client.send({ type: "auth", token: newer })
  await client.next("ready")
  await database.db`delete from slotbase.sessions where token_hash = ${hashToken(person.token)}`
  expect(await server.live.recheck({ all: true })).toMatchObject({ closed: 0 })
  client.close()
})

test("a resource of another facility is as forbidden as one that does not exist", async () => {
  const other = await aResource(database.db, (await aFacility(database.db)).id)
  const client = await server.connect({ token: club.admin.token })
  client.send({ type: "subscribe", channel: `resource:${other.id}:availability` })
  const there = await client.next()
  client.send({ type: "subscribe", channel: `resource:${newId()}:availability` })
  const { channel: _, ...notThere } = await client.next()
  expect(there).toMatchObject(notThere)
  client.close()
})

test("an ended link between parent and child closes the parent's socket with 4403", async () => {
  const parent = await aParent(["book"])
  const channel = `user:${club.player.id}:bookings`
  const client = await server.connect({ token: parent.token })
  await client.subscribe(channel)
  expect(await server.live.recheck({ all: true })).toMatchObject({ closed: 0 })
  await database.db`delete from slotbase.child_links where parent_id = ${parent.id}`
  expect(await server.live.recheck({ all: true })).toMatchObject({ closed: 1 })
  expect(await client.closed).toEqual({ code: 4403, reason: `no longer allowed: ${channel}` })
})

test("a link that counts in one facility opens no channel of the child, because they carry the events of all", async () => {
  const parent = await aParent(["book", "view_feedback"])
  await database.db`update slotbase.child_links set facility_id = ${club.id} where parent_id = ${parent.id}`
  const client = await server.connect({ token: parent.token })
  for (const subject of ["bookings", "feedback"]) {
    const channel = `user:${club.player.id}:${subject}`
    client.send({ type: "subscribe", channel })
    expect(await client.next()).toMatchObject({ type: "error", code: "forbidden", channel })
  }
  client.close()
})

/** A parent of the player, without any role. */
async function aParent(permissions: string[]): Promise<{ id: string; token: string }> {
  const { db } = database
  const parent = await aPerson(db)
  await aChildLink(db, { parent: parent.id, child: club.player.id, permissions }, { isPrimary: false })
  return { id: parent.id, token: await aMemberAgain(parent.id) }
}

async function aPlatformKey(): Promise<string> {
  const { db } = database
  const token = newToken("sbk")
  await db`
    insert into slotbase.api_keys (id, facility_id, user_id, name, role, key_hash, key_hint, created_by)
    select ${newId()}, '00000000-0000-7000-8000-000000000000', id, 'root', 'platform_admin', ${hashToken(token)}, 'sbk', id
    from slotbase.users where id = '00000000-0000-7000-8000-000000000001'`
  return token
}

async function aKey(): Promise<string> {
  const { db } = database
  const token = newToken("sbk")
  const person = await aPerson(db)
  await db`
    insert into slotbase.api_keys (id, facility_id, user_id, name, role, key_hash, key_hint, created_by)
    values (${newId()}, ${club.id}, ${person.id}, 'a key', 'staff', ${hashToken(token)}, 'sbk', ${person.id})`
  return token
}

async function aMemberAgain(userId: string): Promise<string> {
  const token = newToken("sbs")
  await database.db`
    insert into slotbase.sessions (token_hash, user_id, expires_at)
    values (${hashToken(token)}, ${userId}, slotbase.now() + interval '1 day')`
  return token
}

test("an event that takes access away closes the socket with its position, before the next interval", async () => {
  const { db } = database
  const staff = await aMember(db, "staff", club.id)
  const signedOut = await aMember(db, "player", club.id)
  const parent = await aParent(["book"])
  const clients = await Promise.all([staff, signedOut, parent].map(({ token }) => server.connect({ token })))
  const [ofStaff, ofSignedOut, ofParent] = clients
  await ofStaff?.subscribe(`facility:${club.id}:bookings`)
  await ofSignedOut?.subscribe(`user:${signedOut.id}:bookings`)
  await ofParent?.subscribe(`user:${club.player.id}:bookings`)
  await run(db, async (tx) => {
    await revokeRole(tx, club.admin.caller, staff.id, { role: "staff", scopeType: "facility", scopeId: club.id })
    await endSession(tx, signedOut.token)
    await removeChild(tx, club.player.caller, parent.id, club.player.id)
  })
  await server.pass()
  expect(await ofStaff?.closed).toMatchObject({ code: 4403 })
  expect(await ofSignedOut?.closed).toMatchObject({ code: 4401 })
  expect(await ofParent?.closed).toMatchObject({ code: 4403 })
})

test("the end of a key closes its sockets within a second", async () => {
  const key = await aKey()
  const client = await server.connect({ token: key })
  await database.db`update slotbase.api_keys set revoked_at = slotbase.now() where key_hash = ${hashToken(key)}`
  const since = performance.now()
  expect(await client.closed).toMatchObject({ code: 4401 })
  expect(performance.now() - since).toBeLessThan(1_000)
})
