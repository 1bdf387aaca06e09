/**
 * The scheduled job capacity-check: the limits of each facility's plan against its real use. Differences are found page
 * by page in a statement that counts anew, and set right one facility at a time. Idempotent: a counter that is right is
 * not touched, and its row remembers which level was announced in its month. Two processes that check at once wait for
 * each other at the subscription's row, and the second finds nothing.
 */
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { capacityPage, setActiveMonthRight, setCapacityRight } from "#domain/subscriptions/check-capacity.ts"
import { transact } from "#events/outbox.ts"
import { type JobTools, jobContext } from "./job-context.ts"

/** Facilities compared in a statement: one waits for no more than their bookings of a month. */
const facilitiesAtOnce = 250

export const capacityCheck = (tools: JobTools): Actor => ({
  name: "capacity-check",
  description: "Check facility capacity limits",
  cron: "0 * * * *",
  deadlineMs: 300_000,
  pass: (stopping) => pass(tools, stopping),
})

async function pass(tools: JobTools, stopping: AbortSignal): Promise<Pass> {
  const did = { facilities: 0, drifted: 0, warned: 0 }
  const failures: unknown[] = []
  let after: string | undefined
  do {
    if (stopping.aborted) return { more: false, did }
    const { facilities, months } = await capacityPage(tools.db, facilitiesAtOnce, after)
    did.facilities += facilities.length
    for (const { facility_id: id } of facilities.filter(({ is_wrong }) => is_wrong))
      await attempt(failures, async () => {
        const { result } = await transact(tools.db, jobContext(tools), (tx) => setCapacityRight(tx, id))
        did.drifted += result.drifted
        did.warned += result.warned
      })
    for (const month of months)
      await attempt(failures, async () => {
        const { result, eventIds } = await transact(tools.db, jobContext(tools), (tx) => setActiveMonthRight(tx, month))
        did.drifted += result
        did.warned += eventIds.length
      })
    after = facilities.length < facilitiesAtOnce ? undefined : facilities.at(-1)?.facility_id
  } while (after !== undefined)
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} facilities failed: ${failures[0]}`)
  return { more: false, did }
}

async function attempt(failures: unknown[], work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    failures.push(error)
  }
}
