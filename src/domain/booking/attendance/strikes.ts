/**
 * Strikes for no-shows, as a ledger: +1 for a no-show, −1 when staff waive or undo it. Each row names its author, time
 * and reason. The sum of a member's rows counts. From the facility's threshold on, a strike keeps its member from
 * booking for a number of days. The restriction ends early when the strike is waived or the sum falls below the
 * threshold.
 * Writes: strike_ledger.
 */
import * as Schema from "effect/Schema"
import type { Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { unitOf } from "#base/money.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Money } from "#base/schema/request-fields.ts"
import type { BookingRow } from "#domain/booking/booking-row.ts"
import { familyOf } from "#domain/booking/lock-own.ts"

export const Strike = Schema.Struct({
  id: Id,
  facilityId: Id,
  bookingId: Id,
  userId: Id,
  points: Schema.Literals([1, -1]).annotate({ description: "1: given; -1: waived, or its no-show was undone" }),
  feeAmount: Money,
  feeCurrency: Schema.String,
  restrictedUntil: Schema.NullOr(Schema.String),
  reason: Schema.String,
  madeBy: Id,
  madeAt: Schema.String,
}).annotate({ identifier: "Strike" })
export type Strike = typeof Strike.Type

export interface GivenStrike {
  /** The sum of the member's strikes, this one included. */
  readonly strikeCount: number
  /** Minor units; 0: none was due. */
  readonly fee: number
  /** Hundredths of a percent: the fee contains this tax. */
  readonly feeTaxRate: number
  readonly restrictedUntil: Date | null
}

/** A strike that no longer counts: the sum without it, and the fee that was waived with it. */
export interface TakenStrike {
  readonly strikeCount: number
  readonly fee: number
  readonly at: Date
}

/** Gives a strike for a missed booking, by the facility's present policy. The booking is locked. */
export async function giveStrike(tx: Tx, booking: BookingRow, madeBy: string): Promise<GivenStrike> {
  await lockStrikesOf(tx, booking)
  const [row] = await tx<{ count: number; fee: number; tax_rate: number; restricted_until: Date | null }[]>`
    insert into slotbase.strike_ledger (id, facility_id, booking_id, round, user_id, points, fee_amount, fee_currency,
      restricted_until, reason, made_by, made_at)
    select ${newId()}::uuid, f.id, ${booking.id}::uuid,
           1 + (select count(*) from slotbase.strike_ledger s
                where s.booking_id = ${booking.id} and s.facility_id = f.id and s.points = 1),
           ${booking.booker_id}::uuid, 1,
           -- A fee of another currency than the booking's was never agreed.
           slotbase.gross_of(case when f.currency = ${booking.price_currency} then coalesce(p.no_show_fee, 0) else 0 end, ${feeRate(tx)}, f.tax_mode, ${unitOf(booking.price_currency)}),
           ${booking.price_currency}, case when c.count >= p.strike_threshold then c.now + make_interval(days => p.restriction_days) end,
           'No-show', ${madeBy}::uuid, c.now
    from slotbase.facilities f
    left join slotbase.booking_policies p on p.facility_id = f.id
    cross join (select slotbase.now() as now, 1 + (${countOf(tx, booking)}) as count) c
    where f.id = ${booking.facility_id}
    returning fee_amount as fee, restricted_until, (${countOf(tx, booking)})::integer + 1 as count,
              (select ${feeRate(tx)} from slotbase.facilities f where f.id = ${booking.facility_id}) as tax_rate`
  if (!row) throw new Error("giveStrike: the insert answered no row")
  return { strikeCount: row.count, fee: row.fee, feeTaxRate: row.tax_rate, restrictedUntil: row.restricted_until }
}

/** The tax rate of fees; `f` is the facility. */
const feeRate = (sql: Queryable) => sql`coalesce((f.tax_rates ->> 'fee')::integer, 0)`

/**
 * Takes back the strike of a missed booking, which is locked. Answers the member's sum and the waived fee.
 * @throws WrongState no_show_waived
 */
export async function waiveStrike(tx: Tx, booking: BookingRow, madeBy: string, reason: string): Promise<TakenStrike> {
  const taken = await takeStrikeBack(tx, booking, madeBy, reason)
  if (taken) return taken
  throw new WrongState("no_show_waived", "This no-show has been waived already.")
}

/**
 * Takes back the strike of an undone no-show, whose booking is locked. A strike that was waived before is taken back
 * already: then nothing is written, and the waived fee is 0.
 */
export async function undoStrike(tx: Tx, booking: BookingRow, madeBy: string, reason: string): Promise<TakenStrike> {
  const taken = await takeStrikeBack(tx, booking, madeBy, reason)
  if (taken) return taken
  const [row] = await tx<[{ count: number; at: Date }]>`
    select (${countOf(tx, booking)})::integer as count, slotbase.now() as at`
  return { strikeCount: row.count, fee: 0, at: row.at }
}

/** Undefined when the strike of the last no-show was taken back before. */
async function takeStrikeBack(
  tx: Tx,
  booking: BookingRow,
  madeBy: string,
  reason: string,
): Promise<TakenStrike | undefined> {
  await lockStrikesOf(tx, booking)
  const [row] = await tx<{ count: number; fee: number; at: Date }[]>`
    insert into slotbase.strike_ledger (id, facility_id, booking_id, round, user_id, points, fee_amount, fee_currency, reason,
      made_by, made_at)
    select ${newId()}::uuid, s.facility_id, s.booking_id, s.round, s.user_id, -1, s.fee_amount, s.fee_currency, ${reason},
           ${madeBy}::uuid, slotbase.now()
    from slotbase.strike_ledger s
    where s.booking_id = ${booking.id} and s.facility_id = ${booking.facility_id} and s.points = 1
    order by s.round desc limit 1
    on conflict on constraint strike_given_and_waived_once do nothing
    returning fee_amount as fee, made_at as at, (${countOf(tx, booking)})::integer - 1 as count`
  return row && { strikeCount: row.count, fee: row.fee, at: row.at }
}

/** The query of the ledger. */
export const StrikeQuery = Schema.Struct({ ...pageQuery, userId: Schema.optionalKey(Id) })

/**
 * The ledger of a facility, the oldest first. Members see their own strikes and their children's.
 * Throws NotAllowed.
 */
export async function listStrikes(
  db: Queryable,
  member: Member,
  query: typeof StrikeQuery.Type,
): Promise<Page<Strike>> {
  const { facilityId, isStaff: staff } = member
  const userId = query.userId?.toLowerCase()
  const family = familyOf(member)
  if (!staff && userId !== undefined && !family.includes(userId)) {
    throw new NotAllowed("Members see their own strikes and their children's.")
  }
  const userIds = userId !== undefined ? [userId] : staff ? undefined : family
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Id]))
  const rows = await db<StrikeRow[]>`
    select * from slotbase.strike_ledger
    where facility_id = ${facilityId}
      ${userIds === undefined ? db`` : db`and user_id = any (${userIds}::uuid[])`}
      ${after ? db`and id > ${after[0]}` : db``}
    order by id limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], viewOf)
}

/** As a value of SQL: until when a person may not book in a facility; null without a restriction. */
export const restrictedUntil = (
  sql: Queryable,
  { facilityId, userId, now }: Readonly<Record<"facilityId" | "userId" | "now", ReturnType<Queryable>>>,
) => sql`
  (select max(s.restricted_until)
   from slotbase.strike_ledger s
   join slotbase.booking_policies v on v.facility_id = s.facility_id
   where s.user_id = ${userId} and s.facility_id = ${facilityId} and s.restricted_until > ${now}
     and not exists (select from slotbase.strike_ledger w
                     where w.booking_id = s.booking_id and w.facility_id = s.facility_id and w.round = s.round
                       and w.points = -1)
     and (select sum(c.points) from slotbase.strike_ledger c
          where c.user_id = s.user_id and c.facility_id = s.facility_id) >= v.strike_threshold)`

/** Strikes of one person are given one after the other. Otherwise two at once would miss each other in their counts. */
const lockStrikesOf = (tx: Tx, { facility_id, booker_id }: BookingRow) =>
  tx`select pg_advisory_xact_lock(hashtext('slotbase strikes'), hashtext(${`${facility_id} ${booker_id}`}))`

/** The sum of the strikes before the statement that contains this query. */
const countOf = (tx: Tx, { facility_id, booker_id }: BookingRow) => tx`
  select coalesce(sum(s.points), 0) from slotbase.strike_ledger s
  where s.user_id = ${booker_id} and s.facility_id = ${facility_id}`

interface StrikeRow {
  id: string
  facility_id: string
  booking_id: string
  user_id: string
  points: 1 | -1
  fee_amount: number
  fee_currency: string
  restricted_until: Date | null
  reason: string
  made_by: string
  made_at: Date
}

const viewOf = (row: StrikeRow): Strike => ({
  id: row.id,
  facilityId: row.facility_id,
  bookingId: row.booking_id,
  userId: row.user_id,
  points: row.points,
  feeAmount: row.fee_amount,
  feeCurrency: row.fee_currency,
  restrictedUntil: row.restricted_until?.toISOString() ?? null,
  reason: row.reason,
  madeBy: row.made_by,
  madeAt: row.made_at.toISOString(),
})
