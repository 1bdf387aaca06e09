/**
 * Offers: a slot that became free is held for the first person who waits for it. Each slot is offered to one person at
 * a time, in the order of joining. The look along the queue goes on behind whatever cannot be served, so nobody who
 * may have the slot waits behind somebody who may not.
 * Guarantees: all offers of a facility are made under the lock of its waitlist, in the transaction that frees the slot.
 * An offer that fails never fails that transaction: the next person gets the offer. An offer fails when the rules
 * refuse it, when the plan's limit is reached, or when a part of the time is just being taken.
 */

import { isLockTimeout, limitWaits } from "#base/database/lock-waits.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound, RuleBroken } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { isCounted } from "#domain/booking/counted.ts"
import { recordHeld } from "#domain/booking/events.ts"
import type { FreedSlot } from "#domain/booking/freed-slot.ts"
import { newBookingOf, rowOf } from "#domain/booking/new-booking.ts"
import { planWithoutHooks } from "#domain/booking/plan.ts"
import type { BookingPlan } from "#domain/booking/planned.ts"
import type { Inserted } from "#domain/booking/rows.ts"
import { insertBooking, type NewBooking } from "#domain/booking/rows.ts"
import { standingRight } from "#domain/booking/standing-right.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import { type Candidate, head, nextWaiting, type QueuePlace } from "./candidates.ts"
import { recordEntryEnded, recordOffered } from "./events.ts"
import { bookingOfEntry } from "./input.ts"
import { lockWaitlist, markOffered, settleOffers } from "./rows.ts"

/** Offers of one transaction. */
const maxOffers = 50
/**
 * Looks of one transaction: entries, each on one of its resources. A look takes about a millisecond, and the waitlist
 * is locked meanwhile. The job waitlist-offers goes on from there, in transactions of its own.
 */
const maxLooks = 200
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
    const slots = freed.filter((each) => each.facilityId === facilityId)
    offers += (await offerIn(tx, facilityId, slots, head)).offers
  }
  return offers
}

export interface Looked {
  readonly offers: number
  /** Where the next transaction goes on; undefined: the end of the queue was reached. */
  readonly next: QueuePlace | undefined
}

/** Offers whatever is free in a facility and waited for, from a place in its queue on. */
export const offerEverything = (tx: Tx, facilityId: string, from: QueuePlace = head): Promise<Looked> =>
  offerIn(tx, facilityId, undefined, from)

async function offerIn(
  tx: Tx,
  facilityId: string,
  freed: readonly FreedSlot[] | undefined,
  from: QueuePlace,
): Promise<Looked> {
  // One round trip; the lock is a statement of its own, because a statement sees what was committed when it began.
  const [, ended, first] = await Promise.all([
    lockWaitlist(tx, facilityId).execute(),
    settleOffers(tx, facilityId),
    nextWaiting(tx, facilityId, freed, from),
  ])
  for (const entry of ended) recordEntryEnded(tx, entry)
  let place = from
  let offers = 0
  let looks = 0
  for (let candidate = first; candidate; candidate = await nextWaiting(tx, facilityId, freed, place)) {
    const result = await offer(tx, candidate)
    if (result === "offered") offers++
    place = placeAfter(candidate, result, place)
    if (++looks >= maxLooks || offers >= maxOffers) return { offers, next: place }
  }
  return { offers, next: undefined }
}

/** `not_there`: another resource may do. `not_at_all`: the wish is refused, whatever the resource. */
type Result = "offered" | "not_there" | "not_at_all"

function placeAfter({ seq, free_resource_id }: Candidate, result: Result, place: QueuePlace): QueuePlace {
  if (result !== "not_there") return { seq: seq + 1, tried: [] }
  return { seq, tried: [...(seq === place.seq ? place.tried : []), free_resource_id] }
}

/** Holds the slot for the candidate, if that can be. */
async function offer(tx: Tx, candidate: Candidate): Promise<Result> {
  const plan = await planFor(tx, candidate)
  if (typeof plan === "string") return plan
  if (plan.needsApproval) return "not_there"
  const untilStart = Math.floor((plan.span.start - plan.now) / 60_000)
  const holdMinutes = Math.min(candidate.offer_minutes, untilStart)
  if (holdMinutes < 1) return "not_at_all"
  const held = { status: "held", payment_method: null, hold_id: newId(), recurring_booking_id: null } as const
  const booking = newBookingOf({ ...plan, holdMinutes }, held)
  const inserted = await reserve(tx, booking)
  if (inserted === undefined) return "not_there"
  const hold = rowOf(plan, booking, inserted)
  const offeredAt = await markOffered(tx, candidate, hold.id)
  recordHeld(tx, hold)
  recordOffered(tx, candidate, hold, offeredAt)
  return "offered"
}

/** The plan as if the person that joined, or else the booker, asked now; or how it is refused. */
async function planFor(tx: Tx, candidate: Candidate): Promise<BookingPlan | Refused> {
  const { booker_id: bookerId, booking_type: bookingType, participants, start_at, end_at } = candidate
  const wish = { bookerId, bookingType, participants, startAt: start_at.toISOString(), endAt: end_at.toISOString() }
  const order = { ...wish, facilityId: candidate.facility_id, authorId: candidate.joined_by, isGranted: false }
  const mayBook = await standingRight(tx, order)
  if (mayBook instanceof Error) return "not_at_all"
  try {
    return await planWithoutHooks(tx, mayBook, bookingOfEntry(wish, candidate.free_resource_id), "offer")
  } catch (error) {
    if (isRefusal(error)) return refusesTheWish(error) ? "not_at_all" : "not_there"
    throw error
  }
}

type Refused = Exclude<Result, "offered">

/** Rules about the person and the time alone. Any other rule may say something else of another resource. */
const ofTheWish: ReadonlySet<string> = new Set([
  "starts_in_the_past",
  "outside_opening_hours",
  "lead_time_too_short",
  "too_far_ahead",
  "booking_restricted",
  "booker_is_booking",
  "member_limit_reached",
  "off_grid",
  "off_step",
  "too_long",
  "too_short",
])
const refusesTheWish = (error: Refusal) =>
  error instanceof NotAllowed ||
  error instanceof InvalidInput ||
  (error instanceof RuleBroken && ofTheWish.has(error.code))

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

type Refusal = RuleBroken | NotAllowed | NotFound | InvalidInput
const isRefusal = (error: unknown): error is Refusal =>
  error instanceof RuleBroken ||
  error instanceof NotAllowed ||
  error instanceof NotFound ||
  error instanceof InvalidInput
