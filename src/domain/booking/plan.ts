/**
 * From a request to a booking that may be made. One statement reads the facts, then the price and the facility's rules
 * are applied. Nothing is written here. A free slot is not a rule but a constraint: see `take-slot.ts`.
 */
import type { Member } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotFound } from "#base/errors.ts"
import type { Hooked } from "#base/hooks.ts"
import { unitOf } from "#base/money.ts"
import { requireEntitlement } from "#domain/plans/entitlements.ts"
import type { Participant } from "./booking-row.ts"
import { type BookingInput, type HoldInput, spanOf } from "./input.ts"
import { familyOf } from "./lock-own.ts"
import { type MayBook, requireMayBook } from "./may-book.ts"
import { type CompletePlanFacts, type PlanFacts, readPlanFacts } from "./plan-facts.ts"
import type { BookingPlan } from "./planned.ts"
import { tariffOf } from "./prices.ts"
import { checkLimits, checkRules } from "./rules.ts"

/**
 * The plan of a new booking. The facility's limits bind members. Only its hours and closures bind staff and API keys.
 * @param wanted what is asked for, as the before hooks left it
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken
 */
export async function planBooking(
  tx: Tx,
  mayBook: MayBook,
  { input }: Hooked<BookingInput | HoldInput>,
): Promise<BookingPlan> {
  const { member } = rightTo(input, mayBook)
  const limited = !member.isStaff
  const mayWait = !("paymentMethod" in input) || input.paymentMethod === "online"
  return plan(tx, member, input, { limited, limitsHolds: limited && mayWait })
}

/**
 * The plan of a booking that moves, of a wish for the waitlist, or of an offer from the waitlist. None of them counts
 * as one more slot that the member keeps waiting. No before hook runs for a move or a wish; for an offer the hooks run
 * when it is accepted.
 * @param booked the people of a booking that moves: they stay in it, also after they have left the facility
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken
 */
export async function planWithoutHooks(
  tx: Tx,
  mayBook: MayBook,
  input: BookingInput | HoldInput,
  booked: readonly string[] = [],
): Promise<BookingPlan> {
  const { member } = rightTo(input, mayBook)
  return plan(tx, member, input, { limited: !member.isStaff, limitsHolds: false, booked })
}

/** The plan for a member whose right has been checked elsewhere. As for staff, no limits apply. */
export const planTrusted = (
  tx: Tx,
  member: Member,
  { input }: Hooked<BookingInput | HoldInput>,
): Promise<BookingPlan> => plan(tx, member, input, { limited: false, limitsHolds: false })

/** A before hook may have changed the booker or the type of the booking: then the right is checked again. */
const rightTo = (input: HoldInput, mayBook: MayBook): MayBook =>
  mayBook.covers(input) ? mayBook : requireMayBook(mayBook.member, input)

async function plan(
  tx: Tx,
  member: Member,
  input: BookingInput | HoldInput,
  { limited, limitsHolds, booked = [] }: { limited: boolean; limitsHolds: boolean; booked?: readonly string[] },
): Promise<BookingPlan> {
  const { caller, facilityId } = member
  const bookerId = input.bookerId?.toLowerCase() ?? caller.userId
  const mayName = [...familyOf(member), ...booked]
  const found = required(
    await readPlanFacts(tx, facilityId, input, { bookerId, limited, limitsHolds, mayName }),
    facilityId,
    input,
  )
  const span = spanOf(input)
  const bookingType = input.bookingType ?? "open_play"
  const { priceOf } = tariffOf({
    resourceId: found.resource_id,
    bookingType,
    hourlyPrice: found.hourly_price,
    timezone: found.timezone,
    rules: found.price_rules,
    unit: unitOf(found.currency),
  })
  const made: BookingPlan = {
    facilityId: found.facility_id,
    timezone: found.timezone,
    currency: found.currency,
    openingHours: found.opening_hours,
    slotMinutes: found.slot_minutes,
    holdMinutes: found.hold_minutes,
    resource: { id: found.resource_id, name: found.resource_name, type: found.resource_type },
    booker: { id: found.booker_id, name: found.booker_name, email: found.booker_email },
    participants: participantsOf(input, found.people),
    bookingType,
    span,
    price: priceOf(span),
    needsApproval: limited && isApproved(found, bookingType),
    cancellationPolicy: found.cancellation_policy ?? [],
    isLimited: found.is_limited,
    isFirstOfBooker: found.is_uncounted,
    createdBy: caller.userId,
    now: found.now.getTime(),
  }
  checkRules(made, found)
  if (limited) checkLimits(made, found)
  // Staff always fit people in. A person who only registered has no place yet, and needs one from here on.
  if (limited && made.isFirstOfBooker) await requireEntitlement(tx, facilityId, "active_users")
  return made
}

/** Whether bookings of this type, or of this resource, are approved by staff first. */
const isApproved = (
  { approval_booking_types, approval_resource_ids, resource_id }: CompletePlanFacts,
  bookingType: string,
) => (approval_booking_types ?? []).includes(bookingType) || (approval_resource_ids ?? []).includes(resource_id)

/** In the order of their ids, as they are read back. */
const participantsOf = (input: HoldInput, people: PlanFacts["people"]): Participant[] =>
  (input.participants ?? [])
    .map(({ userId, role }) => ({ userId: userId.toLowerCase(), role: role ?? "player" }))
    .map(({ userId, role }) => ({ userId, name: people[userId] ?? "", role }))
    .sort((a, b) => (a.userId < b.userId ? -1 : 1))

function required(known: PlanFacts | undefined, facilityId: string, input: HoldInput): CompletePlanFacts {
  if (!known) throw new NotFound("facility", facilityId)
  const { resource_id, booker_id, people } = known
  if (resource_id === null) throw new NotFound("resource", input.resourceId)
  const faults = (input.participants ?? []).flatMap(({ userId }, i) =>
    people[userId.toLowerCase()] === undefined
      ? [{ path: `body.participants.${i}.userId`, message: "names nobody" }]
      : [],
  )
  if (booker_id === null) faults.unshift({ path: "body.bookerId", message: "names nobody" })
  if (faults.length > 0 || booker_id === null) throw new InvalidInput(faults)
  return { ...known, resource_id, booker_id }
}
