/** Lost items: reports, lists and claims. */
import { Elysia } from "elysia"
import { requireMember, requireStaff } from "#access/caller.ts"
import {
  ClaimInput,
  claimLostItem,
  getLostItem,
  LostItem,
  LostItemInput,
  LostItemQuery,
  listLostItems,
  reportLostItem,
} from "#domain/club/lost-items.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Facilities"

export const lostItemRoutes = (app: App) =>
  new Elysia({ name: "lost-items" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/lost-items",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const item = input(LostItemInput, body)
        return command((tx) => reportLostItem(tx, member, item), { status: 201 })
      },
      described({
        tag,
        summary: "Report a found item",
        description: "For players, coaches and staff.",
        body: LostItemInput,
        answer: LostItem,
        status: 201,
        events: ["lost_item.reported"],
      }),
    )
    .get(
      "/v1/facilities/:facilityId/lost-items",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listLostItems(app.db, member, input(LostItemQuery, query))
      },
      described({
        tag,
        summary: "List lost items, the newest first",
        description: "Members see unclaimed items, staff see all.",
        query: LostItemQuery,
        answer: listOf(LostItem),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/lost-items/:id",
      async ({ caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return getLostItem(app.db, member, idOf(params.id, "lost item"))
      },
      described({ tag, summary: "Read a lost item", answer: LostItem }),
    )
    .post(
      "/v1/facilities/:facilityId/lost-items/:id/claim",
      async ({ command, caller, input, body, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.id, "lost item")
        const claim = input(ClaimInput, body)
        return command((tx) => claimLostItem(tx, staff, id, claim))
      },
      described({
        tag,
        summary: "Hand a lost item out to its owner",
        description: "For staff, who vouch for it: `verifiedBy` is the caller. An item is handed out once.",
        body: ClaimInput,
        answer: LostItem,
        events: ["lost_item.claimed"],
        problems: [409],
        audited: "lost_item.handed_out",
      }),
    )
