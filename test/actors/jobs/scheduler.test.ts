// The scheduler in fact: the clock of the database moves, and the runs of ticks are made. Each facility has its own
// zone, and each job its rule. Outages, pauses, new zones and clocks that are wrong neither double nor lose a tick.

import { afterEach, beforeEach, expect, spyOn, test } from "bun:test"
import type { Actor } from "#actors/runtime/actor.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { newId, platformFacilityId, rootUserId } from "#base/ids.ts"
import { operator } from "#cli/operator.ts"
import { transact } from "#events/outbox.ts"
import { pauseJob, resumeJob } from "#operations/jobs/pause.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { aDailyJob, aProcess, clockAt, ledgerOf, ticksRun } from "#test/harness/club/schedules.ts"
import { context } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
beforeEach(async () => {
  database = await testDatabase()
  db = database.db
})
afterEach(() => database.drop())

const minutely = (name: string, missed: Parameters<typeof aDailyJob>[0]) =>
  aDailyJob({ name, cron: "* * * * *", ...missed })
const pause = (job: string, facilityId?: string) =>
  transact(db, context, (tx) => pauseJob(tx, operator, job, facilityId))
const resume = (job: string, facilityId?: string) =>
  transact(db, context, (tx) => resumeJob(tx, operator, job, facilityId))

test("a facility's tick is made at its own hour, and tells the job its instant, zone and local day", async () => {
  await clockAt(db, "2026-03-28T12:00:00Z")
  const [berlin, auckland] = [await aFacility(db), await aFacility(db, { timezone: "Pacific/Auckland" })]
  const told: unknown[] = []
  const job = aDailyJob({ run: async (tick) => ({ told: told.push(tick) }) })
  const { decide, work } = await aProcess(db, [job])
  for (const at of ["2026-03-28T16:59:59Z", "2026-03-28T17:00:00Z", "2026-03-29T03:59:59Z", "2026-03-29T04:00:00Z"]) {
    await clockAt(db, at)
    await decide()
    await work()
  }
  expect(told).toEqual([
    {
      facilityId: auckland.id,
      timezone: "Pacific/Auckland",
      dueAt: new Date("2026-03-28T17:00:00Z"),
      localDate: "2026-03-29",
    },
    {
      facilityId: berlin.id,
      timezone: "Europe/Berlin",
      dueAt: new Date("2026-03-29T04:00:00Z"),
      localDate: "2026-03-29",
    },
  ])
  expect(await ledgerOf(db, "daily-reports", berlin.id)).toEqual({
    ...{ ticks: 1, succeeded: 1, failed: 0, lost: 0, skipped: 0, unfinished: 0 },
  })
})

test("after an outage of ten minutes each rule has its ticks, and the others are counted as skipped", async () => {
  await clockAt(db, "2026-05-05T12:00:30Z")
  const { id } = await aFacility(db)
  const jobs = [
    minutely("run-once", { missed: "once" }),
    minutely("run-none", { missed: "skip" }),
    minutely("run-three", { missed: { catchUp: 3 } }),
  ]
  const { decide, work } = await aProcess(db, jobs)
  await decide()
  await clockAt(db, "2026-05-05T12:10:00Z")
  await db`update slotbase.clock set shift = shift + interval '59.5 seconds'`
  await decide()
  await work()
  expect(await ticksRun(db, "run-once", id)).toEqual(["2026-05-05T12:10Z succeeded"])
  expect(await ticksRun(db, "run-three", id)).toEqual([
    "2026-05-05T12:08Z succeeded",
    "2026-05-05T12:09Z succeeded",
    "2026-05-05T12:10Z succeeded",
  ])
  const skipped = await Promise.all(jobs.map(async ({ name }) => (await ledgerOf(db, name, id)).skipped))
  expect(skipped).toEqual([9, 9, 7])
})

test("jobs of the whole have their ticks in UTC, in the same ledger", async () => {
  await clockAt(db, "2026-05-05T12:00:30Z")
  let passes = 0
  const job: Actor = {
    name: "hold-expiration",
    description: "",
    cron: "*/5 * * * *",
    deadlineMs: 1_000,
    pass: async () => ({ more: false, did: { passes: ++passes } }),
  }
  const { decide, work } = await aProcess(db, [], [job])
  for (const at of ["2026-05-05T12:04:59Z", "2026-05-05T12:05:00Z", "2026-05-05T12:09:59Z", "2026-05-05T12:21:00Z"]) {
    await clockAt(db, at)
    await decide()
    await work()
  }
  expect(await ticksRun(db, "hold-expiration", platformFacilityId)).toEqual([
    "2026-05-05T12:05Z succeeded",
    "2026-05-05T12:20Z succeeded",
  ])
  expect(await ledgerOf(db, "hold-expiration", platformFacilityId)).toMatchObject({
    ticks: 4,
    succeeded: 2,
    skipped: 2,
  })
})

test("a tick that comes while the run of the one before still waits takes its place, or waits beside it by its rule", async () => {
  await clockAt(db, "2026-05-05T12:00:30Z")
  const { id } = await aFacility(db)
  const { decide, work } = await aProcess(db, [
    minutely("run-once", { missed: "once" }),
    minutely("run-two", { missed: { catchUp: 2 } }),
  ])
  for (const minute of ["01", "02", "03"]) {
    await clockAt(db, `2026-05-05T12:${minute}:00Z`)
    await decide()
  }
  await work()
  expect(await ticksRun(db, "run-once", id)).toEqual([
    "2026-05-05T12:01Z skipped",
    "2026-05-05T12:02Z skipped",
    "2026-05-05T12:03Z succeeded",
  ])
  expect(await ticksRun(db, "run-two", id)).toEqual([
    "2026-05-05T12:01Z skipped",
    "2026-05-05T12:02Z succeeded",
    "2026-05-05T12:03Z succeeded",
  ])
  expect(await ledgerOf(db, "run-once", id)).toMatchObject({ ticks: 3, succeeded: 1, skipped: 2, unfinished: 0 })
})

test("four schedulers at once make each run once", async () => {
  await clockAt(db, "2026-05-05T03:59:00Z")
  const facilities = await Promise.all(Array.from({ length: 40 }, () => aFacility(db)))
  const seen: string[] = []
  const job = aDailyJob({ run: async ({ facilityId }) => ({ seen: seen.push(facilityId) }) })
  const processes = []
  for (let nth = 0; nth < 4; nth++) processes.push(await aProcess(db, [job]))
  await processes[0]?.decide()
  await clockAt(db, "2026-05-05T04:00:00Z")
  await Promise.all(processes.map(({ decide }) => decide()))
  await Promise.all(processes.map(({ work }) => work()))
  expect(seen.toSorted()).toEqual(facilities.map(({ id }) => id).toSorted())
  const [sums] =
    await db`select sum(ticks)::integer as ticks, sum(succeeded)::integer as succeeded from slotbase.job_ledger`
  expect({ ...sums }).toEqual({ ticks: 40, succeeded: 40 })
})

test("a paused job has no runs anywhere, and when it is resumed its rule says which of the missed ticks are run", async () => {
  await clockAt(db, "2026-05-05T03:00:00Z")
  const [one, other] = [await aFacility(db), await aFacility(db)]
  const job = aDailyJob({ missed: { catchUp: 2 } })
  const { decide, work } = await aProcess(db, [job])
  await decide()
  await pause("daily-reports")
  const late = await aFacility(db)
  await pause("daily-reports", other.id)
  await clockAt(db, "2026-05-08T12:00:00Z")
  await decide()
  await work()
  expect(await db`select from slotbase.job_runs`).toHaveLength(0)
  await resume("daily-reports")
  await decide()
  await work()
  expect(await ticksRun(db, "daily-reports", one.id)).toEqual([
    "2026-05-07T04:00Z 2026-05-07 succeeded",
    "2026-05-08T04:00Z 2026-05-08 succeeded",
  ])
  expect(await ledgerOf(db, "daily-reports", one.id)).toMatchObject({ ticks: 4, succeeded: 2, skipped: 2 })
  expect(await ledgerOf(db, "daily-reports", late.id)).toMatchObject({ succeeded: 2 })
  expect(await ledgerOf(db, "daily-reports", other.id)).toMatchObject({ ticks: 0 })
  await resume("daily-reports", other.id)
  await decide()
  await work()
  expect(await ledgerOf(db, "daily-reports", other.id)).toMatchObject({ ticks: 4, succeeded: 2, skipped: 2 })
})

test("a run that waits while its job is paused goes on waiting, and one by hand is carried out", async () => {
  await clockAt(db, "2026-05-05T03:00:00Z")
  const { id } = await aFacility(db)
  const { decide, work } = await aProcess(db, [aDailyJob()])
  await decide()
  await clockAt(db, "2026-05-05T04:00:00Z")
  await decide()
  await pause("daily-reports", id)
  await db`
    insert into slotbase.job_runs (id, facility_id, job, trigger, status, requested_by, requested_at)
    values (${newId()}, ${id}, 'daily-reports', 'request', 'requested', ${rootUserId}, slotbase.now())`
  await work()
  const states = async () =>
    (await db<{ state: string }[]>`select trigger || ' ' || status as state from slotbase.job_runs order by id`).map(
      ({ state }) => state,
    )
  expect(await states()).toEqual(["schedule waiting", "request succeeded"])
  await resume("daily-reports", id)
  await decide()
  await work()
  expect(await states()).toEqual(["schedule succeeded", "request succeeded"])
})

test("a facility that moves to another zone has one tick a local day", async () => {
  await clockAt(db, "2026-05-04T12:00:00Z")
  const { id } = await aFacility(db)
  const { decide, work } = await aProcess(db, [aDailyJob()])
  const at = async (instant: string) => {
    await clockAt(db, instant)
    await decide()
    await work()
  }
  const moveTo = (zone: string) => db`update slotbase.facilities set timezone = ${zone} where id = ${id}`
  await at("2026-05-05T04:00:00Z")
  await moveTo("America/New_York")
  await at("2026-05-05T10:00:00Z")
  await at("2026-05-06T06:00:00Z")
  await moveTo("Pacific/Auckland")
  await at("2026-05-06T06:00:01Z")
  await at("2026-05-06T18:00:00Z")
  expect(await ticksRun(db, "daily-reports", id)).toEqual([
    "2026-05-05T04:00Z 2026-05-05 succeeded",
    "2026-05-05T18:00Z 2026-05-06 succeeded",
    "2026-05-06T18:00Z 2026-05-07 succeeded",
  ])
})

test("a zone that the program does not know holds up no other facility, and is told", async () => {
  await clockAt(db, "2026-05-05T03:00:00Z")
  const [lost, berlin] = [await aFacility(db, { timezone: "Europe/Atlantis" }), await aFacility(db)]
  const said = spyOn(console, "error").mockImplementation(() => {})
  try {
    const { decide, work } = await aProcess(db, [aDailyJob()])
    await decide()
    await clockAt(db, "2026-05-05T04:00:00Z")
    await decide()
    await work()
    expect(await ticksRun(db, "daily-reports", berlin.id)).toEqual(["2026-05-05T04:00Z 2026-05-05 succeeded"])
    const [row] = await db`select last_error from slotbase.job_schedules where facility_id = ${lost.id}`
    expect({ ...row }).toEqual({ last_error: 'There is no time zone "Europe/Atlantis"' })
    await db`update slotbase.facilities set timezone = 'Europe/Berlin' where id = ${lost.id}`
    await decide()
    const [mended] = await db`
      select failing_since, last_error, timezone from slotbase.job_schedules where facility_id = ${lost.id}`
    expect({ ...mended }).toEqual({ failing_since: null, last_error: null, timezone: "Europe/Berlin" })
  } finally {
    said.mockRestore()
  }
})

test("a run that failed goes on counting as failing when an unknown zone is mended", async () => {
  await clockAt(db, "2026-05-05T03:00:00Z")
  const { id } = await aFacility(db)
  const said = spyOn(console, "error").mockImplementation(() => {})
  try {
    const { decide } = await aProcess(db, [aDailyJob()])
    await decide()
    await db`update slotbase.job_schedules set failing_since = slotbase.now(), last_error = 'on fire' where facility_id = ${id}`
    for (const timezone of ["Europe/Atlantis", "Europe/Berlin"]) {
      await db`update slotbase.facilities set timezone = ${timezone} where id = ${id}`
      await decide()
    }
    const [row] = await db`select failing_since is null as mended from slotbase.job_schedules where facility_id = ${id}`
    expect({ ...row }).toEqual({ mended: false })
  } finally {
    said.mockRestore()
  }
})

test("a process whose clock is an hour off, either way, fires nothing early and loses nothing", async () => {
  await clockAt(db, "2026-05-05T03:30:00Z")
  const { id } = await aFacility(db)
  const { decide, work } = await aProcess(db, [aDailyJob()])
  const real = clock.now
  for (const off of [3_600_000, -3_600_000]) {
    const wrong = spyOn(clock, "now").mockImplementation(() => real() + off)
    await decide()
    wrong.mockRestore()
  }
  expect(await ticksRun(db, "daily-reports", id)).toEqual([])
  await clockAt(db, "2026-05-05T04:00:00Z")
  const wrong = spyOn(clock, "now").mockImplementation(() => real() - 3_600_000)
  await decide()
  await work()
  wrong.mockRestore()
  expect(await ticksRun(db, "daily-reports", id)).toEqual(["2026-05-05T04:00Z 2026-05-05 succeeded"])
})

test("a clock of the database that leapt ahead and is set back doubles no tick, and the jobs go on", async () => {
  await clockAt(db, "2026-05-05T03:00:00Z")
  const { id } = await aFacility(db)
  const { decide, work } = await aProcess(db, [aDailyJob()])
  const at = async (instant: string) => {
    await clockAt(db, instant)
    await decide()
    await work()
  }
  const said = spyOn(console, "error").mockImplementation(() => {})
  await at("2026-05-05T04:00:00Z")
  await at("2026-05-20T12:00:00Z")
  await at("2026-05-05T05:00:00Z")
  await at("2026-05-06T04:00:00Z")
  said.mockRestore()
  expect(await ticksRun(db, "daily-reports", id)).toEqual([
    "2026-05-05T04:00Z 2026-05-05 succeeded",
    "2026-05-06T04:00Z 2026-05-06 succeeded",
    "2026-05-20T04:00Z 2026-05-20 succeeded",
  ])
})

test("under a clock that leapt ahead by months the jobs of facilities wait", async () => {
  await clockAt(db, "2026-05-05T03:00:00Z")
  const { id } = await aFacility(db)
  const { decide, work } = await aProcess(db, [aDailyJob()])
  await decide()
  await clockAt(db, "2026-05-05T04:00:00Z")
  const said = spyOn(console, "error").mockImplementation(() => {})
  await db`select slotbase.trust_clock()`
  await db`update slotbase.clock_watch set trusted_at = trusted_at - interval '46 days'`
  await decide()
  expect(said.mock.calls.map(([line]) => JSON.parse(line).message)).toEqual(["jobs of facilities held"])
  said.mockRestore()
  expect(await ticksRun(db, "daily-reports", id)).toEqual([])
  await db`select slotbase.trust_clock()`
  await decide()
  await work()
  expect(await ticksRun(db, "daily-reports", id)).toEqual(["2026-05-05T04:00Z 2026-05-05 succeeded"])
})

test("a newer program's cron line counts at once, a job that it does not know rests, and comes back with its standing", async () => {
  await clockAt(db, "2026-05-05T03:00:00Z")
  const { id } = await aFacility(db)
  const older = await aProcess(db, [aDailyJob(), aDailyJob({ name: "old-job" })])
  await older.decide()
  await clockAt(db, "2026-05-05T04:00:00Z")
  await older.decide()
  await older.work()
  const newer = await aProcess(db, [aDailyJob({ cron: "30 7 * * *" })])
  await clockAt(db, "2026-05-06T12:00:00Z")
  await newer.decide()
  await newer.work()
  expect(await ticksRun(db, "daily-reports", id)).toEqual([
    "2026-05-05T04:00Z 2026-05-05 succeeded",
    "2026-05-06T05:30Z 2026-05-06 succeeded",
  ])
  expect(await ticksRun(db, "old-job", id)).toHaveLength(1)
  const again = await aProcess(db, [aDailyJob({ cron: "30 7 * * *" }), aDailyJob({ name: "old-job" })])
  await again.decide()
  await again.work()
  expect(await ticksRun(db, "old-job", id)).toEqual([
    "2026-05-05T04:00Z 2026-05-05 succeeded",
    "2026-05-06T04:00Z 2026-05-06 succeeded",
  ])
})

test("a job with an impossible cron line, or a name that is taken, does not start", async () => {
  expect(aProcess(db, [aDailyJob({ cron: "0 0 31 2 *" })])).rejects.toThrow("names a day that never comes")
  expect(aProcess(db, [aDailyJob(), aDailyJob()])).rejects.toThrow("Two scheduled jobs have the name daily-reports")
})
