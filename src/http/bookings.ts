/** Bookings: booking a slot, and what becomes of a booking up to the day of play. */
import { Elysia } from "elysia"
import { type Caller, requireMember } from "../access.ts"
import type { App } from "../app.ts"
import { Booking } from "../bookings/answer.ts"
import { BookingInput, CancelInput, CheckInInput, ConfirmInput, NoInput } from "../bookings/input.ts"
import { requireMayBook } from "../bookings/plan.ts"
import { BookingQuery, cancelBooking, confirmBooking, createBooking, getBooking, listBookings } from "../bookings.ts"
import { checkIn, completeBooking, markNoShow } from "../check-ins.ts"
import { runBeforeHooks } from "../hooks.ts"
import { api } from "./base.ts"
import { describe, listOf } from "./describe.ts"
import { facilityIdOf, idOf } from "./path.ts"

const tag = "Bookings"

export const bookingRoutes = (app: App) =>
  new Elysia({ name: "bookings" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/bookings",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        requireMember(who, facilityId)
        const wanted = input(BookingInput, body)
        requireMayBook(who, facilityId, wanted)
        return command((tx, booking: BookingInput) => createBooking(tx, who, facilityId, booking), {
          status: 201,
          before: () =>
            runBeforeHooks(app.hooks, "before:booking.create", wanted, { facilityId, caller: who }, (changed) =>
              input(BookingInput, changed),
            ),
        })
      },
      {
        detail: describe({
          tag,
          summary: "Book a slot",
          description:
            "Staff and API keys book for anybody, with `offline` or `waived`. `online` is refused until payments exist.",
          body: BookingInput,
          answer: Booking,
          status: 201,
          events: ["booking.confirmed"],
          problems: [409],
        }),
      },
    )
    .get(
      "/v1/facilities/:facilityId/bookings",
      async ({ caller, input, query, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        requireMember(who, facilityId)
        return listBookings(app.db, who, facilityId, input(BookingQuery, query))
      },
      {
        detail: describe({
          tag,
          summary: "List bookings by their start",
          description: "Members see their own.",
          query: BookingQuery,
          answer: listOf(Booking),
        }),
      },
    )
    .get(
      "/v1/facilities/:facilityId/bookings/:bookingId",
      async ({ caller, params }) => {
        const who = await caller()
        return getBooking(app.db, who, facilityIdOf(params.facilityId), idOf(params.bookingId, "booking"))
      },
      { detail: describe({ tag, summary: "Read a booking", description: "Members see their own.", answer: Booking }) },
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/confirm",
      async ({ command, caller, input, body, params }) => {
        const { who, facilityId, bookingId } = addressed(await caller(), params)
        const how = input(ConfirmInput, body)
        return command((tx) => confirmBooking(tx, who, facilityId, bookingId, how))
      },
      {
        detail: describe({
          tag,
          summary: "Make a hold a booking",
          body: ConfirmInput,
          answer: Booking,
          events: ["booking.confirmed"],
          problems: [409],
        }),
      },
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/cancel",
      async ({ command, caller, input, body, params }) => {
        const { who, facilityId, bookingId } = addressed(await caller(), params)
        const why = input(CancelInput, body)
        return command((tx) => cancelBooking(tx, who, facilityId, bookingId, why))
      },
      {
        detail: describe({
          tag,
          summary: "Cancel a booking",
          description: "Its booker until it starts, staff also later.",
          body: CancelInput,
          answer: Booking,
          events: ["booking.cancelled"],
          problems: [409],
        }),
      },
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/check-in",
      async ({ command, caller, input, body, params }) => {
        const { who, facilityId, bookingId } = addressed(await caller(), params)
        const how = input(CheckInInput, body)
        return command((tx) => checkIn(tx, who, facilityId, bookingId, how))
      },
      {
        detail: describe({
          tag,
          summary: "Check in",
          description: "From 30 minutes before the start until the end.",
          body: CheckInInput,
          answer: Booking,
          events: ["booking.checked_in"],
          problems: [409],
        }),
      },
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/no-show",
      async ({ command, caller, input, body, params }) => {
        const { who, facilityId, bookingId } = addressed(await caller(), params)
        input(NoInput, body)
        return command((tx) => markNoShow(tx, who, facilityId, bookingId))
      },
      {
        detail: describe({
          tag,
          summary: "Mark as a no-show",
          description: "For staff, after the start.",
          body: NoInput,
          answer: Booking,
          events: ["booking.no_show"],
          problems: [409],
        }),
      },
    )
    .post(
      "/v1/facilities/:facilityId/bookings/:bookingId/complete",
      async ({ command, caller, input, body, params }) => {
        const { who, facilityId, bookingId } = addressed(await caller(), params)
        input(NoInput, body)
        return command((tx) => completeBooking(tx, who, facilityId, bookingId))
      },
      {
        detail: describe({
          tag,
          summary: "Complete a booking",
          description: "For staff, after the start.",
          body: NoInput,
          answer: Booking,
          events: ["booking.completed"],
          problems: [409],
        }),
      },
    )

/** A stranger learns nothing about a booking, not even whether the body is right. */
function addressed(who: Caller, params: { readonly facilityId: string; readonly bookingId: string }) {
  const facilityId = facilityIdOf(params.facilityId)
  requireMember(who, facilityId)
  return { who, facilityId, bookingId: idOf(params.bookingId, "booking") }
}
