/**
 * Runs of scheduled jobs, by their ticks (scheduler.ts) or on request. Each run is a row before it begins. An actor
 * without a polling interval is a scheduled job. Of a job and facility one run goes at a time, over all processes. A
 * failed run of a tick is tried again (operations/jobs/rows.ts). A run whose process crashes is taken over, and is lost
 * at its fifth crash. Runs for single facilities go side by side in a few places, so that a slow one holds up no other.
 */

import type { Actor, Pass, Running } from "#actors/runtime/actor.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { sendHint } from "#base/hints.ts"
import { platformFacilityId } from "#base/ids.ts"
import { localDateOf } from "#base/local-days.ts"
import { log } from "#base/log.ts"
import { parseCron } from "#operations/jobs/cron.ts"
import { missedInWords } from "#operations/jobs/decide.ts"
import { mirrorJobs } from "#operations/jobs/job-rows.ts"
import { type BegunRun, claimRuns, type Did, endRun, type JobPlace, returnRun } from "#operations/jobs/rows.ts"
import type { FacilityJob } from "./facility-job.ts"
import type { Timetables } from "./scheduler.ts"

/**
 * Runs for single facilities at once in a process. A fan-out over thousands of facilities leaves the connections and
 * the event loop to requests and webhooks.
 */
const facilitiesAtOnce = 4
/** Of them, those of one job: one place stays free for the others. */
const ofOneJob = facilitiesAtOnce - 1
/**
 * While more may wait than a job has places, a place rests after its run. It rests so many times as long as the run
 * took, and at most so long. So three places together work a tenth of the time. With four that never rested, webhooks
 * beside 25,000 runs took 3.5 times as long (`scripts/bench reports`).
 */
const restTimes = 29
const longestRestMs = 1_000
/** Characters kept of an error. */
const longestError = 2_000
/** Between two tries to write the end of a run, while the database is away. */
const settleAgainMs = 1_000

/** The actor that carries out runs. */
export const jobRequests = (runs: JobRuns): Actor => ({
  name: "job-requests",
  description: "Carries out the runs of scheduled jobs: of their ticks, and those that somebody asked for",
  wokenBy: ["jobs"],
  pollEveryMs: 1_000,
  cron: "* * * * *",
  deadlineMs: 20_000,
  pass: (stopping) => runs.pass(stopping),
  drain: () => runs.drain(),
})

/** Whether pg-boss and hints do not call an actor: the scheduler makes its ticks. */
export const isJob = ({ actor }: Running) => actor.pollEveryMs === undefined

export class JobRuns {
  readonly #db: Db
  readonly #owner: () => number
  readonly #restsFor: number
  #jobs = new Map<string, Running>()
  #facilityJobs = new Map<string, FacilityJob>()
  #timetables: Timetables = new Map()
  readonly #underWay = new Map<string, { readonly run: BegunRun; readonly done: Promise<void> }>()
  /** Runs that have ended, and whose places rest. */
  readonly #resting = new Map<BegunRun, Promise<void>>()

  /**
   * @param owner the life sign of this process, processes.id.
   * @param restsFor how many times as long as its run a place rests.
   */
  constructor(db: Db, owner: () => number, restsFor = restTimes) {
    this.#db = db
    this.#owner = owner
    this.#restsFor = restsFor
  }

  /** Sets the jobs of this process, and shows them to everybody. Throws BadCron. */
  async serve(running: readonly Running[], facilityJobs: readonly FacilityJob[] = []): Promise<void> {
    const jobs = running.filter(isJob)
    const timetables = new Map<string, Timetables extends ReadonlyMap<string, infer T> ? T : never>()
    for (const { actor } of jobs)
      timetables.set(actor.name, { cron: parseCron(actor.cron), missed: "once", perFacility: false })
    for (const { name, cron, missed } of facilityJobs) {
      if (timetables.has(name)) throw new Error(`Two scheduled jobs have the name ${name}`)
      timetables.set(name, { cron: parseCron(cron), missed, perFacility: true })
    }
    await mirrorJobs(this.#db, [
      ...jobs.map(({ actor: { name, description, cron, passIn } }) => ({
        ...{ name, description, cron, timezone: "UTC", in_facility: passIn !== undefined },
        ...{ per_facility: false, missed: "once" },
      })),
      ...facilityJobs.map(({ name, description, cron, missed }) => ({
        ...{ name, description, cron, timezone: "local", in_facility: true },
        ...{ per_facility: true, missed: missedInWords(missed) },
      })),
    ])
    this.#jobs = new Map(jobs.map((job) => [job.actor.name, job]))
    this.#facilityJobs = new Map(facilityJobs.map((job) => [job.name, job]))
    this.#timetables = timetables
    sendHint("schedules")
    sendHint("jobs")
  }

  /** For the scheduler: when the jobs of this process tick. */
  readonly timetables = (): Timetables => this.#timetables

  /** Claims runs and begins them. */
  async pass(stopping: AbortSignal): Promise<Pass> {
    const wide = [...this.#jobs.keys()].flatMap((job) => this.#place(job, 1))
    await this.#claim("platform", wide, wide.length, stopping)
    const free = facilitiesAtOnce - this.#busy(({ facility_id }) => facility_id !== platformFacilityId)
    const narrow = [
      ...[...this.#jobs.values()].flatMap(({ actor, passIn }) => (passIn ? this.#place(actor.name, 1) : [])),
      ...[...this.#facilityJobs.keys()].flatMap((job) => this.#place(job, ofOneJob)),
    ]
    await this.#claim("facilities", narrow, free, stopping)
    return { more: false }
  }

  /** Waits for the runs that have begun, and until their places are free. */
  async drain(): Promise<void> {
    await Promise.all([...this.#underWay.values()].map(({ done }) => done))
    await Promise.all(this.#resting.values())
  }

  /** Runs of the job that may still begin here; none while `most` go. */
  #place(job: string, most: number): JobPlace[] {
    const busy = this.#busy((run) => run.job === job)
    return busy < most ? [{ job, free: most - busy, busy }] : []
  }

  #busy(counts: (run: BegunRun) => boolean): number {
    const underWay = [...this.#underWay.values()].map(({ run }) => run)
    return [...underWay, ...this.#resting.keys()].filter(counts).length
  }

  #rest(run: BegunRun, forMs: number, stopping: AbortSignal): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, stopping.aborted ? 0 : forMs)
    stopping.addEventListener("abort", () => resolve(), { once: true })
    this.#resting.set(
      run,
      promise.then(() => {
        clearTimeout(timer)
        this.#resting.delete(run)
        sendHint("jobs")
      }),
    )
  }

  async #claim(
    lane: "platform" | "facilities",
    places: readonly JobPlace[],
    most: number,
    stopping: AbortSignal,
  ): Promise<void> {
    if (places.length === 0 || most <= 0 || stopping.aborted) return
    const by = this.#owner()
    const claimed = await claimRuns(this.#db, by, [...this.#underWay.keys()], lane, places, most)
    if (claimed.length > 0) reached("job-runs-claimed")
    const crowded = places.filter(({ job, free }) => claimed.filter((run) => run.job === job).length === free)
    for (const run of claimed) {
      const isCrowded = claimed.length === most || crowded.some(({ job }) => job === run.job)
      const began = performance.now()
      const done = this.#perform(run, by, stopping).finally(() => {
        this.#underWay.delete(run.id)
        const restMs = Math.min(longestRestMs, (performance.now() - began) * this.#restsFor)
        if (lane === "facilities" && run.tick_at !== null && isCrowded) this.#rest(run, restMs, stopping)
        else sendHint("jobs")
      })
      this.#underWay.set(run.id, { run, done })
    }
  }

  /** Never fails: an error is written down, and can be read there. */
  async #perform(run: BegunRun, by: number, stopping: AbortSignal): Promise<void> {
    let end: { readonly did: Did } | { readonly error: string }
    try {
      end = { did: await this.#work(run, stopping) }
      reached("job-done")
    } catch (error) {
      end = { error: inWords(error) }
      if (!stopping.aborted)
        log.error("job failed", { job: run.job, run: run.id, ...ofFacility(run), error: end.error })
    }
    const cutShort = "error" in end && stopping.aborted
    for (;;) {
      try {
        await (cutShort ? returnRun(this.#db, run, by) : endRun(this.#db, run, by, end))
        reached("job-run-ended")
        return
      } catch (error) {
        log.error("end of a job's run not written", { job: run.job, run: run.id, error: inWords(error) })
        // Others take it over when this process has ended.
        if (stopping.aborted) return
        await Bun.sleep(settleAgainMs)
      }
    }
  }

  #work(run: BegunRun, stopping: AbortSignal): Promise<Did> {
    const facilityJob = this.#facilityJobs.get(run.job)
    if (facilityJob !== undefined) return runTick(facilityJob, run, stopping)
    const { actor, passNow, passIn } = this.#jobs.get(run.job) as Running
    if (run.facility_id === platformFacilityId) return passNow()
    if (passIn === undefined) throw new Error(`${actor.name} can't be run for one facility`)
    return passIn(run.facility_id)
  }
}

/** A run by hand is a tick of now. */
async function runTick(job: FacilityJob, run: BegunRun, stopping: AbortSignal): Promise<Did> {
  const { facility_id: facilityId, timezone } = run
  const dueAt = run.tick_at ?? run.started_at
  const localDate = run.local_date ?? localDateOf(timezone, dueAt.getTime())
  const late = Promise.withResolvers<never>()
  const ending = new AbortController()
  const timer = setTimeout(() => {
    ending.abort()
    late.reject(new Error(`no end after ${job.deadlineMs} ms`))
  }, job.deadlineMs)
  try {
    const signal = AbortSignal.any([stopping, ending.signal])
    return await Promise.race([job.run({ facilityId, timezone, dueAt, localDate }, signal), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

const ofFacility = ({ facility_id: facilityId }: BegunRun) => (facilityId === platformFacilityId ? {} : { facilityId })

// A text column holds no NUL.
const inWords = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).replaceAll("\u0000", "\ufffd").slice(0, longestError)
