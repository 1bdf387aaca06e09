/**
 * Bills that could not be issued. The next run of monthly-billing issues them, also when their month is long over.
 * Writes: unissued_bills.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { BilledMonth } from "./bill-account.ts"

/** Characters kept of an error. */
const longestError = 500

export interface UnissuedBill {
  /** The first day of a local month. */
  readonly month: string
  readonly bookerId: string
}

/** Those of the months before one, the oldest first. */
export function unissuedBills(db: Queryable, facilityId: string, before: string): Promise<readonly UnissuedBill[]> {
  return db<UnissuedBill[]>`
    select month::text, booker_id as "bookerId" from slotbase.unissued_bills
    where facility_id = ${facilityId} and month < ${before}::text::date order by month, booker_id`
}

/** The transaction that tried to issue it has failed, so it is noted by another one. */
export async function noteUnissued(db: Db, of: BilledMonth, bookerId: string, error: unknown): Promise<void> {
  await db`
    insert into slotbase.unissued_bills (facility_id, month, booker_id, failed_at, error)
    values (${of.facilityId}, ${of.month}::text::date, ${bookerId}, slotbase.now(), ${`${error}`.slice(0, longestError)})
    on conflict (facility_id, month, booker_id) do update set failed_at = excluded.failed_at, error = excluded.error`
}

/** It is issued, or nothing is owed any more. */
export async function wasIssued(tx: Tx, of: BilledMonth, bookerId: string): Promise<void> {
  await tx`
    delete from slotbase.unissued_bills
    where facility_id = ${of.facilityId} and month = ${of.month}::text::date and booker_id = ${bookerId}`
}
