/** Approval: staff decide about pending bookings. */
import { Elysia } from "elysia"
import { NoInput } from "#base/schema/no-input.ts"
import { Booking } from "#domain/booking/answer.ts"
import { approveBooking, rejectBooking } from "#domain/booking/approve.ts"
import { RejectInput } from "#domain/booking/input.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { api } from "#http/route.ts"
import { addressed } from "./addressed.ts"

const tag = "Bookings"

export const approvalRoutes = (app: App) =>
  new Elysia({ name: "approvals" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/approve",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        input(NoInput, body)
        return command((tx) => approveBooking(tx, member, bookingId))
      },
      described({
        tag,
        summary: "Approve a pending booking",
        description:
          "For staff. It is confirmed; one that is to be paid online and is not paid yet is held for up to 24 hours instead.",
        body: NoInput,
        answer: Booking,
        events: ["booking.approval.granted", "booking.confirmed", "booking.hold.created"],
        problems: [409],
        audited: "booking.approved",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/reject",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        const why = input(RejectInput, body)
        return command((tx) => rejectBooking(tx, member, bookingId, why))
      },
      described({
        tag,
        summary: "Reject a pending booking",
        description: "For staff. It is cancelled, its slot is free again, and whatever was paid is given back.",
        body: RejectInput,
        answer: Booking,
        events: ["booking.approval.rejected", "booking.cancelled"],
        problems: [409],
        audited: "booking.rejected",
      }),
    )
