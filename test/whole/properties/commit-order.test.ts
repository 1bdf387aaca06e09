// Positions under sixteen writers and three dispatchers at once: dense, and each event once. The events of an aggregate
// are in the order of its commits. Every change increments a version under its row lock, and its event carries the
// version, so the log shows the commit order. Round trips in random places vary the interleaving.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { checkRecordedBySql } from "#actors/dispatch/check-recorded-by-sql.ts"
import { connect, type Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import { mirrorEventTypes } from "#events/mirror.ts"
import { record, transact } from "#events/outbox.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { context, dispatchBy, failure, sample, subscribe, waysToDispatch } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { holds, timeoutOf } from "./property.ts"

const writers = 16
const dispatchers = 3
const aggregates = 5
const withinMs = 9_000

/** One transaction of a writer. */
const change = fc.record({
  /** Locked in this order, like a command that changes several rows. */
  aggregates: fc.uniqueArray(fc.nat(aggregates - 1), { minLength: 1, maxLength: 3 }).map((all) => all.toSorted()),
  /** The number of events for each aggregate. */
  events: fc.integer({ min: 1, max: 3 }),
  /** "sql" calls record_event: a deferred trigger then draws the number in the outbox at the commit. */
  by: fc.constantFrom("record", "record", "sql"),
  ends: fc.constantFrom("commit", "commit", "commit", "rollback"),
  trips: fc.record({ before: fc.nat(3), locked: fc.nat(3), recorded: fc.nat(3) }),
})
type Change = ValueOf<typeof change>
type ValueOf<A> = A extends fc.Arbitrary<infer T> ? T : never

/** Around the 32 events that a turn dispatches one after the other at most. */
const dispatcher = fc.record({ way: fc.constantFrom(...waysToDispatch), batch: fc.integer({ min: 1, max: 64 }) })
type Dispatcher = ValueOf<typeof dispatcher>

const schedule = fc.record({
  writers: fc.array(fc.array(change, { minLength: 1, maxLength: 5 }), { minLength: writers, maxLength: writers }),
  dispatchers: fc.array(dispatcher, { minLength: dispatchers, maxLength: dispatchers }),
})

type Schedule = ValueOf<typeof schedule>

let database: TestDatabase
let dbs: readonly Db[]

beforeAll(async () => {
  database = await testDatabase()
  const others = [1, 2].map(() => connect(database.url, { max: 10, applicationName: "slotbase test writers" }))
  dbs = [database.db, ...others]
  await mirrorEventTypes(database.db, "development")
  await subscribe(database.db, "AnalyticsHandler", "booking.confirmed")
  await database.db`create table versions (nth integer primary key, id uuid not null, version integer not null)`
})
afterAll(async () => {
  await Promise.all(dbs.slice(1).map((each) => each.end()))
  await database.drop()
})

test(
  "under concurrent writers and dispatchers positions are dense and follow the commits of each aggregate",
  () => holds(schedule, dense, { numRuns: 12, withinMs }),
  timeoutOf(withinMs),
)

async function dense({ writers, dispatchers }: Schedule): Promise<void> {
  const place = await aPlace()
  const over = new AbortController()
  const writing = writers.map(async (changes, nth) => {
    for (const each of changes) await apply(dbOf(nth), place, each)
  })
  const dispatching = dispatchers.map((each, nth) => dispatchUntil(over.signal, dbOf(nth), each))
  const counting = Promise.allSettled(dispatching)
  const written = await Promise.allSettled(writing)
  over.abort()
  const counts = await counting
  for (const end of [...written, ...counts]) if (end.status === "rejected") throw end.reason
  const dispatched = (await Promise.all(dispatching)).reduce((sum, count) => sum + count, 0)
  await expectOrder(place, writers.flat(), dispatched)
}

const dbOf = (nth: number) => dbs[nth % dbs.length] as Db

interface Place {
  readonly facilityId: string
  /** The end of the log before the case. */
  readonly base: number
  readonly aggregates: readonly string[]
}

/** A new facility with new aggregates. Events that a failed case left behind are dispatched first. */
async function aPlace(): Promise<Place> {
  const { db } = database
  await dispatchUntil(AbortSignal.abort(), db, { way: "turn", batch: 500 })
  const ids = Array.from({ length: aggregates }, newId)
  await db`truncate versions`
  await db`
    insert into versions
    select nth - 1, id, 0 from unnest(${ids}::uuid[]) with ordinality as a (id, nth)`
  const [row] = await db<[{ base: number }]>`
    select coalesce(max(position), 0) as base from slotbase.event_positions`
  return { facilityId: (await aFacility(db)).id, base: row.base, aggregates: ids }
}

/** The work of a command: lock, change, record. */
async function apply(on: Db, { facilityId }: Place, { aggregates, events, by, ends, trips }: Change): Promise<void> {
  const command = transact(on, context, async (tx) => {
    await roundTrips(tx, trips.before)
    for (const nth of aggregates) {
      const [row] = await tx<[{ id: string; version: number }]>`
        update versions set version = version + ${events} where nth = ${nth} returning id, version`
      await roundTrips(tx, trips.locked)
      for (let version = row.version - events + 1; version <= row.version; version++)
        await announce(tx, by, facilityId, row.id, version)
    }
    await roundTrips(tx, trips.recorded)
    if (ends === "rollback") throw new RolledBack()
  })
  if (ends === "rollback") expect(await failure(command)).toBeInstanceOf(RolledBack)
  else await command
}

class RolledBack extends Error {}

async function announce(
  tx: Tx,
  by: Change["by"],
  facilityId: string,
  bookingId: string,
  version: number,
): Promise<void> {
  const event = sample("booking.confirmed", { bookingId, facilityId, priceAmount: version }, facilityId)
  if (by === "record") record(tx, event)
  else await tx`select slotbase.record_event(${event.type}, ${facilityId}, ${tx.json(event.data)})`
}

async function roundTrips(tx: Tx, count: number): Promise<void> {
  for (let nth = 0; nth < count; nth++) await tx`select ${nth}::integer`
}

/** Dispatches until the writers are done and no event is left; returns the number of events. */
async function dispatchUntil(over: AbortSignal, on: Db, { way, batch }: Dispatcher): Promise<number> {
  for (let sum = 0; ; ) {
    const last = over.aborted
    // The floor moves at most once a second. Reset here, it can move at every pass.
    await on`update slotbase.outbox_floor set noted_at = '-infinity'`
    const pass = await dispatchBy(way, on, batch)
    sum += pass.dispatched
    if (pass.waits_for_check) await checkRecordedBySql(on)
    else if (last && pass.dispatched === 0) return sum
  }
}

async function expectOrder(place: Place, changes: readonly Change[], dispatched: number): Promise<void> {
  const { db } = database
  const committed = changes.filter(({ ends }) => ends === "commit")
  const versions = place.aggregates.map((_, nth) =>
    committed.reduce((sum, { aggregates, events }) => sum + (aggregates.includes(nth) ? events : 0), 0),
  )
  const total = versions.reduce((sum, count) => sum + count, 0)
  const positions = upTo(total).map((nth) => place.base + nth)
  const log = await db<{ position: number; event_id: string; id: string; version: number }[]>`
    select p.position, p.event_id, e.aggregate_id as id, (e.data ->> 'priceAmount')::integer as version
    from slotbase.event_positions p join slotbase.events e on e.id = p.event_id
    where p.position > ${place.base} order by p.position`
  expect(log.map(({ position }) => position)).toEqual(positions)
  expect(new Set(log.map((row) => row.event_id)).size).toBe(total)
  expect(dispatched).toBe(total)
  for (const [nth, id] of place.aggregates.entries())
    expect(log.filter((row) => row.id === id).map(({ version }) => version)).toEqual(upTo(versions[nth] as number))

  const runs = await db<{ position: number }[]>`
    select position from slotbase.handler_runs where position > ${place.base} order by position`
  expect(runs.map(({ position }) => position)).toEqual(positions)
  const [left] = await db<[{ outbox: number; dead: number; unbalanced: number }]>`
    select (select count(*) from slotbase.outbox) as outbox,
           (select count(*) from slotbase.dead_letters where facility_id = ${place.facilityId}) as dead,
           (select count(*) from slotbase.event_ledger_whole where position > ${place.base} and not balanced) as unbalanced`
  expect({ ...left }).toEqual({ outbox: 0, dead: 0, unbalanced: 0 })
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, nth) => nth + 1)
