/**
 * The pause after a hold that came to nothing. Whoever kept a time for half a hold or longer and did not book it leaves
 * it to others for a while. Otherwise one person could hold a slot for ever without ever paying for it.
 */
import type { Queryable } from "#base/database/db.ts"
import { RuleBroken } from "#base/errors.ts"
import type { Span } from "#base/local-days.ts"
import type { HeldBooking } from "./held.ts"

const minuteMs = 60_000

/** A hold of the person, or of their family, that ended a short while ago. Times in milliseconds. */
interface EndedHold {
  readonly id: string
  readonly keptMs: number
  readonly endedAt: number
}

/** The wanted time. Times in milliseconds. */
export interface Paused {
  readonly facilityId: string
  readonly resourceId: string
  readonly span: Span
  readonly holdMinutes: number
  readonly pauseMinutes: number
  readonly now: number
}

/**
 * The first hold whose payment was tried does not count: a card that fails is no way to keep a slot. An offer from the
 * waitlist is no hold that somebody asked for, unless it was accepted. Only a pause that would bite reads of both.
 * @throws RuleBroken `hold_paused`
 */
export async function requireNoPause(sql: Queryable, held: readonly HeldBooking[], wanted: Paused): Promise<void> {
  const ended = endedOf(held, wanted)
  if (pausedUntil(ended, wanted) === undefined) return
  const { offered, tried } = await readBackground(sql, ended, wanted.facilityId)
  const asked = ended.filter(({ id }) => !offered.includes(id))
  const forgiven = asked.find(({ id }) => tried.includes(id))
  const until = pausedUntil(
    asked.filter((each) => each !== forgiven),
    wanted,
  )
  if (until === undefined) return
  const from = new Date(until).toISOString()
  throw new RuleBroken(
    "hold_paused",
    `You kept this time and did not book it; others may have it now. From ${from} on you can hold it again.`,
    [{ path: "body.startAt", message: `can be held again from ${from} on` }],
  )
}

/**
 * The holds on this resource and time that ended within the pause, or up to one hold before it. Then a later hold may
 * have begun within the pause. The oldest end comes first.
 */
function endedOf(
  held: readonly HeldBooking[],
  { resourceId, span, holdMinutes, pauseMinutes, now }: Paused,
): EndedHold[] {
  const since = now - (holdMinutes + pauseMinutes) * minuteMs
  return held
    .filter((each) => each.resourceId === resourceId && each.start < span.end && each.end > span.start)
    .flatMap(({ id, status, expiresAt, createdAt, updatedAt }) => {
      const endedAt = status === "released" ? updatedAt : ["held", "expired"].includes(status) ? expiresAt : null
      return endedAt === null || Math.floor(endedAt) > now || endedAt <= since
        ? []
        : [{ id, endedAt, keptMs: endedAt - createdAt }]
    })
    .sort((a, b) => a.endedAt - b.endedAt)
}

/** Holds that ended before the pause do not count: they may have been forgiven. Undefined: nothing pauses. */
function pausedUntil(ended: readonly EndedHold[], { holdMinutes, pauseMinutes, now }: Paused): number | undefined {
  const counted = ended.filter(({ endedAt }) => endedAt + pauseMinutes * minuteMs > now)
  let kept = counted.reduce((sum, { keptMs }) => sum + keptMs, 0)
  let until: number | undefined
  for (const { keptMs, endedAt } of counted) {
    if (kept < (holdMinutes * minuteMs) / 2) break
    kept -= keptMs
    until = endedAt + pauseMinutes * minuteMs
  }
  return until
}

/** Which of the holds were offers that nobody accepted, and for which a payment was begun. */
async function readBackground(sql: Queryable, ended: readonly EndedHold[], facilityId: string) {
  const ids = ended.map(({ id }) => id)
  const [row] = await sql<[{ offered: string[]; tried: string[] }]>`
    select array(select w.offer_booking_id from slotbase.waitlist_entries w
                 where w.offer_booking_id = any (${ids}::uuid[]) and w.facility_id = ${facilityId}
                   and w.status <> 'accepted') as offered,
           array(select p.reference_id from slotbase.payments p
                 where p.reference_id = any (${ids}::uuid[]) and p.facility_id = ${facilityId}) as tried`
  return row
}
