/** Payments that staff took at the desk. */
import { Elysia } from "elysia"
import { requireStaff } from "#access/caller.ts"
import {
  getOfflinePayment,
  listOfflinePayments,
  OfflinePayment,
  OfflinePaymentInput,
  OfflinePaymentQuery,
  recordOfflinePayment,
} from "#domain/payments/offline.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Payments"

export const offlinePaymentRoutes = (app: App) =>
  new Elysia({ name: "offline-payments" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/offline-payments",
      async ({ command, caller, input, body, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        const payment = input(OfflinePaymentInput, body)
        return command((tx) => recordOfflinePayment(tx, staff, payment), { status: 201 })
      },
      described({
        tag,
        summary: "Record a payment made at the desk",
        description:
          "For staff: cash, a check, a transfer; for a booking (never more than is due) or for nothing in particular. A hold that is paid becomes a booking.",
        body: OfflinePaymentInput,
        answer: OfflinePayment,
        status: 201,
        events: ["offline_payment.recorded", "booking.confirmed"],
        problems: [409],
        audited: "offline_payment.recorded",
      }),
    )
    .get(
      "/v1/facilities/:facilityId/offline-payments",
      async ({ caller, input, query, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        return listOfflinePayments(app.db, staff, input(OfflinePaymentQuery, query))
      },
      described({
        tag,
        summary: "List payments made at the desk, the newest first",
        description: "For staff.",
        query: OfflinePaymentQuery,
        answer: listOf(OfflinePayment),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/offline-payments/:offlinePaymentId",
      async ({ caller, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        return getOfflinePayment(app.db, staff, idOf(params.offlinePaymentId, "offline payment"))
      },
      described({
        tag,
        summary: "Read a payment made at the desk",
        description: "For staff.",
        answer: OfflinePayment,
      }),
    )
