/** The waitlist: joining, leaving, and answering an offer. */
import { Elysia } from "elysia"
import { type Caller, requireMember } from "#access/caller.ts"
import type { App } from "#base/app.ts"
import { InvalidInput } from "#base/errors.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { runBeforeHooks } from "#domain/booking/hooks.ts"
import { requireMayBook } from "#domain/booking/plan.ts"
import { WaitlistEntry } from "#domain/booking/waitlist/answer.ts"
import { AcceptInput, bookingOfEntry, WaitlistInput, WaitlistQuery } from "#domain/booking/waitlist/input.ts"
import {
  acceptOffer,
  declineOffer,
  getEntry,
  joinWaitlist,
  leaveWaitlist,
  listWaitlist,
} from "#domain/booking/waitlist/waitlist.ts"
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
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        requireMember(who, facilityId)
        const wish = input(WaitlistInput, body)
        requireMayBook(who, facilityId, bookingOfEntry(wish, wish.resourceId ?? facilityId))
        return command((tx) => joinWaitlist(tx, who, facilityId, wish), { status: 201 })
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
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        requireMember(who, facilityId)
        return listWaitlist(app.db, who, facilityId, input(WaitlistQuery, query))
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
        const { who, facilityId, entryId } = addressed(await caller(), params)
        return getEntry(app.db, who, facilityId, entryId)
      },
      described({ tag, summary: "Read a waitlist entry", answer: WaitlistEntry }),
    )
    .delete(
      "/v1/facilities/:facilityId/waitlist/:entryId",
      async ({ command, caller, params }) => {
        const { who, facilityId, entryId } = addressed(await caller(), params)
        return command((tx) => leaveWaitlist(tx, who, facilityId, entryId))
      },
      described({
        tag,
        summary: "Leave the waitlist",
        description: "Who has been offered the slot declines it with that.",
        answer: WaitlistEntry,
        events: ["waitlist.left"],
        problems: [409],
      }),
    )
    .post(
      "/v1/facilities/:facilityId/waitlist/:entryId/accept",
      async ({ command, caller, input, body, params }) => {
        const { who, facilityId, entryId } = addressed(await caller(), params)
        const how = input(AcceptInput, body)
        return command((tx) => acceptOffer(tx, who, facilityId, entryId, how), {
          before: () => askHooks(app, who, facilityId, entryId, how.paymentMethod),
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
      }),
    )
    .post(
      "/v1/facilities/:facilityId/waitlist/:entryId/decline",
      async ({ command, caller, input, body, params }) => {
        const { who, facilityId, entryId } = addressed(await caller(), params)
        input(NoInput, body)
        return command((tx) => declineOffer(tx, who, facilityId, entryId))
      },
      described({
        tag,
        summary: "Decline the offer",
        description: "It goes to the next who waits.",
        body: NoInput,
        answer: WaitlistEntry,
        events: ["waitlist.declined", "booking.hold.released"],
        problems: [409],
      }),
    )

/** A stranger learns nothing about an entry, not even whether the body is right. */
function addressed(who: Caller, params: { readonly facilityId: string; readonly entryId: string }) {
  const facilityId = facilityIdOf(params.facilityId)
  requireMember(who, facilityId)
  return { who, facilityId, entryId: idOf(params.entryId, "waitlist entry") }
}

/**
 * The hold of an offer is made where somebody else frees the slot, and no hook may run in there: so before:booking.create is
 * asked when it is accepted. It may block; what was offered is taken as it is.
 */
async function askHooks(
  app: App,
  who: Caller,
  facilityId: string,
  entryId: string,
  paymentMethod: typeof AcceptInput.Type.paymentMethod,
): Promise<void> {
  if ((app.hooks ?? []).length === 0) return
  const { startAt, endAt, bookingType, bookerId, participants, offer } = await getEntry(
    app.db,
    who,
    facilityId,
    entryId,
  )
  if (offer === null) return
  const wanted = { resourceId: offer.resourceId, startAt, endAt, bookingType, bookerId, participants, paymentMethod }
  await runBeforeHooks(app.hooks, "before:booking.create", wanted, { facilityId, caller: who }, () => {
    throw new InvalidInput([{ path: "body", message: "An offer is taken as it is" }])
  })
}
