/**
 * From a request to a booking that may be made: who may ask for it, what it needs to know (one statement), what it costs,
 * and the rules of the facility. Nothing is written here. Whether the slot is free is not a rule but a constraint: see
 * `take-slot.ts`.
 */
import { type Caller, isStaff, mayActFor, requireMember } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound } from "#base/errors.ts"
import { type BookingInput, type HoldInput, spanOf } from "./input.ts"
import { familyOf } from "./lock-own.ts"
import { type CompletePlanFacts, type PlanFacts, readPlanFacts } from "./plan-facts.ts"
import type { BookingPlan } from "./planned.ts"
import { tariffOf } from "./prices.ts"
import type { Participant } from "./row.ts"
import { checkLimits, checkRules } from "./rules.ts"

/**
 * Who books: staff and API keys for anybody, members for themselves and for children for whom they may.
 * @throws NotFound for strangers, NotAllowed, InvalidInput when a program names nobody
 */
export function requireMayBook(caller: Caller, facilityId: string, input: HoldInput): void {
  requireMember(caller, facilityId)
  if (isStaff(caller, facilityId)) {
    if (input.bookerId === undefined && caller.kind !== "person") {
      throw new InvalidInput([{ path: "body.bookerId", message: "Missing key: an API key books for a person" }])
    }
    return
  }
  if (input.bookerId !== undefined && !mayActFor(caller, input.bookerId.toLowerCase(), "book")) {
    throw new NotAllowed(
      "Members book for themselves and for their children; only staff and API keys may name another bookerId.",
    )
  }
  if (staffTypes.has(input.bookingType ?? "open_play")) {
    throw new NotAllowed(`Bookings of the type ${input.bookingType} are made by staff.`)
  }
}

/**
 * The plan of a request. Members are bound by the facility's limits, staff and API keys by its hours and closures alone.
 * @param moving a booking that is there already: it adds none to those that its member keeps waiting
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken
 */
export async function planBooking(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  input: BookingInput | HoldInput,
  { moving = false } = {},
): Promise<BookingPlan> {
  requireMayBook(caller, facilityId, input)
  const limited = !isStaff(caller, facilityId)
  const mayWait = !("paymentMethod" in input) || input.paymentMethod === "online"
  return plan(tx, caller, facilityId, input, { limited, limitsHolds: limited && mayWait && !moving })
}

/** The same for a caller whose right to it has been checked elsewhere: people are looked up, and limits hold, as for staff. */
export const planTrusted = (
  tx: Tx,
  caller: Caller,
  facilityId: string,
  input: BookingInput | HoldInput,
): Promise<BookingPlan> => plan(tx, caller, facilityId, input, { limited: false, limitsHolds: false })

async function plan(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  input: BookingInput | HoldInput,
  { limited, limitsHolds }: { limited: boolean; limitsHolds: boolean },
): Promise<BookingPlan> {
  const bookerId = input.bookerId?.toLowerCase() ?? caller.userId
  const mayName = limited ? familyOf(caller) : undefined
  const found = required(
    await readPlanFacts(tx, facilityId, input, { bookerId, limitsHolds, mayName }),
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
    createdBy: caller.userId,
    now: found.now.getTime(),
  }
  checkRules(made, found)
  if (limited) checkLimits(made, found)
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

/** They block a resource rather than play on it. */
const staffTypes = new Set<string>(["coach_block", "maintenance"])
