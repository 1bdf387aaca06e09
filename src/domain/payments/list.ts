/**
 * Reads payments: staff see all of a facility; other members see those that they or their children owe or have paid.
 */
import * as Schema from "effect/Schema"
import { childrenOf, type Member, mayActFor } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { type Payment, type PaymentQuery, toPayment } from "#domain/ledger/answer.ts"
import { findPayment, type PaymentRow } from "#domain/ledger/payment-rows.ts"

/** The newest first. */
export async function listPayments(
  db: Queryable,
  member: Member,
  query: typeof PaymentQuery.Type,
): Promise<Page<Payment>> {
  const { caller, facilityId } = member
  const { status, referenceType, referenceId, payerId, billingAccountId, from, to } = query
  const people = member.isStaff ? undefined : [caller.userId, ...childrenOf(member, "pay")]
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Id]))
  const none = db``
  const rows = await db<PaymentRow[]>`
    select * from slotbase.payments
    where facility_id = ${facilityId}
      ${people === undefined ? none : db`and (payer_id = any (${people}::uuid[]) or debtor_id = any (${people}::uuid[]))`}
      ${status === undefined ? none : db`and status = ${status}`}
      ${referenceType === undefined ? none : db`and reference_type = ${referenceType}`}
      ${referenceId === undefined ? none : db`and reference_id = ${referenceId}`}
      ${payerId === undefined ? none : db`and payer_id = ${payerId}`}
      ${billingAccountId === undefined ? none : db`and billing_account_id = ${billingAccountId}`}
      ${from === undefined ? none : db`and created_at >= ${from}`}
      ${to === undefined ? none : db`and created_at < ${to}`}
      ${after === undefined ? none : db`and id < ${after[0]}`}
    order by id desc
    limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], toPayment)
}

/** Throws NotFound, also for another person's payment. */
export async function getPayment(db: Queryable, member: Member, id: string): Promise<Payment> {
  const { facilityId } = member
  const row = await findPayment(db, facilityId, id)
  if (!row || !isTheirs(member, row)) throw new NotFound("payment", id)
  return toPayment(row)
}

const isTheirs = (member: Member, { payer_id, debtor_id }: PaymentRow) =>
  member.isStaff || mayActFor(member, payer_id, "pay") || mayActFor(member, debtor_id, "pay")
