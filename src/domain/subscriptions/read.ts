/** Reads a facility's subscription, its invoices, and the use of each entitlement. */
import * as Schema from "effect/Schema"
import type { Admin, Staff } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { localDateOf } from "#base/local-days.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id, LocalDay } from "#base/schema/request-fields.ts"
import { requireFacility } from "#domain/club/facilities.ts"
import { activeMonths, activeUsersIn, monthOfDay } from "#domain/plans/active-users.ts"
import { usedOf } from "#domain/plans/counters.ts"
import { usageMonthAt } from "#domain/plans/periods.ts"
import { allPlans, type EntitlementType, entitlementTypes, requirePlan } from "#domain/plans/plans.ts"
import {
  type ActiveUserMonth,
  type Invoice,
  type Subscription,
  toActiveUserMonth,
  toInvoice,
  toSubscription,
  toUse,
  type Usage,
} from "./answer.ts"
import { findInvoices } from "./invoices.ts"
import { findSubscription, type SubscriptionRow } from "./rows.ts"

/** The subscription that is not cancelled, or else the last one. Throws NotFound. */
export async function getSubscription(db: Queryable, admin: Admin): Promise<Subscription> {
  const { facilityId } = admin
  const row = await required(db, facilityId)
  return toSubscription(row, requirePlan(await allPlans(db), row.plan_id))
}

/**
 * The present use of each entitlement, for staff. Bookings are those of the subscription's present month, monthly
 * active users those of the present local month.
 * @throws NotFound, also when the subscription has ended
 */
export async function getUsage(db: Queryable, staff: Staff): Promise<Usage> {
  const { facilityId } = staff
  const row = await required(db, facilityId)
  if (row.status === "cancelled") throw new NotFound("subscription")
  const [plans, [{ now }]] = await Promise.all([allPlans(db), db<[{ now: Date }]>`select slotbase.now() as now`])
  const plan = requirePlan(plans, row.plan_id)
  const month = usageMonthAt(row.usage_anchor_day, row.timezone, row.created_at, now)
  const [used, active] = await Promise.all([
    usedOf(db, facilityId, month),
    activeUsersIn(db, facilityId, monthOfDay(localDateOf(row.timezone, now.getTime()))),
  ])
  const useOf = (type: EntitlementType) => (type === "monthly_active_users" ? active : (used.get(type) ?? 0))
  return {
    subscriptionId: row.id,
    planId: plan.id,
    planName: plan.name,
    periodStart: month.start.toISOString(),
    periodEnd: month.end.toISOString(),
    entitlements: entitlementTypes.map((type) => toUse(type, useOf(type), plan.limits[type])),
  }
}

/** The months of active users, the newest first, also without a subscription. */
export async function listActiveMonths(
  db: Queryable,
  { facilityId }: Staff,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<typeof ActiveUserMonth.Type>> {
  const limit = pageLimitOf(query)
  const [before] = keyAfter(query, Schema.Tuple([LocalDay])) ?? []
  const rows = await activeMonths(db, facilityId, before, limit + 1)
  return pageOf(rows, limit, (row) => [row.month], toActiveUserMonth)
}

/** The newest first, also those of earlier subscriptions. Throws NotFound. */
export async function listInvoices(
  db: Queryable,
  admin: Admin,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<typeof Invoice.Type>> {
  const { facilityId } = admin
  const limit = pageLimitOf(query)
  const [before] = keyAfter(query, Schema.Tuple([Id])) ?? []
  const rows = await findInvoices(db, facilityId, before, limit + 1)
  if (rows.length === 0) await requireFacility(db, facilityId)
  return pageOf(rows, limit, (row) => [row.id], toInvoice)
}

async function required(db: Queryable, facilityId: string): Promise<SubscriptionRow> {
  const row = await findSubscription(db, facilityId)
  if (row) return row
  await requireFacility(db, facilityId)
  throw new NotFound("subscription")
}
