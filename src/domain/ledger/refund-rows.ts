/**
 * The rows of refunds, each of one payment. A refund marked here is counted on its payment in the same transaction,
 * under the payment's lock.
 * So the refunds of a payment never exceed the payment.
 * Writes: refunds.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { eventContextOf } from "#events/outbox.ts"
import type { Refund } from "./answer.ts"
import type { Reference, ReferenceType } from "./payment-rows.ts"

export type RefundStatus = Refund["status"]

export interface RefundRow {
  readonly id: string
  readonly facility_id: string
  readonly payment_id: string | null
  readonly offline_payment_id: string | null
  readonly billing_account_id: string
  readonly reference_type: ReferenceType
  readonly reference_id: string
  readonly amount: number
  readonly currency: string
  readonly reason: string
  readonly refunded_by: string
  readonly source_id: string
  readonly status: RefundStatus
  readonly provider_refund_id: string | null
  readonly failure_code: string | null
  readonly failure_reason: string | null
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly sent_at: Date | null
  readonly created_at: Date
  readonly settled_at: Date | null
}

export type NewRefund = Pick<
  RefundRow,
  | "facility_id"
  | "payment_id"
  | "offline_payment_id"
  | "billing_account_id"
  | "reference_type"
  | "reference_id"
  | "amount"
  | "currency"
  | "reason"
  | "refunded_by"
> & {
  /** Default: the refund itself. */
  readonly source_id?: string
  /** The event that caused it; default: that of the transaction. */
  readonly causation_id?: string
  /** A refund made at the provider and reported afterwards: it is never sent. */
  readonly provider_refund_id?: string
}

/** The sender of a refund has this time before another process looks up the outcome, seconds. */
const firstCheckSeconds = 30

/** A refund of a card payment is processing until the provider has answered. A refund of an offline payment is owed. */
export async function insertRefund(tx: Tx, refund: NewRefund): Promise<RefundRow> {
  const { correlationId, causationId = null } = eventContextOf(tx)
  const causedBy = refund.causation_id ?? causationId
  const id = newId()
  const { provider_refund_id = null } = refund
  const [row] = await tx<RefundRow[]>`
    insert into slotbase.refunds (id, facility_id, payment_id, offline_payment_id, billing_account_id, reference_type, reference_id,
      amount, currency, reason, refunded_by, source_id, status, correlation_id, causation_id, provider_refund_id, sent_at)
    values (${id}, ${refund.facility_id}, ${refund.payment_id}, ${refund.offline_payment_id}, ${refund.billing_account_id},
      ${refund.reference_type}, ${refund.reference_id}, ${refund.amount}, ${refund.currency}, ${refund.reason}, ${refund.refunded_by},
      ${refund.source_id ?? id}, ${refund.payment_id === null ? "owed" : "processing"}, ${correlationId}, ${causedBy},
      ${provider_refund_id}, case when ${provider_refund_id}::text is not null then slotbase.now() end)
    returning *`
  if (!row) throw new Error("insertRefund: the insert answered no row")
  return row
}

/** The amount already marked for an occasion, minor units. Failed refunds do not count. */
export async function markedFor(tx: Tx, facilityId: string, sourceId: string): Promise<number> {
  const [row] = await tx<{ amount: number }[]>`
    select coalesce(sum(amount), 0)::bigint as amount from slotbase.refunds
    where source_id = ${sourceId} and facility_id = ${facilityId} and status <> 'failed'`
  return row?.amount ?? 0
}

/** Throws NotFound. */
export async function lockRefund(tx: Tx, facilityId: string, id: string): Promise<RefundRow & { readonly now: Date }> {
  const [row] = await tx<(RefundRow & { now: Date })[]>`
    with r as materialized (
      select * from slotbase.refunds where id = ${id} and facility_id = ${facilityId} for update
    )
    select r.*, slotbase.now() as now from r`
  if (!row) throw new NotFound("refund", id)
  return row
}

export async function findRefund(db: Queryable, facilityId: string, id: string): Promise<RefundRow | undefined> {
  const [row] = await db<RefundRow[]>`select * from slotbase.refunds where id = ${id} and facility_id = ${facilityId}`
  return row
}

/** The refunds of a booking (or a subscription, an invoice), oldest first. */
export const refundsOf = (db: Queryable, { facilityId, referenceType, referenceId }: Reference) => db<RefundRow[]>`
  select * from slotbase.refunds
  where reference_id = ${referenceId} and facility_id = ${facilityId} and reference_type = ${referenceType}
  order by id`

/** Commits that the provider is about to be asked for the first time; undefined: it was asked already. */
export async function markRefundSent(db: Queryable, { id, facility_id }: RefundRow): Promise<RefundRow | undefined> {
  const [row] = await db<RefundRow[]>`
    update slotbase.refunds
    set sent_at = slotbase.now(), next_check_at = slotbase.now() + make_interval(secs => ${firstCheckSeconds})
    where id = ${id} and facility_id = ${facility_id} and status = 'processing' and sent_at is null
    returning *`
  return row
}

export type RefundChange = Partial<
  Pick<RefundRow, "status" | "provider_refund_id" | "failure_code" | "failure_reason" | "settled_at">
>

/** Changes a locked refund; returns the changed row. */
export async function changeRefund(tx: Tx, refund: RefundRow, change: RefundChange): Promise<RefundRow> {
  await tx`update slotbase.refunds set ${tx(change)} where id = ${refund.id} and facility_id = ${refund.facility_id}`
  return { ...refund, ...change }
}

/** Claims refunds that are due to be sent or looked up, at most `limit`. Each is claimed again later. */
export const claimUnsettledRefunds = (db: Queryable, limit: number) => db<RefundRow[]>`
  with due as (
    select id, facility_id from slotbase.refunds
    where status = 'processing' and next_check_at <= (select slotbase.now())
    order by next_check_at
    limit ${limit}
    for update skip locked
  ), t as materialized (select slotbase.now() as now)
  update slotbase.refunds r
  set checks = r.checks + 1, next_check_at = t.now + least(interval '1 hour', interval '50 seconds' * 2 ^ least(r.checks, 10))
  from due cross join t
  where r.id = due.id and r.facility_id = due.facility_id
  returning r.*`

export const toRefund = (row: RefundRow): Refund => ({
  id: row.id,
  facilityId: row.facility_id,
  paymentId: row.payment_id,
  offlinePaymentId: row.offline_payment_id,
  billingAccountId: row.billing_account_id,
  referenceType: row.reference_type,
  referenceId: row.reference_id,
  amount: row.amount,
  currency: row.currency,
  reason: row.reason,
  refundedBy: row.refunded_by,
  status: row.status,
  failureCode: row.failure_code,
  failureReason: row.failure_reason,
  createdAt: row.created_at.toISOString(),
  settledAt: row.settled_at?.toISOString() ?? null,
})
