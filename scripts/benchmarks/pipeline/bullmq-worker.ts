// A process of BullMQ: a worker per queue.

import { Worker } from "bullmq"
import { type BullSettings, connectRedis } from "./bullmq-shared.ts"
import { handlerNames } from "./contestant.ts"
import { type HandlerJob, type PeerEvent, webhookJob } from "./peer.ts"
import { connectPeer, jobWork, workerSettings } from "./peer-work.ts"

const settings = workerSettings<BullSettings>()
const { concurrency, webhookConcurrency } = settings
const port = Number(process.env.REDIS_PORT)
const sql = connectPeer(settings.connections)
const { handle, deliver } = jobWork(sql, settings.effects)

const workers = [
  ...handlerNames.map(
    (handler) =>
      new Worker<HandlerJob>(handler, (job) => handle({ handler, eventId: job.data.eventId }), {
        connection: connectRedis(port),
        autorun: false,
        concurrency,
      }),
  ),
  new Worker<PeerEvent>(webhookJob, (job) => deliver(job.data), {
    connection: connectRedis(port),
    autorun: false,
    concurrency: webhookConcurrency,
  }),
]
await Promise.all(workers.map((worker) => worker.waitUntilReady()))
console.log("ready")
for (const worker of workers) {
  worker.on("failed", (_, error) => console.error(error.message))
  worker.on("error", (error) => console.error(error.message))
  void worker.run()
}

process.on("SIGTERM", async () => {
  await Promise.all(workers.map((worker) => worker.close()))
  await sql.end()
  process.exit(0)
})
