/**
 * The scheduled job recurring-extension: books the occurrences of recurring bookings that have come inside their
 * window. A missed tick costs nothing: the next tick books the days since.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { type ExtendTools, extendDue } from "#domain/booking/series/extend.ts"

/** Series per pass, each in a transaction of its own. */
const batch = 50

export const recurringExtension = (tools: ExtendTools): Actor => ({
  name: "recurring-extension",
  description: "Book the next occurrences of recurring bookings",
  cron: "30 3 * * *",
  deadlineMs: 300_000,
  pass: () => pass(tools),
  passIn: (facilityId) => pass(tools, facilityId),
})

async function pass(tools: ExtendTools, facilityId?: string): Promise<Pass> {
  const { series, booked, skipped } = await extendDue(tools, batch, facilityId)
  return { more: series === batch, did: { series, booked, skipped } }
}
