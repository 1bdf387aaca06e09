/**
 * The pause after a hold that came to nothing. Whoever kept a time for half a hold or longer and did not book it leaves
 * it to others for a while. Otherwise one person could hold a slot for ever without ever paying for it.
 */
import type { Queryable } from "#base/database/db.ts"
import { RuleBroken } from "#base/errors.ts"

const minuteMs = 60_000

/** A hold of the person, or of their family, that ended a short while ago. Times in milliseconds. */
export interface EndedHold {
  readonly keptMs: number
  readonly endedAt: number
  /** Somebody began a payment for it. */
  readonly tried: boolean
}

/**
 * As a value of SQL: the holds of these people on the resource that overlapped the time. They ended within the pause,
 * or up to one hold before it: then a later hold may have begun within the pause. The oldest end comes first.
 * An offer from the waitlist is no hold that somebody asked for, unless it was accepted.
 * The statement has the facility as `f`, its policy as `q` and the resource as `r`.
 */
export const endedHoldsOf = (
  sql: Queryable,
  facilityId: string,
  people: readonly string[],
  { startAt, endAt }: { readonly startAt: string; readonly endAt: string },
) => sql`
  (select coalesce(jsonb_agg(jsonb_build_object('endedAt', extract(epoch from h.ended_at) * 1000,
            'keptMs', extract(epoch from h.ended_at - h.created_at) * 1000,
            'tried', exists (select from slotbase.payments p where p.reference_id = h.id and p.facility_id = h.facility_id))
            order by h.ended_at), '[]')
   from (
     select b.id, b.facility_id, b.created_at,
            case when b.status = 'released' then b.updated_at else b.hold_expires_at end as ended_at
     from slotbase.bookings b
     where b.booker_id = any (${[...people]}::uuid[]) and b.facility_id = ${facilityId} and b.resource_id = r.id
       and b.start_at < ${endAt} and b.end_at > ${startAt} and b.start_at > ${startAt}::timestamptz - interval '1 day'
       and b.status in ('held', 'expired', 'released')
   ) h
   where h.ended_at <= (select slotbase.now())
     and h.ended_at > (select slotbase.now()) - make_interval(mins => f.hold_minutes + coalesce(q.hold_pause_minutes, f.hold_minutes))
     and not exists (select from slotbase.waitlist_entries w
                     where w.offer_booking_id = h.id and w.facility_id = h.facility_id and w.status <> 'accepted'))`

/**
 * The first hold whose payment was tried does not count: a card that fails is no way to keep a slot.
 * @param ended also holds that ended before the pause. They may have been forgiven, and do not count.
 * @throws RuleBroken `hold_paused`
 */
export function requireNoPause(
  ended: readonly EndedHold[],
  {
    holdMinutes,
    pauseMinutes,
    now,
  }: { readonly holdMinutes: number; readonly pauseMinutes: number; readonly now: number },
): void {
  const forgiven = ended.find(({ tried }) => tried)
  const counted = ended.filter((each) => each !== forgiven && each.endedAt + pauseMinutes * minuteMs > now)
  let kept = counted.reduce((sum, { keptMs }) => sum + keptMs, 0)
  let until: number | undefined
  for (const { keptMs, endedAt } of counted) {
    if (kept < (holdMinutes * minuteMs) / 2) break
    kept -= keptMs
    until = endedAt + pauseMinutes * minuteMs
  }
  if (until === undefined) return
  const from = new Date(until).toISOString()
  throw new RuleBroken(
    "hold_paused",
    `You kept this time and did not book it; others may have it now. From ${from} on you can hold it again.`,
    [{ path: "body.startAt", message: `can be held again from ${from} on` }],
  )
}
