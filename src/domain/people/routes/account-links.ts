/** Links from mails: asked for, and used. The pages of a link are for people who open it in a browser. */
import { Elysia } from "elysia"
import type { Standing } from "#base/limits/table.ts"
import { normalEmail } from "#base/schema/request-fields.ts"
import { requestEmailChange, requireOtherEmail } from "#domain/people/accounts/emails.ts"
import { EmailChangeInput, LinkUse, MailOnItsWay, PasswordResetInput, UsedLink } from "#domain/people/accounts/input.ts"
import { linkShares } from "#domain/people/accounts/link-shares.ts"
import { linkMinutes } from "#domain/people/accounts/links.ts"
import { requirePerson } from "#domain/people/accounts/names.ts"
import { checkOwnPassword, requestReset } from "#domain/people/accounts/passwords.ts"
import { prepareLink, type ReadyLink, useLink } from "#domain/people/accounts/use-link.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { addStanding } from "#http/rate-headers.ts"
import { api } from "#http/route.ts"

const tag = "Accounts"

export const accountLinkRoutes = (app: App) => {
  const countLinkMail = linkShares(app.config.requestsPerSecond)
  return new Elysia({ name: "account-links" })
    .use(api(app))
    .post(
      "/v1/me/email-change",
      async ({ command, caller, input, body, set, clientShare }) => {
        const who = await caller()
        requirePerson(who)
        const { email, password } = input(EmailChangeInput, body)
        requireOtherEmail(who, email)
        const trying = { client: clientShare(), told: (standing: Standing) => addStanding(set, standing) }
        return command(
          async (tx, passwordHash: string) => {
            await requestEmailChange(tx, app.secrets, who, email, passwordHash)
            return { status: "accepted" as const, expiresInMinutes: linkMinutes.email_change }
          },
          {
            status: 202,
            before: async () => {
              const { passwordHash } = await checkOwnPassword(app.db, who, password, "body.password", trying)
              addStanding(set, countLinkMail(who.userId, normalEmail(email)))
              return passwordHash
            },
          },
        )
      },
      described({
        tag,
        summary: "Ask for another e-mail address",
        description:
          "A link is mailed to the new address, and a notice to the present one. Nothing changes before the link is used. " +
          "The answer is the same when another account has the address: the mail to it says so.",
        body: EmailChangeInput,
        answer: MailOnItsWay,
        status: 202,
        events: ["user.email_change_requested"],
        problems: [409],
        audited: "user.email_change_requested",
      }),
    )
    .post(
      "/v1/password-resets",
      ({ command, input, body, set, clientShare }) => {
        const email = normalEmail(input(PasswordResetInput, body).email)
        const client = clientShare()
        return command(
          async (tx) => {
            await requestReset(tx, app.secrets, email)
            return { status: "accepted" as const, expiresInMinutes: linkMinutes.password_reset }
          },
          { status: 202, open: true, before: async () => addStanding(set, countLinkMail(client, email)) },
        )
      },
      described({
        tag,
        summary: "Ask for a link to set a forgotten password",
        description:
          "The answer is the same whether an account has the address or not. The link is mailed, works once, for one hour, " +
          "and ends an earlier one.",
        body: PasswordResetInput,
        answer: MailOnItsWay,
        status: 202,
        open: true,
        events: ["user.password_reset_requested"],
      }),
    )
    .post(
      "/v1/account-links/use",
      ({ command, input, body, clientShare }) => {
        const use = input(LinkUse, body)
        return command((tx, ready: ReadyLink) => useLink(tx, ready), {
          open: true,
          secret: true,
          before: () => prepareLink(app.db, use, clientShare()),
        })
      },
      described({
        tag,
        summary: "Use a link from a mail",
        description:
          "The link says what it does: set a forgotten password, confirm a new e-mail address, or set the first password " +
          "of an invited person. A new password ends every session of the account. Of many uses of one link one succeeds.",
        body: LinkUse,
        answer: UsedLink,
        open: true,
        events: ["user.password_changed", "user.email_changed"],
        problems: [409],
        audited: "account_link.used",
      }),
    )
}
