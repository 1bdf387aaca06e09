/** The address of `List-Unsubscribe`: GET shows a button, POST unsubscribes. Neither needs a login or a cookie. */
import { Elysia } from "elysia"
import type { Queryable } from "#base/database/db.ts"
import type { Language } from "#base/languages.ts"
import { pageHeaders } from "#domain/people/accounts/pages.ts"
import type { App } from "#http/app.ts"
import { auditRuleOf, declareAudited } from "#http/audited.ts"
import { readSmallForm } from "#http/body.ts"
import { bodyLimits } from "#http/body-limits.ts"
import { streamingApi } from "#http/route.ts"
import { switchMessages } from "#outbound/messages/preferences/preferences.ts"
import { unsubscriptionOf } from "#outbound/messages/preferences/unsubscribe.ts"
import {
  noTokenPage,
  notOneClickPage,
  oneClick,
  unsubscribeAskPage,
  unsubscribedPage,
} from "#outbound/messages/preferences/unsubscribe-pages.ts"

const path = "/unsubscribe/:token"

export const unsubscribeRoutes = (app: App) =>
  new Elysia({ name: "unsubscribe", detail: { hide: true } })
    .use(streamingApi(app))
    .get(path, async ({ params }) => {
      const wanted = unsubscriptionOf(app.secrets, params.token ?? "")
      if (!wanted) return respond(404, noTokenPage())
      return respond(200, unsubscribeAskPage(wanted, await languageOf(app.db, wanted.userId)))
    })
    .post(path, async ({ params, command, request }) => {
      const wanted = unsubscriptionOf(app.secrets, params.token ?? "")
      if (!wanted) return respond(404, noTokenPage())
      const fields = await readSmallForm(request, bodyLimits.open)
      if (fields.get(oneClick.name) !== oneClick.value) return respond(422, notOneClickPage())
      declareAudited(request, auditRuleOf("user.unsubscribed"))
      const { userId, type, channel } = wanted
      await command((tx) => switchMessages(tx, userId, { type, channel, enabled: false }), {
        open: true,
        userId,
        status: 200,
      })
      return respond(200, unsubscribedPage(wanted, await languageOf(app.db, userId)))
    })

/** As of a message: the person's own, the parent's, that of a club of theirs. */
async function languageOf(db: Queryable, userId: string): Promise<Language> {
  const [row] = await db<{ language: Language | null }[]>`
    select coalesce(u.language, p.language, (
      select f.language from slotbase.role_grants g join slotbase.facilities f on f.id = g.scope_id
      where g.user_id = u.id order by g.scope_id limit 1)) as language
    from slotbase.users u
    left join slotbase.users p on p.id = u.managed_by
    where u.id = ${userId}`
  return row?.language ?? "en"
}

const respond = (status: number, html: string) => new Response(html, { status, headers: pageHeaders })
