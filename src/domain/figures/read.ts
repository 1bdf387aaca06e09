/** Reads the figures of a facility by day, resource and type of booking, with what could have been booked. */
import * as Schema from "effect/Schema"
import type { Staff } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotFound, RuleBroken } from "#base/errors.ts"
import { Id, LocalDay, Money } from "#base/schema/request-fields.ts"
import { type OpenFacility, type OpenMinutes, type OpenResource, openMinutesOf } from "./open-minutes.ts"

const groups = ["day", "resource", "type"] as const
type Group = (typeof groups)[number]

/** Days of one answer: a year and the month to compare it with. */
const maxDays = 400
/** Rows of one answer, some 2 MB. */
const maxRows = 5_000

export const FiguresQuery = Schema.Struct({
  from: LocalDay.annotateKey({ description: "the first local day" }),
  until: LocalDay.annotateKey({ description: `the last local day; at most ${maxDays} days` }),
  by: Schema.optionalKey(
    Schema.String.annotate({ examples: ["day", "resource,type"] }).check(
      Schema.isPattern(/^(day|resource|type)(,(day|resource|type)){0,2}$/u, {
        expected: "day, resource, type, or several of them with commas",
      }),
    ),
  ).annotateKey({ description: "a row for each day, resource or type, or each combination; default: day" }),
})

const sums = {
  bookings: Schema.Int.annotate({ description: "confirmed, with those that were cancelled later" }),
  cancellations: Schema.Int,
  checkIns: Schema.Int,
  noShows: Schema.Int,
  completions: Schema.Int,
  bookedMinutes: Schema.Int.annotate({ description: "of the bookings that were not cancelled" }),
  openMinutes: Schema.Int.annotate({
    description: "opening hours less closures, by the present rules; of all types together",
  }),
  utilisation: Schema.NullOr(Schema.Finite).annotate({
    description: "bookedMinutes of openMinutes, from 0 to 1; null: nothing was open",
  }),
  bookedAmount: Schema.Int.annotate({ description: "price of the bookings that were not cancelled, minor units" }),
  paymentsAmount: Money.annotate({ description: "paid on these days, minor units" }),
  refundsAmount: Schema.Int.annotate({ description: "given back on these days; negative: came back" }),
  revenueAmount: Schema.Int.annotate({ description: "paymentsAmount less refundsAmount" }),
}

export const FiguresRow = Schema.Struct({
  day: Schema.optionalKey(Schema.String),
  resourceId: Schema.optionalKey(Schema.NullOr(Id)).annotateKey({
    description: "null: what belongs to no resource, such as a payment for no booking",
  }),
  resourceName: Schema.optionalKey(Schema.NullOr(Schema.String)),
  bookingType: Schema.optionalKey(Schema.NullOr(Schema.String)),
  ...sums,
}).annotate({ identifier: "FiguresRow" })
type Row = typeof FiguresRow.Type

export const FacilityFigures = Schema.Struct({
  timezone: Schema.String,
  currency: Schema.String,
  from: Schema.String,
  until: Schema.String,
  data: Schema.Array(FiguresRow),
  total: Schema.Struct(sums),
}).annotate({ identifier: "FacilityFigures" })

/** Throws NotFound, and RuleBroken `too_many_figures`. */
export async function readFigures(
  db: Queryable,
  { facilityId }: Staff,
  { from, until, by = "day" }: typeof FiguresQuery.Type,
): Promise<typeof FacilityFigures.Type> {
  const days = daysBetween(from, until)
  const asked = groups.filter((group) => by.split(",").includes(group))
  const [facility] = await db<(OpenFacility & { currency: string })[]>`
    select id, timezone, currency, opening_hours from slotbase.facilities where id = ${facilityId}`
  if (!facility) throw new NotFound("facility", facilityId)
  const [kept, resources] = await Promise.all([
    db<Kept[]>`
      select day::text, resource_id, booking_type, bookings, cancellations, check_ins, no_shows, completions, booked_minutes,
             booked_amount, payments_amount, refunds_amount
      from slotbase.daily_resource_figures
      where facility_id = ${facilityId} and day between ${from}::date and ${until}::date`,
    db<OpenResource[]>`
      select id, name, is_active, created_at from slotbase.resources where facility_id = ${facilityId} order by name, id`,
  ])
  const open = await openMinutesOf(db, facility, resources, days)
  const data = grouped(kept, asked, resources, days, open)
  if (data.length > maxRows) throw tooMany(`These are ${data.length} rows, and an answer has ${maxRows} at most.`)
  const [total] = grouped(kept, [], resources, days, open)
  const { timezone, currency } = facility
  return { timezone, currency, from, until, data, total: total ?? finished(zeros()) }
}

interface Kept {
  readonly day: string
  readonly resource_id: string | null
  readonly booking_type: string | null
  readonly bookings: number
  readonly cancellations: number
  readonly check_ins: number
  readonly no_shows: number
  readonly completions: number
  readonly booked_minutes: number
  readonly booked_amount: number
  readonly payments_amount: number
  readonly refunds_amount: number
}

function daysBetween(from: string, until: string): string[] {
  const [first, last] = [Date.parse(from), Date.parse(until)]
  const count = (last - first) / dayMs + 1
  if (count < 1) throw tooMany("until is before from.")
  if (count > maxDays) throw tooMany(`These are ${count} days, and an answer has ${maxDays} at most.`)
  return Array.from({ length: count }, (_, nth) => new Date(first + nth * dayMs).toISOString().slice(0, 10))
}

const dayMs = 86_400_000

const tooMany = (says: string) =>
  new RuleBroken("too_many_figures", `${says} Ask for fewer.`, [{ path: "query.until", message: says }])

/** A group without figures has a row too: its open minutes were not used. */
function grouped(
  kept: readonly Kept[],
  asked: readonly Group[],
  resources: readonly OpenResource[],
  days: readonly string[],
  open: OpenMinutes,
): Row[] {
  const names = new Map(resources.map(({ id, name }) => [id, name]))
  const rows = new Map<string, { row: Sums; named: Partial<Row> }>()
  const rowOf = (day: string, resourceId: string | null, type: string | null) => {
    const named: Partial<Row> = {
      ...(asked.includes("day") && { day }),
      ...(asked.includes("resource") && { resourceId, resourceName: names.get(resourceId ?? "") ?? null }),
      ...(asked.includes("type") && { bookingType: type }),
    }
    const key = JSON.stringify(named)
    const found = rows.get(key) ?? { row: zeros(), named }
    rows.set(key, found)
    return found.row
  }
  for (const each of kept) add(rowOf(each.day, each.resource_id, each.booking_type), each)
  const types = asked.includes("type") ? [...new Set(kept.map((each) => each.booking_type))] : [null]
  for (const { id } of resources.filter((each) => each.is_active))
    for (const day of days) for (const type of types) rowOf(day, id, type).openMinutes += open(id, day)
  return [...rows.values()].map(({ row, named }) => ({ ...named, ...finished(row) })).toSorted(compare)
}

const compare = (a: Row, b: Row) =>
  (a.day ?? "").localeCompare(b.day ?? "") ||
  (a.resourceName ?? "~").localeCompare(b.resourceName ?? "~") ||
  (a.bookingType ?? "~").localeCompare(b.bookingType ?? "~")

type Sums = ReturnType<typeof zeros>
const zeros = () => ({
  ...{ bookings: 0, cancellations: 0, checkIns: 0, noShows: 0, completions: 0, bookedMinutes: 0, openMinutes: 0 },
  ...{ bookedAmount: 0, paymentsAmount: 0, refundsAmount: 0 },
})

function add(row: Sums, kept: Kept): void {
  row.bookings += kept.bookings
  row.cancellations += kept.cancellations
  row.checkIns += kept.check_ins
  row.noShows += kept.no_shows
  row.completions += kept.completions
  row.bookedMinutes += kept.booked_minutes
  row.bookedAmount += kept.booked_amount
  row.paymentsAmount += kept.payments_amount
  row.refundsAmount += kept.refunds_amount
}

/** A ten-thousandth is exact enough. */
const finished = (row: Sums) => ({
  ...row,
  utilisation: row.openMinutes === 0 ? null : Math.round((10_000 * row.bookedMinutes) / row.openMinutes) / 10_000,
  revenueAmount: row.paymentsAmount - row.refundsAmount,
})
