/**
 * The rows of files that arrive in parts. A part is stored before its row is written. Of two requests that send the
 * same bytes, one writes its row.
 * Writes: uploads, upload_parts.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { WrongState } from "#base/errors.ts"
import type { StorageName } from "#base/storage/storage.ts"

export interface NewUpload {
  readonly id: string
  readonly facilityId: string
  readonly feedbackId: string
  readonly userId: string
  readonly length: number
  readonly metadata: string
  readonly fileName: string
  readonly isVoiceNote: boolean
  /** Hex. */
  readonly sha256: string | null
}

export interface UploadRow {
  readonly id: string
  readonly facility_id: string
  readonly feedback_id: string
  readonly user_id: string
  readonly length: number
  readonly received: number
  readonly metadata: string
  readonly file_name: string
  readonly is_voice_note: boolean
  readonly sha256: string | null
  readonly media_id: string | null
  readonly expires_at: Date
}

/** After the last part. A client tries again within hours. */
const keptFor = "1 day"
/** Of one user that are not whole. */
const maxOpenUploads = 20

/** Throws WrongState `too_many_uploads`. */
export async function insertUpload(tx: Tx, upload: NewUpload): Promise<UploadRow> {
  const [open] = await tx<[{ count: number }]>`
    select count(*) from slotbase.uploads
    where user_id = ${upload.userId} and facility_id = ${upload.facilityId} and media_id is null
      and expires_at > slotbase.now()`
  if (open.count >= maxOpenUploads) {
    throw new WrongState("too_many_uploads", `${maxOpenUploads} uploads of yours are not whole; finish or end one.`)
  }
  const [row] = await tx<UploadRow[]>`
    insert into slotbase.uploads
      (id, facility_id, feedback_id, user_id, length, metadata, file_name, is_voice_note, sha256, expires_at)
    values (${upload.id}, ${upload.facilityId}, ${upload.feedbackId}, ${upload.userId}, ${upload.length}, ${upload.metadata},
            ${upload.fileName}, ${upload.isVoiceNote}, ${upload.sha256}, slotbase.now() + ${keptFor}::interval)
    returning ${columns(tx)}`
  if (!row) throw new Error("insertUpload: the insert answered no row")
  return row
}

/** An upload that has not expired. */
export async function findUpload(db: Queryable, facilityId: string, uploadId: string): Promise<UploadRow | undefined> {
  const [row] = await db<UploadRow[]>`
    select ${columns(db)} from slotbase.uploads
    where id = ${uploadId} and facility_id = ${facilityId} and expires_at > slotbase.now()`
  return row
}

export interface PartRow {
  readonly id: string
  readonly start: number
  readonly size: number
  readonly stored_in: StorageName
}

/** False: the upload has moved on, is whole or is gone, so these bytes are not the next ones. */
export async function insertPart(
  db: Db,
  { id: uploadId, facility_id }: UploadRow,
  part: Omit<PartRow, "stored_in"> & { readonly storedIn: StorageName },
): Promise<Date | undefined> {
  const [row] = await db<{ expires_at: Date }[]>`
    with moved as (
      update slotbase.uploads
      set received = received + ${part.size}, expires_at = slotbase.now() + ${keptFor}::interval
      where id = ${uploadId} and facility_id = ${facility_id} and received = ${part.start} and media_id is null
        and length > ${part.start + part.size}::bigint
      returning id, facility_id, expires_at
    ), added as (
      insert into slotbase.upload_parts (id, facility_id, upload_id, start, size, stored_in)
      select ${part.id}, facility_id, id, ${part.start}, ${part.size}, ${part.storedIn} from moved
    )
    select expires_at from moved`
  return row?.expires_at
}

export const partsOfUpload = (db: Queryable, { id, facility_id }: UploadRow): Promise<readonly PartRow[]> =>
  db<PartRow[]>`
    select id, start, size, stored_in from slotbase.upload_parts
    where upload_id = ${id} and facility_id = ${facility_id} order by start`

/** The upload is whole, and became a file. False: another request was the first, or the upload is gone. */
export async function completeUpload(
  tx: Tx,
  { id, facility_id }: UploadRow,
  whole: { readonly start: number; readonly mediaId: string; readonly sha256: string },
): Promise<boolean> {
  const { count } = await tx`
    update slotbase.uploads
    set received = length, media_id = ${whole.mediaId}, sha256 = ${whole.sha256}, expires_at = slotbase.now() + ${keptFor}::interval
    where id = ${id} and facility_id = ${facility_id} and received = ${whole.start} and media_id is null`
  if (count === 1) await tx`delete from slotbase.upload_parts where upload_id = ${id} and facility_id = ${facility_id}`
  return count === 1
}

export async function deleteUpload(db: Queryable, { id, facility_id }: UploadRow): Promise<void> {
  await db`delete from slotbase.uploads where id = ${id} and facility_id = ${facility_id}`
}

/** The bytes of their parts then have no row. */
export async function deleteExpiredUploads(db: Db): Promise<void> {
  await db`delete from slotbase.uploads where expires_at <= slotbase.now()`
}

const columns = (sql: Queryable) => sql`
  id, facility_id, feedback_id, user_id, length, received, metadata, file_name, is_voice_note, sha256, media_id, expires_at`
