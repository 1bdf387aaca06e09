/**
 * The scheduler: makes the runs of ticks that have come, for jobs of the whole and those of each facility's own day.
 * A pass locks due schedules, decides about their ticks, and moves the schedules on with the runs in one transaction.
 * So a tick has one run, whichever process dies when. The clock of the database decides; the timer only wakes.
 */
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { clockDoubt } from "#base/clock-watch.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { sendHint } from "#base/hints.ts"
import { log } from "#base/log.ts"
import { zoneDataVersion } from "#base/zones/zone-data.ts"
import { decideTicks, mostWaiting, type TickDecision, type Timetable } from "#operations/jobs/decide.ts"
import { insertTicks, supersede } from "#operations/jobs/rows.ts"
import {
  claimDue,
  type DueSchedule,
  type MovedOn,
  moveOn,
  nextLook,
  postpone,
  refreshSchedules,
} from "#operations/jobs/schedule-rows.ts"

/** The jobs of this process, by name. */
export type Timetables = ReadonlyMap<string, Timetable & { readonly perFacility: boolean }>

/** Schedules per transaction: some 20 ms of computing and writing. */
const batch = 500
/** A clock that went back by less is awaited. */
const setBackMs = 60_000

export function scheduler(db: Db, timetables: () => Timetables): Actor {
  /** By the database's clock, milliseconds: the latest instant that a pass has seen. */
  let seen = Number.NEGATIVE_INFINITY
  return {
    name: "scheduler",
    description: "Makes the runs of scheduled jobs whose tick has come",
    wokenBy: ["schedules", "clock"],
    pollEveryMs: 5_000,
    cron: "* * * * *",
    deadlineMs: 20_000,
    pass: async () => {
      const jobs = timetables()
      const names = [...jobs.keys()]
      const { now, at } = await nextLook(db, names)
      if (now.getTime() < seen - setBackMs) await setBack(db, names)
      seen = now.getTime()
      if (at === undefined || at > now) return { more: false, dueAt: at }
      return decideDue(db, await believed(db, jobs))
    },
  }
}

/** What was decided ahead of the clock is decided anew. The keys of the runs keep a tick from being run again. */
async function setBack(db: Db, names: readonly string[]): Promise<void> {
  log.warn("the clock of the database was set back: schedules beyond it begin anew")
  await db.begin((tx) => refreshSchedules(tx, names))
}

/** Under a clock that leapt ahead by weeks the jobs of facilities wait, because their acts follow from the date. */
async function believed(db: Db, jobs: Timetables): Promise<Timetables> {
  if (![...jobs.values()].some(({ perFacility }) => perFacility)) return jobs
  const doubt = await clockDoubt(db, "business")
  if (doubt === undefined) return jobs
  log.error("jobs of facilities held", { doubt })
  return new Map([...jobs].filter(([, { perFacility }]) => !perFacility))
}

async function decideDue(db: Db, jobs: Timetables): Promise<Pass> {
  const { looked, made } = await db.begin(async (tx) => {
    const { now, due } = await claimDue(tx, [...jobs.keys()], batch)
    if (due.length === 0) return { looked: 0, made: 0 }
    const { decided, faults } = decideAll(due, jobs, now)
    if (faults.length > 0) await postpone(tx, faults)
    return { looked: due.length, made: await write(tx, decided, now) }
  })
  if (looked === 0) return { more: false }
  reached("ticks-committed")
  if (made > 0) sendHint("jobs")
  return { more: true }
}

interface Decided extends TickDecision {
  readonly schedule: DueSchedule
  readonly timetable: Timetable
  readonly timezone: string
}

function decideAll(due: readonly DueSchedule[], jobs: Timetables, now: Date) {
  const decided: Decided[] = []
  const faults: { job: string; facility_id: string; error: string }[] = []
  for (const schedule of due) {
    const { job, facility_id, zone, decided_until, decided_date: decidedDate } = schedule
    const timetable = jobs.get(job)
    if (timetable === undefined) continue
    const timezone = timetable.perFacility ? zone : "UTC"
    const standing = {
      decidedUntil: decided_until.getTime(),
      decidedDate,
      zoneChanged:
        schedule.timezone !== null && (schedule.timezone !== timezone || schedule.zone_data !== zoneDataVersion),
      cronChanged: schedule.cron !== null && schedule.cron !== timetable.cron.line,
    }
    try {
      decided.push({ schedule, timetable, timezone, ...decideTicks(timetable, timezone, standing, now.getTime()) })
    } catch (error) {
      // One facility's fault holds up no other.
      log.error("schedule not planned", { job, facilityId: facility_id, error: (error as Error).message })
      faults.push({ job, facility_id, error: (error as Error).message })
    }
  }
  return { decided, faults }
}

/** Answers how many runs were made. */
async function write(tx: Tx, decided: readonly Decided[], now: Date): Promise<number> {
  const running = decided.filter(({ run }) => run.length > 0)
  if (running.length > 0)
    await supersede(
      tx,
      running.map(({ schedule: { job, facility_id }, timetable, run }) => ({
        job,
        facility_id,
        keep: Math.max(0, mostWaiting(timetable.missed) - run.length),
      })),
    )
  const ticks = running.flatMap(({ schedule: { job, facility_id }, timetable, run }) =>
    run.map(({ at, localDate }) => ({
      job,
      facility_id,
      tick_at: new Date(at).toISOString(),
      local_date: timetable.cron.daily ? localDate : null,
    })),
  )
  const made = ticks.length > 0 ? await insertTicks(tx, ticks) : []
  reached("ticks-decided")
  const count = new Map<string, number>()
  for (const each of made) count.set(keyOf(each), (count.get(keyOf(each)) ?? 0) + 1)
  await moveOn(
    tx,
    decided.map(
      ({ schedule, timetable, timezone, next, skipped, decidedDate }): MovedOn => ({
        job: schedule.job,
        facility_id: schedule.facility_id,
        next_due_at: new Date(next.at).toISOString(),
        decided_until: now.toISOString(),
        decided_date: decidedDate,
        cron: timetable.cron.line,
        timezone,
        ticks: (count.get(keyOf(schedule)) ?? 0) + skipped,
        skipped,
      }),
    ),
  )
  return made.length
}

const keyOf = ({ job, facility_id }: { readonly job: string; readonly facility_id: string }) => `${job} ${facility_id}`
