/** What is unpaid, by account and age, for staff. */
import { Elysia } from "elysia"
import { requireStaff } from "#access/caller.ts"
import { listPaymentAging, PaymentAging, PaymentAgingQuery } from "#domain/invoices/aging/list.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api } from "#http/route.ts"

export const paymentAgingRoutes = (app: App) =>
  new Elysia({ name: "payment-aging" }).use(api(app)).get(
    "/v1/facilities/:facilityId/payments/aging",
    async ({ caller, input, query, params }) => {
      const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
      return listPaymentAging(app.db, staff, input(PaymentAgingQuery, query))
    },
    described({
      tag: "Payments",
      summary: "List what is unpaid, by account and age",
      description:
        "For staff: bookings that took place and are not paid, with their fees, by local days since the day of play. The job `offline-payment-aging` tells those who owe it after 30, 60 and 90 days.",
      query: PaymentAgingQuery,
      answer: listOf(PaymentAging),
    }),
  )
