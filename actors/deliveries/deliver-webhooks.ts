/**
 * Sends events to webhooks: at least once, under one stable event id, each attempt written down before it leaves. One slow,
 * dead or hostile receiver delays only its own deliveries. The parts stand in deliver-webhooks/: find-work → claim → send →
 * settle, and lost for what dead processes left.
 */

import type { Actor } from "#actors/runtime/actor.ts"
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { onHint } from "#base/hints.ts"
import type { SecretBox } from "#base/secrets.ts"
import { metrics } from "#events/metrics.ts"
import { createDeliverer, type DelivererTools } from "./deliverer.ts"

export interface DeliverWebhooks extends Actor {
  /** After its last pass: gives back what was not sent, and lets what is under way end. */
  readonly drain: () => Promise<void>
}

/** Webhooks are sent to public addresses, and to those that the configuration allows; what they send is signed. */
export interface DeliveryTools {
  readonly db: Db
  readonly config: Pick<Config, "egressAllow">
  readonly secrets: SecretBox
}

/** @param given how long a receiver may take, where that is not the default. */
export function deliverWebhooks(
  { db, config, secrets }: DeliveryTools,
  owner: () => number,
  given: Pick<DelivererTools, "timeoutMs"> = {},
): DeliverWebhooks {
  const tools = { db, secrets, owner, allow: config.egressAllow, ended: metrics.delivered }
  const deliverer = createDeliverer({ ...tools, ...given })
  // A webhook that was switched on again, or a delivery retried by hand, stands in the queue and not at the end of the log.
  const stopHearing = onHint("subscriptions", deliverer.lookEverywhere)
  return {
    name: "deliver-webhooks",
    description: "Sends events to the webhooks that want them",
    wokenBy: ["log", "subscriptions"],
    everyMs: 1_000,
    cron: "* * * * *",
    deadlineMs: 30_000,
    pass: deliverer.pass,
    drain: async () => {
      stopHearing()
      await deliverer.drain()
    },
  }
}
