// Runs of ticks are tried again when they fail, and given back when the process stops. They go side by side, so that a
// slow or failing facility holds up no other.

import { afterEach, beforeEach, expect, spyOn, test } from "bun:test"
import type { FacilityJob, FacilityTick } from "#actors/jobs/facility-job.ts"
import type { Db } from "#base/database/db.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { aDailyJob, aProcess, clockAt, ledgerOf, ticksRun } from "#test/harness/club/schedules.ts"
import { endProcess } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db
let said: ReturnType<typeof spyOn<Console, "error">>
beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  said = spyOn(console, "error").mockImplementation(() => {})
  await clockAt(db, "2026-05-05T03:59:00Z")
})
afterEach(async () => {
  said.mockRestore()
  await database.drop()
})

const day = "2026-05-05T04:00Z 2026-05-05"

/** A process whose jobs have had their tick. */
async function ticked(...jobs: readonly FacilityJob[]) {
  const process = await aProcess(db, jobs)
  await process.decide()
  await clockAt(db, "2026-05-05T04:00:00Z")
  await process.decide()
  return process
}
const later = (seconds: number) => db`update slotbase.clock set shift = shift + ${seconds} * interval '1 second'`
const { signal } = new AbortController()

test("a run that fails is tried again after 5 seconds, a minute and ten minutes, and then has failed, until one succeeds", async () => {
  const { id } = await aFacility(db)
  let [tries, works] = [0, false]
  const job = aDailyJob({
    run: async () => {
      tries += 1
      if (!works) throw new Error(`no paper\u0000 at try ${tries}`)
      return { reports: 1 }
    },
  })
  const { decide, work } = await ticked(job)
  await work()
  expect([tries, await ticksRun(db, job.name, id)]).toEqual([1, [`${day} retrying`]])
  for (const [seconds, expected] of [
    [3, 1],
    [3, 2],
    [55, 2],
    [10, 3],
    [580, 3],
    [30, 4],
    [7200, 4],
  ] as const) {
    await later(seconds)
    await work()
    expect(tries).toBe(expected)
  }
  expect(await ticksRun(db, job.name, id)).toEqual([`${day} failed`])
  expect(await ledgerOf(db, job.name, id)).toMatchObject({ ticks: 1, failed: 1, unfinished: 0 })
  const failing = async () => ({
    ...(
      await db`select failing_since is not null as failing, last_error from slotbase.job_schedules where facility_id = ${id}`
    )[0],
  })
  expect(await failing()).toEqual({ failing: true, last_error: "no paper\ufffd at try 4" })
  works = true
  await later(86_400)
  await decide()
  await work()
  expect(await failing()).toEqual({ failing: false, last_error: null })
})

test("a later tick takes the place of a run that is tried again, which then has failed", async () => {
  const { id } = await aFacility(db)
  const job = aDailyJob({
    cron: "* * * * *",
    run: async ({ dueAt }) => {
      if (dueAt.toISOString() < "2026-05-05T04:01") throw new Error("no paper")
      return {}
    },
  })
  const { decide, work } = await ticked(job)
  await work()
  await later(60)
  await decide()
  await work()
  expect(await ticksRun(db, job.name, id)).toEqual(["2026-05-05T04:00Z failed", "2026-05-05T04:01Z succeeded"])
})

test("a facility whose run hangs or fails holds up no other, and its run ends at the deadline", async () => {
  const [hanging, failing, fine] = [await aFacility(db), await aFacility(db), await aFacility(db)]
  const signals: AbortSignal[] = []
  const job = aDailyJob({
    deadlineMs: 200,
    run: async ({ facilityId }, own) => {
      if (facilityId === failing.id) throw new Error("no paper")
      if (facilityId === hanging.id) {
        signals.push(own)
        await new Promise(() => {})
      }
      return {}
    },
  })
  const { runs } = await ticked(job)
  await runs.pass(signal)
  await eventually(async () => expect(await ticksRun(db, job.name, fine.id)).toEqual([`${day} succeeded`]))
  await runs.drain()
  const [row] = await db`select status, error from slotbase.job_runs where facility_id = ${hanging.id}`
  expect({ ...row }).toEqual({ status: "retrying", error: "no end after 200 ms" })
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
})

test("of a job for many facilities three runs go at once, and another job's run begins beside them", async () => {
  for (let nth = 0; nth < 20; nth++) await aFacility(db)
  const gate = Promise.withResolvers<void>()
  const begun: string[] = []
  const held = (name: string) =>
    aDailyJob({
      name,
      run: async () => {
        begun.push(name)
        await gate.promise
        return {}
      },
    })
  const { runs, work } = await ticked(held("daily-reports"), held("offline-payment-aging"))
  await db`delete from slotbase.job_runs where job = 'offline-payment-aging' and id <> (select min(id::text)::uuid from slotbase.job_runs where job = 'offline-payment-aging')`
  await runs.pass(signal)
  await runs.pass(signal)
  expect(begun.toSorted()).toEqual(["daily-reports", "daily-reports", "daily-reports", "offline-payment-aging"])
  gate.resolve()
  await runs.drain()
  await work()
  expect(begun).toHaveLength(21)
})

test("two runs of one job and facility never go at once, over all processes, and begin in the order of their ticks", async () => {
  const { id } = await aFacility(db)
  const order: string[] = []
  let going = 0
  const job = aDailyJob({
    missed: { catchUp: 3 },
    cron: "* * * * *",
    run: async ({ dueAt }: FacilityTick) => {
      expect(++going).toBe(1)
      await db`select pg_sleep(0.02)`
      order.push(dueAt.toISOString().slice(11, 16))
      going -= 1
      return {}
    },
  })
  const one = await ticked(job)
  const other = await aProcess(db, [job])
  await later(130)
  await one.decide()
  for (let round = 0; round < 3; round++) {
    await Promise.all([one.runs.pass(signal), other.runs.pass(signal)])
    await Promise.all([one.runs.drain(), other.runs.drain()])
  }
  expect(order).toEqual(["04:00", "04:01", "04:02"])
  expect(await ledgerOf(db, job.name, id)).toMatchObject({ succeeded: 3, failed: 0 })
})

test("a run that a stop cuts short is given back, and the attempt does not count", async () => {
  const { id } = await aFacility(db)
  const begun = Promise.withResolvers<void>()
  const cut = aDailyJob({
    run: async (_tick, own) => {
      begun.resolve()
      await new Promise((_, reject) => own.addEventListener("abort", () => reject(new Error("stopped"))))
      return {}
    },
  })
  const first = await ticked(cut)
  const stopping = new AbortController()
  await first.runs.pass(stopping.signal)
  await begun.promise
  stopping.abort()
  await first.runs.drain()
  const [row] = await db`select status, attempts, failures, started_at, error from slotbase.job_runs`
  expect({ ...row }).toEqual({ status: "waiting", attempts: 0, failures: 0, started_at: null, error: null })
  const second = await aProcess(db, [aDailyJob()])
  await second.work()
  expect(await ticksRun(db, cut.name, id)).toEqual([`${day} succeeded`])
})

test("a run that this process has claimed and does not know of is begun again", async () => {
  const { id } = await aFacility(db)
  const { owner, work } = await ticked(aDailyJob())
  // The answer to the claim was lost.
  await db`select slotbase.claim_job_runs(${owner}, '{}', false, '{daily-reports}', '{1}', '{0}', 1)`
  expect(await ticksRun(db, "daily-reports", id)).toEqual([`${day} running`])
  await work()
  expect(await ticksRun(db, "daily-reports", id)).toEqual([`${day} succeeded`])
})

test("a process that was taken for dead writes nothing over the run of its successor", async () => {
  const { id } = await aFacility(db)
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const slow = aDailyJob({
    run: async () => {
      begun.resolve()
      await gate.promise
      return { by: 1 }
    },
  })
  const frozen = await ticked(slow)
  await frozen.runs.pass(signal)
  await begun.promise
  await endProcess(db, frozen.owner)
  const next = await aProcess(db, [aDailyJob({ run: async () => ({ by: 2 }) })])
  await next.work()
  gate.resolve()
  await frozen.runs.drain()
  const [row] = await db`select status, did, attempts from slotbase.job_runs where facility_id = ${id}`
  expect({ ...row }).toEqual({ status: "succeeded", did: { by: 2 }, attempts: 2 })
})

test("a run that crashes its process each time is lost alone: those that went beside it are carried out", async () => {
  const poison = await aFacility(db)
  const others = [await aFacility(db), await aFacility(db)]
  /** The process dies with all that it does when the poisonous run has begun. */
  const mortal = () => {
    const begun: string[] = []
    return aDailyJob({
      run: async ({ facilityId }) => {
        begun.push(facilityId)
        await db`select 1`
        if (begun.includes(poison.id)) await new Promise(() => {})
        return {}
      },
    })
  }
  const first = await ticked(mortal())
  let process = first
  for (let life = 0; life < 7; life++) {
    await process.runs.pass(signal)
    await eventually(async () => {
      const [left] = await db<[{ running: number }]>`
        select count(*) filter (where facility_id <> ${poison.id})::integer as running from slotbase.job_runs
        where status = 'running' and owner = ${process.owner}
          and not exists (select from slotbase.job_runs p where p.facility_id = ${poison.id} and p.owner = ${process.owner} and p.status = 'running')`
      expect(left.running).toBe(0)
    })
    await endProcess(db, process.owner)
    process = await aProcess(db, [mortal()])
  }
  await process.work()
  const states = await db<{ state: string }[]>`
    select status || ' ' || (facility_id = ${poison.id})::text as state from slotbase.job_runs`
  expect(states.map(({ state }) => state).toSorted()).toEqual(
    [...others.map(() => "succeeded false"), "lost true"].toSorted(),
  )
})

test("a run by hand goes before one that waits for its next try", async () => {
  const { id } = await aFacility(db)
  let works = false
  const job = aDailyJob({
    run: async () => {
      if (!works) throw new Error("no paper")
      return { reports: 1 }
    },
  })
  const { work } = await ticked(job)
  await work()
  works = true
  await db`
    insert into slotbase.job_runs (id, facility_id, job, trigger, status, requested_by, requested_at)
    values (${newId()}, ${id}, ${job.name}, 'request', 'requested', ${rootUserId}, slotbase.now())`
  await work()
  const states = await db<
    { state: string }[]
  >`select trigger || ' ' || status as state from slotbase.job_runs order by id`
  expect(states.map(({ state }) => state)).toEqual(["schedule retrying", "request succeeded"])
})
