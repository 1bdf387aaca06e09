/**
 * What a video or a recording has in it: its tracks and their sizes, checked against the limits before anything is
 * decoded. Of its lengths none is believed, because headers lie: the length is what was decoded.
 */
import * as Schema from "effect/Schema"
import { type Ffmpeg, type FfmpegWork, runFfprobe } from "./ffmpeg.ts"
import { MediaRefused } from "./refusal.ts"

/** An action camera writes eight: picture, sound, and its sensors. */
const maxStreams = 32
/** 8K of a phone is 7680 × 4320. */
const maxSide = 8192
const maxPixels = 7680 * 4320

const Probe = Schema.Struct({
  streams: Schema.Array(
    Schema.Struct({
      codec_type: Schema.optionalKey(Schema.String),
      codec_name: Schema.optionalKey(Schema.String),
      width: Schema.optionalKey(Schema.Finite),
      height: Schema.optionalKey(Schema.Finite),
      channels: Schema.optionalKey(Schema.Finite),
      color_transfer: Schema.optionalKey(Schema.String),
      disposition: Schema.optionalKey(Schema.Struct({ attached_pic: Schema.optionalKey(Schema.Finite) })),
    }),
  ),
  format: Schema.optionalKey(Schema.Struct({ duration: Schema.optionalKey(Schema.String) })),
})
const decodeProbe = Schema.decodeUnknownSync(Probe)

export interface FoundTracks {
  /** As it is stored, before it is turned; undefined: no picture. */
  readonly picture: { readonly width: number; readonly height: number; readonly isHdr: boolean } | undefined
  readonly sound: { readonly channels: number } | undefined
  /** What the headers say, seconds: good for a bar of progress, and for nothing else. Undefined: they say nothing. */
  readonly saidSeconds: number | undefined
}

/** @throws MediaRefused (media_unreadable, media_too_large), MediaCutOff */
export async function probeTracks(
  tool: Ffmpeg,
  work: Pick<FfmpegWork, "path" | "contentType" | "signal">,
): Promise<FoundTracks> {
  const { streams, format } = decodeProbe(await runFfprobe(tool, work))
  if (streams.length > maxStreams) {
    throw new MediaRefused("media_too_large", `The file has ${streams.length} tracks; ${maxStreams} are the most.`)
  }
  const picture = streams.find((each) => each.codec_type === "video" && each.disposition?.attached_pic !== 1)
  const sound = streams.find((each) => each.codec_type === "audio")
  const said = Number(format?.duration)
  return {
    picture: picture && sizeOf(picture),
    sound: sound && { channels: sound.channels ?? 1 },
    saidSeconds: Number.isFinite(said) && said > 0 ? said : undefined,
  }
}

function sizeOf({
  width = 0,
  height = 0,
  color_transfer = "",
}: {
  readonly width?: number
  readonly height?: number
  readonly color_transfer?: string
}): NonNullable<FoundTracks["picture"]> {
  if (width < 1 || height < 1) throw new MediaRefused("media_unreadable", "The picture has no size.")
  if (Math.max(width, height) > maxSide || width * height > maxPixels) {
    throw new MediaRefused("media_too_large", `The picture has ${width} × ${height} points; 7680 × 4320 are the most.`)
  }
  return { width, height, isHdr: color_transfer === "smpte2084" || color_transfer === "arib-std-b67" }
}
