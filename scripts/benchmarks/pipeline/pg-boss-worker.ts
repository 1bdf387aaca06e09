// A process of pg-boss. Its workers fetch and complete in batches, and settle a handler's batch in the transaction of
// its effects.

import { type ConstructorOptions, type Job, PgBoss } from "pg-boss"
import { handlerNames } from "./contestant.ts"
import { type HandlerJob, type PeerEvent, webhookJob } from "./peer.ts"
import { databaseUrl, type PeerSettings, post, type WebhookOutcome, workerSettings } from "./peer-work.ts"
import { bossDriver, connectBoss } from "./pg-boss-driver.ts"

export interface BossSettings extends PeerSettings {
  /** pg-boss's own driver, or postgres.js. */
  readonly driver: "pg" | "postgres.js"
  /** A table for each queue. */
  readonly partition: boolean
  readonly batchSize: number
  /** Workers per queue of a handler. */
  readonly localConcurrency: number
  readonly webhookBatchSize: number
  readonly webhookConcurrency: number
}

type Statements = NonNullable<ConstructorOptions["db"]>

const settings = workerSettings<BossSettings>()
const sql = connectBoss(databaseUrl(), settings.connections)
const boss = new PgBoss({
  ...(settings.driver === "pg"
    ? { connectionString: databaseUrl(), max: settings.connections }
    : { db: bossDriver(sql) }),
  supervise: false,
  schedule: false,
  useListenNotify: true,
})
boss.on("error", (error) => console.error(error))
await boss.start()
console.log("ready")

const polling = { pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 2, burstWhenBatchFull: true }
for (const handler of handlerNames) {
  const { batchSize, localConcurrency } = settings
  await boss.work(
    handler,
    { ...polling, batchSize, localConcurrency, transactional: true },
    (jobs: Job<HandlerJob>[], tx) => effects(tx, handler, jobs),
  )
}
await boss.work(
  webhookJob,
  {
    ...polling,
    batchSize: settings.webhookBatchSize,
    localConcurrency: settings.webhookConcurrency,
    transactional: true,
  },
  async (jobs: Job<PeerEvent>[], tx) => outcomes(tx, await Promise.all(jobs.map((job) => post(job.data)))),
)

async function effects(tx: Statements, handler: string, jobs: readonly Job<HandlerJob>[]): Promise<void> {
  const ids = jobs.map((job) => job.data.eventId)
  const each = "insert into slotbase_bench.effects (handler, event_id) values ($1, $2)"
  const set = "insert into slotbase_bench.effects (handler, event_id) select $1, unnest($2::uuid[])"
  if (settings.effects === "set") await tx.executeSql(set, [handler, ids])
  else await Promise.all(ids.map((id) => tx.executeSql(each, [handler, id])))
}

async function outcomes(tx: Statements, all: readonly WebhookOutcome[]): Promise<void> {
  const into = "insert into slotbase_bench.deliveries (event_id, status, duration_ms)"
  const columns = [all.map((each) => each.eventId), all.map((each) => each.status), all.map((each) => each.durationMs)]
  if (settings.effects === "set") {
    await tx.executeSql(`${into} select * from unnest($1::uuid[], $2::int[], $3::real[])`, columns)
  } else {
    const values = ({ eventId, status, durationMs }: WebhookOutcome) => [eventId, status, durationMs]
    await Promise.all(all.map((each) => tx.executeSql(`${into} values ($1, $2, $3)`, values(each))))
  }
}

process.on("SIGTERM", async () => {
  await boss.stop({ graceful: true, close: settings.driver === "pg", timeout: 5_000 })
  await sql.end()
  process.exit(0)
})
