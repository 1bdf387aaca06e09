/**
 * Coupons: made by the platform, redeemed by each facility once. A lock on the coupon's row decides which redemption is
 * the last.
 * Writes: coupons, coupon_redemptions.
 */
import * as Schema from "effect/Schema"
import { type Caller, requirePlatformAdmin } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { requireMovable } from "#base/money.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Currency, Id, Money } from "#base/schema/request-fields.ts"
import { type CouponInput, normalCode } from "./input.ts"
import type { Discount } from "./proration.ts"

export const Coupon = Schema.Struct({
  id: Id,
  code: Schema.String,
  percentOff: Schema.NullOr(Schema.Int),
  amountOff: Schema.NullOr(Money),
  currency: Schema.NullOr(Currency),
  periods: Schema.NullOr(Schema.Int),
  validUntil: Schema.NullOr(Schema.String),
  maxRedemptions: Schema.NullOr(Schema.Int),
  redemptions: Schema.Int,
  createdBy: Id,
  createdAt: Schema.String,
}).annotate({ identifier: "Coupon" })
export type Coupon = typeof Coupon.Type

/** For the platform's administrators. Throws NotAllowed, WrongState `coupon_code_taken`. */
export async function createCoupon(tx: Tx, caller: Caller, input: CouponInput): Promise<Coupon> {
  requirePlatformAdmin(caller)
  const { percentOff, amountOff, currency, periods, validUntil, maxRedemptions } = input
  if (currency !== undefined) requireMovable(amountOff, currency, "body.amountOff")
  const code = normalCode(input.code)
  const [row] = await tx<CouponRow[]>`
    insert into slotbase.coupons (id, code, percent_off, amount_off, currency, periods, valid_until, max_redemptions, created_by)
    values (${newId()}, ${code}, ${percentOff ?? null}, ${amountOff ?? null}, ${currency ?? null}, ${periods ?? null},
            ${validUntil ?? null}, ${maxRedemptions ?? null}, ${caller.userId})
    on conflict (code) do nothing
    returning *`
  if (!row) throw new WrongState("coupon_code_taken", `There is a coupon ${code} already.`)
  return couponOf(row)
}

/** The oldest first, for the platform's administrators. Throws NotAllowed. */
export async function listCoupons(
  db: Queryable,
  caller: Caller,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<Coupon>> {
  requirePlatformAdmin(caller)
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Id]))
  const rows = await db<CouponRow[]>`
    select * from slotbase.coupons ${after ? db`where id > ${after[0]}` : db``} order by id limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], couponOf)
}

export type Redeemed = Discount & { readonly id: string; readonly code: string }

/**
 * Takes one of a coupon's redemptions for a facility; `keepRedemption` must follow in the same transaction.
 * @throws RuleBroken coupon_unknown, coupon_expired, coupon_used_up, coupon_not_for_currency
 */
export async function redeemCoupon(tx: Tx, facilityId: string, given: string, currency: string): Promise<Redeemed> {
  const code = normalCode(given)
  // The lock comes before the check: of two requests for the last redemption, the second sees that it is gone.
  const [row] = await tx<(CouponRow & { expired: boolean; redeemed: boolean })[]>`
    with c as materialized (select * from slotbase.coupons where code = ${code} for no key update)
    select c.*, coalesce(c.valid_until < slotbase.now(), false) as expired,
           exists (select from slotbase.coupon_redemptions r where r.coupon_id = c.id and r.facility_id = ${facilityId}) as redeemed
    from c`
  if (!row) throw refusal("coupon_unknown", "There is no such coupon.")
  if (row.expired) throw refusal("coupon_expired", `The coupon was valid until ${row.valid_until?.toISOString()}.`)
  if (row.redeemed) throw refusal("coupon_used_up", "The facility has redeemed this coupon before.")
  if (row.max_redemptions !== null && row.redemptions >= row.max_redemptions) {
    throw refusal("coupon_used_up", "The coupon has been redeemed as often as it may be.")
  }
  if (row.currency !== null && row.currency !== currency) {
    throw refusal("coupon_not_for_currency", `The coupon is for prices in ${row.currency}, this one is in ${currency}.`)
  }
  await tx`update slotbase.coupons set redemptions = redemptions + 1 where id = ${row.id}`
  return { id: row.id, code, percentOff: row.percent_off, amountOff: row.amount_off, periods: row.periods }
}

export async function keepRedemption(
  tx: Tx,
  { id }: Redeemed,
  facilityId: string,
  subscriptionId: string,
): Promise<void> {
  await tx`
    insert into slotbase.coupon_redemptions (coupon_id, facility_id, subscription_id)
    values (${id}, ${facilityId}, ${subscriptionId})`
}

const refusal = (code: string, message: string) =>
  new RuleBroken(code, message, [{ path: "body.couponCode", message: "cannot be redeemed" }])

interface CouponRow {
  id: string
  code: string
  percent_off: number | null
  amount_off: number | null
  currency: string | null
  periods: number | null
  valid_until: Date | null
  max_redemptions: number | null
  redemptions: number
  created_by: string
  created_at: Date
}

const couponOf = (row: CouponRow): Coupon => ({
  id: row.id,
  code: row.code,
  percentOff: row.percent_off,
  amountOff: row.amount_off,
  currency: row.currency,
  periods: row.periods,
  validUntil: row.valid_until?.toISOString() ?? null,
  maxRedemptions: row.max_redemptions,
  redemptions: row.redemptions,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
})
