// The doctor: every check passes on a healthy database, and names the fault on a damaged one.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { example } from "#events/example.ts"
import { type Check, checks } from "#operations/doctor.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { aWebhook, processRow } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const ill = async () => (await all()).filter(({ well }) => !well).map(({ name, says }) => `${name}: ${says}`)

test("every check passes on a new database", async () => {
  expect(await ill()).toEqual([])
})

test("a clock that is ahead is named, and a clock that shows the real time is not", async () => {
  const { db } = database
  expect((await namedCheck("server"))[0]?.says).toMatch(/^PostgreSQL [^;]+$/)
  await db`select slotbase.move_clock('33 days')`
  expect((await namedCheck("server"))[0]?.says).toEndWith("; the clock of this database is ahead by 33 days")
  await db`select slotbase.move_clock(-shift) from slotbase.clock`
})

test("a host clock that disagrees, and a newest event in the future, are named", async () => {
  const { db } = database
  const real = Date.now
  try {
    Date.now = () => real() - 3_600_000
    expect((await namedCheck("clocks"))[0]).toMatchObject({
      well: false,
      says: "this machine's clock is 3600 s behind the database's: let a time service set both",
    })
  } finally {
    Date.now = real
  }
  await db`update slotbase.clock set movable = false`
  await db`insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
           values (1, ${platformFacilityId}, ${newId()}, 'user.created', 0, 0, slotbase.now() + interval '1 hour')`
  const [check] = await namedCheck("clocks")
  expect(check).toEqual({
    name: "clocks",
    well: false,
    says: expect.stringMatching(/^the newest event is 36\d\d s in the future: the clock was set back; /),
  })
  await db`delete from slotbase.event_positions`
  await db`update slotbase.clock set movable = true`
  expect((await namedCheck("clocks"))[0]?.well).toBe(true)
})

test("work without a process, a missing partition and a run without its subscription are named", async () => {
  const { db } = database
  const eventId = newId()
  await db`insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
           values (1, ${platformFacilityId}, ${eventId}, 'user.created', 1, 0, slotbase.now())`
  await db`insert into slotbase.handler_queue (handler, position, facility_id, event_id)
           values ('GoneHandler', 1, ${platformFacilityId}, ${eventId})`
  await db.unsafe(`do $$ begin execute format('drop table slotbase.events_%s',
    to_char(slotbase.now() at time zone 'UTC' + interval '1 month', 'YYYY_MM')); end $$`)
  expect(await ill()).toEqual([
    `partitions: 1 tables lack next month's partition: run "select slotbase.ensure_partitions()"`,
    "processes: work is waiting and no process does it: start one with ./scripts/start (SLOTBASE_ROLE=all or actors)",
    "ledger: 1 of the last 1 events lack or exceed their work, first at position 1: see slotbase.event_ledger",
  ])
})

test("late work is named with its blocker, and waiting for a receiver is no fault", async () => {
  const { db } = database
  await db`update slotbase.clock set shift = shift + interval '1 minute'`
  const [late] = await namedCheck("late")
  expect(late).toEqual({
    name: "late",
    well: false,
    says: expect.stringMatching(
      /^1 handler_gone for up to 00:01:\d\d \(run: no program has a handler GoneHandler for user.created\): see slotbase.late_events$/,
    ),
  })
  await db`update slotbase.handler_queue set attempts = 1, ready_at = slotbase.now() + interval '1 hour'`
  expect((await namedCheck("late"))[0]?.well).toBe(true)
})

test("a slow receiver is no fault of SlotBase", async () => {
  const { db } = database
  await aFacility(db, { id: example.facilityId })
  const [owner, webhook] = [await processRow(db, true), await aWebhook(db, "user.created")]
  for (const position of [2, 3])
    await db`
      insert into slotbase.delivery_queue (webhook_id, position, replay, facility_id, event_id, delivery_id, sequence)
      values (${webhook}, ${position}, 0, ${example.facilityId}, ${newId()}, ${newId()}, ${position})`
  await db`update slotbase.delivery_queue set lease = 1, owner = ${owner}, started_at = slotbase.now() where position = 2`
  await db`update slotbase.clock set shift = shift + interval '1 minute'`
  await db`update slotbase.delivery_queue set lease = 2 where position = 2`
  const [late] = await namedCheck("late")
  expect(late?.says).toContain("1 endpoint_busy for up to")
  expect(late?.says).toContain("(delivery: 1 requests to its webhook are under way; it gets more as it answers")
  await db`delete from slotbase.delivery_queue where position = 2`
  await db`delete from slotbase.processes`
})

test("the possible decisions on dead letters are named, also for events that have gone", async () => {
  const { db } = database
  await db`
    insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
    values (${newId()}, ${platformFacilityId}, ${newId()}, 1, 'GoneHandler', '{}', '[]', slotbase.now(), slotbase.now())`
  expect((await namedCheck("dead letters"))[0]?.says).toBe(
    '1 open (1 of GoneHandler): look at slotbase.dead_letters or "./scripts/slotbase dead-letters", then reprocess, ignore or resolve each; an event of a month that is no longer kept cannot be reprocessed',
  )
})

test("overdue partitions and their long reader are named, under every plan of PostgreSQL", async () => {
  const { db } = database
  await db`select slotbase.move_clock('2 years')`
  await db`insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
           values (2, ${platformFacilityId}, slotbase.new_id(), 'user.created', 0, 0, slotbase.now())`
  const overdue = /^\d+ partitions should have been dropped, first \w+_\d{4}_\d{2}: /
  expect((await namedCheck("retention"))[0]).toEqual({
    name: "retention",
    well: false,
    says: expect.stringMatching(new RegExp(`${overdue.source}is a process with actors running\\?$`)),
  })
  const [planned, reader] = ["slotbase doctor", "a report"].map((name) =>
    connect(database.url, { max: 1, applicationName: name }),
  ) as [Db, Db]
  for (const way of ["nestloop", "hashjoin", "mergejoin"]) {
    await planned`select set_config(${`enable_${way}`}, 'off', false)`
    expect((await namedCheck("retention", planned))[0]?.says).toMatch(overdue)
    await planned`select month from slotbase.retire_month()`
    await planned`delete from slotbase.retired_months`
  }
  await reader.begin(async (tx) => {
    const [row] = await tx<[{ pid: number }]>`select pg_backend_pid() as pid, (select count(*) from slotbase.events)`
    expect((await namedCheck("retention"))[0]?.says).toMatch(
      new RegExp(`${overdue.source}open in session ${row.pid} \\(a report, idle in transaction, for [0-9:]+\\)$`),
    )
  })
  await Promise.all([planned.end(), reader.end()])
  await db`update slotbase.settings set keep_events = null`
  expect((await namedCheck("retention"))[0]).toEqual({
    name: "retention",
    well: true,
    says: "events are kept for ever",
  })
})

test("a month that was detached and never dropped is named", async () => {
  const { db } = database
  await db`update slotbase.settings set keep_events = '12 months'`
  const [due] = await db<[{ partitions: string[] }]>`select partitions from slotbase.retire_month()`
  await db`update slotbase.settings set keep_events = null`
  for (const each of due.partitions)
    await db`alter table ${db(`slotbase.${each.slice(0, -8)}`)} detach partition ${db(`slotbase.${each}`)}`
  expect((await namedCheck("retention"))[0]?.well).toBe(true)
  await db`update slotbase.retired_months set began_at = began_at - interval '3 days'`
  expect((await namedCheck("retention"))[0]?.says).toStartWith(
    `${due.partitions.length} partitions should have been dropped, first ${due.partitions.toSorted()[0]}: `,
  )
})

/** One check after the other, as the program runs them: in parallel each would see the others' sessions. */
async function all(db = database.db) {
  const results: Check[] = []
  for (const check of checks) results.push(await check(db))
  return results
}

const namedCheck = async (name: string, db?: Db) => (await all(db)).filter((result) => result.name === name)

test("a ledger that disagrees with the payments is named with its facility", async () => {
  const { db } = database
  const facility = await aFacility(db, { name: "Riverside" })
  const source = newId()
  await db`
    insert into slotbase.payment_ledger (source_id, facility_id, kind, account, amount, currency, billing_account_id)
    values (${source}, ${facility.id}, 'offline_payment', 'till', 500, 'EUR', ${newId()}),
           (${source}, ${facility.id}, 'offline_payment', 'sales', -500, 'EUR', ${newId()})`
  expect((await namedCheck("money"))[0]).toMatchObject({
    well: false,
    says: expect.stringMatching(
      /^1 accounts do not balance, first "till" of Riverside in EUR: see slotbase.money_balances$/,
    ),
  })
})

test("a facility whose time zone the program does not know is named", async () => {
  const { db } = database
  const { id } = await aFacility(db)
  await db`update slotbase.facilities set timezone = 'Mars/Base' where id = ${id}`
  expect(await namedCheck("zones")).toEqual([
    {
      name: "zones",
      well: false,
      says: "facilities have time zones that this version does not know, and their local jobs do not run: Mars/Base. Start a newer version, or give them another zone",
    },
  ])
  await db`update slotbase.facilities set timezone = 'Europe/Berlin' where id = ${id}`
  expect((await namedCheck("zones"))[0]?.well).toBe(true)
})
