// Partitions: created ahead with equal boundaries, in the months of the one clock, and read one at a time by an id.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { dispatchAll, failure, recordMany } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const parents = ["attempt_history", "delivery_bodies", "delivery_history", "events", "handler_history", "joint_history"]

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})

afterAll(() => database.drop())

test("every partitioned table has last month, this one and three ahead, with the same boundaries", async () => {
  const rows = await bounds()
  expect([...new Set(rows.map(({ parent }) => parent))]).toEqual(parents)
  const ofEvents = rows.filter(({ parent }) => parent === "events").map(({ bound }) => bound)
  expect(ofEvents).toHaveLength(5)
  for (const parent of parents) {
    expect(rows.filter((row) => row.parent === parent).map(({ bound }) => bound)).toEqual(ofEvents)
  }
})

test("there is no default partition, which would forbid detaching concurrently", async () => {
  expect((await bounds()).filter(({ bound }) => bound === "DEFAULT")).toEqual([])
})

test("creating them again creates nothing, also by several processes at once", async () => {
  const others = [1, 2, 3].map(() => connect(database.url, { max: 1, applicationName: "slotbase test" }))
  const made = await Promise.all(
    [db, ...others].map(
      async (sql) => (await sql<[{ made: number }]>`select slotbase.ensure_partitions(5) as made`)[0].made,
    ),
  )
  expect(made.sort()).toEqual([0, 0, 0, 2 * parents.length])
  await Promise.all(others.map((sql) => sql.end()))
})

test("a clock that is moved by a year has its partitions, and events go into them", async () => {
  await db`select slotbase.move_clock('1 year')`
  const [row] = await db<[{ id: string; month: string }]>`
    select slotbase.new_id() as id, to_char(slotbase.now() at time zone 'UTC', 'YYYY_MM') as month`
  await db`
    insert into slotbase.events (id, facility_id, type, version, timestamp, occurred_at, source, correlation_id,
      aggregate_type, aggregate_id, data, metadata)
    values (${row.id}, ${row.id}, 'booking.confirmed', '1.0', slotbase.now(), slotbase.now(), 'test', ${row.id}, 'booking',
      ${row.id}, '{}', '{}')`
  const [found] = await db`select tableoid::regclass::text as partition from slotbase.events where id = ${row.id}`
  expect(found?.partition).toMatch(new RegExp(`events_${row.month}$`))
  await db`update slotbase.clock set shift = '0'`
})

test("creating them blocks no writer of events", async () => {
  await db.begin(async (tx) => {
    await tx`select slotbase.ensure_partitions(12)`
    // On another connection, while the partitions are not yet committed.
    expect(await recordMany(db, 1)).toHaveLength(1)
    expect(await dispatchAll(db)).toBe(1)
  })
})

test("a lookup by an id reads one partition", async () => {
  const plan = await db<{ "QUERY PLAN": string }[]>`
    explain select * from slotbase.events where id = '01a20000-0000-7000-8000-000000000000'`
  const scans = plan.map((line) => line["QUERY PLAN"]).filter((line) => line.includes("Scan"))
  expect(scans).toHaveLength(1)
})

test("an id outside of the partitions is refused with an error", async () => {
  const far = "09000000-0000-7000-8000-000000000000"
  const insert = db`
    insert into slotbase.handler_history (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at)
    values (${far}, 'A', ${far}, 1, 'success', 1, 1, slotbase.now())`
  expect(await failure(insert)).toMatchObject({ code: "23514" })
})

const bounds = () => db<{ parent: string; bound: string }[]>`
  select p.relname as parent, pg_get_expr(c.relpartbound, c.oid) as bound
  from pg_inherits i
  join pg_class p on p.oid = i.inhparent
  join pg_class c on c.oid = i.inhrelid
  where p.relnamespace = 'slotbase'::regnamespace and c.relkind = 'r'
  order by p.relname, bound`
