// The feed: a reader that continues from its position sees every event once and in order, also events that committed
// late.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { NotFound } from "#base/errors.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { record } from "#events/outbox.ts"
import { readEvent, readEventLog, readFeed } from "#outbound/feed/log.ts"
import { aCheckIn, aClub, type Club, run } from "#test/harness/club/club.ts"
import { dispatchAll, failure, subscribe } from "#test/harness/pipeline/pipeline.ts"
import { queueAll } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let club: Club
let other: Club

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  other = await aClub(database.db)
})
afterAll(() => database.drop())

test("a reader that polls beside concurrent writers and a dispatcher sees every event once, in order", async () => {
  const { db } = database
  const writers = 8
  const eventsEach = 25
  let writing = true
  const recorded: string[] = []
  const write = async () => {
    for (let each = 0; each < eventsEach; each++) {
      recorded.push(
        await run(db, async (tx) => {
          const id = record(tx, aCheckIn(club))
          // Some writers take longer, so that they do not commit in the order of their ids.
          if (each % 5 === 0) await tx`select pg_sleep(0.005)`
          return id
        }),
      )
    }
  }
  const dispatch = async () => {
    while (writing) await dispatchAll(db, 7)
    await dispatchAll(db)
  }
  const read = async (): Promise<{ ids: string[]; positions: number[] }> => {
    const [ids, positions]: [string[], number[]] = [[], []]
    let after = 0
    let last = false
    for (;;) {
      const ending = !dispatching
      const page = await readFeed(db, { facilityId: club.id, after, limit: 10 })
      for (const event of page.data) {
        ids.push(event.id)
        positions.push(Number(event.position))
      }
      after = Number(page.position)
      if (page.next === null && last) return { ids, positions }
      last = ending && page.next === null
    }
  }
  let dispatching = true
  const dispatched = dispatch().finally(() => {
    dispatching = false
  })
  const reading = read()
  await Promise.all(Array.from({ length: writers }, write)).finally(() => {
    writing = false
  })
  await dispatched
  const { ids, positions } = await reading
  expect([...ids].sort()).toEqual([...recorded].sort())
  expect(positions).toEqual(Array.from({ length: writers * eventsEach }, (_, index) => index + 1))
})

test("pages lead through the log; position is its end, where polling continues", async () => {
  const { db } = database
  const start = Number((await readFeed(db, { after: 0, limit: 1_000 })).position)
  const ids = await run(db, async (tx) => [1, 2, 3, 4, 5].map(() => record(tx, aCheckIn(club))))
  await run(db, async (tx) => record(tx, aCheckIn(other)))
  await dispatchAll(db)
  const first = await readFeed(db, { facilityId: club.id, after: start, limit: 3 })
  expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 3))
  expect([first.next, first.position]).toEqual([String(start + 3), String(start + 3)])
  const second = await readFeed(db, { facilityId: club.id, after: start + 3, limit: 3 })
  expect(second.data.map(({ id, position }) => [id, position])).toEqual([
    [ids[3], String(start + 4)],
    [ids[4], String(start + 5)],
  ] as never)
  expect([second.next, second.position]).toEqual([null, String(start + 6)])
  expect(await readFeed(db, { facilityId: club.id, after: start + 6, limit: 3 })).toEqual({
    data: [],
    next: null,
    position: String(start + 6),
    epoch: first.epoch,
  })
})

test("types narrow the feed, and a page that scanned much of the log names its next position", async () => {
  const { db } = database
  const start = Number((await readFeed(db, { after: 0, limit: 1_000 })).position)
  await db`
    insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
    select ${start} + n, ${club.id}, slotbase.new_id(), 'booking.completed', 0, 0, slotbase.now() from generate_series(1, 10500) n`
  await run(db, async (tx) => record(tx, aCheckIn(club)))
  await dispatchAll(db)
  const types = ["booking.checked_in", "booking.no_show"]
  const first = await readFeed(db, { facilityId: club.id, types, after: start, limit: 5 })
  expect(first).toEqual({
    data: [],
    next: String(start + 10_000),
    position: String(start + 10_000),
    epoch: first.epoch,
  })
  const second = await readFeed(db, { facilityId: club.id, types, after: start + 10_000, limit: 5 })
  expect(second.data.map(({ type, position }) => [type, position])).toEqual([
    ["booking.checked_in", String(start + 10_501)],
  ] as never)
  expect([second.next, second.position]).toEqual([null, String(start + 10_501)])
  await db`delete from slotbase.event_positions where type = 'booking.completed'`
})

test("an event is the spec's DomainEvent with its position, which is null until it is dispatched", async () => {
  const { db } = database
  const id = await run(db, async (tx) => record(tx, aCheckIn(club)))
  const waiting = await readEvent(db, id, club.id)
  expect(waiting).toEqual({
    id,
    type: "booking.checked_in",
    version: "1.0",
    timestamp: expect.stringMatching(/Z$/),
    occurredAt: waiting.timestamp,
    source: "booking-service",
    correlationId: expect.any(String),
    facilityId: club.id,
    data: expect.objectContaining({ method: "manual" }),
    metadata: { environment: "development" },
    position: null,
  } as never)
  await dispatchAll(db)
  expect((await readEvent(db, id)).position).toMatch(/^\d+$/)
  expect(await failure(readEvent(db, id, other.id))).toBeInstanceOf(NotFound)
  expect(await failure(readEvent(db, newId()))).toBeInstanceOf(NotFound)
})

test("an event without a facility is in the platform's feed and names no facility", async () => {
  const { db } = database
  const id = newId()
  await run(db, async (tx) =>
    record(tx, {
      type: "user.created",
      data: { userId: id, email: "a@example.com", firstName: "A", lastName: "B", registrationSource: "web" },
    }),
  )
  await dispatchAll(db)
  const { data } = await readFeed(db, { types: ["user.created"], after: 0, limit: 10 })
  expect(data.map((event) => [event.data.userId, event.facilityId])).toEqual([[id, undefined]])
  expect((await readFeed(db, { facilityId: platformFacilityId, after: 0, limit: 10 })).data).toHaveLength(1)
})

test("the story of an event names each handler and each webhook with its status", async () => {
  const { db } = database
  await subscribe(db, "WaitingHandler", "booking.checked_in")
  await subscribe(db, "DoneHandler", "booking.checked_in")
  await subscribe(db, "DeadHandler", "booking.checked_in")
  const id = await run(db, async (tx) => record(tx, aCheckIn(club)))
  await dispatchAll(db)
  await queueAll(db)
  await db`
    with gone as (delete from slotbase.handler_queue where event_id = ${id} and handler <> 'WaitingHandler' returning *)
    insert into slotbase.handler_history (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, errors)
    select event_id, handler, facility_id, position, case when handler = 'DeadHandler' then 'dead_letter' else 'success' end,
           1, 2.5, slotbase.now(),
           case when handler = 'DeadHandler' then ${db.json([{ error: { message: "it broke", code: "E" } }])}::jsonb end
    from gone`
  const log = await readEventLog(db, id, club.id)
  expect(log).toEqual({
    eventId: id,
    eventType: "booking.checked_in",
    timestamp: (await readEvent(db, id)).timestamp,
    facilityId: club.id,
    position: (await readEvent(db, id)).position,
    handlers: [
      { name: "DeadHandler", status: "failed", duration: 2.5, error: "it broke" },
      { name: "DoneHandler", status: "success", duration: 2.5 },
      { name: "WaitingHandler", status: "pending", duration: 0 },
    ],
    webhooks: [],
  })
  expect(await failure(readEventLog(db, id, other.id))).toBeInstanceOf(NotFound)
})
