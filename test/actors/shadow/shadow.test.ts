// Shadow replay: what two versions of a handler would do with past events. The database is the same before and after,
// byte for byte.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { analyticsHandler } from "#actors/handlers/analytics.ts"
import { capacityTrackingHandler } from "#actors/handlers/capacity-tracking.ts"
import { extensionHandler } from "#actors/handlers/extension.ts"
import type { Handler } from "#actors/handlers/handler.ts"
import { refundHandler } from "#actors/handlers/refund.ts"
import { type ShadowOptions, shadowReplay } from "#actors/shadow/shadow.ts"
import type { Db } from "#base/database/db.ts"
import { addToDailyFigures } from "#domain/figures/daily.ts"
import type { DatabaseTools, ExtensionEvent, ExtensionOutcome } from "#hooks/extension.ts"
import { aClub, type Club } from "#test/harness/club/club.ts"
import { dispatchAll, failure } from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await db.begin(async (tx) => {
    await tx`create schema my_club`
    await tx`create table my_club.log (id bigint generated always as identity, type text, at timestamptz, note text)`
    await tx`insert into my_club.log (type) values ('kept')`
  })
  club = await aClub(db)
  for (const hour of [9, 10, 11]) await club.book(club.court, hour)
  await club.cancel((await club.book(club.court, 12)).id)
  const other = await aClub(db)
  await other.book(other.court, 9)
  await dispatchAll(db)
})
afterAll(() => database.drop())

/** Every row of every table, and every sequence. */
async function checksum(): Promise<string> {
  const tables = await db<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname in ('slotbase', 'my_club', 'pgboss') order by 1`
  const sums = []
  for (const { name } of tables) {
    const [row] = await db.unsafe(
      `select md5(coalesce(string_agg(t::text, '' order by t::text), '')) as sum from ${name} t`,
    )
    sums.push(`${name} ${row?.sum}`)
  }
  const sequences = await db<{ name: string; last: string | null }[]>`
    select sequencename as name, last_value::text as last from pg_sequences order by 1`
  return [...sums, ...sequences.map(({ name, last }) => `${name} ${last}`)].join("\n")
}

const never = new AbortController().signal
const analytics = analyticsHandler()

const version = (
  handle: (event: ExtensionEvent, tools: DatabaseTools) => Promise<ExtensionOutcome>,
  events = analytics.events,
): Handler => extensionHandler({ name: "AnalyticsHandler", kind: "transactional", events, handle }, testApp(db))

/** The report of a replay that has changed nothing. */
async function replay(fresh: Handler, more: Partial<ShadowOptions> = {}) {
  const before = await checksum()
  const report = await shadowReplay(db, {
    ...{ old: analytics, fresh, from: new Date(0), until: new Date("2100-01-01"), facilityId: club.id, limit: 100 },
    ...{ environment: "development", stopping: never, ...more },
  })
  expect(await checksum()).toBe(before)
  return report
}
const counted = (counts: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))

/** The version in use, as a club's own handler would have it. */
const asInUse = async (event: ExtensionEvent, { sql }: DatabaseTools): Promise<void> => {
  const [row] = await sql<[never]>`select * from slotbase.events where id = ${event.id} and facility_id = ${club.id}`
  await addToDailyFigures(sql, [row])
}

test("two versions that do the same are the same, though they write", async () => {
  const { events, counts, nothing, more, examples } = await replay(version(asInUse))
  expect(examples).toEqual([])
  expect([events, counted(counts), nothing, more]).toEqual([5, { same: 5 }, 0, false])
})

test("a version that writes another row differs, and the lines say how", async () => {
  const { counts, examples } = await replay(
    version(async (event, tools) => {
      await asInUse(event, tools)
      if (event.type === "booking.cancelled") await tools.sql`update slotbase.daily_figures set cancellations = 0`
    }),
  )
  expect(counted(counts)).toEqual({ same: 4, different: 1 })
  const [example] = examples
  expect(example?.type).toBe("booking.cancelled")
  expect(example?.lines.map((line) => line.replace(/\{.*"cancellations":(\d).*\}/, "$1"))).toEqual([
    "- slotbase.daily_figures 1",
    "+ slotbase.daily_figures 0",
  ])
})

test("what only one of them does is named, new ids and the present do not count, and sequences stay", async () => {
  const writes = version(async (event, { sql, record }) => {
    await sql`insert into my_club.log (type, at, note) values (${event.type}, slotbase.now(), ${crypto.randomUUID()})`
    if (event.type === "booking.cancelled")
      record({ type: "booking.completion.undone", data: sampleOf(event) as never })
  })
  const quiet = version(async () => ({ skipped: "nothing to do" }))
  expect(counted((await replay(writes, { old: quiet })).counts)).toEqual({ only_new: 4, failed_new: 1 })
  expect(counted((await replay(quiet, { old: analytics })).counts)).toEqual({ only_old: 5 })
  const stamped = (note: string) =>
    version(async (_, { sql }) => {
      await sql`insert into my_club.log (at, note) values (slotbase.now() + interval '10 minutes', ${note})`
    })
  expect(counted((await replay(stamped("a"), { old: stamped("a") })).counts)).toEqual({ same: 5 })
  expect(counted((await replay(stamped("a"), { old: stamped("b") })).counts)).toEqual({ different: 5 })
})

test("deleted rows count, and events that a version records are compared", async () => {
  const capacity = capacityTrackingHandler()
  const deletes = version(async (_, { sql }) => void (await sql`delete from my_club.log`), capacity.events)
  const { counts, examples } = await replay(deletes, { old: capacity })
  expect(counted(counts)).toEqual({ different: 4 })
  expect(examples[0]?.lines).toContain("+ my_club.log: 1 deleted")
})

test("a version that fails is named with its error, and the next event is tried", async () => {
  const { counts, examples } = await replay(
    version(async (event, { sql }) => {
      if (event.type === "booking.cancelled") await sql`select 1 / 0`
      else await asInUse(event, { sql } as DatabaseTools)
    }),
  )
  expect(counted(counts)).toEqual({ same: 4, failed_new: 1 })
  expect(examples[0]?.lines).toContain("+ failed: division by zero")
})

test("it is bounded, ends when told to, and an external handler is refused", async () => {
  expect(await replay(version(asInUse), { limit: 2 })).toMatchObject({ events: 2, more: true })
  expect(await replay(version(asInUse), { facilityId: undefined })).toMatchObject({ events: 6, more: false })
  expect(await replay(version(asInUse), { from: new Date("2100-01-01"), until: new Date("2101-01-01") })).toMatchObject(
    {
      events: 0,
    },
  )
  const stopping = new AbortController()
  const stopped = await replay(version(asInUse), { stopping: stopping.signal, onProgress: () => stopping.abort() })
  expect([stopped.events, stopped.more]).toEqual([1, true])
  const outside = refundHandler(testApp(db))
  expect(await failure(replay(version(asInUse), { old: outside }))).toMatchObject({
    _tag: "ShadowRefused",
    message:
      "RefundHandler is external: what it does outside cannot be taken back. Only transactional handlers have a shadow.",
  })
})

/** Not the data of that event: recording it is refused. */
const sampleOf = (event: ExtensionEvent) => event.data
