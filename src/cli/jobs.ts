/**
 * slotbase jobs: lists the scheduled jobs, says what a run would do now, and runs a job by hand. A process with actors
 * carries out the run: the running server or another one.
 */
import type { Config } from "#base/config.ts"
import { connect, type Db } from "#base/database/db.ts"
import { reachDatabase } from "#base/database/open.ts"
import { connectHints } from "#base/hints.ts"
import { audit } from "#events/audit.ts"
import { operatorContext } from "#events/operator.ts"
import { transact } from "#events/outbox.ts"
import { listJobs, readJob, requestRun } from "#operations/jobs/jobs.ts"
import { previewOf } from "#operations/jobs/previews.ts"
import { type Did, isAnybodyThere } from "#operations/jobs/rows.ts"
import { untilEnded } from "#operations/jobs/wait.ts"
import type { Command } from "./command.ts"
import { operator } from "./operator.ts"
import { requireMigrated } from "./require-migrated.ts"

/** Longer than any job takes. */
const waitMs = 15 * 60_000

export const jobs: Command = {
  name: "jobs",
  words: ["action", "name"],
  description: "list the scheduled jobs; jobs preview <name>: what a run would do now; jobs run <name>: do it",
  run: async (config, [action = "list", name]) => {
    const act = Object.hasOwn(actions, action) ? actions[action] : undefined
    if (act === undefined || (action !== "list" && name === undefined)) {
      console.error("./scripts/slotbase jobs [list | preview <name> | run <name>]")
      return 2
    }
    const database = await reachDatabase(config)
    const db = connect(database.url, { max: 2, applicationName: "slotbase jobs" })
    try {
      await requireMigrated(database.url)
      return await act(db, config, name ?? "")
    } finally {
      await db.end()
      await database.stop()
    }
  },
}

const actions: Readonly<Record<string, (db: Db, config: Config, name: string) => Promise<number>>> = {
  list: async (db) => {
    const { data } = await listJobs(db, {})
    for (const job of data) {
      const { name, cron, description, lastRun, nextTicks } = job
      const last = lastRun ? `${lastRun.status} ${lastRun.startedAt}${inWords(lastRun.did)}` : "never ran"
      console.log(
        `${name.padEnd(28)} ${cron.padEnd(13)} ${description}\n${" ".repeat(42)} last: ${last}; next: ${nextTicks[0]}`,
      )
    }
    if (data.length === 0) console.log("No process with actors was ever started on this database: ./scripts/start")
    return 0
  },

  preview: async (db, _config, name) => {
    const job = await readJob(db, name)
    const due = await previewOf(db, name)
    console.log(`${job.name}: ${job.description}`)
    console.log(
      due === null
        ? "This job cannot say what a run would do now."
        : `A run now would find:${inWords(due) || " nothing"}`,
    )
    console.log(`Next ticks (${job.cron}, ${job.timezone}): ${job.nextTicks.join(", ")}`)
    return 0
  },

  run: async (db, config, name) => {
    if (!(await isAnybodyThere(db))) {
      console.error("No process with actors is running to run the job: start SlotBase with ./scripts/start.")
      return 1
    }
    const disconnect = await connectHints(db)
    try {
      const context = operatorContext(config.environment, "slotbase jobs run")
      const { result: asked } = await transact(db, context, async (tx) => {
        const requested = await requestRun(tx, operator, name)
        audit(tx, { action: "job.run", subjectId: name })
        return requested
      })
      const run = await untilEnded(db, asked.id, waitMs)
      if (run?.status !== "succeeded") {
        console.error(`${name}: ${run?.status ?? "gone"}${run?.error ? `: ${run.error}` : ""}`)
        return 1
      }
      const ms = (run.ended_at?.getTime() ?? 0) - (run.started_at?.getTime() ?? 0)
      console.log(`${name}: done in ${ms} ms${inWords(run.did)}`)
      return 0
    } finally {
      await disconnect()
    }
  },
}

const inWords = (did: Did | null) =>
  Object.entries(did ?? {})
    .map(([what, count], nth) => `${nth === 0 ? " " : ", "}${count} ${what}`)
    .join("")
