// A process is killed at each write of ordered webhooks and of the job webhook-retry. Everything arrives, in order.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { webhookRetry } from "#actors/jobs/webhook-retry.ts"
import { type CrashPoint, retryPoints } from "#base/crash-points.ts"
import { record, transact } from "#events/outbox.ts"
import type { WebhookInput } from "#outbound/webhooks/input.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { context, dispatchAll, sample, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>
const project = join(import.meta.dir, "../../..")

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
})
afterAll(() => database?.drop())

const cases: Readonly<
  Record<(typeof retryPoints)[number], { readonly work: "deliver" | "job"; readonly given: Partial<WebhookInput> }>
> = {
  "deliveries-arranged": { work: "deliver", given: { ordered: true } },
  "ordered-settled": { work: "deliver", given: { ordered: true } },
  "followers-next": { work: "deliver", given: {} },
  "retries-due": { work: "job", given: {} },
  "overdue-ended": { work: "job", given: { retryForHours: 1 } },
}

test("every point has its case", () => {
  expect(Object.keys(cases).sort()).toEqual([...retryPoints].sort())
})

test.each([...retryPoints])(
  "killed at %s",
  async (point) => {
    const { work, given } = cases[point]
    const inbox = startReceiver()
    const facility = await aFacility(database.db)
    const webhook = await aWebhook(app, facility.id, { url: inbox.url, retryConfig: { maxRetries: 0 }, ...given })
    const overdue = point === "overdue-ended"
    const count = overdue ? 600 : 5
    const bookingId = crypto.randomUUID()
    await transact(database.db, context, async (tx) => {
      for (let n = 0; n < count; n++) record(tx, sample("booking.confirmed", { bookingId }, facility.id))
    })
    await dispatchAll(database.db)
    // As a receiver that was away has left them.
    if (!given.ordered)
      await database.db`
      update slotbase.delivery_queue
      set waits_for = case when ${point === "followers-next"} and position % 5 = 0 then null else 'job' end,
          ready_at = slotbase.now(), attempts = 1, failures = 1,
          failing_since = slotbase.now() - ${overdue ? "3 hours" : "1 minute"}::text::interval
      where webhook_id = ${webhook.id}`

    expect(await killedAt(point, work)).toBe("SIGKILL")

    await database.db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms'`
    const heir = await aDeliverer(app)
    const left = () => database.db`select from slotbase.delivery_queue where webhook_id = ${webhook.id}`
    await eventually(
      async () => {
        await webhookRetry(app).pass(new AbortController().signal)
        await heir.run()
        expect(await left()).toHaveLength(0)
      },
      { withinMs: 15_000 },
    )
    await heir.drain()
    await inbox.stop()
    expect(await unbalanced(database.db)).toHaveLength(0)
    const [done] = await database.db<[{ delivered: number; failed: number }]>`
    select count(*) filter (where status = 'delivered') as delivered, count(*) filter (where status = 'failed') as failed
    from slotbase.delivery_history where webhook_id = ${webhook.id}`
    expect(done).toEqual(overdue ? { delivered: 0, failed: count } : { delivered: count, failed: 0 })
    const positions = inbox.received.map(({ headers }) => Number(headers.get("x-slotbase-position")))
    // The request under way at the kill may be sent once more.
    expect(positions.length - new Set(positions).size).toBeWithin(0, 3)
    if (given.ordered) expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  },
  40_000,
)

/** Works in a process of its own; answers how it ended. */
async function killedAt(point: CrashPoint, work: "deliver" | "job"): Promise<number | string | null> {
  const program = `
    import { webhookRetry } from "./actors/jobs/webhook-retry.ts"
    import { arm } from "./src/base/crash-points.ts"
    import { connect } from "./src/base/database/db.ts"
    import { aDeliverer } from "./test/harness/pipeline/webhooks.ts"
    import { testApp } from "./test/harness/setup/app.ts"
    const db = connect(${JSON.stringify(database.url)}, { max: 3, applicationName: "to be killed" })
    const app = testApp(db, { egressAllow: ["127.0.0.0/8"] })
    arm([{ point: ${JSON.stringify(point)}, nth: 1 }])
    if (${JSON.stringify(work)} === "job") await webhookRetry(app).pass(new AbortController().signal)
    else {
      const deliverer = await aDeliverer(app)
      for (let n = 0; n < 20; n++) await deliverer.run()
    }
    process.exit(0)`
  const child = Bun.spawn([process.execPath, "-e", program], { cwd: project, stdout: "inherit", stderr: "inherit" })
  await child.exited
  return child.signalCode ?? child.exitCode
}
