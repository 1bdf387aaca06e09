/** A facility's own subscription to SlotBase, for its administrators. Its use is also for staff. */
import { Elysia } from "elysia"
import { requireAdmin, requireStaff } from "#access/caller.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { PageQuery } from "#base/schema/page.ts"
import { ActiveUserMonth, Invoice, PlanChange, Subscription, Usage } from "#domain/subscriptions/answer.ts"
import { changePlan } from "#domain/subscriptions/change-plan.ts"
import { CancelSubscriptionInput, ChangePlanInput, SubscribeInput } from "#domain/subscriptions/input.ts"
import { getSubscription, getUsage, listActiveMonths, listInvoices } from "#domain/subscriptions/read.ts"
import { cancelSubscription, resumeSubscription, subscribe } from "#domain/subscriptions/subscriptions.ts"
import { dismissPrompt, listPrompts, PromptQuery, UpgradePrompt } from "#domain/subscriptions/upgrade-prompts.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Subscriptions"
const path = "/v1/facilities/:facilityId/subscription"

export const subscriptionRoutes = (app: App) =>
  new Elysia({ name: "subscription" })
    .use(api(app))
    .get(
      path,
      async ({ caller, params }) =>
        getSubscription(app.db, requireAdmin(await caller(), facilityIdOf(params.facilityId))),
      described({
        tag,
        summary: "Read the facility's subscription",
        description: "The one that runs, or else the last one. For administrators of the facility.",
        answer: Subscription,
      }),
    )
    .post(
      path,
      async ({ command, caller, input, body, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const wanted = input(SubscribeInput, body)
        return command((tx) => subscribe(tx, admin, wanted), { status: 201 })
      },
      described({
        audited: { action: "subscription.created", after: "answer" },
        tag,
        summary: "Subscribe to a plan",
        description: "For administrators. The first period, or what follows the trial, is due at its beginning.",
        body: SubscribeInput,
        answer: Subscription,
        status: 201,
        events: ["subscription.created", "subscription.limit_warning"],
        problems: [409],
      }),
    )
    .post(
      `${path}/change-plan`,
      async ({ command, caller, input, body, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const wanted = input(ChangePlanInput, body)
        return command((tx) => changePlan(tx, admin, wanted))
      },
      described({
        audited: "subscription.plan_changed",
        tag,
        summary: "Move to another plan or billing cycle, or preview it",
        description:
          "At once, up and down: the rest of the period is charged at the new price and credited at the old one. A credit lowers open invoices, and then later ones. Another billing cycle begins a new period.",
        body: ChangePlanInput,
        answer: PlanChange,
        events: ["subscription.plan_changed", "subscription.credit_applied", "subscription.limit_warning"],
        problems: [409],
      }),
    )
    .post(
      `${path}/cancel`,
      async ({ command, caller, input, body, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const how = input(CancelSubscriptionInput, body)
        return command((tx) => cancelSubscription(tx, admin, how))
      },
      described({
        audited: "subscription.cancelled",
        tag,
        summary: "Cancel the subscription",
        description: "At the end of its period by default. Paid amounts are not refunded; open invoices are still due.",
        body: CancelSubscriptionInput,
        answer: Subscription,
        events: ["subscription.cancelled"],
        problems: [409],
      }),
    )
    .post(
      `${path}/resume`,
      async ({ command, caller, input, body, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        input(NoInput, body)
        return command((tx) => resumeSubscription(tx, admin))
      },
      described({
        audited: "subscription.resumed",
        tag,
        summary: "Withdraw a cancellation while the period runs",
        body: NoInput,
        answer: Subscription,
        events: ["subscription.resumed"],
        problems: [409],
      }),
    )
    .get(
      `${path}/usage`,
      async ({ caller, params }) => getUsage(app.db, requireStaff(await caller(), facilityIdOf(params.facilityId))),
      described({
        tag,
        summary: "Read how much of each entitlement is used",
        description:
          "For staff. From 80 % of a limit on, the level is `approaching`; at the limit nothing more is allowed.",
        answer: Usage,
      }),
    )
    .get(
      `${path}/active-users`,
      async ({ caller, input, query, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        return listActiveMonths(app.db, staff, input(PageQuery, query))
      },
      described({
        tag,
        summary: "List the months of active users, the newest first",
        description:
          "For staff. The job `active-user-reset` closes a month when the next one begins in the facility's zone.",
        query: PageQuery,
        answer: listOf(ActiveUserMonth),
      }),
    )
    .get(
      `${path}/invoices`,
      async ({ caller, input, query, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        return listInvoices(app.db, admin, input(PageQuery, query))
      },
      described({
        tag,
        summary: "List the subscription's invoices, the newest first",
        description: "An open one is paid with POST …/payments and the reference type subscription.",
        query: PageQuery,
        answer: listOf(Invoice),
      }),
    )
    .get(
      `${path}/upgrade-prompts`,
      async ({ caller, input, query, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        return listPrompts(app.db, admin, input(PromptQuery, query))
      },
      described({
        tag,
        summary: "List the upgrade prompts, the newest first",
        query: PromptQuery,
        answer: listOf(UpgradePrompt),
      }),
    )
    .post(
      `${path}/upgrade-prompts/:promptId/dismiss`,
      async ({ command, caller, input, body, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.promptId, "upgrade prompt")
        input(NoInput, body)
        return command((tx) => dismissPrompt(tx, admin, id))
      },
      described({
        tag,
        summary: "Dismiss an upgrade prompt",
        description: "To dismiss it again changes nothing.",
        body: NoInput,
        answer: UpgradePrompt,
      }),
    )
