/** Bookings: booking a slot, and what becomes of a booking up to the day of play. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import { InvalidInput } from "#base/errors.ts"
import type { Hooked } from "#base/hooks.ts"
import { Booking, BookingDetails } from "#domain/booking/answer.ts"
import { createBooking } from "#domain/booking/book.ts"
import { CancellationQuote, cancelBooking, quoteCancellation } from "#domain/booking/cancel.ts"
import { confirmBooking } from "#domain/booking/confirm.ts"
import { changeDetails } from "#domain/booking/details.ts"
import { DetailsInput } from "#domain/booking/details-input.ts"
import { runBeforeHooks } from "#domain/booking/hooks.ts"
import { BookingInput, CancelInput, ConfirmInput, RescheduleInput } from "#domain/booking/input.ts"
import { BookingQuery, getBooking, listBookings } from "#domain/booking/list.ts"
import { requireMayBook } from "#domain/booking/may-book.ts"
import { rescheduleBooking } from "#domain/booking/reschedule.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import { addressed } from "./addressed.ts"

const tag = "Bookings"

const CancelQuery = Schema.Struct({ dryRun: Schema.optionalKey(Schema.Literals(["true", "false"])) })

export const bookingRoutes = (app: App) =>
  new Elysia({ name: "bookings" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/bookings",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const wanted = input(BookingInput, body)
        const mayBook = requireMayBook(member, wanted)
        return command((tx, hooked: Hooked<BookingInput>) => createBooking(tx, mayBook, hooked), {
          status: 201,
          before: () => runBeforeHooks(app.hooks, member, wanted, (changed) => input(BookingInput, changed)),
        })
      },
      described({
        tag,
        summary: "Book a slot",
        description: [
          "Members book for themselves and their children, with `online`; staff and API keys for anybody, also with `offline` or `waived`.",
          "With `online` the answer is `held` until the payment succeeds, and `confirmed` at once when it costs nothing.",
          "What the facility approves first is `pending`: it keeps its slot until staff decide, and is paid after that.",
        ].join(" "),
        body: BookingInput,
        answer: Booking,
        status: 201,
        events: ["booking.confirmed", "booking.hold.created", "booking.approval.requested"],
        problems: [409],
      }),
    )
    .get(
      "/v1/facilities/:facilityId/bookings",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listBookings(app.db, member, input(BookingQuery, query))
      },
      described({
        tag,
        summary: "List bookings by their start",
        description: "Members see their own and their children's.",
        query: BookingQuery,
        answer: listOf(Booking),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/bookings/:bookingId",
      async ({ caller, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        return getBooking(app.db, member, bookingId)
      },
      described({
        tag,
        summary: "Read a booking",
        description:
          "Members see their own and their children's. The answer explains the price line by line, and what was paid, refunded and forfeited.",
        answer: BookingDetails,
      }),
    )
    .patch(
      "/v1/facilities/:facilityId/bookings/:bookingId",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        const details = input(DetailsInput, body)
        return command((tx) => changeDetails(tx, member, bookingId, details))
      },
      described({
        tag,
        summary: "Change the title, the note or the answers of a booking",
        description:
          "Its booker until it ends, staff also later. What the request does not name stays; the booking never moves. Events do not carry what is said.",
        body: DetailsInput,
        answer: Booking,
        events: ["booking.details_changed"],
        problems: [409],
        audited: { action: "booking.details_changed", by: "staff" },
      }),
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/confirm",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        const how = input(ConfirmInput, body)
        return command((tx) => confirmBooking(tx, member, bookingId, how))
      },
      described({
        tag,
        summary: "Make a hold a booking",
        description: "Staff; with `online` also its booker, once it is paid or when it costs nothing.",
        body: ConfirmInput,
        answer: Booking,
        events: ["booking.confirmed"],
        problems: [409],
        audited: { action: "booking.confirmed", by: "staff" },
      }),
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/cancel",
      async ({ command, caller, input, body, query, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        const { dryRun, cancellationReason, ...how } = input(CancelInput, body)
        if (dryRun || input(CancelQuery, query).dryRun === "true") {
          return command((tx): Promise<Booking | CancellationQuote> => quoteCancellation(tx, member, bookingId, how))
        }
        if (cancellationReason === undefined) {
          throw new InvalidInput([{ path: "body.cancellationReason", message: "Missing key" }])
        }
        return command(
          (tx): Promise<Booking | CancellationQuote> =>
            cancelBooking(tx, member, bookingId, { ...how, cancellationReason }),
        )
      },
      described({
        tag,
        summary: "Cancel a booking, or ask what that would refund",
        description: [
          "Its booker until it starts, staff also later. The refund follows the cancellation policy that the booking was made under.",
          "With `dryRun` the answer is the refund and the rule that decides it, and nothing is cancelled; otherwise `cancellationReason` is required.",
        ].join(" "),
        body: CancelInput,
        query: CancelQuery,
        answer: Schema.Union([Booking, CancellationQuote]),
        events: ["booking.cancelled"],
        problems: [409],
        audited: { action: "booking.cancelled", by: "staff" },
      }),
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/reschedule",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        const to = input(RescheduleInput, body)
        return command((tx) => rescheduleBooking(tx, member, bookingId, to))
      },
      described({
        tag,
        summary: "Move a booking to another time or resource",
        description: [
          "Its booker until the facility's `rescheduleHoursBefore`, staff until it ends. The booking keeps its id; the new time keeps the same rules.",
          "Time on the same court that it keeps, the coach's rate and an agreed amount keep their price. Other time has the price of now.",
          "What was paid beyond the new price is given back, to members as far as the cancellation policy goes; the rest is forfeited. When the new time is taken, the booking stays where it is.",
        ].join(" "),
        body: RescheduleInput,
        answer: Booking,
        events: ["booking.rescheduled"],
        problems: [409],
        audited: { action: "booking.rescheduled", by: "staff" },
      }),
    )
