/**
 * The scheduled job hold-expiration: releases expired holds and records their events, so that the free slot is offered
 * to the next in line. Correctness does not need it: a booking of the slot expires the hold in its own transaction. It
 * also ends requests for approval, of bookings and of coach blocks, whose time has come without a decision. And it
 * tells the bookers of struck bookings whom the request that struck them did not tell. It strikes those that were made
 * at the instant of a closure.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { Tx } from "#base/database/transaction.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { expireRequests } from "#domain/booking/requests-expired.ts"
import { tellStruck } from "#domain/booking/struck/tell.ts"
import { strikeLatest } from "#domain/closures/closures.ts"
import { expireBlocks } from "#domain/coaching/blocks/expire.ts"
import { tellStruckBlocks } from "#domain/coaching/blocks/struck.ts"
import { transact } from "#events/outbox.ts"
import { type JobTools, jobContext } from "./job-context.ts"

/** Holds per transaction. */
const batch = 200
/** Requests per transaction: each is several statements. */
const fewer = 50

export const holdExpiration = (tools: JobTools): Actor => ({
  name: "hold-expiration",
  description: "Release expired booking holds",
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: () => pass(tools),
  passIn: (facilityId) => pass(tools, facilityId),
})

async function pass(tools: JobTools, facilityId?: string): Promise<Pass> {
  const doing = async (work: (tx: Tx) => Promise<number>) => (await transact(tools.db, jobContext(tools), work)).result
  const expired = await doing((tx) => expireHolds(tx, batch, facilityId))
  const requests = await doing((tx) => expireRequests(tx, fewer, facilityId))
  const blocks = await doing((tx) => expireBlocks(tx, fewer, facilityId))
  const struck = await doing((tx) => strikeLatest(tx, facilityId))
  const told = await doing((tx) => tellStruck(tx, batch, facilityId))
  const coaches = await doing((tx) => tellStruckBlocks(tx, fewer, facilityId))
  const more = expired === batch || requests === fewer || blocks === fewer || told === batch || coaches === fewer
  const others = { requests, blocks, struck, told: told + coaches }
  return { more, did: { expired, ...Object.fromEntries(Object.entries(others).filter(([, count]) => count > 0)) } }
}
