// The pipeline on plain pg-boss: a queue per handler and one for the webhook. boss.insert adds the jobs in the
// transaction of the event, with one statement per queue.

import { PgBoss } from "pg-boss"
import { type Contestant, handlerNames } from "./contestant.ts"
import {
  createPeerTables,
  jobsOf,
  peerOutcomes,
  peerRecorder,
  peerWorkers,
  recorderConnections,
  webhookJob,
} from "./peer.ts"
import { bossDriver, connectBoss, statementsOn } from "./pg-boss-driver.ts"
import type { BossSettings } from "./pg-boss-worker.ts"

export const pgBoss = (name: string, settings: BossSettings, processes = 1): Contestant => ({
  name,
  prepare: async (environment) => {
    const sql = connectBoss(environment.url, recorderConnections)
    const boss = new PgBoss({ db: bossDriver(sql), supervise: false, schedule: false })
    await boss.start()
    for (const queue of [...handlerNames, webhookJob]) {
      await boss.createQueue(queue, { notify: true, partition: settings.partition })
    }
    await createPeerTables(environment.sql)
    return {
      workers: peerWorkers("pg-boss-worker.ts", settings, processes, environment),
      recorder: async () =>
        peerRecorder(environment.url, async (tx, events) => {
          const db = statementsOn(tx)
          const jobs = events.flatMap(jobsOf)
          const ofQueue = (queue: string) => jobs.filter((job) => job.name === queue).map(({ data }) => ({ data }))
          await Promise.all([...handlerNames, webhookJob].map((queue) => boss.insert(queue, ofQueue(queue), { db })))
        }),
      outcomes: () => peerOutcomes(environment.sql),
      stop: async () => {
        await boss.stop({ graceful: false, close: false })
        await sql.end()
      },
    }
  },
})
