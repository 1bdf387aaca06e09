/**
 * Runs of scheduled jobs, by their ticks or on request. Each run is written down. An actor without a polling interval
 * is a scheduled job. In one process the runs of a job go one after the other. Two processes may run the same job at
 * once; each job must tolerate that. A failed run is written down with its error; pg-boss also retries a failed tick.
 */

import type { Actor, Pass, Running } from "#actors/runtime/actor.ts"
import type { Db } from "#base/database/db.ts"
import { sendHint } from "#base/hints.ts"
import { platformFacilityId } from "#base/ids.ts"
import { log } from "#base/log.ts"
import { type BegunRun, beginRun, claimRequests, type Did, endRun, mirrorJobs } from "#operations/jobs/rows.ts"

/** Requested runs under way at once in a process. */
const requestsAtOnce = 4
/** Characters kept of an error. */
const longestError = 2_000

/** The actor that runs scheduled jobs on request. */
export const jobRequests = (runs: JobRuns): Actor => ({
  name: "job-requests",
  description: "Runs scheduled jobs that somebody asked for",
  wokenBy: ["jobs"],
  pollEveryMs: 1_000,
  cron: "* * * * *",
  deadlineMs: 20_000,
  pass: () => runs.pass(),
  drain: () => runs.drain(),
})

export class JobRuns {
  readonly #db: Db
  readonly #owner: () => number
  #jobs = new Map<string, Running>()
  /** By job: the end of the last run that this process has begun. */
  readonly #lastRuns = new Map<string, Promise<unknown>>()
  readonly #underWay = new Set<Promise<void>>()

  /** @param owner the life sign of this process, processes.id. */
  constructor(db: Db, owner: () => number) {
    this.#db = db
    this.#owner = owner
  }

  /** Sets the jobs of this process, and shows them to everybody. */
  async serve(running: readonly Running[]): Promise<void> {
    const scheduled = running.filter(isJob)
    await mirrorJobs(
      this.#db,
      scheduled.map(({ actor: { name, description, cron, passIn } }) => ({
        name,
        description,
        cron,
        timezone: "UTC",
        in_facility: passIn !== undefined,
      })),
    )
    this.#jobs = new Map(scheduled.map((job) => [job.actor.name, job]))
    sendHint("jobs")
  }

  /** Claims requested runs and begins them. */
  async pass(): Promise<Pass> {
    const free = requestsAtOnce - this.#underWay.size
    const by = this.#owner()
    const claimed = free > 0 ? await claimRequests(this.#db, by, [...this.#jobs.keys()], free) : []
    for (const run of claimed) this.#begin(run, by)
    return { more: false }
  }

  #begin(run: BegunRun, by: number): void {
    const { actor, passNow, passIn } = this.#jobs.get(run.job) as Running
    const work = run.facility_id === platformFacilityId ? passNow : () => inFacility(actor, passIn, run.facility_id)
    const done: Promise<void> = this.#afterEarlierRuns(run.job, () => this.#perform(run, by, work))
      .catch(() => {}) // The error is written down, and can be read there.
      .finally(() => {
        this.#underWay.delete(done)
        sendHint("jobs")
      })
    this.#underWay.add(done)
  }

  /** For pg-boss: a tick of an actor. Throws the error of its pass. */
  async tick({ actor: { name }, passNow }: Running): Promise<void> {
    if (!this.#jobs.has(name)) {
      await passNow()
      return
    }
    await this.#afterEarlierRuns(name, async () => {
      const by = this.#owner()
      await this.#perform(await beginRun(this.#db, name, by), by, passNow)
    })
  }

  /** Waits for the requested runs that have begun. */
  async drain(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  /** Does the work after the earlier runs of the same job in this process. */
  #afterEarlierRuns<T>(job: string, work: () => Promise<T>): Promise<T> {
    const run = (this.#lastRuns.get(job) ?? Promise.resolve()).then(work, work)
    this.#lastRuns.set(job, run)
    return run
  }

  async #perform(run: BegunRun, by: number, work: () => Promise<Did>): Promise<void> {
    try {
      const did = await work()
      await endRun(this.#db, run, by, { did })
    } catch (error) {
      log.error("job failed", { job: run.job, run: run.id, error: inWords(error) })
      await endRun(this.#db, run, by, { error: inWords(error) })
      throw error
    } finally {
      sendHint("jobs")
    }
  }
}

const isJob = ({ actor }: Running) => actor.pollEveryMs === undefined

function inFacility(actor: Actor, passIn: Running["passIn"], facilityId: string): Promise<Did> {
  if (passIn === undefined) throw new Error(`${actor.name} can't be run for one facility`)
  return passIn(facilityId)
}

const inWords = (error: unknown) => (error instanceof Error ? error.message : String(error)).slice(0, longestError)
