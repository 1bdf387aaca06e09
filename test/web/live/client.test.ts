// The live client against a real server: snapshots, reconnections, renewed tokens, refusals, and streams.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { requireAdmin, requireMember } from "#access/caller.ts"
import { availabilityOf } from "#domain/booking/availability/availability.ts"
import type { Slot } from "#domain/booking/availability/slots.ts"
import { createClosure, removeClosure } from "#domain/closures/closures.ts"
import { record } from "#events/outbox.ts"
import { aCheckIn, aClub, aMember, type Club, run } from "#test/harness/club/club.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"
import { type LiveServer, liveServer } from "#test/harness/pipeline/live.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { freePort } from "#test/harness/setup/system.ts"
import { connectLive, type LiveConnection, type LiveEvent, type LiveOptions } from "#web/live/client.ts"
import { afterClose, retryMs } from "#web/live/reconnect.ts"

let database: TestDatabase
let server: LiveServer
let club: Club
const ends: LiveConnection[] = []

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  server = await liveServer(database.db)
  await checkIns(1)
})
afterEach(() => {
  for (const client of ends.splice(0)) client.close()
})
afterAll(async () => {
  await server.stop()
  await database.drop()
})

for (const transport of ["websocket", "sse"] as const) {
  test(`by ${transport}: a connection that is lost again and again misses nothing and repeats nothing`, async () => {
    const client = connect({ transport })
    const events = follow(client, `facility:${club.id}:check-ins`)
    await isLive(client)
    await eventually(() => expect(listeners()).toBe(1))
    const from = server.live.position ?? 0
    for (let round = 0; round < 5; round++) {
      await checkIns(3)
      await eventually(() => expect(events).toHaveLength((round + 1) * 3))
      client.reconnect()
      // Without waiting: these may come on the old connection, in the replay, or on the new one.
      await checkIns(0)
      await isLive(client)
      await eventually(() => expect(listeners()).toBe(1))
    }
    expect(events.map(({ position }) => Number(position))).toEqual(Array.from({ length: 15 }, (_, n) => from + 1 + n))
  })

  test(`by ${transport}: what happens during a snapshot is told behind it, and only what it does not have`, async () => {
    const channel = `facility:${club.id}:check-ins`
    const client = connect({ transport })
    const gate = Promise.withResolvers<void>()
    const told: string[] = []
    const snapshots: string[] = []
    client.subscribe(channel, {
      after: "1-0123456789abcdef",
      onEvent: ({ position }) => told.push(position),
      snapshot: async (why) => {
        snapshots.push(why)
        await gate.promise
        told.push("snapshot")
        return etag(1)
      },
    })
    // The place is of another log, so the server says resync, and the snapshot begins.
    await eventually(() => expect(snapshots).toEqual(["resync"]))
    const from = server.live.position ?? 0
    const etag = (ahead: number) => `W/"${from + ahead}-${server.live.epoch}"`
    await checkIns(3)
    await eventually(() => expect(listeners()).toBe(1))
    gate.resolve()
    await eventually(() => expect(told).toEqual(["snapshot", String(from + 2), String(from + 3)]))
  })

  test(`by ${transport}: a closure of 201 days is a resync alone, and the snapshot after it is right`, async () => {
    const date = dayOf(24 * 3)
    const asMember = requireMember(club.player.caller, club.id)
    const heard: unknown[] = []
    let shown = new Map<string, string>()
    const show = (slots: readonly Slot[]) => {
      shown = new Map(slots.map(({ startAt, status }) => [startAt, status]))
    }
    const client = connect({ transport, token: () => club.player.token })
    client.subscribe(`facility:${club.id}:availability`, {
      snapshot: async (why) => {
        const day = await availabilityOf(database.db, asMember, { date, resourceId: club.court })
        show(day.slots ?? [])
        heard.push(why)
        return day
      },
      onEvent: ({ payload }) => {
        heard.push(payload.date)
        if (payload.resourceId === club.court && payload.date === date) show(payload.slots as readonly Slot[])
      },
    })
    const admin = requireAdmin(club.admin.caller, club.id)
    const states = () => [...new Set(shown.values())]
    await eventually(() => expect(server.live.hasSubscribers(`facility:${club.id}:availability`)).toBe(true))
    const days = { startDate: dayOf(24 * 2), endDate: dayOf(24 * 202), resourceIds: [club.court] }
    const { id } = await run(database.db, (tx) => createClosure(tx, admin, { ...days, reason: "The roof is renewed." }))
    await server.pass()
    await eventually(() => expect(heard).toEqual(["start", "resync"]))
    expect(states()).toEqual(["blocked"])
    await run(database.db, (tx) => removeClosure(tx, admin, id))
    await server.pass()
    await eventually(() => expect(heard).toEqual(["start", "resync", "resync"]))
    expect(states()).toEqual(["free"])
    // Alive as before: the next change is an event.
    const { id: booked } = await club.book(club.court, 24 * 3 + 12)
    await server.pass()
    await eventually(() => expect(heard).toEqual(["start", "resync", "resync", date]))
    expect(shown.get(atHour(24 * 3 + 12).startAt)).toBe("booked")
    await club.cancel(booked)
    await server.pass()
    await eventually(() => expect(states()).toEqual(["free"]))
  })
}

test("a follower without a place reads a snapshot first, and goes on where that stands", async () => {
  await checkIns(1)
  const client = connect({})
  const place = { position: String((server.live.position ?? 0) - 1), epoch: server.live.epoch }
  let tries = 0
  const events: LiveEvent[] = []
  client.subscribe(`facility:${club.id}:check-ins`, {
    onEvent: (event) => events.push(event),
    snapshot: async (why) => {
      if (++tries === 1) throw new Error("the page could not be read")
      expect(why).toBe("start")
      return place
    },
  })
  await eventually(() => expect(events).toHaveLength(1))
  expect([tries, events[0]?.position]).toEqual([2, String(server.live.position)])
})

test("a restart of the server is survived without a loss", async () => {
  const first = await liveServer(database.db)
  const client = connect({ url: first.url.replace("ws:", "http:").replace("/v1/live", "") })
  const events = follow(client, `facility:${club.id}:check-ins`)
  await isLive(client)
  await eventually(() => expect(first.live.hasSubscribers(`facility:${club.id}:check-ins`)).toBe(true))
  const from = first.live.position ?? 0
  first.live.closeAll()
  await eventually(() => expect(client.state).toBe("waiting"))
  await checkIns(2)
  const port = Number(new URL(first.url).port)
  await first.stop()
  const second = await liveServer(database.db, {}, { port })
  client.reconnect()
  await eventually(() => expect(events.map(({ position }) => Number(position))).toEqual([from + 1, from + 2]))
  client.close()
  await second.stop()
})

test("a token that ends is renewed once, and the events in between are not lost", async () => {
  const person = await aMember(database.db, "staff", club.id)
  const asked: boolean[] = []
  const client = connect({
    token: (renew) => {
      asked.push(renew)
      return renew ? club.staff.token : person.token
    },
  })
  const events = follow(client, `facility:${club.id}:check-ins`)
  await isLive(client)
  await eventually(() => expect(listeners()).toBe(1))
  await database.db`delete from slotbase.sessions where user_id = ${person.id}`
  await server.live.recheck({ all: true })
  await checkIns(1)
  await eventually(() => expect(events).toHaveLength(1))
  expect(asked).toEqual([false, true])
})

test("a token that stays wrong, and access that is withdrawn, end the client with the code", async () => {
  const ended = async (options: Partial<LiveOptions>) => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    const client = connect({ ...options, onState: (state, { code }) => state === "ended" && resolve(code) })
    follow(client, `facility:${club.id}:bookings`)
    return promise
  }
  expect(await ended({ token: () => "sbs_wrong" })).toBe(4401)
  expect(await ended({ token: () => "sbs_wrong", transport: "sse" })).toBe(4401)
  const person = await aMember(database.db, "staff", club.id)
  const states: string[] = []
  const client = connect({ token: () => person.token, onState: (state) => states.push(state) })
  follow(client, `facility:${club.id}:bookings`)
  await eventually(() => expect(server.live.hasSubscribers(`facility:${club.id}:bookings`)).toBe(true))
  await database.db`delete from slotbase.role_grants where user_id = ${person.id}`
  await server.live.recheck({ all: true })
  await eventually(() => expect(states).toEqual(["connecting", "live", "ended"]))
})

test.each(["websocket", "sse"] as const)(
  "a token that no connection can take ends the client by %s, and no attempt follows",
  async (transport) => {
    const states: unknown[] = []
    connect({ transport, token: () => "two\nlines", onState: (state, { code }) => states.push([state, code]) })
    await eventually(() => expect(states.length).toBeGreaterThan(1))
    expect(states).toEqual([
      ["connecting", undefined],
      ["ended", 4400],
    ])
  },
)

test("a stream that follows nothing is live when the server has answered, and not before", async () => {
  const states: string[] = []
  const nowhere = `http://127.0.0.1:${await freePort()}`
  connect({ url: nowhere, transport: "sse", onState: (state) => states.push(state) })
  await eventually(() => expect(states).toContain("waiting"))
  expect(states).not.toContain("live")
  const client = connect({ transport: "sse" })
  await isLive(client)
  expect(server.streams()).toHaveLength(1)
  const events = follow(client, `facility:${club.id}:check-ins`)
  await eventually(() => expect(listeners()).toBe(1))
  await checkIns(1)
  await eventually(() => expect(events).toHaveLength(1))
})

test("a refused channel is told to its follower alone", async () => {
  const client = connect({ token: () => club.player.token })
  const refused: string[] = []
  const onRefused = (code: string) => refused.push(code)
  client.subscribe(`facility:${club.id}:bookings`, { onEvent: () => {}, onRefused })
  client.subscribe("nothing", { onEvent: () => {}, onRefused })
  const events = follow(client, `facility:${club.id}:availability`)
  await eventually(() => expect(refused.sort()).toEqual(["forbidden", "unknown_channel"]))
  await eventually(() => expect(server.live.hasSubscribers(`facility:${club.id}:availability`)).toBe(true))
  await club.book(club.court, 1)
  await server.pass()
  await eventually(() => expect(events).toHaveLength(1))
})

test("where no WebSocket opens, the third attempt is a stream", async () => {
  // Like a proxy that knows no upgrade.
  const proxy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      const { pathname, search } = new URL(request.url)
      if (pathname === "/v1/live") return new Response("no", { status: 400 })
      return fetch(`${address()}${pathname}${search}`, { headers: request.headers, signal: request.signal })
    },
  })
  const client = connect({ url: `http://127.0.0.1:${proxy.port}`, transport: "auto" })
  const events = follow(client, `facility:${club.id}:check-ins`)
  await eventually(() => expect(client.state).toBe("live"), { withinMs: 10_000 })
  await eventually(() => expect(listeners()).toBe(1))
  await checkIns(1)
  await eventually(() => expect(events).toHaveLength(1))
  client.close()
  await proxy.stop(true)
}, 15_000)

test("a connection that is lost between two frames of one position brings both again", async () => {
  const asked: unknown[] = []
  const at = (position: string) => ({ channel: "facility:a:availability", position, epoch: "0123456789abcdef" })
  const event = (date: string, more?: true) => ({
    type: "availability.changed",
    ...at("5"),
    eventId: "e",
    payload: { date },
    more,
  })
  const fake = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, it) => (it.upgrade(request) ? undefined : new Response("no", { status: 400 })),
    websocket: {
      open: (socket) => void socket.send(JSON.stringify({ type: "ready", pingMs: 25_000 })),
      message: (socket, text) => {
        asked.push((JSON.parse(String(text)) as { after?: string }).after)
        const frames = [{ type: "subscribed", ...at("4"), replayed: asked.length - 1 }, event("2026-03-12", true)]
        for (const frame of asked.length === 1 ? frames : [...frames, event("2026-03-13")])
          socket.send(JSON.stringify(frame))
        if (asked.length === 1) socket.terminate()
      },
    },
  })
  const client = connect({ url: `http://127.0.0.1:${fake.port}` })
  const events = follow(client, "facility:a:availability")
  await eventually(() => expect(events).toHaveLength(3))
  expect(asked).toEqual([undefined, "4-0123456789abcdef"])
  expect(events.map(({ payload }) => payload.date)).toEqual(["2026-03-12", "2026-03-12", "2026-03-13"])
  client.close()
  await fake.stop(true)
})

test("codes that say do not come back are obeyed, and the waits are random and grow", () => {
  const meaning = (codes: number[]) => [...new Set(codes.map(afterClose))]
  expect(meaning([1000, 1002, 1008, 1009, 4400, 4403])).toEqual(["end"])
  expect(meaning([1005, 1006, 1011, 1013, 4008])).toEqual(["soon"])
  expect(meaning([1001, 1012, 4009])).toEqual(["spread"])
  expect([afterClose(4429), afterClose(4401)]).toEqual(["later", "renew"])
  const waits = (after: "soon" | "spread" | "later", failures: number) =>
    Array.from({ length: 400 }, () => retryMs(after, failures))
  expect(Math.max(...waits("soon", 1))).toBeLessThanOrEqual(1_000)
  expect(Math.max(...waits("soon", 4))).toBeGreaterThan(4_000)
  expect(Math.max(...waits("soon", 40))).toBeLessThanOrEqual(30_000)
  expect(Math.min(...waits("later", 1))).toBeGreaterThanOrEqual(30_000)
  const spread = waits("spread", 1)
  for (const quarter of [0, 1, 2, 3])
    expect(spread.filter((ms) => Math.floor(ms / 1_000) === quarter).length).toBeGreaterThan(40)
})

const address = () => server.url.replace("ws:", "http:").replace("/v1/live", "")

const isLive = (client: LiveConnection) => eventually(() => expect(client.state).toBe("live"))

const listeners = () => (server.live.hasSubscribers(`facility:${club.id}:check-ins`) ? 1 : 0)

function connect(options: Partial<LiveOptions>): LiveConnection {
  const client = connectLive({ url: address(), transport: "websocket", token: () => club.staff.token, ...options })
  ends.push(client)
  return client
}

function follow(client: LiveConnection, channel: string): LiveEvent[] {
  const events: LiveEvent[] = []
  client.subscribe(channel, { onEvent: (event) => events.push(event) })
  return events
}

async function checkIns(count: number): Promise<void> {
  await run(database.db, async (tx) => {
    for (let each = 0; each < count; each++) record(tx, aCheckIn(club))
  })
  await server.pass()
}
