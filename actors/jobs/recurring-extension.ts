/**
 * The scheduled job recurring-extension: books what has come inside the window of the recurring bookings. A tick that was missed
 * costs nothing: the next one books the days since.
 */

import type { Actor } from "#actors/runtime/actor.ts"
import { type ExtendTools, extendDue } from "#domain/booking/series/extend.ts"

/** Series per pass, each in a transaction of its own. */
const batch = 50

export const recurringExtension = (tools: ExtendTools): Actor => {
  const run = async (facilityId?: string) => {
    const { series, booked, skipped } = await extendDue(tools, batch, facilityId)
    return { more: series === batch, did: { series, booked, skipped } }
  }
  return {
    name: "recurring-extension",
    description: "Book the next occurrences of recurring bookings",
    cron: "30 3 * * *",
    deadlineMs: 300_000,
    pass: () => run(),
    passIn: run,
  }
}
