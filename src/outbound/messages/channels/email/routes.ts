/**
 * The local mailbox in a browser: GET /mailbox and GET /mailbox/{id}. It exists only without an SMTP server and outside
 * production. The address that the program prints opens the mailbox (local-key.ts). Mails are shown without a way to
 * run anything.
 */
import { Elysia } from "elysia"
import { isId } from "#base/ids.ts"
import type { App } from "#http/app.ts"
import { guardedByKey, type LocalPlace, localPlaceUrl, shownPage } from "#outbound/messages/channels/local-key.ts"
import { localMessagePage } from "#outbound/messages/channels/local-page.ts"
import { listMails, openMail } from "./mailbox.ts"
import { listPage, mailPage } from "./pages.ts"

export const mailboxRoutes = (app: App) =>
  new Elysia({ detail: { hide: true } })
    .get("/mailbox", ({ request }) =>
      guardedByKey(app, mailboxPlace, request, async () => listPage(await listMails(app.db))),
    )
    .get("/mailbox/:id", ({ request, params: { id } }) =>
      guardedByKey(app, mailboxPlace, request, async () => {
        const mail = isId(id) ? await openMail(app.db, id) : undefined
        return mail
          ? mailPage(mail)
          : shownPage(404, localMessagePage("No such mail", "The mailbox keeps the latest 1,000 mails."))
      }),
    )

/** The address to open, with a new key in it; undefined where there is no mailbox. */
export const mailboxUrl = (app: Pick<App, "config" | "secrets">, origin?: string): string | undefined =>
  localPlaceUrl(app, mailboxPlace, origin)

const mailboxPlace: LocalPlace = {
  path: "/mailbox",
  purpose: "mailbox key",
  cookie: "slotbase_mailbox",
  exists: ({ smtpUrl, environment }) => smtpUrl === undefined && environment !== "production",
  absent: { title: "No mailbox", says: "Mail is sent over the SMTP server that is configured." },
}
