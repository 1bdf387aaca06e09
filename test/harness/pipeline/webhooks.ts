// Shared by the tests of webhooks: a webhook made by its command, and a deliverer that works off the whole queue.

import type { Caller } from "#access/caller.ts"
import { Deliverer, type DelivererTools } from "#actors/deliveries/deliverer.ts"
import type { AttemptResult, ClaimedDelivery } from "#actors/deliveries/delivery.ts"
import type { Db } from "#base/database/db.ts"
import { rootUserId } from "#base/ids.ts"
import { record, transact } from "#events/outbox.ts"
import type { App } from "#http/app.ts"
import type { WebhookInput } from "#outbound/webhooks/input.ts"
import type { Webhook } from "#outbound/webhooks/rows.ts"
import { createWebhook } from "#outbound/webhooks/webhooks.ts"
import { actorProcess, context, dispatchAll, processRow, sample } from "./pipeline.ts"

export const loopback: readonly string[] = ["127.0.0.0/8"]

export const rootCaller: Caller = {
  userId: rootUserId,
  kind: "system",
  name: "Root Key",
  email: null,
  grants: [],
  tokenExpiresAt: null,
}

/** A webhook for confirmed bookings, in force from now on. */
export async function aWebhook(
  app: App,
  facilityId: string,
  given: Partial<WebhookInput> & { readonly url: string },
): Promise<Webhook> {
  const input: WebhookInput = { name: "Club system", events: ["booking.confirmed"], ...given }
  const { result } = await transact(app.db, context, (tx) =>
    createWebhook(tx, app.secrets, rootCaller, facilityId, input),
  )
  await app.db`select slotbase.sequence_subscriptions(
    (select coalesce(max(position), 0) + 1 from slotbase.event_positions))`
  return result
}

/** Records this many confirmed bookings of the facility and dispatches them; returns the ids of the events in order. */
export async function confirmed(db: Db, facilityId: string, count = 1): Promise<readonly string[]> {
  const eventIds = await undispatched(db, facilityId, count)
  await dispatchAll(db)
  return eventIds
}

/** As above, without the dispatch. */
export async function undispatched(db: Db, facilityId: string, count: number): Promise<readonly string[]> {
  const { eventIds } = await transact(db, context, async (tx) => {
    for (let n = 0; n < count; n++)
      record(tx, sample("booking.confirmed", { bookingId: crypto.randomUUID() }, facilityId))
  })
  return eventIds
}

/** The result to settle after the receiver has answered 200. */
export const delivered = (delivery: ClaimedDelivery): AttemptResult => ({
  delivery,
  outcome: "delivered",
  durationMs: 1,
  sentAt: new Date(),
  status: 200,
  headers: {},
  body: "",
})

/** While it is closed, the settlements of the deliverer fail, those that go with a turn excepted. */
export function refusingSettlements(on: Db) {
  let [isClosed, refused] = [false, 0]
  const db = new Proxy(on, {
    apply: (target, self, [text, ...values]) => {
      const isSettlement = Array.isArray(text) && "raw" in text && text[0].trim() === "with"
      if (!isClosed || !isSettlement) return Reflect.apply(target, self, [text, ...values])
      refused++
      return Promise.reject(new Error("the settlement is refused"))
    },
  })
  return {
    db,
    close: () => {
      isClosed = true
      refused = 0
    },
    open: () => {
      isClosed = false
    },
    refused: () => refused,
  }
}

export interface TestDeliverer extends Deliverer {
  readonly owner: number
  /** Scans the whole queue, and waits until every claimed delivery is settled. */
  readonly run: () => Promise<void>
}

/** A deliverer with a process row of its own, alive for an hour; retries have no jitter. */
export async function aDeliverer(app: App, given: Partial<DelivererTools> = {}): Promise<TestDeliverer> {
  const owner = await processRow(app.db, true)
  const deliverer = new Deliverer({
    db: app.db,
    secrets: app.secrets,
    allow: loopback,
    process: actorProcess(owner),
    random: () => 0.5,
    ...given,
  })
  return Object.assign(deliverer, {
    owner,
    run: async () => {
      deliverer.requestScan()
      await deliverer.pass()
      await deliverer.idle()
    },
  })
}
