/** Two servers and two actor processes on one database; one of them is stopped, another is killed. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Client, clientOf, makeClub } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { expectPromisesKept, settled } from "#test/harness/promises/promises.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type System, startSystem } from "#test/harness/setup/system.ts"

let database: TestDatabase
let receiver: Receiver
let servers: System[] = []
let actors: System[] = []

beforeAll(async () => {
  database = await testDatabase()
  receiver = startReceiver()
  servers = await Promise.all([
    startSystem({ url: database.url, role: "server" }),
    startSystem({ url: database.url, role: "server" }),
  ])
  actors = await Promise.all([
    startSystem({ url: database.url, role: "actors" }),
    startSystem({ url: database.url, role: "actors" }),
  ])
}, 60_000)
afterAll(async () => {
  await Promise.all([...servers, ...actors].map((system) => system.end("SIGKILL")))
  await receiver.stop()
  await database.drop()
})

test(
  "work continues when an actor process is stopped or killed, and none is doubled or missed",
  async () => {
    const clients = servers.map((server) => clientOf(server.address))
    const club = await makeClub(clients[0] as Client, { courts: 4 })
    await clients[0]?.post(`${club.at}/webhooks`, {
      name: "all",
      url: receiver.url,
      authType: "none",
      events: ["booking.confirmed"],
    })
    let booked = 0
    const book = async (count: number) => {
      const answers = await Promise.all(
        Array.from({ length: count }, () => {
          const n = booked++
          const client = clients[n % 2] as Client
          const slot = {
            resourceId: club.resourceIds[n % 4],
            bookerId: club.bookerId,
            paymentMethod: "waived",
            ...atHour(Math.floor(n / 4)),
          }
          return client.post(`${club.at}/bookings`, slot)
        }),
      )
      expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 201))
    }
    const allArrived = () =>
      expect(new Set(receiver.received.map((one) => one.headers.get("x-slotbase-event-id"))).size).toBe(booked)

    await book(60)
    await eventually(allArrived)

    // Stopped, not crashed: the process keeps its connections and its leases, and others take over.
    actors[0]?.signal("SIGSTOP")
    await book(60)
    await eventually(allArrived)
    actors[0]?.signal("SIGCONT")
    await book(20)
    await eventually(allArrived)

    actors[1]?.signal("SIGKILL")
    await book(60)
    await eventually(allArrived)

    await settled(database.db, 30_000)
    await expectPromisesKept(database.db)
    const runs = await database.db<{ handler: string; runs: number }[]>`
      select handler, count(*) as runs from slotbase.handler_runs r
      join slotbase.events e on e.id = r.event_id where e.type = 'booking.confirmed' and r.status in ('success', 'skipped')
      group by handler order by handler`
    expect([...runs]).toEqual([
      { handler: "AnalyticsHandler", runs: booked },
      { handler: "CacheInvalidationHandler", runs: booked },
      { handler: "CalendarSyncHandler", runs: booked },
      { handler: "CapacityTrackingHandler", runs: booked },
      { handler: "NotificationHandler", runs: booked },
    ])
    const [figures] = await database.db<
      { bookings: number }[]
    >`select sum(bookings)::integer as bookings from slotbase.daily_facility_figures`
    expect(figures?.bookings).toBe(booked)
  },
  { timeout: 60_000 },
)
