/**
 * A task of a child process: the tracks of an audio or video file. A file that the parser refuses has none. mediabunny
 * reads what browsers record: WebM whose parts have no sizes, and MP4 in fragments. music-metadata 12.1 throws on the
 * one, and measures the first fragment of the other.
 */
import { ALL_FORMATS, FilePathSource, Input } from "mediabunny"
import type { Tracks } from "#domain/media/inspect.ts"

export default async ({ path }: { readonly path: string }): Promise<Tracks> => {
  const input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) })
  try {
    const tracks = await input.getTracks()
    const has = (type: string) => tracks.some((track) => track.type === type)
    // The sound of a video may end before its picture, or may be missing.
    return {
      hasSound: has("audio"),
      hasPicture: has("video"),
      seconds: [await input.computeDuration()].filter(isLength),
    }
  } catch {
    return { hasSound: false, hasPicture: false, seconds: [] }
  } finally {
    input.dispose()
  }
}

const isLength = (seconds: number): boolean => Number.isFinite(seconds) && seconds > 0
