/**
 * What an event was about, for its messages: the facility, the court or room, and the booking with its coach. The
 * booking of a payment or refund is the one that it is for.
 */
import type { Queryable } from "#base/database/db.ts"
import { platformFacilityId } from "#base/ids.ts"
import type { Language } from "#base/languages.ts"
import type { Concerned } from "./recipients.ts"

export interface MessagePlace {
  readonly facility: { readonly name: string; readonly timezone: string; readonly currency: string }
  /** Of people who have chosen none. */
  readonly language: Language
  /** No place of its own: times are those of the reader. */
  readonly isPlatform: boolean
  /** Empty: none is known. */
  readonly resource: string
  /** Null: the event is about no booking. */
  readonly booking: ToldBooking | null
}

/** What a message says of a booking besides its event, as the booking is now. */
export interface ToldBooking {
  readonly id: string
  /** UTC instants. */
  readonly startAt: string
  readonly endAt: string
  /** Of a lesson; null: it is none. */
  readonly coach: string | null
  /**
   * How a refund goes back. bank: by the provider or a transfer. desk: it is handed over at the desk. both: a part
   * each. Null: there is none.
   */
  readonly refundBy: "bank" | "desk" | "both" | null
}

/** The place of each event, in the same order; undefined where there is no such facility. */
export async function placesOf(
  db: Queryable,
  events: readonly (Concerned & { readonly resource_id: string | null })[],
): Promise<readonly (MessagePlace | undefined)[]> {
  if (events.length === 0) return []
  const about = events.map(({ data }) => data as About)
  const resources = events.map((event, nth) => about[nth]?.resourceId ?? event.resource_id)
  const rows = await db<PlaceRow[]>`
    select e.nth, f.name, f.timezone, f.currency, f.language, r.name as resource,
           b.id as booking_id, coalesce(q.start_at, b.start_at) as start_at, coalesce(q.end_at, b.end_at) as end_at,
           c.coach, w.by_bank, w.by_desk
    from unnest(${events.map((each) => each.facility_id)}::uuid[], ${resources}::uuid[],
                ${about.map(bookingIdOf)}::uuid[], ${about.map(refundOf)}::text[],
                ${about.map(({ sessionId = null }) => sessionId)}::uuid[], ${about.map(({ blockId = null }) => blockId)}::uuid[])
           with ordinality as e (facility_id, resource_id, booking_id, refund, session_id, block_id, nth)
    join slotbase.facilities f on f.id = e.facility_id
    left join slotbase.coach_sessions q on q.id = e.session_id and q.facility_id = f.id
    left join slotbase.coach_blocks k on k.id = e.block_id and k.facility_id = f.id
    left join slotbase.bookings b on b.id = coalesce(e.booking_id, q.booking_id, k.booking_id) and b.facility_id = f.id
    left join slotbase.resources r on r.id = coalesce(e.resource_id, b.resource_id) and r.facility_id = f.id
    left join lateral (
      select concat_ws(' ', u.first_name, u.last_name) as coach
      from slotbase.coach_sessions s join slotbase.users u on u.id = s.coach_id
      where b.booking_type = 'lesson' and s.booking_id = b.id and s.facility_id = b.facility_id and s.block_id is null
    ) c on true
    left join lateral (
      select bool_or(not coalesce(o.payment_method = any (${handedOver}::text[]), false)) as by_bank,
             bool_or(o.payment_method = any (${handedOver}::text[])) as by_desk
      from slotbase.refunds x
      left join slotbase.offline_payments o on o.id = x.offline_payment_id and o.facility_id = x.facility_id
      where e.refund is not null and x.facility_id = b.facility_id and x.reference_id = b.id
        and (e.refund = 'all' or x.id::text = e.refund)
    ) w on true`
  const places: (MessagePlace | undefined)[] = events.map(() => undefined)
  for (const row of rows) {
    const { nth, name, timezone, currency, language, resource } = row
    const isPlatform = events[nth - 1]?.facility_id === platformFacilityId
    const facility = { name: isPlatform ? "SlotBase" : name, timezone, currency }
    places[nth - 1] = { facility, language, isPlatform, resource: resource ?? "", booking: factsOf(row) }
  }
  return places
}

/** Payments at the desk that are handed over: no bank shows them. */
const handedOver = ["cash", "check"]

/** The fields of events that name a booking, or a refund of it. */
interface About {
  readonly resourceId?: string
  readonly bookingId?: string
  readonly referenceType?: string
  readonly referenceId?: string
  readonly refundId?: string
  readonly refundAmount?: number
  /** Of a lesson, or of a session inside a coach's block. */
  readonly sessionId?: string
  /** A coach's block, which has a booking of its own. */
  readonly blockId?: string
}

const bookingIdOf = ({ bookingId, referenceType, referenceId }: About): string | null =>
  bookingId ?? (referenceType === "booking" && referenceId !== undefined ? referenceId : null)

/** The refund that is asked for: its id, all of the booking, or none. */
const refundOf = ({ refundId, refundAmount = 0 }: About): string | null => refundId ?? (refundAmount > 0 ? "all" : null)

function factsOf({ booking_id: id, start_at, end_at, coach, by_bank, by_desk }: PlaceRow): ToldBooking | null {
  if (id === null || start_at === null || end_at === null) return null
  return {
    id,
    startAt: start_at.toISOString(),
    endAt: end_at.toISOString(),
    coach: coach === "" ? null : coach,
    refundBy: by_bank ? (by_desk ? "both" : "bank") : by_desk ? "desk" : null,
  }
}

interface PlaceRow {
  readonly nth: number
  readonly name: string
  readonly timezone: string
  readonly currency: string
  readonly language: Language
  readonly resource: string | null
  readonly booking_id: string | null
  readonly start_at: Date | null
  readonly end_at: Date | null
  readonly coach: string | null
  readonly by_bank: boolean | null
  readonly by_desk: boolean | null
}
