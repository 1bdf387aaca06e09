/**
 * From a request to a booking that may be made: who may ask for it, what it needs to know (one statement), and the rules
 * of the facility. Nothing is written here. Whether the slot is free is not a rule but a constraint: see `take-slot.ts`.
 */
import { type Caller, isStaff, requireMember } from "../access.ts"
import type { Tx } from "../database/db.ts"
import { InvalidInput, NotAllowed, NotFound, RuleBroken } from "../errors.ts"
import { localDateOf, type Span } from "../local-days.ts"
import { isOpen, type OpeningHours, openSpans } from "../opening-hours.ts"
import { priceOf } from "../prices.ts"
import { type BookingInput, type HoldInput, spanOf } from "./input.ts"
import type { Participant } from "./rows.ts"

/** Live holds of a person who holds for themself: enough for a team's evening; more is hoarding. */
export const maxLiveHolds = 10

export interface Plan {
  readonly facilityId: string
  readonly timezone: string
  readonly currency: string
  readonly openingHours: OpeningHours
  readonly slotMinutes: number
  readonly holdMinutes: number
  readonly resource: { readonly id: string; readonly name: string; readonly type: string }
  readonly booker: { readonly id: string; readonly name: string; readonly email: string }
  readonly participants: readonly Participant[]
  readonly bookingType: NonNullable<HoldInput["bookingType"]>
  readonly span: Span
  readonly price: number
  readonly createdBy: string
  /** When the plan was made, by the database's clock. */
  readonly now: number
}

/**
 * Who books: staff and API keys for anybody, members for themselves.
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
  if (input.bookerId !== undefined && input.bookerId.toLowerCase() !== caller.userId) {
    throw new NotAllowed("Members book for themselves; only staff and API keys may name another bookerId.")
  }
  if (staffTypes.has(input.bookingType ?? "open_play")) {
    throw new NotAllowed(`Bookings of the type ${input.bookingType} are made by staff.`)
  }
}

/** The plan of a request. Throws NotFound, InvalidInput or RuleBroken. */
export async function planBooking(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  input: BookingInput | HoldInput,
): Promise<Plan> {
  requireMayBook(caller, facilityId, input)
  const limitsHolds = !("paymentMethod" in input) && !isStaff(caller, facilityId)
  const bookerId = input.bookerId ?? caller.userId
  const found = required(
    await read(tx, facilityId, input, { bookerId, limitsHolds, onlyMembers: !isStaff(caller, facilityId) }),
    facilityId,
    input,
  )
  const span = spanOf(input)
  const plan: Plan = {
    facilityId: found.facility_id,
    timezone: found.timezone,
    currency: found.currency,
    openingHours: found.opening_hours,
    slotMinutes: found.slot_minutes,
    holdMinutes: found.hold_minutes,
    resource: { id: found.resource_id, name: found.resource_name, type: found.resource_type },
    booker: { id: found.booker_id, name: found.booker_name, email: found.booker_email },
    participants: participantsOf(input, found.people),
    bookingType: input.bookingType ?? "open_play",
    span,
    price: priceOf(found.hourly_price, (span.end - span.start) / 60_000),
    createdBy: caller.userId,
    now: found.now.getTime(),
  }
  checkRules(plan, limitsHolds ? found.live_holds : 0)
  return plan
}

function checkRules({ span, now, openingHours, timezone }: Plan, liveHolds: number): void {
  if (span.start < now) {
    const message = "The time has begun already; book a time that starts in the future."
    throw new RuleBroken("starts_in_the_past", message, [{ path: "body.startAt", message: "is in the past" }])
  }
  if (!isOpen(openingHours, timezone, span)) {
    throw new RuleBroken("outside_opening_hours", closedText(openingHours, timezone, span), [
      { path: "body.startAt", message: "the facility must be open from startAt to endAt" },
    ])
  }
  if (liveHolds >= maxLiveHolds) {
    throw new RuleBroken("too_many_holds", `You hold ${liveHolds} slots already; confirm or release one first.`)
  }
}

function closedText(hours: OpeningHours, timezone: string, span: Span): string {
  const date = localDateOf(timezone, span.start)
  const time = (at: number) =>
    Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone).toPlainTime().toString().slice(0, 5)
  const open = openSpans(hours, timezone, date).map(({ start, end }) => `${time(start)}–${time(end)}`)
  return open.length === 0
    ? `The facility is closed on ${date}.`
    : `The facility is not open for all of this time; on ${date} it is open ${open.join(", ")} (${timezone}).`
}

interface Known {
  readonly facility_id: string
  readonly timezone: string
  readonly currency: string
  readonly opening_hours: OpeningHours
  readonly slot_minutes: number
  readonly hold_minutes: number
  readonly resource_id: string | null
  readonly resource_name: string
  readonly resource_type: string
  readonly hourly_price: number
  readonly booker_id: string | null
  readonly booker_name: string
  readonly booker_email: string
  readonly people: Readonly<Record<string, string>>
  readonly live_holds: number
  readonly now: Date
}

async function read(
  tx: Tx,
  facilityId: string,
  input: HoldInput,
  { bookerId, limitsHolds, onlyMembers }: { bookerId: string; limitsHolds: boolean; onlyMembers: boolean },
): Promise<Known | undefined> {
  // A member may name members only: the answer tells names, and registration is open. Staff know whom they serve.
  const mayBeNamed = (userId: ReturnType<Tx>) => (onlyMembers ? isMember(tx, userId) : tx`true`)
  const people = (input.participants ?? []).map(({ userId }) => userId)
  const statement = tx<Known[]>`
    select f.id as facility_id, f.timezone, f.currency, f.opening_hours, f.slot_minutes, f.hold_minutes,
           r.id as resource_id, r.name as resource_name, r.resource_type, r.hourly_price,
           u.id as booker_id, u.first_name || ' ' || u.last_name as booker_name, u.email as booker_email,
           (select coalesce(jsonb_object_agg(p.id, p.first_name || ' ' || p.last_name), '{}')
            from slotbase.users p where p.id = any (${people}::uuid[]) and p.kind = 'person' and ${mayBeNamed(tx`p.id`)}) as people,
           ${limitsHolds ? liveHolds(tx, facilityId, bookerId) : tx`0`} as live_holds,
           slotbase.now() as now
    from slotbase.facilities f
    left join slotbase.resources r on r.facility_id = f.id and r.id = ${input.resourceId} and r.is_active
    left join slotbase.users u on u.id = ${bookerId} and u.kind = 'person' and ${mayBeNamed(tx`u.id`)}
    where f.id = ${facilityId}`
  // Two holds of one person wait for each other, or each would miss the other in its count. The lock travels ahead in the
  // same round trip; it must be a statement of its own, because a statement sees what was committed when it began.
  const [, [row]] = await Promise.all([limitsHolds ? lockHoldsOf(tx, facilityId, bookerId) : undefined, statement])
  return row
}

/** Whether somebody holds a role in the facility. */
const isMember = (tx: Tx, userId: ReturnType<Tx>) => tx`
  exists (select from slotbase.role_grants g
          where g.user_id = ${userId} and (g.scope_id = f.id and g.scope_type = 'facility' or g.scope_type = 'platform'))`

const lockHoldsOf = (tx: Tx, facilityId: string, bookerId: string) =>
  tx`select pg_advisory_xact_lock(hashtext('slotbase holds'), hashtext(${`${facilityId} ${bookerId}`}))`.execute()

const liveHolds = (tx: Tx, facilityId: string, bookerId: string) => tx`
  (select count(*)::integer from slotbase.bookings b
   where b.booker_id = ${bookerId} and b.facility_id = ${facilityId} and b.status = 'held'
     and b.start_at > (select slotbase.now()) - interval '1 day' and b.hold_expires_at > (select slotbase.now()))`

/** In the order of their ids, as they are read back. */
const participantsOf = (input: HoldInput, people: Known["people"]): Participant[] =>
  (input.participants ?? [])
    .map(({ userId, role }) => ({ userId: userId.toLowerCase(), role: role ?? "player" }))
    .map(({ userId, role }) => ({ userId, name: people[userId] ?? "", role }))
    .sort((a, b) => (a.userId < b.userId ? -1 : 1))

type Found = Known & { readonly resource_id: string; readonly booker_id: string }

function required(known: Known | undefined, facilityId: string, input: HoldInput): Found {
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
