/**
 * Taking a slot. The constraint slot_taken_once decides, never a look beforehand; who loses is told what stands in the
 * way and what is free nearby. A dead hold in the way is released in the transaction that wants its slot, so a free slot
 * never waits for the job hold-expiration.
 */
import type { Tx } from "../database/db.ts"
import { type Alternative, type Conflict, SlotTaken } from "../errors.ts"
import { localDateOf, type Span } from "../local-days.ts"
import { isOpen, slotSpans } from "../opening-hours.ts"
import { recordExpired } from "./events.ts"
import type { Plan } from "./plan.ts"
import { expireHoldsIn, type Inserted, insertBooking, type NewBooking } from "./rows.ts"

/** What stands in the way may change between two looks; when it does so again and again, the slot is in demand, and taken. */
const maxAttempts = 3
const maxAlternatives = 3

/** Inserts the booking with its occupancy. Throws SlotTaken. */
export async function takeSlot(tx: Tx, plan: Plan, booking: NewBooking): Promise<Inserted> {
  let near: readonly Occupied[] = []
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const inserted = await insertBooking(tx, booking)
    if (inserted) return inserted
    near = await occupiedNear(tx, plan)
    const inTheWay = near.filter((each) => each.resource_id === plan.resource.id && overlaps(each, plan.span))
    if (inTheWay.some((each) => !each.dead)) break
    if (inTheWay.length > 0) {
      for (const hold of await expireHoldsIn(tx, plan.facilityId, plan.resource.id, booking.start_at, booking.end_at)) {
        recordExpired(tx, hold)
      }
    }
  }
  throw new SlotTaken(conflicts(near, plan), alternatives(near, plan))
}

interface Occupied extends Span {
  readonly resource_id: string
  readonly status: string
  /** A hold whose time is over: it stands in nobody's way. */
  readonly dead: boolean
}

/** All resources of the asked one's type, each with what occupies it on the day around; a free one is there with nothing. */
async function occupiedNear(tx: Tx, { facilityId, resource, span }: Plan): Promise<readonly Occupied[]> {
  const [from, to] = [new Date(span.start - dayMs).toISOString(), new Date(span.end + dayMs).toISOString()]
  return tx<Occupied[]>`
    select r.id as resource_id, coalesce(b.status, 'free') as status,
           coalesce(b.status = 'held' and b.hold_expires_at <= (select slotbase.now()), true) as dead,
           coalesce(extract(epoch from lower(o.during)) * 1000, 0)::float8 as start,
           coalesce(extract(epoch from upper(o.during)) * 1000, 0)::float8 as end
    from slotbase.resources r
    left join slotbase.occupancies o
      on o.facility_id = r.facility_id and o.resource_id = r.id and o.during && tstzrange(${from}, ${to})
    left join slotbase.bookings b on b.id = o.booking_id and b.facility_id = o.facility_id
    where r.facility_id = ${facilityId} and r.resource_type = ${resource.type} and r.is_active
    order by r.name, r.id, o.during`
}

const conflicts = (near: readonly Occupied[], { resource, span }: Plan): Conflict[] =>
  near
    .filter((each) => !each.dead && each.resource_id === resource.id && overlaps(each, span))
    .map((each) => ({ ...isoOf(each), status: each.status }))

/** Free stretches of the same length on the same local day, nearest first; at the same distance, on the same resource first. */
function alternatives(near: readonly Occupied[], plan: Plan): Alternative[] {
  const { span, resource, openingHours, timezone, slotMinutes, now } = plan
  const lengthMs = span.end - span.start
  const slots = slotSpans(openingHours, timezone, localDateOf(timezone, span.start), slotMinutes)
  const starts = [...new Set([span.start, ...slots.map(({ start }) => start)])]
    .filter((start) => start >= now)
    .sort((a, b) => Math.abs(a - span.start) - Math.abs(b - span.start) || a - b)
  const resources = [...new Set([resource.id, ...near.map((each) => each.resource_id)])]
  const found: Alternative[] = []
  for (const start of starts) {
    const stretch = { start, end: start + lengthMs }
    if (!isOpen(openingHours, timezone, stretch)) continue
    for (const resourceId of resources) {
      const taken = near.some((each) => !each.dead && each.resource_id === resourceId && overlaps(each, stretch))
      if (!taken && !(resourceId === resource.id && start === span.start)) found.push({ resourceId, ...isoOf(stretch) })
      if (found.length === maxAlternatives) return found
    }
  }
  return found
}

const dayMs = 24 * 60 * 60_000
const overlaps = (a: Span, b: Span) => a.start < b.end && b.start < a.end
const isoOf = ({ start, end }: Span) => ({ startAt: new Date(start).toISOString(), endAt: new Date(end).toISOString() })
