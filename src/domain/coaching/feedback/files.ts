/**
 * The files of feedback: added to a draft, read at links that expire, removed from a draft.
 * The bytes are stored (base/storage) before the row is written, and removed after the row is gone.
 * Bytes that a crash leaves between the two are removed by the job upload-cleanup.
 */
import type { Member } from "#access/caller.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, RuleBroken } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import type { SecretBox } from "#base/secrets.ts"
import { storageKeyOf } from "#base/storage/keys.ts"
import type { Storages } from "#base/storage/open.ts"
import type { StorageName } from "#base/storage/storage.ts"
import type { MediaAnswer, MediaWithAddress } from "#domain/media/answer.ts"
import { isOurLink, linkSeconds, linkTo } from "#domain/media/links.ts"
import { findOutput, outputsOf } from "#domain/media/processing/output-rows.ts"
import { findProcessing } from "#domain/media/processing/rows.ts"
import { deleteMedia, findMedia, insertMedia, type PlacedMedia, type StoredFile } from "#domain/media/rows.ts"
import { record } from "#events/outbox.ts"
import { lockDraft, maySee } from "./rights.ts"
import { findFeedback } from "./rows.ts"

/** The limit of one feedback. A session has a few minutes worth showing. */
export const maxMediaPerFeedback = 20

/**
 * Adds a stored file to a draft. Records media.uploaded.
 * @throws NotFound, NotAllowed, WrongState (feedback_published), RuleBroken (too_many_files)
 */
export async function addMedia(tx: Tx, member: Member, feedbackId: string, file: StoredFile): Promise<MediaAnswer> {
  const { caller, facilityId } = member
  const draft = await lockDraft(tx, member, feedbackId)
  if (draft.media.length >= maxMediaPerFeedback) {
    throw new RuleBroken("too_many_files", `The feedback has ${maxMediaPerFeedback} files, the most that it can have.`)
  }
  const media = await insertMedia(tx, { facilityId, feedbackId: draft.id, uploadedBy: caller.userId }, file)
  recordUploaded(tx, facilityId, media)
  return media
}

/** The bytes of a file or of one of its forms. */
export interface StoredBytes {
  readonly id: string
  readonly storedIn: StorageName
}

/**
 * Removes a file from a draft, with its forms. Answers whose bytes can go after the commit. Records media.removed.
 * @throws NotFound, NotAllowed, WrongState (feedback_published)
 */
export async function removeMedia(tx: Tx, member: Member, mediaId: string): Promise<readonly StoredBytes[]> {
  const { caller, facilityId } = member
  const { placed } = await readableMedia(tx, member, mediaId)
  const draft = await lockDraft(tx, member, placed.feedback_id)
  // Two concurrent removals wait for each other at the draft.
  if (!draft.media.some(({ id }) => id === mediaId)) throw new NotFound("media", mediaId)
  const forms = await outputsOf(tx, facilityId, mediaId)
  await deleteMedia(tx, facilityId, mediaId)
  record(tx, {
    type: "media.removed",
    facilityId,
    data: { mediaId, feedbackId: draft.id, removedBy: caller.userId },
  })
  return [
    { id: mediaId, storedIn: placed.stored_in },
    ...forms.map(({ id, stored_in }) => ({ id, storedIn: stored_in })),
  ]
}

interface MediaTools {
  readonly db: Db
  /** Signs the links. */
  readonly secrets: SecretBox
}

/** The facts of a file and of its forms, with links to their content for the next hour. Throws NotFound. */
export async function getMedia(
  { db, secrets, storage }: MediaTools & { readonly storage: Storages },
  member: Member,
  mediaId: string,
): Promise<MediaWithAddress> {
  const { facilityId } = member
  const { placed, feedback } = await readableMedia(db, member, mediaId)
  const item = feedback.media.find(({ id }) => id === mediaId)
  if (!item) throw new NotFound("media", mediaId)
  const expires = Math.floor(placed.now.getTime() / 1000) + linkSeconds
  const link = (id: string, storedIn: StorageName) =>
    storage.named(storedIn).addressOf(storageKeyOf(facilityId, id), linkSeconds) ?? linkTo(secrets, id, expires)
  const [processing, forms] = await Promise.all([
    findProcessing(db, facilityId, mediaId),
    outputsOf(db, facilityId, mediaId),
  ])
  return {
    ...item,
    url: link(mediaId, placed.stored_in),
    urlExpiresAt: new Date(expires * 1000).toISOString(),
    processing: processing
      ? {
          state: processing.state,
          step: processing.step,
          progress: processing.progress,
          reasonCode: processing.reason_code,
          reason: processing.reason,
        }
      : null,
    forms: forms.map((form) => ({
      id: form.id,
      purpose: form.purpose,
      label: form.label,
      contentType: form.content_type,
      width: form.width,
      height: form.height,
      durationSeconds: form.duration_seconds,
      fileSizeBytes: form.file_size_bytes,
      url: link(form.id, form.stored_in),
    })),
  }
}

/** The file or the form of a valid link; undefined for a forged or expired link. */
export async function linkedMedia(
  { db, secrets }: MediaTools,
  mediaId: string,
  { expires, signature }: { readonly expires: string; readonly signature: string },
): Promise<PlacedMedia | undefined> {
  if (!isOurLink(secrets, mediaId, expires, signature)) return undefined
  const found = (await findMedia(db, mediaId)) ?? (await findOutput(db, mediaId))
  return found && found.now.getTime() < Number(expires) * 1000 ? found : undefined
}

export function recordUploaded(tx: Tx, facilityId: string, media: MediaAnswer): void {
  const { id, feedbackId, mediaType, fileName, fileSizeBytes, durationSeconds, uploadedBy } = media
  record(tx, {
    type: "media.uploaded",
    facilityId,
    data: {
      ...{ mediaId: id, feedbackId, mediaType, fileName, fileSizeBytes },
      ...(durationSeconds !== null && { durationSeconds }),
      uploadedBy,
    },
  })
}

/** A caller who may not see the feedback does not learn that a file exists. */
async function readableMedia(db: Queryable, member: Member, mediaId: string) {
  const { facilityId } = member
  const placed = isId(mediaId) ? await findMedia(db, mediaId, facilityId) : undefined
  const feedback = placed && (await findFeedback(db, facilityId, placed.feedback_id))
  if (!feedback || !maySee(member, feedback)) throw new NotFound("media", mediaId)
  return { placed, feedback }
}
