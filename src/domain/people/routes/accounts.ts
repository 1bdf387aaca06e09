/** One's own account, and that of whoever cannot change it: names, language and zone, and a new password. */
import { Elysia } from "elysia"
import type { Standing } from "#base/limits/table.ts"
import { AccountAnswer, AccountChange, NamesChange, PasswordChange } from "#domain/people/accounts/input.ts"
import { changeNames, requirePerson } from "#domain/people/accounts/names.ts"
import { changePassword, prepareChange, type ReadyPassword } from "#domain/people/accounts/passwords.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { idOf } from "#http/path.ts"
import { addStanding } from "#http/rate-headers.ts"
import { api, tokenOf } from "#http/route.ts"

const tag = "Accounts"

export const accountRoutes = (app: App) =>
  new Elysia({ name: "accounts" })
    .use(api(app))
    .patch(
      "/v1/me",
      async ({ command, caller, input, body }) => {
        const who = await caller()
        requirePerson(who)
        const change = input(AccountChange, body)
        return command((tx) => changeNames(tx, who, who.userId, change))
      },
      described({
        tag,
        summary: "Change one's own name, language and time zone",
        description: "A field that is left out stays. Without a difference nothing is recorded.",
        body: AccountChange,
        answer: AccountAnswer,
        events: ["user.updated"],
        audited: "user.renamed",
      }),
    )
    .patch(
      "/v1/users/:id",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const id = idOf(params.id, "user")
        const change = input(NamesChange, body)
        return command((tx) => changeNames(tx, who, id, change))
      },
      described({
        tag,
        summary: "Change somebody's name",
        description:
          "For the person, the parent of a child who cannot sign in, the staff of a walk-in's facility, and platform " +
          "administrators. All others name themselves.",
        body: NamesChange,
        answer: AccountAnswer,
        events: ["user.updated"],
        audited: "user.renamed",
      }),
    )
    .post(
      "/v1/me/password",
      async ({ command, caller, input, body, set, clientShare, request }) => {
        const who = await caller()
        requirePerson(who)
        const change = input(PasswordChange, body)
        const trying = { client: clientShare(), told: (standing: Standing) => addStanding(set, standing) }
        return command((tx, ready: ReadyPassword) => changePassword(tx, who, ready, tokenOf(request)), {
          before: () => prepareChange(app.db, who, change, trying),
        })
      },
      described({
        tag,
        summary: "Change one's own password",
        description:
          "The session of the request stays. All others end, and so do links from mails. A wrong present password counts " +
          "like a wrong sign-in.",
        body: PasswordChange,
        events: ["user.password_changed"],
        problems: [409],
        audited: "user.password_changed",
      }),
    )
