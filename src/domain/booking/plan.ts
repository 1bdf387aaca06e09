/**
 * From a request to a booking that may be made. One statement reads the facts, then the price and the facility's rules
 * are applied. Nothing is written here. A free slot is not a rule but a constraint: see `take-slot.ts`.
 */
import type { Member } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotFound, RuleBroken } from "#base/errors.ts"
import type { Hooked } from "#base/hooks.ts"
import type { Span } from "#base/local-days.ts"
import { requireEntitlement } from "#domain/plans/entitlements.ts"
import type { BookingRow, Participant } from "./booking-row.ts"
import { bufferIn } from "./buffers.ts"
import { type Details, detailsOf } from "./details.ts"
import { discountedPlan, requireMayDiscount } from "./discount.ts"
import { type BookingInput, type HoldInput, spanOf } from "./input.ts"
import { requireWithinLimits, withLapsed } from "./limits/check.ts"
import { keptWaiting } from "./limits/held.ts"
import { requireNoPause } from "./limits/hold-pause.ts"
import { standingOf } from "./limits/standing.ts"
import { familyOf } from "./lock-own.ts"
import { type MayBook, requireMayBook } from "./may-book.ts"
import { type BookerRights, type CompletePlanFacts, type PlanFacts, readPlanFacts } from "./plan-facts.ts"
import type { BookingPlan } from "./planned.ts"
import { courtLines, pricedBy } from "./price-lines.ts"
import { type PriceLine, tariffOf } from "./prices.ts"
import { checkLimits, checkRules } from "./rules.ts"
import { checkSlotRules } from "./slot-rules.ts"

/**
 * The plan of a new booking. The facility's limits bind members. Only its hours and closures bind staff and API keys.
 * @param wanted what is asked for, as the before hooks left it
 * @param details of a series that goes on: they were checked when it was made. A later question is not asked.
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken
 */
export async function planBooking(
  tx: Tx,
  mayBook: MayBook,
  { input }: Hooked<BookingInput | HoldInput>,
  details?: Details,
): Promise<BookingPlan> {
  const { member, isUnlimited } = rightTo(input, mayBook)
  const limited = !isUnlimited
  const mayWait = !("paymentMethod" in input) || input.paymentMethod === "online"
  const discount = "discount" in input ? input.discount : undefined
  requireMayDiscount(member, discount)
  const planned = await plan(tx, member, input, {
    limited,
    limitsHolds: limited && mayWait,
    pauses: limited && mayWait,
    lock: "wait",
    mustAnswer: limited,
    details,
  })
  return discountedPlan(planned, discount)
}

/**
 * The plan of a booking that moves. Its people stay in it, also after they have left the facility. No before hook runs
 * for a move, and it does not count as one more slot that the member keeps waiting. A start or a length that stays is
 * not judged anew.
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken
 */
export async function planMove(
  tx: Tx,
  mayBook: MayBook,
  input: HoldInput,
  { id, booker_id, start_at, end_at }: Pick<BookingRow, "id" | "booker_id" | "start_at" | "end_at">,
): Promise<BookingPlan> {
  const { member, isUnlimited } = rightTo(input, mayBook)
  const from = { start: start_at.getTime(), end: end_at.getTime() }
  const move = { moving: id, booked: [booker_id], lock: "wait", from } as const
  return plan(tx, member, input, { limited: !isUnlimited, limitsHolds: false, pauses: false, ...move })
}

/**
 * The plan of a wish for the waitlist, or of an offer from it. Neither counts as one more slot that the member keeps
 * waiting. For an offer the hooks run when it is accepted. An offer is refused while its booker is just booking: the
 * other transaction may be waiting for the waitlist. It is refused too in the pause after a hold of the booker's own.
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken (also booker_is_booking)
 */
export async function planWithoutHooks(
  tx: Tx,
  mayBook: MayBook,
  input: BookingInput | HoldInput,
  kind: "wish" | "offer",
): Promise<BookingPlan> {
  const { member, isUnlimited } = rightTo(input, mayBook)
  const [limited, isOffer] = [!isUnlimited, kind === "offer"]
  return plan(tx, member, input, {
    limited,
    limitsHolds: false,
    pauses: limited && isOffer,
    lock: isOffer ? "try" : "none",
  })
}

/** The plan for a member whose right has been checked elsewhere. As for staff, no limits apply. */
export const planTrusted = (
  tx: Tx,
  member: Member,
  { input }: Hooked<BookingInput | HoldInput>,
): Promise<BookingPlan> => plan(tx, member, input, { limited: false, limitsHolds: false, pauses: false, lock: "none" })

/** A before hook may have changed the booker or the type of the booking: then the right is checked again. */
const rightTo = (input: HoldInput, mayBook: MayBook): MayBook =>
  mayBook.covers(input) ? mayBook : requireMayBook(mayBook.member, input)

interface Binding extends Pick<BookerRights, "limited" | "lock" | "moving"> {
  /** Whether the booking may be one more slot that the member keeps waiting. */
  readonly limitsHolds: boolean
  /** Whether a hold that came to nothing keeps the booker from this time for a while. */
  readonly pauses: boolean
  readonly booked?: readonly string[]
  /** The present time of a booking that moves. */
  readonly from?: Span
  readonly mustAnswer?: boolean
  readonly details?: Details | undefined
}

async function plan(
  tx: Tx,
  member: Member,
  input: BookingInput | HoldInput,
  { booked = [], from, mustAnswer = false, details, limitsHolds, pauses, ...rights }: Binding,
): Promise<BookingPlan> {
  const { caller, facilityId } = member
  const { limited, lock, moving } = rights
  const bookerId = input.bookerId?.toLowerCase() ?? caller.userId
  const mayName = [...familyOf(member), ...booked]
  const found = required(
    await readPlanFacts(tx, facilityId, input, { bookerId, mayName, ...rights }),
    facilityId,
    input,
  )
  const span = spanOf(input)
  const bookingType = input.bookingType ?? "open_play"
  const { linesOf } = tariffOf({
    resourceId: found.resource_id,
    bookingType,
    hourlyPrice: found.hourly_price,
    timezone: found.timezone,
    rules: found.price_rules,
  })
  const priced = pricedBy(courtLines(linesOf(span).map(toCourtTime(found)), found.currency))
  const needsApproval = limited && isApproved(found, bookingType)
  const now = found.now.getTime()
  const made: BookingPlan = {
    facilityId: found.facility_id,
    timezone: found.timezone,
    currency: found.currency,
    openingHours: found.opening_hours,
    slotMinutes: found.slot_minutes,
    slotRules: found,
    bufferMinutes: bufferIn(found.buffers, found.resource_id, bookingType),
    details: details ?? detailsOf(input, found.questions, bookingType, mustAnswer),
    holdMinutes: found.hold_minutes,
    resource: { id: found.resource_id, name: found.resource_name, type: found.resource_type },
    booker: { id: found.booker_id, name: found.booker_name, email: found.booker_email },
    participants: participantsOf(input, found.people),
    bookingType,
    span,
    ...priced,
    tax: found.tax,
    needsApproval,
    cancellationPolicy: found.cancellation_policy ?? [],
    isLimited: found.is_limited,
    isFirstOfBooker: found.is_uncounted,
    standing: limited ? standingOf(found, bookerId, now) : null,
    overdue: [],
    createdBy: caller.userId,
    now,
  }
  checkRules(made, found)
  if (limited) {
    checkSlotRules(span, { ...found, openingHours: found.opening_hours }, made.now, from)
    checkLimits(made, found, limitsHolds ? keptWaiting(found.held, bookerId, now) : 0)
  }
  // A booking that is confirmed at once keeps nothing waiting.
  if (pauses && (made.price > 0 || needsApproval || !("paymentMethod" in input))) {
    const { resource_id: resourceId, hold_minutes: holdMinutes, hold_pause_minutes: pauseMinutes } = found
    await requireNoPause(tx, found.held, { facilityId, resourceId, span, holdMinutes, pauseMinutes, now })
  }
  const standing = made.standing && (lock === "wait" ? made.standing : withLapsed(made.standing))
  const overdue = standing ? requireWithinLimits(standing, { ...made, moving }) : []
  requireLocked(found)
  // Staff always fit people in. A person who only registered has no place yet, and needs one from here on.
  if (limited && made.isFirstOfBooker) await requireEntitlement(tx, facilityId, "active_users")
  return overdue.length > 0 ? { ...made, overdue } : made
}

function requireLocked({ locked }: PlanFacts): void {
  if (locked) return
  throw new RuleBroken("booker_is_booking", "The booker is just booking something else; ask again in a moment.")
}

/** People read the resource beside the price, and the price rule if there is one. */
const toCourtTime =
  ({ resource_name, tax }: PlanFacts) =>
  ({ start, end, hourlyPrice, rule }: PriceLine) => ({
    start,
    end,
    hourlyPrice,
    label: rule === null ? resource_name : `${resource_name}, ${rule.name}`,
    tax,
  })

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
