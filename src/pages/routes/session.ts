/**
 * The session of the booking page. The page keeps its token in memory, and the API takes tokens in `Authorization`
 * alone, so no other site can make the browser act. A cookie that no script reads keeps the token over a reload. The
 * cookie goes to these three routes alone, and never from another site (SameSite=Strict).
 */
import { Elysia } from "elysia"
import { authenticate } from "#access/caller.ts"
import { NotAllowed, NotAuthenticated } from "#base/errors.ts"
import { requirePerson } from "#domain/people/accounts/names.ts"
import type { App } from "#http/app.ts"
import { streamingApi, tokenOf } from "#http/route.ts"

const path = "/f/session"

export const pageSessionRoutes = (app: App) =>
  new Elysia({ name: "page-session", detail: { hide: true } })
    .use(streamingApi(app))
    .put(path, async ({ caller, request }) => {
      requirePage(request)
      const who = await caller()
      requirePerson(who)
      const seconds = Math.floor(((who.tokenExpiresAt?.getTime() ?? 0) - Date.now()) / 1_000)
      return answer(204, cookie(app, tokenOf(request), Math.max(0, seconds)))
    })
    .post(path, async ({ request }) => {
      requirePage(request)
      const token = tokenIn(request)
      if (token === undefined) return answer(204)
      try {
        const who = await authenticate(app.db, token)
        requirePerson(who)
        return answer(200, undefined, { token })
      } catch (error) {
        if (!(error instanceof NotAuthenticated || error instanceof NotAllowed)) throw error
        return answer(204, cookie(app, "", 0))
      }
    })
    .delete(path, ({ request }) => {
      requirePage(request)
      return answer(204, cookie(app, "", 0))
    })

/**
 * Only a script of this origin sets the header: a form cannot, and a script of another origin must ask first, and gets
 * no permission.
 */
function requirePage(request: Request): void {
  const site = request.headers.get("sec-fetch-site")
  if (request.headers.get("x-slotbase-page") !== "1" || (site !== null && site !== "same-origin")) {
    throw new NotAllowed("This address is for the booking page.")
  }
}

const nameOf = (app: App) => (isSecure(app) ? "__Secure-slotbase" : "slotbase")
const isSecure = ({ config }: App) => config.publicUrl.startsWith("https://")

const cookie = (app: App, token: string, seconds: number): string =>
  `${nameOf(app)}=${token}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Strict${isSecure(app) ? "; Secure" : ""}`

/** The token has no sign that a cookie would need to quote. */
const tokenIn = (request: Request): string | undefined =>
  /(?:^|;\s*)(?:__Secure-)?slotbase=([A-Za-z0-9_-]{20,200})(?:;|$)/.exec(request.headers.get("cookie") ?? "")?.[1]

const answer = (status: number, setCookie?: string, body?: object): Response =>
  new Response(body === undefined ? null : JSON.stringify(body), {
    status,
    headers: {
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(setCookie !== undefined && { "set-cookie": setCookie }),
    },
  })
