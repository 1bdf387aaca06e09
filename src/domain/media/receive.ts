/**
 * Receives a file: writes it to the disk as it arrives, and never holds it in memory. Receiving stops when the first
 * bytes show a refused kind, or when the file exceeds the limit of its kind. A refused file leaves nothing on the disk.
 */
import { type FileHandle, mkdir, open, rm } from "node:fs/promises"
import { join } from "node:path"
import { inspect, type readTracks } from "./inspect.ts"
import { kindOf, type MediaKind, type readKind, sniffedBytes, uploadLimitOf } from "./kinds.ts"

/** A whole file in the receiving folder. */
export interface Received {
  readonly path: string
  readonly kind: MediaKind
  readonly sizeBytes: number
  /** Hex. The Idempotency-Key uses it to recognize the same upload. */
  readonly sha256: string
  /** The duration of audio and video, when the file states it. */
  readonly durationSeconds: number | undefined
  /** Removes the file from the receiving folder, if it is still there. */
  readonly discard: () => Promise<void>
}

/** The file is larger than the limit of its kind. */
export class FileTooLarge extends Error {
  readonly _tag = "FileTooLarge"
  constructor(
    mediaType: string,
    readonly maxBytes: number,
  ) {
    super(`The file is larger than ${maxBytes} bytes, the most for ${mediaType === "photo" ? "a photo" : mediaType}.`)
  }
}

/** Whose file is received, into which folder, and how its bytes are read. */
export interface Reception {
  readonly facilityId: string
  readonly folder: string
  /** The limit of the largest kind. */
  readonly maxBytes: number
  /** Left out: the real ones. */
  readonly tasks?: MediaTasks
}

/** The tasks of child processes that read a file. */
export interface MediaTasks {
  readonly kind?: typeof readKind
  readonly tracks?: typeof readTracks
}

/** Receives a file under an id. Throws NotMedia, FileTooLarge, NotDone, TooMany, and the errors of the stream. */
export async function receive(reception: Reception, id: string, bytes: AsyncIterable<Uint8Array>): Promise<Received> {
  const { facilityId, folder, maxBytes, tasks } = reception
  await mkdir(folder, { recursive: true })
  const path = join(folder, id)
  const discard = () => rm(path, { force: true })
  try {
    const { kind, sizeBytes, sha256 } = await write(reception, path, bytes)
    const found = await inspect(path, kind, facilityId, tasks?.tracks)
    requireFits(found.kind, sizeBytes, maxBytes)
    return { path, sizeBytes, sha256, ...found, discard }
  } catch (error) {
    await discard()
    throw error
  }
}

async function write({ facilityId, maxBytes, tasks }: Reception, path: string, bytes: AsyncIterable<Uint8Array>) {
  const hash = new Bun.CryptoHasher("sha256")
  const head: Uint8Array[] = []
  let sizeBytes = 0
  let kind: MediaKind | undefined
  const file = await open(path, "wx", 0o600)
  try {
    for await (const piece of bytes) {
      sizeBytes += piece.byteLength
      hash.update(piece)
      await writeAll(file, piece)
      if (kind === undefined) {
        head.push(piece)
        if (sizeBytes >= sniffedBytes) kind = await kindOf(Buffer.concat(head.splice(0)), facilityId, tasks?.kind)
      }
      if (kind !== undefined) requireFits(kind, sizeBytes, maxBytes)
    }
    kind ??= await kindOf(Buffer.concat(head), facilityId, tasks?.kind)
    requireFits(kind, sizeBytes, maxBytes)
    return { kind, sizeBytes, sha256: hash.digest("hex") }
  } finally {
    await file.close()
  }
}

/** One write may take only a part of the bytes. */
async function writeAll(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let at = 0; at < piece.byteLength; ) at += (await file.write(piece, at)).bytesWritten
}

function requireFits(kind: MediaKind, sizeBytes: number, maxBytes: number): void {
  const limit = uploadLimitOf(kind, maxBytes)
  if (sizeBytes > limit) throw new FileTooLarge(kind.mediaType, limit)
}
