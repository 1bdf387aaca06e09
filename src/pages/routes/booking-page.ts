/** The booking page of a facility, and what it loads. Open to everybody; the API decides what each person sees. */
import { randomBytes } from "node:crypto"
import { Elysia } from "elysia"
import { NotFound } from "#base/errors.ts"
import type { App } from "#http/app.ts"
import { facilityIdOf } from "#http/path.ts"
import { streamingApi } from "#http/route.ts"
import { type Asset, encodedFor, loadAssets, tagOf } from "#pages/assets.ts"
import { findFacts, pageLanguageOf } from "#pages/facts.ts"
import { bookingPageHeaders } from "#pages/headers.ts"
import { bookingPageHtml, missingPage } from "#pages/html.ts"

export const bookingPageRoutes = (app: App) =>
  new Elysia({ name: "booking-page", detail: { hide: true } })
    .use(streamingApi(app))
    .get("/f/assets/:name", async ({ params, request }) => {
      const asset = (await loadAssets()).byName.get(params.name)
      if (asset === undefined) throw new NotFound("file")
      return send(asset, request, { "cache-control": "public, max-age=31536000, immutable" })
    })
    .get("/f/worker.js", async ({ request }) => send((await loadAssets()).worker, request, revalidated))
    .get("/f/embed.js", async ({ request }) =>
      send((await loadAssets()).embed, request, { ...revalidated, "cross-origin-resource-policy": "cross-origin" }),
    )
    .get("/f/:facilityId", async ({ params, request }) => {
      const { script, style } = await loadAssets()
      const nonce = randomBytes(18).toString("base64url")
      const facts = { nonce, takesStripe: app.config.stripe !== undefined, socketOrigin: socketOriginOf(app) }
      try {
        const found = await findFacts(app.db, {
          facilityId: facilityIdOf(params.facilityId),
          query: new URL(request.url).searchParams,
          acceptLanguage: request.headers.get("accept-language"),
          stripeKey: app.config.stripe?.publishableKey,
          takesStripe: facts.takesStripe,
        })
        const html = bookingPageHtml(found.facts, { nonce, script, style, now: found.facts.now })
        return new Response(html, {
          headers: bookingPageHeaders({ ...facts, embedOrigins: found.facility.embedOrigins }),
        })
      } catch (error) {
        if (!(error instanceof NotFound)) throw error
        const language = pageLanguageOf(new URL(request.url).searchParams, request.headers.get("accept-language"), "en")
        return new Response(missingPage(style, language), {
          status: 404,
          headers: bookingPageHeaders({ ...facts, embedOrigins: [] }),
        })
      }
    })

const revalidated = { "cache-control": "no-cache" }

/** ws://… or wss://… of the address at which people reach the page. */
const socketOriginOf = ({ config }: App): string => new URL(config.publicUrl).origin.replace(/^http/, "ws")

function send(asset: Asset, request: Request, headers: Readonly<Record<string, string>>): Response {
  const etag = tagOf(asset.plain)
  const all = {
    ...headers,
    etag,
    vary: "accept-encoding",
    "content-type": asset.type,
    "x-content-type-options": "nosniff",
  }
  if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers: all })
  const { body, encoding } = encodedFor(asset, request.headers.get("accept-encoding"))
  return new Response(body as Uint8Array<ArrayBuffer>, {
    headers: { ...all, ...(encoding !== undefined && { "content-encoding": encoding }) },
  })
}
