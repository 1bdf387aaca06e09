/**
 * Refunds: staff make and list them, and hand back at the desk a payment that was made at the desk. A payment is
 * locked while a refund of it is marked. Of two refunds that want the same money, one gets it.
 */
import * as Schema from "effect/Schema"
import { isPlatformAdmin, type Staff } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import { requireMovable } from "#base/money.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import type { Refund, RefundInput, RefundQuery } from "#domain/ledger/answer.ts"
import { postHandedBack } from "#domain/ledger/ledger.ts"
import { refundPosting } from "#domain/ledger/mark-refund.ts"
import { countRefunded, lockBookingOf, lockPayment } from "#domain/ledger/payment-rows.ts"
import {
  changeRefund,
  findRefund,
  insertRefund,
  lockRefund,
  type RefundRow,
  toRefund,
} from "#domain/ledger/refund-rows.ts"
import { recordRefunded } from "./send-refund.ts"

/**
 * The first half of a refund: marks it. The provider is asked after the commit (send-refund.ts). Only the platform
 * refunds a facility's payment for its subscription, not the facility's own staff.
 * @throws NotAllowed, NotFound, WrongState (payment_not_succeeded, already_refunded), RuleBroken `more_than_was_paid`
 */
export async function createRefund(
  tx: Tx,
  staff: Staff,
  paymentId: string,
  { amount, reason }: RefundInput,
): Promise<RefundRow> {
  const { caller, facilityId } = staff
  // The booking is locked first, as everywhere: a move or a cancellation counts this refund, or is counted by it.
  await lockBookingOf(tx, facilityId, paymentId)
  const payment = await lockPayment(tx, facilityId, paymentId)
  if (payment.reference_type === "subscription" && !isPlatformAdmin(caller)) {
    throw new NotAllowed("Only a platform administrator can refund a payment for a subscription.")
  }
  if (payment.status !== "succeeded") {
    throw new WrongState(
      "payment_not_succeeded",
      `The payment is ${payment.status}; only one that succeeded can be refunded.`,
    )
  }
  const left = payment.amount - payment.refunded_amount
  if (left === 0) throw new WrongState("already_refunded", "The payment is refunded, or its refund is on its way.")
  if (amount !== undefined && amount > left) {
    throw new RuleBroken("more_than_was_paid", `Only ${left} minor units are left of the payment.`, [
      { path: "body.amount", message: `is more than ${left}` },
    ])
  }
  if (amount !== left) requireMovable(amount, payment.currency, "body.amount")
  const refund = await insertRefund(tx, {
    facility_id: facilityId,
    payment_id: payment.id,
    offline_payment_id: null,
    billing_account_id: payment.billing_account_id,
    reference_type: payment.reference_type,
    reference_id: payment.reference_id,
    amount: amount ?? left,
    currency: payment.currency,
    reason,
    refunded_by: caller.userId,
  })
  await countRefunded(tx, payment, refund.amount)
  return refund
}

/**
 * The refund of an offline payment has been handed over. Records payment.refunded.
 * @throws NotFound, WrongState `refund_not_owed`
 */
export async function handBack(tx: Tx, staff: Staff, id: string): Promise<Refund> {
  const { facilityId } = staff
  const refund = await lockRefund(tx, facilityId, id)
  if (refund.status !== "owed" || refund.offline_payment_id === null) {
    throw new WrongState("refund_not_owed", `The refund is ${refund.status}; only one that is owed can be handed back.`)
  }
  const given = await changeRefund(tx, refund, { status: "succeeded", settled_at: refund.now })
  await postHandedBack(tx, refundPosting(given), given.amount)
  recordRefunded(tx, given, refund.offline_payment_id)
  return toRefund(given)
}

/** Refunds, the newest first. */
export async function listRefunds(db: Queryable, staff: Staff, query: typeof RefundQuery.Type): Promise<Page<Refund>> {
  const { facilityId } = staff
  const { status, paymentId, referenceId } = query
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Id]))
  const none = db``
  const rows = await db<RefundRow[]>`
    select * from slotbase.refunds
    where facility_id = ${facilityId}
      ${status === undefined ? none : db`and status = ${status}`}
      ${paymentId === undefined ? none : db`and payment_id = ${paymentId}`}
      ${referenceId === undefined ? none : db`and reference_id = ${referenceId}`}
      ${after === undefined ? none : db`and id < ${after[0]}`}
    order by id desc
    limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], toRefund)
}

/** Throws NotFound. */
export async function getRefund(db: Queryable, staff: Staff, id: string): Promise<Refund> {
  const { facilityId } = staff
  const row = await findRefund(db, facilityId, id)
  if (!row) throw new NotFound("refund", id)
  return toRefund(row)
}
