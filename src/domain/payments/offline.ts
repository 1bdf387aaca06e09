/**
 * Payments at the desk: staff record the money that they took, by one of six methods, for a booking or for nothing in
 * particular. Such a payment counts towards the amount due for the booking, and never exceeds it. A hold that is paid
 * at the desk becomes a booking in the same transaction. If the hold were left to expire, the money would be kept and
 * the slot lost.
 */
import * as Schema from "effect/Schema"
import type { Staff } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotFound, RuleBroken } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { localDateOf } from "#base/local-days.ts"
import { requireMovable } from "#base/money.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, LocalDay, Money, Name } from "#base/schema/request-fields.ts"
import { saidRule } from "#base/schema/rule.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"
import { confirmPaidHold } from "#domain/booking/confirm.ts"
import { lockBooking } from "#domain/booking/find.ts"
import { accountIdOf, accountName, walkInAccountId } from "#domain/ledger/accounts.ts"
import { type Due, lockDue, payable } from "#domain/ledger/due.ts"
import { postReceived } from "#domain/ledger/ledger.ts"
import {
  insertOfflinePayment,
  type OfflinePaymentRow,
  offlineColumns,
  offlineMethods,
} from "#domain/ledger/offline-rows.ts"
import { record } from "#events/outbox.ts"

const maxReferenceLength = 100

export const OfflinePaymentInput = Schema.Struct({
  billingAccountId: Schema.optionalKey(Id).annotateKey({
    description: "unless given: the booker's, or that of walk-ins",
  }),
  payerName: Schema.optionalKey(Name).annotateKey({ description: "unless given: the name of the billing account" }),
  amount: Money.check(Schema.isGreaterThanOrEqualTo(1)),
  paymentMethod: Schema.Literals(offlineMethods),
  referenceNumber: Schema.optionalKey(lineUpTo(maxReferenceLength)),
  paymentDate: Schema.optionalKey(LocalDay).annotateKey({ description: "today unless given" }),
  bookingId: Schema.optionalKey(Id),
}).check(
  saidRule(
    { anyOf: ["billingAccountId", "payerName", "bookingId"].map((name) => ({ required: [name] })) },
    (input: { billingAccountId?: string; payerName?: string; bookingId?: string }) =>
      (input.billingAccountId ?? input.payerName ?? input.bookingId)
        ? []
        : [{ path: ["payerName"], issue: "Missing key: say who paid, or name a billing account or a booking" }],
  ),
)

export const OfflinePaymentQuery = Schema.Struct({
  ...pageQuery,
  bookingId: Schema.optionalKey(Id),
  billingAccountId: Schema.optionalKey(Id),
  paymentMethod: Schema.optionalKey(Schema.Literals(offlineMethods)),
})

export const OfflinePayment = Schema.Struct({
  id: Id,
  facilityId: Id,
  billingAccountId: Id,
  amount: Money,
  currency: Schema.String,
  paymentMethod: Schema.Literals(offlineMethods),
  referenceNumber: Schema.NullOr(Schema.String),
  payerName: Schema.String,
  paymentDate: Schema.String,
  bookingId: Schema.NullOr(Id),
  recordedBy: Id,
  refundedAmount: Money.annotateKey({ description: "handed back, or owed back" }),
  createdAt: Schema.String,
}).annotate({ identifier: "OfflinePayment" })
export type OfflinePayment = typeof OfflinePayment.Type

/**
 * Records offline_payment.recorded, and booking.confirmed for a hold.
 * @throws NotFound, InvalidInput
 * @throws WrongState and RuleBroken as for any payment of the booking
 * @throws RuleBroken `paid_in_the_future`
 */
export async function recordOfflinePayment(
  tx: Tx,
  staff: Staff,
  input: typeof OfflinePaymentInput.Type,
): Promise<OfflinePayment> {
  const { caller, facilityId } = staff
  const bookingId = input.bookingId?.toLowerCase()
  const due =
    bookingId === undefined
      ? undefined
      : await lockDue(tx, { facilityId, referenceType: "booking", referenceId: bookingId })
  if (due) payable(due, input.amount)
  const { today, currency } = await facilityNow(tx, facilityId)
  if (input.amount !== due?.due) requireMovable(input.amount, due?.currency ?? currency, "body.amount")
  const paymentDate = input.paymentDate ?? today
  if (paymentDate > today) {
    throw new RuleBroken("paid_in_the_future", `It is ${today} at the facility.`, [
      { path: "body.paymentDate", message: "is in the future" },
    ])
  }
  const account = await accountFor(tx, facilityId, input.billingAccountId?.toLowerCase(), due)
  const row = await insertOfflinePayment(tx, {
    id: newId(),
    facility_id: facilityId,
    billing_account_id: account.id,
    amount: input.amount,
    currency: due?.currency ?? currency,
    payment_method: input.paymentMethod,
    reference_number: input.referenceNumber ?? null,
    payer_name: input.payerName ?? account.name,
    payment_date: paymentDate,
    booking_id: bookingId ?? null,
    recorded_by: caller.userId,
  })
  await postReceived(tx, postingOf(row), "offline_payment", row.amount)
  announce(tx, row)
  if (due?.status === "held") await confirmPaidHold(tx, await lockBooking(tx, facilityId, due.referenceId), "offline")
  return toOfflinePayment(row)
}

/** The newest first. */
export async function listOfflinePayments(
  db: Queryable,
  staff: Staff,
  query: typeof OfflinePaymentQuery.Type,
): Promise<Page<OfflinePayment>> {
  const { facilityId } = staff
  const { bookingId, billingAccountId, paymentMethod } = query
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Id]))
  const none = db``
  const rows = await db<OfflinePaymentRow[]>`
    select ${offlineColumns(db)} from slotbase.offline_payments p
    where p.facility_id = ${facilityId}
      ${bookingId === undefined ? none : db`and p.booking_id = ${bookingId}`}
      ${billingAccountId === undefined ? none : db`and p.billing_account_id = ${billingAccountId}`}
      ${paymentMethod === undefined ? none : db`and p.payment_method = ${paymentMethod}`}
      ${after === undefined ? none : db`and p.id < ${after[0]}`}
    order by p.id desc
    limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], toOfflinePayment)
}

/** Throws NotFound. */
export async function getOfflinePayment(db: Queryable, staff: Staff, id: string): Promise<OfflinePayment> {
  const { facilityId } = staff
  const [row] = await db<OfflinePaymentRow[]>`
    select ${offlineColumns(db)} from slotbase.offline_payments p where p.id = ${id} and p.facility_id = ${facilityId}`
  if (!row) throw new NotFound("offline payment", id)
  return toOfflinePayment(row)
}

async function accountFor(
  tx: Tx,
  facilityId: string,
  named: string | undefined,
  due: Due | undefined,
): Promise<{ id: string; name: string }> {
  const own = due ? () => accountIdOf(tx, facilityId, due.debtorId) : () => walkInAccountId(tx, facilityId)
  const id = named ?? (await own())
  const name = await accountName(tx, facilityId, id)
  if (name === undefined) {
    throw new InvalidInput([{ path: "body.billingAccountId", message: "names no billing account of the facility" }])
  }
  return { id, name }
}

async function facilityNow(tx: Tx, facilityId: string): Promise<{ today: string; currency: string }> {
  const [row] = await tx<{ timezone: string; currency: string; now: Date }[]>`
    select timezone, currency, slotbase.now() as now from slotbase.facilities where id = ${facilityId}`
  if (!row) throw new NotFound("facility", facilityId)
  return { today: localDateOf(row.timezone, row.now.getTime()), currency: row.currency }
}

const announce = (tx: Tx, row: OfflinePaymentRow) =>
  record(tx, {
    type: "offline_payment.recorded",
    facilityId: row.facility_id,
    data: {
      offlinePaymentId: row.id,
      facilityId: row.facility_id,
      billingAccountId: row.billing_account_id,
      amount: row.amount,
      currency: row.currency,
      paymentMethod: row.payment_method,
      ...(row.reference_number !== null && { referenceNumber: row.reference_number }),
      payerName: row.payer_name,
      recordedBy: row.recorded_by,
      paymentDate: row.payment_date,
      ...(row.booking_id !== null && { bookingId: row.booking_id }),
    },
  })

const postingOf = (row: OfflinePaymentRow) => ({
  sourceId: row.id,
  facilityId: row.facility_id,
  billingAccountId: row.billing_account_id,
  currency: row.currency,
  referenceType: row.booking_id === null ? null : ("booking" as const),
  referenceId: row.booking_id,
})

const toOfflinePayment = (row: OfflinePaymentRow): OfflinePayment => ({
  id: row.id,
  facilityId: row.facility_id,
  billingAccountId: row.billing_account_id,
  amount: row.amount,
  currency: row.currency,
  paymentMethod: row.payment_method,
  referenceNumber: row.reference_number,
  payerName: row.payer_name,
  paymentDate: row.payment_date,
  bookingId: row.booking_id,
  recordedBy: row.recorded_by,
  refundedAmount: row.refunded_amount,
  createdAt: row.created_at.toISOString(),
})
