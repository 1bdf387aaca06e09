/**
 * Upgrade prompts, shown to the facility's administrators when a limit comes near, until they dismiss the prompt or
 * change the plan. Each entitlement has one prompt at a time, for the newest warning.
 * Writes: upgrade_prompts.
 */
import * as Schema from "effect/Schema"
import type { Admin } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { requireFacility } from "#domain/club/facilities.ts"
import { allPlans, Entitlement, type EntitlementType, planWithMore } from "#domain/plans/plans.ts"
import type { EventData } from "#events/catalogue.ts"
import { findSubscription } from "./rows.ts"

export const PromptQuery = Schema.Struct({
  ...pageQuery,
  dismissed: Schema.optionalKey(Schema.Literals(["true", "false"])).annotateKey({
    description: "true: those that were dismissed; default: those that are shown",
  }),
})

export const UpgradePrompt = Schema.Struct({
  id: Id,
  subscriptionId: Id,
  entitlement: Entitlement,
  level: Schema.Literals(["approaching", "at_limit", "exceeded"]),
  recommendedPlanId: Schema.String,
  message: Schema.String,
  eventId: Id.annotate({ description: "of the subscription.limit_warning that it shows" }),
  createdAt: Schema.String,
  dismissedAt: Schema.NullOr(Schema.String),
  dismissedBy: Schema.NullOr(Id),
}).annotate({ identifier: "UpgradePrompt" })
export type UpgradePrompt = typeof UpgradePrompt.Type

/**
 * Shows a warning in place of an older one for the same entitlement. A late warning changes nothing.
 * @returns the reason when there is nothing to show.
 */
export async function showPrompt(
  tx: Tx,
  facilityId: string,
  eventId: string,
  warning: EventData<"subscription.limit_warning">,
): Promise<string | undefined> {
  const subscription = await findSubscription(tx, facilityId)
  if (subscription?.id !== warning.subscriptionId || subscription.status === "cancelled")
    return "the subscription has ended"
  const plans = await allPlans(tx)
  const plan = plans.find(({ id }) => id === subscription.plan_id)
  const type = warning.entitlementType as EntitlementType
  if (plan === undefined || plan.limits[type] !== warning.limit) return "the plan has changed since"
  const better = planWithMore(plans, plan, type, Math.max(warning.currentUsage, warning.limit))
  if (better === undefined) return "no plan allows more"
  const { count } = await tx`
    insert into slotbase.upgrade_prompts as p (id, facility_id, subscription_id, event_id, entitlement, level, plan_id, message)
    select ${newId()}, ${facilityId}, ${warning.subscriptionId}, ${eventId}, ${type}, ${warning.warningLevel}, ${better.id},
           ${warning.recommendedAction}
    where not exists (select from slotbase.upgrade_prompts o
                      where o.facility_id = ${facilityId} and o.entitlement = ${type} and o.event_id >= ${eventId})
    on conflict (facility_id, entitlement) where dismissed_at is null do update
    set event_id = excluded.event_id, level = excluded.level, plan_id = excluded.plan_id, message = excluded.message,
        subscription_id = excluded.subscription_id, created_at = slotbase.now()
    where p.event_id < excluded.event_id`
  return count === 1 ? undefined : "it is shown already, or a newer one is"
}

/** The newest first. Throws NotFound. */
export async function listPrompts(
  db: Queryable,
  admin: Admin,
  query: typeof PromptQuery.Type,
): Promise<Page<UpgradePrompt>> {
  const { facilityId } = admin
  const limit = pageLimitOf(query)
  const [before] = keyAfter(query, Schema.Tuple([Id])) ?? []
  const rows = await db<PromptRow[]>`
    select * from slotbase.upgrade_prompts
    where facility_id = ${facilityId} and dismissed_at is ${query.dismissed === "true" ? db`not null` : db`null`}
      ${before === undefined ? db`` : db`and id < ${before}`}
    order by id desc limit ${limit + 1}`
  if (rows.length === 0) await requireFacility(db, facilityId)
  return pageOf(rows, limit, (row) => [row.id], promptOf)
}

/** Dismissing it again changes nothing. Throws NotFound. */
export async function dismissPrompt(tx: Tx, admin: Admin, id: string): Promise<UpgradePrompt> {
  const { caller, facilityId } = admin
  const [row] = await tx<PromptRow[]>`
    update slotbase.upgrade_prompts
    set dismissed_at = coalesce(dismissed_at, slotbase.now()), dismissed_by = coalesce(dismissed_by, ${caller.userId}::uuid)
    where id = ${id} and facility_id = ${facilityId}
    returning *`
  if (!row) throw new NotFound("upgrade prompt", id)
  return promptOf(row)
}

/** The plan has changed, so the shown prompts are about another plan. */
export async function closePrompts(tx: Tx, facilityId: string, userId: string): Promise<void> {
  await tx`
    update slotbase.upgrade_prompts set dismissed_at = slotbase.now(), dismissed_by = ${userId}
    where facility_id = ${facilityId} and dismissed_at is null`
}

interface PromptRow {
  id: string
  subscription_id: string
  event_id: string
  entitlement: EntitlementType
  level: UpgradePrompt["level"]
  plan_id: string
  message: string
  created_at: Date
  dismissed_at: Date | null
  dismissed_by: string | null
}

const promptOf = (row: PromptRow): UpgradePrompt => ({
  id: row.id,
  subscriptionId: row.subscription_id,
  entitlement: row.entitlement,
  level: row.level,
  recommendedPlanId: row.plan_id,
  message: row.message,
  eventId: row.event_id,
  createdAt: row.created_at.toISOString(),
  dismissedAt: row.dismissed_at?.toISOString() ?? null,
  dismissedBy: row.dismissed_by,
})
