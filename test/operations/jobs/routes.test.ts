// Scheduled jobs over HTTP and on the command line: their list, their runs and results, and the rights to both.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { holdExpiration } from "#actors/jobs/hold-expiration.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { forgetOldRuns } from "#operations/jobs/rows.ts"
import { type Answer, type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { alwaysOpen, atHour } from "#test/harness/club/hours.ts"
import { startJobs, type TestJobs } from "#test/harness/club/jobs.ts"
import { processRow } from "#test/harness/pipeline/pipeline.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let api: TestApi
let courts: Courts
let admin: { id: string; token: string }
let jobs: TestJobs | undefined

beforeAll(async () => {
  api = await testApi()
  courts = await makeCourts(api)
  admin = await api.person("facility_admin", courts.facilityId)
})
afterEach(async () => {
  await jobs?.stop()
  jobs = undefined
})
afterAll(() => api.database.drop())

const failing: Actor = {
  name: "failing-job",
  description: "Fails whenever it is run",
  cron: "0 6 * * *",
  deadlineMs: 1_000,
  pass: async () => {
    throw new Error("the printer is on fire")
  },
}
const start = async () => {
  jobs = await startJobs(api.app, [holdExpiration(api.app), failing])
  return jobs
}

test("a run by hand is carried out, reports its result, and is recorded", async () => {
  await start()
  const bookingId = await aDeadHold(courts.facilityId, courts.court, 1)
  const ran = await api.call("POST", "/v1/jobs/hold-expiration/run", { body: {} })
  const root = (await api.call("GET", "/v1/me")).body.id
  expect({ status: ran.status, body: ran.body }).toEqual({
    status: 200,
    body: {
      id: expect.any(String),
      job: "hold-expiration",
      facilityId: null,
      trigger: "request",
      status: "succeeded",
      requestedBy: root,
      requestedAt: expect.any(String),
      tickAt: null,
      startedAt: expect.any(String),
      endedAt: expect.any(String),
      durationMs: expect.any(Number),
      did: { expired: 1 },
      error: null,
    },
  })
  const [released] = await api.database.db`
    select data ->> 'bookingId' as booking, user_id from slotbase.events where type = 'booking.hold.released'`
  expect(released as object).toEqual({ booking: bookingId, user_id: "00000000-0000-7000-8000-000000000002" })

  const { data } = (await api.call("GET", "/v1/jobs")).body
  expect(data.map(({ name }: { name: string }) => name)).toEqual(["failing-job", "hold-expiration"])
  const [{ nextTicks, ...job }] = data.slice(1)
  expect(job).toEqual({
    name: "hold-expiration",
    description: "Release expired booking holds",
    cron: "* * * * *",
    timezone: "UTC",
    missed: "once",
    perFacility: false,
    runsInFacility: true,
    pausedAt: null,
    lastRun: ran.body,
    failingSince: null,
    ticks: { decided: 0, succeeded: 0, failed: 0, lost: 0, skipped: 0, unfinished: 0 },
  })
  expect(nextTicks.map((tick: string) => tick.slice(16))).toEqual([":00.000Z", ":00.000Z", ":00.000Z"])
  const one = await api.call("GET", `/v1/jobs/hold-expiration/runs/${ran.body.id}`)
  expect(one.body).toEqual(ran.body)
})

test("a tick is recorded like a run by hand, and the list of runs has filters and pages", async () => {
  const { tick } = await start()
  await tick("hold-expiration")
  await eventually(async () =>
    expect((await api.call("GET", "/v1/jobs/hold-expiration")).body.ticks).toMatchObject({
      succeeded: 1,
      unfinished: 0,
    }),
  )
  await api.call("POST", "/v1/jobs/hold-expiration/run", { body: {} })
  const of = (query: string) => api.call("GET", `/v1/jobs/hold-expiration/runs?${query}`)
  const first = (await of("limit=1")).body
  const second = (await of(`limit=1&after=${first.next}`)).body
  expect([...first.data, ...second.data].map(({ trigger, status, did }) => ({ trigger, status, did }))).toEqual([
    { trigger: "request", status: "succeeded", did: { expired: 0 } },
    { trigger: "schedule", status: "succeeded", did: { expired: 0 } },
  ])
  expect((await of("trigger=schedule")).body.data).toEqual(second.data)
  expect((await of("status=failed")).body.data).toEqual([])
})

test("a failed run by hand is recorded as failed, and one of a tick is tried again, with its error", async () => {
  const { tick } = await start()
  const ran = await api.call("POST", "/v1/jobs/failing-job/run", { body: {} })
  expect(ran.status).toBe(200)
  expect(ran.body).toMatchObject({ status: "failed", did: null, error: "the printer is on fire" })
  await tick("failing-job")
  const rows = await eventually(async () => {
    const { data } = (await api.call("GET", "/v1/jobs/failing-job/runs")).body
    expect(data.map(({ status }: { status: string }) => status)).toEqual(["retrying", "failed"])
    return data
  })
  expect(rows[0]).toMatchObject({ trigger: "schedule", error: "the printer is on fire", endedAt: null })
})

test("while no process can run a job, all requests get the one waiting run, which is carried out later", async () => {
  await (await start()).stop()
  jobs = undefined
  const ask = () => api.call("POST", "/v1/jobs/hold-expiration/run?wait=0", { body: {} })
  const answers = await Promise.all([ask(), ask(), ask()])
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  expect(answers[0]?.body).toMatchObject({ status: "requested", startedAt: null, did: null })
  await start()
  await ended(answers[0] as Answer)
})

test("an abandoned run is taken over, by hand or of a tick, and is lost when five processes crashed during it", async () => {
  await start()
  await jobs?.stop()
  const { db } = api.database
  const dead = await processRow(db, false)
  const row = (trigger: string, attempts: number, facilityId = courts.facilityId) => {
    const [id, asked] = [newId(), trigger === "request" ? admin.id : null]
    return db`
      insert into slotbase.job_runs (id, facility_id, job, trigger, status, requested_by, requested_at, tick_at, owner, attempts, started_at)
      values (${id}, ${facilityId}, 'hold-expiration', ${trigger}, 'running', ${asked},
              case when ${asked}::uuid is not null then slotbase.now() end,
              case when ${asked}::uuid is null then slotbase.now() end, ${dead}, ${attempts}, slotbase.now())`.then(
      () => id,
    )
  }
  const ids = [
    await row("request", 1),
    await row("request", 5),
    await row("schedule", 1, courts.closedFacilityId),
    await row("schedule", 5),
  ]
  await start()
  await eventually(async () => {
    const rows = await db<{ status: string }[]>`
      select status from slotbase.job_runs where id = any (${ids}::uuid[]) order by id`
    expect(rows.map(({ status }) => status)).toEqual(["succeeded", "lost", "succeeded", "lost"])
  })
})

test("an administrator runs a job for their facility only, and sees none of the job's work elsewhere", async () => {
  await start()
  const other = await api.call("POST", `/v1/facilities/${courts.closedFacilityId}/resources`, {
    body: { name: "Court 9", resourceType: "court" },
  })
  await aDeadHold(courts.facilityId, courts.court, 2)
  const elsewhere = await aDeadHold(courts.closedFacilityId, other.body.id, 2)
  const at = `/v1/facilities/${courts.facilityId}/jobs`
  const { token } = admin
  const ran = await api.call("POST", `${at}/hold-expiration/run`, { token, body: {} })
  expect(ran.body).toMatchObject({ facilityId: courts.facilityId, requestedBy: admin.id, did: { expired: 1 } })
  expect(await statusOf(elsewhere)).toBe("held")

  const everywhere = await api.call("POST", "/v1/jobs/hold-expiration/run", { body: {} })
  expect(everywhere.body.did).toEqual({ expired: 1 })
  const { data } = (await api.call("GET", at, { token })).body
  expect(data[1].lastRun).toEqual({ ...everywhere.body, requestedBy: null, did: null })
  const mine = (await api.call("GET", `${at}/hold-expiration/runs`, { token })).body.data
  expect(mine[0]).toEqual(ran.body)
  expect(mine.map(({ facilityId }: { facilityId: string }) => facilityId)).not.toContain(null)
  expect((await api.call("GET", `${at}/hold-expiration/runs/${everywhere.body.id}`, { token })).status).toBe(404)

  const refused = await api.call("POST", `${at}/failing-job/run`, { token, body: {} })
  expect(refused.body).toMatchObject({
    status: 403,
    detail: "failing-job works for all facilities at once: a platform administrator runs it.",
  })
})

test("an unknown job is a 404, for any text in its place", async () => {
  await start()
  const paths = ["no-such-job", "%00", "hold%20expiration", "x".repeat(300)]
  for (const name of paths) {
    const answers = await Promise.all([
      api.call("GET", `/v1/jobs/${name}`),
      api.call("GET", `/v1/jobs/${name}/preview`),
      api.call("GET", `/v1/jobs/${name}/runs`),
      api.call("GET", `/v1/jobs/${name}/runs/${newId()}`),
      api.call("POST", `/v1/jobs/${name}/run`, { body: {} }),
      api.call("POST", `/v1/facilities/${courts.facilityId}/jobs/${name}/run`, { body: {} }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404])
  }
  const late = await api.call("POST", "/v1/jobs/hold-expiration/run?wait=21", { body: {} })
  expect(late.body.errors).toEqual([{ path: "query.wait", message: "Expected a whole number from 0 to 20" }])
})

test("runs are deleted after a week, except the last one of each job and facility", async () => {
  await start()
  const { db } = api.database
  await db`update slotbase.job_runs set status = 'failed', ended_at = slotbase.now() where status = 'retrying'`
  const before = await db<{ job: string; runs: number }[]>`
    select job, count(*) as runs from slotbase.job_runs where ended_at is not null group by job, facility_id`
  expect(await forgetOldRuns(db, 1_000)).toBe(0)
  await db`select slotbase.move_clock('8 days')`
  expect(await forgetOldRuns(db, 1_000)).toBe(before.reduce((sum, { runs }) => sum + runs - 1, 0))
  await db`update slotbase.clock set shift = interval '0'`
})

test("the command line lists jobs, previews a run, and requests the run", async () => {
  await start()
  await aDeadHold(courts.facilityId, courts.court, 3)
  const [list, preview, unknown] = await Promise.all([
    slotbase("jobs"),
    slotbase("jobs", "preview", "hold-expiration"),
    slotbase("jobs", "run", "nothing"),
  ])
  expect(list.output).toMatch(/^hold-expiration +\* \* \* \* \* +Release expired booking holds$/m)
  expect(preview.output).toStartWith("hold-expiration: Release expired booking holds\nA run now would find: 1 holds\n")
  expect(unknown).toEqual({ code: 1, output: 'There is no job "nothing": ./scripts/slotbase jobs lists them.\n' })
  expect(await slotbase("jobs", "preview", "hold-exipration")).toEqual({
    code: 1,
    output: 'There is no job "hold-exipration": did you mean hold-expiration? ./scripts/slotbase jobs lists them.\n',
  })
  const ran = await slotbase("jobs", "run", "hold-expiration")
  expect(ran).toEqual({ code: 0, output: expect.stringMatching(/^hold-expiration: done in \d+ ms: 1 expired\n$/) })
  const [audited] = await api.database.db`
    select actor_id, actor_kind, user_agent from slotbase.audit_log
    where action = 'job.run' and subject_id = 'hold-expiration' and method is null`
  expect({ ...audited }).toEqual({
    actor_id: rootUserId,
    actor_kind: "system",
    user_agent: expect.stringMatching(/^slotbase jobs run, by uid \d+ on /),
  })
  await jobs?.stop()
  jobs = undefined
  const alone = await slotbase("jobs", "run", "hold-expiration")
  expect(alone.code).toBe(1)
  expect(alone.output).toStartWith("No process with actors is running")
})

/** A hold whose time is over and which is not yet released; returns its booking's id. */
async function aDeadHold(facilityId: string, resourceId: string, nth: number): Promise<string> {
  await api.call("PATCH", `/v1/facilities/${facilityId}/settings`, { body: { openingHours: alwaysOpen } })
  const body = { resourceId, ...atHour(nth), bookerId: courts.player.id }
  await api.database.db`
    insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by)
    values (${courts.player.id}, 'player', 'facility', ${facilityId}, ${courts.player.id})
    on conflict do nothing`
  const held = await api.call("POST", `/v1/facilities/${facilityId}/holds`, { body })
  expect(held.status).toBe(201)
  await api.database.db`
    update slotbase.bookings set hold_expires_at = slotbase.now() - interval '1 second' where id = ${held.body.id}`
  return held.body.id
}

async function statusOf(bookingId: string): Promise<string | undefined> {
  const [row] = await api.database.db<{ status: string }[]>`
    select status from slotbase.bookings where id = ${bookingId}`
  return row?.status
}

const ended = ({ body }: Answer) =>
  eventually(async () => {
    const run = (await api.call("GET", `/v1/jobs/${body.job}/runs/${body.id}`)).body
    expect(run.status).toBe("succeeded")
    return run
  })

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
