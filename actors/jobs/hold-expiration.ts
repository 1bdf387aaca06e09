/**
 * The scheduled job hold-expiration: releases expired holds and records their events, so that the free slot is offered
 * to the next in line. Correctness does not need it: a booking of the slot expires the hold in its own transaction.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { transact } from "#events/outbox.ts"
import { type JobTools, jobContext } from "./job-context.ts"

/** Holds per transaction. */
const batch = 200

export const holdExpiration = (tools: JobTools): Actor => ({
  name: "hold-expiration",
  description: "Release expired booking holds",
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: () => pass(tools),
  passIn: (facilityId) => pass(tools, facilityId),
})

async function pass(tools: JobTools, facilityId?: string): Promise<Pass> {
  const { result: expired } = await transact(tools.db, jobContext(tools), (tx) => expireHolds(tx, batch, facilityId))
  return { more: expired === batch, did: { expired } }
}
