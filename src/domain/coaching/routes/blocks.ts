/** Coach blocks: requests of coaches, and decisions of staff. */

import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { type Caller, requireMember } from "#access/caller.ts"
import type { Hooked } from "#base/hooks.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { Id, Instant } from "#base/schema/request-fields.ts"
import { runBeforeHooks } from "#domain/booking/hooks.ts"
import { HoldInput, RejectInput } from "#domain/booking/input.ts"
import {
  approveBlock,
  BlockInput,
  BlockQuery,
  CancelBlockInput,
  cancelBlock,
  getBlock,
  listBlocks,
  rejectBlock,
  requestBlock,
} from "#domain/coaching/blocks/blocks.ts"
import { CoachBlock } from "#domain/coaching/blocks/rows.ts"
import { requireMayCoach } from "#domain/coaching/coaches.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Coaches"

/** The block that a before hook may leave: other times or another resource, but a block. */
const BlockBooking = Schema.Struct({
  resourceId: Id,
  startAt: Instant,
  endAt: Instant,
  bookingType: Schema.Literal("coach_block"),
  bookerId: Id,
})

export const coachBlockRoutes = (app: App) =>
  new Elysia({ name: "coach-blocks" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/coach-blocks",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const wanted = input(BlockInput, body)
        requireMayCoach(member, wanted.coachId)
        const { resourceId, startAt, endAt, coachId = member.caller.userId } = wanted
        const booking = input(HoldInput, { resourceId, startAt, endAt, bookingType: "coach_block", bookerId: coachId })
        return command((tx, asked: Hooked<HoldInput>) => requestBlock(tx, member, wanted, asked), {
          status: 201,
          before: () =>
            runBeforeHooks(app.hooks, member, booking, (changed) => input(HoldInput, input(BlockBooking, changed))),
        })
      },
      described({
        tag,
        summary: "Ask for time as a coach",
        description:
          "For coaches, and for staff and API keys on behalf of one. It occupies the resource at once. It is approved at once when staff ask or the coach's blocks need no approval.",
        body: BlockInput,
        answer: CoachBlock,
        status: 201,
        events: ["coach.block.requested", "coach.block.approved"],
        problems: [409],
      }),
    )
    .get(
      "/v1/facilities/:facilityId/coach-blocks",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listBlocks(app.db, member, input(BlockQuery, query))
      },
      described({
        tag,
        summary: "List coach blocks by their start",
        description: "Coaches see their own, staff all.",
        query: BlockQuery,
        answer: listOf(CoachBlock),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/coach-blocks/:blockId",
      async ({ caller, params }) => {
        const { member, blockId } = addressed(await caller(), params)
        return getBlock(app.db, member, blockId)
      },
      described({
        tag,
        summary: "Read a coach block",
        description: "Coaches see their own, staff all.",
        answer: CoachBlock,
      }),
    )
    .post(
      "/v1/facilities/:facilityId/coach-blocks/:blockId/approve",
      async ({ command, caller, input, body, params }) => {
        const { member, blockId } = addressed(await caller(), params)
        input(NoInput, body)
        return command((tx) => approveBlock(tx, member, blockId))
      },
      described({
        tag,
        summary: "Approve a coach block",
        description: "For staff, before it begins.",
        body: NoInput,
        answer: CoachBlock,
        events: ["coach.block.approved"],
        problems: [409],
        audited: "coach_block.approved",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/coach-blocks/:blockId/reject",
      async ({ command, caller, input, body, params }) => {
        const { member, blockId } = addressed(await caller(), params)
        const why = input(RejectInput, body)
        return command((tx) => rejectBlock(tx, member, blockId, why))
      },
      described({
        tag,
        summary: "Reject a coach block",
        description: "For staff. Its time is free again.",
        body: RejectInput,
        answer: CoachBlock,
        events: ["coach.block.rejected"],
        problems: [409],
        audited: "coach_block.rejected",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/coach-blocks/:blockId/cancel",
      async ({ command, caller, input, body, params }) => {
        const { member, blockId } = addressed(await caller(), params)
        const why = input(CancelBlockInput, body)
        return command((tx) => cancelBlock(tx, member, blockId, why))
      },
      described({
        tag,
        summary: "Cancel a coach block",
        description: "Its coach until it begins, staff also later. Its sessions are cancelled too.",
        body: CancelBlockInput,
        answer: CoachBlock,
        events: ["coach.block.cancelled"],
        problems: [409],
        audited: { action: "coach_block.cancelled", by: "staff" },
      }),
    )

/** A stranger learns nothing about a block, not even whether the body is right. */
function addressed(who: Caller, params: { readonly facilityId: string; readonly blockId: string }) {
  const member = requireMember(who, facilityIdOf(params.facilityId))
  return { member, blockId: idOf(params.blockId, "coach block") }
}
