/**
 * The local job offline-payment-aging: tells of debts that are 30, 60 and 90 days old, and gives the staff one overview
 * of the day. Idempotent: a stage of a debt is a row with a key, committed with its event. The day of the overview is
 * kept in the transaction that records it. A run that was cut short goes on where it was.
 */
import { requireFacility } from "#domain/club/facilities.ts"
import { endAgingDay, tellAgedDebts } from "#domain/invoices/aging/decide.ts"
import { transact } from "#events/outbox.ts"
import type { FacilityJob, FacilityTick } from "./facility-job.ts"
import { type JobTools, jobContext } from "./job-context.ts"

/** Debts per transaction: each is an event, and keeps a lock until the end. */
const debtsAtOnce = 50

export const offlinePaymentAging = (tools: JobTools): FacilityJob => ({
  name: "offline-payment-aging",
  description: "Check for aging unpaid bookings",
  cron: "0 6 * * *",
  missed: "once",
  deadlineMs: 300_000,
  run: (tick, signal) => run(tools, tick, signal),
})

async function run(tools: JobTools, { facilityId, timezone, localDate }: FacilityTick, signal: AbortSignal) {
  await requireFacility(tools.db, facilityId)
  const of = { facilityId, timezone, day: localDate }
  let [told, last]: [number, string | undefined] = [0, undefined]
  do {
    signal.throwIfAborted()
    const { result } = await transact(tools.db, jobContext(tools), (tx) => tellAgedDebts(tx, of, debtsAtOnce, last))
    told += result.told
    last = result.last
  } while (last !== undefined)
  const { result: hasOverview } = await transact(tools.db, jobContext(tools), (tx) => endAgingDay(tx, of))
  return { told, overviews: hasOverview ? 1 : 0 }
}
