// The schedules of a new job, on a platform whose statistics PostgreSQL has not gathered yet.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { rootUserId } from "#base/ids.ts"
import { addSchedules, jobsWithoutSchedules } from "#operations/jobs/schedule-rows.ts"
import { ownPages } from "#test/harness/pipeline/pages.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let one: Db

beforeAll(async () => {
  database = await testDatabase()
  one = connect(database.url, { max: 1, applicationName: "slotbase test schedules" })
})
afterAll(async () => {
  await one.end()
  await database.drop()
})

test("the last hundreds of schedules read no more pages than the first", async () => {
  await one`
    insert into slotbase.facilities (id, name, timezone, currency, owner_id)
    select gen_random_uuid(), 'Club', 'UTC', 'EUR', ${rootUserId} from generate_series(1, 1500)`
  const names = ["new-1", "new-2"]
  await one`
    insert into slotbase.jobs (name, description, cron, timezone, in_facility, per_facility, missed)
    select name, 'A job of the test', '0 6 * * *', 'local', true, true, 'once' from unnest(${names}::text[]) as n (name)`
  expect(await jobsWithoutSchedules(one, names)).toEqual(names)
  const pages: number[] = []
  let after: string | undefined = "00000000-0000-0000-0000-000000000000"
  while (after !== undefined) {
    const from: string = after
    const read = await ownPages(one, async () => {
      after = await one.begin((tx) => addSchedules(tx, names, from, 150))
    })
    if (after !== undefined) pages.push(read)
  }
  const [made] = await one<[{ schedules: number }]>`
    select count(*)::integer as schedules from slotbase.job_schedules where job = any (${names})`
  expect([pages.length, made.schedules]).toEqual([11, 3_000])
  expect(Math.max(...pages)).toBeLessThan(1.5 * Math.min(...pages.slice(0, -1)))
  expect(await jobsWithoutSchedules(one, names)).toEqual([])
})
