/**
 * The scheduled job recurring-extension: books the occurrences of recurring bookings that have come inside their
 * window. A missed tick costs nothing: the next tick books the days since. A pass goes through all due series, so one
 * that always fails does not hide those behind it.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { type Extended, type ExtendTools, extendDue } from "#domain/booking/series/extend.ts"

/** Series read at once, each extended in a transaction of its own. */
const batch = 50
/** Well below the deadline. The next pass goes on where this one stopped. */
const passMs = 200_000

export const recurringExtension = (tools: ExtendTools): Actor => {
  // A pass that had not the time for all begins there the next time.
  let resume: Extended["last"]
  return {
    name: "recurring-extension",
    description: "Book the next occurrences of recurring bookings",
    cron: "30 3 * * *",
    deadlineMs: 300_000,
    pass: async (stopping) => {
      const { last, ...done } = await pass(tools, stopping, undefined, resume)
      resume = last
      return resultOf(done, last !== undefined && !stopping.aborted)
    },
    passIn: async (facilityId, stopping) => resultOf(await pass(tools, stopping, facilityId), false),
  }
}

/** `last`: the place at which the time was over; undefined: all due series were looked at. */
async function pass(
  tools: ExtendTools,
  stopping: AbortSignal,
  facilityId?: string,
  from?: Extended["last"],
): Promise<Extended> {
  const until = performance.now() + passMs
  let sum: Extended = { series: 0, booked: 0, skipped: 0, ...(from && { last: from }) }
  while (!stopping.aborted && performance.now() < until) {
    const some = await extendDue(tools, batch, facilityId, sum.last)
    sum = {
      series: sum.series + some.series,
      booked: sum.booked + some.booked,
      skipped: sum.skipped + some.skipped,
      failures: [...(sum.failures ?? []), ...(some.failures ?? [])],
      last: some.last,
    }
    if (sum.last === undefined) break
  }
  return sum
}

function resultOf({ failures = [], series, booked, skipped }: Omit<Extended, "last">, more: boolean): Pass {
  if (failures.length > 0) throw failures[0]
  return { more, did: { series, booked, skipped } }
}
