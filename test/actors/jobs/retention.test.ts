// Retention: old months leave, and their unfinished work becomes dead letters. No writer waits for it, and the next run
// heals an interruption anywhere.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { join } from "node:path"
import { retention } from "#actors/jobs/retention.ts"
import { clock } from "#base/clock.ts"
import { type Arming, type CrashPoint, retentionPoints } from "#base/crash-points.ts"
import { connect, type Db, type Queryable } from "#base/database/db.ts"
import { example } from "#events/example.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import {
  aWebhook,
  dispatchAll,
  failure,
  processRow,
  recordMany,
  subscribe,
  unbalanced,
} from "#test/harness/pipeline/pipeline.ts"
import { letters, partitions, waitingFor } from "#test/harness/pipeline/retention.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const project = join(import.meta.dir, "../../..")
let database: TestDatabase
let db: Db
let webhook: string
/** The lines that the job has printed. */
let said: string[]

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  said = []
  await aFacility(db, { id: example.facilityId })
  await subscribe(db, "AnalyticsHandler", "booking.confirmed")
  webhook = await aWebhook(db, "booking.confirmed")
})

afterEach(async () => {
  await db`update slotbase.clock set shift = '0'`
  await clock.follow(db)
  await database.drop()
})

test("a month older than keep_events leaves; unfinished work becomes dead letters with the whole event, and is counted", async () => {
  const { month, ids } = await anOldMonth()
  await db`
    insert into slotbase.handlers (handler, event_type, from_position, until_position, ended)
    values ('Gone', 'user.created', 1, 2, true), ('Later', 'user.created', 1, 5, true)`
  await aYearLater()
  expect(await partitions(db, month)).toHaveLength(6)
  await retire()
  expect(await partitions(db, month)).toEqual([])
  expect(await positions()).toEqual([3, 4])
  expect(await unbalanced(db)).toHaveLength(0)
  expect((await letters(db)).map(({ of, event, code }): unknown[] => [of, event.id, code])).toEqual([
    ["AnalyticsHandler", ids[0], "retention"],
    [webhook, ids[0], "retention"],
    ["AnalyticsHandler", ids[1], "retention"],
    [webhook, ids[1], "retention"],
    ["dispatcher", ids[2], "retention"],
  ])
  expect((await letters(db)).every(({ event }) => "bookingId" in event.data)).toBe(true)
  expect(await months()).toEqual([{ month, ended: true, undispatched: 1, runs: 2, deliveries: 2, positions: 2 }])
  expect(said).toContain(
    `info: ${month.replace("_", "-")} is no longer kept: 2 events have left the log; ` +
      "5 dead letters were made: 1 of events never dispatched, 2 of runs, 2 of deliveries",
  )
  const ended = await db<{ handler: string }[]>`select handler from slotbase.handlers where ended`
  expect(ended.map(({ handler }) => handler)).toEqual(["Later"])
})

test("work that goes on in later months is untouched", async () => {
  await anOldMonth()
  await aYearLater()
  await retire()
  const [left] = await db`
    select (select count(*)::integer from slotbase.unfinished_runs where position > 2) as runs,
           (select count(*)::integer from slotbase.delivery_queue where position > 2) as deliveries,
           (select count(*)::integer from slotbase.events) as events`
  expect({ ...left }).toEqual({ runs: 2, deliveries: 2, events: 2 })
})

test("nothing leaves before its time, nor ever while keep_events is null", async () => {
  const { month } = await anOldMonth()
  await aYearLater("11 months")
  await retire()
  expect(await partitions(db, month)).toHaveLength(6)
  await db`update slotbase.settings set keep_events = null`
  await aYearLater("5 years")
  await retire()
  expect(await partitions(db, month)).toHaveLength(6)
})

test("the month of the last position stays, and the next position follows it", async () => {
  const { month } = await anOldMonth()
  await moveClock("14 months")
  await retire()
  expect(await partitions(db, month)).toHaveLength(6)
  await recordMany(db, 1)
  await dispatchAll(db)
  expect(await positions()).toEqual([1, 2, 3])
})

test("less than a month is refused, and last month always stays", async () => {
  expect(await failure(db`update slotbase.settings set keep_events = '20 days'`)).toMatchObject({
    constraint_name: "events_are_kept_a_month",
  })
  const { month } = await anOldMonth()
  await db`update slotbase.settings set keep_events = '1 month'`
  await aYearLater("1 month")
  await retire()
  expect(await partitions(db, month)).toHaveLength(6)
})

test("a reader that idles in a transaction delays only retention, which names the reader and goes on afterwards", async () => {
  const { month } = await anOldMonth()
  await aYearLater()
  const reader = connect(database.url, { max: 1, applicationName: "slotbase test report" })
  const [reading, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const report = reader.begin(async (tx) => {
    await tx`select count(*) from slotbase.events where id < ${"ffffffff-0000-7000-8000-000000000000"}`
    reading.resolve()
    await leave.promise
  })
  await reading.promise

  const running = retire(2_000)
  await eventually(async () => expect(await waitingFor(db, "%detach partition%")).toBe(1))
  expect(await recordMany(db, 3)).toHaveLength(3)
  expect(await dispatchAll(db)).toBe(3)
  expect(await db`select from slotbase.ensure_partitions(0)`).toHaveLength(1)
  expect(await waitingFor(db, "%detach partition%")).toBe(1)
  await running
  expect(said.at(-1)).toMatch(
    /^warn: \d{4}-\d{2} cannot leave yet: it is open in session \d+ \(slotbase test report, idle in/,
  )
  expect(await recordMany(db, 1)).toHaveLength(1)

  leave.resolve()
  await report
  await reader.end()
  await retire()
  expect(await partitions(db, month)).toEqual([])
  expect(await unbalanced(db)).toHaveLength(0)
})

const interruptions: [string, (month: string) => Promise<unknown>][] = [
  ["the month was named", async () => {}],
  [
    "a part of its work became dead letters",
    (month) => db`select from slotbase.dead_letter_month(to_date(${month}, 'YYYY_MM'), 1)`,
  ],
  [
    "all of its work became dead letters and a part of the log was forgotten",
    async (month) => {
      await db`select from slotbase.dead_letter_month(to_date(${month}, 'YYYY_MM'), 100)`
      await db`select slotbase.forget_positions(to_date(${month}, 'YYYY_MM'), 1)`
    },
  ],
  [
    "a part of its batches was forgotten",
    async (month) => {
      await deadLetterMonth(month)
      await db`select slotbase.forget_positions(to_date(${month}, 'YYYY_MM'), 100)`
      expect(await forgetBatches(1)).toBe(1)
    },
  ],
  ["the events were detached halfway", detachHalfway],
  ["the events were detached", (month) => detach("events", month)],
  [
    "everything was detached and a part dropped",
    async (month) => {
      for (const parent of ["delivery_history", "handler_history", "events"])
        await deadLetterMonth(month).then(() => detach(parent, month))
      await db`drop table ${db(`slotbase.handler_history_${month}`)}`
    },
  ],
]
test.each(interruptions)("killed after %s, the next run finishes it", async (_, interrupt) => {
  const { month } = await anOldMonth()
  await aYearLater()
  await aBatch("FirstHandler", "[1,2]")
  await aBatch("SecondHandler", "[1,2]")
  await nameUntil(month)
  await interrupt(month)
  await retire()
  expect(await partitions(db, month)).toEqual([])
  expect(await batches()).toEqual([])
  expect(await letters(db)).toHaveLength(5)
  expect(await positions()).toEqual([3, 4])
  expect(await unbalanced(db)).toHaveLength(0)
  expect(await months()).toEqual([{ month, ended: true, undispatched: 1, runs: 2, deliveries: 2, positions: 2 }])
})

test("killed after each of its steps in turn, it goes on where it was, with the same end", async () => {
  const { month } = await anOldMonth()
  await aYearLater()
  await nameUntil(month)
  const steps: (readonly [CrashPoint, nth: number])[] = [
    ["month-named", 1],
    ["month-dead-lettered", 1],
    ["log-forgotten", 1],
    ["partition-detached", 1],
    ["detached-dead-lettered", 1],
    ["partition-detached", 1],
    ["partition-detached", 1],
    ["partition-detached", 1],
    ["partition-detached", 1],
    ["partition-detached", 1],
    ["partition-dropped", 1],
    ["partition-dropped", 2],
    ["partition-dropped", 3],
    ["partition-dropped", 4],
    ["partition-dropped", 5],
    ["partition-dropped", 6],
    ["month-ended", 1],
  ]
  expect(new Set<string>(steps.map(([point]) => point))).toEqual(new Set(retentionPoints))
  const left: number[] = []
  for (const [point, nth] of steps) {
    expect([point, await retireElsewhere([{ point, nth }])]).toEqual([point, "SIGKILL"])
    left.push((await partitions(db, month)).length)
  }
  expect(left).toEqual([...Array(10).fill(6), 5, 4, 3, 2, 1, 0, 0])
  expect(await retireElsewhere([])).toBe(0)
  expect(await letters(db)).toHaveLength(5)
  expect(await positions()).toEqual([3, 4])
  expect(await unbalanced(db)).toHaveLength(0)
  expect(await months()).toEqual([{ month, ended: true, undispatched: 1, runs: 2, deliveries: 2, positions: 2 }])
})

test("work that is put back in the middle becomes a dead letter again", async () => {
  const { month } = await anOldMonth()
  await aYearLater()
  await nameUntil(month)
  await deadLetterMonth(month)
  await db`select slotbase.reprocess(id) from slotbase.dead_letters where handler is distinct from 'dispatcher'`
  await retire()
  const open = await db`select from slotbase.dead_letters where resolved_at is null`
  expect(open).toHaveLength(5)
  expect((await db`select from slotbase.unfinished_runs where position <= 2`).count).toBe(0)
})

test("a run under way when it becomes a dead letter can no longer be settled", async () => {
  const { month } = await anOldMonth()
  const owner = await processRow(db, true)
  const [claim] = await db<[{ lease: number }]>`
    select lease from slotbase.claim_fresh_runs('AnalyticsHandler', ${owner}, 100, 0)`
  await aYearLater()
  await nameUntil(month)
  await deadLetterMonth(month)
  const settling = db`
    select slotbase.settle_runs('AnalyticsHandler', ${claim.lease}, ${[1, 2]}::bigint[], '{success,success}', '{1,1}', '{null,null}')`
  expect(await failure(settling)).toMatchObject({ code: "SB001" })
  const errors = await db<{ message: string }[]>`
    select errors -> -1 -> 'error' ->> 'message' as message from slotbase.dead_letters where handler = 'AnalyticsHandler'`
  expect(errors[0]?.message).toBe(
    "unfinished when the retention of its event ended; an attempt was under way, its outcome is unknown",
  )
})

test("batches leave in bounded parts, found by their index, and not before the last of their events", async () => {
  await anOldMonth()
  for (const [handler, positions] of [
    ["FirstHandler", "[1,1]"],
    ["FirstHandler", "[2,2]"],
    ["SecondHandler", "[1,2]"],
    ["ThirdHandler", "[2,3]"],
    ["FourthHandler", "[3,4]"],
  ] as const)
    await aBatch(handler, positions)
  expect(await forgetBatches(10)).toBe(0)
  await aYearLater()
  await db`delete from slotbase.event_positions where position < 3`
  await db.begin(async (tx) => {
    expect(await forgetBatches(2, tx)).toBe(2)
    expect(await forgetBatches(2, tx)).toBe(1)
    expect(await forgetBatches(2, tx)).toBe(0)
    const [read] = await tx`
      select seq_scan, n_tup_del from pg_stat_xact_user_tables where relid = 'slotbase.handler_batches'::regclass`
    expect({ ...read }).toEqual({ seq_scan: 0, n_tup_del: 3 })
  })
  expect(await batches()).toEqual(["FourthHandler", "ThirdHandler"])
})

test("two processes at once do it once", async () => {
  const { month } = await anOldMonth()
  await aYearLater()
  await Promise.all([retire(), retire()])
  await retire()
  expect(await partitions(db, month)).toEqual([])
  expect(await letters(db)).toHaveLength(5)
  expect(await months()).toEqual([{ month, ended: true, undispatched: 1, runs: 2, deliveries: 2, positions: 2 }])
})

/** As pg-boss calls it: until nothing is left. */
async function retire(lockMs = 300): Promise<void> {
  const { pass } = retention(database.url, { lockMs, say: ({ level, message }) => said.push(`${level}: ${message}`) })
  while ((await pass(new AbortController().signal)).more);
}

/** The same in a process of its own, which may be killed; answers how it ended. */
async function retireElsewhere(armings: readonly Arming[]): Promise<number | string | null> {
  const program = `
    import { retention } from "./actors/jobs/retention.ts"
    import { arm } from "./src/base/crash-points.ts"
    arm(${JSON.stringify(armings)})
    const { pass } = retention(${JSON.stringify(database.url)}, { say: () => {} })
    while ((await pass(new AbortController().signal)).more);`
  const child = Bun.spawn([process.execPath, "-e", program], { cwd: project, stdout: "inherit", stderr: "inherit" })
  await child.exited
  return child.signalCode ?? child.exitCode
}

async function moveClock(by: string): Promise<void> {
  await db`select slotbase.move_clock(${by}::text::interval)`
  await clock.follow(db)
}

/** Two events of the present month that are dispatched, and one that never is. */
async function anOldMonth(): Promise<{ month: string; ids: readonly string[] }> {
  const dispatched = await recordMany(db, 2)
  await dispatchAll(db)
  const left = await recordMany(db, 1)
  await db`update slotbase.outbox set seq = seq + 1000000, unchecked = true`
  const [row] = await db<[{ month: string }]>`select to_char(slotbase.now() at time zone 'UTC', 'YYYY_MM') as month`
  return { month: row.month, ids: [...dispatched, ...left] }
}

/** Time goes by, and then an event is recorded: the log has an end that is kept. */
async function aYearLater(by = "14 months"): Promise<void> {
  await moveClock(by)
  await recordMany(db, 2)
  await dispatchAll(db)
}

/** Earlier months leave; this one is named and nothing more. */
async function nameUntil(month: string): Promise<void> {
  for (;;) {
    const [due] = await db<[{ name: string; month: string }]>`
      select to_char(month, 'YYYY_MM') as name, month::text from slotbase.retire_month()`
    if (due.name === month) return
    await db`select slotbase.end_retired_month(${due.month})`
    for (const name of await partitions(db, due.name)) await db`drop table ${db(`slotbase.${name}`)}`
  }
}

const deadLetterMonth = (month: string) => db`select from slotbase.dead_letter_month(to_date(${month}, 'YYYY_MM'), 100)`

const aBatch = (handler: string, positions: string) => db`
  insert into slotbase.handler_batches (handler, positions, runs, duration_ms, settled_at)
  values (${handler}, int8multirange(${positions}::text::int8range), 1, 1, slotbase.now())`

const batches = async () =>
  (await db<{ handler: string }[]>`select handler from slotbase.handler_batches order by handler`).map(
    ({ handler }) => handler,
  )

const forgetBatches = async (batch: number, on: Queryable = db) =>
  (await on<[{ found: number }]>`select slotbase.forget_batches(${batch}) as found`)[0].found

const detach = (parent: string, month: string) => db`
  alter table ${db(`slotbase.${parent}`)} detach partition ${db(`slotbase.${parent}_${month}`)} concurrently`

/** Its process was killed while it waited for a reader. */
async function detachHalfway(month: string): Promise<void> {
  const [reader, detacher] = ["reader", "detacher"].map((name) =>
    connect(database.url, { max: 1, applicationName: `slotbase test ${name}` }),
  ) as [Db, Db]
  await reader.begin(async (tx) => {
    await tx`select count(*) from slotbase.events where id < ${"ffffffff-0000-7000-8000-000000000000"}`
    const [events, partition] = [detacher("slotbase.events"), detacher(`slotbase.events_${month}`)]
    const detaching = failure(detacher`alter table ${events} detach partition ${partition} concurrently`)
    await eventually(async () => expect(await waitingFor(db, "%detach partition%")).toBe(1))
    await db`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'slotbase test detacher' and datname = current_database()`
    expect(await detaching).toBeInstanceOf(Error)
  })
  await Promise.all([reader.end(), detacher.end()])
  expect(await db`select from pg_inherits where inhdetachpending`).toHaveLength(1)
}

const positions = async () =>
  (await db<{ position: number }[]>`select position from slotbase.event_positions order by position`).map(
    (row) => row.position,
  )

/** The state of the months in which there was an event. */
const months = async () => {
  const rows = await db<object[]>`
    select to_char(month, 'YYYY_MM') as month, ended_at is not null as ended, undispatched, runs, deliveries, positions
    from slotbase.retired_months where undispatched + runs + deliveries + positions > 0 order by month`
  return rows.map((row) => ({ ...row }))
}
