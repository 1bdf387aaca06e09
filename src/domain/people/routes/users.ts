/** Registration, joining a further club, and the caller's own page. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { childPermissions } from "#access/caller.ts"
import { hashPassword } from "#access/passwords.ts"
import { newId } from "#base/ids.ts"
import { LanguageField } from "#base/languages.ts"
import { Id } from "#base/schema/request-fields.ts"
import { requirePerson } from "#domain/people/accounts/names.ts"
import { joinClub, Membership, MembershipInput } from "#domain/people/join.ts"
import { registrationShares } from "#domain/people/registration-shares.ts"
import { findProfile, RegistrationInput, registerUser, User } from "#domain/people/users.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { addStanding } from "#http/rate-headers.ts"
import { api } from "#http/route.ts"

export const userRoutes = (app: App) => {
  const countRegistration = registrationShares(app.config.requestsPerSecond)
  return new Elysia({ name: "users" })
    .use(api(app))
    .post(
      "/v1/users",
      ({ command, input, body, set, clientShare }) => {
        const { password, ...person } = input(RegistrationInput, body)
        const userId = newId()
        const share = clientShare()
        return command((tx, passwordHash: string) => registerUser(tx, { ...person, passwordHash }, userId), {
          status: 201,
          open: true,
          userId,
          before: () => {
            addStanding(set, countRegistration(share, person.facilityId))
            return hashPassword(password, share, person)
          },
        })
      },
      described({
        tag: "People",
        summary: "Register",
        description:
          "Open to everybody. With a `facilityId` the person becomes a player of that facility. The facility's plan counts " +
          "the person from the first confirmed booking on.",
        body: RegistrationInput,
        answer: User,
        status: 201,
        open: true,
        events: ["user.created"],
        problems: [409],
      }),
    )
    .post(
      "/v1/me/memberships",
      async ({ command, caller, input, body, set, clientShare }) => {
        const who = await caller()
        requirePerson(who)
        const wanted = input(MembershipInput, body)
        const share = clientShare()
        let isNew = true
        return command(
          async (tx) => {
            const joined = await joinClub(tx, who, wanted)
            isNew = joined.isNew
            return joined.answer
          },
          {
            status: () => (isNew ? 201 : 200),
            before: async () => addStanding(set, countRegistration(share, wanted.facilityId)),
          },
        )
      },
      described({
        tag: "People",
        summary: "Join a club with the account that one has",
        description:
          "The person becomes a player of the facility, as by registering there, and counts for its plan from the first " +
          "confirmed booking on. A member is answered with 200, and nothing is recorded. Whom the club has removed is " +
          "refused (`membership_ended`). `DELETE /v1/users/{id}/roles` leaves the club.",
        body: MembershipInput,
        answer: Membership,
        status: 201,
        also: [200],
        events: ["user.role_assigned"],
        problems: [409],
        audited: "role.joined",
      }),
    )
    .get(
      "/v1/me",
      async ({ caller }) => {
        const { userId, kind, name, email, grants, children = [], tokenExpiresAt } = await caller()
        const roles = grants.map(({ role, scopeType, scopeId }) => ({ role, scopeType, scopeId }))
        const profile = await findProfile(app.db, userId)
        const known = { id: userId, kind, name, ...profile, email, roles, children }
        return { ...known, tokenExpiresAt: tokenExpiresAt?.toISOString() ?? null }
      },
      described({ tag: "People", summary: "Who the token belongs to", answer: Me, problems: [] }),
    )
}

const Me = Schema.Struct({
  id: Id,
  kind: Schema.Literals(["person", "api_key", "system"]),
  name: Schema.String,
  firstName: Schema.NullOr(Schema.String).annotateKey({ description: "null: not a person" }),
  lastName: Schema.NullOr(Schema.String),
  email: Schema.NullOr(Schema.String),
  language: Schema.NullOr(LanguageField).annotateKey({ description: "of messages; null: that of the facility" }),
  timezone: Schema.NullOr(Schema.String).annotateKey({ description: "null: that of the facility" }),
  roles: Schema.Array(Schema.Struct({ role: Schema.String, scopeType: Schema.String, scopeId: Id })),
  children: Schema.Array(
    Schema.Struct({
      childId: Id,
      permissions: Schema.Array(Schema.Literals(childPermissions)),
      countsIn: Schema.NullOr(Id),
    }),
  ),
  tokenExpiresAt: Schema.NullOr(Schema.String),
})
