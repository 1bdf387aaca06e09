// Jobs of a facility's own day over HTTP and on the command line. There are previews with the changes of the clocks,
// pauses, and runs by hand.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { newId } from "#base/ids.ts"
import { scrape } from "#events/metrics.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { startJobs, type TestJobs } from "#test/harness/club/jobs.ts"
import { aDailyJob, clockAt } from "#test/harness/club/schedules.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let api: TestApi
let courts: Courts
let admin: { id: string; token: string }
let jobs: TestJobs

beforeAll(async () => {
  api = await testApi()
  courts = await makeCourts(api)
  admin = await api.person("facility_admin", courts.facilityId)
  await api.database.db`update slotbase.facilities set timezone = 'Africa/Cairo' where id = ${courts.facilityId}`
  await clockAt(api.database.db, "2026-04-22T12:00:00Z")
  const midnight = aDailyJob({ cron: "0 0 * * *", run: async ({ localDate }) => ({ day: Number(localDate.slice(8)) }) })
  jobs = await startJobs(api.app, [], () => [], [midnight])
})
afterEach(() => clockAt(api.database.db, "2026-04-22T12:00:00Z"))
afterAll(async () => {
  await jobs.stop()
  await api.database.drop()
})

const at = () => `/v1/facilities/${courts.facilityId}/jobs`
const mine = (method: "GET" | "POST", path: string) =>
  api.call(method, `${at()}/daily-reports${path}`, { token: admin.token, ...(method === "POST" && { body: {} }) })

test("a preview shows each tick by the clock on the wall, and marks a midnight that is skipped", async () => {
  expect((await mine("GET", "/preview?days=3")).body).toEqual({
    job: "daily-reports",
    due: null,
    nextTicks: ["2026-04-22T22:00:00.000Z", "2026-04-23T22:00:00.000Z", "2026-04-24T21:00:00.000Z"],
    timezone: "Africa/Cairo",
    ticks: [
      {
        at: "2026-04-22T22:00:00.000Z",
        localDate: "2026-04-23",
        localTime: "00:00",
        wall: "2026-04-23T00:00",
        clocks: null,
      },
      {
        at: "2026-04-23T22:00:00.000Z",
        localDate: "2026-04-24",
        localTime: "00:00",
        wall: "2026-04-24T01:00",
        clocks: "skipped",
      },
      {
        at: "2026-04-24T21:00:00.000Z",
        localDate: "2026-04-25",
        localTime: "00:00",
        wall: "2026-04-25T00:00",
        clocks: null,
      },
    ],
    more: false,
  })
})

test("the platform's preview takes a zone, and refuses one that does not exist", async () => {
  const preview = (query: string) => api.call("GET", `/v1/jobs/daily-reports/preview?${query}`)
  const { body } = await preview("days=1&timezone=Asia/Kolkata")
  expect(body).toMatchObject({
    timezone: "Asia/Kolkata",
    ticks: [{ at: "2026-04-22T18:30:00.000Z", wall: "2026-04-23T00:00" }],
  })
  const unknown = await preview("timezone=Europe/Atlantis")
  expect([unknown.status, unknown.body.errors]).toEqual([
    422,
    [{ path: "query.timezone", message: expect.stringContaining("Expected") }],
  ])
  expect((await preview("days=401")).status).toBe(422)
})

test("a facility's administrator pauses and resumes their own schedule, once each in the audit trail", async () => {
  expect((await mine("POST", "/pause")).body).toMatchObject({ pausedAt: expect.any(String), nextTicks: [] })
  expect((await mine("POST", "/pause")).status).toBe(200)
  expect((await mine("GET", "/preview")).body.ticks).toEqual([])
  expect((await api.call("GET", "/v1/jobs/daily-reports")).body.pausedAt).toBeNull()
  expect((await mine("POST", "/resume")).body.pausedAt).toBeNull()
  expect((await mine("POST", "/resume")).status).toBe(200)
  const trail = await api.database.db<{ action: string; facility_id: string; actor_id: string }[]>`
    select action, facility_id, actor_id from slotbase.audit_log where action like 'job.%' order by id`
  const by = { facility_id: courts.facilityId, actor_id: admin.id }
  expect(trail as object[]).toEqual([
    { action: "job.paused", ...by },
    { action: "job.resumed", ...by },
  ])
})

test("the platform pauses a job in all facilities, and the facilities see it", async () => {
  const whole = (what: string) => api.call("POST", `/v1/jobs/daily-reports/${what}`, { body: {} })
  // Planned by the scheduler.
  const next = "2026-04-22T22:00:00.000Z"
  await api.database.db`
    update slotbase.job_schedules set look_at = ${next}, next_due_at = ${next} where job = 'daily-reports'`
  expect((await whole("pause")).body).toMatchObject({ pausedAt: expect.any(String), nextTicks: [] })
  const seen = async () => (await api.call("GET", at(), { token: admin.token })).body.data[0].pausedAt
  expect(await seen()).toEqual(expect.any(String))
  // The scheduler looks at once, and the next tick is the planned one.
  expect((await whole("resume")).body).toMatchObject({ pausedAt: null, nextTicks: [next] })
  expect(await seen()).toBeNull()
})

test("a job of each facility's own day is run by hand in one facility, and not in all at once", async () => {
  const whole = await api.call("POST", "/v1/jobs/daily-reports/run", { body: {} })
  expect([whole.status, whole.body.detail]).toEqual([403, "daily-reports runs in one facility at a time."])
  const ran = await mine("POST", "/run")
  expect(ran.body).toMatchObject({ status: "succeeded", trigger: "request", did: { day: 22 }, tickAt: null })
  const gone = await api.call("POST", `/v1/facilities/${newId()}/jobs/daily-reports/run`, { body: {} })
  expect([gone.status, gone.body.detail]).toEqual([404, expect.stringContaining("There is no facility")])
})

test("a facility that there is not has no jobs, previews, runs or reports", async () => {
  const none = newId()
  const answers = [
    await api.call("GET", `/v1/facilities/${none}/jobs`),
    await api.call("GET", `/v1/facilities/${none}/jobs/daily-reports/preview`),
    await api.call("GET", `/v1/facilities/${none}/jobs/daily-reports/runs`),
    await api.call("GET", `/v1/facilities/${none}/reports`),
  ]
  const refused = [404, `There is no facility ${none}.`]
  expect(answers.map(({ status, body }) => [status, body.detail])).toEqual([refused, refused, refused, refused])
})

test("a facility whose zone the program does not know has a list of jobs without ticks, and no preview", async () => {
  const { db } = api.database
  await db`update slotbase.facilities set timezone = 'Mars/Base' where id = ${courts.facilityId}`
  try {
    const list = await api.call("GET", at(), { token: admin.token })
    expect([list.status, list.body.data[0]]).toEqual([
      200,
      expect.objectContaining({ timezone: "Mars/Base", nextTicks: [] }),
    ])
    const preview = await mine("GET", "/preview")
    expect([preview.status, preview.body.code, preview.body.detail]).toEqual([
      422,
      "unknown_timezone",
      "This version of SlotBase does not know the time zone Mars/Base: give the facility another one.",
    ])
  } finally {
    await db`update slotbase.facilities set timezone = 'Africa/Cairo' where id = ${courts.facilityId}`
  }
})

test("the list of a facility has its last run, its next ticks and what became of its ticks, and the metrics the job's", async () => {
  await clockAt(api.database.db, "2026-04-22T22:00:00Z")
  await jobs.tick("daily-reports", courts.facilityId)
  const job = await eventually(async () => {
    const [found] = (await api.call("GET", at(), { token: admin.token })).body.data
    expect(found.ticks).toMatchObject({ succeeded: 1, unfinished: 0 })
    return found
  })
  expect(job).toMatchObject({
    name: "daily-reports",
    cron: "0 0 * * *",
    timezone: "Africa/Cairo",
    missed: "once",
    perFacility: true,
    runsInFacility: true,
    nextTicks: ["2026-04-23T22:00:00.000Z", "2026-04-24T21:00:00.000Z", "2026-04-25T21:00:00.000Z"],
    lastRun: { trigger: "schedule", status: "succeeded", tickAt: "2026-04-22T22:00:00.000Z", did: { day: 23 } },
    failingSince: null,
  })
  const metrics = await scrape(api.database.db)
  expect(metrics).toContain('slotbase_job_ticks_total{job="daily-reports",outcome="succeeded"} 1')
  expect(metrics).toContain("slotbase_jobs_failing 0")
})

test("the command line previews, pauses, resumes and runs a job in a facility", async () => {
  const preview = await slotbase("jobs", "preview", "daily-reports", courts.facilityId)
  expect(preview.output).toContain("Next ticks (0 0 * * *, Africa/Cairo):\n")
  expect(preview.output).toContain("  2026-04-23T22:00:00.000Z  2026-04-24T01:00  (00:00 is skipped)\n")
  const paused = await slotbase("jobs", "pause", "daily-reports", courts.facilityId)
  expect(paused).toEqual({ code: 0, output: expect.stringMatching(/^daily-reports: paused since 2026-04-22T/) })
  const resumed = await slotbase("jobs", "resume", "daily-reports", courts.facilityId)
  expect(resumed).toEqual({ code: 0, output: expect.stringMatching(/^daily-reports: next tick 2026-04-2/) })
  const ran = await slotbase("jobs", "run", "daily-reports", courts.facilityId)
  expect(ran).toEqual({ code: 0, output: expect.stringMatching(/^daily-reports: done in \d+ ms: 22 day\n$/) })
  expect(await slotbase("jobs", "run", "daily-reports", "everywhere")).toEqual({
    code: 2,
    output: "everywhere is not the id of a facility.\n",
  })
  const nowhere = newId()
  const none = { code: 1, output: `There is no facility ${nowhere}.\n` }
  expect(await slotbase("jobs", "preview", "daily-reports", nowhere)).toEqual(none)
  expect(await slotbase("jobs", "run", "daily-reports", newId())).toMatchObject({ code: 1 })
}, 60_000)

test("the command line says what to type where a job's place is missing or wrong", async () => {
  const place = "./scripts/slotbase links prints the ids of the clubs."
  expect(await slotbase("jobs", "run", "daily-reports")).toEqual({
    code: 2,
    output: `daily-reports runs in one facility at a time: end the command with the id of one. ${place}\n`,
  })
  const db = api.database.db
  await db`
    insert into slotbase.jobs (name, description, cron, timezone, in_facility, per_facility, missed)
    values ('retention', 'Remove', '23 * * * *', 'UTC', false, false, 'once'),
           ('monthly-billing', 'Bill', '0 0 1 * *', 'local', true, true, 'once')`
  for (const what of ["run", "pause", "resume"])
    expect(await slotbase("jobs", what, "retention", courts.facilityId)).toEqual({
      code: 2,
      output: "retention works for all facilities at once: leave the id out.\n",
    })
  const preview = await slotbase("jobs", "preview", "monthly-billing")
  expect(preview.output).toEndWith(
    "\nEach facility has ticks of its own, by its own clock: end the command with its id. In UTC they would be:\n" +
      "Next ticks (0 0 1 * *, UTC): none within 7 days; the next is 2026-05-01T00:00:00.000Z\n",
  )
  // Nothing has planned it yet.
  expect(await slotbase("jobs", "resume", "monthly-billing")).toEqual({
    code: 0,
    output: "monthly-billing: next tick not planned yet\n",
  })
  await slotbase("jobs", "pause", "monthly-billing")
  expect((await slotbase("jobs", "preview", "monthly-billing")).output).toEndWith(
    "\nNext ticks (0 0 1 * *, UTC): none, because it is paused\n",
  )
  await db`delete from slotbase.jobs where name in ('retention', 'monthly-billing')`
}, 60_000)

async function slotbase(...args: string[]): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([process.execPath, "src/cli/main.ts", ...args], {
    cwd: join(import.meta.dir, "../../.."),
    env: {
      ...process.env,
      DATABASE_URL: api.database.url,
      SLOTBASE_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, output: stdout + stderr }
}
