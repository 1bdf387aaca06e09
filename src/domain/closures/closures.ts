/**
 * Closures: a holiday, a repair, a tournament of others. Closed time cannot be booked, and availability says `blocked`.
 * Earlier bookings stay and are reported in the answer. They are struck: their bookers are told, and may cancel without
 * loss. They are cancelled only on request.
 * A holiday is a closure of a whole local day. `club/closure-rows.ts` writes the rows.
 */
import * as Schema from "effect/Schema"
import type { Admin, Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotFound, RuleBroken } from "#base/errors.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Instant } from "#base/schema/request-fields.ts"
import { afterSlotsFreed, withOffersAtTheEnd } from "#domain/booking/slots-freed.ts"
import type { Judged } from "#domain/booking/struck/answer.ts"
import type { ClosureInput } from "#domain/club/closure-input.ts"
import {
  type ClosureRow,
  type Days,
  deleteClosure,
  findClosure,
  findClosures,
  findLatestClosures,
  insertClosure,
  spanOfDays,
} from "#domain/club/closure-rows.ts"
import { countUpFacility } from "#domain/club/facilities.ts"
import { countUpResources } from "#domain/club/resources.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { lockFacility } from "#events/scope.ts"
import { BookingInside, bookingsInside, cancelInside } from "./inside.ts"
import { strikeWithin } from "./struck.ts"

export const Closure = Schema.Struct({
  id: Id,
  facilityId: Id,
  startAt: Instant,
  endAt: Instant,
  startDate: Schema.NullOr(Schema.String).annotate({ description: "of a closure of whole local days: the first" }),
  endDate: Schema.NullOr(Schema.String).annotate({ description: "and the last, included" }),
  resourceIds: Schema.Array(Id).annotate({ description: "what is closed; empty: the whole facility" }),
  reason: Schema.String,
  createdBy: Id,
  createdAt: Instant,
})
export type Closure = typeof Closure.Type

export const ClosureReport = Schema.Struct({
  ...Closure.fields,
  bookings: Schema.NullOr(Schema.Array(BookingInside)).annotate({
    description: "for staff: the first 200 that stand in this time; null for other members",
  }),
  bookingCount: Schema.NullOr(Schema.Int),
})
export type ClosureReport = typeof ClosureReport.Type

export const NewClosure = Schema.Struct({ ...ClosureReport.fields, cancelledBookingIds: Schema.Array(Id) })
export type NewClosure = typeof NewClosure.Type

/**
 * Closes a facility or some of its resources.
 * Records `facility.closure.created`, `booking.struck`, and with `cancelBookings` the events of the cancellations.
 * @throws NotFound, InvalidInput, RuleBroken (closure_in_the_past, too_many_bookings)
 */
export async function createClosure(tx: Tx, admin: Admin, input: ClosureInput): Promise<NewClosure> {
  const { caller, facilityId } = admin
  const { timezone, now, scope } = await lockFacility(tx, facilityId)
  const days = daysOf(input)
  const span = days ? spanOfDays(timezone, days) : spanOf(input)
  if (span.end <= now.getTime()) {
    const where = [{ path: days ? "body.endDate" : "body.endAt", message: "is in the past" }]
    throw new RuleBroken("closure_in_the_past", "The time to close is over already.", where)
  }
  const resourceIds = await closeResources(tx, facilityId, input.resourceIds)
  const { reason } = input
  const row = await insertClosure(tx, { facilityId, span, days, resourceIds, reason, createdBy: caller.userId })
  const { id: closureId, startAt, endAt } = closureOf(row)
  const createdBy = caller.userId
  record(tx, {
    type: "facility.closure.created",
    ...scope,
    data: { closureId, facilityId, resourceIds, startAt, endAt, reason, createdBy },
  })
  const cancelledBookingIds = input.cancelBookings
    ? await withOffersAtTheEnd(tx, () => cancelInside(tx, admin, row))
    : []
  await strikeWithin(tx, judgedOf(row))
  // Without the bookings inside, which name people.
  noteChange(tx, { after: { ...closureOf(row), cancelledBookingIds } })
  return { ...closureOf(row), ...(await bookingsInside(tx, row)), cancelledBookingIds }
}

/**
 * Opens the closed time again, and offers it to waiting people. Records `facility.closure.removed`.
 * Throws NotFound.
 */
export async function removeClosure(tx: Tx, admin: Admin, id: string): Promise<void> {
  const { caller, facilityId } = admin
  const { now, scope } = await lockFacility(tx, facilityId)
  const row = await deleteClosure(tx, facilityId, id)
  if (!row) throw new NotFound("closure", id)
  const removed = closureOf(row)
  const { resourceIds, startAt, endAt } = removed
  noteChange(tx, { before: removed })
  await closeResources(tx, facilityId, row.whole_facility ? undefined : resourceIds)
  const data = { closureId: id, facilityId, resourceIds, startAt, endAt, removedBy: caller.userId }
  record(tx, { type: "facility.closure.removed", ...scope, data })
  await strikeWithin(tx, judgedOf(row))
  if (row.end_at <= now) return
  const opened = await tx<{ id: string }[]>`
    select id from slotbase.resources
    where facility_id = ${facilityId} and is_active ${row.whole_facility ? tx`` : tx`and id = any (${[...resourceIds]}::uuid[])`}
    order by id`
  const stretch = { facilityId, startAt: new Date(Math.max(row.start_at.getTime(), now.getTime())), endAt: row.end_at }
  await afterSlotsFreed(
    tx,
    opened.map(({ id: resourceId }) => ({ ...stretch, resourceId })),
  )
}

/** A booking that saw no closure commits within this time after the closure. The job runs once a minute. */
const latestMinutes = 5
const maxLatest = 100

/**
 * Strikes the bookings of the latest closures, of a facility or of all. A booking that was made or moved at the instant
 * of a closure may not have seen it, nor the closure the booking. Answers how many were struck. Records booking.struck.
 */
export async function strikeLatest(tx: Tx, facilityId?: string): Promise<number> {
  let struck = 0
  for (const row of await findLatestClosures(tx, latestMinutes, maxLatest, facilityId)) {
    struck += (await strikeWithin(tx, judgedOf(row))).count
  }
  return struck
}

export const ClosureQuery = Schema.Struct({
  ...pageQuery,
  resourceId: Schema.optionalKey(Id),
  from: Schema.optionalKey(Instant).annotateKey({ description: "closures that end after this instant" }),
  to: Schema.optionalKey(Instant).annotateKey({ description: "closures that start before this instant" }),
})

/** By start. */
export async function listClosures(
  db: Queryable,
  member: Member,
  query: typeof ClosureQuery.Type,
): Promise<Page<Closure>> {
  const { facilityId } = member
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Instant, Id]))
  const rows = await findClosures(db, facilityId, { ...query, after, limit: limit + 1 })
  return pageOf(rows, limit, (row) => [row.start_at.toISOString(), row.id], closureOf)
}

/** A closure, and for staff the bookings in its time. Throws NotFound. */
export async function getClosure(db: Queryable, member: Member, id: string): Promise<ClosureReport> {
  const { facilityId } = member
  const row = await findClosure(db, facilityId, id)
  if (!row) throw new NotFound("closure", id)
  const report = member.isStaff ? await bookingsInside(db, row) : { bookings: null, bookingCount: null }
  return { ...closureOf(row), ...report }
}

/**
 * Invalidates the cached days of the closed or opened resources. Returns the ids, sorted; empty: the whole facility.
 */
async function closeResources(tx: Tx, facilityId: string, given: readonly string[] | undefined): Promise<string[]> {
  if (given === undefined) {
    await countUpFacility(tx, facilityId)
    return []
  }
  const found = await countUpResources(tx, facilityId, given)
  const faults = given.flatMap((id, i) =>
    found.includes(id.toLowerCase()) ? [] : [{ path: `body.resourceIds.${i}`, message: "names nothing" }],
  )
  if (faults.length > 0) throw new InvalidInput(faults)
  return found
}

const daysOf = ({ startDate, endDate = startDate }: ClosureInput): Days | undefined =>
  startDate === undefined || endDate === undefined ? undefined : { first: startDate, last: endDate }

const spanOf = ({ startAt = "", endAt = "" }: ClosureInput) => ({ start: Date.parse(startAt), end: Date.parse(endAt) })

/** The bookings that a closure concerns. */
const judgedOf = (row: ClosureRow): Judged => ({
  facilityId: row.facility_id,
  span: { start: row.start_at.getTime(), end: row.end_at.getTime() },
  ...(!row.whole_facility && { resourceIds: row.resource_ids }),
})

const closureOf = (row: ClosureRow): Closure => ({
  id: row.id,
  facilityId: row.facility_id,
  startAt: row.start_at.toISOString(),
  endAt: row.end_at.toISOString(),
  startDate: row.first_day,
  endDate: row.last_day,
  resourceIds: row.resource_ids,
  reason: row.reason,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
})
