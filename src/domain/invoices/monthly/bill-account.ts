/**
 * Bills a billing account for a local month: one invoice over what its bookings of the month still owe and no paper has
 * yet. A fee of the month for an earlier booking is on it too. An account has one bill for a month and currency, by a
 * unique key. So a repeated run bills nothing twice, and a run that was cut short goes on. The bookings are locked
 * while they are judged: a payment at the same moment is on the bill or before it.
 */
import { reached } from "#base/crash-points.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken } from "#base/errors.ts"
import { later, localDateOf, type Span, spanOfDay } from "#base/local-days.ts"
import { issuePaper } from "#domain/invoices/issue.ts"
import type { PaperLine } from "#domain/invoices/lines.ts"
import { lockCounters } from "#domain/invoices/numbers.ts"
import { findPaper, type PaperRow } from "#domain/invoices/rows.ts"
import { invoiceSettingsOf, missingOn, payToOf } from "#domain/invoices/seller.ts"
import { billedKey, linesOfPayment } from "#domain/invoices/sold.ts"
import { accountIdOf, peopleOfAccount } from "#domain/ledger/accounts.ts"
import { payerOfAccount } from "#domain/ledger/debtors.ts"
import { type Debt, debtsAmong } from "#domain/ledger/debts.ts"
import { record } from "#events/outbox.ts"
import { billedCurrencies, insertBill, openOnBills } from "./bill-rows.ts"
import { issueWaitingPapers } from "./waiting-papers.ts"

/** How long a payer has, in local days. */
export const billDueDays = 14

/** A local month of a facility. */
export interface BilledMonth {
  readonly facilityId: string
  readonly timezone: string
  /** Its first day. */
  readonly month: string
}

/** The month before the one of a local day. */
export const monthBefore = (localDate: string): string =>
  Temporal.PlainDate.from(localDate).with({ day: 1 }).subtract({ months: 1 }).toString()

/** Bookers with something to bill, by id, at most `limit` after one. The same booker comes again until it is billed. */
export async function billableBookers(
  db: Queryable,
  of: BilledMonth,
  limit: number,
  after: string | undefined,
): Promise<readonly string[]> {
  const rows = await db<{ booker_id: string }[]>`
    select distinct d.booker_id from (${debtsAmong(db, bookingsOf(db, of, undefined))}) d
    where d.due > ${openOnBills(db, db`d.booking_id`, db`d.facility_id`)}
      ${after === undefined ? db`` : db`and d.booker_id > ${after}`}
    order by d.booker_id limit ${limit}`
  return rows.map(({ booker_id }) => booker_id)
}

/**
 * Bills the account of a booker, for all of its people. Records invoice.issued for each bill. Answers how many there
 * are: 0 when the account has its bill for the month, or owes nothing any more.
 * @throws RuleBroken `bill_is_no_invoice` while the seller has not said what an invoice needs
 */
export async function billAccount(tx: Tx, of: BilledMonth, bookerId: string): Promise<number> {
  const { facilityId, month } = of
  const billingAccountId = await accountIdOf(tx, facilityId, bookerId)
  const people = await peopleOfAccount(tx, facilityId, billingAccountId)
  await tx`
    select from slotbase.bookings
    where facility_id = ${facilityId} and id in (select b.id from (${bookingsOf(tx, of, people)}) b)
    order by id for update`
  await lockCounters(tx, [facilityId])
  const billed = await billedCurrencies(tx, { facilityId, billingAccountId, period: month })
  const debts = (await unbilled(tx, of, people)).filter(({ currency }) => !billed.has(currency))
  const byCurrency = [...Map.groupBy(debts, ({ currency }) => currency)].toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [currency, some] of byCurrency) await issueBill(tx, of, { billingAccountId, currency, debts: some })
  return byCurrency.length
}

interface UnbilledDebt extends Debt {
  /** On no paper yet, minor units. */
  readonly unbilled: number
}

/** What is due and on no bill. */
async function unbilled(tx: Tx, of: BilledMonth, people: readonly string[]): Promise<readonly UnbilledDebt[]> {
  const bookings = bookingsOf(tx, of, people)
  const onBills = await tx<{ booking_id: string }[]>`
    select distinct x.booking_id from (${bookings}) b
    join slotbase.billed_bookings x on x.booking_id = b.id and x.facility_id = b.facility_id
    order by x.booking_id`
  // A payment whose event was not handled yet may settle an earlier bill of the booking.
  for (const { booking_id } of onBills) await issueWaitingPapers(tx, of.facilityId, booking_id)
  return tx<UnbilledDebt[]>`
    select * from (
      select d.*, d.due - ${openOnBills(tx, tx`d.booking_id`, tx`d.facility_id`)}::bigint as unbilled
      from (${debtsAmong(tx, bookingsOf(tx, of, people))}) d
    ) d
    where d.unbilled > 0 order by d.start_at, d.booking_id`
}

interface AccountDebts {
  readonly billingAccountId: string
  readonly currency: string
  readonly debts: readonly UnbilledDebt[]
}

async function issueBill(tx: Tx, of: BilledMonth, { billingAccountId, currency, debts }: AccountDebts): Promise<void> {
  const { facilityId, month } = of
  const lines: PaperLine[] = []
  for (const { booking_id, unbilled: amount } of debts) {
    const sold = await linesOfPayment(tx, { facilityId, referenceType: "booking", referenceId: booking_id }, amount)
    lines.push(...sold.lines.map((line) => ({ ...line, key: billedKey(booking_id, line.key) })))
  }
  await requireInvoice(tx, facilityId, lines)
  const { payerId, parentIds } = await payerOfAccount(tx, facilityId, billingAccountId)
  const debtors = new Set(debts.map(({ booker_id }) => booker_id))
  const days = debts.map(({ start_at }) => localDateOf(of.timezone, start_at.getTime()))
  const [{ source }] = await tx<[{ source: string }]>`
    select slotbase.derived_id(${billingAccountId}::uuid, ${`bill ${month} ${currency}`}) as source`
  const invoiceId = await issuePaper(tx, {
    facilityId,
    sellerId: facilityId,
    kind: "invoice",
    sourceType: "bill",
    sourceId: source,
    billingAccountId,
    payerId: payerId ?? parentIds[0] ?? null,
    debtorId: debtors.size === 1 ? ([...debtors][0] ?? null) : null,
    referenceType: null,
    referenceId: null,
    currency,
    lines,
    supplied: { from: days.reduce(earlier), to: days.reduce(later) },
    settled: { dueInDays: billDueDays },
  })
  const bookings = debts.map(({ booking_id, unbilled: amount }) => ({ bookingId: booking_id, amount }))
  await insertBill(tx, { invoiceId, facilityId, billingAccountId, period: month, currency, bookings })
  reached("bill-issued")
  const { number, gross, due_on: dueOn } = (await findPaper(tx, facilityId, invoiceId)) as PaperRow
  record(tx, {
    type: "invoice.issued",
    facilityId,
    data: {
      invoiceId,
      facilityId,
      number,
      billingAccountId,
      ...(payerId !== undefined && { payerId }),
      parentIds,
      periodStart: month,
      periodEnd: lastDayOf(month),
      bookings: bookings.length,
      amount: gross,
      currency,
      dueOn: dueOn ?? month,
      ...(await payToOf(tx, facilityId)),
    },
  })
}

/** A paper that is no invoice asks nobody for money. */
async function requireInvoice(tx: Tx, facilityId: string, lines: readonly PaperLine[]): Promise<void> {
  const missing = missingOn(await invoiceSettingsOf(tx, facilityId), lines)
  if (missing.length === 0) return
  throw new RuleBroken("bill_is_no_invoice", `The invoice settings lack what an invoice needs: ${missing.join(", ")}.`)
}

/**
 * Bookings of the month, and those with a charge of the month. A facility that has moved to another zone may begin its
 * month later there. Bookings right before it, whose agreed day is of the month, stand on no other bill: they are here.
 * @param people undefined: of everybody
 */
function bookingsOf(
  sql: Queryable,
  { facilityId, timezone, month }: BilledMonth,
  people: readonly string[] | undefined,
): ReturnType<Queryable> {
  const { start, end } = spanOfMonth(timezone, month)
  const [from, until] = [new Date(start).toISOString(), new Date(end).toISOString()]
  const last = lastDayOf(month)
  const isOfMonth = sql`(
    b.start_at >= ${from} or b.agreed_timezone <> ${timezone} and b.agreed_start >= ${month}::text::date
    and b.agreed_start < ${last}::text::date + 1)`
  const ofThem = people === undefined ? sql`` : sql`and b.booker_id = any (${[...people]}::uuid[])`
  return sql`
    select b.* from slotbase.bookings b
    where b.facility_id = ${facilityId} and b.start_at >= ${from}::timestamptz - ${`${farthestZoneHours} hours`}::text::interval
      and b.start_at < ${until} and ${isOfMonth} ${ofThem}
    union all
    select b.* from slotbase.bookings b
    where b.facility_id = ${facilityId} and b.start_at < ${from} and ${isOfMonth} is not true ${ofThem}
      and b.id in (select c.reference_id from slotbase.charges c
                   where c.facility_id = ${facilityId} and c.created_at >= ${from} and c.created_at < ${until}
                     and c.reference_type = 'booking' and c.waived_at is null)`
}

/** No zone is further from another. */
const farthestZoneHours = 26

const lastDayOf = (month: string) => Temporal.PlainDate.from(month).add({ months: 1 }).subtract({ days: 1 }).toString()

const spanOfMonth = (timezone: string, month: string): Span => ({
  start: spanOfDay(timezone, month).start,
  end: spanOfDay(timezone, lastDayOf(month)).end,
})

const earlier = (one: string, other: string) => (one < other ? one : other)
