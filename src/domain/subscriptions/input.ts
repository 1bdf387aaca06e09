/** The input of requests about subscriptions and coupons, as Schemas. */
import * as Schema from "effect/Schema"
import { Currency, Instant, Money, Note } from "#base/schema/request-fields.ts"
import { saidRule } from "#base/schema/rule.ts"
import { atMost } from "#base/schema/text-fields.ts"
import { billingCycles } from "#domain/plans/periods.ts"

const maxPlanIdLength = 60
const maxCodeLength = 40
/** Ten years of months, and more redemptions than there are clubs. */
const [maxPeriods, maxRedemptions] = [120, 1_000_000]

const PlanId = Schema.String.annotate({ description: "id of a plan, see GET /v1/plans" }).check(
  atMost(maxPlanIdLength),
  Schema.isPattern(/^[A-Za-z0-9_-]+$/u, { expected: "letters, digits, - and _" }),
)
const Cycle = Schema.Literals(billingCycles)
/** Compared without regard to case. */
const Code = Schema.String.check(
  atMost(maxCodeLength),
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9_-]*$/u, { expected: "letters, digits, - and _" }),
)
/** Codes are kept and compared in this form. */
export const normalCode = (code: string): string => code.toUpperCase()

export const SubscribeInput = Schema.Struct({
  planId: PlanId,
  billingCycle: Cycle,
  couponCode: Schema.optionalKey(Code),
  trial: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "begin with the plan's free trial, which a facility has once; default false",
  }),
})
export type SubscribeInput = typeof SubscribeInput.Type

export const ChangePlanInput = Schema.Struct({
  planId: PlanId,
  billingCycle: Schema.optionalKey(Cycle).annotateKey({ description: "default: as it is" }),
  preview: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "only say what it would cost now, and change nothing",
  }),
})
export type ChangePlanInput = typeof ChangePlanInput.Type

export const CancelSubscriptionInput = Schema.Struct({
  cancelReason: Schema.optionalKey(Note),
  atPeriodEnd: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "whether it runs on until the period ends; default true",
  }),
})
export type CancelSubscriptionInput = typeof CancelSubscriptionInput.Type

export const CouponInput = Schema.Struct({
  code: Code,
  percentOff: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))),
  amountOff: Schema.optionalKey(
    Money.annotate({ description: "minor units of the currency off each period, down to nothing" }).check(
      Schema.isGreaterThanOrEqualTo(1),
    ),
  ),
  currency: Schema.optionalKey(Currency).annotateKey({ description: "of amountOff" }),
  periods: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxPeriods }))).annotateKey({
    description: "for how many paid periods it counts; left out: for all",
  }),
  validUntil: Schema.optionalKey(Instant).annotateKey({ description: "the last instant to redeem it" }),
  maxRedemptions: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxRedemptions }))),
}).check(
  saidRule(
    {
      oneOf: [{ required: ["percentOff"] }, { required: ["amountOff"] }],
      dependentRequired: { amountOff: ["currency"], currency: ["amountOff"] },
    },
    (coupon: { percentOff?: number; amountOff?: number; currency?: string }) => {
      if ((coupon.percentOff === undefined) === (coupon.amountOff === undefined))
        return [{ path: ["percentOff"], issue: "Expected either percentOff or amountOff" }]
      if ((coupon.amountOff === undefined) !== (coupon.currency === undefined))
        return [{ path: ["currency"], issue: "Expected a currency with amountOff, and only with it" }]
      return []
    },
  ),
)
export type CouponInput = typeof CouponInput.Type
