/** Registration, the caller's own page, and roles. */

import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import type { App } from "../app.ts"
import { Id } from "../fields.ts"
import { newId } from "../ids.ts"
import { hashPassword } from "../passwords.ts"
import { assignRole, RoleGrant, RoleInput } from "../roles.ts"
import { RegistrationInput, registerUser, User } from "../users.ts"
import { api } from "./base.ts"
import { describe } from "./describe.ts"
import { idOf } from "./path.ts"

export const userRoutes = (app: App) =>
  new Elysia({ name: "users" })
    .use(api(app))
    .post(
      "/v1/users",
      ({ command, input, body, clientIp }) => {
        const { password, ...person } = input(RegistrationInput, body)
        const userId = newId()
        return command((tx, passwordHash: string) => registerUser(tx, { ...person, passwordHash }, userId), {
          status: 201,
          open: true,
          userId,
          before: () => hashPassword(password, clientIp() ?? ""),
        })
      },
      {
        detail: describe({
          tag: "People",
          summary: "Register",
          description: "Open to everybody. With a `facilityId` the person becomes a player of that facility.",
          body: RegistrationInput,
          answer: User,
          status: 201,
          open: true,
          events: ["user.created"],
          problems: [409, 429],
        }),
      },
    )
    .get(
      "/v1/me",
      async ({ caller }) => {
        const { userId, kind, name, email, grants, tokenExpiresAt } = await caller()
        return { id: userId, kind, name, email, roles: grants, tokenExpiresAt: tokenExpiresAt?.toISOString() ?? null }
      },
      { detail: describe({ tag: "People", summary: "Who the token belongs to", answer: Me, problems: [] }) },
    )
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
            return assigned.grant
          },
          { status: () => (isNew ? 201 : 200) },
        )
      },
      {
        detail: describe({
          tag: "People",
          summary: "Give a person a role",
          description:
            "Administrators of a facility give roles in it, up to their own; platform administrators anywhere. " +
            "Who holds the role already is answered with 200, and nothing is recorded.",
          body: RoleInput,
          answer: RoleGrant,
          status: 201,
          events: ["user.role_assigned"],
        }),
      },
    )

const Me = Schema.Struct({
  id: Id,
  kind: Schema.Literals(["person", "api_key", "system"]),
  name: Schema.String,
  email: Schema.NullOr(Schema.String),
  roles: Schema.Array(Schema.Struct({ role: Schema.String, scopeType: Schema.String, scopeId: Id })),
  tokenExpiresAt: Schema.NullOr(Schema.String),
})
