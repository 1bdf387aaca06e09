/**
 * The rolling window: books the occurrences that have come inside it since. Nobody is there to ask, so an occurrence
 * that cannot be booked is skipped and reported. A series that cannot go on at all waits, and its days are booked when
 * it can. The facility's administrators are told while its first day is still ahead.
 * A series is extended under its lock and only as far as it was prepared. So two passes at once never book a day twice.
 */
import { isMemberOf } from "#access/membership.ts"
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound, RuleBroken } from "#base/errors.ts"
import type { Hooks } from "#base/hooks.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import { withOffersAtTheEnd } from "#domain/booking/slots-freed.ts"
import { standingRight } from "#domain/booking/standing-right.ts"
import { transact } from "#events/outbox.ts"
import { type Planned, planOccurrences, takeOccurrences } from "./book.ts"
import { type Blocked, recordSeriesBlocked, recordSeriesChanged } from "./events.ts"
import { keepReport } from "./keep-report.ts"
import { type Prepared, prepareOccurrences, type Refusal } from "./prepare.ts"
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
  /** For good, or because the series cannot go on now. */
  readonly skipped: number
}
/** With the local day up to which the series was considered; undefined: it was not. */
type Pass = Counts & { readonly until?: string }
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
  if (!series) return none
  const { occurrences, until } = nextWindow(series)
  const wish = { ...wishOf(series), participants: await presentOf(tools.db, series) }
  const { created_by: authorId, is_granted: isGranted } = series
  const right = await standingRight(tools.db, { ...wish, facilityId, authorId, isGranted })
  const prepared = await prepareOccurrences(tools.hooks, right, wish, occurrences)
  try {
    return await inOneTransaction(tools, series, until, prepared)
  } catch (error) {
    if (!isLimit(error)) throw error
  }
  // The facility's plan has not enough bookings left for all of them, or too many would wait for approval at once.
  // Booked one by one, as many are made as are allowed.
  let sum = none
  for (const each of prepared) {
    const pass = await extendByOne(tools, series, each)
    sum = added(sum, pass)
    // This day waits, and the later ones behind it.
    if (pass.until === undefined || pass.until < each.occurrence.on) break
  }
  return sum
}

/** The participants without those who have left the facility: nobody is named anew who is no member. */
async function presentOf(db: Db, { facility_id, participants }: SeriesRow): Promise<SeriesRow["participants"]> {
  if (participants.length === 0) return participants
  const present = await db<{ id: string }[]>`
    select u.id from slotbase.users u join slotbase.facilities f on f.id = ${facility_id}
    where u.id = any (${participants.map(({ userId }) => userId)}::uuid[]) and ${isMemberOf(db, db`u.id`)}`
  return participants.filter(({ userId }) => present.some(({ id }) => id === userId))
}

async function extendByOne(tools: ExtendTools, { facility_id, id }: SeriesRow, each: Prepared): Promise<Pass> {
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
): Promise<Pass> {
  const context = { environment: config.environment, correlationId: newId(), userId: jobsUserId }
  const { result } = await transact(db, context, (tx) => extend(tx, series, until, prepared))
  return result ?? none
}

async function extend(
  tx: Tx,
  seen: SeriesRow,
  until: string,
  prepared: readonly Prepared[],
): Promise<Pass | undefined> {
  const series = await lockSeries(tx, seen.facility_id, seen.id)
  if (series?.status !== "active" || !sameSeries(series, seen)) return undefined
  return withOffersAtTheEnd(tx, async () => {
    const all = await planOccurrences(tx, prepared)
    const blocked = blockOf(all)
    const planned = blocked === undefined ? all : before(blocked.from, all)
    const report = await takeOccurrences(tx, series.id, wishOf(series), planned)
    await keepReport(tx, series, report)
    const considered = planned.tooFarFrom === undefined ? until : daysAfter(planned.tooFarFrom, -1)
    const window = { windowDays: series.window_days, until: considered, now: series.now.getTime() }
    const extend_at = extendAt(patternOf(series), series.timezone, window)
    await changeSeries(tx, series, {
      considered_until: considered,
      extend_at,
      blocked_code: blocked?.code ?? null,
      blocked_reason: blocked?.detail ?? null,
      blocked_from: blocked?.from ?? null,
      blocked_at: blocked === undefined ? null : (series.blocked_at ?? series.now),
      ...(extend_at === null && { status: "ended" }),
    })
    if (report.booked.length + report.skipped.length > 0) {
      const bookingIds = report.booked.map(({ booking }) => booking.id)
      const changed = { change: "extended", changedBy: jobsUserId } as const
      recordSeriesChanged(tx, series, changed, { bookingIds, skipped: report.skipped })
    }
    if (blocked && blocked.code !== series.blocked_code) recordSeriesBlocked(tx, series, blocked)
    const waiting = all.plans.length + all.refused.length - planned.plans.length - planned.refused.length
    return { booked: report.booked.length, skipped: report.skipped.length + waiting, until: considered }
  })
}

/** Why the series itself cannot go on, when that and not the day is the reason. */
function blockOf({ refused }: Planned): Blocked | undefined {
  for (const { occurrence, failure } of refused) {
    const why = reasonOf(failure)
    if (why) return { ...why, from: occurrence.on }
  }
  return undefined
}

function reasonOf(failure: Refusal): Omit<Blocked, "from"> | undefined {
  if (failure instanceof RuleBroken && ofTheSeries.has(failure.code)) {
    return { code: failure.code, detail: failure.message }
  }
  if (failure instanceof NotAllowed) return { code: "not_allowed", detail: failure.message }
  if (failure instanceof NotFound) return { code: "resource_gone", detail: "The resource can no longer be booked." }
  if (failure instanceof InvalidInput && failure.faults.some(({ path }) => path === "body.bookerId")) {
    return { code: "booker_left", detail: "The booker is no member of the facility any more." }
  }
  return undefined
}

const ofTheSeries = new Set(["booker_left", "key_ended", "booking_restricted", "series_not_paid_online"])

/** The days before the first one that waits. */
const before = (from: string, { plans, refused }: Planned): Planned => ({
  plans: plans.filter(({ occurrence }) => occurrence.on < from),
  refused: refused.filter(({ occurrence }) => occurrence.on < from),
  tooFarFrom: from,
})

/** Whether it is as it was when its occurrences were prepared. */
const sameSeries = (one: SeriesRow, other: SeriesRow) =>
  one.considered_until === other.considered_until &&
  one.start_time === other.start_time &&
  one.duration_minutes === other.duration_minutes &&
  one.end_time === other.end_time &&
  one.resource_id === other.resource_id

const wishOf = (series: SeriesRow) => ({
  resourceId: series.resource_id,
  bookingType: series.booking_type,
  bookerId: series.booker_id,
  participants: series.participants,
  paymentMethod: series.payment_method,
  details: { title: series.title, note: series.note, answers: series.answers },
})

const none: Counts = { booked: 0, skipped: 0 }
const added = (one: Counts, other: Counts): Counts => ({
  booked: one.booked + other.booked,
  skipped: one.skipped + other.skipped,
})

const isLimit = (error: unknown): error is RuleBroken =>
  error instanceof RuleBroken && (error.code === "limit_reached" || error.code === "too_many_holds")
