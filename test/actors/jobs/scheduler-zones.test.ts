// Each day on which the clocks of a zone change: what the preview promises before is what is run, by the rules.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { FacilityTick } from "#actors/jobs/facility-job.ts"
import type { Db } from "#base/database/db.ts"
import { previewJob } from "#operations/jobs/preview.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { aDailyJob, aProcess, clockAt, ledgerOf } from "#test/harness/club/schedules.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
afterAll(() => database.drop())

const hourMs = 3_600_000
/** Lord Howe repeats half an hour, so 01:00 and 02:00 are an hour and a half apart. */
const halfAnHourMore = "2026-04-04T15:00:00Z"
const lines = ["0 0 * * *", "30 0 * * *", "15 2 * * *", "30 2 * * *", "30 23 * * *", "0 6 * * *", "0 * * * *"]

// The zone, the instant of its change, and the ticks of the daily lines in the day around it that differ from usual.
const changes: readonly [string, string, Readonly<Record<string, string>>][] = [
  ["Africa/Cairo", "2026-04-23T22:00:00Z", { "0 0 * * *": "skipped 01:00", "30 0 * * *": "skipped 01:00" }],
  ["Africa/Cairo", "2026-10-29T21:00:00Z", { "30 23 * * *": "repeated 23:30" }],
  ["America/Santiago", "2026-09-06T04:00:00Z", { "0 0 * * *": "skipped 01:00", "30 0 * * *": "skipped 01:00" }],
  ["America/Santiago", "2026-04-05T03:00:00Z", { "30 23 * * *": "repeated 23:30" }],
  ["Asia/Beirut", "2026-03-28T22:00:00Z", { "0 0 * * *": "skipped 01:00", "30 0 * * *": "skipped 01:00" }],
  ["Asia/Beirut", "2026-10-24T21:00:00Z", { "30 23 * * *": "repeated 23:30" }],
  ["America/Havana", "2026-03-08T05:00:00Z", { "0 0 * * *": "skipped 01:00", "30 0 * * *": "skipped 01:00" }],
  ["America/Havana", "2025-11-02T05:00:00Z", { "0 0 * * *": "repeated 00:00", "30 0 * * *": "repeated 00:30" }],
  ["Australia/Lord_Howe", "2026-10-03T15:30:00Z", { "15 2 * * *": "skipped 02:30" }],
  ["Australia/Lord_Howe", halfAnHourMore, {}],
  ["Europe/Berlin", "2026-03-29T01:00:00Z", { "15 2 * * *": "skipped 03:00", "30 2 * * *": "skipped 03:00" }],
  ["Europe/Berlin", "2026-10-25T01:00:00Z", { "15 2 * * *": "repeated 02:15", "30 2 * * *": "repeated 02:30" }],
]

describe("the clocks change", () => {
  for (const [zone, change, unusual] of changes)
    test(`in ${zone} at ${change}`, async () => {
      const from = Date.parse(change) - 8 * hourMs
      await clockAt(db, from)
      const { id } = await aFacility(db, { timezone: zone })
      const ran = new Map<string, string[]>(lines.map((_, nth) => [nameOf(nth), []]))
      const jobs = lines.map((cron, nth) =>
        aDailyJob({
          ...{ name: nameOf(nth), cron },
          run: async ({ facilityId, dueAt, localDate }: FacilityTick) => {
            if (facilityId === id) ran.get(nameOf(nth))?.push(`${dueAt.toISOString()} ${localDate}`)
            return {}
          },
        }),
      )
      const { decide, work } = await aProcess(db, jobs)
      await decide()
      const previews = new Map<string, Awaited<ReturnType<typeof previewJob>>["ticks"]>()
      for (const { name } of jobs) previews.set(name, (await previewJob(db, name, { days: "4" }, id)).ticks)
      // Not at the ticks themselves, but soon after.
      for (let at = from; at <= from + 36 * hourMs; at += hourMs / 2) {
        await clockAt(db, at + 7_000)
        await decide()
        await work()
      }
      for (const [nth, line] of lines.entries()) {
        const until = from + 36 * hourMs + 7_000
        const promised = (previews.get(nameOf(nth)) ?? []).filter(({ at }) => Date.parse(at) <= until)
        expect(ran.get(nameOf(nth))).toEqual(
          promised.map(({ at, localDate, wall }) => `${at} ${line === "0 * * * *" ? wall.slice(0, 10) : localDate}`),
        )
        const ledger = await ledgerOf(db, nameOf(nth), id)
        expect(ledger).toMatchObject({ ticks: promised.length, succeeded: promised.length, skipped: 0 })
        const marked = promised
          .filter(({ clocks }) => clocks !== null)
          .map(({ clocks, wall }) => `${clocks} ${wall.slice(11)}`)
        if (line !== "0 * * * *") {
          expect(new Set(promised.map(({ localDate }) => localDate)).size).toBe(promised.length)
          expect(marked).toEqual(unusual[line] === undefined ? [] : [unusual[line]])
        } else expect(promised).toHaveLength(change === halfAnHourMore ? 35 : 36)
      }
      await db`delete from slotbase.job_runs`
      await db`delete from slotbase.job_schedules`
    }, 60_000)
})

const nameOf = (nth: number) => `job-${nth}`
