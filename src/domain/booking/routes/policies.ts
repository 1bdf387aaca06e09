/** The booking policy and the price rules of a facility. */
import { Elysia } from "elysia"
import { requireAdmin, requireMember } from "#access/caller.ts"
import { PageQuery } from "#base/schema/page.ts"
import { getPolicy, putPolicy } from "#domain/booking/policies.ts"
import { BookingPolicy, PolicyInput } from "#domain/booking/policy-fields.ts"
import {
  createPriceRule,
  deletePriceRule,
  listPriceRules,
  PriceRule,
  PriceRuleInput,
} from "#domain/booking/price-rules.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Facilities"

export const bookingPolicyRoutes = (app: App) =>
  new Elysia({ name: "booking-policies" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/booking-policy",
      async ({ caller, params }) => getPolicy(app.db, requireMember(await caller(), facilityIdOf(params.facilityId))),
      described({
        tag,
        summary: "Read the booking policy",
        description:
          "For every member. A facility that has written none has the defaults: no limits, and a pause as long as a hold.",
        answer: BookingPolicy,
      }),
    )
    .put(
      "/v1/facilities/:facilityId/booking-policy",
      async ({ command, caller, input, body, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const policy = input(PolicyInput, body)
        return command((tx) => putPolicy(tx, admin, policy))
      },
      described({
        tag,
        summary: "Replace the booking policy",
        description:
          "For administrators. A field that is left out takes its default. Existing bookings keep the cancellation policy that they were made under.",
        body: PolicyInput,
        answer: BookingPolicy,
        events: ["facility.settings_updated"],
        audited: "booking_policy.changed",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/price-rules",
      async ({ command, caller, input, body, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const rule = input(PriceRuleInput, body)
        return command((tx) => createPriceRule(tx, admin, rule), { status: 201 })
      },
      described({
        tag,
        summary: "Add a price rule",
        description: [
          "For administrators. The most specific rule wins: one for the resource, then one for the booking type, then one with hours, then one with weekdays. Of two equal rules the newer one wins.",
          "A booking across two windows is priced piece by piece. Where no rule fits, the resource's own price holds.",
        ].join(" "),
        body: PriceRuleInput,
        answer: PriceRule,
        status: 201,
        events: ["facility.settings_updated"],
        audited: { action: "price_rule.created", after: "answer" },
      }),
    )
    .get(
      "/v1/facilities/:facilityId/price-rules",
      async ({ caller, input, query, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        return listPriceRules(app.db, admin, input(PageQuery, query))
      },
      described({
        tag,
        summary: "List the price rules, the oldest first",
        description: "For administrators.",
        query: PageQuery,
        answer: listOf(PriceRule),
      }),
    )
    .delete(
      "/v1/facilities/:facilityId/price-rules/:ruleId",
      async ({ command, caller, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const ruleId = idOf(params.ruleId, "price rule")
        return command((tx) => deletePriceRule(tx, admin, ruleId))
      },
      described({
        tag,
        summary: "Delete a price rule",
        description: "For administrators. Existing bookings keep their price.",
        events: ["facility.settings_updated"],
        audited: "price_rule.deleted",
      }),
    )
