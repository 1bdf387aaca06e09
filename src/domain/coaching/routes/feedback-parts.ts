/**
 * Files of feedback that arrive in parts, by tus 1.0. An upload belongs to the person who began it; for everybody else
 * it is not there. The rights are asked for before the headers, so nobody learns anything from a refusal.
 */
import { rm } from "node:fs/promises"
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import { reached } from "#base/crash-points.ts"
import { NotFound } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { storageKeyOf } from "#base/storage/keys.ts"
import { addMedia } from "#domain/coaching/feedback/files.ts"
import { requireDraft, writableFeedback } from "#domain/coaching/feedback/rights.ts"
import { NotMedia } from "#domain/media/kinds.ts"
import { FileTooLarge } from "#domain/media/receive.ts"
import { filePart, type UploadTools, uploadRefusal, uploadTurns } from "#domain/media/upload.ts"
import { type Appended, appendParts, offsetDiffers } from "#domain/media/uploads/append.ts"
import { joinParts } from "#domain/media/uploads/finish.ts"
import {
  bytesIn,
  checksumIn,
  isOtherFile,
  longestMetadata,
  metadataIn,
  partType,
  reprDigestOf,
  requireTus,
  tusAlgorithms,
  tusExtensions,
  tusVersion,
} from "#domain/media/uploads/headers.ts"
import { deleteUpload, findUpload, insertUpload, partsOfUpload, type UploadRow } from "#domain/media/uploads/rows.ts"
import type { App } from "#http/app.ts"
import { keepBodyText } from "#http/body.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { BadRequest } from "#http/problems.ts"
import { streamingApi } from "#http/route.ts"

const tag = "Feedback"
/** A silent connection is closed after 30 s. Storing a large file takes longer. */
const keepSeconds = 240
const tusHeader = { "Tus-Resumable": Schema.Literal(tusVersion) }
/** What a header may have in it. */
const visible = (characters: number) =>
  Schema.String.check(Schema.isPattern(/^[ -~]*$/u), Schema.isMaxLength(characters))
const Whole = Schema.String.check(Schema.isPattern(/^\d{1,15}$/u))

export const feedbackPartRoutes = (app: App & UploadTools) =>
  new Elysia({ name: "feedback-parts" })
    .use(streamingApi(app))
    .post(
      "/v1/facilities/:facilityId/feedback/:feedbackId/uploads",
      async ({ command, caller, request, params }) => {
        const { headers } = request
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const draft = await writableFeedback(app.db, member, idOf(params.feedbackId, "feedback"))
        requireDraft(draft)
        requireTus(headers)
        refuseUnknown(headers)
        const length = bytesIn(headers, "upload-length")
        if (length === 0 || length > app.config.maxUploadBytes) throw tooLarge(app.config.maxUploadBytes)
        const metadata = headers.get("upload-metadata") ?? ""
        const facts = metadataIn(metadata)
        const { facilityId } = member
        keepBodyText(request, JSON.stringify([length, metadata]))
        const { id } = await command(
          async (tx) => {
            const by = { facilityId, feedbackId: draft.id, userId: member.caller.userId }
            const begun = await insertUpload(tx, { id: newId(), ...by, length, metadata, ...facts })
            return { id: begun.id }
          },
          { status: 201 },
        )
        const upload = await findUpload(app.db, facilityId, id)
        if (!upload) throw new NotFound("upload", id)
        return answer(201, { ...headersOf(upload), location: `/v1/facilities/${facilityId}/uploads/${id}` })
      },
      described({
        tag,
        summary: "Begin an upload in parts (tus 1.0)",
        description: `For the session's coach and administrators. \`Upload-Length\` is required. \`Upload-Metadata\` may have \`filename\`, \`voiceNote\` (\`true\`) and \`sha256\` (hex, of the whole file). The parts go to \`Location\`. Parallel uploads are refused. Extensions: ${tusExtensions}.`,
        headers: Schema.Struct({
          ...tusHeader,
          "Upload-Length": Whole.annotate({ description: "bytes of the whole file" }),
          "Upload-Metadata": Schema.optionalKey(visible(longestMetadata)),
        }),
        status: 201,
        problems: [400, 409, 412, 413, 422],
      }),
    )
    .options("/v1/facilities/:facilityId/feedback/:feedbackId/uploads", () => spoken(app), discovery)
    .options("/v1/facilities/:facilityId/uploads/:uploadId", () => spoken(app), discovery)
    .head(
      "/v1/facilities/:facilityId/uploads/:uploadId",
      async ({ caller, request: { headers }, params }) => {
        const upload = await mine(app, await caller(), params, headers)
        requireTus(headers)
        return answer(200, headersOf(upload))
      },
      described({
        tag,
        summary: "Ask where an upload goes on",
        description:
          "`Upload-Offset` is the next byte. An upload that is whole says the `Upload-Length` and the hash (`Repr-Digest`) of its file. A client that sends `Repr-Digest` with another hash gets a 404: it speaks of another file.",
        headers: Schema.Struct({ ...tusHeader, "Repr-Digest": Schema.optionalKey(visible(200)) }),
        status: 200,
        problems: [412],
      }),
    )
    .patch(
      "/v1/facilities/:facilityId/uploads/:uploadId",
      async ({ command, caller, request, server, params }) => {
        const by = await caller()
        const member = requireMember(by, facilityIdOf(params.facilityId))
        const upload = await mine(app, by, params, request.headers)
        const { headers } = request
        requireTus(headers)
        if ((headers.get("content-type") ?? partType) !== partType) {
          throw new BadRequest(415, "unsupported_media_type", `Send the header Content-Type: ${partType}.`)
        }
        const start = bytesIn(headers, "upload-offset")
        if (start !== upload.received) throw offsetDiffers()
        if (start === upload.length) return answer(204, headersOf(upload))
        server?.timeout(request, keepSeconds)
        return uploadTurns.run(by.userId, () => take(start))

        async function take(from: number): Promise<Response> {
          try {
            const appended = await appendParts(app, request, { upload, start: from, checksum: checksumIn(headers) })
            if (!appended.last) return answer(204, progressOf(appended))
            const { last } = appended
            return answer(204, headersOf(await whole(last).finally(() => rm(last.path, { force: true }))))
          } catch (error) {
            // No further byte makes such a file welcome.
            if (error instanceof NotMedia || error instanceof FileTooLarge) await end(app, upload)
            throw uploadRefusal(error, filePart)
          }
        }

        async function whole(last: NonNullable<Appended["last"]>): Promise<UploadRow> {
          const joined = await joinParts(app, upload, last)
          reached("upload-joined", upload.id)
          try {
            await command(async (tx) => {
              await joined.complete(tx)
              return addMedia(tx, member, upload.feedback_id, joined.file)
            })
          } catch (error) {
            const now = await findUpload(app.db, upload.facility_id, upload.id).catch(() => undefined)
            // The outcome of a commit may be unknown; upload-cleanup removes what has no row.
            if (now && now.media_id !== joined.file.id) await joined.discard()
            throw error
          }
          reached("upload-whole", upload.id)
          await joined.removeParts()
          return { ...upload, received: upload.length, sha256: joined.sha256, media_id: joined.file.id }
        }
      },
      described({
        tag,
        summary: "Send the next bytes of an upload",
        description:
          "With the last bytes the file is added to the draft. A part with `Upload-Checksum` counts as a whole or not at all; without it, what arrived counts.",
        headers: Schema.Struct({
          ...tusHeader,
          "Upload-Offset": Whole.annotate({ description: "the next byte, as HEAD says it" }),
          "Upload-Checksum": Schema.optionalKey(visible(200)),
        }),
        status: 204,
        events: ["media.uploaded"],
        problems: [400, 409, 412, 413, 415, 422, 460, 503],
        audited: { action: "media.added", by: "staff" },
      }),
    )
    .delete(
      "/v1/facilities/:facilityId/uploads/:uploadId",
      async ({ caller, request: { headers }, params }) => {
        const upload = await mine(app, await caller(), params, headers)
        requireTus(headers)
        await end(app, upload)
        return answer(204, {})
      },
      described({
        tag,
        summary: "End an upload",
        description: "What has arrived of it is removed. The file of an upload that is whole stays.",
        headers: Schema.Struct(tusHeader),
        status: 204,
        problems: [412],
      }),
    )

/** What the server speaks. A client asks before it has anything to say, so the answer depends on nothing. */
const spoken = ({ config }: App) => answer(204, { "tus-max-size": String(config.maxUploadBytes) })

const discovery = described({
  tag,
  summary: "Ask what the server speaks of tus",
  description: `\`Tus-Version\`, \`Tus-Extension\` (${tusExtensions}), \`Tus-Checksum-Algorithm\` and \`Tus-Max-Size\`, the bytes of the largest file.`,
  open: true,
  status: 204,
})

/** The upload of the address. Throws NotFound for one of somebody else, or of another file than the client's. */
async function mine(
  { db }: App,
  caller: Parameters<typeof requireMember>[0],
  params: { readonly facilityId: string; readonly uploadId: string },
  headers: Headers,
): Promise<UploadRow> {
  const { facilityId } = requireMember(caller, facilityIdOf(params.facilityId))
  const uploadId = idOf(params.uploadId, "upload")
  const upload = await findUpload(db, facilityId, uploadId)
  if (!upload || upload.user_id !== caller.userId) throw new NotFound("upload", uploadId)
  if (isOtherFile(headers, upload.sha256)) throw new NotFound("upload of this file", uploadId)
  return upload
}

/** Deletes the rows of an upload, then the bytes of its parts. */
async function end({ db, storage }: App & UploadTools, upload: UploadRow): Promise<void> {
  const parts = await partsOfUpload(db, upload)
  await deleteUpload(db, upload)
  for (const { id, stored_in } of parts) {
    await storage
      .named(stored_in)
      .remove(storageKeyOf(upload.facility_id, id))
      .catch(() => {})
  }
}

function refuseUnknown(headers: Headers): void {
  if (headers.has("upload-concat")) {
    throw new BadRequest(400, "parallel_upload_refused", "Send the file as one upload; parts are not joined here.")
  }
  if (headers.has("upload-defer-length")) {
    throw new BadRequest(400, "upload_length_missing", "Send the length of the file as Upload-Length.")
  }
}

const tooLarge = (maxBytes: number) =>
  new BadRequest(413, "file_too_large", `A file has 1 to ${maxBytes} bytes.`, { "tus-max-size": String(maxBytes) })

const progressOf = ({ received, expiresAt }: Appended) => ({
  "upload-offset": String(received),
  "upload-expires": expiresAt.toUTCString(),
})

const headersOf = (upload: UploadRow) => ({
  ...progressOf({ received: upload.received, expiresAt: upload.expires_at, last: undefined }),
  "upload-length": String(upload.length),
  ...(upload.metadata !== "" && { "upload-metadata": upload.metadata }),
  ...(upload.media_id !== null && { "slotbase-media-id": upload.media_id }),
  ...(upload.sha256 !== null && { "repr-digest": reprDigestOf(upload.sha256) }),
})

const answer = (status: number, headers: Readonly<Record<string, string>>) =>
  new Response(null, {
    status,
    headers: {
      ...{ "tus-resumable": tusVersion, "tus-version": tusVersion, "tus-extension": tusExtensions },
      ...{ "tus-checksum-algorithm": tusAlgorithms, "cache-control": "no-store" },
      ...headers,
    },
  })
