// The frames of a socket: authentication, subscriptions, updates, and the codes with which it closes.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { requireMember } from "#access/caller.ts"
import { newId } from "#base/ids.ts"
import { releaseHold } from "#domain/booking/holds.ts"
import { record } from "#events/outbox.ts"
import { createHold } from "#test/harness/club/ask.ts"
import { aClub, aMember, type Club, run } from "#test/harness/club/club.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"
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

test("a token among the protocols makes the socket ready, and slotbase.v1 is the chosen protocol", async () => {
  const client = await server.connect({ token: club.player.token })
  expect(client.protocol).toBe("slotbase.v1")
  expect(client.frames).toEqual([{ type: "ready", session: expect.any(String), pingMs: 25_000 } as never])
  client.close()
})

test("a token in the first frame makes the socket ready", async () => {
  const client = await server.connect({ token: club.player.token, firstFrame: true })
  expect(client.protocol).toBe("")
  expect(client.frames.map((frame) => frame.type)).toEqual(["ready"])
  client.close()
})

test("a wrong token closes with 4401", async () => {
  const client = await server.connect()
  client.send({ type: "auth", token: "sbs_wrong" })
  expect(await client.closed).toEqual({ code: 4401, reason: "the token is not valid" })
})

test("a frame before the token closes with 4401", async () => {
  const client = await server.connect()
  client.send({ type: "subscribe", channel: `facility:${club.id}:availability` })
  expect(await client.closed).toEqual({ code: 4401, reason: "the first frame must be auth" })
})

test("another person's token on an authenticated socket closes with 4400; a newer token of the same person is accepted", async () => {
  const client = await server.connect({ token: club.player.token })
  client.send({ type: "auth", token: club.player.token })
  await client.next("ready")
  client.send({ type: "auth", token: club.friend.token })
  expect(await client.closed).toEqual({ code: 4400, reason: "a socket belongs to one person" })
})

test("a booking's update goes only to its booker, its participants and the staff", async () => {
  const stranger = await aMember(database.db, "player", club.id)
  const [booker, friend, staff, other] = await Promise.all(
    [club.player, club.friend, club.staff, stranger].map(({ token }) => server.connect({ token })),
  )
  if (!booker || !friend || !staff || !other) throw new Error("four clients")
  await booker.subscribe(`user:${club.player.id}:bookings`)
  await friend.subscribe(`user:${club.friend.id}:bookings`)
  await staff.subscribe(`facility:${club.id}:bookings`)
  await other.subscribe(`user:${stranger.id}:bookings`)

  const booking = await club.book(club.court, 1, { participants: [{ userId: club.friend.id }] })
  await server.pass()

  const [event] = await database.db<{ id: string; position: number; timestamp: Date }[]>`
    select e.id, e.timestamp, p.position from slotbase.events e join slotbase.event_positions p on p.event_id = e.id
    where e.aggregate_id = ${booking.id}`
  const frame = {
    type: "booking.update",
    position: String(event?.position),
    epoch: server.live.epoch,
    eventId: event?.id,
    payload: { bookingId: booking.id, status: "confirmed", updatedAt: event?.timestamp.toISOString() },
  }
  expect(await booker.drain()).toEqual([{ ...frame, channel: `user:${club.player.id}:bookings` }] as never)
  expect(await friend.drain()).toEqual([{ ...frame, channel: `user:${club.friend.id}:bookings` }] as never)
  expect(await staff.drain()).toEqual([{ ...frame, channel: `facility:${club.id}:bookings` }] as never)
  expect(await other.drain()).toEqual([])
  for (const client of [booker, friend, staff, other]) client.close()
})

test("availability comes with the slots of the day, once per day, on the facility's and on the resource's channel", async () => {
  const client = await server.connect({ token: club.player.token })
  const [facility, court, otherCourt] = [
    `facility:${club.id}:availability`,
    `resource:${club.court}:availability`,
    `resource:${club.otherCourt}:availability`,
  ]
  for (const channel of [facility, court, otherCourt]) await client.subscribe(channel)
  await club.book(club.court, 2)
  const cancelled = await club.book(club.court, 3)
  await club.cancel(cancelled.id)
  await server.pass()

  const frames = await client.drain()
  expect(frames.map(({ type, channel }) => [type, channel])).toEqual([
    ["availability.changed", facility],
    ["availability.changed", court],
  ])
  const payload = frames[0]?.payload as {
    resourceId: string
    date: string
    slots: { startAt: string; status: string }[]
  }
  expect(payload).toMatchObject({ resourceId: club.court, date: dayOf(2) })
  const statusAt = (hour: number) => payload.slots.find((slot) => slot.startAt === atHour(hour).startAt)?.status
  expect([statusAt(2), statusAt(3)]).toEqual(["booked", "free"])
  expect(frames[1]?.payload).toEqual(frames[0]?.payload as never)
  client.close()
})

test("a hold and its release are sent as held and released, and the slots follow", async () => {
  const client = await server.connect({ token: club.player.token })
  await client.subscribe(`user:${club.player.id}:bookings`)
  await client.subscribe(`resource:${club.court}:availability`)
  const hold = await run(database.db, (tx) =>
    createHold(tx, club.player.caller, club.id, { resourceId: club.court, ...atHour(5) }),
  )
  await server.pass()
  await run(database.db, (tx) => releaseHold(tx, requireMember(club.player.caller, club.id), hold.id))
  await server.pass()
  const frames = await client.drain()
  const told = frames.map(({ type, payload }) =>
    type === "booking.update"
      ? payload.status
      : (payload.slots as { startAt: string; status: string }[]).find((slot) => slot.startAt === atHour(5).startAt)
          ?.status,
  )
  expect(told).toEqual(["held", "held", "released", "free"])
  client.close()
})

test("a new resource and new settings show today, and viewers of other days get the request to refetch", async () => {
  const small = await aClub(database.db)
  const client = await server.connect({ token: small.player.token })
  const channel = `facility:${small.id}:availability`
  await client.subscribe(channel)
  await run(database.db, async (tx) => {
    const data = { facilityId: small.id, changedSettings: ["openingHours"], changedBy: small.admin.id }
    record(tx, { type: "facility.settings_updated", facilityId: small.id, data })
  })
  await server.pass()
  const frames = await client.drain()
  expect(frames.map(({ type, payload }) => [type, payload?.resourceId])).toEqual([
    ["availability.changed", small.court],
    ["availability.changed", small.otherCourt],
    ["resync", undefined],
  ])
  const today = new Date().toISOString().slice(0, 10)
  expect(frames.slice(0, 2).map(({ payload }) => payload.date)).toEqual([today, today])
  client.close()
})

test("feedback is sent to the student and the parents", async () => {
  const parent = await aMember(database.db, "parent", club.id)
  const client = await server.connect({ token: parent.token })
  await client.subscribe(`user:${parent.id}:feedback`)
  const feedbackId = newId()
  const sessionId = newId()
  await run(database.db, async (tx) => {
    record(tx, {
      type: "feedback.published",
      facilityId: club.id,
      data: {
        feedbackId,
        sessionId,
        coachId: newId(),
        coachName: "Jonas Weber",
        facilityId: club.id,
        studentId: club.player.id,
        studentName: "Mia Keller",
        parentIds: [parent.id],
        hasVideo: false,
        hasPhotos: false,
        skillsWorked: [],
      },
    })
  })
  await server.pass()
  const [frame] = await client.drain()
  expect(frame).toMatchObject({
    type: "feedback.new",
    channel: `user:${parent.id}:feedback`,
    payload: { feedbackId, sessionId, coachName: "Jonas Weber" },
  })
  client.close()
})

test("nothing is sent after unsubscribe, and unsubscribing twice is an error", async () => {
  const client = await server.connect({ token: club.player.token })
  const channel = `user:${club.player.id}:bookings`
  await client.subscribe(channel)
  client.send({ type: "unsubscribe", channel })
  expect(await client.next()).toEqual({ type: "unsubscribed", channel } as never)
  await club.book(club.court, 8)
  await server.pass()
  client.send({ type: "unsubscribe", channel })
  expect(await client.next()).toMatchObject({ type: "error", code: "not_subscribed", channel })
  client.close()
})

test("a frame that cannot be read is answered with bad_frame, and the fifth closes with 4400", async () => {
  const client = await server.connect({ token: club.player.token })
  for (const bad of ["{ not json", "[]", { type: "dance" }, { type: "subscribe" }]) {
    client.send(bad)
    expect(await client.next()).toMatchObject({ type: "error", code: "bad_frame" })
  }
  client.send({ type: "subscribe", channel: `user:${club.player.id}:bookings`, after: 7 })
  expect(await client.closed).toMatchObject({ code: 4400 })
})

test("a binary frame is a bad frame", async () => {
  const client = await server.connect({ token: club.player.token })
  client.send(new Uint8Array([1, 2, 3]))
  expect(await client.next()).toMatchObject({ type: "error", code: "bad_frame" })
  client.close()
})

test("names that are no channels are answered with unknown_channel", async () => {
  const client = await server.connect({ token: club.player.token })
  const names = [
    "everything",
    `user:${club.player.id}:secrets`,
    `facility:${club.id}:availability:more`,
    "facility:1:availability",
  ]
  for (const channel of names) {
    client.send({ type: "subscribe", channel })
    expect(await client.next()).toMatchObject({ type: "error", code: "unknown_channel", channel })
  }
  client.close()
})

test("a channel may be written with its id in upper case: it is the same channel, named in lower case", async () => {
  const client = await server.connect({ token: club.player.token })
  const channel = `user:${club.player.id}:bookings`
  const inUpperCase = `user:${club.player.id.toUpperCase()}:bookings`
  client.send({ type: "subscribe", channel: inUpperCase })
  expect(await client.next()).toMatchObject({ type: "subscribed", channel })
  client.send({ type: "subscribe", channel })
  expect(await client.next()).toMatchObject({ type: "subscribed", channel })
  client.send({ type: "unsubscribe", channel: inUpperCase })
  expect(await client.next()).toEqual({ type: "unsubscribed", channel } as never)
  client.send({ type: "unsubscribe", channel })
  expect(await client.next()).toMatchObject({ type: "error", code: "not_subscribed", channel })
  client.close()
})

test("a ping is answered with the position up to which everything was sent", async () => {
  const client = await server.connect({ token: club.player.token })
  client.send({ type: "ping" })
  expect(await client.next()).toEqual({ type: "pong", ...server.place() } as never)
  client.close()
})
