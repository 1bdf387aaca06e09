// The rows of a club's own subscription: its beginning, its next period, its changes, its limits and its end.

import { expect } from "bun:test"
import type { Club } from "./club.ts"
import type { Row } from "./row.ts"

const subscribed = (club: Club, planId = "starter") =>
  club.call(club.owner, "POST", "/subscription", { planId, billingCycle: "monthly" })

export const subscriptionRows: readonly Row[] = [
  {
    type: "subscription.created",
    operation: "an owner begins a trial with a coupon",
    records: ["subscription.created"],
    async perform(club) {
      await club.call(undefined, "POST", "/v1/coupons", { code: "SPRING26", percentOff: 15 })
      const wish = { planId: "club", billingCycle: "monthly", trial: true, couponCode: "spring26" }
      const { id, currentPeriodStart, currentPeriodEnd } = await club.act(club.owner, "POST", "/subscription", wish)
      return {
        subscriptionId: id,
        facilityId: club.id,
        planId: "club",
        planName: "Club",
        billingCycle: "monthly",
        status: "trialing",
        trialEnd: currentPeriodEnd,
        currentPeriodStart,
        currentPeriodEnd,
        couponApplied: "SPRING26",
        discountAmount: 1485,
      }
    },
  },
  {
    type: "subscription.renewed",
    operation: "subscription-renewal-check runs at the end of a paid period, and takes the next from the saved card",
    records: ["subscription.renewed", "payment.succeeded"],
    async perform(club) {
      const { id, currentPeriodEnd } = await subscribed(club)
      const payment = { referenceType: "subscription", referenceId: id, cardToken: "tok_visa" }
      const { billingAccountId } = await club.call(club.owner, "POST", "/payments", payment)
      await club.call(club.owner, "POST", `/billing-accounts/${billingAccountId}/card`, { cardToken: "tok_visa" })
      await club.react()
      await club.later(currentPeriodEnd, () => club.run("subscription-renewal-check", "everywhere"))
      const { currentPeriodEnd: newPeriodEnd } = await club.call(club.owner, "GET", "/subscription")
      expect(Date.parse(newPeriodEnd)).toBeGreaterThan(Date.parse(currentPeriodEnd))
      return {
        subscriptionId: id,
        facilityId: club.id,
        planId: "starter",
        previousPeriodEnd: currentPeriodEnd,
        newPeriodStart: currentPeriodEnd,
        newPeriodEnd,
        amount: 2900,
        currency: "EUR",
      }
    },
  },
  {
    type: "subscription.cancelled",
    operation: "an owner cancels at the end of the period",
    records: ["subscription.cancelled"],
    async perform(club) {
      const { id, currentPeriodEnd } = await subscribed(club)
      await club.act(club.owner, "POST", "/subscription/cancel", { cancelReason: "Closing for renovation" })
      return {
        subscriptionId: id,
        facilityId: club.id,
        cancelledBy: club.owner.id,
        cancelReason: "Closing for renovation",
        cancelAtPeriodEnd: true,
        effectiveDate: currentPeriodEnd,
      }
    },
  },
  {
    type: "subscription.plan_changed",
    operation: "an owner moves up within a paid period",
    records: ["subscription.plan_changed"],
    async perform(club) {
      const { id } = await subscribed(club)
      const change = await club.act(club.owner, "POST", "/subscription/change-plan", { planId: "academy" })
      return {
        subscriptionId: id,
        facilityId: club.id,
        previousPlanId: "starter",
        previousPlanName: "Starter",
        newPlanId: "academy",
        newPlanName: "Academy",
        changeType: "upgrade",
        effectiveDate: change.effectiveDate,
        proratedAmount: change.proratedAmount,
      }
    },
  },
  {
    type: "subscription.limit_warning",
    operation: "an owner makes the third of three courts that the plan allows",
    records: ["subscription.limit_warning", "resource.created"],
    async perform(club) {
      const { id } = await subscribed(club)
      const court = (name: string) => ({ name, resourceType: "court" })
      await club.call(club.owner, "POST", "/resources", court("Court 2"))
      await club.act(club.owner, "POST", "/resources", court("Court 3"))
      return {
        subscriptionId: id,
        facilityId: club.id,
        entitlementType: "resources",
        currentUsage: 3,
        limit: 3,
        percentUsed: 100,
        warningLevel: "at_limit",
        recommendedAction: expect.stringContaining("Club"),
      }
    },
  },
]
