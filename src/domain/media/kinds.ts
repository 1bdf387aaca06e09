/**
 * The kinds of files that feedback may have, and the largest size of each. The bytes of a file decide its kind; the
 * client's name and type are never trusted. Every other kind is refused, so SlotBase never serves a file that a browser
 * would run (HTML, SVG, scripts, programs).
 */
import { join } from "node:path"
import * as Schema from "effect/Schema"
import { type BoundedTask, runBounded } from "#base/bounded/run-bounded.ts"

export type MediaType = "video" | "photo" | "audio"

const mib = 1024 * 1024
/**
 * Bytes, by kind. SLOTBASE_MAX_UPLOAD_MB sets the limit of videos, and can only lower the other two. A phone's photo
 * has 3 to 12 MB, an hour of speech 30 to 60 MB, a minute of its video 60 to 200 MB.
 */
const maxPhotoBytes = 25 * mib
const maxAudioBytes = 100 * mib

export interface MediaKind {
  readonly mediaType: MediaType
  readonly contentType: string
  /** The first one is added to a file name that has none of them. */
  readonly extensions: readonly [string, ...string[]]
}

const photo = (contentType: string, ...extensions: MediaKind["extensions"]): MediaKind => ({
  mediaType: "photo",
  contentType,
  extensions,
})
const video = (contentType: string, ...extensions: MediaKind["extensions"]): MediaKind => ({
  mediaType: "video",
  contentType,
  extensions,
})
const audio = (contentType: string, ...extensions: MediaKind["extensions"]): MediaKind => ({
  mediaType: "audio",
  contentType,
  extensions,
})

/** By the type found in the bytes, without its parameters. */
const allowed: Readonly<Record<string, MediaKind>> = {
  "image/jpeg": photo("image/jpeg", "jpg", "jpeg"),
  "image/png": photo("image/png", "png"),
  "image/webp": photo("image/webp", "webp"),
  "image/gif": photo("image/gif", "gif"),
  "image/avif": photo("image/avif", "avif"),
  "image/heic": photo("image/heic", "heic", "heif"),
  "image/heif": photo("image/heif", "heif", "heic"),
  "video/mp4": video("video/mp4", "mp4", "m4v"),
  "video/x-m4v": video("video/mp4", "m4v", "mp4"),
  "video/quicktime": video("video/quicktime", "mov", "qt"),
  "video/webm": video("video/webm", "webm"),
  "video/3gpp": video("video/3gpp", "3gp"),
  "audio/mpeg": audio("audio/mpeg", "mp3"),
  "audio/mp4": audio("audio/mp4", "m4a", "mp4"),
  "audio/x-m4a": audio("audio/mp4", "m4a", "mp4"),
  "audio/aac": audio("audio/aac", "aac"),
  "audio/ogg": audio("audio/ogg", "ogg", "oga", "opus"),
  "audio/wav": audio("audio/wav", "wav"),
  "audio/flac": audio("audio/flac", "flac"),
  "audio/amr": audio("audio/amr", "amr"),
}

/** A video container with sound only counts as audio: browsers and phones record voice notes into such containers. */
const soundIn: Readonly<Record<string, MediaKind>> = {
  "video/mp4": audio("audio/mp4", "m4a", "mp4"),
  "video/quicktime": audio("audio/mp4", "m4a", "mov"),
  "video/webm": audio("audio/webm", "webm"),
  "video/3gpp": audio("audio/3gpp", "3gp"),
}

/** This many first bytes of a file show its kind. */
export const sniffedBytes = 4_100

/** A few KiB take milliseconds. A child that starts on a busy machine takes longer. */
const maxMs = 5_000

export const readKind: BoundedTask<{ readonly head: string }, string | null> = {
  module: join(import.meta.dir, "tasks/kind-of-bytes.ts"),
  timeMs: maxMs,
  decode: Schema.decodeUnknownSync(Schema.NullOr(Schema.String)),
}

/**
 * The kind of a file by its first bytes, which a child process reads.
 * @param facilityId whose turn it is
 * @throws NotMedia, NotDone, TooMany
 */
export async function kindOf(head: Uint8Array, facilityId: string, task = readKind): Promise<MediaKind> {
  const found = await runBounded(task, { head: Buffer.from(head).toString("base64") }, facilityId)
  const type = found?.split(";")[0]?.trim() ?? ""
  const kind = Object.hasOwn(allowed, type) ? allowed[type] : undefined
  if (!kind) throw new NotMedia(type || "of no known kind")
  return kind
}

/** The kind of a file whose tracks hold sound only. */
export const withoutPicture = (kind: MediaKind): MediaKind => soundIn[kind.contentType] ?? kind

/** The largest file of a kind, bytes. */
export function uploadLimitOf({ mediaType }: MediaKind, maxUploadBytes: number): number {
  if (mediaType === "photo") return Math.min(maxPhotoBytes, maxUploadBytes)
  return mediaType === "audio" ? Math.min(maxAudioBytes, maxUploadBytes) : maxUploadBytes
}

/** A file that is none of the allowed photos, videos and audio files. */
export class NotMedia extends Error {
  readonly _tag = "NotMedia"
  constructor(readonly found: string) {
    super(`The file is ${found}; photos, videos and audio are taken: ${[...new Set(Object.keys(allowed))].join(", ")}.`)
  }
}
