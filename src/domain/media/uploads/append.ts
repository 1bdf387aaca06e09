/**
 * Takes the next bytes of an upload. They are written to parts of a few megabytes; each is stored and has its row
 * before the next one is begun. When the connection breaks or the process dies, the client goes on after the last part.
 * Nothing is locked while bytes arrive: a part whose place is taken meanwhile ends its request.
 */
import { mkdir, open, rm } from "node:fs/promises"
import { join } from "node:path"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { receivingFolder } from "#base/storage/disk.ts"
import { storageKeyOf } from "#base/storage/keys.ts"
import { kindOf, sniffedBytes, uploadLimitOf } from "#domain/media/kinds.ts"
import { FileTooLarge } from "#domain/media/receive.ts"
import { requireAudio, type UploadTools } from "#domain/media/upload.ts"
import { incompleteBody } from "#http/body.ts"
import { BadRequest } from "#http/problems.ts"
import type { Checksum } from "./headers.ts"
import { insertPart, type UploadRow } from "./rows.ts"

/** What may be lost when the process dies; a part of S3 has at least 5 MiB. */
const partBytes = 8 * 1024 * 1024

/** The bytes on the disk that are not stored yet. */
export interface LastPart {
  readonly path: string
  readonly start: number
}

export interface Appended {
  /** The upload's next byte. */
  readonly received: number
  readonly expiresAt: Date
  /** The last bytes of the file, which wait for it to be whole. The caller removes their file. */
  readonly last: LastPart | undefined
}

export interface Appending {
  readonly upload: UploadRow
  readonly start: number
  readonly checksum: Checksum | undefined
}

/**
 * @throws BadRequest (413 `upload_too_long`, 460 `checksum_differs`, 400 `incomplete_body`), WrongState
 * `offset_differs`, FileTooLarge, NotMedia, NotDone, TooMany, RuleBroken, Unavailable
 */
export async function appendParts(
  tools: UploadTools & { readonly db: Db },
  request: Request,
  appending: Appending,
): Promise<Appended> {
  const folder = receivingFolder(tools.config.dataDir)
  await mkdir(folder, { recursive: true })
  const writer = new PartWriter(tools, folder, appending)
  const reader = request.body?.getReader()
  const gone = () => void reader?.cancel().catch(() => {})
  request.signal.addEventListener("abort", gone)
  try {
    for (;;) {
      const piece = await reader?.read().catch(() => ({ done: true, value: undefined }))
      if (piece === undefined || piece.done || piece.value === undefined) break
      await writer.take(piece.value)
    }
    return await writer.end(request)
  } catch (error) {
    gone()
    throw error
  } finally {
    request.signal.removeEventListener("abort", gone)
    await writer.clean()
  }
}

class PartWriter {
  readonly #tools: UploadTools & { readonly db: Db }
  readonly #folder: string
  readonly #upload: UploadRow
  readonly #checksum: Checksum | undefined
  readonly #hash: Bun.CryptoHasher | undefined
  #head: Buffer | undefined
  #start: number
  #size = 0
  #taken = 0
  #expiresAt: Date
  #path: string | undefined
  #file: Awaited<ReturnType<typeof open>> | undefined

  constructor(tools: UploadTools & { readonly db: Db }, folder: string, { upload, start, checksum }: Appending) {
    this.#tools = tools
    this.#folder = folder
    this.#upload = upload
    this.#checksum = checksum
    this.#hash = checksum && new Bun.CryptoHasher(checksum.algorithm)
    this.#head = start === 0 ? Buffer.alloc(0) : undefined
    this.#start = start
    this.#expiresAt = upload.expires_at
  }

  async take(piece: Uint8Array): Promise<void> {
    const { length } = this.#upload
    this.#taken += piece.byteLength
    if (this.#start + this.#size + piece.byteLength > length) {
      throw new BadRequest(413, "upload_too_long", `The upload was announced with ${length} bytes.`, {
        connection: "close",
      })
    }
    this.#hash?.update(piece)
    if (this.#file === undefined) {
      this.#path = join(this.#folder, newId())
      this.#file = await open(this.#path, "wx", 0o600)
    }
    for (let at = 0; at < piece.byteLength; ) at += (await this.#file.write(piece, at)).bytesWritten
    this.#size += piece.byteLength
    await this.#sniff(piece)
    // A part with a checksum counts as a whole or not at all.
    if (this.#checksum === undefined && this.#size >= partBytes && this.#start + this.#size < length)
      await this.#store()
  }

  /** The first bytes show whether the rest is wanted. */
  async #sniff(piece: Uint8Array): Promise<void> {
    if (this.#head === undefined) return
    this.#head = Buffer.concat([this.#head, piece])
    if (this.#head.byteLength < Math.min(sniffedBytes, this.#upload.length)) return
    const { facility_id, length, is_voice_note } = this.#upload
    const { maxUploadBytes } = this.#tools.config
    const kind = await kindOf(this.#head.subarray(0, sniffedBytes), facility_id, this.#tools.mediaTasks?.kind)
    this.#head = undefined
    const limit = uploadLimitOf(kind, maxUploadBytes)
    if (length > limit) throw new FileTooLarge(kind.mediaType, limit)
    // A container of videos may hold sound only.
    if (is_voice_note && kind.mediaType === "photo") requireAudio({ kind })
  }

  /** What arrived counts, also when the connection broke, unless a checksum says what should have arrived. */
  async end(request: Request): Promise<Appended> {
    const announced = request.headers.get("content-length")
    const isCut = request.signal.aborted || (announced !== null && Number(announced) !== this.#taken)
    if (this.#checksum !== undefined) {
      if (isCut) throw incompleteBody()
      if (this.#taken > 0 && !this.#hash?.digest().equals(this.#checksum.digest)) {
        throw new BadRequest(460, "checksum_differs", "The part has another checksum, so nothing of it is kept.")
      }
    }
    if (this.#size > 0 && this.#start + this.#size < this.#upload.length) await this.#store()
    const last = this.#size > 0 && this.#path !== undefined ? { path: this.#path, start: this.#start } : undefined
    if (last) {
      await this.#close()
      this.#path = undefined
    }
    if (isCut && last === undefined) throw incompleteBody()
    return { received: this.#start, expiresAt: this.#expiresAt, last }
  }

  /** Stores the part, then writes its row. */
  async #store(): Promise<void> {
    const { db, storage } = this.#tools
    const path = this.#path
    if (path === undefined) return
    await this.#close()
    const id = newId()
    const key = storageKeyOf(this.#upload.facility_id, id)
    const place = storage.current
    await place.keep(key, path, { contentType: "application/octet-stream", disposition: "attachment" })
    reached("upload-part-stored", this.#upload.id)
    const part = { id, start: this.#start, size: this.#size, storedIn: place.name }
    const expiresAt = await insertPart(db, this.#upload, part)
    if (expiresAt === undefined) {
      await place.remove(key).catch(() => {})
      throw offsetDiffers()
    }
    reached("upload-part-kept", this.#upload.id)
    this.#expiresAt = expiresAt
    this.#start += this.#size
    this.#size = 0
    this.#path = undefined
  }

  async #close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }

  async clean(): Promise<void> {
    await this.#close()
    if (this.#path !== undefined) await rm(this.#path, { force: true })
  }
}

export const offsetDiffers = () =>
  new WrongState("offset_differs", "The upload stands at another byte; HEAD says at which.")
