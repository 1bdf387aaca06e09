// The questions about the ticks of scheduled jobs: each has one end, and there are as many as the cron line says.

import type { Queryable } from "#base/database/db.ts"
import { parseCron } from "#operations/jobs/cron.ts"
import { ticksBetween } from "#operations/jobs/ticks.ts"
import { ask, type Question } from "./question.ts"

export const tickQuestions = (db: Queryable): readonly Question[] => [
  ask(
    "P8",
    "a schedule with a tick that has no end, or two",
    db`
      select s.job, s.facility_id, s.ticks, s.skipped, s.succeeded, s.failed, s.lost, r.open
      from slotbase.job_schedules s
      cross join lateral (
        select count(*) as open from slotbase.job_runs r
        where r.job = s.job and r.facility_id = s.facility_id and r.tick_at is not null
          and r.status in ('waiting', 'running', 'retrying')
      ) r
      where s.ticks <> s.skipped + s.succeeded + s.failed + s.lost + r.open`,
  ),
  ask("P8", "a schedule that decided more or fewer ticks than its cron line has", wrongCounts(db)),
]

interface Decided {
  readonly job: string
  readonly facility_id: string
  readonly cron: string
  readonly timezone: string
  readonly counted_from: Date
  readonly decided_until: Date
  readonly ticks: number
}

/** Only where neither the cron line nor the zone has changed since the counting began. */
async function wrongCounts(db: Queryable): Promise<readonly Record<string, unknown>[]> {
  const schedules = await db<Decided[]>`
    select s.job, s.facility_id, s.cron, s.timezone, s.counted_from, s.decided_until, s.ticks
    from slotbase.job_schedules s join slotbase.jobs j on j.name = s.job
    where s.cron is not null and not j.ended`
  return schedules
    .map(({ cron, timezone, counted_from, decided_until, ...each }) => ({
      ...each,
      expected: ticksBetween(parseCron(cron), timezone, counted_from.getTime(), decided_until.getTime()).length,
    }))
    .filter(({ ticks, expected }) => ticks !== expected)
}
