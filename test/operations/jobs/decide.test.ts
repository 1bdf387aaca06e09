// Which ticks are run: those in time, those that were missed by the job's rule, and never a local day twice.

import { expect, test } from "bun:test"
import { parseCron } from "#operations/jobs/cron.ts"
import { decideTicks, type MissedRule, missedInWords, type ScheduleStanding } from "#operations/jobs/decide.ts"

interface Given {
  readonly cron?: string
  readonly missed?: MissedRule
  readonly zone?: string
  readonly until: string
  readonly date?: string
  readonly now: string
  readonly changed?: "zone" | "cron"
}

const short = (at: number) => `${new Date(at).toISOString().slice(0, 16)}Z`

function decided({ cron = "0 6 * * *", missed = "once", zone = "UTC", until, date, now, changed }: Given) {
  const standing: ScheduleStanding = {
    decidedUntil: Date.parse(until),
    decidedDate: date ?? null,
    zoneChanged: changed === "zone",
    cronChanged: changed === "cron",
  }
  const { run, skipped, next, decidedDate } = decideTicks(
    { cron: parseCron(cron), missed },
    zone,
    standing,
    Date.parse(now),
  )
  return { run: run.map(({ at }) => short(at)), skipped, next: short(next.at), decidedDate }
}

test("a tick that has come is run, and one to come is waited for", () => {
  const until = "2026-05-04T06:00:00Z"
  expect(decided({ until, now: "2026-05-05T05:59:59Z" })).toMatchObject({
    run: [],
    skipped: 0,
    next: "2026-05-05T06:00Z",
  })
  expect(decided({ until, now: "2026-05-05T06:00:00Z" })).toEqual({
    run: ["2026-05-05T06:00Z"],
    skipped: 0,
    next: "2026-05-06T06:00Z",
    decidedDate: "2026-05-05",
  })
})

test("of ten missed ticks the rule once runs the latest, skip none, and catch up the latest three", () => {
  const outage = { cron: "* * * * *", until: "2026-05-05T12:00:30Z", now: "2026-05-05T12:10:00Z" }
  expect(decided(outage)).toMatchObject({ run: ["2026-05-05T12:10Z"], skipped: 9 })
  expect(decided({ ...outage, missed: { catchUp: 3 } })).toMatchObject({
    run: ["2026-05-05T12:08Z", "2026-05-05T12:09Z", "2026-05-05T12:10Z"],
    skipped: 7,
  })
  // The last of the ten is found in time.
  expect(decided({ ...outage, missed: "skip" })).toMatchObject({ run: ["2026-05-05T12:10Z"], skipped: 9 })
  const daily = { until: "2026-05-02T12:00:00Z", now: "2026-05-05T06:10:00Z" }
  expect(decided({ ...daily, missed: "skip" })).toMatchObject({ run: [], skipped: 3, decidedDate: "2026-05-05" })
  expect(decided({ ...daily, missed: "skip", now: "2026-05-05T06:00:59Z" })).toMatchObject({ skipped: 2 })
  expect(["once", "skip", { catchUp: 3 }].map((rule) => missedInWords(rule as MissedRule))).toEqual([
    "once",
    "skip",
    "catch up 3",
  ])
})

test("a zone that changes after the tick of a day gives the day no second tick", () => {
  // At six in Berlin the day had its tick. In New York six o'clock of that day is still to come.
  expect(
    decided({
      zone: "America/New_York",
      until: "2026-05-05T04:00:00Z",
      date: "2026-05-05",
      now: "2026-05-05T07:00:00Z",
      changed: "zone",
    }),
  ).toEqual({ run: [], skipped: 0, next: "2026-05-06T10:00Z", decidedDate: "2026-05-05" })
})

test("a zone in which the tick of a day has gone by already does not lose the day", () => {
  // In New York it is two in the morning, and in Auckland six o'clock of that day was twelve hours ago.
  expect(
    decided({
      zone: "Pacific/Auckland",
      until: "2026-05-04T10:00:00Z",
      date: "2026-05-04",
      now: "2026-05-05T06:00:00Z",
      changed: "zone",
    }),
  ).toEqual({ run: ["2026-05-04T18:00Z"], skipped: 0, next: "2026-05-05T18:00Z", decidedDate: "2026-05-05" })
})

test("a new cron line neither doubles the tick of today nor loses it, and does not count the days before", () => {
  const done = { cron: "0 7 * * *", until: "2026-05-05T06:00:00Z", date: "2026-05-05", changed: "cron" } as const
  expect(decided({ ...done, now: "2026-05-05T06:30:00Z" })).toMatchObject({ run: [], next: "2026-05-06T07:00Z" })
  const open = { cron: "0 5 * * *", until: "2026-05-04T06:00:00Z", date: "2026-05-04", changed: "cron" } as const
  expect(decided({ ...open, now: "2026-05-05T05:30:00Z" })).toMatchObject({ run: ["2026-05-05T05:00Z"], skipped: 0 })
  const weekly = { until: "2026-05-04T09:00:00Z", date: "2026-05-04", changed: "cron" } as const
  expect(decided({ ...weekly, now: "2026-05-08T12:00:00Z" })).toMatchObject({ run: ["2026-05-08T06:00Z"], skipped: 0 })
})

test("a schedule that is new decides nothing of the time before it", () => {
  expect(decided({ until: "2026-05-05T12:00:00Z", now: "2026-05-05T12:00:00Z" })).toMatchObject({ run: [], skipped: 0 })
})
