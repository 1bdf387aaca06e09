/**
 * Payments by card and their refunds. The attempt is committed first, then the provider is asked outside of any
 * transaction, then its answer is settled. A repetition under the same Idempotency-Key answers the payment's present
 * state.
 */
import { Elysia } from "elysia"
import { type Member, requireMember, requireStaff } from "#access/caller.ts"
import { NotFound } from "#base/errors.ts"
import type { Hooked } from "#base/hooks.ts"
import { NoInput } from "#base/schema/no-input.ts"
import {
  Payment,
  PaymentInput,
  PaymentQuery,
  Refund,
  RefundInput,
  RefundQuery,
  toPayment,
} from "#domain/ledger/answer.ts"
import { findPayment } from "#domain/ledger/payment-rows.ts"
import { findRefund, toRefund } from "#domain/ledger/refund-rows.ts"
import { askedPayment, beginPayment, type PaymentAsked } from "#domain/payments/begin.ts"
import { runPaymentHooks } from "#domain/payments/hooks.ts"
import { getPayment, listPayments } from "#domain/payments/list.ts"
import { createRefund, getRefund, handBack, listRefunds } from "#domain/payments/refunds.ts"
import { sendRefund } from "#domain/payments/send-refund.ts"
import { finishPayment } from "#domain/payments/settle.ts"
import type { PaymentTools } from "#domain/payments/tools.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { addEventIds, contextOfRequest, type RequestParts } from "#http/event-context.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Payments"

export const paymentRoutes = (app: App & Pick<PaymentTools, "payments">) =>
  new Elysia({ name: "payments" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/payments",
      async ({ command, caller, input, body, params, request, set, clientIp, route }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const wanted = input(PaymentInput, body)
        const begin = async () => {
          const asked = await askedPayment(app.db, member, wanted)
          return runPaymentHooks(app.hooks, asked, { facilityId: member.facilityId, caller: member.caller })
        }
        const { id } = await command(
          async (tx, asked: Hooked<PaymentAsked>) =>
            toPayment(await beginPayment(tx, app, member.caller, asked, wanted.cardToken)),
          { status: 201, before: begin },
        )
        return finished(app, member, id, { request, set, clientIp, route })
      },
      described({
        tag,
        summary: "Pay for a booking, a subscription or an invoice",
        description:
          "By who owes it, a parent who may pay for them, or staff; never more than is due. The `status` of the answer says whether it succeeded, failed or is still processing. A failure has its reason; pay again at once, with the same card or another. A hold that is paid becomes a booking.",
        body: PaymentInput,
        answer: Payment,
        status: 201,
        events: ["payment.succeeded", "payment.failed"],
        problems: [409],
        audited: { action: "payment.made", by: "staff" },
      }),
    )
    .get(
      "/v1/facilities/:facilityId/payments",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listPayments(app.db, member, input(PaymentQuery, query))
      },
      described({
        tag,
        summary: "List payments, the newest first",
        description: "Members see those that they or their children owe or have paid.",
        query: PaymentQuery,
        answer: listOf(Payment),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/payments/:paymentId",
      async ({ caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return getPayment(app.db, member, idOf(params.paymentId, "payment"))
      },
      described({ tag, summary: "Read a payment", answer: Payment }),
    )
    .post(
      "/v1/facilities/:facilityId/payments/:paymentId/refunds",
      async ({ command, caller, input, body, params, set }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        const paymentId = idOf(params.paymentId, "payment")
        const wanted = input(RefundInput, body)
        const { id } = await command(async (tx) => toRefund(await createRefund(tx, staff, paymentId, wanted)), {
          status: 201,
        })
        const marked = await findRefund(app.db, staff.facilityId, id)
        if (!marked) throw new NotFound("refund", id)
        const { refund, eventIds } = await sendRefund(app, marked)
        addEventIds(set, eventIds)
        return toRefund(refund)
      },
      described({
        tag,
        summary: "Give a payment back, wholly or in part",
        description:
          "For staff; what was paid for a subscription is given back by platform administrators. Never more than is left of the payment.",
        body: RefundInput,
        answer: Refund,
        status: 201,
        events: ["payment.refunded"],
        problems: [409],
        audited: { action: "refund.created", after: "answer" },
      }),
    )
    .get(
      "/v1/facilities/:facilityId/refunds",
      async ({ caller, input, query, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        return listRefunds(app.db, staff, input(RefundQuery, query))
      },
      described({
        tag,
        summary: "List refunds, the newest first",
        description: "For staff. `?status=owed` are those that are to be handed back at the desk.",
        query: RefundQuery,
        answer: listOf(Refund),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/refunds/:refundId",
      async ({ caller, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        return getRefund(app.db, staff, idOf(params.refundId, "refund"))
      },
      described({ tag, summary: "Read a refund", description: "For staff.", answer: Refund }),
    )
    .post(
      "/v1/facilities/:facilityId/refunds/:refundId/hand-back",
      async ({ command, caller, input, body, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.refundId, "refund")
        input(NoInput, body)
        return command((tx) => handBack(tx, staff, id))
      },
      described({
        tag,
        summary: "Say that an owed refund was handed back",
        description: "For staff: the refund of an offline payment.",
        body: NoInput,
        answer: Refund,
        events: ["payment.refunded"],
        problems: [409],
        audited: "refund.handed_back",
      }),
    )

/** The second half; a payment that is settled already is answered as it is. */
async function finished(
  app: App & Pick<PaymentTools, "payments">,
  { caller, facilityId }: Member,
  id: string,
  parts: RequestParts,
): Promise<Payment> {
  const begun = await findPayment(app.db, facilityId, id)
  if (!begun) throw new NotFound("payment", id)
  const { payment, eventIds } = await finishPayment(app, begun, contextOfRequest(app, parts, caller))
  addEventIds(parts.set, eventIds)
  return toPayment(payment)
}
