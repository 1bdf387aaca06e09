// What the ticks of many facilities cost, in pages that PostgreSQL reads. There are 5,000 facilities in 38 zones, and
// 200,000 runs. An idle look and a claim read the few rows that they are about.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { zoneNames } from "#base/zones/zone-data.ts"
import { claimRuns } from "#operations/jobs/rows.ts"
import { claimDue, nextLook } from "#operations/jobs/schedule-rows.ts"
import { aDailyJob, aProcess, clockAt, type OneProcess } from "#test/harness/club/schedules.ts"
import { ownPages } from "#test/harness/pipeline/pages.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const facilities = 5_000
const names = ["capacity-check", "daily-reports", "offline-payment-aging", "weekly-progress-summary", "monthly-billing"]
const lines = ["0 * * * *", "0 6 * * *", "0 6 * * *", "0 9 * * 1", "0 0 1 * *"]

let database: TestDatabase
let one: Db
let process: OneProcess

beforeAll(async () => {
  database = await testDatabase()
  one = connect(database.url, { max: 1, applicationName: "slotbase test cost", queryDeadlineMs: 60_000 })
  await clockAt(one, "2026-05-05T03:30:30Z")
  const zones = zoneNames().filter((name) => name.startsWith("America/") || name.startsWith("Europe/"))
  const of38 = Array.from({ length: 38 }, (_, nth) => zones[nth * 5] ?? "UTC")
  const ids = Array.from({ length: facilities }, newId)
  await one`
    insert into slotbase.facilities (id, name, timezone, currency, owner_id)
    select id, 'Club', (${of38}::text[])[1 + nth % 38], 'EUR', ${rootUserId} from unnest(${ids}::uuid[]) with ordinality f (id, nth)`
  process = await aProcess(
    one,
    names.map((name, nth) => aDailyJob({ name, cron: lines[nth] ?? "" })),
  )
  for (const first of [1, 6, 11, 16, 21, 26, 31, 36])
    await one`
    insert into slotbase.job_runs (id, facility_id, job, trigger, status, tick_at, attempts, owner, started_at, ended_at)
    select gen_random_uuid(), f.id, j.name, 'schedule', 'succeeded', timestamptz '2026-05-05' - n * interval '1 hour', 1, 1, slotbase.now(), slotbase.now()
    from slotbase.facilities f cross join unnest(${names.slice(0, 1)}::text[]) j (name) cross join generate_series(${first}::integer, ${first + 4}::integer) n
    where f.name = 'Club'`
  await one`vacuum analyze slotbase.job_runs`
  await process.decide()
  await one`vacuum analyze slotbase.job_schedules`
}, 120_000)
afterAll(async () => {
  await one.end()
  await database.drop()
})

test("a look while nothing is due reads a handful of pages", async () => {
  const { at } = await nextLook(one, names)
  expect(at).toEqual(new Date("2026-05-05T04:00:00Z"))
  expect(await ownPages(one, () => nextLook(one, names))).toBeLessThan(90)
})

test("a claim of due schedules reads pages by the batch, and not by the number of schedules", async () => {
  await clockAt(one, "2026-05-05T04:00:00Z")
  const claim = (limit: number) => ownPages(one, () => one.begin((tx) => claimDue(tx, names, limit)))
  await claim(100)
  expect(await claim(100)).toBeLessThan(100 * 8)
})

test("a claim of runs reads a few pages for each run, with thousands that wait and 200,000 that have ended", async () => {
  await clockAt(one, "2026-05-05T04:00:00Z")
  await process.decide()
  const [waiting] = await one<[{ count: number }]>`
    select count(*)::integer as count from slotbase.job_runs where status = 'waiting'`
  expect(waiting.count).toBeGreaterThan(4_000)
  const places = names.map((job) => ({ job, free: 3, busy: 0 }))
  const claim = () => claimRuns(one, process.owner, [], "facilities", places, 4)
  await claim()
  for (let nth = 0; nth < 7; nth++) expect(await ownPages(one, claim)).toBeLessThan(700)
  const whole = [{ job: "hold-expiration", free: 1, busy: 0 }]
  expect(await ownPages(one, () => claimRuns(one, process.owner, [], "platform", whole, 1))).toBeLessThan(200)
}, 60_000)
