/** Holds: a slot kept for a few minutes. A hold is confirmed under its booking's address. */
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import type { Hooked } from "#base/hooks.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { Booking } from "#domain/booking/answer.ts"
import { createHold, extendHold, releaseHold } from "#domain/booking/holds.ts"
import { runBeforeHooks } from "#domain/booking/hooks.ts"
import { HoldInput } from "#domain/booking/input.ts"
import { requireMayBook } from "#domain/booking/may-book.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import { addressed } from "./addressed.ts"

const tag = "Bookings"

export const holdRoutes = (app: App) =>
  new Elysia({ name: "holds" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/holds",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const wanted = input(HoldInput, body)
        const mayBook = requireMayBook(member, wanted)
        return command((tx, hooked: Hooked<HoldInput>) => createHold(tx, mayBook, hooked), {
          status: 201,
          before: () => runBeforeHooks(app.hooks, member, wanted, (changed) => input(HoldInput, changed)),
        })
      },
      described({
        tag,
        summary: "Hold a slot",
        description: "For the facility's `holdMinutes`. `id` is the booking's: confirm it, or release the hold.",
        body: HoldInput,
        answer: Booking,
        status: 201,
        events: ["booking.hold.created"],
        problems: [409],
      }),
    )
    .post(
      "/v1/facilities/:facilityId/holds/:bookingId/extend",
      async ({ command, caller, input, body, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        input(NoInput, body)
        return command((tx) => extendHold(tx, member, bookingId))
      },
      described({
        tag,
        summary: "Give a hold more time",
        description:
          "The hold lasts the facility's `holdMinutes` again, from now on. Ten times at most, and never while somebody waits for the slot (409 `somebody_waits`, `no_extension_left`).",
        body: NoInput,
        answer: Booking,
        events: ["booking.hold.extended"],
        problems: [409],
      }),
    )
    .delete(
      "/v1/facilities/:facilityId/holds/:bookingId",
      async ({ command, caller, params }) => {
        const { member, bookingId } = addressed(await caller(), params)
        return command((tx) => releaseHold(tx, member, bookingId))
      },
      described({
        tag,
        summary: "Release a hold",
        answer: Booking,
        events: ["booking.hold.released"],
        problems: [409],
      }),
    )
