// A process of graphile-worker: all tasks, on one pool.

import { Logger, run, type TaskList } from "graphile-worker"
import { handlerNames } from "./contestant.ts"
import type { HandlerJob, PeerEvent } from "./peer.ts"
import { connectPeer, databaseUrl, jobWork, type PeerSettings, workerSettings } from "./peer-work.ts"

export interface GraphileSettings extends PeerSettings {
  readonly concurrentJobs: number
  /** Jobs fetched at once. */
  readonly localQueue: number
  /** Milliseconds that completions wait for more completions. */
  readonly completeJobBatchDelay: number
  readonly maxPoolSize: number
}

const settings = workerSettings<GraphileSettings>()
const sql = connectPeer(settings.connections)
const { handle, deliver } = jobWork(sql, settings.effects)
const taskList: TaskList = {
  ...Object.fromEntries(
    handlerNames.map((handler) => [
      handler,
      (payload: unknown) => handle({ handler, eventId: (payload as HandlerJob).eventId }),
    ]),
  ),
  webhook: (payload) => deliver(payload as PeerEvent),
}
const runner = await run({
  connectionString: databaseUrl(),
  taskList,
  noHandleSignals: true,
  logger: new Logger(() => (level, message) => {
    if (level === "error") console.error(message)
  }),
  preset: {
    worker: {
      concurrentJobs: settings.concurrentJobs,
      maxPoolSize: settings.maxPoolSize,
      completeJobBatchDelay: settings.completeJobBatchDelay,
      ...(settings.localQueue > 0 && { localQueue: { size: settings.localQueue } }),
    },
  },
})
console.log("ready")

process.on("SIGTERM", async () => {
  await runner.stop()
  await sql.end()
  process.exit(0)
})
