/**
 * The local job monthly-billing. At the first instant of a local month, each billing account gets an invoice over what
 * the month before left unpaid. What is on a paper already is left out. Each account has a transaction of its own.
 * Idempotent: an account has one bill for a month, by a unique key, and its number is taken in the same transaction. So
 * a run that was killed between two accounts is run again and goes on: no gap, no double. An account that fails does
 * not stop the others. It is noted in unissued_bills, and each later run tries it again for its month.
 */
import { reached } from "#base/crash-points.ts"
import { requireFacility } from "#domain/club/facilities.ts"
import { type BilledMonth, billAccount, billableBookers, monthBefore } from "#domain/invoices/monthly/bill-account.ts"
import { noteUnissued, unissuedBills, wasIssued } from "#domain/invoices/monthly/unissued-bills.ts"
import { invoiceSettingsOf } from "#domain/invoices/seller.ts"
import { transact } from "#events/outbox.ts"
import type { FacilityJob, FacilityTick } from "./facility-job.ts"
import { type JobTools, jobContext } from "./job-context.ts"

/** Bookers read at once. */
const bookersAtOnce = 200
/** Months that are billed late, one after the other, after an outage. */
const monthsToCatchUp = 12

export const monthlyBilling = (tools: JobTools): FacilityJob => ({
  name: "monthly-billing",
  description: "Process monthly invoices",
  cron: "0 0 1 * *",
  missed: { catchUp: monthsToCatchUp },
  deadlineMs: 900_000,
  run: (tick, signal) => run(tools, tick, signal),
})

async function run(tools: JobTools, { facilityId, timezone, localDate }: FacilityTick, signal: AbortSignal) {
  await requireFacility(tools.db, facilityId)
  // Who has not said who sells can issue no invoice, and asks nobody for money in its name.
  if ((await invoiceSettingsOf(tools.db, facilityId)).legalName === null) return { bills: 0, accounts: 0, unset: 1 }
  const of = { facilityId, timezone, month: monthBefore(localDate) }
  const billing = new Billing(tools)
  for (const { month, bookerId } of await unissuedBills(tools.db, facilityId, of.month)) {
    signal.throwIfAborted()
    await billing.bill({ ...of, month }, bookerId)
  }
  let after: string | undefined
  do {
    const bookers = await billableBookers(tools.db, of, bookersAtOnce, after)
    for (const booker of bookers) {
      signal.throwIfAborted()
      await billing.bill(of, booker)
      reached("account-billed")
    }
    after = bookers.length < bookersAtOnce ? undefined : bookers.at(-1)
  } while (after !== undefined)
  return billing.did()
}

/** Bills accounts one after the other, and remembers what failed. */
class Billing {
  readonly #tools: JobTools
  readonly #failures: unknown[] = []
  #bills = 0
  #accounts = 0

  constructor(tools: JobTools) {
    this.#tools = tools
  }

  async bill(of: BilledMonth, bookerId: string): Promise<void> {
    const context = jobContext(this.#tools)
    try {
      const { result: bills } = await transact(this.#tools.db, context, async (tx) => {
        const issued = await billAccount(tx, of, bookerId)
        await wasIssued(tx, of, bookerId)
        return issued
      })
      this.#bills += bills
      this.#accounts += bills > 0 ? 1 : 0
    } catch (error) {
      this.#failures.push(error)
      await noteUnissued(this.#tools.db, of, bookerId, error)
    }
  }

  /** @throws AggregateError when an account failed */
  did() {
    const [first] = this.#failures
    if (first === undefined) return { bills: this.#bills, accounts: this.#accounts }
    const failed = this.#failures.length
    throw new AggregateError(this.#failures, `${this.#bills} bills issued, ${failed} accounts failed: ${first}`)
  }
}
