/**
 * The rows of payments: attempts to pay by card. A payment's row is locked before its state is judged.
 * "succeeded" is final. It follows "failed" when the provider took the money after all.
 * Writes: payments.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import type { EventContext } from "#events/outbox.ts"
import type { ProviderName } from "./saved-card.ts"

export const referenceTypes = ["booking", "subscription", "invoice"] as const
export type ReferenceType = (typeof referenceTypes)[number]

export const paymentStatuses = ["processing", "succeeded", "failed"] as const
export type PaymentStatus = (typeof paymentStatuses)[number]

/** The thing that is paid for. */
export interface Reference {
  readonly facilityId: string
  readonly referenceType: ReferenceType
  readonly referenceId: string
}

export interface PaymentRow {
  readonly id: string
  readonly facility_id: string
  readonly billing_account_id: string
  readonly payer_id: string
  readonly debtor_id: string
  readonly requested_by: string
  readonly reference_type: ReferenceType
  readonly reference_id: string
  readonly amount: number
  readonly currency: string
  readonly payment_method: "card" | "saved_card"
  readonly provider: ProviderName
  readonly provider_payment_id: string | null
  readonly sealed_card: Buffer | null
  readonly status: PaymentStatus
  readonly failure_code: string | null
  readonly failure_reason: string | null
  readonly automatic: boolean
  readonly retry_count: number
  readonly next_retry_at: Date | null
  readonly refunded_amount: number
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly created_at: Date
  readonly settled_at: Date | null
}

/** A locked payment with `now`, taken after the lock. */
export type LockedPayment = PaymentRow & { readonly now: Date }

export type NewPayment = Omit<
  PaymentRow,
  | "provider_payment_id"
  | "status"
  | "failure_code"
  | "failure_reason"
  | "retry_count"
  | "next_retry_at"
  | "refunded_amount"
  | "created_at"
  | "settled_at"
>

/** The paying request has this time before another process looks up the outcome, seconds. */
const firstCheckSeconds = 30

/**
 * Inserts an attempt before the provider is asked. It counts the failures for the same reference since the last
 * success.
 */
export async function insertPayment(tx: Tx, payment: NewPayment): Promise<PaymentRow> {
  const { facility_id, reference_type, reference_id } = payment
  const [row] = await tx<PaymentRow[]>`
    insert into slotbase.payments (id, facility_id, billing_account_id, payer_id, debtor_id, requested_by, reference_type, reference_id,
      amount, currency, payment_method, provider, sealed_card, status, automatic, retry_count, correlation_id, causation_id, next_check_at)
    values (${payment.id}, ${facility_id}, ${payment.billing_account_id}, ${payment.payer_id}, ${payment.debtor_id},
      ${payment.requested_by}, ${reference_type}, ${reference_id}, ${payment.amount}, ${payment.currency}, ${payment.payment_method},
      ${payment.provider}, ${payment.sealed_card}, 'processing', ${payment.automatic},
      (select count(*) from slotbase.payments p
       where p.reference_id = ${reference_id} and p.facility_id = ${facility_id} and p.reference_type = ${reference_type}
         and p.status = 'failed'
         and not exists (select from slotbase.payments s
                         where s.reference_id = p.reference_id and s.facility_id = p.facility_id
                           and s.reference_type = p.reference_type and s.status = 'succeeded' and s.id > p.id)),
      ${payment.correlation_id}, ${payment.causation_id}, slotbase.now() + make_interval(secs => ${firstCheckSeconds}))
    returning *`
  if (!row) throw new Error("insertPayment: the insert answered no row")
  return row
}

/**
 * Locks the payment's booking. Decisions about the booking (a cancellation) and this transaction wait for each other.
 */
export const lockBookingOf = (tx: Tx, facilityId: string, id: string) => tx`
  select from slotbase.bookings b
  join slotbase.payments p on p.reference_type = 'booking' and p.reference_id = b.id and p.facility_id = b.facility_id
  where p.id = ${id} and p.facility_id = ${facilityId}
  for share of b`

/** Throws NotFound. */
export async function lockPayment(tx: Tx, facilityId: string, id: string): Promise<LockedPayment> {
  const [row] = await tx<LockedPayment[]>`
    with p as materialized (
      select * from slotbase.payments where id = ${id} and facility_id = ${facilityId} for update
    )
    select p.*, slotbase.now() as now from p`
  if (!row) throw new NotFound("payment", id)
  return row
}

export async function findPayment(db: Queryable, facilityId: string, id: string): Promise<PaymentRow | undefined> {
  const [row] = await db<PaymentRow[]>`select * from slotbase.payments where id = ${id} and facility_id = ${facilityId}`
  return row
}

/** The payment with this id at the provider. */
export async function findByProviderId(
  db: Queryable,
  provider: ProviderName,
  id: string,
): Promise<PaymentRow | undefined> {
  const [row] = await db<PaymentRow[]>`
    select * from slotbase.payments where provider = ${provider} and provider_payment_id = ${id}`
  return row
}

/** Succeeded payments of a reference that are not fully refunded, newest first, locked; all, or only the named ones. */
export const lockRefundable = (
  tx: Tx,
  {
    facilityId,
    referenceType,
    referenceId,
    paymentId,
    paidUntil,
  }: Reference & { readonly paymentId?: string; readonly paidUntil?: string },
) => tx<PaymentRow[]>`
  select * from slotbase.payments
  where reference_id = ${referenceId} and facility_id = ${facilityId} and reference_type = ${referenceType}
    and status = 'succeeded' and refunded_amount < amount
    ${paymentId === undefined ? tx`` : tx`and id = ${paymentId}`}
    ${paidUntil === undefined ? tx`` : tx`and settled_at <= ${paidUntil}`}
  order by id desc
  for update`

export type Settlement = Partial<
  Pick<
    PaymentRow,
    | "provider_payment_id"
    | "status"
    | "failure_code"
    | "failure_reason"
    | "next_retry_at"
    | "settled_at"
    | "sealed_card"
  >
>

/** Changes a locked payment; returns the changed row. */
export async function changePayment<Row extends PaymentRow>(tx: Tx, payment: Row, change: Settlement): Promise<Row> {
  await tx`update slotbase.payments set ${tx(change)} where id = ${payment.id} and facility_id = ${payment.facility_id}`
  return { ...payment, ...change }
}

/**
 * Counts an amount as refunded (negative: no longer refunded), under the payment's lock. The constraint has the last
 * word.
 */
export const countRefunded = (
  tx: Tx,
  { id, facility_id }: Pick<PaymentRow, "id" | "facility_id">,
  amount: number,
) => tx`
  update slotbase.payments set refunded_amount = refunded_amount + ${amount}
  where id = ${id} and facility_id = ${facility_id}`

/**
 * Claims payments whose outcome is due to be looked up, at most `limit`. Each is looked up again later, at growing
 * intervals.
 */
export const claimUnsettled = (db: Queryable, providers: readonly ProviderName[], limit: number) => db<
  (PaymentRow & { age_ms: number })[]
>`
  with due as (
    select id, facility_id from slotbase.payments
    where status = 'processing' and next_check_at <= (select slotbase.now()) and provider = any (${[...providers]})
    order by next_check_at
    limit ${limit}
    for update skip locked
  ), t as materialized (select slotbase.now() as now)
  update slotbase.payments p
  set checks = p.checks + 1, next_check_at = t.now + least(interval '1 hour', interval '50 seconds' * 2 ^ least(p.checks, 10))
  from due cross join t
  where p.id = due.id and p.facility_id = due.facility_id
  returning p.*, extract(epoch from t.now - p.created_at)::float8 * 1000 as age_ms`

/** A payment whose retry is due, with its place in the queue: as text, with the database's microseconds. */
export type DuePayment = PaymentRow & { readonly due: string }

/** Failed automatic payments whose retry is due, the longest due first; at most `limit` after one. */
export const dueRetries = (db: Queryable, limit: number, after?: Pick<DuePayment, "id" | "due">) => db<DuePayment[]>`
  select *, next_retry_at::text as due from slotbase.payments
  where next_retry_at <= (select slotbase.now()) and retried_at is null
    ${after === undefined ? db`` : db`and (next_retry_at, id) > (${after.due}::timestamptz, ${after.id}::uuid)`}
  order by next_retry_at, id
  limit ${limit}`

/**
 * Marks earlier automatic failures as retried: in the transaction of the next attempt, or when nothing is due any more.
 */
export const markRetried = (db: Queryable, { facilityId, referenceType, referenceId }: Reference) => db`
  update slotbase.payments set retried_at = slotbase.now()
  where reference_id = ${referenceId} and facility_id = ${facilityId} and reference_type = ${referenceType}
    and next_retry_at is not null and retried_at is null`

/** The context of a payment's events: the requester of the payment, in the same correlation. */
export const contextOfPayment = (
  { correlation_id, causation_id, requested_by }: Pick<PaymentRow, "correlation_id" | "causation_id" | "requested_by">,
  environment: EventContext["environment"],
): EventContext => ({
  environment,
  correlationId: correlation_id,
  ...(causation_id !== null && { causationId: causation_id }),
  userId: requested_by,
})
