// Availability without an account: only where the facility shows it, and only availability.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { changeSettings } from "#domain/club/facilities.ts"
import { aClub, aMember, type Club, run } from "#test/harness/club/club.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { type LiveClient, type LiveServer, liveServer } from "#test/harness/pipeline/live.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let server: LiveServer
let club: Club
let closed: Club

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  closed = await aClub(database.db)
  server = await liveServer(database.db)
  await show(true)
  await server.pass()
})
afterAll(async () => {
  await server.stop()
  await database.drop()
})

test("a guest hears the public availability of a facility and of its resources, and nothing else", async () => {
  const guest = await aGuest()
  for (const channel of [`facility:${club.id}:availability`, `resource:${club.court}:availability`])
    await guest.subscribe(channel)
  for (const channel of [
    `facility:${club.id}:bookings`,
    `facility:${club.id}:check-ins`,
    `user:${club.player.id}:bookings`,
    `facility:${closed.id}:availability`,
    `resource:${closed.court}:availability`,
  ]) {
    guest.send({ type: "subscribe", channel })
    expect(await guest.next("error")).toMatchObject({ code: "forbidden", channel })
  }
  await club.book(club.court, 1)
  await server.pass()
  const frames = await guest.drain()
  expect(frames.map(({ type, channel }) => [type, channel])).toEqual([
    ["availability.changed", `facility:${club.id}:availability`],
    ["availability.changed", `resource:${club.court}:availability`],
  ])
  const keys = new Set(((frames[0]?.payload.slots ?? []) as object[]).flatMap((slot) => Object.keys(slot)))
  expect([...keys].sort()).toEqual(["endAt", "priceAmount", "startAt", "status"])
  guest.close()
})

test("somebody with an account and no role there hears the same", async () => {
  const stranger = await aMember(database.db, "player", (await aFacility(database.db)).id)
  const client = await server.connect({ token: stranger.token })
  await client.subscribe(`facility:${club.id}:availability`)
  client.send({ type: "subscribe", channel: `facility:${closed.id}:availability` })
  expect(await client.next("error")).toMatchObject({ code: "forbidden" })
  client.close()
})

test("a facility that shows its availability no more closes the sockets of those without a role, at once", async () => {
  const guest = await aGuest()
  const member = await server.connect({ token: club.player.token })
  const channel = `facility:${club.id}:availability`
  for (const client of [guest, member]) await client.subscribe(channel)
  await show(false)
  await server.pass()
  expect(await guest.closed).toEqual({ code: 4403, reason: `no longer allowed: ${channel}` })
  expect(server.sockets()).toBe(1)
  member.close()
  await show(true)
  await server.pass()
})

test("a guest cannot become a person, nor a person a guest, and guests have a limit of their own", async () => {
  const guest = await aGuest()
  guest.send({ type: "auth", token: club.player.token })
  expect(await guest.closed).toMatchObject({ code: 4400 })
  const person = await server.connect({ token: club.player.token })
  person.send({ type: "guest" })
  expect(await person.closed).toMatchObject({ code: 4400 })

  const strict = await liveServer(database.db, { guestsOfAddress: 2 })
  const guests = [await aGuest(strict), await aGuest(strict)]
  const third = await strict.connect()
  third.send({ type: "guest" })
  expect(await third.closed).toEqual({ code: 4429, reason: "too many sockets without an account" })
  guests[0]?.close()
  await eventually(() => expect(strict.sockets()).toBe(1))
  guests.push(await aGuest(strict))
  for (const each of guests) each.close()
  await strict.stop()
})

async function aGuest(at = server): Promise<LiveClient> {
  const guest = await at.connect()
  guest.send({ type: "guest" })
  await guest.next("ready")
  return guest
}

async function show(publicAvailability: boolean): Promise<void> {
  await run(database.db, (tx) => changeSettings(tx, club.admin.caller, club.id, { publicAvailability }))
}
