// More webhooks of the pipeline's club, made by the commands of a checkout. All have the same receiver and secret.

import { join } from "node:path"
import type { Contestant, Environment } from "#scripts/benchmarks/pipeline/contestant.ts"
import { eventType } from "#scripts/benchmarks/pipeline/peer.ts"

/** The contestant with so many webhooks in all. An outcome counts when all webhooks of an event have theirs. */
export const withWebhooks = (contestant: Contestant, folder: string, count: number): Contestant => ({
  ...contestant,
  prepare: async (environment) => {
    const entry = await contestant.prepare(environment)
    await makeMore(environment, folder, count - 1)
    return {
      ...entry,
      outcomes: async () => {
        const { count: deliveries, lastAt } = await entry.outcomes()
        return { count: deliveries / count, lastAt }
      },
    }
  },
})

async function makeMore({ url, hook }: Environment, folder: string, count: number): Promise<void> {
  // biome-ignore lint/suspicious/noExplicitAny: an earlier checkout has other types
  const load = (path: string): Promise<any> => import(join(folder, path))
  const [{ connect }, { secretBox }, { transact }, { example }, { createWebhook }, { context }, { rootCaller }] =
    await Promise.all(
      [
        "src/base/database/db.ts",
        "src/base/secrets.ts",
        "src/events/outbox.ts",
        "src/events/example.ts",
        "src/outbound/webhooks/webhooks.ts",
        "test/harness/pipeline/pipeline.ts",
        "test/harness/pipeline/webhooks.ts",
      ].map(load),
    )
  const db = connect(url, { max: 1, applicationName: "slotbase bench" })
  const secrets = secretBox(new Uint8Array(32))
  for (let nth = 1; nth <= count; nth++)
    await transact(db, context, (tx: unknown) =>
      createWebhook(tx, secrets, rootCaller, example.facilityId, {
        name: `Benchmark ${nth}`,
        url: hook.url,
        authType: "signature",
        authConfig: { signingSecret: hook.secret },
        events: [eventType],
      }),
    )
  await db.end()
}
