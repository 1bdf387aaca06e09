/**
 * Decides what stays of the bookings that a change of law moved: their local time, or their instant. All bookings of
 * a facility are decided in one transaction. Nothing is priced anew.
 */
import type { Tx } from "#base/database/transaction.ts"
import { rootUserId } from "#base/ids.ts"
import type { LockedBooking } from "#domain/booking/booking-row.ts"
import { recordLocalTimeChanged, recordRescheduled } from "#domain/booking/change-events.ts"
import { coachOf, lockCoach } from "#domain/booking/coach-time.ts"
import { lockBooking } from "#domain/booking/find.ts"
import { freedSlotOf } from "#domain/booking/holds-ended.ts"
import { linesOf } from "#domain/booking/price-lines.ts"
import { agreeAnew, changeTime, lockMoves, type Move, occupyWithCoach, vacate } from "#domain/booking/rows.ts"
import { afterSlotsFreed } from "#domain/booking/slots-freed.ts"
import { strikeWithin } from "#domain/closures/struck.ts"
import { shiftSessions } from "#domain/coaching/sessions/rows.ts"
import { audit } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { type Unsettled, unsettledBookings } from "./standing.ts"

/** `wall-time`: the booking stays at 18:00, and its instant moves. `instant`: it is at another time by the clock. */
export type Keep = "wall-time" | "instant"

/** A booking whose agreed local time has been taken since, so that it can't move there. */
export interface Blocked {
  readonly bookingId: string
  readonly agreedStart: string
}

export class AgreedTimesTaken extends Error {
  readonly _tag = "AgreedTimesTaken"
  constructor(readonly blocked: readonly Blocked[]) {
    const first = blocked.map(({ bookingId, agreedStart }) => `  ${bookingId} at ${agreedStart}`).slice(0, maxNamed)
    super(
      `Nothing was changed: ${blocked.length} bookings can't keep their local time, because another has it now. Move or cancel these first:\n${first.join("\n")}`,
    )
  }
}

const maxNamed = 20

/**
 * Answers how many bookings were decided. Records booking.rescheduled for each that moves, booking.local_time_changed
 * for each that stays at its instant, and facility.settings_updated once. Records booking.struck for those in time that
 * is not open.
 * @throws AgreedTimesTaken: nothing is written
 */
export async function settleZone(tx: Tx, facilityId: string, keep: Keep): Promise<number> {
  await lockMoves(tx, facilityId)
  const open: { readonly booking: LockedBooking; readonly as: Unsettled }[] = []
  for await (const as of unsettledBookings(tx, facilityId))
    open.push({ as, booking: await lockBooking(tx, facilityId, as.bookingId) })
  const standing = open.filter(({ booking }) => booking.status === "confirmed" || booking.status === "pending")
  if (standing.length === 0) return 0
  if (keep === "wall-time") await moveAll(tx, standing)
  else for (const { booking, as } of standing) await keepInstant(tx, booking, as)
  // Closures keep their instants and opening hours their local times: another time may be closed.
  await strikeWithin(tx, { facilityId })
  record(tx, {
    type: "facility.settings_updated",
    facilityId,
    data: { facilityId, changedSettings: ["localTimes"], changedBy: rootUserId },
  })
  audit(tx, { action: "zone.settled", facilityId, subjectId: facilityId, after: { keep, bookings: standing.length } })
  return standing.length
}

type Standing = { readonly booking: LockedBooking; readonly as: Unsettled }

/** All places are left before the first is taken: neighbours move into each other's time. */
async function moveAll(tx: Tx, standing: readonly Standing[]): Promise<void> {
  const coaches = new Map<string, string>()
  for (const { booking } of standing) {
    const coachId = booking.booking_type === "coach_block" ? booking.booker_id : await coachOf(tx, booking)
    if (coachId !== undefined) coaches.set(booking.id, coachId)
  }
  for (const coachId of [...new Set(coaches.values())].sort()) await lockCoach(tx, coachId)
  for (const { booking } of standing) await vacate(tx, booking)
  const blocked: Blocked[] = []
  for (const { booking, as } of standing) {
    const to = placeOf(booking, as)
    if (await occupyWithCoach(tx, { ...booking, ...to }, coaches.get(booking.id))) await finishMove(tx, booking, to)
    else blocked.push(as)
  }
  if (blocked.length > 0) throw new AgreedTimesTaken(blocked)
  await afterSlotsFreed(
    tx,
    standing.map(({ booking }) => freedSlotOf(booking)),
  )
}

const placeOf = (booking: LockedBooking, { movedTo }: Unsettled): Move => ({
  resource_id: booking.resource_id,
  resource_name: booking.resource_name,
  start_at: new Date(movedTo.start),
  end_at: new Date(movedTo.end),
  buffer_minutes: booking.buffer_minutes,
  price_amount: booking.price_amount,
  price_lines: linesOf(booking),
  forfeited_amount: booking.forfeited_amount,
  cancellation_policy: booking.cancellation_policy,
})

async function finishMove(tx: Tx, booking: LockedBooking, to: Move): Promise<void> {
  const moved = await changeTime(tx, booking, to)
  await shiftSessions(tx, booking, to.start_at.getTime() - booking.start_at.getTime())
  if (booking.booking_type !== "coach_block")
    recordRescheduled(tx, booking, moved, rootUserId, { refund: 0, forfeited: 0 })
}

async function keepInstant(tx: Tx, booking: LockedBooking, as: Unsettled): Promise<void> {
  await agreeAnew(tx, booking)
  recordLocalTimeChanged(tx, booking, as)
}
