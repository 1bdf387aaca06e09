/**
 * The rows of offline payments: money that staff took.
 * Writes: offline_payments.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"

export const offlineMethods = ["cash", "check", "bank_transfer", "venmo", "zelle", "other"] as const

export interface OfflinePaymentRow {
  readonly id: string
  readonly facility_id: string
  readonly billing_account_id: string
  readonly amount: number
  readonly currency: string
  readonly payment_method: (typeof offlineMethods)[number]
  readonly reference_number: string | null
  readonly payer_name: string
  /** Calendar day of the facility. */
  readonly payment_date: string
  readonly booking_id: string | null
  readonly recorded_by: string
  readonly refunded_amount: number
  readonly created_at: Date
}

export type NewOfflinePayment = Omit<OfflinePaymentRow, "refunded_amount" | "created_at">

export async function insertOfflinePayment(tx: Tx, payment: NewOfflinePayment): Promise<OfflinePaymentRow> {
  const [row] = await tx<{ created_at: Date }[]>`
    insert into slotbase.offline_payments (id, facility_id, billing_account_id, amount, currency, payment_method, reference_number,
      payer_name, payment_date, booking_id, recorded_by)
    values (${payment.id}, ${payment.facility_id}, ${payment.billing_account_id}, ${payment.amount}, ${payment.currency},
      ${payment.payment_method}, ${payment.reference_number}, ${payment.payer_name}, ${payment.payment_date}::text::date,
      ${payment.booking_id}, ${payment.recorded_by})
    returning created_at`
  if (!row) throw new Error("insertOfflinePayment: the insert answered no row")
  return { ...payment, refunded_amount: 0, created_at: row.created_at }
}

/** The offline payments of a booking that are not fully refunded, newest first, locked. */
export const lockOfflineRefundable = (tx: Tx, facilityId: string, bookingId: string) => tx<OfflinePaymentRow[]>`
  select ${offlineColumns(tx)} from slotbase.offline_payments p
  where booking_id = ${bookingId} and facility_id = ${facilityId} and refunded_amount < amount
  order by id desc
  for update`

/** Counts an amount as refunded, under the payment's lock. */
export const countOfflineRefunded = (tx: Tx, { id, facility_id }: OfflinePaymentRow, amount: number) => tx`
  update slotbase.offline_payments set refunded_amount = refunded_amount + ${amount}
  where id = ${id} and facility_id = ${facility_id}`

export const offlineColumns = (sql: Queryable) => sql`
  p.id, p.facility_id, p.billing_account_id, p.amount, p.currency, p.payment_method, p.reference_number, p.payer_name,
  p.payment_date::text as payment_date, p.booking_id, p.recorded_by, p.refunded_amount, p.created_at`
