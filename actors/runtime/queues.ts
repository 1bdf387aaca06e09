/**
 * The queues and the schedules of pg-boss, as this program wants them. pg-boss keeps what a queue was made with, so a
 * start compares each queue with the options here and brings it up to date. What only an older program knew is removed:
 * its schedule would send jobs that nobody takes. While another process lives, nothing is removed: it may run another
 * version, which needs its queues.
 */
import { hostname } from "node:os"
import type { PgBoss } from "pg-boss"
import type { Db } from "#base/database/db.ts"
import { log } from "#base/log.ts"

export const deadPassQueue = "dead-passes"

/** The options of a queue that can be changed later. Each is named: an option left out would keep an old value. */
const options = {
  retryLimit: 2,
  retryDelay: 5,
  retryBackoff: false,
  retryDelayMax: null,
  expireInSeconds: 900,
  heartbeatSeconds: null,
  /** A tick that nobody takes for two weeks has long been followed by others. */
  retentionSeconds: 14 * 86_400,
  deleteAfterSeconds: 7 * 86_400,
  warningQueueSize: 0,
  notify: false,
} as const

/** "short": at most one job waits, however many ticks were missed. A queue of another policy is made anew. */
const ofActors = { policy: "short", settings: { ...options, deadLetter: deadPassQueue } } as const
/** A dead pass waits for its reader, here or in the next program. */
const ofDeadPasses = { policy: "standard", settings: { ...options, deadLetter: null } } as const
type Wanted = typeof ofActors | typeof ofDeadPasses

/** Queues whose names begin like this are pg-boss's own. */
const itsOwn = "__pgboss__"

/** Makes the queues of these actors and that of the dead passes, and brings old ones up to date. */
export async function prepareQueues(boss: PgBoss, db: Db, actors: readonly string[]): Promise<void> {
  const known = new Map((await boss.getQueues()).map((queue) => [queue.name, queue]))
  const prepare = async (name: string, wanted: Wanted) => {
    const found = known.get(name)
    if (found !== undefined && found.policy !== wanted.policy) {
      await remakeQueue(boss, name, wanted)
      return
    }
    if (found === undefined) await boss.createQueue(name, { policy: wanted.policy })
    await boss.updateQueue(name, wanted.settings)
  }
  await prepare(deadPassQueue, ofDeadPasses)
  await Promise.all(actors.map((name) => prepare(name, ofActors)))
  if (await isAlone(db)) await removeUnknown(boss, new Set([...actors, deadPassQueue]), [...known.keys()])
}

/**
 * The jobs in the queue of an actor are ticks, and the next tick does their work. pg-boss refuses to delete a queue to
 * which others send their dead jobs. That one keeps its old policy, and gets the new settings.
 */
async function remakeQueue(boss: PgBoss, name: string, { policy, settings }: Wanted): Promise<void> {
  if (await deleteQueue(boss, name)) {
    await boss.createQueue(name, { policy })
    log.warn("queue made anew", { queue: name, policy })
  }
  await boss.updateQueue(name, settings)
}

async function removeUnknown(boss: PgBoss, wanted: ReadonlySet<string>, queues: readonly string[]): Promise<void> {
  for (const { name, key } of await boss.getSchedules())
    if (!wanted.has(name)) {
      await boss.unschedule(name, key)
      log.info("schedule removed", { queue: name })
    }
  for (const name of queues)
    if (!wanted.has(name) && !name.startsWith(itsOwn) && (await deleteQueue(boss, name)))
      log.info("queue removed", { queue: name })
}

async function isAlone(db: Db): Promise<boolean> {
  const others = await db`
    select from slotbase.processes
    where alive_until > clock_timestamp() and (host, pid) <> (${hostname()}, ${process.pid}) limit 1`
  return others.length === 0
}

/** False when pg-boss refuses. */
async function deleteQueue(boss: PgBoss, name: string): Promise<boolean> {
  try {
    await boss.deleteQueue(name)
    return true
  } catch (error) {
    log.error("queue not deleted", { queue: name, error: error instanceof Error ? error.message : String(error) })
    return false
  }
}
