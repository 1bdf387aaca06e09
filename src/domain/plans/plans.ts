/**
 * The plans: what each allows and costs. They are rows that migrations and operators write; nothing here writes.
 * A facility pays in its own currency where the plan has a price in it, and otherwise in EUR.
 */
import * as Schema from "effect/Schema"
import type { Queryable } from "#base/database/db.ts"
import { RuleBroken } from "#base/errors.ts"
import { Currency, Money } from "#base/schema/request-fields.ts"
import type { BillingCycle } from "./periods.ts"

export const entitlementTypes = [
  "bookings_per_month",
  "active_users",
  "monthly_active_users",
  "coaches",
  "resources",
] as const
export type EntitlementType = (typeof entitlementTypes)[number]

/** Those that commands count at each use. The others are counted from events, and refuse nothing. */
export const countedAtUse = entitlementTypes.filter((type) => type !== "monthly_active_users")

export const Entitlement = Schema.Literals(entitlementTypes)
/** Null: unlimited. */
export const Limit = Schema.NullOr(Schema.Int).annotate({ description: "null: unlimited" })

export const Plan = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  trialDays: Schema.Int,
  entitlements: Schema.Array(Schema.Struct({ entitlement: Entitlement, limit: Limit })),
  prices: Schema.Array(
    Schema.Struct({
      currency: Currency,
      monthly: Money,
      annual: Money,
      taxRate: Schema.Int.annotate({ description: "hundredths of a percent; the prices contain this tax" }),
    }),
  ),
}).annotate({ identifier: "Plan" })

export interface PlanRow {
  readonly id: string
  readonly name: string
  readonly rank: number
  readonly trial_days: number
  readonly limits: Readonly<Record<EntitlementType, number | null>>
  readonly is_offered: boolean
  readonly prices: readonly {
    readonly currency: string
    readonly monthly: number
    readonly annual: number
    /** Hundredths of a percent; the prices contain this tax. */
    readonly taxRate: number
  }[]
}

/** All plans, the smallest first, with those that are no longer offered. */
export const allPlans = (db: Queryable) => db<PlanRow[]>`
  select p.id, p.name, p.rank, p.trial_days, p.is_offered,
         jsonb_build_object('bookings_per_month', p.bookings_per_month, 'active_users', p.active_users,
                            'resources', p.resources, 'coaches', p.coaches,
                            'monthly_active_users', p.monthly_active_users) as limits,
         (select coalesce(jsonb_agg(jsonb_build_object('currency', c.currency, 'monthly', c.monthly_amount, 'annual', c.annual_amount,
                                                       'taxRate', c.tax_rate)
                                    order by c.currency), '[]')
          from slotbase.plan_prices c where c.plan_id = p.id) as prices
  from slotbase.subscription_plans p
  order by p.rank`

/** The offered plans, the smallest first. */
export async function listPlans(db: Queryable): Promise<{ data: (typeof Plan.Type)[]; next: null }> {
  const plans = await allPlans(db)
  return { data: plans.filter((plan) => plan.is_offered).map(planOf), next: null }
}

export function requirePlan(plans: readonly PlanRow[], planId: string): PlanRow {
  const plan = planNamed(plans, planId)
  if (plan !== undefined) return plan
  throw new Error(`there is no plan ${planId}`)
}

/** A plan that is offered. Throws RuleBroken `plan_unknown`. */
export function requireOffered(plans: readonly PlanRow[], planId: string): PlanRow {
  const plan = planNamed(plans, planId)
  if (plan?.is_offered) return plan
  const offered = plans.filter((each) => each.is_offered).map(({ id }) => id)
  const message = `Expected one of ${offered.join(", ")}`
  throw new RuleBroken("plan_unknown", "There is no such plan.", [{ path: "body.planId", message }])
}

/** The currency in which a facility pays for a plan. */
export const currencyFor = (plan: PlanRow, facilityCurrency: string): string =>
  plan.prices.some(({ currency }) => currency === facilityCurrency) ? facilityCurrency : baseCurrency

/**
 * The price of a period, minor units. A subscription keeps its currency, so it cannot use a plan without a price in it.
 */
export const planPriceOf = (plan: PlanRow, cycle: BillingCycle, currency: string): number =>
  pricesOf(plan, currency)[cycle]

/** The tax that a price of the plan contains, hundredths of a percent. Throws RuleBroken `plan_has_no_price`. */
export const planTaxRateOf = (plan: PlanRow, currency: string): number => pricesOf(plan, currency).taxRate

function pricesOf(plan: PlanRow, currency: string): PlanRow["prices"][number] {
  const price = plan.prices.find((each) => each.currency === currency)
  if (price !== undefined) return price
  throw new RuleBroken("plan_has_no_price", `The ${plan.name} plan has no price in ${currency}.`)
}

/** The smallest larger plan that allows more than this much of an entitlement. */
export const planWithMore = (
  plans: readonly PlanRow[],
  than: PlanRow,
  type: EntitlementType,
  amount: number,
): PlanRow | undefined =>
  plans.find(
    (plan) => plan.is_offered && plan.rank > than.rank && (plan.limits[type] ?? Number.POSITIVE_INFINITY) > amount,
  )

export const entitlementsOf = ({ limits }: PlanRow) =>
  entitlementTypes.map((entitlement) => ({ entitlement, limit: limits[entitlement] }))

/** Every plan has a price in this currency. */
const baseCurrency = "EUR"

const planNamed = (plans: readonly PlanRow[], planId: string) => plans.find(({ id }) => id === planId)

const planOf = (plan: PlanRow): typeof Plan.Type => ({
  id: plan.id,
  name: plan.name,
  trialDays: plan.trial_days,
  entitlements: entitlementsOf(plan),
  prices: plan.prices,
})
