/**
 * The rows of the forms that a file was turned into. A row is written after its bytes are stored. It leaves with the
 * row of its file, before its bytes are removed.
 * Writes: media_outputs.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { StorageName } from "#base/storage/storage.ts"
import type { PlacedMedia } from "#domain/media/rows.ts"

export interface NewOutput {
  readonly id: string
  readonly purpose: "thumbnail" | "rendition"
  readonly label: string
  readonly contentType: OutputType
  readonly width: number | null
  readonly height: number | null
  readonly durationSeconds: number | null
  readonly fileSizeBytes: number
  readonly storedIn: StorageName
}

export const outputExtensions = {
  "image/jpeg": "jpg",
  "image/webp": "webp",
  "image/avif": "avif",
  "video/mp4": "mp4",
  "audio/mp4": "m4a",
} as const
export type OutputType = keyof typeof outputExtensions

/** False: the file has this form already, and the new bytes are not needed. The claim must be held. */
export async function insertOutput(
  tx: Tx,
  { media_id, facility_id }: { readonly media_id: string; readonly facility_id: string },
  output: NewOutput,
): Promise<boolean> {
  const { count } = await tx`
    insert into slotbase.media_outputs
      (id, facility_id, media_id, purpose, label, content_type, width, height, duration_seconds, file_size_bytes, stored_in)
    values (${output.id}, ${facility_id}, ${media_id}, ${output.purpose}, ${output.label}, ${output.contentType}, ${output.width},
            ${output.height}, ${output.durationSeconds}, ${output.fileSizeBytes}, ${output.storedIn})
    on conflict (media_id, facility_id, label) do nothing`
  return count === 1
}

export interface OutputRow {
  readonly id: string
  readonly purpose: NewOutput["purpose"]
  readonly label: string
  readonly content_type: OutputType
  readonly width: number | null
  readonly height: number | null
  readonly duration_seconds: number | null
  readonly file_size_bytes: number
  readonly stored_in: StorageName
}

/** The forms of a file: the thumbnail first, then from the smallest to the largest. */
export const outputsOf = (db: Queryable, facilityId: string, mediaId: string): Promise<readonly OutputRow[]> =>
  db<OutputRow[]>`
    select id, purpose, label, content_type, width, height, duration_seconds, file_size_bytes, stored_in
    from slotbase.media_outputs
    where media_id = ${mediaId} and facility_id = ${facilityId}
    order by purpose desc, width nulls first, id`

/** A form by its own id, as its content is served. @param facilityId omitted: in any facility */
export async function findOutput(
  db: Queryable,
  outputId: string,
  facilityId?: string,
): Promise<PlacedMedia | undefined> {
  const [row] = await db<(PlacedMedia & { readonly content_type: OutputType; readonly label: string })[]>`
    select o.facility_id, m.feedback_id, o.stored_in, o.content_type, m.file_name, o.label, slotbase.now() as now
    from slotbase.media_outputs o
    join slotbase.media m on m.id = o.media_id and m.facility_id = o.facility_id
    where o.id = ${outputId} ${facilityId === undefined ? db`` : db`and o.facility_id = ${facilityId}`}`
  return row && { ...row, file_name: outputName(row.file_name, row.label, row.content_type) }
}

/** "serve.mov" as its form of 720p: "serve 720p.mp4". */
export const outputName = (fileName: string, label: string, contentType: OutputType): string =>
  `${fileName.replace(/\.[^.]+$/, "")} ${label}.${outputExtensions[contentType]}`
