/**
 * Offers: a slot that became free is held for the first person who waits for it. Each slot is offered to one person at
 * a time, in the order of joining.
 * Guarantees: all offers of a facility are made under the lock of its waitlist, in the transaction that frees the slot.
 * An offer that fails never fails that transaction: the next person gets the offer. An offer fails when the rules
 * refuse it, when the plan's limit is reached, or when a part of the time is just being taken.
 */

import { callerOf, requireMember } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound, RuleBroken } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { isCounted } from "#domain/booking/counted.ts"
import { recordHeld } from "#domain/booking/events.ts"
import type { FreedSlot } from "#domain/booking/freed-slot.ts"
import { requireMayBook } from "#domain/booking/may-book.ts"
import { newBookingOf, rowOf } from "#domain/booking/new-booking.ts"
import { planWithoutHooks } from "#domain/booking/plan.ts"
import type { BookingPlan } from "#domain/booking/planned.ts"
import type { Inserted } from "#domain/booking/rows.ts"
import { insertBooking, type NewBooking } from "#domain/booking/rows.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import { type Candidate, nextWaiting, type Passed } from "./candidates.ts"
import { recordEntryEnded, recordOffered } from "./events.ts"
import { bookingOfEntry } from "./input.ts"
import { lockWaitlist, markOffered, settleOffers } from "./rows.ts"

/** Candidates considered in one transaction; the job waitlist-offers goes on with the rest. */
const maxCandidates = 50
/**
 * An offer is not made when another transaction is just taking its time. A longer wait could last for ever: the other
 * transaction may be waiting for the waitlist. Below PostgreSQL's deadlock_timeout (1 s), so the offer always gives
 * way.
 */
const insertWaitMs = 200

/** Offers what overlaps these stretches and is free now; answers how many offers were made. */
export async function offerFreed(tx: Tx, freed: readonly FreedSlot[]): Promise<number> {
  let offers = 0
  // In one order, so that two transactions that free slots in several facilities never deadlock.
  for (const facilityId of [...new Set(freed.map((each) => each.facilityId))].sort()) {
    offers += await offerIn(
      tx,
      facilityId,
      freed.filter((each) => each.facilityId === facilityId),
    )
  }
  return offers
}

/** Offers whatever is free in a facility and waited for. */
export const offerEverything = (tx: Tx, facilityId: string): Promise<number> => offerIn(tx, facilityId, undefined)

async function offerIn(tx: Tx, facilityId: string, freed: readonly FreedSlot[] | undefined): Promise<number> {
  // One round trip; the lock is a statement of its own, because a statement sees what was committed when it began.
  const [, ended, first] = await Promise.all([
    lockWaitlist(tx, facilityId).execute(),
    settleOffers(tx, facilityId),
    nextWaiting(tx, facilityId, freed, []),
  ])
  for (const entry of ended) recordEntryEnded(tx, entry)
  const passed: Passed[] = []
  let offers = 0
  for (let candidate = first; candidate; candidate = await nextWaiting(tx, facilityId, freed, passed)) {
    if (await offer(tx, candidate)) offers++
    else passed.push({ id: candidate.id, free_resource_id: candidate.free_resource_id })
    if (offers + passed.length >= maxCandidates) break
  }
  return offers
}

/** Holds the slot for the candidate; false when that cannot be. */
async function offer(tx: Tx, candidate: Candidate): Promise<boolean> {
  const plan = await planFor(tx, candidate)
  if (plan === undefined || plan.needsApproval) return false
  const untilStart = Math.floor((plan.span.start - plan.now) / 60_000)
  const holdMinutes = Math.min(candidate.offer_minutes, untilStart)
  if (holdMinutes < 1) return false
  const held = { status: "held", payment_method: null, hold_id: newId(), recurring_booking_id: null } as const
  const booking = newBookingOf({ ...plan, holdMinutes }, held)
  const inserted = await reserve(tx, booking)
  if (inserted === undefined) return false
  const hold = rowOf(plan, booking, inserted)
  const offeredAt = await markOffered(tx, candidate, hold.id)
  recordHeld(tx, hold)
  recordOffered(tx, candidate, hold, offeredAt)
  return true
}

/** The plan as if the person that joined asked now, with their present rights; undefined when it is refused. */
async function planFor(tx: Tx, candidate: Candidate): Promise<BookingPlan | undefined> {
  const caller = await callerOf(tx, candidate.joined_by)
  if (caller === undefined) return undefined
  const { booker_id: bookerId, booking_type: bookingType, participants, start_at, end_at } = candidate
  const wish = { bookerId, bookingType, participants, startAt: start_at.toISOString(), endAt: end_at.toISOString() }
  try {
    const mayBook = requireMayBook(requireMember(caller, candidate.facility_id), wish)
    return await planWithoutHooks(tx, mayBook, bookingOfEntry(wish, candidate.free_resource_id), "offer")
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
}

/**
 * Takes the slot, in a savepoint. Undefined, and nothing is written, when the slot is not free or the facility's plan
 * has no booking left.
 */
async function reserve(tx: Tx, booking: NewBooking): Promise<Inserted | undefined> {
  try {
    return await tx.savepoint(async (inner) => {
      const [, inserted] = await Promise.all([
        limitWaits(inner, insertWaitMs).execute(),
        insertBooking(inner, booking),
        lockCounter(inner, booking.facility_id),
        limitWaits(inner, 0),
      ])
      // Through the outer transaction, which knows whose event a warning would be.
      if (inserted && isCounted(booking)) await useEntitlement(tx, booking.facility_id, "bookings_per_month")
      return inserted
    })
  } catch (error) {
    if (isRefusal(error) || isLockTimeout(error)) return undefined
    throw error
  }
}

/**
 * Ahead of `useEntitlement`, so that it does not wait: a transaction that has the counter may be waiting for the
 * waitlist.
 */
const lockCounter = (tx: Tx, facilityId: string) => tx`
  select from slotbase.entitlement_counters
  where facility_id = ${facilityId} and entitlement = 'bookings_per_month' for no key update`

const limitWaits = (tx: Tx, ms: number) => tx`select set_config('lock_timeout', ${`${ms}ms`}, true)`

const isRefusal = (error: unknown) =>
  error instanceof RuleBroken ||
  error instanceof NotAllowed ||
  error instanceof NotFound ||
  error instanceof InvalidInput

const isLockTimeout = (error: unknown) => error instanceof Error && "code" in error && error.code === "55P03"
