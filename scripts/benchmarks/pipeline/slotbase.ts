// The pipeline on SlotBase. Its outbox records the events, its command makes the webhook, and its actors run in a
// process of their own. While the backlog is drained, SlotBase also dispatches; the peers' jobs are added by the
// recording.

import { connect } from "#base/database/db.ts"
import { migrate } from "#base/database/migrate.ts"
import { connectHints } from "#base/hints.ts"
import { newId } from "#base/ids.ts"
import { secretBox } from "#base/secrets.ts"
import { example } from "#events/example.ts"
import { record, transact } from "#events/outbox.ts"
import { createWebhook } from "#outbound/webhooks/webhooks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { context, sample } from "#test/harness/pipeline/pipeline.ts"
import { rootCaller } from "#test/harness/pipeline/webhooks.ts"
import type { Contestant, Environment, Progress, Recorder } from "./contestant.ts"
import { eventType, recorderConnections } from "./peer.ts"

/** The highest value that a webhook may have; the default is 10. */
const maxConcurrency = 50
/** The key of the worker too: all zeros. */
const secrets = secretBox(new Uint8Array(32))

/** @param how "each": a statement per event and handler; "set": a statement per batch and handler. */
export const slotbase = (name: string, how: "each" | "set", processes = 1): Contestant => ({
  name,
  prepare: async (environment) => {
    await migrate(environment.url)
    await makeWebhook(environment)
    return {
      workers: Array.from({ length: processes }, () => ({
        file: "slotbase-worker.ts",
        args: [how],
        env: { DATABASE_URL: environment.url },
      })),
      recorder: () => recorder(environment.url),
      outcomes: () => outcomes(environment),
      stop: async () => {},
    }
  },
})

async function makeWebhook({ url, hook }: Environment): Promise<void> {
  const db = connect(url, { max: 1, applicationName: "slotbase bench" })
  await aFacility(db, { id: example.facilityId })
  await transact(db, context, (tx) =>
    createWebhook(tx, secrets, rootCaller, example.facilityId, {
      name: "Benchmark",
      url: hook.url,
      authType: "signature",
      authConfig: { signingSecret: hook.secret },
      events: [eventType],
      maxConcurrency,
    }),
  )
  await db.end()
}

async function recorder(url: string): Promise<Recorder> {
  const db = connect(url, { max: recorderConnections, applicationName: "slotbase bench recorder" })
  const stopHints = await connectHints(db)
  return {
    record: async (count) => {
      await transact(db, context, async (tx) => {
        const ids = Array.from({ length: count }, () => record(tx, sample(eventType, { bookingId: newId() })))
        await tx`insert into slotbase_bench.bookings (event_id, note) select id, 'confirmed' from unnest(${ids}::uuid[]) as id`
      })
    },
    end: async () => {
      await stopHints()
      await db.end()
    },
  }
}

async function outcomes({ sql }: Environment): Promise<Progress> {
  const [row] = await sql<[{ count: number; last_at: number | null }]>`
    select count(*) as count, extract(epoch from max(pg_xact_commit_timestamp(xmin))) * 1000 as last_at
    from slotbase.delivery_history where status = 'delivered'`
  return { count: row.count, lastAt: Number(row.last_at) }
}
