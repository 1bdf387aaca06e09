/** The waitlist: joining, leaving, and answering an offer. */
import { Elysia } from "elysia"
import { type Caller, requireMember } from "#access/caller.ts"
import type { Hooked } from "#base/hooks.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { runAcceptHooks } from "#domain/booking/hooks.ts"
import { requireMayBook } from "#domain/booking/may-book.ts"
import { WaitlistEntry } from "#domain/booking/waitlist/answer.ts"
import { AcceptInput, WaitlistInput, WaitlistQuery } from "#domain/booking/waitlist/input.ts"
import { offeredBooking } from "#domain/booking/waitlist/offered-booking.ts"
import {
  acceptOffer,
  declineOffer,
  getEntry,
  joinWaitlist,
  leaveWaitlist,
  listWaitlist,
} from "#domain/booking/waitlist/waitlist.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Waitlist"

export const waitlistRoutes = (app: App) =>
  new Elysia({ name: "waitlist" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/waitlist",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const wish = input(WaitlistInput, body)
        const mayBook = requireMayBook(member, wish)
        return command((tx) => joinWaitlist(tx, mayBook, wish), { status: 201 })
      },
      described({
        tag,
        summary: "Wait for a slot that is taken",
        description:
          "For one resource, or for any of a type. What becomes free is offered to the first in line, as a hold with an expiry.",
        body: WaitlistInput,
        answer: WaitlistEntry,
        status: 201,
        events: ["waitlist.joined"],
        problems: [409],
      }),
    )
    .get(
      "/v1/facilities/:facilityId/waitlist",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listWaitlist(app.db, member, input(WaitlistQuery, query))
      },
      described({
        tag,
        summary: "List the waitlist in the order of joining",
        description: "Members see their own entries and those of their children.",
        query: WaitlistQuery,
        answer: listOf(WaitlistEntry),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/waitlist/:entryId",
      async ({ caller, params }) => {
        const { member, entryId } = addressed(await caller(), params)
        return getEntry(app.db, member, entryId)
      },
      described({ tag, summary: "Read a waitlist entry", answer: WaitlistEntry }),
    )
    .delete(
      "/v1/facilities/:facilityId/waitlist/:entryId",
      async ({ command, caller, params }) => {
        const { member, entryId } = addressed(await caller(), params)
        return command((tx) => leaveWaitlist(tx, member, entryId))
      },
      described({
        tag,
        summary: "Leave the waitlist",
        description: "Leaving declines an offer that has been made.",
        answer: WaitlistEntry,
        events: ["waitlist.left"],
        problems: [409],
        audited: { action: "waitlist_entry.removed", by: "staff" },
      }),
    )
    .post(
      "/v1/facilities/:facilityId/waitlist/:entryId/accept",
      async ({ command, caller, input, body, params }) => {
        const { member, entryId } = addressed(await caller(), params)
        const how = input(AcceptInput, body)
        const offered = () => offeredBooking(app.db, member, entryId, how.paymentMethod)
        return command((tx, hooked: Hooked<typeof how>) => acceptOffer(tx, member, entryId, hooked), {
          before: () => runAcceptHooks(app.hooks, member, how, offered),
        })
      },
      described({
        tag,
        summary: "Accept the offer",
        description:
          "`online` leaves the slot held until it is paid, for as long again as a hold lasts; `offline` and `waived` are for staff and keys.",
        body: AcceptInput,
        answer: WaitlistEntry,
        events: ["waitlist.accepted", "booking.confirmed"],
        problems: [409],
        audited: { action: "waitlist_entry.accepted", by: "staff" },
      }),
    )
    .post(
      "/v1/facilities/:facilityId/waitlist/:entryId/decline",
      async ({ command, caller, input, body, params }) => {
        const { member, entryId } = addressed(await caller(), params)
        input(NoInput, body)
        return command((tx) => declineOffer(tx, member, entryId))
      },
      described({
        tag,
        summary: "Decline the offer",
        description: "It goes to the next who waits.",
        body: NoInput,
        answer: WaitlistEntry,
        events: ["waitlist.declined", "booking.hold.released"],
        problems: [409],
        audited: { action: "waitlist_entry.declined", by: "staff" },
      }),
    )

/** A stranger learns nothing about an entry, not even whether the body is right. */
function addressed(who: Caller, params: { readonly facilityId: string; readonly entryId: string }) {
  const member = requireMember(who, facilityIdOf(params.facilityId))
  return { member, entryId: idOf(params.entryId, "waitlist entry") }
}
