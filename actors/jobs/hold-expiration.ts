/**
 * The scheduled job hold-expiration: releases expired holds and records events of it, so that waiting people hear of
 * the free slot. Correctness does not need it: a booking of the slot expires the hold in its own transaction.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { App } from "#base/app.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { transact } from "#events/outbox.ts"
import { jobContext } from "./job-context.ts"

/** Holds per transaction. */
const batch = 200

export const holdExpiration = (app: App): Actor => ({
  name: "hold-expiration",
  description: "Release expired booking holds",
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: () => pass(app),
  passIn: (facilityId) => pass(app, facilityId),
})

async function pass(app: App, facilityId?: string): Promise<Pass> {
  const { result: expired } = await transact(app.db, jobContext(app), (tx) => expireHolds(tx, batch, facilityId))
  return { more: expired === batch, did: { expired } }
}
