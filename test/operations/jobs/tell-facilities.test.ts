// What a facility's administrators are told about the jobs of its own day. The real scheduler makes the ticks, a job
// fails at every attempt, and the test moves the clock.

import { afterEach, beforeEach, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { platformHealth } from "#actors/jobs/platform-health.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { platformFacilityId } from "#base/ids.ts"
import { definitionOf } from "#events/catalogue.ts"
import { buildClub } from "#test/harness/club/build.ts"
import { bySql, type Person } from "#test/harness/club/club.ts"
import { aDailyJob, aProcess, clockAt, type OneProcess } from "#test/harness/club/schedules.ts"
import { postOffice } from "#test/harness/outbound/post-office.ts"
import { smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let club: { id: string; admin: Person; other: Person; staff: Person }
let process: OneProcess
let works: boolean
let runs: number

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  ;[works, runs] = [false, 0]
  await clockAt(db, on(1, "05:00:00"))
  await clock.follow(db)
  club = await buildClub(bySql(db), {
    courts: [],
    people: { admin: "facility_admin", other: "facility_admin", staff: "staff" },
  })
  process = await aProcess(db, [
    aDailyJob({
      run: async ({ facilityId }) => {
        if (facilityId === club.id) runs += 1
        if (!works && facilityId === club.id) throw new Error("no paper")
        return { reports: 1 }
      },
    }),
  ])
  await process.decide()
})
afterEach(async () => {
  await process.stop()
  await db`update slotbase.clock set shift = '0'`
  await clock.follow(db)
  await database.drop()
})

const look = async () => (await platformHealth(testApp(db)).pass(new AbortController().signal)).did

/** An instant of a day to come, whose month has its tables already. */
const on = (day: number, time: string) =>
  `${new Date(today + day * 24 * 3_600_000).toISOString().slice(0, 10)}T${time}.000Z`
const today = Date.now()

async function at(day: number, time: string): Promise<void> {
  await clockAt(db, on(day, time))
  await clock.follow(db)
  await process.decide()
  await process.work()
}

/** The tick of a day fails four times. */
async function failOn(day: number): Promise<void> {
  for (const time of ["06:00:01", "06:00:10", "06:01:30", "06:12:00"]) await at(day, time)
}

const told = async () => [
  ...(await db<{ type: string; facility_id: string; data: Record<string, unknown> }[]>`
    select type, facility_id, data from slotbase.events where type like 'facility.job.%' order by id`),
]
const stagesTold = async () => (await told()).map(({ type, data }) => data.stage ?? type)

test("a job that failed at every attempt is told at once, after a day and after a week, and its end once", async () => {
  await at(1, "06:00:01")
  expect(await look()).toEqual({})
  await failOn(1)
  expect(runs).toBe(4)
  expect([await look(), await look()]).toEqual([{ jobsFailing: 1 }, {}])
  expect(await told()).toEqual([
    {
      type: "facility.job.failing",
      facility_id: club.id,
      data: {
        ...{ facilityId: club.id, job: "daily-reports", stage: "at_once", lastError: "no paper" },
        jobId: expect.any(String),
        failingSince: expect.stringContaining(on(1, "06:12:00").slice(0, 19)),
      },
    },
  ])
  await failOn(2)
  await at(2, "06:13:00")
  expect(((await look()) as Record<string, number>).jobsFailing).toBe(1)
  for (const day of [3, 4, 5, 6, 7]) await failOn(day)
  expect(((await look()) as Record<string, number>).jobsFailing).toBeUndefined()
  await failOn(8)
  await at(8, "06:13:00")
  expect(((await look()) as Record<string, number>).jobsFailing).toBe(1)
  await failOn(16)
  expect(((await look()) as Record<string, number>).jobsFailing).toBeUndefined()
  works = true
  await at(17, "06:00:01")
  expect(((await look()) as Record<string, number>).jobsRecovered).toBe(1)
  expect(((await look()) as Record<string, number>).jobsRecovered).toBeUndefined()
  expect(await stagesTold()).toEqual(["at_once", "one_day", "one_week", "facility.job.recovered"])
  const [first, , , last] = await told()
  expect(last?.data).toEqual({
    ...{ facilityId: club.id, job: "daily-reports", failingSince: first?.data.failingSince },
    jobId: first?.data.jobId,
    recoveredAt: expect.stringContaining(on(17, "06:00:01").slice(0, 17)),
  })
})

test("a job that fails anew is told anew, and one that failed and works before anybody looked is told to nobody", async () => {
  await failOn(1)
  await look()
  works = true
  await at(2, "06:00:01")
  await look()
  works = false
  await failOn(3)
  await look()
  expect(await stagesTold()).toEqual(["at_once", "facility.job.recovered", "at_once"])
  works = true
  await at(4, "06:00:01")
  await look()
  works = false
  await failOn(5)
  works = true
  await at(6, "06:00:01")
  await look()
  expect(await stagesTold()).toEqual(["at_once", "facility.job.recovered", "at_once", "facility.job.recovered"])
})

test("each is told once when several processes look at the same instant, and only where it fails", async () => {
  const neighbour = await buildClub(bySql(db), { courts: [], people: { admin: "facility_admin" } })
  await failOn(1)
  await Promise.all([look(), look(), look(), look()])
  expect(await stagesTold()).toEqual(["at_once"])
  works = true
  await at(2, "06:00:01")
  await Promise.all([look(), look(), look(), look()])
  expect(await stagesTold()).toEqual(["at_once", "facility.job.recovered"])
  expect((await told()).filter(({ facility_id }) => facility_id === neighbour.id)).toEqual([])
})

test("a run that crashed its process each time is told too, and so is a job that cannot be planned", async () => {
  await at(1, "06:00:01")
  await db`
    update slotbase.job_runs set status = 'lost', ended_at = slotbase.now(), error = 'its process crashed at every attempt'
    where facility_id = ${club.id}`
  await look()
  const elsewhere = await buildClub(bySql(db), { courts: [], people: { admin: "facility_admin" } })
  await db`update slotbase.facilities set timezone = 'Mars/Base' where id = ${elsewhere.id}`
  await at(1, "06:01:00")
  await look()
  expect((await told()).map(({ facility_id, data }) => [facility_id, data.lastError])).toEqual([
    [club.id, "its process crashed at every attempt"],
    [elsewhere.id, expect.stringContaining("Mars/Base")],
  ])
  await db`update slotbase.facilities set timezone = 'UTC' where id = ${elsewhere.id}`
  await at(1, "06:02:00")
  await look()
  expect((await told()).at(-1)).toMatchObject({ type: "facility.job.recovered", facility_id: elsewhere.id })
})

test("the jobs of the whole are told to no facility", async () => {
  await db`
    insert into slotbase.jobs (name, description, cron, timezone, in_facility) values ('retention', '', '23 * * * *', 'UTC', false)`
  await db`
    insert into slotbase.job_schedules (job, facility_id, look_at, decided_until, counted_from, failing_since, last_error)
    values ('retention', ${platformFacilityId}, 'infinity', slotbase.now(), slotbase.now(), slotbase.now(), 'no disk')`
  await look()
  expect(await told()).toEqual([])
})

test("the administrators get a mail in their language, with what they lack and the error, and staff get none", async () => {
  await db`update slotbase.users set language = 'de' where id = ${club.other.id}`
  await failOn(1)
  await look()
  works = true
  await at(2, "06:00:01")
  await look()
  const receiver = await smtpReceiver()
  const app = testApp(db, { smtpUrl: receiver.url })
  const office = await postOffice(app)
  const events = await db<HandledEvent[]>`
    select e.*, 1 as position from slotbase.events e where type like 'facility.job.%' order by id`
  for (const event of events) expect(await office.tell(event)).toBeUndefined()
  const mails = receiver.mails.map(({ recipients, subject }) => `${recipients[0]?.split("@")[0]} ${subject}`)
  expect(mails.toSorted()).toEqual(
    [
      `${club.admin.id} Parkside Tennis: a scheduled job fails (daily-reports)`,
      `${club.admin.id} Parkside Tennis: the scheduled job works again (daily-reports)`,
      `${club.other.id} Parkside Tennis: Ein geplanter Job schlägt fehl (daily-reports)`,
      `${club.other.id} Parkside Tennis: Der geplante Job geht wieder (daily-reports)`,
    ].toSorted(),
  )
  const english = receiver.mails.find(({ subject }) => subject?.endsWith("a scheduled job fails (daily-reports)"))
  expect(english?.text).toContain(
    "The report of each day: the scheduled job of Parkside Tennis failed at every attempt.",
  )
  expect(english?.text).toContain("\nLast error: no paper\n")
  await app.mail.close()
  await receiver.close()
})

test("no webhook may subscribe to them", () => {
  for (const type of ["facility.job.failing", "facility.job.recovered"])
    expect(definitionOf(type)?.facilityWebhook).toBe(false)
})
