/**
 * What a payment is for, as lines: the agreed lines of the booking's price first, then charges, the oldest first. A
 * payment of the whole takes the lines as they were agreed. A payment of a part takes its share of each tax rate. What
 * is paid beyond what is left (it is refunded soon) has the taxes of the whole price.
 */
import type { Tx } from "#base/database/transaction.ts"
import { localDateOf, localTimeOf } from "#base/local-days.ts"
import { type BookedLine, linesOf } from "#domain/booking/price-lines.ts"
import type { Reference } from "#domain/ledger/payment-rows.ts"
import { divided, type LineDetail, leftOf, type PaperLine, type Sold, soldIn } from "./lines.ts"
import { paperedLines, takenBy } from "./rows.ts"

/** Parts that are paid one after the other. Within one, each tax rate gets its share. */
type Stage = readonly PaperLine[]

export interface SoldLines {
  readonly lines: readonly PaperLine[]
  /** Local days; undefined: not known. */
  readonly supplied?: { readonly from: string; readonly to: string }
}

/** The key of a line on a bill, which has lines of many bookings. */
export const billedKey = (bookingId: string, key: string): string => `${bookingId} ${key}`

/** The lines of a payment of so many minor units. The counter of the seller must be locked. */
export async function linesOfPayment(tx: Tx, reference: Reference, amount: number): Promise<SoldLines> {
  const { stages, taken, supplied } = await soldAbout(tx, reference)
  let left = amount
  const lines: PaperLine[] = []
  for (const stage of stages) {
    const sold = soldIn(stage)
    const open = leftOf(sold, taken)
    const part = Math.min(left, grossOf(open))
    left -= part
    lines.push(...(isWhole(part, sold, open) ? stage : partsOf(stage, divided(part, open))))
  }
  if (left > 0) lines.push(...beyond(stages[0] ?? [], left))
  return { lines: lines.filter(({ amount }) => amount !== 0), ...(supplied && { supplied }) }
}

/** What is sold and on no paper yet, minor units. */
export async function unpapered(tx: Tx, reference: Reference): Promise<number> {
  const { stages, taken } = await soldAbout(tx, reference)
  return stages.reduce((sum, stage) => sum + grossOf(leftOf(soldIn(stage), taken)), 0)
}

/**
 * The lines of a credit note for a booking of which something is on a bill, over all of its papers. What is not sold
 * any more comes first, such as a waived fee. Of the rest each line has its share.
 */
export async function creditedOfBooking(tx: Tx, reference: Reference, amount: number): Promise<SoldLines> {
  const { facilityId, referenceId } = reference
  const { stages, taken, supplied } = await soldAbout(tx, reference)
  const lines = await paperedLines(tx, facilityId, referenceId)
  const stillSold = new Set(stages.flat().map(({ key }) => key))
  const papered = soldIn(lines).map(({ key, taxRate }) => ({
    key,
    taxRate,
    ...(taken.get(key) ?? { gross: 0, tax: 0 }),
  }))
  const gone = papered.filter(({ key }) => !stillSold.has(key))
  const rest = papered.filter(({ key }) => stillSold.has(key))
  const first = Math.min(amount, grossOf(gone))
  const parts = [...divided(first, gone), ...divided(amount - first, rest)]
  return { lines: partsOf(lines, parts), ...(supplied && { supplied }) }
}

async function soldAbout(tx: Tx, reference: Reference) {
  const { facilityId, referenceType, referenceId } = reference
  const [booking, charges, taken] = await Promise.all([
    referenceType === "booking" ? bookingSold(tx, facilityId, referenceId) : undefined,
    chargesSold(tx, reference),
    takenBy(tx, facilityId, { referenceId }),
  ])
  const stages: Stage[] = [...(booking ? [booking.lines] : []), ...charges.map((line) => [line])]
  return { stages, taken, supplied: booking?.supplied }
}

const grossOf = (sold: readonly Sold[]) => sold.reduce((sum, { gross }) => sum + gross, 0)

/** Nothing of the stage was on a paper before, and all of it is now. */
const isWhole = (part: number, sold: readonly Sold[], open: readonly Sold[]) =>
  part > 0 &&
  part === grossOf(open) &&
  open.every(({ gross, tax }, nth) => gross === sold[nth]?.gross && tax === sold[nth]?.tax)

/** A line for each share. Without minutes: nobody can say which of them are paid. */
export const partsOf = (lines: readonly PaperLine[], shares: readonly Sold[]): PaperLine[] =>
  shares.map(({ key, taxRate, gross, tax }) => {
    const first = lines.find((line) => line.key === key)
    const detail = first?.detail
    return {
      key,
      kind: first?.kind === "fee" || first?.kind === "subscription" ? first.kind : "part",
      label: first?.label ?? "",
      amount: gross,
      taxRate,
      taxAmount: tax,
      ...(detail && { detail }),
    }
  })

function beyond(stage: Stage, amount: number): PaperLine[] {
  const whole = soldIn(stage).filter(({ gross }) => gross > 0)
  if (grossOf(whole) === 0) return [{ key: "account", kind: "account", label: "", amount, taxRate: 0, taxAmount: 0 }]
  return partsOf(stage, divided(amount, whole))
}

interface SoldBooking {
  readonly price_lines: readonly BookedLine[] | null
  readonly price_amount: number
  readonly start_at: Date
  readonly end_at: Date
  readonly is_waived: boolean
  readonly resource: string
  readonly booker: string
  readonly timezone: string
}

async function bookingSold(tx: Tx, facilityId: string, id: string) {
  const [row] = await tx<SoldBooking[]>`
    select b.price_lines, b.price_amount, b.start_at, b.end_at, b.payment_method is not distinct from 'waived' as is_waived,
           r.name as resource, u.first_name || ' ' || u.last_name as booker, f.timezone
    from slotbase.bookings b
    join slotbase.facilities f on f.id = b.facility_id
    join slotbase.resources r on r.id = b.resource_id and r.facility_id = b.facility_id
    join slotbase.users u on u.id = b.booker_id
    where b.id = ${id} and b.facility_id = ${facilityId}`
  if (!row) return undefined
  const [start, end] = [row.start_at.getTime(), row.end_at.getTime()]
  const [from, to] = [localDateOf(row.timezone, start), localDateOf(row.timezone, end - 1)]
  const times = [start, end].map((at) => localTimeOf(row.timezone, at))
  const detail = { place: row.resource, who: row.booker, from: `${from} ${times[0]}`, to: `${to} ${times[1]}` }
  return {
    lines: row.is_waived ? [] : linesOf(row).map((line) => bookedLine(line, detail)),
    supplied: { from, to },
  }
}

function bookedLine(line: BookedLine, detail: LineDetail): PaperLine {
  const { kind, label, amount, minutes, taxRate = 0, taxAmount = 0 } = line
  const hourlyPrice = "hourlyPrice" in line ? line.hourlyPrice : undefined
  return {
    key: `price ${taxRate}`,
    kind,
    label,
    amount,
    taxRate,
    taxAmount,
    minutes,
    ...(hourlyPrice !== undefined && { hourlyPrice }),
    detail,
  }
}

interface ChargedRow {
  readonly reason: "no_show_fee" | "subscription" | "invoice"
  readonly key: string
  readonly amount: number
  readonly tax_rate: number
  readonly tax_amount: number
  readonly plan: string | null
  readonly period_start: Date | null
  readonly period_end: Date | null
  readonly timezone: string
}

/** A line for each charge that is not waived. A charge that was lowered is one with the same key. */
async function chargesSold(tx: Tx, { facilityId, referenceType, referenceId }: Reference): Promise<PaperLine[]> {
  const rows = await tx<ChargedRow[]>`
    select c.reason, c.key, c.amount, c.tax_rate, c.tax_amount, p.name as plan, i.period_start, i.period_end, f.timezone
    from slotbase.charges c
    join slotbase.facilities f on f.id = c.facility_id
    left join slotbase.subscription_invoices i on c.reason = 'subscription' and i.id::text = c.key and i.facility_id = c.facility_id
    left join slotbase.subscription_plans p on p.id = i.plan_id
    where c.reference_id = ${referenceId} and c.facility_id = ${facilityId} and c.reference_type = ${referenceType}
      and c.waived_at is null
    order by c.id`
  return rows.map((row) => ({
    key: `charge ${row.reason} ${row.key}`,
    kind: kindOfCharge[row.reason],
    label: row.plan ?? "",
    amount: row.amount,
    taxRate: row.tax_rate,
    taxAmount: row.tax_amount,
    ...(row.period_start && row.period_end && { detail: periodOf(row.timezone, row.period_start, row.period_end) }),
  }))
}

const kindOfCharge = { no_show_fee: "fee", subscription: "subscription", invoice: "other" } as const

const periodOf = (timezone: string, start: Date, end: Date): LineDetail => ({
  from: localDateOf(timezone, start.getTime()),
  to: localDateOf(timezone, end.getTime() - 1),
})
