/** Checks the right to a series, and locks the bookings that a scope means: the first step of every change. */
import { type Member, mayActFor } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound } from "#base/errors.ts"
import { lockBooking } from "#domain/booking/find.ts"
import { familyOf } from "#domain/booking/lock-own.ts"
import type { SeriesScope } from "./input.ts"
import { dayOfBooking, findTargets, lockSeries, type SeriesRow, type SeriesTarget } from "./rows.ts"

/** Whether the member may see a series of the facility: their own, their children's, or any as staff. */
export const isTheirSeries = (member: Member, series: SeriesRow): boolean =>
  member.isStaff || familyOf(member).includes(series.booker_id)

/**
 * Locks a series that the caller may change, then the bookings that the scope means, in one order and before any
 * change. So a command never waits for another transaction with half of its work done.
 * @throws NotFound, NotAllowed for a child's series without that permission
 */
export async function lockTargets(
  tx: Tx,
  member: Member,
  id: string,
  { scope, bookingId }: { readonly scope: SeriesScope; readonly bookingId?: string },
): Promise<{ series: SeriesRow; targets: readonly SeriesTarget[]; from: string | undefined }> {
  const { facilityId } = member
  const series = await lockSeries(tx, facilityId, id)
  if (!series || !isTheirSeries(member, series)) throw new NotFound("recurring booking", id)
  if (!member.isStaff && !mayActFor(member, series.booker_id, "book")) {
    throw new NotAllowed("You see this child's bookings, and may not make or change them.")
  }
  const named = scope === "all" ? undefined : bookingId?.toLowerCase()
  const from = named === undefined ? undefined : await dayOfBooking(tx, series, named)
  if (named !== undefined && from === undefined) throw new NotFound("booking of this series", named)
  const found = await findTargets(tx, series, scope, named)
  const inOrder = found.map(({ booking_id }) => booking_id).sort()
  await Promise.all(inOrder.map((each) => lockBooking(tx, facilityId, each)))
  // The bookings may have changed during the wait for their locks.
  return { series, targets: await findTargets(tx, series, scope, named), from }
}
