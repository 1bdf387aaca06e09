/** The roles of people: give one, take one away, list them. */
import { Elysia } from "elysia"
import { listRoles, RoleQuery } from "#domain/people/list-roles.ts"
import { assignRole, RoleAnswer, withdrawRole } from "#domain/people/role-invitations.ts"
import { RoleGrant, RoleInput } from "#domain/people/roles.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "People"

export const roleRoutes = (app: App) =>
  new Elysia({ name: "roles" })
    .use(api(app))
    .post(
      "/v1/users/:id/roles",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const userId = idOf(params.id, "user")
        const role = input(RoleInput, body)
        let isNew = true
        return command(
          async (tx) => {
            const assigned = await assignRole(tx, who, userId, role)
            isNew = assigned.isNew
            return assigned.answer
          },
          { status: ({ status }) => (status === "invited" ? 202 : isNew ? 201 : 200) },
        )
      },
      described({
        tag,
        summary: "Give a person a role",
        description:
          "Administrators of a facility or of an organization give roles in it, up to their own; platform administrators " +
          "anywhere. A role in an organization counts in all its facilities. A role that the person already holds is answered with " +
          "200, and nothing is recorded. An account that is not the club's own is invited (`status` is `invited`, with " +
          "202), and holds the role when the person accepts. An id that nobody has is answered in the same way.",
        body: RoleInput,
        answer: RoleAnswer,
        status: 201,
        also: [200, 202],
        events: ["user.role_assigned"],
        audited: "role.given",
      }),
    )
    .get(
      "/v1/users/:id/roles",
      async ({ caller, input, query, params }) => {
        const who = await caller()
        return listRoles(app.db, who, idOf(params.id, "user"), input(RoleQuery, query))
      },
      described({
        tag,
        summary: "List a person's roles",
        description: "All of them for the person themself; others see the roles in the scopes that they administer.",
        query: RoleQuery,
        answer: listOf(RoleGrant),
      }),
    )
    .delete(
      "/v1/users/:id/roles",
      async ({ command, caller, input, query, params }) => {
        const who = await caller()
        const userId = idOf(params.id, "user")
        const role = input(RoleInput, query)
        return command((tx) => withdrawRole(tx, who, userId, role))
      },
      described({
        tag,
        summary: "Take a role from a person",
        description:
          "For those who could give it, and for the person themself. The role is named in the query. An invitation to " +
          "the role is taken back in the same way.",
        query: RoleInput,
        events: ["user.role_revoked"],
        audited: "role.revoked",
      }),
    )
