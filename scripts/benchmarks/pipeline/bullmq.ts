// The pipeline on BullMQ: a queue per handler and one for the webhook, in a Redis that keeps nothing on disk. The jobs
// are added after the commit of the event. A crash in between loses them, and nothing here prevents that.

import { type ConnectionOptions, Queue } from "bullmq"
import { type BullSettings, connectRedis } from "./bullmq-shared.ts"
import { type Contestant, handlerNames } from "./contestant.ts"
import { createPeerTables, jobsOf, peerOutcomes, peerRecorder, peerWorkers, webhookJob } from "./peer.ts"
import { startRedis } from "./redis.ts"

/** Finished jobs are removed, because keeping them costs memory and a sorted set. */
const jobOptions = { removeOnComplete: true, attempts: 3 }

export const bullmq = (name: string, settings: BullSettings, processes = 1): Contestant => ({
  name,
  prepare: async (environment) => {
    await createPeerTables(environment.sql)
    const redis = await startRedis()
    const clients = [...handlerNames, webhookJob].map(() => connectRedis(redis.port))
    const queues = [...handlerNames, webhookJob].map(
      (queue, nth) =>
        new Queue(queue, { connection: clients[nth] as ConnectionOptions, defaultJobOptions: jobOptions }),
    )
    return {
      workers: peerWorkers("bullmq-worker.ts", settings, processes, environment, { REDIS_PORT: String(redis.port) }),
      serverPid: redis.pid,
      recorder: async () =>
        peerRecorder(
          environment.url,
          async () => {},
          async (events) => {
            const jobs = events.flatMap(jobsOf)
            await Promise.all(queues.map((queue) => queue.addBulk(jobs.filter((job) => job.name === queue.name))))
          },
        ),
      outcomes: () => peerOutcomes(environment.sql),
      stop: async () => {
        await Promise.all(queues.map((queue) => queue.close()))
        // A queue does not close a given connection. Left open, it would log that its server is gone.
        for (const client of clients) client.disconnect()
        await redis.stop()
      },
    }
  },
})
