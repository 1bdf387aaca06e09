/** The plans that facilities can subscribe to, and the coupons that reduce their price. */
import { Elysia } from "elysia"
import { requirePlatformAdmin } from "#access/caller.ts"
import { PageQuery } from "#base/schema/page.ts"
import { listPlans, Plan } from "#domain/plans/plans.ts"
import { Coupon, createCoupon, listCoupons } from "#domain/subscriptions/coupons.ts"
import { CouponInput } from "#domain/subscriptions/input.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { api } from "#http/route.ts"

const tag = "Subscriptions"

export const planRoutes = (app: App) =>
  new Elysia({ name: "plans" })
    .use(api(app))
    .get(
      "/v1/plans",
      () => listPlans(app.db),
      described({
        tag,
        summary: "List the plans, the smallest first",
        description: "A facility pays in its own currency where the plan has a price in it, and otherwise in EUR.",
        answer: listOf(Plan),
        open: true,
      }),
    )
    .post(
      "/v1/coupons",
      async ({ command, caller, input, body }) => {
        const who = await caller()
        requirePlatformAdmin(who)
        const coupon = input(CouponInput, body)
        return command((tx) => createCoupon(tx, who, coupon), { status: 201 })
      },
      described({
        tag,
        summary: "Create a coupon",
        description: "For platform administrators. The case of a code does not count; each facility redeems it once.",
        body: CouponInput,
        answer: Coupon,
        status: 201,
        problems: [409],
        audited: { action: "coupon.created", after: "answer" },
      }),
    )
    .get(
      "/v1/coupons",
      async ({ caller, input, query }) => listCoupons(app.db, await caller(), input(PageQuery, query)),
      described({
        tag,
        summary: "List the coupons, the oldest first",
        description: "For platform administrators.",
        query: PageQuery,
        answer: listOf(Coupon),
      }),
    )
