// Another log in the place of the one that a client knows: a restored backup, or a standby that took over.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { broadcastOnce } from "#actors/live/broadcaster.ts"
import { aClub, aMember, type Club } from "#test/harness/club/club.ts"
import { type LiveServer, liveServer } from "#test/harness/pipeline/live.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let server: LiveServer
let club: Club
let hour = 0
const other = "0123456789abcdef"

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  server = await liveServer(database.db)
  await book()
})
afterAll(async () => {
  await server.stop()
  await database.drop()
})

test("every frame with a position names the epoch of the log", async () => {
  const channel = `facility:${club.id}:bookings`
  const client = await server.connect({ token: club.staff.token })
  expect(await client.subscribe(channel)).toMatchObject(server.place())
  await book()
  server.live.tellPosition()
  expect(await client.drain()).toMatchObject([
    { type: "booking.update", ...server.place() },
    { type: "position", ...server.place() },
  ])
  expect(server.live.epoch).toMatch(/^[0-9a-f]{16}$/)
  client.close()
})

test("a position of another epoch is answered with resync, and one of this epoch with what was missed", async () => {
  const channel = `facility:${club.id}:bookings`
  const client = await server.connect({ token: club.staff.token })
  const { position, epoch } = server.place()
  await book()
  expect(await client.subscribe(channel, `${position}-${other}`)).toMatchObject({ replayed: 0 })
  expect(await client.next()).toEqual({ type: "resync", channel, ...server.place() } as never)
  expect(await client.subscribe(channel, `${position}-${epoch}`)).toMatchObject({ replayed: 1 })
  await client.next("booking.update")
  client.send({ type: "subscribe", channel, after: position, epoch: other })
  await client.next("subscribed")
  await client.next("resync")
  client.close()
})

test("a process whose log is replaced tells every client to refetch, and goes on in the new log", async () => {
  const { db } = database
  const channel = `facility:${club.id}:bookings`
  const client = await server.connect({ token: club.staff.token })
  await client.subscribe(channel)
  await db.unsafe(`alter function slotbase.log_epoch() rename to log_epoch_before`)
  await db.unsafe(`create function slotbase.log_epoch() returns text language sql as $$ select '${other}' $$`)
  try {
    await broadcastOnce(db, server.live)
    expect(await client.next()).toEqual({ type: "resync", channel, ...server.place(), epoch: other } as never)
    await book()
    expect(await client.next()).toMatchObject({ type: "booking.update", epoch: other })
  } finally {
    await db.unsafe(`drop function slotbase.log_epoch()`)
    await db.unsafe(`alter function slotbase.log_epoch_before() rename to log_epoch`)
    await broadcastOnce(db, server.live)
  }
  await client.next("resync")
  client.close()
})

test("a process whose log is replaced withdraws what the other log does not give", async () => {
  const { db } = database
  const staff = await aMember(db, "staff", club.id)
  const client = await server.connect({ token: staff.token })
  await client.subscribe(`facility:${club.id}:bookings`)
  await db`delete from slotbase.role_grants where user_id = ${staff.id}`
  await db.unsafe(`alter function slotbase.log_epoch() rename to log_epoch_before`)
  await db.unsafe(`create function slotbase.log_epoch() returns text language sql as $$ select '${other}' $$`)
  try {
    await broadcastOnce(db, server.live)
    expect(await client.closed).toMatchObject({ code: 4403 })
  } finally {
    await db.unsafe(`drop function slotbase.log_epoch()`)
    await db.unsafe(`alter function slotbase.log_epoch_before() rename to log_epoch`)
    await broadcastOnce(db, server.live)
  }
})

test("a client that another process has told more waits for this one, and gets nothing twice", async () => {
  const behind = await liveServer(database.db)
  const channel = `facility:${club.id}:bookings`
  const ahead = await server.connect({ token: club.staff.token })
  await ahead.subscribe(channel)
  const keeper = await behind.connect({ token: club.staff.token })
  await book()
  const client = await behind.connect({ token: club.staff.token })
  client.send({ type: "subscribe", channel, after: (await ahead.next("booking.update")).position })
  await keeper.drain()
  await behind.pass()
  expect(await client.next("subscribed")).toMatchObject({ replayed: 0 })
  await book(behind)
  expect((await client.drain()).map(({ position }) => position)).toEqual([behind.place().position])
  for (const each of [ahead, keeper, client]) each.close()
  await behind.stop()
})

async function book(at = server): Promise<void> {
  await club.book(club.court, hour++)
  await dispatchAll(database.db)
  await at.pass()
}
