/**
 * slotbase jobs: lists the scheduled jobs. It says when one ticks and what a run would do now, pauses and resumes one,
 * and runs one by hand. A process with actors carries out the run: the running server or another one.
 */
import type { Config } from "#base/config.ts"
import { connect, type Db } from "#base/database/db.ts"
import { reachDatabase } from "#base/database/open.ts"
import { editsBetween } from "#base/edits.ts"
import { connectHints } from "#base/hints.ts"
import { isId } from "#base/ids.ts"
import { audit } from "#events/audit.ts"
import { operatorContext } from "#events/operator.ts"
import { transact } from "#events/outbox.ts"
import { parseCron } from "#operations/jobs/cron.ts"
import { type Job, listJobs, presently, readJob, requestRun } from "#operations/jobs/jobs.ts"
import { pauseJob, resumeJob } from "#operations/jobs/pause.ts"
import { previewJob, usualPreviewDays } from "#operations/jobs/preview.ts"
import { type Did, isAnybodyThere } from "#operations/jobs/rows.ts"
import { nextTicks } from "#operations/jobs/ticks.ts"
import { untilEnded } from "#operations/jobs/wait.ts"
import { mostEdits } from "./arguments.ts"
import type { Command } from "./command.ts"
import { operator } from "./operator.ts"
import { requireMigrated } from "./require-migrated.ts"

/** Ticks that a preview prints. */
const printedTicks = 10
/** Longer than any job takes. */
const waitMs = 15 * 60_000

export const jobs: Command = {
  name: "jobs",
  words: ["action", "name", "facility"],
  description:
    "list the scheduled jobs; jobs preview <name>: when it ticks, and what a run would do now; jobs run <name>: do it; jobs pause <name>, jobs resume <name>; for a job of single facilities each may end with the id of one",
  run: async (config, [action = "list", name, facilityId]) => {
    const act = Object.hasOwn(actions, action) ? actions[action] : undefined
    if (act === undefined || (action !== "list" && name === undefined)) {
      console.error("./scripts/slotbase jobs [list | (preview | run | pause | resume) <name> [<facility id>]]")
      return 2
    }
    if (facilityId !== undefined && !isId(facilityId)) {
      console.error(`${facilityId} is not the id of a facility.`)
      return 2
    }
    const database = await reachDatabase(config)
    const db = connect(database.url, { max: 2, applicationName: "slotbase jobs" })
    try {
      await requireMigrated(database.url)
      const wrong = name && (await wrongPlace(db, action, name, facilityId))
      if (wrong) {
        console.error(wrong.says)
        return wrong.code
      }
      return await act(db, config, name ?? "", facilityId?.toLowerCase())
    } finally {
      await db.end()
      await database.stop()
    }
  },
}

/** Why this cannot be done to the job at this place; undefined: it may. A job that is not known has no place. */
async function wrongPlace(db: Db, action: string, name: string, facilityId: string | undefined) {
  const { data } = await listJobs(db, { limit: "200" })
  const job = data.find((each) => each.name === name)
  if (job === undefined) {
    const near = data.find((each) => editsBetween(name, each.name) <= mostEdits)
    const meant = near ? `did you mean ${near.name}? ` : ""
    return { says: `There is no job "${name}": ${meant}./scripts/slotbase jobs lists them.`, code: 1 }
  }
  if (action === "run" && job.perFacility && facilityId === undefined)
    return {
      says: `${name} runs in one facility at a time: end the command with the id of one. ./scripts/slotbase links prints the ids of the clubs.`,
      code: 2,
    }
  const inFacility = action === "run" ? job.runsInFacility : job.perFacility || action === "preview"
  if (facilityId !== undefined && !inFacility)
    return { says: `${name} works for all facilities at once: leave the id out.`, code: 2 }
  return undefined
}

const actions: Readonly<
  Record<string, (db: Db, config: Config, name: string, facilityId?: string) => Promise<number>>
> = {
  list: async (db) => {
    const { data } = await listJobs(db, {})
    for (const job of data) {
      const { name, cron, description, lastRun, nextTicks, pausedAt, failingSince } = job
      const last = lastRun ? `${lastRun.status} ${lastRun.startedAt}${inWords(lastRun.did)}` : "never ran"
      const next = pausedAt === null ? `next: ${nextTicks[0] ?? "not planned"}` : `paused since ${pausedAt}`
      const failing = failingSince === null ? "" : `; failing since ${failingSince}`
      console.log(
        `${name.padEnd(28)} ${cron.padEnd(13)} ${description}\n${" ".repeat(42)} last: ${last}; ${next}${failing}`,
      )
    }
    if (data.length === 0) console.log("No process with actors was ever started on this database: ./scripts/start")
    return 0
  },

  preview: async (db, _config, name, facilityId) => {
    const job = await readJob(db, name, facilityId)
    const { due, ticks, timezone } = await previewJob(db, name, {}, facilityId)
    console.log(`${job.name}: ${job.description}`)
    console.log(
      due === null
        ? "This job cannot say what a run would do now."
        : `A run now would find:${inWords(due) || " nothing"}`,
    )
    if (job.perFacility && facilityId === undefined && job.pausedAt === null)
      console.log(
        "Each facility has ticks of its own, by its own clock: end the command with its id. In UTC they would be:",
      )
    console.log(
      `Next ticks (${job.cron}, ${timezone}):${ticks.length === 0 ? ` ${whyNone(job, timezone, await presently(db))}` : ""}`,
    )
    for (const { at, wall, localTime, clocks } of ticks.slice(0, printedTicks)) {
      const note = clocks === "skipped" ? `${localTime} is skipped` : clocks === null ? "" : `${localTime} comes twice`
      console.log(`  ${at}  ${wall}${note && `  (${note})`}`)
    }
    return 0
  },

  pause: (db, config, name, facilityId) => steer(db, config, "pause", name, facilityId),

  resume: (db, config, name, facilityId) => steer(db, config, "resume", name, facilityId),

  run: async (db, config, name, facilityId) => {
    if (!(await isAnybodyThere(db))) {
      console.error("No process with actors is running to run the job: start SlotBase with ./scripts/start.")
      return 1
    }
    const disconnect = await connectHints(db)
    try {
      const context = operatorContext(config.environment, "slotbase jobs run")
      const { result: asked } = await transact(db, context, async (tx) => {
        const requested = await requestRun(tx, operator, name, facilityId)
        audit(tx, { action: "job.run", subjectId: name, ...(facilityId && { facilityId }) })
        return requested
      })
      const run = await untilEnded(db, asked.id, waitMs)
      if (run?.status !== "succeeded") {
        console.error(`${name}: ${run?.status ?? "gone"}${run?.error ? `: ${run.error}` : ""}`)
        return 1
      }
      const ms = (run.ended_at?.getTime() ?? 0) - (run.started_at?.getTime() ?? 0)
      console.log(
        `${name}: done in ${ms} ms${run.did && Object.keys(run.did).length > 0 ? ":" : ""}${inWords(run.did)}`,
      )
      return 0
    } finally {
      await disconnect()
    }
  },
}

/** Why a preview has no ticks. */
function whyNone({ cron, pausedAt }: Job, timezone: string, now: Date): string {
  if (pausedAt !== null) return "none, because it is paused"
  const [next] = nextTicks(parseCron(cron), timezone, now.getTime(), 1)
  return `none within ${usualPreviewDays} days${next ? `; the next is ${new Date(next.at).toISOString()}` : ""}`
}

async function steer(db: Db, config: Config, what: "pause" | "resume", name: string, facilityId?: string) {
  const disconnect = await connectHints(db)
  try {
    const { result: job } = await transact(
      db,
      operatorContext(config.environment, `slotbase jobs ${what}`),
      async (tx) => {
        const before = await readJob(tx, name, facilityId)
        const after = await (what === "pause" ? pauseJob : resumeJob)(tx, operator, name, facilityId)
        const action = what === "pause" ? "job.paused" : "job.resumed"
        if (before.pausedAt !== after.pausedAt)
          audit(tx, { action, subjectId: name, ...(facilityId && { facilityId }) })
        return after
      },
    )
    console.log(
      job.pausedAt === null
        ? `${name}: next tick ${job.nextTicks[0] ?? "not planned yet"}`
        : `${name}: paused since ${job.pausedAt}`,
    )
    return 0
  } finally {
    await disconnect()
  }
}

const inWords = (did: Did | null) =>
  Object.entries(did ?? {})
    .map(([what, count], nth) => `${nth === 0 ? " " : ", "}${count} ${what}`)
    .join("")
