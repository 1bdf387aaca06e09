/**
 * pg-boss: the cron and the last resort of the actors. Each actor has a queue of its own name. A job of the queue calls
 * the same pass() that a hint calls, so the hot path writes no pg-boss row per event. A pass that failed is retried,
 * and at last goes to the queue "dead-passes", which is read here too.
 */
import { type ConstructorOptions, PgBoss } from "pg-boss"
import { connect, type Db } from "#base/database/db.ts"
import type { Running } from "./actor.ts"
import { noteDeadPasses } from "./dead-passes.ts"
import { deadPassQueue, prepareQueues } from "./queues.ts"

/** Connections for pg-boss: it must never take those of the requests. */
const connections = 2
/** How long after it was sent a job begins, at most. */
const pollSeconds = 2
/** How often one of the processes looks for due ticks. With the default of 30, a tick could be 30 seconds late. */
const cronSeconds = 5
/** Dead passes that are read together: with a broken database many may come at once. */
const deadPassesAtOnce = 20
/** pg-boss waits for its loops when it stops. One that hangs must not delay its successor. */
const abandonMs = 1_000

export interface Boss {
  /** Starts the cron and the workers of these actors. @param run the work of a tick; default: passes of the actor. */
  readonly serve: (actors: readonly Running[], run?: (actor: Running) => Promise<unknown>) => Promise<void>
  /** Lets running jobs end, at most this long. */
  readonly stop: (timeoutMs: number) => Promise<void>
  /** Ends it at once, with its connections. Jobs that run are left to pg-boss's own expiry. */
  readonly abandon: () => Promise<void>
}

/** Called when pg-boss sends a statement (1), and when the statement has its answer or its error (-1). */
export type OnStatement = (change: 1 | -1) => void

export async function startBoss(
  url: string,
  onError: (error: Error) => void,
  onStatement: OnStatement = () => {},
): Promise<Boss> {
  const db = connect(url, { max: connections, applicationName: "slotbase pg-boss", jsonText: true })
  const boss = new PgBoss({
    db: driver(db, onStatement),
    schema: "pgboss",
    superviseIntervalSeconds: 60,
    cronMonitorIntervalSeconds: cronSeconds,
    cronWorkerIntervalSeconds: 1,
  })
  boss.on("error", onError)
  try {
    await boss.start()
  } catch (error) {
    await db.end({ timeoutMs: 0 })
    throw error
  }

  async function serve(actors: readonly Running[], run = ({ passNow }: Running): Promise<unknown> => passNow()) {
    await prepareQueues(
      boss,
      db,
      actors.map(({ actor }) => actor.name),
    )
    await boss.work(
      deadPassQueue,
      { pollingIntervalSeconds: pollSeconds, batchSize: deadPassesAtOnce, includeMetadata: true },
      (jobs) => noteDeadPasses(db, jobs),
    )
    // Side by side, because a process that starts with a backlog is busy, and each answer comes late.
    await Promise.all(
      actors.map(async (running) => {
        const { name, cron } = running.actor
        await boss.work(name, { pollingIntervalSeconds: pollSeconds }, async () => {
          await run(running)
        })
        await Promise.all([boss.schedule(name, cron, null, { tz: "UTC" }), boss.send(name)])
      }),
    )
  }

  async function stop(timeoutMs: number): Promise<void> {
    await boss.stop({ graceful: true, close: false, timeout: timeoutMs })
    await db.end()
  }

  async function abandon(): Promise<void> {
    const stopped = boss.stop({ graceful: false, close: false }).catch(() => {})
    await Promise.race([stopped, Bun.sleep(abandonMs)])
    await db.end({ timeoutMs: 0 })
  }

  return { serve, stop, abandon }
}

/**
 * pg-boss's scripts have their own BEGIN and COMMIT, which a pool must not see. So they run in a transaction of ours.
 */
const script = /^\s*begin;([\s\S]*)commit;?\s*$/i

const driver = (db: Db, onStatement: OnStatement): NonNullable<ConstructorOptions["db"]> => ({
  async executeSql(text, values) {
    const inner = values === undefined || values.length === 0 ? script.exec(text)?.[1] : undefined
    onStatement(1)
    try {
      const result =
        inner === undefined ? await db.unsafe(text, values as never) : await db.begin((tx) => tx.unsafe(inner))
      return { rows: (result as unknown[]).flat() as never[] }
    } finally {
      onStatement(-1)
    }
  },
})
