/**
 * The local phone in a browser: GET /phone shows the phones that have received texts, GET /phone/{digits} one of them.
 * It exists only without an SMS provider and outside production, and opens as the mailbox does (local-key.ts).
 */
import { Elysia } from "elysia"
import type { App } from "#http/app.ts"
import { guardedByKey, type LocalPlace, localPlaceUrl, shownPage } from "#outbound/messages/channels/local-key.ts"
import { localMessagePage } from "#outbound/messages/channels/local-page.ts"
import { phonePage, phonesPage } from "./pages.ts"
import { listPhones, textsOf } from "./phone-inbox.ts"

export const phoneRoutes = (app: App) =>
  new Elysia({ detail: { hide: true } })
    .get("/phone", ({ request }) =>
      guardedByKey(app, phonePlace, request, async () => phonesPage(await listPhones(app.db))),
    )
    .get("/phone/:digits", ({ request, params: { digits } }) =>
      guardedByKey(app, phonePlace, request, async () => {
        const number = `+${digits}`
        const texts = /^\+[1-9][0-9]{4,14}$/.test(number) ? await textsOf(app.db, number) : []
        return texts.length > 0
          ? phonePage(number, texts)
          : shownPage(404, localMessagePage("No such phone", "The phone keeps the latest 1,000 texts."))
      }),
    )

/** The address to open, with a new key in it; undefined where there is no local phone. */
export const phoneUrl = (app: Pick<App, "config" | "secrets">, origin?: string): string | undefined =>
  localPlaceUrl(app, phonePlace, origin)

const phonePlace: LocalPlace = {
  path: "/phone",
  purpose: "phone key",
  cookie: "slotbase_phone",
  exists: ({ sms, environment }) => sms === undefined && environment !== "production",
  absent: { title: "No phone", says: "Text messages go to the provider that is configured." },
}
