/**
 * The price rules of a facility, which its administrators write. `prices.ts` applies them. A change raises the
 * version of the facility's booking policy, so cached availability knows that its prices are stale.
 * Writes: price_rules.
 */

import * as Schema from "effect/Schema"
import type { Admin } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, RuleBroken } from "#base/errors.ts"
import { isId, newId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id, Money, Name } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"
import { weekdays } from "#base/weekdays.ts"
import { requireMovableIn } from "#domain/club/facilities.ts"
import { noteChange } from "#events/audit.ts"
import { BookingType } from "./input.ts"
import { countPolicyChange } from "./policies.ts"
import type { TariffRule as PricingRule } from "./prices.ts"

/** Every booking reads all of them. More would be a price list for each quarter of an hour. */
const maxPriceRules = 200

const time = (pattern: RegExp, expected: string) =>
  Schema.NullOr(Schema.String.check(Schema.isPattern(pattern, { expected }))).annotate({
    description: "local time of the facility, 24 hours; null: the whole day",
  })

const fields = {
  name: Name,
  resourceId: Schema.NullOr(Id).annotate({ description: "null: all resources" }),
  bookingType: Schema.NullOr(BookingType).annotate({ description: "null: all types" }),
  weekdays: Schema.NullOr(
    Schema.Array(Schema.Literals(weekdays)).check(
      Schema.isMinLength(1),
      Schema.isMaxLength(weekdays.length),
      Schema.isUnique(),
    ),
  ).annotate({ description: "null: every day" }),
  fromTime: time(/^([01]\d|2[0-3]):[0-5]\d$/u, 'a time such as "18:00"'),
  toTime: time(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/u, 'a time such as "22:00", or "24:00"'),
  hourlyPrice: Money,
} as const

export const PriceRuleInput = Schema.Struct({
  name: fields.name,
  resourceId: Schema.optionalKey(fields.resourceId),
  bookingType: Schema.optionalKey(fields.bookingType),
  weekdays: Schema.optionalKey(fields.weekdays),
  fromTime: Schema.optionalKey(fields.fromTime),
  toTime: Schema.optionalKey(fields.toTime),
  hourlyPrice: fields.hourlyPrice,
}).check(
  rule(
    "fromTime and toTime go together, and toTime is later",
    ({ fromTime = null, toTime = null }: { readonly fromTime?: string | null; readonly toTime?: string | null }) => {
      if ((fromTime === null) !== (toTime === null)) return { path: ["toTime"], issue: "goes together with fromTime" }
      if (fromTime === null || toTime === null || fromTime < toTime) return []
      return { path: ["toTime"], issue: `must be after fromTime (${fromTime}); a night needs two rules` }
    },
  ),
)

export const PriceRule = Schema.Struct({
  id: Id,
  facilityId: Id,
  ...fields,
  createdBy: Id,
  createdAt: Schema.String,
}).annotate({ identifier: "PriceRule" })
export type PriceRule = typeof PriceRule.Type

/**
 * Records facility.settings_updated.
 * Throws NotFound, RuleBroken `resource_unknown`, `too_many_price_rules`, `amount_not_movable`.
 */
export async function createPriceRule(tx: Tx, admin: Admin, input: typeof PriceRuleInput.Type): Promise<PriceRule> {
  const { caller, facilityId } = admin
  await countPolicyChange(tx, caller, facilityId, ["priceRules"])
  const resourceId = input.resourceId?.toLowerCase() ?? null
  await requireRoom(tx, facilityId, resourceId)
  const { name, bookingType = null, weekdays = null, fromTime = null, toTime = null, hourlyPrice } = input
  await requireMovableIn(tx, facilityId, hourlyPrice, "body.hourlyPrice")
  const [row] = await tx<PriceRuleRow[]>`
    insert into slotbase.price_rules (id, facility_id, name, resource_id, booking_type, weekdays, from_time, to_time, hourly_price,
      created_by)
    values (${newId()}, ${facilityId}, ${name}, ${resourceId}, ${bookingType},
      ${weekdays === null ? null : [...weekdays]}::text[], ${fromTime}, ${toTime}, ${hourlyPrice}, ${caller.userId})
    returning *`
  if (!row) throw new Error("createPriceRule: the insert answered no row")
  return viewOf(row)
}

/** Records facility.settings_updated. Bookings keep the price that they were made with. Throws NotFound. */
export async function deletePriceRule(tx: Tx, admin: Admin, ruleId: string): Promise<void> {
  const { caller, facilityId } = admin
  const [gone] = isId(ruleId)
    ? await tx<PriceRuleRow[]>`
        delete from slotbase.price_rules where id = ${ruleId} and facility_id = ${facilityId} returning *`
    : []
  if (!gone) throw new NotFound("price rule", ruleId)
  noteChange(tx, { before: viewOf(gone) })
  await countPolicyChange(tx, caller, facilityId, ["priceRules"])
}

/** The oldest first. */
export async function listPriceRules(
  db: Queryable,
  admin: Admin,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<PriceRule>> {
  const { facilityId } = admin
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Id]))
  const rows = await db<PriceRuleRow[]>`
    select * from slotbase.price_rules
    where facility_id = ${facilityId} ${after ? db`and id > ${after[0]}` : db``}
    order by id limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], viewOf)
}

/** As a value of SQL: the rules of a facility, or those that may apply to one resource, as `tariffOf` takes them. */
export const rulesOf = (sql: Queryable, facilityId: Fragment, resourceId?: Fragment) => sql`
  (select coalesce(jsonb_agg(jsonb_build_object('id', x.id, 'name', x.name, 'resourceId', x.resource_id,
            'bookingType', x.booking_type, 'weekdays', x.weekdays, 'fromTime', x.from_time, 'toTime', x.to_time,
            'hourlyPrice', x.hourly_price)), '[]')
   from slotbase.price_rules x
   where x.facility_id = ${facilityId}
     ${resourceId === undefined ? sql`` : sql`and (x.resource_id is null or x.resource_id = ${resourceId})`})`

type Fragment = ReturnType<Queryable>

/**
 * Runs under the lock that `countPolicyChange` holds on the facility's policy, so concurrent new rules are all
 * counted.
 */
async function requireRoom(tx: Tx, facilityId: string, resourceId: string | null): Promise<void> {
  const [row] = await tx<[{ rules: number; known: boolean }]>`
    select (select count(*)::integer from slotbase.price_rules where facility_id = ${facilityId}) as rules,
           ${resourceId}::uuid is null or exists (select from slotbase.resources
             where id = ${resourceId} and facility_id = ${facilityId}) as known`
  if (!row.known) {
    const fault = { path: "body.resourceId", message: "Expected the id of a resource of the facility" }
    throw new RuleBroken("resource_unknown", "There is no such resource in the facility.", [fault])
  }
  if (row.rules >= maxPriceRules) {
    throw new RuleBroken(
      "too_many_price_rules",
      `A facility has at most ${maxPriceRules} price rules; delete one first.`,
    )
  }
}

interface PriceRuleRow {
  id: string
  facility_id: string
  name: string
  resource_id: string | null
  booking_type: typeof BookingType.Type | null
  weekdays: PricingRule["weekdays"]
  from_time: string | null
  to_time: string | null
  hourly_price: number
  created_by: string
  created_at: Date
}

const viewOf = (row: PriceRuleRow): PriceRule => ({
  id: row.id,
  facilityId: row.facility_id,
  name: row.name,
  resourceId: row.resource_id,
  bookingType: row.booking_type,
  weekdays: row.weekdays,
  fromTime: row.from_time,
  toTime: row.to_time,
  hourlyPrice: row.hourly_price,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
})
