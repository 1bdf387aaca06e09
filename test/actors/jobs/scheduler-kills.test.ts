// Processes that schedule and run jobs are killed between any two writes. By a table of expected ticks against actual
// ones, none is doubled and none is lost.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { type Arming, schedulerPoints } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { parseCron } from "#operations/jobs/cron.ts"
import { ticksBetween } from "#operations/jobs/ticks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { aDailyJob, aProcess, clockAt } from "#test/harness/club/schedules.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const project = join(import.meta.dir, "../../..")
const zones = ["Europe/Berlin", "Africa/Cairo", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Kolkata"]
/** The hour of the test, which the kills share. */
const from = Date.parse("2026-03-29T00:30:00Z")
const quarters = ["*/15 * * * *", "0,30 3 * * *", "30 2 * * *"]
const named = (nth: number) => `job-${nth}`

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await db`create table effects (job text, facility_id uuid, due_at timestamptz, primary key (job, facility_id, due_at))`
})
afterAll(() => database.drop())

/** A process that looks for ticks and carries out runs until it is killed; answers how it ended. */
async function elsewhere(armings: readonly Arming[]): Promise<string | number | null> {
  const program = `
    import { arm } from "./src/base/crash-points.ts"
    import { connect } from "./src/base/database/db.ts"
    import { aDailyJob, aProcess } from "./test/harness/club/schedules.ts"
    import { endProcess } from "./test/harness/pipeline/pipeline.ts"
    const db = connect(${JSON.stringify(database.url)}, { max: 3, applicationName: "jobs elsewhere" })
    const jobs = ${JSON.stringify(quarters)}.map((cron, nth) => aDailyJob({
      name: "job-" + nth, cron, missed: { catchUp: 9 },
      run: async ({ facilityId, dueAt }) => {
        await db\`insert into effects values (\${"job-" + nth}, \${facilityId}, \${dueAt}) on conflict do nothing\`
        return {}
      },
    }))
    const { decide, work, owner } = await aProcess(db, jobs)
    arm(${JSON.stringify(armings)})
    await decide()
    await work()
    await endProcess(db, owner)
    await db.end()`
  const child = Bun.spawn([process.execPath, "-e", program], { cwd: project, stdout: "ignore", stderr: "pipe" })
  await child.exited
  return child.signalCode ?? child.exitCode
}

const allDead = () => db`update slotbase.processes set alive_until = clock_timestamp()`

test("four processes at once, killed at every point, double no tick and lose none", async () => {
  await clockAt(db, from)
  const facilities = []
  for (const timezone of zones) facilities.push(await aFacility(db, { timezone }))
  const jobs = quarters.map((cron, nth) => aDailyJob({ name: named(nth), cron, missed: { catchUp: 9 } }))
  const first = await aProcess(db, jobs)
  await first.decide()
  await allDead()
  const endings: (string | number | null)[] = []
  let at = from
  for (const point of schedulerPoints) {
    at += 20 * 60_000
    await clockAt(db, at)
    const nths = [1, 1, 2, 3]
    endings.push(...(await Promise.all(nths.map((nth) => elsewhere([{ point, nth }])))))
    await allDead()
  }
  at += 20 * 60_000
  await clockAt(db, at)
  expect(await elsewhere([])).toBe(0)
  expect(endings.filter((ending) => ending === "SIGKILL").length).toBeGreaterThanOrEqual(schedulerPoints.length)
  expect(endings.filter((ending) => ending !== "SIGKILL" && ending !== 0)).toEqual([])

  const expected = facilities
    .flatMap(({ id, timezone }) =>
      quarters.flatMap((cron, nth) =>
        ticksBetween(parseCron(cron), timezone, from, at).map(
          (tick) => `${named(nth)} ${id} ${new Date(tick.at).toISOString()}`,
        ),
      ),
    )
    .toSorted()
  const rows = await db<{ job: string; facility_id: string; tick_at: Date; status: string }[]>`
    select job, facility_id, tick_at, status from slotbase.job_runs`
  const keyOf = (row: { job: string; facility_id: string; at: Date }) =>
    `${row.job} ${row.facility_id} ${row.at.toISOString()}`
  expect(rows.map((row) => keyOf({ ...row, at: row.tick_at })).toSorted()).toEqual(expected)
  expect([...new Set(rows.map(({ status }) => status))]).toEqual(["succeeded"])
  const effects = await db<{ job: string; facility_id: string; due_at: Date }[]>`select * from effects`
  expect(effects.map((row) => keyOf({ ...row, at: row.due_at })).toSorted()).toEqual(expected)
  const [ledger] = await db`
    select sum(ticks)::integer as ticks, sum(succeeded)::integer as succeeded, sum(skipped + failed + lost + unfinished)::integer as others
    from slotbase.job_ledger`
  expect({ ...ledger }).toEqual({ ticks: expected.length, succeeded: expected.length, others: 0 })
}, 120_000)
