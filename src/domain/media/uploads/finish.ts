/**
 * Makes a file of an upload whose last bytes are there. The parts are joined, and read and stored as any other file.
 * The row of the file, its event and the end of the upload are one transaction. Until then the last bytes do not count.
 * So an upload that says it is whole is a file, and after a crash the client sends the last bytes again.
 */
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { receivingFolder } from "#base/storage/disk.ts"
import { storageKeyOf } from "#base/storage/keys.ts"
import { dispositionOf, labelOf } from "#domain/media/file-name.ts"
import { receive } from "#domain/media/receive.ts"
import type { StoredFile } from "#domain/media/rows.ts"
import { requireAudio, type UploadTools } from "#domain/media/upload.ts"
import { type LastPart, offsetDiffers } from "./append.ts"
import { completeUpload, partsOfUpload, type UploadRow } from "./rows.ts"

/** A whole file that is stored and has no row. */
export interface WholeFile {
  readonly file: StoredFile
  /** Hex. */
  readonly sha256: string
  /** Ends the upload, in the transaction that writes the file's row. @throws WrongState `offset_differs` */
  readonly complete: (tx: Tx) => Promise<void>
  /** Removes the bytes of the parts, after the commit. */
  readonly removeParts: () => Promise<void>
  /** Removes the bytes of the file, when there was no commit. */
  readonly discard: () => Promise<void>
}

/**
 * @throws NotMedia, FileTooLarge, NotDone, TooMany, RuleBroken (voice_note_not_audio, upload_hash_differs), Unavailable
 */
export async function joinParts(
  tools: UploadTools & { readonly db: Db },
  upload: UploadRow,
  last: LastPart,
): Promise<WholeFile> {
  const { db, storage, config, mediaTasks = {} } = tools
  const { facility_id: facilityId } = upload
  const parts = await partsOfUpload(db, upload)
  const id = newId()
  const folder = receivingFolder(config.dataDir)
  const reception = { facilityId, folder, maxBytes: config.maxUploadBytes, tasks: mediaTasks }
  const received = await receive(reception, id, bytesOf())
  const place = storage.current
  const key = storageKeyOf(facilityId, id)
  try {
    const { kind, path, sizeBytes, sha256, durationSeconds } = received
    if (sizeBytes !== upload.length) throw offsetDiffers()
    if (upload.is_voice_note) requireAudio(received)
    if (upload.sha256 !== null && upload.sha256 !== sha256) {
      throw new RuleBroken("upload_hash_differs", "The whole file has another SHA-256 than was announced.")
    }
    const fileName = labelOf(upload.file_name, kind)
    const { mediaType, contentType } = kind
    await place.keep(key, path, { contentType, disposition: dispositionOf(fileName) })
    return {
      file: {
        ...{ id, mediaType, contentType, isVoiceNote: upload.is_voice_note, fileName, fileSizeBytes: sizeBytes },
        ...{ durationSeconds, storedIn: place.name },
      },
      sha256,
      complete: async (tx) => {
        if (!(await completeUpload(tx, upload, { start: last.start, mediaId: id, sha256 }))) throw offsetDiffers()
      },
      removeParts: async () => {
        for (const part of parts) {
          await storage
            .named(part.stored_in)
            .remove(storageKeyOf(facilityId, part.id))
            .catch(() => {})
        }
      },
      discard: () => place.remove(key).catch(() => {}),
    }
  } finally {
    await received.discard()
  }

  async function* bytesOf(): AsyncIterable<Uint8Array> {
    let at = 0
    for (const { id: partId, start, size, stored_in } of parts) {
      const content = await storage.named(stored_in).open(storageKeyOf(facilityId, partId))
      // Another request has joined them, and removed them.
      if (start !== at || content?.size !== size) throw offsetDiffers()
      yield* content.stream() as unknown as AsyncIterable<Uint8Array>
      at += size
    }
    if (at !== last.start) throw offsetDiffers()
    yield* Bun.file(last.path).stream() as unknown as AsyncIterable<Uint8Array>
  }
}
