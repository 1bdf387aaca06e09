/**
 * Reads an audio or video file in a child process: its duration, and whether it has a picture. A file without that
 * information, or one that the parser cannot read in time, is accepted without it, because it may still play.
 */
import { join, resolve } from "node:path"
import * as Schema from "effect/Schema"
import { type BoundedTask, NotDone, runBounded } from "#base/bounded/run-bounded.ts"
import { type MediaKind, withoutPicture } from "./kinds.ts"

const TracksAnswer = Schema.Struct({
  hasSound: Schema.Boolean,
  hasPicture: Schema.Boolean,
  seconds: Schema.Array(Schema.Finite),
})
export type Tracks = typeof TracksAnswer.Type

/** A file that takes longer to read is accepted without its duration. */
const maxMs = 5_000

export const readTracks: BoundedTask<{ readonly path: string }, Tracks> = {
  module: join(import.meta.dir, "tasks/tracks-of-file.ts"),
  timeMs: maxMs,
  decode: Schema.decodeUnknownSync(TracksAnswer),
}

/**
 * The kind according to the tracks, and the duration in seconds, to the millisecond.
 * @param facilityId whose turn it is
 * @throws NotDone, unless the limit of time ended the work; TooMany
 */
export async function inspect(
  path: string,
  kind: MediaKind,
  facilityId: string,
  task = readTracks,
): Promise<{ readonly kind: MediaKind; readonly durationSeconds: number | undefined }> {
  if (kind.mediaType === "photo") return { kind, durationSeconds: undefined }
  const { hasSound, hasPicture, seconds } = await runBounded(task, { path: resolve(path) }, facilityId).catch(
    unlessLate,
  )
  return {
    kind: kind.mediaType === "video" && hasSound && !hasPicture ? withoutPicture(kind) : kind,
    durationSeconds: seconds.length === 0 ? undefined : Math.round(Math.max(...seconds) * 1000) / 1000,
  }
}

function unlessLate(error: unknown): Tracks {
  if (error instanceof NotDone && error.reason === "time") return { hasSound: false, hasPicture: false, seconds: [] }
  throw error
}
