/** Availability: the slots of a local day, with the position of the log as its ETag. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { pageQuery } from "#base/schema/page.ts"
import { Id, LocalDay } from "#base/schema/request-fields.ts"
import { Availability, availabilityOf, isUnchanged } from "#domain/booking/availability/availability.ts"
import { requireSlotViewer } from "#domain/club/public-availability.ts"
import { placeText } from "#events/log-place.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const AvailabilityQuery = Schema.Struct({
  ...pageQuery,
  date: LocalDay,
  resourceId: Schema.optionalKey(Id),
})

export const availabilityRoutes = (app: App) =>
  new Elysia({ name: "availability" }).use(api(app)).get(
    "/v1/facilities/:facilityId/availability",
    async ({ caller, input, query, params, request, set }) => {
      const hasToken = request.headers.has("authorization")
      const viewer = await requireSlotViewer(app.db, facilityIdOf(params.facilityId), { hasToken, caller })
      const { resourceId, ...asked } = input(AvailabilityQuery, query)
      for (const place of placesIn(request.headers.get("if-none-match"))) {
        if (!(await isUnchanged(app.db, viewer, place))) continue
        return new Response(null, { status: 304, headers: { ...headersOf(set), etag: `"${place}"` } })
      }
      const answer = await availabilityOf(app.db, viewer, { ...asked, resourceId: resourceId?.toLowerCase() })
      set.headers.etag = `"${placeText(answer.position, answer.epoch)}"`
      return answer
    },
    described({
      tag: "Bookings",
      summary: "Read the slots of a local day",
      description:
        "Never shows as free what is taken. The resources come in pages, by name; `next` is null on the last. A page has at most 20,000 slots, so it may have fewer resources than `limit`. The ETag is `<position>-<epoch>` in the event log: a page subscribes to the live channel after it. With `If-None-Match` the answer is 304 while nothing has changed. It needs no token where the facility has `publicAvailability`.",
      query: AvailabilityQuery,
      answer: Availability,
      cached: true,
    }),
  )

/** No real cache sends more entity tags than this in one header. */
const maxTags = 4

/** The places that an If-None-Match names. Tags of another form are ignored. */
const placesIn = (header: string | null): string[] =>
  [...(header ?? "").matchAll(/(?:^|,)\s*(?:W\/)?"(\d{1,15}(?:-[0-9a-f]{16})?)"/g)]
    .slice(0, maxTags)
    .map((match) => match[1] ?? "")

const headersOf = (set: { headers: Record<string, string | number> }) =>
  Object.fromEntries(Object.entries(set.headers).map(([name, value]) => [name, String(value)]))
