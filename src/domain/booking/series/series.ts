/**
 * Recurring bookings: a rule in local time whose occurrences are real bookings, made ahead for a rolling window.
 * Cancelling and moving are in `cancel.ts` and `reschedule.ts`, the window in `extend.ts`.
 * Guarantees: each day of the rule is considered once. Without skipConflicts one occurrence that cannot be booked
 * refuses all, and nothing is written.
 */

import * as Schema from "effect/Schema"
import type { Member } from "#access/caller.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound, OccurrencesRefused, RuleBroken } from "#base/errors.ts"
import type { Hooks } from "#base/hooks.ts"
import { newId } from "#base/ids.ts"
import { localDateOf } from "#base/local-days.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { familyOf, requireMayPay } from "#domain/booking/lock-own.ts"
import { type MayBook, requireMayBook } from "#domain/booking/may-book.ts"
import type { BookingPlan } from "#domain/booking/planned.ts"
import { withOffersAtTheEnd } from "#domain/booking/slots-freed.ts"
import { noteChange } from "#events/audit.ts"
import {
  type RecurringBooking,
  type RecurringReport,
  type RecurringWithOccurrences,
  toOccurrence,
  toReport,
  toSeries,
} from "./answer.ts"
import { type Planned, planOccurrences, reported, takeOccurrences } from "./book.ts"
import { recordSeriesCreated } from "./events.ts"
import { defaultWindowDays, maxOccurrences, type RecurringInput, type RecurringQuery } from "./input.ts"
import { keepReport } from "./keep-report.ts"
import { isTheirSeries } from "./lock-own.ts"
import { minutesBetween, type Pattern } from "./occurrences.ts"
import { type Prepared, prepareOccurrences } from "./prepare.ts"
import { findManySeries, findOccurrences, findSeries, insertSeries } from "./rows.ts"
import { ruleOf } from "./rule.ts"
import { daysAfter, extendAt, firstWindow } from "./window.ts"

/** A series that is ready to be booked: its first days, each as the before hooks left it. */
export interface PreparedSeries {
  readonly pattern: Pattern & { readonly endTime: string | null }
  readonly timezone: string
  readonly now: number
  readonly until: string
  readonly prepared: readonly Prepared[]
}

/** The right to book a series: to book and to pay each of its bookings. Throws NotAllowed, InvalidInput. */
export function requireMayRecur(member: Member, input: RecurringInput): MayBook {
  const mayBook = requireMayBook(member, input)
  requireMayPay(member, input.paymentMethod)
  return mayBook
}

/**
 * The first part of a series, before the transaction opens: its first bookings, and the answers of the before hooks.
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken (series_starts_in_the_past, no_occurrences)
 */
export async function prepareSeries(
  db: Db,
  hooks: Hooks | undefined,
  mayBook: MayBook,
  input: RecurringInput,
): Promise<PreparedSeries> {
  const { facilityId } = mayBook.member
  const [facility] = await db<{ timezone: string; now: Date }[]>`
    select timezone, slotbase.now() as now from slotbase.facilities where id = ${facilityId}`
  if (!facility) throw new NotFound("facility", facilityId)
  const { timezone } = facility
  const now = facility.now.getTime()
  const { startDate, windowDays = defaultWindowDays } = input
  const pattern = { rule: ruleOf(input.rule), startDate, ...timesOf(input) }
  if (startDate < localDateOf(timezone, now)) {
    const fault = { path: "body.startDate", message: "is in the past" }
    throw new RuleBroken("series_starts_in_the_past", "The series would have begun already.", [fault])
  }
  const { occurrences, until } = firstWindow(pattern, timezone, windowDays, now)
  if (occurrences.length === 0 || occurrences.length > maxOccurrences) {
    const message = `The rule names ${occurrences.length} days until ${until}; a series has from 1 to ${maxOccurrences} there.`
    throw new RuleBroken("no_occurrences", message, [{ path: "body.rule", message: "names no day of the window" }])
  }
  return { pattern, timezone, now, until, prepared: await prepareOccurrences(hooks, mayBook, input, occurrences) }
}

/**
 * Books a series: its occurrences inside the window now, the others as the window moves on. Records
 * recurring_booking.created, and for each booking the events of a single booking.
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken, OccurrencesRefused
 */
export async function createSeries(
  tx: Tx,
  member: Member,
  input: RecurringInput,
  { pattern, timezone, now, until, prepared }: PreparedSeries,
): Promise<RecurringReport> {
  const { caller, facilityId } = member
  requireMayPay(member, input.paymentMethod)
  const planned = await planOccurrences(tx, prepared)
  const first = firstPlanOf(planned, input.resourceId)
  const considered = planned.tooFarFrom === undefined ? until : daysAfter(planned.tooFarFrom, -1)
  const { windowDays = defaultWindowDays, skipConflicts = false } = input
  const key = { id: newId(), facility_id: facilityId }
  return withOffersAtTheEnd(tx, async () => {
    await insertSeries(tx, {
      ...key,
      resource_id: first.resource.id,
      booking_type: first.bookingType,
      booker_id: first.booker.id,
      participants: first.participants.map(({ userId, role }) => ({ userId, role })),
      payment_method: input.paymentMethod,
      ...first.details,
      rule: input.rule,
      start_date: input.startDate,
      start_time: input.startTime,
      duration_minutes: pattern.durationMinutes,
      end_time: pattern.endTime,
      is_granted: member.isStaff,
      window_days: windowDays,
      considered_until: considered,
      extend_at: extendAt(pattern, timezone, { windowDays, until: considered, now }),
      created_by: caller.userId,
    })
    const report = await takeOccurrences(tx, key.id, input, planned)
    if (report.booked.length === 0 || (report.skipped.length > 0 && !skipConflicts)) {
      throw new OccurrencesRefused(report.skipped)
    }
    await keepReport(tx, key, report)
    const series = await findSeries(tx, facilityId, key.id)
    if (!series) throw new Error("createSeries: the series is not there")
    noteChange(tx, { after: { paymentMethod: input.paymentMethod, rule: input.rule, startDate: input.startDate } })
    recordSeriesCreated(tx, series, {
      bookingIds: report.booked.map(({ booking }) => booking.id),
      skipped: report.skipped,
    })
    return toReport(series, report)
  })
}

/** Series, the oldest first; members see their own and their children's. Throws NotAllowed. */
export async function listSeries(
  db: Queryable,
  member: Member,
  query: RecurringQuery,
): Promise<Page<RecurringBooking>> {
  const { facilityId, isStaff: staff } = member
  const asked = query.bookerId?.toLowerCase()
  if (!staff && asked !== undefined && !familyOf(member).includes(asked)) {
    throw new NotAllowed("Members see their own series and their children's.")
  }
  const bookerIds = asked !== undefined ? [asked] : staff ? undefined : familyOf(member)
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? []
  const { bookerId: _, after: __, limit: ___, ...filter } = query
  const rows = await findManySeries(db, facilityId, { ...filter, bookerIds, after, limit: limit + 1 })
  return pageOf(rows, limit, (row) => [row.id], toSeries)
}

/** A series with its days from today on. Throws NotFound. */
export async function getSeries(db: Queryable, member: Member, id: string): Promise<RecurringWithOccurrences> {
  const { facilityId } = member
  const series = await findSeries(db, facilityId, id)
  if (!series || !isTheirSeries(member, series)) throw new NotFound("recurring booking", id)
  const today = localDateOf(series.timezone, series.now.getTime())
  const occurrences = await findOccurrences(db, series, today, maxOccurrences)
  return { ...toSeries(series), occurrences: occurrences.map(toOccurrence) }
}

/** The times of a checked input, which gives either a length or an end. */
const timesOf = ({ startTime, durationMinutes, endTime }: RecurringInput) =>
  endTime === undefined
    ? { startTime, durationMinutes: durationMinutes ?? 0, endTime: null }
    : { startTime, durationMinutes: minutesBetween(startTime, endTime), endTime }

/**
 * The plan of the first occurrence that can be booked. Throws the error itself when it concerns the request as a whole,
 * and OccurrencesRefused when nothing can be booked.
 */
function firstPlanOf({ plans, refused, tooFarFrom }: Planned, resourceId: string): BookingPlan {
  const ofRequest = refused.find(
    ({ failure }) =>
      failure instanceof NotFound ||
      failure instanceof NotAllowed ||
      failure instanceof InvalidInput ||
      (failure instanceof RuleBroken && failure.code === "series_not_paid_online"),
  )
  if (ofRequest) throw ofRequest.failure
  const [first] = plans
  if (first) return first.plan
  if (refused.length === 0 && tooFarFrom !== undefined) {
    throw new RuleBroken(
      "too_far_ahead",
      `The first occurrence is further ahead than members may book: ${tooFarFrom}.`,
      [{ path: "body.startDate", message: "is too far ahead" }],
    )
  }
  throw new OccurrencesRefused(reported(refused, resourceId))
}
