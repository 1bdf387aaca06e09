/** Recurring bookings: a series booked, read, cancelled or moved, each in a part or as a whole. */
import { Elysia } from "elysia"
import { type Caller, requireMember } from "#access/caller.ts"
import { RecurringBooking, RecurringReport, RecurringWithOccurrences } from "#domain/booking/series/answer.ts"
import { cancelSeries } from "#domain/booking/series/cancel.ts"
import { CancelSeriesInput, ChangeSeriesInput, RecurringInput, RecurringQuery } from "#domain/booking/series/input.ts"
import { rescheduleSeries } from "#domain/booking/series/reschedule.ts"
import {
  createSeries,
  getSeries,
  listSeries,
  type PreparedSeries,
  prepareSeries,
  requireMayRecur,
} from "#domain/booking/series/series.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Recurring bookings"

export const recurringBookingRoutes = (app: App) =>
  new Elysia({ name: "recurring-bookings" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/recurring-bookings",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const wanted = input(RecurringInput, body)
        const mayBook = requireMayRecur(member, wanted)
        return command((tx, ready: PreparedSeries) => createSeries(tx, member, wanted, ready), {
          status: 201,
          before: () => prepareSeries(app.db, app.hooks, mayBook, wanted),
        })
      },
      described({
        tag,
        summary: "Book a series",
        description:
          "The rule counts in the facility's local time: 18:00 stays 18:00 across clock changes, and so does an `endTime`. Occurrences inside the window are booked now, the rest as the window moves on. An occurrence that cannot be booked refuses all, with a 409 that lists them, unless `skipConflicts` is true. A series that costs something is booked by staff and keys, `offline` or `waived`.",
        body: RecurringInput,
        answer: RecurringReport,
        status: 201,
        events: ["recurring_booking.created", "booking.confirmed"],
        problems: [409],
        audited: { action: "recurring_booking.created", by: "staff" },
      }),
    )
    .get(
      "/v1/facilities/:facilityId/recurring-bookings",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listSeries(app.db, member, input(RecurringQuery, query))
      },
      described({
        tag,
        summary: "List recurring bookings, the oldest first",
        description: "Members see their own and their children's.",
        query: RecurringQuery,
        answer: listOf(RecurringBooking),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/recurring-bookings/:recurringBookingId",
      async ({ caller, params }) => {
        const { member, id } = addressed(await caller(), params)
        return getSeries(app.db, member, id)
      },
      described({
        tag,
        summary: "Read a recurring booking with its days from today on",
        answer: RecurringWithOccurrences,
      }),
    )
    .post(
      "/v1/facilities/:facilityId/recurring-bookings/:recurringBookingId/cancel",
      async ({ command, caller, input, body, params }) => {
        const { member, id } = addressed(await caller(), params)
        const how = input(CancelSeriesInput, body)
        return command((tx) => cancelSeries(tx, member, id, how))
      },
      described({
        tag,
        summary: "Cancel one booking of a series, it and those that follow, or all that have not begun",
        description: "Each booking is cancelled by itself. After `following` and `all` no more are booked.",
        body: CancelSeriesInput,
        answer: RecurringBooking,
        events: ["recurring_booking.cancelled", "booking.cancelled"],
        problems: [409],
        audited: { action: "recurring_booking.cancelled", by: "staff" },
      }),
    )
    .patch(
      "/v1/facilities/:facilityId/recurring-bookings/:recurringBookingId",
      async ({ command, caller, input, body, params }) => {
        const { member, id } = addressed(await caller(), params)
        const change = input(ChangeSeriesInput, body)
        return command((tx) => rescheduleSeries(tx, member, id, change))
      },
      described({
        tag,
        summary: "Move one booking of a series, it and those that follow, or all that have not begun",
        description:
          "Changes what it names, and leaves the rest as each booking has it. What was changed in a booking by itself stays too, unless `includeMoved` is true. One booking that cannot be moved refuses all, with a 409 that lists them. With `following` and `all` later bookings are made there too.",
        body: ChangeSeriesInput,
        answer: RecurringReport,
        events: ["recurring_booking.changed", "booking.rescheduled"],
        problems: [409],
        audited: { action: "recurring_booking.rescheduled", by: "staff" },
      }),
    )

/** A stranger learns nothing about a series, not even whether the body is valid. */
function addressed(who: Caller, params: { readonly facilityId: string; readonly recurringBookingId: string }) {
  const member = requireMember(who, facilityIdOf(params.facilityId))
  return { member, id: idOf(params.recurringBookingId, "recurring booking") }
}
