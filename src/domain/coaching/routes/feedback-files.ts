/**
 * Files of feedback: their facts with a link to the content, the content itself, and their removal from a draft.
 * The content is served at any link that has not expired, whole or in the ranges that players ask for.
 * It is never served as anything that a browser would run.
 */

import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import { NotAllowed, NotFound } from "#base/errors.ts"
import { opaqueText } from "#base/schema/text-fields.ts"
import { storageKeyOf } from "#base/storage/keys.ts"
import type { Storages } from "#base/storage/open.ts"
import { getMedia, linkedMedia, removeMedia } from "#domain/coaching/feedback/files.ts"
import { MediaWithAddress } from "#domain/media/answer.ts"
import { dispositionOf } from "#domain/media/file-name.ts"
import { linkSeconds } from "#domain/media/links.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { rangeOf } from "#http/ranges.ts"
import { api } from "#http/route.ts"

const tag = "Feedback"

const LinkQuery = Schema.Struct({
  expires: Schema.String.annotate({ description: "unix seconds" }).check(Schema.isPattern(/^\d{1,12}$/u)),
  signature: opaqueText(0, 100),
})

export const mediaRoutes = (app: App & { readonly storage: Storages }) =>
  new Elysia({ name: "media" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/media/:mediaId",
      async ({ caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return getMedia(app, member, idOf(params.mediaId, "media"))
      },
      described({
        tag,
        summary: "Read what is known of a file, and where its content is",
        description: `For those who may read its feedback. The links need no credentials and end after ${linkSeconds / 60} minutes. \`forms\` are what browsers play: without places, devices and names.`,
        answer: MediaWithAddress,
      }),
    )
    .delete(
      "/v1/facilities/:facilityId/media/:mediaId",
      async ({ command, caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const mediaId = idOf(params.mediaId, "media")
        const removed = await command((tx) => removeMedia(tx, member, mediaId))
        // The row is gone. If the bytes cannot go now, the job upload-cleanup removes them.
        for (const { id, storedIn } of removed) {
          await app.storage
            .named(storedIn)
            .remove(storageKeyOf(member.facilityId, id))
            .catch(() => {})
        }
        return new Response(null, { status: 204 })
      },
      described({
        tag,
        summary: "Remove a file from a draft",
        description: "For the session's coach and administrators.",
        events: ["media.removed"],
        problems: [409],
        audited: { action: "media.removed", by: "staff" },
      }),
    )
    .get(
      "/v1/media/:mediaId/content",
      async ({ input, query, params, request }) => {
        const link = input(LinkQuery, query)
        const mediaId = idOf(params.mediaId, "media")
        const media = await linkedMedia(app, mediaId, link)
        if (!media) throw new NotAllowed("The link is not ours or has ended; GET …/media/{id} answers a new one.")
        const storage = app.storage.named(media.stored_in)
        const key = storageKeyOf(media.facility_id, mediaId)
        const elsewhere = storage.addressOf(key, linkSeconds)
        if (elsewhere !== undefined) return Response.redirect(elsewhere, 302)
        const content = await storage.open(key)
        if (!content) throw new NotFound("media", mediaId)
        const seconds = Math.max(0, Math.floor(Number(link.expires) - media.now.getTime() / 1000))
        return served(request, content, {
          etag: `"${mediaId}"`,
          "content-type": media.content_type,
          "content-disposition": dispositionOf(media.file_name),
          "cache-control": `private, max-age=${seconds}`,
        })
      },
      described({
        tag,
        summary: "Read the content of a file at a link",
        description: "Ranges of bytes are answered with 206. A link that was changed or has ended is refused.",
        query: LinkQuery,
        mediaType: "application/octet-stream",
        also: [206],
        problems: [403, 404, 416],
        open: true,
      }),
    )

/** The content, or the requested part of it (RFC 9110, 14). The content never changes, so its id is its ETag. */
function served(request: Request, content: Blob, about: Record<string, string> & { readonly etag: string }): Response {
  const headers = {
    ...about,
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
  }
  if (request.headers.get("if-none-match") === about.etag) return new Response(null, { status: 304, headers })
  const condition = request.headers.get("if-range")
  const asked = condition === null || condition === about.etag ? request.headers.get("range") : null
  const range = rangeOf(asked, content.size)
  if (range === "whole") return new Response(content, { headers })
  if (range === "none") {
    return new Response(null, { status: 416, headers: { ...headers, "content-range": `bytes */${content.size}` } })
  }
  const [first, last] = range
  return new Response(content.slice(first, last + 1), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${first}-${last}/${content.size}` },
  })
}
