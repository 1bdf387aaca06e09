/**
 * The rolling window: books the occurrences that have come inside it since. Nobody is there to ask, so an occurrence
 * that cannot be booked is skipped and reported. A series is extended under its lock and only as far as it was
 * prepared. So two passes at once never book a day twice.
 */
import { type Caller, callerOf, requireMember } from "#access/caller.ts"
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken } from "#base/errors.ts"
import type { Hooks } from "#base/hooks.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import { type MayBook, requireMayBook } from "#domain/booking/may-book.ts"
import { withOffersAtTheEnd } from "#domain/booking/slots-freed.ts"
import { transact } from "#events/outbox.ts"
import { planOccurrences, type SeriesReport, takeOccurrences } from "./book.ts"
import { recordSeriesChanged } from "./events.ts"
import { keepReport } from "./keep-report.ts"
import { isRefusal, type Prepared, prepareOccurrences, type Refusal, type SeriesWish } from "./prepare.ts"
import { changeSeries, type DueSeries, findDueSeries, findSeries, lockSeries, type SeriesRow } from "./rows.ts"
import { daysAfter, extendAt, nextWindow, patternOf } from "./window.ts"

export interface ExtendTools {
  readonly db: Db
  readonly config: Pick<Config, "environment">
  readonly hooks?: Hooks
}

/** Occurrences. */
interface Counts {
  readonly booked: number
  readonly skipped: number
}
export type Extended = Counts & {
  readonly series: number
  /** Failures of single series, which stay due; left out when there are none. */
  readonly failures?: readonly unknown[]
  /** The place of the last one, if more may be due: a series that fails does not hide those behind it. */
  readonly last?: DueSeries | undefined
}

/**
 * Extends the due series after a place, at most `limit`, of one facility or of all, each in a transaction of its own.
 * Records recurring_booking.changed for each series that had something to book, and the events of each booking.
 */
export async function extendDue(
  tools: ExtendTools,
  limit: number,
  facilityId?: string,
  after?: DueSeries,
): Promise<Extended> {
  const due = await findDueSeries(tools.db, limit, facilityId, after)
  const failures: unknown[] = []
  let sum = none
  for (const { facility_id, id } of due) {
    try {
      sum = added(sum, await extendOne(tools, facility_id, id))
    } catch (error) {
      // A series that fails does not stop the others.
      failures.push(error)
    }
  }
  const rest = { ...(failures.length > 0 && { failures }), ...(due.length === limit && { last: due.at(-1) }) }
  return { series: due.length, ...sum, ...rest }
}

async function extendOne(tools: ExtendTools, facilityId: string, id: string): Promise<Counts> {
  const series = await findSeries(tools.db, facilityId, id)
  const caller = series && (await callerOf(tools.db, series.created_by))
  if (!series || !caller) return none
  const { occurrences, until } = nextWindow(series)
  const wish = wishOf(series)
  const prepared = await prepareOccurrences(tools.hooks, rightOf(caller, facilityId, wish), wish, occurrences)
  try {
    return await inOneTransaction(tools, series, until, prepared)
  } catch (error) {
    if (!isLimit(error)) throw error
  }
  // The facility's plan has not enough bookings left for all of them. Booked one by one, as many are made as it allows.
  let sum = none
  for (const each of prepared) sum = added(sum, await extendByOne(tools, series, each))
  return sum
}

/** The present right of the series' author, or the refusal when there is none any more. */
function rightOf(caller: Caller, facilityId: string, wish: SeriesWish): MayBook | Refusal {
  try {
    return requireMayBook(requireMember(caller, facilityId), wish)
  } catch (error) {
    if (isRefusal(error)) return error
    throw error
  }
}

async function extendByOne(tools: ExtendTools, { facility_id, id }: SeriesRow, each: Prepared): Promise<Counts> {
  const series = await findSeries(tools.db, facility_id, id)
  if (!series) return none
  const { occurrence } = each
  try {
    return await inOneTransaction(tools, series, occurrence.on, [each])
  } catch (error) {
    if (!isLimit(error)) throw error
    return inOneTransaction(tools, series, occurrence.on, [{ occurrence, asked: error }])
  }
}

async function inOneTransaction(
  { db, config }: ExtendTools,
  series: SeriesRow,
  until: string,
  prepared: readonly Prepared[],
): Promise<Counts> {
  const context = { environment: config.environment, correlationId: newId(), userId: jobsUserId }
  const { result } = await transact(db, context, (tx) => extend(tx, series, until, prepared))
  return result ? { booked: result.booked.length, skipped: result.skipped.length } : none
}

async function extend(
  tx: Tx,
  seen: SeriesRow,
  until: string,
  prepared: readonly Prepared[],
): Promise<SeriesReport | undefined> {
  const series = await lockSeries(tx, seen.facility_id, seen.id)
  if (series?.status !== "active" || !sameSeries(series, seen)) return undefined
  return withOffersAtTheEnd(tx, async () => {
    const planned = await planOccurrences(tx, prepared)
    const report = await takeOccurrences(tx, series.id, wishOf(series), planned)
    await keepReport(tx, series, report)
    const considered = planned.tooFarFrom === undefined ? until : daysAfter(planned.tooFarFrom, -1)
    const window = { windowDays: series.window_days, until: considered, now: series.now.getTime() }
    const extend_at = extendAt(patternOf(series), series.timezone, window)
    await changeSeries(tx, series, {
      considered_until: considered,
      extend_at,
      ...(extend_at === null && { status: "ended" }),
    })
    if (report.booked.length + report.skipped.length > 0) {
      const bookingIds = report.booked.map(({ booking }) => booking.id)
      const changed = { change: "extended", changedBy: jobsUserId } as const
      recordSeriesChanged(tx, series, changed, { bookingIds, skipped: report.skipped })
    }
    return report
  })
}

/** Whether it is as it was when its occurrences were prepared. */
const sameSeries = (one: SeriesRow, other: SeriesRow) =>
  one.considered_until === other.considered_until &&
  one.start_time === other.start_time &&
  one.duration_minutes === other.duration_minutes &&
  one.resource_id === other.resource_id

const wishOf = (series: SeriesRow) => ({
  resourceId: series.resource_id,
  bookingType: series.booking_type,
  bookerId: series.booker_id,
  participants: series.participants,
  paymentMethod: series.payment_method,
})

const none: Counts = { booked: 0, skipped: 0 }
const added = (one: Counts, other: Counts): Counts => ({
  booked: one.booked + other.booked,
  skipped: one.skipped + other.skipped,
})

const isLimit = (error: unknown): error is RuleBroken => error instanceof RuleBroken && error.code === "limit_reached"
