/** Calendar feeds: their management, and the secret addresses themselves, which need no login. */
import { createHash } from "node:crypto"
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { rates } from "#base/limits/table.ts"
import { PageQuery } from "#base/schema/page.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { addStanding } from "#http/rate-headers.ts"
import { api, streamingApi } from "#http/route.ts"
import { createFeed, listFeeds, revokeFeed, rotateFeed } from "./feeds.ts"
import { CalendarFeed, CalendarFeedInput, CalendarFeedWithAddress } from "./input.ts"
import { openFeed, readIcsFeed, tokenOfFile } from "./read.ts"

const tag = "Calendars"
const at = "/v1/facilities/:facilityId/calendar-feeds"

export const calendarFeedRoutes = (app: App) =>
  new Elysia({ name: "calendar-feeds" })
    .use(api(app))
    .post(
      at,
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const wanted = input(CalendarFeedInput, body)
        return command((tx) => createFeed(tx, member, wanted, app.config.publicUrl), { status: 201, secret: true })
      },
      described({
        tag,
        summary: "Make a secret address at which a calendar program reads bookings",
        description:
          "One's own bookings and those of the children that one books for, or for staff the bookings of a resource. " +
          "The address shows no price and no note, and is shown this once.",
        body: CalendarFeedInput,
        answer: CalendarFeedWithAddress,
        status: 201,
        audited: "calendar_feed.created",
      }),
    )
    .get(
      at,
      async ({ caller, input, query, params }) =>
        listFeeds(app.db, requireMember(await caller(), facilityIdOf(params.facilityId)), input(PageQuery, query)),
      described({
        tag,
        summary: "List one's calendar feeds",
        description: "The oldest first, without their addresses. Administrators see those of the whole facility.",
        query: PageQuery,
        answer: listOf(CalendarFeed),
      }),
    )
    .post(
      `${at}/:id/rotate`,
      async ({ command, caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.id, "calendar feed")
        return command((tx) => rotateFeed(tx, member, id, app.config.publicUrl), { secret: true })
      },
      described({
        tag,
        summary: "Give a calendar feed another address",
        description: "The address before opens nothing from then on. Only for the person whose feed it is.",
        answer: CalendarFeedWithAddress,
        audited: "calendar_feed.rotated",
      }),
    )
    .delete(
      `${at}/:id`,
      async ({ command, caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.id, "calendar feed")
        return command((tx) => revokeFeed(tx, member, id))
      },
      described({
        tag,
        summary: "Revoke a calendar feed",
        description: "Its address opens nothing from then on. Administrators revoke every feed of the facility.",
        audited: "calendar_feed.revoked",
      }),
    )

/** The secret address. A calendar program asks with the ETag of the text that it has. */
export const calendarFileRoutes = (app: App) => {
  const readings = new RateLimiter(rates.calendarFeed)
  return new Elysia({ name: "calendar-files", detail: { hide: true } })
    .use(streamingApi(app))
    .get("/calendars/:file", async ({ params, request, set }) => {
      const open = await openFeed(app.db, tokenOfFile(params.file ?? ""))
      addStanding(set, readings.require(open.feed.id))
      const text = await readIcsFeed(app.db, open)
      const etag = `"${createHash("sha256").update(text).digest("base64url")}"`
      const headers = { ...fileHeaders, ...standingOf(set), etag }
      if (holds(request.headers.get("if-none-match"), etag)) return new Response(null, { status: 304, headers })
      return new Response(text, { headers: { ...headers, "content-type": "text/calendar; charset=utf-8" } })
    })
}

/** Whoever reads the text keeps it to themselves; search engines do not list it. */
const fileHeaders = {
  "cache-control": "private, no-cache",
  "content-disposition": 'inline; filename="bookings.ics"',
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-robots-tag": "noindex",
}

/** `*`, or a list of tags, of which proxies may have made weak ones. */
const holds = (header: string | null, etag: string): boolean =>
  (header ?? "").split(",").some((each) => ["*", etag].includes(each.trim().replace(/^W\//, "")))

const standingOf = ({ headers }: { readonly headers: Record<string, string | number> }) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
