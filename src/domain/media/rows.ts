/**
 * The rows of the files of feedback. A row is written after the file is stored, and deleted before the file is removed.
 * Writes: media.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { StorageName } from "#base/storage/storage.ts"
import type { MediaAnswer } from "./answer.ts"
import type { MediaType } from "./kinds.ts"

/** A file that is stored and has no row yet. */
export interface StoredFile {
  readonly id: string
  readonly mediaType: MediaType
  readonly isVoiceNote: boolean
  readonly fileName: string
  readonly contentType: string
  readonly fileSizeBytes: number
  readonly durationSeconds: number | undefined
  readonly storedIn: StorageName
}

export async function insertMedia(
  tx: Tx,
  { facilityId, feedbackId, uploadedBy }: { facilityId: string; feedbackId: string; uploadedBy: string },
  file: StoredFile,
): Promise<MediaAnswer> {
  const { id, mediaType, isVoiceNote, fileName, contentType, fileSizeBytes, durationSeconds = null, storedIn } = file
  const [row] = await tx<{ created_at: Date }[]>`
    insert into slotbase.media
      (id, facility_id, feedback_id, media_type, is_voice_note, file_name, content_type, file_size_bytes, duration_seconds,
       stored_in, uploaded_by)
    values (${id}, ${facilityId}, ${feedbackId}, ${mediaType}, ${isVoiceNote}, ${fileName}, ${contentType}, ${fileSizeBytes},
            ${durationSeconds}, ${storedIn}, ${uploadedBy})
    returning created_at`
  if (!row) throw new Error("insertMedia: the insert answered no row")
  return {
    id,
    feedbackId,
    mediaType,
    isVoiceNote,
    fileName,
    contentType,
    fileSizeBytes,
    durationSeconds,
    uploadedBy,
    createdAt: row.created_at.toISOString(),
  }
}

/** Seconds; an encoder rounds up to its frames. */
const headersMayDiffer = 0.1

/** The length that was decoded, seconds, in place of what the file said of itself. */
export async function correctDuration(
  tx: Tx,
  { media_id, facility_id }: { readonly media_id: string; readonly facility_id: string },
  seconds: number,
): Promise<void> {
  await tx`
    update slotbase.media set duration_seconds = ${seconds}
    where id = ${media_id} and facility_id = ${facility_id} and (duration_seconds is null or abs(duration_seconds - ${seconds}) > ${headersMayDiffer})`
}

export async function deleteMedia(tx: Tx, facilityId: string, mediaId: string): Promise<void> {
  await tx`delete from slotbase.media where id = ${mediaId} and facility_id = ${facilityId}`
}

/** The storage of a file, and how the file is served. `now` is the database's. */
export interface PlacedMedia {
  readonly facility_id: string
  readonly feedback_id: string
  readonly stored_in: StorageName
  readonly content_type: string
  readonly file_name: string
  readonly now: Date
}

/** @param facilityId omitted: in any facility */
export async function findMedia(db: Queryable, mediaId: string, facilityId?: string): Promise<PlacedMedia | undefined> {
  const [row] = await db<PlacedMedia[]>`
    select facility_id, feedback_id, stored_in, content_type, file_name, slotbase.now() as now
    from slotbase.media
    where id = ${mediaId} ${facilityId === undefined ? db`` : db`and facility_id = ${facilityId}`}`
  return row
}

/** The files without a row, of facilities in this database only: files of another database are never touched. */
export async function withoutRow(
  db: Queryable,
  files: readonly { readonly facilityId: string; readonly fileId: string }[],
): Promise<ReadonlySet<string>> {
  const rows = await db<{ file_id: string }[]>`
    select w.file_id
    from unnest(${files.map(({ facilityId }) => facilityId)}::uuid[], ${files.map(({ fileId }) => fileId)}::uuid[])
      as w (facility_id, file_id)
    where exists (select from slotbase.facilities f where f.id = w.facility_id)
      and not exists (select from slotbase.media m where m.id = w.file_id and m.facility_id = w.facility_id)
      and not exists (select from slotbase.media_outputs o where o.id = w.file_id and o.facility_id = w.facility_id)
      and not exists (select from slotbase.upload_parts p where p.id = w.file_id and p.facility_id = w.facility_id)`
  return new Set(rows.map((row) => row.file_id))
}

/** The files of a piece of feedback as JSON, oldest first. */
export const mediaOf = (sql: Queryable, feedbackId: ReturnType<Queryable>, facilityId: ReturnType<Queryable>) => sql`
  (select coalesce(jsonb_agg(jsonb_build_object(
            'id', m.id, 'feedbackId', m.feedback_id, 'mediaType', m.media_type, 'isVoiceNote', m.is_voice_note,
            'fileName', m.file_name, 'contentType', m.content_type, 'fileSizeBytes', m.file_size_bytes,
            'durationSeconds', m.duration_seconds, 'uploadedBy', m.uploaded_by, 'createdAt', slotbase.utc(m.created_at))
            order by m.id), '[]')
   from slotbase.media m where m.feedback_id = ${feedbackId} and m.facility_id = ${facilityId})`
