/** Why a file is not turned into forms that browsers play. */

/**
 * The codes are part of the API:
 *
 * - ffmpeg_missing: the program is not there; whoever runs SlotBase installs it
 * - media_unreadable: the bytes are broken, or of a form that nothing here reads
 * - media_too_large: more pixels, streams, seconds or bytes than the limits
 * - media_too_slow: the time ended before the work
 * - media_gave_up: three attempts ended without a result
 */
export type MediaRefusalCode =
  | "ffmpeg_missing"
  | "media_unreadable"
  | "media_too_large"
  | "media_too_slow"
  | "media_gave_up"

/** Another attempt would not help. `message` is for people. */
export class MediaRefused extends Error {
  readonly _tag = "MediaRefused"
  constructor(
    readonly code: MediaRefusalCode,
    message: string,
  ) {
    super(message)
  }
}

/** The attempt was cut off: the process stops, the file is gone, or somebody else has the work now. */
export class MediaCutOff extends Error {
  readonly _tag = "MediaCutOff"
}
