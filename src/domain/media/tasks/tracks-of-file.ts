/** A task of a child process: the tracks of an audio or video file. A file that the parser refuses has none. */
import { parseFile, TrackType } from "music-metadata"
import type { Tracks } from "#domain/media/inspect.ts"

export default async ({ path }: { readonly path: string }): Promise<Tracks> => {
  const format = await parseFile(path, { duration: true, skipCovers: true }).then(
    ({ format }) => format,
    () => undefined,
  )
  const tracks = format?.trackInfo ?? []
  return {
    hasSound: tracks.some(({ type }) => type === TrackType.audio),
    hasPicture: tracks.some(({ type }) => type === TrackType.video),
    // The sound of a video may end before its picture, or may be missing.
    seconds: [format?.duration, ...tracks.map(({ duration }) => duration)].filter(isLength),
  }
}

const isLength = (seconds: number | undefined): seconds is number =>
  seconds !== undefined && Number.isFinite(seconds) && seconds > 0
