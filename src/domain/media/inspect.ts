/**
 * Reads an audio or video file: its duration, and whether it has a picture. A file without that information, or one
 * that the parser cannot read, is accepted without it, because it may still play.
 */
import { parseFile, TrackType } from "music-metadata"
import { type MediaKind, withoutPicture } from "./kinds.ts"

/** A file that takes longer to read is accepted without its duration. */
const maxMs = 5_000

/** The kind according to the tracks, and the duration in seconds, to the millisecond. */
export async function inspect(
  path: string,
  kind: MediaKind,
): Promise<{ readonly kind: MediaKind; readonly durationSeconds: number | undefined }> {
  if (kind.mediaType === "photo") return { kind, durationSeconds: undefined }
  const format = await formatOf(path)
  const tracks = format?.trackInfo ?? []
  const isSound =
    tracks.some(({ type }) => type === TrackType.audio) && !tracks.some(({ type }) => type === TrackType.video)
  // The sound of a video may end before its picture, or may be missing.
  const lengths = [format?.duration, ...tracks.map(({ duration }) => duration)].filter(isLength)
  return {
    kind: kind.mediaType === "video" && isSound ? withoutPicture(kind) : kind,
    durationSeconds: lengths.length === 0 ? undefined : Math.round(Math.max(...lengths) * 1000) / 1000,
  }
}

const isLength = (seconds: number | undefined): seconds is number =>
  seconds !== undefined && Number.isFinite(seconds) && seconds > 0

async function formatOf(path: string) {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), maxMs)
  const reading = parseFile(path, { duration: true, skipCovers: true }).then(
    ({ format }) => format,
    () => undefined,
  )
  const format = await Promise.race([reading, late])
  clearTimeout(timer)
  return format
}
