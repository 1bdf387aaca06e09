// Bookings and money of days that are over, written by SQL: no command books the past.

import type { Db } from "#base/database/db.ts"
import { jobsUserId, newId, rootUserId } from "#base/ids.ts"

export interface Played {
  readonly startAt: string
  readonly minutes?: number
  readonly status?: "confirmed" | "checked_in" | "completed" | "cancelled" | "no_show" | "pending"
  readonly bookingType?: string
  readonly price?: number
  readonly currency?: string
  readonly method?: "online" | "offline" | "waived"
}

/** A booking without its occupancy. Default: an hour that was played, of 24.00 EUR, to be paid at the club. */
export async function aPlayed(db: Db, facilityId: string, resourceId: string, given: Played): Promise<string> {
  const { startAt, minutes = 60, status = "completed", bookingType = "open_play", price = 2_400 } = given
  const { currency = "EUR", method = "offline" } = given
  const id = newId()
  const endAt = new Date(Date.parse(startAt) + minutes * 60_000).toISOString()
  const cancelled = status === "cancelled"
  await db`
    insert into slotbase.bookings (id, facility_id, resource_id, status, booking_type, booker_id, start_at, end_at, price_amount,
      price_currency, payment_method, confirmed_at, cancelled_by, cancellation_reason, created_by)
    values (${id}, ${facilityId}, ${resourceId}, ${status}, ${bookingType}, ${rootUserId}, ${startAt}, ${endAt}, ${price}, ${currency},
            ${method}, ${status === "pending" ? null : startAt}, ${cancelled ? rootUserId : null}, ${cancelled ? "rain" : null}, ${jobsUserId})`
  return id
}

/** A movement of money in the ledger. @param amount positive: incoming, minor units */
export async function aMovement(
  db: Db,
  facilityId: string,
  given: {
    readonly at: string
    readonly kind: "payment" | "offline_payment" | "refund" | "refund_returned" | "refund_handed_back"
    readonly amount: number
    readonly currency?: string
    readonly reference?: "booking" | "subscription"
  },
): Promise<void> {
  const { at, kind, amount, currency = "EUR", reference = "booking" } = given
  const account = kind === "offline_payment" || kind === "refund_handed_back" ? "till" : "provider"
  await db`
    insert into slotbase.payment_ledger
      (source_id, facility_id, kind, account, amount, currency, billing_account_id, reference_type, reference_id, recorded_at)
    select ${newId()}::uuid, ${facilityId}, ${kind}, a.account, a.amount, ${currency}, ${newId()}::uuid, ${reference}, ${newId()}::uuid, ${at}
    from unnest(${[account, "sales"]}::text[], ${[amount, -amount]}::bigint[]) as a (account, amount)`
}

/** A session that a coach held, or will hold. @param attended by student; null: nobody has said */
export async function aHeldSession(
  db: Db,
  facilityId: string,
  resourceId: string,
  given: {
    readonly coachId: string
    readonly startAt: string
    readonly attended: Readonly<Record<string, boolean | null>>
    readonly status?: Played["status"]
  },
): Promise<string> {
  const { coachId, startAt, attended, status = "completed" } = given
  const booking = await aPlayed(db, facilityId, resourceId, { startAt, status, bookingType: "lesson" })
  const id = newId()
  await db`
    insert into slotbase.coach_sessions (id, facility_id, booking_id, coach_id, session_type, created_by)
    values (${id}, ${facilityId}, ${booking}, ${coachId}, 'private', ${rootUserId})`
  await db`
    insert into slotbase.coach_session_students (session_id, facility_id, user_id, attended)
    select ${id}, ${facilityId}, a.key::uuid, (a.value #>> '{}')::boolean from jsonb_each(${db.json(attended)}) a`
  return id
}

/** Feedback on a student of a session. @param publishedAt left out: a draft */
export async function aFeedback(
  db: Db,
  facilityId: string,
  given: {
    readonly sessionId: string
    readonly coachId: string
    readonly studentId: string
    readonly skillsWorked?: readonly string[]
    readonly publishedAt?: string
  },
): Promise<string> {
  const { sessionId, coachId, studentId, skillsWorked = [], publishedAt = null } = given
  const id = newId()
  await db`
    insert into slotbase.feedback
      (id, facility_id, session_id, coach_id, student_id, text, skills_worked, created_by, published_at, published_by)
    values (${id}, ${facilityId}, ${sessionId}, ${coachId}, ${studentId}, 'A secret of the coach.', ${db.array([...skillsWorked])}::text[],
            ${coachId}, ${publishedAt}, ${publishedAt && coachId})`
  return id
}

/** The assessments of one skill of a player, in their order. */
export async function levelsOf(
  db: Db,
  facilityId: string,
  given: { readonly playerId: string; readonly coachId: string; readonly skillId: string },
  levels: readonly (readonly [level: number, assessedAt: string])[],
): Promise<void> {
  const [sport = "", name = ""] = given.skillId.split(".")
  for (const [nth, [level, at]] of levels.entries())
    await db`
      insert into slotbase.progress (id, facility_id, player_id, skill_id, number, skill_name, sport, previous_level, new_level,
        assessed_by, assessed_at)
      values (${newId()}, ${facilityId}, ${given.playerId}, ${given.skillId}, ${nth + 1}, ${name}, ${sport}, ${levels[nth - 1]?.[0] ?? 0},
              ${level}, ${given.coachId}, ${at})`
}
