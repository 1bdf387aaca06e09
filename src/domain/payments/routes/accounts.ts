/** Billing accounts, and the card that is saved on one. */

import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import {
  BillingAccount,
  BillingAccountInput,
  BillingAccountQuery,
  createFamilyAccount,
  getBillingAccount,
  listBillingAccounts,
  requireOwnAccount,
} from "#domain/ledger/accounts.ts"
import { CardToken } from "#domain/ledger/answer.ts"
import { leaveFamily } from "#domain/ledger/leave-family.ts"
import type { SavedCard } from "#domain/ledger/saved-card.ts"
import { keepCard, setCardOf } from "#domain/payments/cards.ts"
import type { PaymentTools } from "#domain/payments/tools.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Payments"
const CardInput = Schema.Struct({ cardToken: CardToken })

export const billingRoutes = (app: App & Pick<PaymentTools, "payments">) =>
  new Elysia({ name: "billing" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/billing-accounts",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const account = input(BillingAccountInput, body)
        return command((tx) => createFamilyAccount(tx, member, account), { status: 201 })
      },
      described({
        tag,
        summary: "Make a family account",
        description:
          "By a parent for children for whom they may pay; staff and API keys name the `ownerId`. Bookings and fees of its members go to it from then on.",
        body: BillingAccountInput,
        answer: BillingAccount,
        status: 201,
        problems: [409],
        audited: "billing_account.created",
      }),
    )
    .get(
      "/v1/facilities/:facilityId/billing-accounts",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listBillingAccounts(app.db, member, input(BillingAccountQuery, query))
      },
      described({
        tag,
        summary: "List billing accounts",
        description: "Members see those that they or their children own or belong to.",
        query: BillingAccountQuery,
        answer: listOf(BillingAccount),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/billing-accounts/:billingAccountId",
      async ({ caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return getBillingAccount(app.db, member, idOf(params.billingAccountId, "billing account"))
      },
      described({ tag, summary: "Read a billing account", answer: BillingAccount }),
    )
    .delete(
      "/v1/facilities/:facilityId/billing-accounts/:billingAccountId/members/:userId",
      async ({ command, caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.billingAccountId, "billing account")
        const userId = idOf(params.userId, "user")
        return command((tx) => leaveFamily(tx, member, id, userId))
      },
      described({
        tag,
        summary: "Take a person out of a family account",
        description:
          "By staff, the owner, the person, or a parent who pays for the person. Bookings and fees of the person go to their own account from then on. The owner stays.",
        answer: BillingAccount,
        events: ["billing_account.member_left"],
        problems: [409],
        audited: { action: "billing_account.member_removed", by: "staff" },
      }),
    )
    .post(
      "/v1/facilities/:facilityId/billing-accounts/:billingAccountId/card",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.billingAccountId, "billing account")
        await requireOwnAccount(app.db, member, id)
        const { cardToken } = input(CardInput, body)
        const save = async (tx: Parameters<typeof setCardOf>[0], card: SavedCard) => {
          await setCardOf(tx, app.secrets, member.facilityId, id, card)
          return getBillingAccount(tx, member, id)
        }
        return command(save, { before: () => keepCard(app.payments, cardToken) })
      },
      described({
        tag,
        summary: "Save a card on a billing account",
        description: "By its owner or staff. In place of the one before; renewals are taken from it.",
        body: CardInput,
        answer: BillingAccount,
        problems: [409],
        audited: { action: "billing_account.card_kept", by: "staff" },
      }),
    )
