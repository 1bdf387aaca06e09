/** The day of play: check-in, no-shows and completed bookings. */
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { Booking } from "#domain/booking/answer.ts"
import { checkIn, completeBooking } from "#domain/booking/attendance/check-in.ts"
import { CheckInCode, getCheckInCode, requireCode } from "#domain/booking/attendance/codes.ts"
import { markNoShow, NoShowWaiver, waiveNoShow } from "#domain/booking/attendance/no-shows.ts"
import { listStrikes, Strike, StrikeQuery } from "#domain/booking/attendance/strikes.ts"
import { undoCheckIn, undoCompletion, undoNoShow } from "#domain/booking/attendance/undo.ts"
import { CheckInInput, UndoInput, WaiveInput } from "#domain/booking/input.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import { addressed } from "./addressed.ts"

const tag = "Bookings"

export const checkInRoutes = (app: App) =>
  new Elysia({ name: "check-ins" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/bookings/:bookingId/check-in-code",
      async ({ caller, params, set }) => {
        const { member, bookingId } = addressed(await caller(), params)
        const code = await getCheckInCode(app.db, app.secrets, member, bookingId)
        set.headers["cache-control"] = "no-store"
        return code
      },
      described({
        tag,
        summary: "Read the codes to check in with",
        description: "For its booker, their parents and staff, while the booking is confirmed.",
        answer: CheckInCode,
        problems: [409],
      }),
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/check-in",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        const how = input(CheckInInput, body)
        requireCode(app.secrets, member, bookingId, how)
        return command((tx) => checkIn(tx, member, bookingId, how))
      },
      described({
        tag,
        summary: "Check in",
        description:
          "From 30 minutes before the start until the end. The methods `qr_code` and `access_code` need the `code` of the booking. After five wrong codes the caller must wait.",
        body: CheckInInput,
        answer: Booking,
        events: ["booking.checked_in"],
        problems: [409],
      }),
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/no-show",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        input(NoInput, body)
        return command((tx) => markNoShow(tx, member, bookingId))
      },
      described({
        tag,
        summary: "Mark as a no-show",
        description:
          "For staff, after the start and the facility's grace. It gives a strike, and costs what the booking policy says.",
        body: NoInput,
        answer: Booking,
        events: ["booking.no_show"],
        problems: [409],
        audited: "booking.marked_no_show",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/no-show/waive",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        const why = input(WaiveInput, body)
        return command((tx) => waiveNoShow(tx, member, bookingId, why))
      },
      described({
        tag,
        summary: "Waive a no-show",
        description: "For staff, once. Its strike no longer counts, its fee is no longer due, its restriction ends.",
        body: WaiveInput,
        answer: NoShowWaiver,
        events: ["booking.no_show.waived"],
        problems: [409],
        audited: "booking.no_show_waived",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/complete",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        input(NoInput, body)
        return command((tx) => completeBooking(tx, member, bookingId))
      },
      described({
        tag,
        summary: "Complete a booking",
        description: "For staff, after the start.",
        body: NoInput,
        answer: Booking,
        events: ["booking.completed"],
        problems: [409],
        audited: "booking.completed",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/no-show/undo",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        const why = input(UndoInput, body)
        return command((tx) => undoNoShow(tx, member, bookingId, why))
      },
      described({
        tag,
        summary: "Undo a no-show that was a mistake",
        description:
          "For staff. The booking is confirmed again, and may be checked in or completed although its time is over. Its strike no longer counts, its fee is not due, its restriction ends. No job marks it again.",
        body: UndoInput,
        answer: Booking,
        events: ["booking.no_show.undone"],
        problems: [409],
        audited: "booking.no_show_undone",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/check-in/undo",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        const why = input(UndoInput, body)
        return command((tx) => undoCheckIn(tx, member, bookingId, why))
      },
      described({
        tag,
        summary: "Undo a check-in that was a mistake",
        description: "For staff. The booking is confirmed again. After its grace only staff mark it as a no-show.",
        body: UndoInput,
        answer: Booking,
        events: ["booking.check_in.undone"],
        problems: [409],
        audited: "booking.check_in_undone",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/complete/undo",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        const why = input(UndoInput, body)
        return command((tx) => undoCompletion(tx, member, bookingId, why))
      },
      described({
        tag,
        summary: "Undo a completion that was a mistake",
        description:
          "For staff. The booking is checked in again, or confirmed if nobody checked in. A completed coach session is undone by its own address.",
        body: UndoInput,
        answer: Booking,
        events: ["booking.completion.undone"],
        problems: [409],
        audited: "booking.completion_undone",
      }),
    )
    .get(
      "/v1/facilities/:facilityId/strikes",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listStrikes(app.db, member, input(StrikeQuery, query))
      },
      described({
        tag,
        summary: "Read the ledger of strikes, the oldest first",
        description: "Members see their own and their children's.",
        query: StrikeQuery,
        answer: listOf(Strike),
      }),
    )
