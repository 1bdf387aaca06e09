/** Invitations to a role: the person lists and answers them, the administrators of the facility see them. */
import { Elysia } from "elysia"
import { requireAdmin } from "#access/caller.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { PageQuery } from "#base/schema/page.ts"
import {
  acceptRole,
  declineRole,
  listInvitationsOf,
  listRoleInvitations,
  RoleAnswer,
  RoleInvitation,
} from "#domain/people/role-invitations.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "People"

export const roleInvitationRoutes = (app: App) =>
  new Elysia({ name: "role-invitations" })
    .use(api(app))
    .get(
      "/v1/role-invitations",
      async ({ caller, input, query }) => listRoleInvitations(app.db, await caller(), input(PageQuery, query)),
      described({
        tag,
        summary: "List the roles that the caller is invited to",
        description: "Also those of the caller's children who cannot sign in.",
        query: PageQuery,
        answer: listOf(RoleInvitation),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/role-invitations",
      async ({ caller, input, query, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        return listInvitationsOf(app.db, admin, input(PageQuery, query))
      },
      described({
        tag,
        summary: "List the open invitations to roles of a facility",
        description: "For administrators. The list says who was invited by id alone, also when nobody has the id.",
        query: PageQuery,
        answer: listOf(RoleInvitation),
      }),
    )
    .post(
      "/v1/role-invitations/:id/accept",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const id = idOf(params.id, "invitation")
        input(NoInput, body)
        return command((tx) => acceptRole(tx, who, id))
      },
      described({
        tag,
        summary: "Accept an invitation to a role",
        description: "The inviter must still have the right to give the role.",
        body: NoInput,
        answer: RoleAnswer,
        events: ["user.role_assigned"],
        problems: [409],
        audited: "role.accepted",
      }),
    )
    .post(
      "/v1/role-invitations/:id/decline",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const id = idOf(params.id, "invitation")
        input(NoInput, body)
        return command((tx) => declineRole(tx, who, id))
      },
      described({
        tag,
        summary: "Decline an invitation to a role",
        description: "The club may send another.",
        body: NoInput,
        audited: "role.declined",
      }),
    )
