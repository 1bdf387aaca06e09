/**
 * Makes the report of a facility's local day, once. It has the same weekday of the four weeks before, what the next day
 * brings, and what waits for a person. A day of 23 or 25 hours is that day: its ends come from the pinned zone data.
 * Some ten statements, each by an index, however many bookings the facility has had. Records facility.report.made.
 */
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { spanOfDay } from "#base/local-days.ts"
import { type OpenFacility, type OpenResource, openMinutesOf } from "#domain/figures/open-minutes.ts"
import { record } from "#events/outbox.ts"
import { scopeOf } from "#events/scope.ts"
import type { ReportDay, ReportFigures, ReportWeekBefore } from "./answer.ts"
import { countBookings, countMoney, spansOfDays, sumOfDay, sumOfResource } from "./days.ts"
import { openWorkOf } from "./open.ts"
import { insertReport } from "./rows.ts"
import { todayOf } from "./today.ts"

/** With how many weeks a day is compared: a month has no season. */
const weeksCompared = 4

/**
 * The report of the day before `localDate`. Answers whether it was made; false: it was there already,
 * or the facility was not.
 * @throws NotFound for a facility that does not exist, or does not any more
 */
export async function makeReport(tx: Tx, facilityId: string, localDate: string): Promise<boolean> {
  const day = dayBefore(localDate, 1)
  const [facility] = await tx<Reported[]>`
    select f.id, f.organization_id, f.timezone, f.opening_hours, f.created_at, slotbase.now() as now,
           exists (select from slotbase.daily_reports r where r.facility_id = f.id and r.day = ${day}::date) as is_made
    from slotbase.facilities f where f.id = ${facilityId}`
  if (!facility) throw new NotFound("facility", facilityId)
  const existed = spanOfDay(facility.timezone, day).end > facility.created_at.getTime()
  if (facility.is_made || !existed) return false
  const figures = await figuresOfDay(tx, facility, day, localDate)
  if (!(await insertReport(tx, facilityId, { day, timezone: facility.timezone }, figures))) return false
  const { bookings, cancelled, noShows, money } = figures
  record(tx, {
    type: "facility.report.made",
    ...scopeOf(facility),
    data: {
      ...{ facilityId, day, bookings, noShows, cancellations: cancelled },
      revenue: money.map(({ currency, revenue }) => ({ currency, amount: revenue })),
    },
  })
  return true
}

interface Reported extends OpenFacility {
  readonly organization_id: string | null
  readonly created_at: Date
  readonly now: Date
  readonly is_made: boolean
}

async function figuresOfDay(tx: Tx, facility: Reported, day: string, next: string): Promise<ReportFigures> {
  const { id, timezone, created_at, now } = facility
  // The day on which a facility was made is compared with nothing, and is no whole day to compare with.
  const before = Array.from({ length: weeksCompared }, (_, week) => dayBefore(day, 7 * (week + 1))).filter(
    (each) => spanOfDay(timezone, each).start >= created_at.getTime(),
  )
  const days = [day, ...before]
  const spans = spansOfDays(timezone, days)
  const isOver = spanOfDay(timezone, next).end <= now.getTime()
  const resources = await tx<OpenResource[]>`
    select id, name, is_active, created_at from slotbase.resources where facility_id = ${id} order by name, id`
  const names = new Map(resources.map((each) => [each.id, each.name]))
  const [bookings, money, open, today, work] = await Promise.all([
    countBookings(tx, id, spans),
    countMoney(tx, id, spans),
    openMinutesOf(tx, facility, resources, days.toReversed()),
    isOver ? null : todayOf(tx, facility, next, names),
    openWorkOf(tx, id, spans.ends[0] ?? ""),
  ])
  const ofDay = <T extends { readonly day: string }>(rows: readonly T[], of: string) =>
    rows.filter((row) => row.day === of)
  const sumOf = (of: string): ReportDay =>
    sumOfDay(
      ofDay(bookings, of),
      ofDay(money, of),
      resources.reduce((all, each) => all + open(each.id, of), 0),
    )
  const weeksBefore = before.map((each) => ({ day: each, ...sumOf(each) }))
  return {
    ...sumOf(day),
    resources: resources
      .map((each) => {
        const own = ofDay(bookings, day).filter((row) => row.resource_id === each.id)
        return sumOfResource(each, own, open(each.id, day))
      })
      // A court that is out of use, and was not booked, is no part of the day.
      .filter(({ bookings, openMinutes }) => bookings > 0 || openMinutes > 0),
    weeksBefore,
    usual: meanOf(weeksBefore),
    today,
    open: work,
  }
}

function meanOf(days: readonly ReportWeekBefore[]): ReportFigures["usual"] {
  if (days.length === 0) return null
  const mean = (values: readonly number[]) => values.reduce((all, value) => all + value, 0) / days.length
  const rounded = (value: number, to: number) => Math.round(value * to) / to
  const open = days.flatMap(({ utilisation }) => utilisation ?? [])
  const currencies = [...new Set(days.flatMap(({ money }) => money.map(({ currency }) => currency)))].toSorted()
  return {
    days: days.length,
    bookings: rounded(mean(days.map(({ bookings }) => bookings)), 10),
    noShows: rounded(mean(days.map(({ noShows }) => noShows)), 10),
    utilisation: open.length === 0 ? null : rounded(open.reduce((all, each) => all + each, 0) / open.length, 10_000),
    revenue: currencies.map((currency) => ({
      currency,
      amount: Math.round(mean(days.map(({ money }) => money.find((each) => each.currency === currency)?.revenue ?? 0))),
    })),
  }
}

const dayBefore = (day: string, days: number): string =>
  new Date(Date.parse(day) - days * 86_400_000).toISOString().slice(0, 10)
