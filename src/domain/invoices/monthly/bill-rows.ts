/**
 * The rows of bills: which debts of bookings stand on which paper, and what has settled them. A payment settles what is
 * not on a bill first, and then bills, the oldest first.
 * Writes: bills, billed_bookings, bill_settlements.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"

export interface NewBill {
  readonly invoiceId: string
  readonly facilityId: string
  readonly billingAccountId: string
  /** The first day of the local month. */
  readonly period: string
  readonly currency: string
  readonly bookings: readonly { readonly bookingId: string; readonly amount: number }[]
}

export async function insertBill(tx: Tx, bill: NewBill): Promise<void> {
  const { invoiceId, facilityId, bookings } = bill
  await tx`
    insert into slotbase.bills (invoice_id, facility_id, billing_account_id, period, currency)
    values (${invoiceId}, ${facilityId}, ${bill.billingAccountId}, ${bill.period}::text::date, ${bill.currency})`
  await tx`
    insert into slotbase.billed_bookings (invoice_id, facility_id, booking_id, amount)
    select ${invoiceId}, ${facilityId}, b.id, b.amount
    from unnest(${bookings.map((each) => each.bookingId)}::uuid[], ${bookings.map(({ amount }) => amount)}::bigint[]) as b (id, amount)`
}

/** The currencies in which an account has its bill for a month already. */
export async function billedCurrencies(
  tx: Tx,
  { facilityId, billingAccountId, period }: Pick<NewBill, "facilityId" | "billingAccountId" | "period">,
): Promise<ReadonlySet<string>> {
  const rows = await tx<{ currency: string }[]>`
    select currency from slotbase.bills
    where billing_account_id = ${billingAccountId} and facility_id = ${facilityId} and period = ${period}::text::date`
  return new Set(rows.map(({ currency }) => currency))
}

/** SQL, minor units: what is on bills of a booking and not settled. */
export const openOnBills = (
  sql: Queryable,
  bookingId: ReturnType<Queryable>,
  facilityId: ReturnType<Queryable>,
): ReturnType<Queryable> => sql`
  (coalesce((select sum(x.amount) from slotbase.billed_bookings x
             where x.booking_id = ${bookingId} and x.facility_id = ${facilityId}), 0)
   - coalesce((select sum(x.amount) from slotbase.bill_settlements x
               where x.booking_id = ${bookingId} and x.facility_id = ${facilityId}), 0))`

/** What of a booking stands on a bill. */
export interface BilledBooking {
  readonly invoice_id: string
  /** Not settled yet, minor units. */
  readonly open: number
}

/** The bills of a booking, the oldest first; also settled ones. */
export const billsOfBooking = (db: Queryable, facilityId: string, bookingId: string) => db<BilledBooking[]>`
  select b.invoice_id, (b.amount - coalesce((
           select sum(s.amount) from slotbase.bill_settlements s
           where s.invoice_id = b.invoice_id and s.facility_id = b.facility_id and s.booking_id = b.booking_id), 0))::bigint as open
  from slotbase.billed_bookings b
  where b.booking_id = ${bookingId} and b.facility_id = ${facilityId}
  order by b.invoice_id`

/** Those of some bookings that stand on a bill. */
export async function billedAmong(
  db: Queryable,
  bookings: readonly { readonly facilityId: string; readonly bookingId: string }[],
): Promise<ReadonlySet<string>> {
  if (bookings.length === 0) return new Set()
  const rows = await db<{ booking_id: string }[]>`
    select distinct b.booking_id
    from unnest(${bookings.map(({ bookingId }) => bookingId)}::uuid[], ${bookings.map(({ facilityId }) => facilityId)}::uuid[])
      as e (booking_id, facility_id)
    join slotbase.billed_bookings b on b.booking_id = e.booking_id and b.facility_id = e.facility_id`
  return new Set(rows.map(({ booking_id }) => booking_id))
}

export interface Settling {
  readonly facilityId: string
  readonly bookingId: string
  /** The payment, or the event of a correction. */
  readonly sourceId: string
  readonly isMoney: boolean
}

/** Settles bills of a booking by an amount, the oldest first. It must not exceed what is open. */
export async function settleBills(
  tx: Tx,
  { facilityId, bookingId, sourceId, isMoney }: Settling,
  bills: readonly BilledBooking[],
  amount: number,
): Promise<void> {
  let left = amount
  for (const { invoice_id, open } of bills) {
    const part = Math.min(left, open)
    if (part <= 0) continue
    left -= part
    await tx`
      insert into slotbase.bill_settlements (source_id, facility_id, invoice_id, booking_id, amount, is_money)
      values (${sourceId}, ${facilityId}, ${invoice_id}, ${bookingId}, ${part}, ${isMoney})`
  }
}

/** The bill that a payment has settled, wholly or in part. */
export async function billPaidBy(db: Queryable, facilityId: string, sourceId: string): Promise<string | undefined> {
  const [row] = await db<{ invoice_id: string }[]>`
    select invoice_id from slotbase.bill_settlements
    where source_id = ${sourceId} and facility_id = ${facilityId} order by invoice_id limit 1`
  return row?.invoice_id
}
