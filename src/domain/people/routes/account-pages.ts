/** The pages of a link from a mail, for browsers: `GET` shows a form, and its `POST` uses the link. */
import { Elysia } from "elysia"
import { LinkUse } from "#domain/people/accounts/input.ts"
import { findOpenLink } from "#domain/people/accounts/links.ts"
import { donePage, formPage, type LinkPage, pageHeaders, refusedPage } from "#domain/people/accounts/pages.ts"
import { prepareLink, type ReadyLink, setsPassword, useLink } from "#domain/people/accounts/use-link.ts"
import type { App } from "#http/app.ts"
import { auditRuleOf, declareAudited } from "#http/audited.ts"
import { readFormFields } from "#http/body.ts"
import { bodyLimits } from "#http/body-limits.ts"
import { type Answer, errorAnswerOf } from "#http/problems.ts"
import { streamingApi } from "#http/route.ts"

const path = "/account-links/:token"

export const accountPageRoutes = (app: App) =>
  new Elysia({ name: "account-pages", detail: { hide: true } })
    .use(streamingApi(app))
    .get(path, async ({ params }) => {
      const link = await findOpenLink(app.db, tokenIn(params))
      return respond(link ? formPage(link.purpose) : refusedPage(410, ended))
    })
    .post(path, async ({ params, command, input, request, clientShare }) => {
      const token = tokenIn(params)
      declareAudited(request, auditRuleOf("account_link.used"))
      const link = await findOpenLink(app.db, token)
      if (!link) return respond(refusedPage(410, ended))
      try {
        const fields = await readFormFields(request, bodyLimits.open)
        const password = fields.get("password")
        const asked = setsPassword(link) && password !== null
        const use = input(LinkUse, { token, ...(asked && { password }) })
        const before = () => prepareLink(app.db, use, clientShare())
        const { purpose } = await command((tx, ready: ReadyLink) => useLink(tx, ready), {
          open: true,
          secret: true,
          before,
        })
        return respond(donePage(purpose))
      } catch (error) {
        const answer = errorAnswerOf(error)
        if (!answer) throw error
        return respond(refusal(answer, link), answer.headers)
      }
    })

/** The router answers null for what is no UTF-8, such as %ff. */
const tokenIn = ({ token }: { readonly token: string | null }): string => token ?? ""

/** A password that is refused can be typed again; a link that has ended cannot. */
function refusal({ status, body }: Answer, link: Parameters<typeof setsPassword>[0]): LinkPage {
  const { code, detail } = body as { readonly code: string; readonly detail: string }
  if (code === "link_not_valid") return refusedPage(410, ended)
  if (!setsPassword(link)) return refusedPage(status, detail)
  const says = code === "invalid_input" ? "The password needs 8 to 128 characters." : detail
  return formPage(link.purpose, { status, says })
}

const ended = "It was used, has ended, or a newer one has taken its place. Ask for a new one."

const respond = ({ status, html }: LinkPage, headers: Readonly<Record<string, string>> = {}) =>
  new Response(html, { status, headers: { ...headers, ...pageHeaders } })
