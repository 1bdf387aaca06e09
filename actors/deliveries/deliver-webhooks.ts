/**
 * Sends events to webhooks: at least once, under one stable event id, each attempt recorded before it leaves. A slow,
 * unreachable or hostile receiver delays only its own deliveries. The deliverer's steps: find → claim → send → settle.
 * It also reclaims the deliveries of expired processes.
 */

import type { Actor } from "#actors/runtime/actor.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import type { JoinTurn } from "#actors/runtime/turns.ts"
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { onHint } from "#base/hints.ts"
import type { SecretBox } from "#base/secrets.ts"
import { metrics } from "#events/metrics.ts"
import { Deliverer, type DelivererTools } from "./deliverer.ts"

export interface DeliveryTools {
  readonly db: Db
  /** The addresses to which webhooks are sent beside the public ones. */
  readonly config: Pick<Config, "egressAllow">
  /** Opens the secrets with which requests are signed. */
  readonly secrets: SecretBox
}

export interface DeliverWebhooks extends Actor {
  /** For the dispatcher of this process: its turns claim too. */
  readonly joinTurn: JoinTurn
}

/** @param given how long a receiver may take, where that is not the default. */
export function deliverWebhooks(
  { db, config, secrets }: DeliveryTools,
  process: ActorProcess,
  given: Pick<DelivererTools, "timeoutMs"> = {},
): DeliverWebhooks {
  const tools = { db, secrets, process, allow: config.egressAllow, onAttempt: metrics.delivered }
  const deliverer = new Deliverer({ ...tools, ...given })
  // After a webhook was switched on again, or a retry by hand, its deliveries are in the queue, not at the end of the
  // log.
  const stopListening = onHint("subscriptions", () => deliverer.requestScan())
  return {
    name: "deliver-webhooks",
    description: "Sends events to the webhooks that want them",
    wokenBy: ["deliveries", "subscriptions"],
    pollEveryMs: 1_000,
    cron: "* * * * *",
    deadlineMs: 30_000,
    pass: () => deliverer.pass(),
    joinTurn: deliverer.turns.join,
    drain: async () => {
      stopListening()
      await deliverer.drain()
    },
  }
}
