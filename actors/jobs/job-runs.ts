/**
 * Runs of scheduled jobs, each written down: by its tick, or because somebody asked for it. A job without a floor is a
 * scheduled job. In one process its runs go one after the other; between processes a job must bear company anyway.
 * A run that fails is written down with its error; one by its tick is then also retried by pg-boss.
 */

import type { Actor, Running } from "#actors/runtime/actor.ts"
import type { Db } from "#base/database/db.ts"
import { sendHint } from "#base/hints.ts"
import { platformFacilityId } from "#base/ids.ts"
import { type BegunRun, beginRun, claimRequests, type Did, endRun, mirrorJobs } from "#operations/jobs/rows.ts"

/** Runs that somebody asked for, under way at once in a process. */
const requestsAtOnce = 4
/** Of a failure's words, so many characters are kept. */
const longestError = 2_000

export interface JobRuns {
  /** Takes what people ask for. */
  readonly requests: Actor
  /** Which jobs there are, from now on and for everybody to see. */
  readonly serve: (jobs: readonly Running[]) => Promise<void>
  /** For pg-boss: a tick of an actor. Throws what its pass throws. */
  readonly tick: (actor: Running) => Promise<void>
  /** Waits for the runs that were asked for and have begun. */
  readonly drain: () => Promise<void>
}

/** @param owner The life sign of this process, processes.id. */
export function jobRuns(db: Db, owner: () => number): JobRuns {
  let jobs = new Map<string, Running>()
  const turns = new Map<string, Promise<unknown>>()
  const underWay = new Set<Promise<void>>()

  /** After the runs of the same job that this process has begun before. */
  function inTurn<T>(job: string, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(job) ?? Promise.resolve()).then(work, work)
    turns.set(job, turn)
    return turn
  }

  async function perform(run: BegunRun, by: number, work: () => Promise<Did>): Promise<void> {
    try {
      const did = await work()
      await endRun(db, run, by, { did })
    } catch (error) {
      await endRun(db, run, by, { error: inWords(error) })
      throw error
    } finally {
      sendHint("jobs")
    }
  }

  async function pass() {
    const free = requestsAtOnce - underWay.size
    const by = owner()
    const claimed = free > 0 ? await claimRequests(db, by, [...jobs.keys()], free) : []
    for (const run of claimed) {
      const { actor, passNow, passIn } = jobs.get(run.job) as Running
      const work = run.facility_id === platformFacilityId ? passNow : () => inFacility(actor, passIn, run.facility_id)
      const done: Promise<void> = inTurn(run.job, () => perform(run, by, work))
        .catch(() => {}) // It is written down, and whoever asked reads it there.
        .finally(() => {
          underWay.delete(done)
          sendHint("jobs")
        })
      underWay.add(done)
    }
    return { more: false }
  }

  return {
    requests: {
      name: "job-requests",
      description: "Runs scheduled jobs that somebody asked for",
      wokenBy: ["jobs"],
      everyMs: 1_000,
      cron: "* * * * *",
      deadlineMs: 20_000,
      pass,
    },
    serve: async (running) => {
      const scheduled = running.filter(isJob)
      await mirrorJobs(
        db,
        scheduled.map(({ actor: { name, description, cron, passIn } }) => ({
          name,
          description,
          cron,
          timezone: "UTC",
          in_facility: passIn !== undefined,
        })),
      )
      jobs = new Map(scheduled.map((job) => [job.actor.name, job]))
      sendHint("jobs")
    },
    tick: async (running) => {
      if (!jobs.has(running.actor.name)) {
        await running.passNow()
        return
      }
      await inTurn(running.actor.name, async () => {
        const by = owner()
        await perform(await beginRun(db, running.actor.name, by), by, running.passNow)
      })
    },
    drain: async () => {
      await Promise.all(underWay)
    },
  }
}

const isJob = ({ actor }: Running) => actor.everyMs === undefined

function inFacility(actor: Actor, passIn: Running["passIn"], facilityId: string): Promise<Did> {
  if (passIn === undefined) throw new Error(`${actor.name} can't be run for one facility`)
  return passIn(facilityId)
}

const inWords = (error: unknown) => (error instanceof Error ? error.message : String(error)).slice(0, longestError)
